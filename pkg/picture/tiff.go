package picture

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

// Values of tagCompression and tagPhotometric.
const (
	tiffPlain, tiffGroup3, tiffGroup4, tiffLZW, tiffJPEG   = 1, 3, 4, 5, 7
	tiffDeflate, tiffOldDeflate, tiffPackBits              = 8, 32946, 32773
	tiffWhiteIsZero, tiffBlackIsZero, tiffRGB, tiffPalette = 0, 1, 2, 3
	tiffCMYK, tiffYCbCr                                    = 5, 6
)

var errTIFF = errors.New("the TIFF holds a kind of picture that is not read; save it as PNG")

// tiff is the first picture of a file.
type tiff struct {
	ifd
	data                     []byte
	width, height            int
	bits, format             int // of one sample; format 1 unsigned, 2 signed, 3 float
	samples, kept            int // stored a pixel, and the first ones that matter
	compression, photometric int
	pixels                   []uint8 // [height, width, kept]
}

// decodeTIFF reads strips and tiles of gray, palette, RGB, CMYK and YCbCr. As
// Pillow does, it turns the picture as the file's orientation says.
func decodeTIFF(data []byte) (*Picture, error) {
	t := &tiff{ifd: readIFD(data), data: data}
	t.width, t.height = t.get(tagWidth, 0), t.get(tagHeight, 0)
	if err := checkSize(t.width, t.height); err != nil {
		return nil, err
	}
	t.bits, t.format, t.samples = t.get(tagBits, 1), t.get(tagFormat, 1), t.get(tagSamples, 1)
	t.compression, t.photometric = t.get(tagCompression, tiffPlain), t.get(tagPhotometric, tiffBlackIsZero)
	t.kept = 1
	switch t.photometric {
	case tiffWhiteIsZero, tiffBlackIsZero, tiffPalette:
	case tiffRGB:
		t.kept = min(t.samples, 4)
	case tiffYCbCr:
		t.kept = 3
	case tiffCMYK:
		t.kept = 4
	default:
		return nil, errTIFF
	}
	for _, n := range t.tags[tagBits] {
		if n != t.bits {
			return nil, errTIFF
		}
	}
	colour := t.photometric == tiffRGB || t.photometric == tiffCMYK || t.photometric == tiffYCbCr
	switch t.bits {
	case 1, 2, 4:
		if colour {
			return nil, errTIFF
		}
	case 8, 16:
	case 32:
		if colour || t.photometric == tiffPalette {
			return nil, errTIFF
		}
	default:
		return nil, errTIFF
	}
	if t.samples < t.kept || t.samples > 16 || colour && t.kept < 3 {
		return nil, errTIFF
	}
	if t.photometric == tiffPalette && (t.bits > 8 || len(t.tags[tagPalette]) < 3<<t.bits) {
		return nil, damaged("TIFF", "its palette")
	}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t.picture().upright(t.get(tagOrientation, 1)), nil
}

// read fills pixels from the strips or tiles.
func (t *tiff) read() error {
	w, h := t.width, min(t.get(tagRowsPerStrip, t.height), t.height)
	offsets, lengths := t.tags[tagStrips], t.tags[tagStripBytes]
	if t.get(tagTileWidth, 0) > 0 {
		w, h = t.get(tagTileWidth, 0), t.get(tagTileHeight, 0)
		offsets, lengths = t.tags[tagTiles], t.tags[tagTileBytes]
	}
	if w <= 0 || h <= 0 || w > maxPixels/h {
		return damaged("TIFF", "the size of its parts")
	}
	planes, stored := 1, t.samples
	if t.get(tagPlanar, 1) == 2 && t.samples > 1 {
		planes, stored = t.kept, 1
	}
	across, down := (t.width+w-1)/w, (t.height+h-1)/h
	if (across*w)*(down*h) > 4*t.width*t.height+1<<26 {
		return damaged("TIFF", "its parts are far larger than the picture")
	}
	if len(offsets) < across*down*planes {
		return errTruncated
	}
	if ratio := map[int]int{tiffPlain: 1, tiffLZW: lzwRatio, tiffDeflate: deflateRatio, tiffOldDeflate: deflateRatio, tiffPackBits: 64}[t.compression]; ratio > 0 {
		if err := plausible(t.width*t.height/8*t.bits, len(t.data), ratio); err != nil {
			return err
		}
	}
	t.pixels = make([]uint8, t.width*t.height*t.kept)
	stride := (w*stored*t.bits + 7) / 8
	for i, at := range offsets[:across*down*planes] {
		plane, x, y := i/(across*down), i%across*w, i/across%down*h
		rows := h
		if t.get(tagTileWidth, 0) == 0 {
			rows = min(h, t.height-y)
		}
		length := stride * rows
		if i < len(lengths) {
			length = lengths[i]
		}
		if at < 0 || at > len(t.data) || length < 0 {
			return errTruncated
		}
		part, err := t.expand(t.data[at:][:min(length, len(t.data)-at)], w, rows, stored, stride)
		if err != nil {
			return err
		}
		for row := range min(rows, t.height-y) {
			t.place(part[row*stride:][:stride], min(w, t.width-x), stored, plane, t.pixels[((y+row)*t.width+x)*t.kept:])
		}
	}
	return nil
}

// place reduces a row of samples to 8 bits: gray beyond is clipped as in
// Pillow, colour keeps its high byte.
func (t *tiff) place(from []uint8, width, stored, plane int, to []uint8) {
	wanted := min(stored, t.kept)
	if t.bits == 8 && stored == t.kept {
		copy(to[:width*stored], from)
		return
	}
	if t.bits == 8 && wanted == t.kept {
		for x := range width {
			copy(to[x*wanted:][:wanted], from[x*stored:])
		}
		return
	}
	for x := range width {
		for c := range wanted {
			i := x*stored + c
			var v uint8
			switch t.bits {
			case 8:
				v = from[i]
			case 16:
				v16 := int(t.order.Uint16(from[2*i:]))
				switch {
				case t.photometric > tiffBlackIsZero:
					v = uint8(v16 >> 8)
				case t.format == 2:
					v = clip(int(int16(v16)))
				default:
					v = clip(v16)
				}
			case 32:
				v32 := t.order.Uint32(from[4*i:])
				if t.format == 3 {
					v = uint8(max(0, min(255, math.Float32frombits(v32))))
				} else {
					v = clip(int(int32(v32)))
				}
			default:
				at := i * t.bits
				v = from[at/8] >> (8 - t.bits - at%8) & (1<<t.bits - 1)
				if t.photometric != tiffPalette {
					v *= uint8(255 / (1<<t.bits - 1))
				}
			}
			to[x*t.kept+plane+c] = v
		}
	}
}

func clip(v int) uint8 { return uint8(max(0, min(255, v))) }

// expand decompresses a part of w by h pixels and undoes its predictor.
func (t *tiff) expand(from []byte, w, h, stored, stride int) ([]byte, error) {
	if t.get(tagFillOrder, 1) == 2 && t.compression != tiffJPEG {
		reversed := make([]byte, len(from))
		for i, b := range from {
			reversed[i] = bits.Reverse8(b)
		}
		from = reversed
	}
	out := make([]byte, stride*h)
	var source io.Reader
	switch t.compression {
	case tiffPlain:
		source = bytes.NewReader(from)
	case tiffLZW:
		source = lzw.NewReader(bytes.NewReader(from), lzw.MSB, 8)
	case tiffDeflate, tiffOldDeflate:
		z, err := zlib.NewReader(bytes.NewReader(from))
		if err != nil {
			return nil, broken("TIFF", err)
		}
		source = z
	case tiffPackBits:
		return out, unpackBits(from, out)
	case tiffGroup3, tiffGroup4:
		format := ccitt.SubFormat(ccitt.Group3)
		if t.compression == tiffGroup4 {
			format = ccitt.Group4
		}
		if t.bits != 1 || t.samples != 1 || t.get(tagGroup3, 0)&1 != 0 {
			return nil, errTIFF
		}
		source = ccitt.NewReader(bytes.NewReader(from), ccitt.MSB, format, w, h, &ccitt.Options{Invert: true, Align: t.get(tagGroup3, 0)&4 != 0})
	case tiffJPEG:
		return t.expandJPEG(from, w, h, stored)
	default:
		return nil, errors.New("the TIFF is compressed in a way that is not read; save it as PNG")
	}
	if _, err := io.ReadFull(source, out); err != nil {
		return nil, broken("TIFF", err)
	}
	switch t.get(tagPredictor, 1) {
	case 1:
	case 2:
		for y := range h {
			t.accumulate(out[y*stride:][:stride], stored)
		}
	default:
		return nil, errTIFF
	}
	return out, nil
}

// accumulate undoes the predictor that stores differences from the pixel to the left.
func (t *tiff) accumulate(row []byte, stored int) {
	size := t.bits / 8
	for i := stored * size; i+size <= len(row) && size > 0; i += size {
		before := i - stored*size
		switch size {
		case 1:
			row[i] += row[before]
		case 2:
			t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[before:]))
		case 4:
			t.order.PutUint32(row[i:], t.order.Uint32(row[i:])+t.order.Uint32(row[before:]))
		}
	}
}

func unpackBits(from, to []byte) error {
	for len(to) > 0 {
		if len(from) < 2 {
			return errTruncated
		}
		n := int(int8(from[0]))
		switch {
		case n >= 0:
			if len(from) < n+2 {
				return errTruncated
			}
			to = to[copy(to, from[1:n+2]):]
			from = from[n+2:]
		case n == -128:
			from = from[1:]
		default:
			for i := range min(1-n, len(to)) {
				to[i] = from[1]
			}
			to, from = to[min(1-n, len(to)):], from[2:]
		}
	}
	return nil
}

// expandJPEG decodes a part that is a JPEG whose tables may lie elsewhere.
// What it gives is RGB, so the rest of the file is read as such.
func (t *tiff) expandJPEG(from []byte, w, h, stored int) ([]byte, error) {
	if t.bits != 8 || stored != t.samples || stored != 1 && stored != 3 || len(from) < 2 {
		return nil, errTIFF
	}
	// Adobe's marker tells the decoder what the colours are.
	transform := byte(0)
	if t.photometric == tiffYCbCr {
		transform = 1
	}
	file := append([]byte("\xFF\xD8\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00"), transform)
	if tables := t.tags[tagJPEGTables]; len(tables) > 4 {
		for _, b := range tables[2 : len(tables)-2] {
			file = append(file, byte(b))
		}
	}
	file = append(file, from[2:]...)
	_, _, rgb, err := jpeg.Decode(file, func(width, height int) error {
		if width != w || height < h || height > maxPixels/width {
			return damaged("TIFF", "the size of its parts")
		}
		return nil
	})
	if err != nil || stored == 3 {
		return rgb, err
	}
	gray := make([]byte, w*h)
	for i := range gray {
		gray[i] = rgb[3*i]
	}
	return gray, nil
}

// picture converts the samples' colours.
func (t *tiff) picture() *Picture {
	if t.photometric == tiffRGB && t.kept == 3 {
		return &Picture{Width: t.width, Height: t.height, Pix: t.pixels}
	}
	p := New(t.width, t.height)
	premultiplied := t.photometric == tiffRGB && t.kept == 4 && t.get(tagExtra, 0) == 1
	palette := t.tags[tagPalette]
	for i := range t.width * t.height {
		from, to := t.pixels[i*t.kept:][:t.kept], p.Pix[i*3:][:3]
		switch {
		case t.photometric == tiffPalette:
			n := len(palette) / 3
			for c := range to {
				to[c] = uint8(palette[c*n+int(from[0])] >> 8)
			}
		case t.photometric == tiffWhiteIsZero && t.bits <= 8:
			to[0], to[1], to[2] = ^from[0], ^from[0], ^from[0]
		case t.kept == 1:
			to[0], to[1], to[2] = from[0], from[0], from[0]
		case t.photometric == tiffCMYK:
			white := int(255 - from[3])
			for c := range to {
				ink := int(from[c])*white + 128
				to[c] = uint8(white - (ink>>8+ink)>>8)
			}
		case t.photometric == tiffYCbCr && t.compression != tiffJPEG:
			y, cb, cr := float64(from[0]), float64(from[1])-128, float64(from[2])-128
			to[0] = clip(int(math.Round(y + 1.402*cr)))
			to[1] = clip(int(math.Round(y - 0.344136*cb - 0.714136*cr)))
			to[2] = clip(int(math.Round(y + 1.772*cb)))
		case premultiplied:
			if alpha := int(from[3]); alpha > 0 {
				for c := range to {
					to[c] = clip(int(from[c]) * 255 / alpha)
				}
			}
		default:
			copy(to, from)
		}
	}
	return p
}
