package codec

import (
	"bytes"
	"compress/lzw"
	"io"
)

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
	if palette == nil {
		palette = global
	}
	bits := int(r.u8())
	width, height = max(width, left+w), max(height, top+h)
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	if bits < 1 || bits > 11 {
		return nil, damaged("GIF", "its code size")
	}
	body := gifBlocks(r)
	if err := plausible(w*h, len(body), lzwRatio); err != nil {
		return nil, err
	}
	indexes := make([]uint8, w*h)
	codes := lzw.NewReader(bytes.NewReader(body), lzw.LSB, min(bits, 8))
	if _, err := io.ReadFull(codes, indexes); err != nil {
		return nil, broken("GIF", err)
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

// gifPalette is the colour table that the flags announce, or nil.
func gifPalette(r *reader, flags uint8) []uint8 {
	if flags&0x80 == 0 {
		return nil
	}
	return r.bytes(3 << (flags&7 + 1))
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
