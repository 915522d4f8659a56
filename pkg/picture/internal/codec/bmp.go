package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

func isBMP(start []byte) bool { return bytes.HasPrefix(start, []byte("BM")) && len(start) >= 14 }

// isDIB is a bitmap without the header of a file, as clipboards keep it: one plane, after the size and the sides.
func isDIB(start []byte) bool {
	return len(start) >= 14 && (bytes.HasPrefix(start, []byte("\x0C\x00\x00\x00")) && start[8] == 1 && start[9] == 0 ||
		bytes.IndexByte([]byte{40, 52, 56, 64, 108, 124}, start[0]) >= 0 &&
			bytes.Equal(start[1:4], make([]byte, 3)) && start[12] == 1 && start[13] == 0)
}

// bmp is what stands before the pixels of a bitmap.
type bmp struct {
	width, height, depth int
	flipped              bool // rows from the top
	compression          int
	masks                [3]uint32 // of red, green and blue
	palette              [256][3]uint8
	stored               int // bits of an index as Pillow reads it
	data                 []byte
	offset               int // of the pixels
}

// Values of bmp.compression.
const (
	bmpPlain, bmpRLE8, bmpRLE4, bmpMasks = 0, 1, 2, 3
)

// decodeBMP reads Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits, bit fields and run lengths.
func decodeBMP(data []byte) (*Image, error) {
	if len(data) < 14 {
		return nil, errTruncated
	}
	return decodeBitmap(data, 14, int(binary.LittleEndian.Uint32(data[10:])))
}

func decodeDIB(data []byte) (*Image, error) { return decodeBitmap(data, 0, 0) }

func decodeBitmap(data []byte, header, offset int) (*Image, error) {
	b, err := bmpHeader(data, header, offset)
	if err != nil {
		return nil, err
	}
	stride := (b.width*b.depth + 31) / 32 * 4
	body := data[min(b.offset, len(data)):]
	switch {
	case (b.compression == bmpRLE8 || b.compression == bmpRLE4) && b.depth <= 8:
		if err := plausible(b.width*b.height, len(body), 256*256); err != nil {
			return nil, err
		}
		if body = b.runLengths(); len(body) < b.width*b.height {
			return nil, errTruncated
		}
		stride, b.depth, b.stored = b.width, 8, 8
	case b.compression != bmpPlain && (b.compression != bmpMasks || b.depth != 16 && b.depth != 24 && b.depth != 32):
		return nil, errors.New("the BMP is compressed in a way that is not read; save it as PNG")
	}
	if len(body) < stride*(b.height-1)+(b.width*b.depth+7)/8 {
		return nil, errTruncated
	}
	if !slices.Contains([]int{1, 4, 8, 16, 24, 32}, b.depth) {
		return nil, errors.New("the BMP has an odd number of bits a pixel; save it as PNG")
	}
	if b.depth <= 8 && (b.width*b.stored+7)/8 > stride {
		return nil, damaged("BMP", "its palette")
	}
	p := newImage(b.width, b.height)
	for y := range b.height {
		from := body[stride*y:]
		if !b.flipped {
			y = b.height - 1 - y
		}
		b.row(p.row(y), from)
	}
	return p, nil
}

// bmpHeader reads what begins at a place of the file, and the palette after it.
func bmpHeader(data []byte, at, offset int) (*bmp, error) {
	b := &bmp{masks: [3]uint32{0xFF0000, 0xFF00, 0xFF}, data: data}
	r := &reader{data: data, at: at}
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
	end := at + size               // of the header
	if b.compression == bmpMasks { // in the header or right after it
		if given := [3]uint32{r.le32(), r.le32(), r.le32()}; given != [3]uint32{} {
			b.masks = given
		}
		end = max(end, r.at)
	}
	b.offset = offset
	if b.depth <= 8 {
		if colors == 0 {
			colors = 1 << b.depth
		}
		if colors > 1<<16 {
			return nil, damaged("BMP", "its palette")
		}
		if offset == at+size { // which forgets the palette
			b.offset += entry * colors
		}
		r.at = min(end, len(data))
		end += entry * colors
		if !b.readPalette(r.bytes(min(entry*colors, len(data)-r.at)), entry, colors) {
			return nil, damaged("BMP", "its palette")
		}
	}
	if offset == 0 {
		b.offset = end
	}
	return b, nil
}

// readPalette takes the colours, blue first. As in Pillow one that says what gray says is left out: indexes are
// shades, of at most two colours bits.
func (b *bmp) readPalette(from []byte, entry, colors int) bool {
	gray := len(from) >= entry*(colors-1)+3
	for i := range len(from) / entry {
		bgr, shade := from[i*entry:], uint8(i)
		if colors == 2 {
			shade *= 255
		}
		gray = gray && bgr[0] == shade && bgr[1] == shade && bgr[2] == shade
		if i < 256 {
			b.palette[i] = [3]uint8{bgr[2], bgr[1], bgr[0]}
		}
	}
	b.stored = b.depth
	switch {
	case gray && colors <= 2:
		b.stored, b.palette[1] = 1, [3]uint8{255, 255, 255}
	case gray:
		b.stored = 8
		for i := range b.palette {
			b.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		}
	case len(from)/entry > 256:
		return false
	}
	return true
}

// row converts a row of the picture's pixels.
func (b *bmp) row(to, from []uint8) {
	switch {
	case b.depth <= 8:
		for x := range b.width {
			at := x * b.stored
			index := from[at/8] >> (8 - b.stored - at%8) & (1<<b.stored - 1)
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

// runLengths expands RLE8 or RLE4 to one byte a pixel, rows from the bottom, as far as it goes: as Pillow does, runs
// end with their rows, and a row ends where it is full already.
func (b *bmp) runLengths() []uint8 {
	size := b.width * b.height
	out := make([]uint8, 0, size)
	r := &reader{data: b.data, at: min(b.offset, len(b.data))}
	nibbles := b.compression == bmpRLE4
	run := func(n int, value func(i int) uint8) {
		for i := range n {
			switch v := value(i); {
			case !nibbles:
				out = append(out, v)
			case i%2 == 0:
				out = append(out, v>>4)
			default:
				out = append(out, v&15)
			}
		}
	}
	blank := func(n int) { out = append(out, make([]uint8, min(n, size-len(out)))...) }
	x := 0
	for len(out) < size {
		n, v := int(r.u8()), r.u8()
		switch {
		case r.short:
			return out
		case n > 0:
			n = min(n, max(0, b.width-x), size-len(out))
			run(n, func(int) uint8 { return v })
			x += n
		case v == 0:
			blank((b.width - len(out)%b.width) % b.width)
			x = 0
		case v == 1:
			return out
		case v == 2:
			right, up := int(r.u8()), int(r.u8())
			if r.short {
				return out
			}
			blank(right + up*b.width)
			x = len(out) % b.width
		default:
			n = min(int(v), size-len(out))
			bytes := n
			if nibbles {
				bytes = (n + 1) / 2
			}
			literal := r.bytes(min(bytes, len(r.data)-r.at))
			if len(literal) < bytes {
				n = len(literal)
			}
			run(n, func(i int) uint8 {
				if nibbles {
					i /= 2
				}
				return literal[i]
			})
			if len(literal) < bytes {
				return out
			}
			x += int(v)
			r.at += r.at & 1
		}
	}
	return out
}
