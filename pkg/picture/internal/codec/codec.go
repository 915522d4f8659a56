// Package codec decodes pictures to Pillow's pixels: RGB, the first frame, alpha dropped.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

// Image is 8-bit RGB, three bytes a pixel, rows from the top.
type Image struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3]
}

func newImage(width, height int) *Image {
	return &Image{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
}

func (p *Image) row(y int) []uint8 { return p.Pix[y*p.Width*3:][:p.Width*3] }

type format struct {
	extensions string
	is         func(start []byte) bool
	decode     func(data []byte) (*Image, error)
}

// formats are told apart by how their files start, whatever their names. (As a function: a program that decodes nothing
// links no decoder.)
func formats() []format {
	return []format{
		{".jpg .jpeg", starts("\xFF\xD8\xFF"), decodeJPEG},
		{".png", starts(pngMagic), decodePNG},
		{".ppm .pgm", isPNM, decodePNM},
		{".bmp", isBMP, decodeBMP},
		{"", isDIB, decodeDIB},
		{".gif", starts("GIF87a", "GIF89a"), decodeGIF},
		{".tif .tiff", starts("II*\x00", "MM\x00*", "II+\x00", "MM\x00+"), decodeTIFF},
		{".webp", isWebP, decodeWebP},
		{".jp2 .j2k", starts(jp2Magic, "\xFF\x4F\xFF\x51"), decodeJPEG2000},
	}
}

func starts(magic ...string) func([]byte) bool {
	return func(start []byte) bool {
		for _, m := range magic {
			if bytes.HasPrefix(start, []byte(m)) {
				return true
			}
		}
		return false
	}
}

// Extensions are those of the formats that are read, in lower case, with their dots.
func Extensions() []string {
	var list []string
	for _, f := range formats() {
		list = append(list, strings.Fields(f.extensions)...)
	}
	return list
}

// StartLength is how many bytes tell the format.
const StartLength = 16

// Known is whether a file that starts so is of a format that is read.
func Known(start []byte) bool { return decoder(start) != nil }

func decoder(start []byte) func([]byte) (*Image, error) {
	for _, f := range formats() {
		if f.is(start) {
			return f.decode
		}
	}
	return nil
}

// Decode reads a picture from the bytes of its file. A rotation in its EXIF is not applied, but that of a TIFF is.
func Decode(data []byte) (*Image, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	decode := decoder(data)
	if decode == nil {
		return nil, notRead(data)
	}
	return decode(data)
}

// unread are formats that are known but not read, and who writes them.
var unread = []struct {
	name string
	is   func(start []byte) bool
}{
	{"an AVIF", brand("avif", "avis")},
	{"a HEIC (as iPhones take)", brand("heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1")},
	{"a JPEG XL", starts("\x00\x00\x00\x0CJXL ", "\xFF\x0A")},
	{"an ICO", starts("\x00\x00\x01\x00")},
	{"a Photoshop", starts("8BPS")},
}

// brand is a file of ISO base media whose first brand is one of those.
func brand(names ...string) func([]byte) bool {
	return func(start []byte) bool {
		return len(start) >= 12 && string(start[4:8]) == "ftyp" && slices.Contains(names, string(start[8:12]))
	}
}

// notRead says what a file is instead, as far as its start tells.
func notRead(start []byte) error {
	for _, f := range unread {
		if f.is(start) {
			return fmt.Errorf("this is %s picture, which is not read, whatever its name says; save it as JPEG or PNG",
				f.name)
		}
	}
	return errors.New("this is not a picture (JPEG, PNG, WebP, TIFF, GIF, BMP and PPM are read)")
}

func decodeJPEG(data []byte) (*Image, error) {
	width, height, pix, err := jpeg.Decode(data, checkSize)
	if err != nil {
		return nil, err
	}
	return &Image{Width: width, Height: height, Pix: pix}, nil
}

// maxPixels is where Pillow refuses a picture as a decompression bomb.
const maxPixels = 178_956_970

func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("the picture is empty (%d by %d pixels)", width, height)
	case width > maxPixels/height:
		return fmt.Errorf("the picture claims %d by %d pixels, more than the %d that are read; make it smaller", width,
			height, maxPixels)
	}
	return nil
}
