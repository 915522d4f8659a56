package codec

// decodeGIF reads the first frame. Outside of it lies the transparent colour,
// or colour 0 when there is none; the picture grows to hold all of it.
func decodeGIF(data []byte) (*Image, error) {
	r := &reader{data: data, at: 6}
	width, height := int(r.le16()), int(r.le16())
	flags := r.u8()
	r.skip(2)
	global := gifPalette(r, flags)
	outside := 0
	for {
		switch block := r.u8(); {
		case r.short:
			return nil, errTruncated
		case block == 0x21: // an extension
			label, body := r.u8(), gifBlocks(r)
			if label == 0xF9 && len(body) >= 4 && body[0]&1 != 0 {
				outside = int(body[3])
			}
		case block == 0x2C:
			return gifFrame(r, width, height, outside, global)
		case block == 0x3B:
			return nil, damaged("GIF", "it holds no frame")
		}
	}
}

func gifFrame(r *reader, width, height, outside int, global []uint8) (*Image, error) {
	left, top, w, h := int(r.le16()), int(r.le16()), int(r.le16()), int(r.le16())
	flags := r.u8()
	palette := gifPalette(r, flags)
	if flags&0x80 == 0 {
		palette = global
	}
	bits := int(r.u8())
	width, height = max(width, left+w), max(height, top+h)
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	if bits > gifBits {
		return nil, damaged("GIF", "its code size")
	}
	if w == 0 || h == 0 {
		return nil, damaged("GIF", "its frame is empty")
	}
	if err := plausible(w*h, len(r.data)-r.at, lzwRatio); err != nil {
		return nil, err
	}
	indexes := make([]uint8, w*h)
	if err := gifExpand(&gifReader{data: r.data[r.at:]}, bits, indexes); err != nil {
		return nil, err
	}
	colors := gifColors(palette)
	p := newImage(width, height)
	if w*h < width*height {
		for x := 0; x < len(p.Pix); x += 3 {
			copy(p.Pix[x:], colors[outside][:])
		}
	}
	passes := [][2]int{{0, 1}} // first row and step
	if flags&0x40 != 0 {       // interlaced
		passes = [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	for _, pass := range passes {
		for y := pass[0]; y < h; y += pass[1] {
			to := p.row(top + y)[left*3:]
			for x, index := range indexes[:w] {
				copy(to[x*3:], colors[index][:])
			}
			indexes = indexes[w:]
		}
	}
	return p, nil
}

// gifColors are the colours of the indexes: black beyond the palette, gray without one.
func gifColors(palette []uint8) (colors [256][3]uint8) {
	for i := range colors {
		switch {
		case palette == nil:
			colors[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		case len(palette) >= 3*(i+1):
			colors[i] = [3]uint8(palette[3*i:])
		}
	}
	return colors
}

// gifPalette is the colour table that the flags announce; nil where there is none, or it says what gray says.
func gifPalette(r *reader, flags uint8) []uint8 {
	if flags&0x80 == 0 {
		return nil
	}
	palette := r.bytes(3 << (flags&7 + 1))
	for i, v := range palette {
		if int(v) != i/3 {
			return palette
		}
	}
	return nil
}

// gifBlocks joins sub-blocks, up to the empty one or the file's end.
func gifBlocks(r *reader) []uint8 {
	var all []uint8
	for {
		n := int(r.u8())
		if n == 0 {
			return all
		}
		all = append(all, r.bytes(min(n, len(r.data)-r.at))...)
	}
}

// gifBits are the most bits that a code has.
const gifBits = 12

// gifReader takes codes from sub-blocks. As in Pillow an empty one does not end them: who has all pixels stops.
type gifReader struct {
	data  []uint8
	block int // bytes of it that are left
	bits  uint32
	count int // of bits
}

// code is the next one of that many bits, false where the blocks end.
func (r *gifReader) code(size int) (int, bool) {
	for r.count < size {
		if len(r.data) == 0 {
			return 0, false
		}
		b := r.data[0]
		r.data = r.data[1:]
		if r.block > 0 {
			r.bits, r.count, r.block = r.bits|uint32(b)<<r.count, r.count+8, r.block-1
		} else if r.block = int(b); r.block > len(r.data) {
			return 0, false
		}
	}
	code := r.bits & (1<<size - 1)
	r.bits, r.count = r.bits>>size, r.count-size
	return int(code), true
}

// gifExpand fills to. The table may be full, which leaves it as it is until it is cleared, and the code that ends the
// data may be missing.
func gifExpand(r *gifReader, bits int, to []uint8) error {
	const most = 1 << gifBits
	var prefix [most]uint16
	var last [most]uint8   // of each code's string
	var buffer [most]uint8 // a string, from its end
	clear, end := 1<<bits, 1<<bits+1
	size, next := bits+1, clear+2
	before := -1 // the code before this one
	var first uint8
	for len(to) > 0 {
		code, ok := r.code(size)
		switch {
		case !ok || code == end:
			return errTruncated
		case code == clear:
			size, next, before = bits+1, clear+2, -1
			continue
		case before < 0 && code > clear || code > next:
			return damaged("GIF", "its codes")
		}
		at, c := most, code
		if code == next && before >= 0 {
			at--
			buffer[at] = first
			c = before
		}
		for ; c >= clear; c = int(prefix[c]) {
			if at == 0 || c >= most {
				return damaged("GIF", "its codes")
			}
			at--
			buffer[at] = last[c]
		}
		first = uint8(c)
		to[0] = first
		to = to[1:]
		to = to[copy(to, buffer[at:]):]
		if before >= 0 && next < most {
			last[next], prefix[next] = first, uint16(before)
			if next == 1<<size-1 && size < gifBits {
				size++
			}
			next++
		}
		before = code
	}
	return nil
}
