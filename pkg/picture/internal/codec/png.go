package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

const pngMagic = "\x89PNG\r\n\x1A\n"

// Values of pngFile.kind.
const (
	pngGray, pngRGB, pngPalette, pngGrayAlpha, pngRGBA = 0, 2, 3, 4, 6
)

// pngFile is what the chunks of a PNG say.
type pngFile struct {
	width, height, depth int
	kind                 uint8
	interlaced           bool
	palette              [256][3]uint8
	body                 [][]byte // compressed, of every IDAT
	size                 int      // of body, in bytes
}

// decodePNG leaves transparency out as Pillow does: colours stay as they are stored. 16-bit gray is clipped to 255,
// 16-bit colour keeps its high byte. As in Pillow, checksums matter before the pixels only, and what comes after them
// may be missing.
func decodePNG(data []byte) (*Image, error) {
	f := &pngFile{kind: 255}
	if err := f.readChunks(data[len(pngMagic):]); err != nil {
		return nil, err
	}
	bits := f.depth * f.channels()
	if err := plausible(f.width*f.height/8*bits, f.size, deflateRatio); err != nil {
		return nil, err
	}
	parts := make([]io.Reader, len(f.body))
	for i, part := range f.body {
		parts[i] = bytes.NewReader(part)
	}
	z, err := zlib.NewReader(io.MultiReader(parts...))
	if err != nil {
		return nil, broken("PNG", err)
	}
	p := newImage(f.width, f.height)
	if f.interlaced {
		err = f.readInterlaced(z, p)
	} else {
		err = f.readRows(z, f.width, f.height, func(y int, pixels []uint8) { f.convert(p.row(y), pixels) })
	}
	return p, err
}

func (f *pngFile) channels() int { return [7]int{1, 0, 3, 1, 2, 0, 4}[f.kind] }

// pngChunk splits the first chunk off; its body may be cut short.
func pngChunk(data []byte) (name string, size int, body, rest []byte, ok bool) {
	if len(data) < 8 {
		return "", 0, nil, nil, false
	}
	name, size = string(data[4:8]), int(binary.BigEndian.Uint32(data))
	for _, c := range []byte(name) {
		if c|0x20 < 'a' && (c < '0' || c > '9') && c != '_' || c|0x20 > 'z' {
			return "", 0, nil, nil, false
		}
	}
	rest = data[8:]
	body = rest[:min(size, len(rest))]
	return name, size, body, rest[min(size+4, len(rest)):], true
}

// readChunks reads the headers, and finds the image data.
func (f *pngFile) readChunks(data []byte) error {
	for {
		name, size, body, rest, ok := pngChunk(data)
		switch {
		case !ok && len(data) < 8:
			return errTruncated
		case !ok:
			return damaged("PNG", "a chunk without a name")
		case name == "IEND":
			return damaged("PNG", "it holds no picture")
		case name == "IDAT":
			if f.kind == 255 {
				return damaged("PNG", "it has no header")
			}
			return f.readBody(data)
		case size+4 > len(data)-8:
			return errTruncated
		case crc32.ChecksumIEEE(data[4:8+size]) != binary.BigEndian.Uint32(data[8+size:]):
			return damaged("PNG", "wrong checksum of "+name)
		}
		if err := f.readChunk(name, body); err != nil {
			return err
		}
		data = rest
	}
}

func (f *pngFile) readChunk(name string, body []byte) error {
	least := map[string]int{"IHDR": 13, "tRNS": 2, "gAMA": 4, "cHRM": 32, "sRGB": 1, "pHYs": 9}[name]
	switch {
	case len(body) < least && (name != "tRNS" || f.kind == pngGray || f.kind == pngRGB):
		return damaged("PNG", name+" is too short")
	case name == "PLTE" && f.kind == pngPalette:
		if len(body) > 768 {
			return damaged("PNG", "its palette")
		}
		for i := range len(body) / 3 {
			f.palette[i] = [3]uint8(body[3*i:])
		}
	case name == "IHDR":
		f.width, f.height = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
		f.depth, f.kind, f.interlaced = int(body[8]), body[9], body[12] != 0
		depths := map[uint8]string{pngGray: "\x01\x02\x04\x08\x10", pngRGB: "\x08\x10", pngPalette: "\x01\x02\x04\x08",
			pngGrayAlpha: "\x08\x10", pngRGBA: "\x08\x10"}[f.kind]
		if strings.IndexByte(depths, body[8]) < 0 || body[11] != 0 {
			return damaged("PNG", "its header")
		}
		return checkSize(f.width, f.height)
	}
	return nil
}

// readBody collects the image data. A chunk after it that is cut short is an error, one that is missing is not.
func (f *pngFile) readBody(data []byte) error {
	inside := true
	for {
		name, size, body, rest, ok := pngChunk(data)
		switch {
		case !ok || name == "IEND":
			return nil
		case name == "IDAT" && inside:
			f.body, f.size = append(f.body, body), f.size+len(body)
		case size > len(body):
			return errTruncated
		default:
			inside = false
		}
		data = rest
	}
}

// readRows unfilters rows of the picture or of a pass. Where the data ends before them they stay as they are.
func (f *pngFile) readRows(z io.Reader, width, height int, put func(y int, pixels []uint8)) error {
	bits := f.depth * f.channels()
	above, row := make([]uint8, 1+(width*bits+7)/8), make([]uint8, 1+(width*bits+7)/8)
	for y := range height {
		if n, err := io.ReadFull(z, row); n == 0 && err == io.EOF {
			return nil
		} else if err != nil {
			return broken("PNG", err)
		}
		if err := pngUnfilter(row[0], row[1:], above[1:], max(1, bits/8)); err != nil {
			return err
		}
		put(y, row[1:])
		above, row = row, above
	}
	if f.interlaced { // more passes may come
		return nil
	}
	return pngEnd(z)
}

// pngEnd is an error where what follows the last row is damaged; it may be missing, or more than there should be.
func pngEnd(z io.Reader) error {
	n, err := io.ReadFull(z, make([]byte, 1))
	if n == 0 && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("PNG", err)
	}
	return nil
}

// readInterlaced reads the seven passes of Adam7.
func (f *pngFile) readInterlaced(z io.Reader, p *Image) error {
	for _, pass := range [7][4]int{ // first column and row, steps
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		width, height := (f.width-pass[0]+pass[2]-1)/pass[2], (f.height-pass[1]+pass[3]-1)/pass[3]
		if width <= 0 || height <= 0 {
			continue
		}
		rgb := make([]uint8, width*3)
		err := f.readRows(z, width, height, func(y int, pixels []uint8) {
			f.convert(rgb, pixels)
			to := p.row(pass[1] + y*pass[3])
			for x := range width {
				copy(to[(pass[0]+x*pass[2])*3:][:3], rgb[x*3:])
			}
		})
		if err != nil {
			return err
		}
	}
	return pngEnd(z)
}

// pngUnfilter undoes the filter of a row; step is the bytes of a pixel.
func pngUnfilter(filter uint8, row, above []uint8, step int) error {
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i := range row {
			row[i] += above[i]
		}
	case 3:
		for i := range row {
			left := 0
			if i >= step {
				left = int(row[i-step])
			}
			row[i] += uint8((left + int(above[i])) / 2)
		}
	case 4:
		for i := range min(step, len(row)) {
			row[i] += above[i]
		}
		for i := step; i < len(row); i++ {
			row[i] += paeth(int(row[i-step]), int(above[i]), int(above[i-step]))
		}
	default:
		return damaged("PNG", fmt.Sprintf("a row has the filter %d", filter))
	}
	return nil
}

// paeth is the one of left, above and above left that left + above - corner is nearest to.
func paeth(left, above, corner int) uint8 {
	toLeft, toAbove := above-corner, left-corner
	toCorner := toLeft + toAbove
	toLeft, toAbove, toCorner = max(toLeft, -toLeft), max(toAbove, -toAbove), max(toCorner, -toCorner)
	switch {
	case toLeft <= toAbove && toLeft <= toCorner:
		return uint8(left)
	case toAbove <= toCorner:
		return uint8(above)
	}
	return uint8(corner)
}

// convert makes RGB of a row's samples.
func (f *pngFile) convert(to, from []uint8) {
	size := f.depth * f.channels() / 8 // bytes of a pixel, where it has any
	switch {
	case f.kind == pngRGB || f.kind == pngRGBA:
		step := f.depth / 8
		copyRow(to, from, size, 0, step, 2*step)
	case f.kind == pngGray && f.depth == 16:
		clipRow(to, from, size)
	case f.kind != pngPalette && f.depth >= 8:
		copyRow(to, from, size, 0, 0, 0)
	default:
		most := uint8(1<<f.depth - 1)
		for x := range len(to) / 3 {
			at := x * f.depth
			v := from[at/8] >> (8 - f.depth - at%8) & most
			if f.kind == pngPalette {
				copy(to[x*3:], f.palette[v][:])
			} else {
				v *= 255 / most
				to[x*3], to[x*3+1], to[x*3+2] = v, v, v
			}
		}
	}
}

// copyRow takes red, green and blue from those bytes of each pixel of that size.
func copyRow(to, from []uint8, size, red, green, blue int) {
	for x := 0; x+2 < len(to); x += 3 {
		to[x], to[x+1], to[x+2] = from[red], from[green], from[blue]
		from = from[min(size, len(from)):]
	}
}

// clipRow makes gray of big-endian 16-bit numbers: above 255 is white, as in Pillow.
func clipRow(to, from []uint8, size int) {
	for x := 0; x+2 < len(to); x += 3 {
		v := from[1]
		if from[0] > 0 {
			v = 255
		}
		to[x], to[x+1], to[x+2] = v, v, v
		from = from[min(size, len(from)):]
	}
}
