package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"

	_ "image/gif"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

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
	if bytes.HasPrefix(data, []byte{0xFF, 0xD8, 0xFF}) {
		w, h, pix, err := jpeg.Decode(data, checkSize)
		if err != nil {
			return nil, err
		}
		return &Picture{w, h, pix}, nil
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, errors.New("this is not a picture")
	}
	if err := checkSize(config.Width, config.Height); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the picture is damaged (%w)", err)
	}
	p, bounds := New(config.Width, config.Height), img.Bounds()
	for y := range p.Height {
		for x := range p.Width {
			r, g, b, _ := img.At(bounds.Min.X+x, bounds.Min.Y+y).RGBA()
			copy(p.Pix[(y*p.Width+x)*3:], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)})
		}
	}
	return p, nil
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
