package codec

import (
	"bytes"
	"errors"
	"math/bits"
	"slices"
)

func isBMP(start []byte) bool {
	const reserved = 6
	return bytes.HasPrefix(start, []byte("BM")) && len(start) >= 10 && bytes.Equal(start[reserved:10], make([]byte, 4))
}

// bmp is what stands before the pixels of a bitmap.
type bmp struct {
	width, height, depth int
	flipped              bool // rows from the top
	compression          int
	masks                [3]uint32 // of red, green and blue
	palette              [256][3]uint8
	body                 []byte
}

// Values of bmp.compression.
const (
	bmpPlain, bmpRLE8, bmpRLE4, bmpMasks = 0, 1, 2, 3
)

// decodeBMP reads Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits, bit fields and run lengths.
func decodeBMP(data []byte) (*Image, error) {
	b, err := bmpHeader(data)
	if err != nil {
		return nil, err
	}
	stride := (b.width*b.depth + 31) / 32 * 4
	switch {
	case b.compression == bmpRLE8 && b.depth == 8 || b.compression == bmpRLE4 && b.depth == 4:
		if err := plausible(b.width*b.height, len(b.body), 256*256); err != nil {
			return nil, err
		}
		b.body, stride, b.depth = runLengths(b.body, b.width, b.height, b.depth == 4), b.width, 8
	case b.compression != bmpPlain && (b.compression != bmpMasks || b.depth != 16 && b.depth != 24 && b.depth != 32):
		return nil, errors.New("the BMP is compressed in a way that is not read; save it as PNG")
	}
	if len(b.body) < stride*(b.height-1)+(b.width*b.depth+7)/8 {
		return nil, errTruncated
	}
	if !slices.Contains([]int{1, 4, 8, 16, 24, 32}, b.depth) {
		return nil, errors.New("the BMP has an odd number of bits a pixel; save it as PNG")
	}
	p := newImage(b.width, b.height)
	for y := range b.height {
		from := b.body[stride*y:]
		if !b.flipped {
			y = b.height - 1 - y
		}
		b.row(p.row(y), from)
	}
	return p, nil
}

// bmpHeader reads the headers and the palette.
func bmpHeader(data []byte) (*bmp, error) {
	b := &bmp{masks: [3]uint32{0xFF0000, 0xFF00, 0xFF}}
	r := &reader{data: data, at: 10}
	offset := int(r.le32())
	start := r.at
	size := int(r.le32())
	colors, entry := 0, 4 // in the palette, and bytes of each
	if size == 12 {
		b.width, b.height = int(r.le16()), int(r.le16())
		r.skip(2)
		b.depth, entry = int(r.le16()), 3
	} else {
		b.width, b.height = int(int32(r.le32())), int(int32(r.le32()))
		r.skip(2)
		b.depth, b.compression = int(r.le16()), int(r.le32())
		r.skip(12)
		colors = int(r.le32())
		r.skip(4)
	}
	b.flipped, b.height = b.height < 0, max(b.height, -b.height)
	if r.short {
		return nil, errTruncated
	}
	if err := checkSize(b.width, b.height); err != nil {
		return nil, err
	}
	if b.depth == 16 {
		b.masks = [3]uint32{0x7C00, 0x3E0, 0x1F}
	}
	if b.compression == bmpMasks { // in the header or right after it
		if given := [3]uint32{r.le32(), r.le32(), r.le32()}; given != [3]uint32{} {
			b.masks = given
		}
		start = max(start, r.at-size)
	}
	if b.depth <= 8 {
		if colors <= 0 || colors > 256 {
			colors = 1 << b.depth
		}
		r.at = start + size
		for i := range colors {
			if bgr := r.bytes(entry); bgr != nil {
				b.palette[i] = [3]uint8{bgr[2], bgr[1], bgr[0]}
			}
		}
	}
	if offset > len(data) {
		return nil, errTruncated
	}
	b.body = data[offset:]
	return b, nil
}

// row converts a row of the picture's pixels.
func (b *bmp) row(to, from []uint8) {
	switch {
	case b.depth <= 8:
		for x := range b.width {
			at := x * b.depth
			index := from[at/8] >> (8 - b.depth - at%8) & (1<<b.depth - 1)
			copy(to[x*3:], b.palette[index][:])
		}
	case b.depth == 24:
		copyRow(to, from, 3, 2, 1, 0)
	default:
		for x := range b.width {
			pixel := uint32(from[x*b.depth/8]) | uint32(from[x*b.depth/8+1])<<8
			if b.depth == 32 {
				pixel |= uint32(from[x*4+2])<<16 | uint32(from[x*4+3])<<24
			}
			for i, mask := range b.masks {
				if mask != 0 {
					low := bits.TrailingZeros32(mask)
					to[x*3+i] = uint8(uint64(pixel&mask>>low) * 255 / uint64(mask>>low))
				}
			}
		}
	}
}

// runLengths expands RLE8 or RLE4 to one byte a pixel, rows from the bottom.
func runLengths(from []byte, width, height int, nibbles bool) []uint8 {
	out := make([]uint8, width*height)
	r := &reader{data: from}
	x, y := 0, 0
	put := func(v uint8) {
		if x < width && y < height {
			out[y*width+x] = v
		}
		x++
	}
	run := func(n int, value func(i int) uint8) {
		for i := range n {
			switch v := value(i); {
			case !nibbles:
				put(v)
			case i%2 == 0:
				put(v >> 4)
			default:
				put(v & 15)
			}
		}
	}
	for !r.short && y < height {
		n, v := int(r.u8()), r.u8()
		switch {
		case n > 0:
			run(n, func(int) uint8 { return v })
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return out
		case v == 2:
			x += int(r.u8())
			y += int(r.u8())
		case nibbles:
			literal := r.bytes((int(v) + 1) / 2)
			run(len(literal)*2-int(v&1), func(i int) uint8 { return literal[i/2] })
			r.at += r.at & 1
		default:
			literal := r.bytes(int(v))
			run(len(literal), func(i int) uint8 { return literal[i] })
			r.at += r.at & 1
		}
	}
	return out
}
