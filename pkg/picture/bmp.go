package picture

import (
	"errors"
	"math/bits"
)

// decodeBMP reads Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits, bit
// fields and run lengths.
func decodeBMP(data []byte) (*Picture, error) {
	r := &reader{data: data, at: 10}
	offset := int(r.le32())
	start := r.at
	size := int(r.le32())
	var width, height, depth, compression, colors int
	entry := 4 // bytes of a palette's entry
	if size == 12 {
		width, height = int(r.le16()), int(r.le16())
		r.skip(2)
		depth, entry = int(r.le16()), 3
	} else {
		width, height = int(int32(r.le32())), int(int32(r.le32()))
		r.skip(2)
		depth, compression = int(r.le16()), int(r.le32())
		r.skip(12)
		colors = int(r.le32())
		r.skip(4)
	}
	flipped := height < 0
	height = max(height, -height)
	if r.short {
		return nil, errTruncated
	}
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	masks := [3]uint32{0xFF0000, 0xFF00, 0xFF}
	if depth == 16 {
		masks = [3]uint32{0x7C00, 0x3E0, 0x1F}
	}
	if compression == 3 && size != 12 { // in the header or right after it
		if given := [3]uint32{r.le32(), r.le32(), r.le32()}; given != [3]uint32{} {
			masks = given
		}
		start = max(start, r.at-size)
	}
	var palette [256][3]uint8
	if depth <= 8 {
		if colors <= 0 || colors > 256 {
			colors = 1 << depth
		}
		r.at = start + size
		for i := range colors {
			if bgr := r.bytes(entry); bgr != nil {
				palette[i] = [3]uint8{bgr[2], bgr[1], bgr[0]}
			}
		}
	}
	if offset > len(data) {
		return nil, errTruncated
	}
	body := data[offset:]
	stride := (width*depth + 31) / 32 * 4
	switch {
	case compression == 1 && depth == 8 || compression == 2 && depth == 4:
		if err := plausible(width*height, len(body), 256*256); err != nil {
			return nil, err
		}
		body, stride, depth = runLengths(body, width, height, depth == 4), width, 8
	case compression != 0 && compression != 3, compression == 3 && depth != 16 && depth != 24 && depth != 32:
		return nil, errors.New("the BMP is compressed in a way that is not read; save it as PNG")
	}
	if len(body) < stride*(height-1)+(width*depth+7)/8 {
		return nil, errTruncated
	}
	p := New(width, height)
	for y := range height {
		from := body[stride*y:]
		to := p.row(height - 1 - y)
		if flipped {
			to = p.row(y)
		}
		switch depth {
		case 1, 4, 8:
			for x := range width {
				at := x * depth
				index := from[at/8] >> (8 - depth - at%8) & (1<<depth - 1)
				copy(to[x*3:], palette[index][:])
			}
		case 24:
			copyRow(to, from, 3, 2, 1, 0)
		case 16, 32:
			for x := range width {
				pixel := uint32(from[x*depth/8]) | uint32(from[x*depth/8+1])<<8
				if depth == 32 {
					pixel |= uint32(from[x*4+2])<<16 | uint32(from[x*4+3])<<24
				}
				for i, mask := range masks {
					if mask != 0 {
						low := bits.TrailingZeros32(mask)
						to[x*3+i] = uint8(uint64(pixel&mask>>low) * 255 / uint64(mask>>low))
					}
				}
			}
		default:
			return nil, errors.New("the BMP has an odd number of bits a pixel; save it as PNG")
		}
	}
	return p, nil
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
