package picture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

const (
	// maxPixels is where Pillow refuses a picture as a decompression bomb.
	maxPixels = 178_956_970
	// maxBytes is more than a file of maxPixels can take.
	maxBytes = 4 << 30
)

var errNotPicture = errors.New("this is not a picture (JPEG, PNG, WebP, TIFF, GIF, BMP and PPM are read)")

// Open reads a picture as Pillow's Image.open(path).convert("RGB") does: the
// first frame, alpha dropped, a rotation in its EXIF not applied but that of a
// TIFF. The error is one sentence that begins with the path.
func Open(path string) (*Picture, error) {
	p, _, err := read(path)
	return p, err
}

// OpenUpright is Open with the rotation in the EXIF applied, as Pillow's
// ImageOps.exif_transpose does.
func OpenUpright(path string) (*Picture, error) {
	p, data, err := read(path)
	if err != nil {
		return nil, err
	}
	return p.upright(orientation(data)), nil
}

func read(path string) (*Picture, []byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, cannotRead(path, err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, data, nil
}

// readFile reads a whole file, but of a file that is not a picture only the start.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder; name a picture in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not an ordinary file")
	case info.Size() > maxBytes:
		return nil, errors.New("it is too large to be a picture")
	}
	start := make([]byte, min(info.Size(), 16))
	if _, err := io.ReadFull(file, start); err != nil {
		return nil, err
	}
	if decoder(start) == nil {
		return start, nil
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data[copy(data, start):])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	return data[:len(start)+n], nil
}

// Decode reads a picture from the bytes of its file, as Open does.
func Decode(data []byte) (*Picture, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	decode := decoder(data)
	if decode == nil {
		return nil, errNotPicture
	}
	return decode(data)
}

// decoder is the one for a file that starts so, whatever its name; nil if none is.
func decoder(start []byte) func([]byte) (*Picture, error) {
	has := func(magic string) bool { return bytes.HasPrefix(start, []byte(magic)) }
	switch {
	case has("\xFF\xD8\xFF"):
		return decodeJPEG
	case has("\x89PNG\r\n\x1A\n"):
		return decodePNG
	case has("GIF87a"), has("GIF89a"):
		return decodeGIF
	case has("RIFF") && len(start) >= 12 && string(start[8:12]) == "WEBP":
		return decodeWebP
	case has("II*\x00"), has("MM\x00*"), has("II+\x00"), has("MM\x00+"):
		return decodeTIFF
	case has("P") && len(start) > 2 && '1' <= start[1] && start[1] <= '6' && strings.IndexByte(" \t\r\n\v\f#", start[2]) >= 0:
		return decodePNM
	case has("BM") && len(start) >= 10 && start[6]|start[7]|start[8]|start[9] == 0: // reserved
		return decodeBMP
	}
	return nil
}

func decodeJPEG(data []byte) (*Picture, error) {
	width, height, pix, err := jpeg.Decode(data, checkSize)
	if err != nil {
		return nil, err
	}
	return &Picture{Width: width, Height: height, Pix: pix}, nil
}

func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("the picture is empty (%d by %d pixels)", width, height)
	case width > maxPixels/height:
		return fmt.Errorf("the picture claims %d by %d pixels, more than the %d that are read; make it smaller", width, height, maxPixels)
	}
	return nil
}
