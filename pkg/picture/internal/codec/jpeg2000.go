package codec

import (
	"encoding/binary"
	"errors"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg2000"
)

const jp2Magic = "\x00\x00\x00\x0CjP  "

// jp2 is what a JP2 file says of its codestream (ITU-T T.800, annex I).
type jp2 struct {
	codestream []byte
	colours    int // enumerated colour space; 0 is none
	palette    [][]uint8
}

const (
	coloursSYCC = 18
	coloursCMYK = 12
)

// decodeJPEG2000 reads codestreams and JP2 files, as Pillow's mode has them: gray, gray with alpha, RGB, RGBA.
func decodeJPEG2000(data []byte) (*Image, error) {
	f := jp2{codestream: data}
	if string(data[:min(len(data), len(jp2Magic))]) == jp2Magic {
		f = jp2{}
		if err := f.read(data, 0); err != nil {
			return nil, err
		}
		if f.codestream == nil {
			return nil, errTruncated
		}
	}
	p, err := jpeg2000.Decode(f.codestream, checkSize)
	if err != nil {
		return nil, err
	}
	for _, c := range p.Components {
		if c.DX != 1 || c.DY != 1 {
			return nil, errors.New(
				"this JPEG 2000 has fewer samples of colours than of light, which is not read; save it " +
					"as JPEG or PNG")
		}
	}
	if f.colours == coloursCMYK {
		return nil, errors.New("this JPEG 2000 is a CMYK picture, which is not read; save it as JPEG or PNG")
	}
	out := newImage(p.Width, p.Height)
	gray := len(p.Components) < 3
	planes := make([][]uint8, 3)
	for i := range planes {
		c := p.Components[0]
		if !gray {
			c = p.Components[i]
		}
		planes[i] = eightBits(c, gray && len(p.Components) == 1 && c.Bits > 8)
		if gray {
			planes[1], planes[2] = planes[0], planes[0]
			break
		}
	}
	for i := range p.Width * p.Height {
		pixel := out.Pix[3*i : 3*i+3]
		for k := range 3 {
			pixel[k] = planes[k][i]
		}
		switch {
		case f.palette != nil && gray:
			if int(pixel[0]) < len(f.palette) {
				copy(pixel, f.palette[pixel[0]])
			} else {
				clear(pixel)
			}
		case f.colours == coloursSYCC && !gray:
			pillowYCbCr(pixel, pixel[0], pixel[1], pixel[2])
		}
	}
	return out, nil
}

// eightBits are samples as Pillow's unpackers store them: the highest 8 bits, rounded, of which the topmost wrap; gray
// of more than 8 bits alone is cut at 255.
func eightBits(c jpeg2000.Component, clipped bool) []uint8 {
	out := make([]uint8, len(c.Samples))
	offset, shift := int32(0), 8-c.Bits
	if c.Signed {
		offset = 1 << (c.Bits - 1)
	}
	if clipped {
		for i, v := range c.Samples {
			out[i] = uint8(min(max((v+offset)<<(16-min(c.Bits, 16)), 0), 255))
		}
		return out
	}
	if shift < 0 {
		offset += 1 << (-shift - 1)
	}
	for i, v := range c.Samples {
		if v += offset; shift < 0 {
			v >>= -shift
		} else {
			v <<= shift
		}
		out[i] = uint8(v)
	}
	return out
}

// read goes through boxes, those of a JP2 header inside too.
func (f *jp2) read(data []byte, depth int) error {
	for len(data) >= 8 {
		length, kind := int(binary.BigEndian.Uint32(data)), string(data[4:8])
		head := 8
		if length == 1 && len(data) >= 16 {
			length, head = int(min(binary.BigEndian.Uint64(data[8:]), 1<<62)), 16
		}
		if length == 0 || length > len(data) {
			length = len(data)
		}
		if length < head {
			return damaged("JPEG 2000", "a box is shorter than its head")
		}
		body := data[head:length]
		switch kind {
		case "jp2h":
			if depth == 0 {
				if err := f.read(body, 1); err != nil {
					return err
				}
			}
		case "colr":
			if f.colours == 0 && len(body) >= 7 && body[0] == 1 {
				f.colours = int(binary.BigEndian.Uint32(body[3:]))
			}
		case "pclr":
			if err := f.readPalette(body); err != nil {
				return err
			}
		case "jp2c":
			if f.codestream == nil {
				f.codestream = body
			}
		}
		data = data[length:]
	}
	return nil
}

func (f *jp2) readPalette(b []byte) error {
	if len(b) < 3 {
		return errTruncated
	}
	entries, columns := int(binary.BigEndian.Uint16(b)), int(b[2])
	if columns < 3 || len(b) < 3+columns+entries*columns {
		return nil // of more than 8 bits, or of fewer colours: Pillow shows the numbers themselves
	}
	for _, bits := range b[3 : 3+columns] {
		if bits != 7 {
			return nil
		}
	}
	known := map[[3]uint8]bool{}
	for i := range entries { // Pillow leaves out colours that came before, and so moves those that follow
		colour := [3]uint8(b[3+columns+i*columns:][:3])
		if !known[colour] {
			known[colour] = true
			f.palette = append(f.palette, b[3+columns+i*columns:][:3])
		}
	}
	return nil
}
