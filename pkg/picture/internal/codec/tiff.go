package codec

import (
	"bytes"
	"cmp"
	oldlzw "compress/lzw"
	"compress/zlib"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
	"golang.org/x/image/tiff/lzw"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

// Values of tagCompression and tagPhotometric.
const (
	tiffPlain, tiffFax, tiffGroup3, tiffGroup4, tiffLZW    = 1, 2, 3, 4, 5
	tiffOldJPEG, tiffJPEG                                  = 6, 7
	tiffDeflate, tiffOldDeflate, tiffPackBits              = 8, 32946, 32773
	tiffLZMA, tiffZstd                                     = 34925, 50000
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
	colors                   *tiffColors
}

// decodeTIFF reads strips and tiles of gray, palette, RGB, CMYK and YCbCr. As
// Pillow does, it turns the picture as the file says.
func decodeTIFF(data []byte) (*Image, error) {
	t := &tiff{ifd: readIFD(data), data: data}
	if err := t.describe(); err != nil {
		return nil, err
	}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t.picture().Upright(t.orientation()), nil
}

// describe says what the tags say, and refuses what is not read.
func (t *tiff) describe() error {
	t.width, t.height = t.get(tagWidth, 0), t.get(tagHeight, 0)
	if err := checkSize(t.width, t.height); err != nil {
		return err
	}
	t.bits, t.format, t.samples = t.get(tagBits, 1), t.get(tagFormat, 1), t.get(tagSamples, 1)
	t.compression, t.photometric = t.get(tagCompression, tiffPlain), t.get(tagPhotometric, tiffWhiteIsZero)
	if t.compression == tiffOldJPEG {
		t.photometric, t.samples = tiffYCbCr, t.get(tagSamples, 3)
	}
	depths := map[int][]int{ // bits that each kind of picture may have
		tiffWhiteIsZero: {1, 2, 4, 8, 16, 32}, tiffBlackIsZero: {1, 2, 4, 8, 12, 16, 32}, tiffPalette: {1, 2, 4, 8, 16},
		tiffRGB: {8, 16}, tiffYCbCr: {8, 16}, tiffCMYK: {8, 16},
	}[t.photometric]
	t.kept = map[int]int{tiffRGB: max(3, min(t.samples, 4)), tiffYCbCr: 3, tiffCMYK: 4}[t.photometric]
	t.kept = max(t.kept, 1)
	if t.photometric == tiffYCbCr && t.samples == 1 { // luma alone
		t.photometric, t.kept = tiffBlackIsZero, 1
	}
	given := t.tags[tagBits]
	given = given[:min(len(given), max(t.samples, 0))] // some files have more
	odd := slices.ContainsFunc(given, func(n int) bool { return n != t.bits }) ||
		t.format == 3 && t.bits != 32 || t.format == 2 && t.photometric > tiffBlackIsZero
	if odd || !slices.Contains(depths, t.bits) || t.samples < t.kept || t.samples > 16 {
		return errTIFF
	}
	if t.photometric == tiffPalette && (t.bits > 8 || len(t.tags[tagPalette]) < 3<<t.bits) {
		return damaged("TIFF", "its palette")
	}
	return nil
}

// read fills pixels from the strips or tiles.
func (t *tiff) read() error {
	w, h := t.width, min(t.get(tagRowsPerStrip, t.height), t.height)
	offsets, lengths := t.tags[tagStrips], t.tags[tagStripBytes]
	tiled := t.get(tagTileWidth, 0) > 0
	if tiled {
		w, h = t.get(tagTileWidth, 0), t.get(tagTileHeight, 0)
		offsets, lengths = t.tags[tagTiles], t.tags[tagTileBytes]
	}
	if t.compression == tiffOldJPEG {
		return t.readOldJPEG()
	}
	if w <= 0 || h <= 0 || w > maxPixels/h {
		return damaged("TIFF", "the size of its parts")
	}
	planes, stored := 1, t.samples
	if t.get(tagPlanar, 1) == 2 && t.samples > 1 {
		planes, stored = t.kept, 1
	}
	across, down := (t.width+w-1)/w, (t.height+h-1)/h
	if err := t.enough(across*w, down*h); err != nil {
		return err
	}
	if len(offsets) < across*down*planes {
		return errTruncated
	}
	t.pixels = make([]uint8, t.width*t.height*t.kept)
	stride := (w*stored*t.bits + 7) / 8
	blocks := t.photometric == tiffYCbCr && t.bits == 8 && planes == 1 && t.compression != tiffPlain &&
		t.compression != tiffJPEG // of luma and what colour they share
	for i, at := range offsets[:across*down*planes] {
		plane, x, y := i/(across*down), i%across*w, i/across%down*h
		rows := h
		if !tiled {
			rows = min(h, t.height-y)
		}
		length := stride * rows
		if i < len(lengths) {
			length = lengths[i]
		}
		if at < 0 || at > len(t.data) || length < 0 {
			return errTruncated
		}
		from := t.data[at:][:min(length, len(t.data)-at)]
		if blocks {
			if err := t.placeBlocks(from, w, rows, x, y); err != nil {
				return err
			}
			continue
		}
		part, err := t.expand(from, w, rows, stored, stride)
		if err != nil {
			return err
		}
		for row := range min(rows, t.height-y) {
			t.place(part[row*stride:][:stride], min(w, t.width-x), stored, plane, t.pixels[((y+row)*t.width+x)*t.kept:])
		}
	}
	return nil
}

// enough refuses parts that together have w by h pixels where that is far more than
// the picture, and a picture that so few bytes cannot hold.
func (t *tiff) enough(w, h int) error {
	if w*h > 4*t.width*t.height+1<<26 {
		return damaged("TIFF", "its parts are far larger than the picture")
	}
	ratio := map[int]int{
		tiffPlain: 1, tiffLZW: lzwRatio, tiffDeflate: deflateRatio, tiffOldDeflate: deflateRatio, tiffPackBits: 64,
	}[t.compression]
	return plausible(t.width*t.height/8*t.bits, len(t.data), cmp.Or(ratio, math.MaxInt)) // others may shrink by any
}

// place reduces a row of samples to 8 bits.
func (t *tiff) place(from []uint8, width, stored, plane int, to []uint8) {
	if t.bits == 8 && stored == t.kept {
		copy(to[:width*stored], from)
		return
	}
	wanted := min(stored, t.kept)
	for x := range width {
		if t.bits == 8 {
			copy(to[x*t.kept+plane:][:wanted], from[x*stored:])
			continue
		}
		for c := range wanted {
			to[x*t.kept+plane+c] = t.sample(from, x*stored+c)
		}
	}
}

// sample is the i-th of a row as 8 bits: gray beyond is clipped as in Pillow, colour keeps its high byte.
func (t *tiff) sample(from []uint8, i int) uint8 {
	switch t.bits {
	case 12:
		at := i / 2 * 3
		if i%2 == 0 {
			return clip(int(from[at])<<4 | int(from[at+1])>>4)
		}
		return clip(int(from[at+1]&15)<<8 | int(from[at+2]))
	case 16:
		v := int(t.order.Uint16(from[2*i:]))
		switch {
		case t.photometric > tiffBlackIsZero:
			return uint8(v >> 8)
		case t.format == 2:
			return clip(int(int16(v)))
		}
		return clip(v)
	case 32:
		v := t.order.Uint32(from[4*i:])
		if t.format == 3 {
			return uint8(max(0, min(255, math.Float32frombits(v))))
		}
		return clip(int(int32(v)))
	}
	at, most := i*t.bits, uint8(1<<t.bits-1)
	v := from[at/8] >> (8 - t.bits - at%8) & most
	if t.photometric != tiffPalette {
		v *= 255 / most
	}
	return v
}

func clip(v int) uint8 { return uint8(max(0, min(255, v))) }

// expand decompresses a part of w by h pixels and undoes its predictor.
func (t *tiff) expand(from []byte, w, h, stored, stride int) ([]byte, error) {
	if t.compression == tiffJPEG {
		return t.expandJPEG(from, w, h, stored)
	}
	out, err := t.decompress(from, stride*h, w)
	if err != nil {
		return nil, err
	}
	predictor := t.get(tagPredictor, 1)
	if t.compression != tiffLZW && t.compression != tiffDeflate && t.compression != tiffOldDeflate &&
		t.compression != tiffLZMA && t.compression != tiffZstd {
		predictor = 1 // the others have none
	}
	for y := range h {
		row := out[y*stride:][:stride]
		switch {
		case predictor == 1:
		case predictor == 2 && t.bits%8 == 0:
			t.accumulate(row, stored)
		case predictor == 3 && t.format == 3:
			t.joinFloats(row, stored)
		default:
			return nil, errTIFF
		}
	}
	return out, nil
}

// decompress gives size bytes of a part whose rows have width pixels.
func (t *tiff) decompress(from []byte, size, width int) ([]byte, error) {
	if t.get(tagFillOrder, 1) == 2 {
		from = reverseBits(from)
	}
	out := make([]byte, size)
	switch t.compression {
	case tiffPackBits:
		return out, unpackBits(from, out)
	case tiffFax, tiffGroup3, tiffGroup4:
		if t.bits != 1 || t.samples != 1 {
			return nil, errTIFF
		}
		err := expandFax(from, width, t.faxOptions(from), out)
		return out, err
	}
	source, err := t.decompressor(from)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(source, out); err != nil {
		return nil, broken("TIFF", err)
	}
	return out, nil
}

func (t *tiff) faxOptions(from []byte) faxOptions {
	options := t.get(tagGroup3, 0)
	switch t.compression {
	case tiffFax:
		return faxOptions{alone: true, aligned: true}
	case tiffGroup4:
		return faxOptions{}
	}
	return faxOptions{lineEnds: true, mixed: options&1 != 0, alone: true, aligned: options&4 != 0}
}

// joinFloats undoes the predictor for floats: differences of bytes, all rows' first bytes before the second ones.
func (t *tiff) joinFloats(row []byte, stored int) {
	for i := stored; i < len(row); i++ {
		row[i] += row[i-stored]
	}
	planes, n := slices.Clone(row), len(row)/4
	for i := range n {
		bits := uint32(planes[i])<<24 | uint32(planes[n+i])<<16 | uint32(planes[2*n+i])<<8 | uint32(planes[3*n+i])
		t.order.PutUint32(row[4*i:], bits)
	}
}

// tiffWindow is the most that a decompressor may keep, in bytes: libtiff's writers and GDAL's stay far below it.
const tiffWindow = 64 << 20

// decompressor reads a part.
func (t *tiff) decompressor(from []byte) (io.Reader, error) {
	reader := bytes.NewReader(from)
	switch t.compression {
	case tiffPlain:
		return reader, nil
	case tiffLZW:
		if len(from) > 1 && from[0] == 0 && from[1]&1 == 1 { // of before TIFF 5.0: the first bit lowest
			return oldlzw.NewReader(reader, oldlzw.LSB, 8), nil
		}
		return lzw.NewReader(reader, lzw.MSB, 8), nil
	case tiffDeflate, tiffOldDeflate:
		z, err := zlib.NewReader(reader)
		if err != nil {
			return nil, broken("TIFF", err)
		}
		return z, nil
	case tiffZstd:
		z, err := zstd.NewReader(reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(tiffWindow))
		if err != nil {
			return nil, broken("TIFF", err)
		}
		return z.IOReadCloser(), nil
	case tiffLZMA:
		z, err := xz.NewReader(reader, tiffWindow)
		if err != nil {
			return nil, broken("TIFF", err)
		}
		return z, nil
	}
	return nil, errors.New("the TIFF is compressed in a way that is not read; save it as PNG")
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

// expandJPEG decodes a part that is a JPEG whose tables may lie elsewhere. Three samples become RGB, so the rest of the
// file is read as such; others are what the file says.
func (t *tiff) expandJPEG(from []byte, w, h, stored int) ([]byte, error) {
	if t.bits != 8 || len(from) < 2 {
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
	check := func(width, height int) error {
		if width != w || height < h || height > maxPixels/width {
			return damaged("TIFF", "the size of its parts")
		}
		return nil
	}
	if stored == 3 {
		_, _, rgb, err := jpeg.Decode(file, check)
		return rgb, err
	}
	_, _, channels, samples, err := jpeg.Stored(file, check)
	if err == nil && channels != stored {
		err = damaged("TIFF", "the samples of its parts")
	}
	return samples, err
}

// picture converts the samples' colours.
func (t *tiff) picture() *Image {
	if t.photometric == tiffRGB && t.kept == 3 {
		return &Image{Width: t.width, Height: t.height, Pix: t.pixels}
	}
	p := newImage(t.width, t.height)
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
		case t.photometric == tiffYCbCr && t.compression == tiffPlain:
			pillowYCbCr(to, from[0], from[1], from[2])
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
