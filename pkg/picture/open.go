package picture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

// maxPixels is where Pillow refuses a picture as a decompression bomb.
const maxPixels = 178_956_970

// Open reads a picture as Pillow's Image.open(path).convert("RGB") does: the
// first frame, alpha dropped, a rotation in its EXIF not applied. The error is
// one sentence that begins with the path.
func Open(path string) (*Picture, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// OpenUpright is Open with the rotation of the EXIF applied, as Pillow's
// ImageOps.exif_transpose.
func OpenUpright(path string) (*Picture, error) { return Open(path) }

// Decode reads a picture from the bytes of its file, as Open does.
func Decode(data []byte) (*Picture, error) {
	has := func(magic string) bool { return bytes.HasPrefix(data, []byte(magic)) }
	switch {
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	case has("\xFF\xD8\xFF"):
		w, h, pix, err := jpeg.Decode(data, checkSize)
		if err != nil {
			return nil, err
		}
		return &Picture{Width: w, Height: h, Pix: pix}, nil
	case has("\x89PNG\r\n\x1A\n"):
		return decodePNG(data)
	case has("GIF87a"), has("GIF89a"):
		return decodeGIF(data)
	case has("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return decodeWebP(data)
	case has("II*\x00"), has("MM\x00*"), has("II+\x00"), has("MM\x00+"):
		return decodeTIFF(data)
	case len(data) > 2 && data[0] == 'P' && '1' <= data[1] && data[1] <= '6' && strings.IndexByte(" \t\r\n\v\f#", data[2]) >= 0:
		return decodePNM(data)
	case has("BM"):
		return decodeBMP(data)
	}
	return nil, errors.New("this is not a picture that can be read (JPEG, PNG, WebP, TIFF, GIF, BMP and PPM can)")
}

func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("the picture is empty (%d by %d pixels)", width, height)
	case width > maxPixels/height:
		return fmt.Errorf("the picture claims %d by %d pixels, more than the %d that are read", width, height, maxPixels)
	}
	return nil
}
