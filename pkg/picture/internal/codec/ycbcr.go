package codec

import (
	"encoding/binary"
	"slices"

	"github.com/gointr/gointr/pkg/picture/internal/jpeg"
)

// pillowYCbCr is Pillow's conversion, in fixed point with six fraction bits.
func pillowYCbCr(to []uint8, y, cb, cr uint8) {
	scaled := func(factor float64, v uint8) int { return int(float64(factor*float64(int(v)-128))*64 + 0.5) }
	to[0] = clip(int(y) + scaled(1.402, cr)>>6)
	to[1] = clip(int(y) + (scaled(-0.34414, cb)+scaled(-0.71414, cr))>>6)
	to[2] = clip(int(y) + scaled(1.772, cb)>>6)
}

// tiffColors is libtiff's conversion of YCbCr, by the file's own coefficients, in fixed point with 16 fraction bits.
type tiffColors struct {
	luma, redOfCr, blueOfCb, greenOfCr, greenOfCb [256]int32
}

func newTIFFColors(d ifd) *tiffColors {
	luma := d.ratios(tagLuma, 0.299, 0.587, 0.114)
	levels := d.ratios(tagBlackWhite, 0, 255, 128, 255, 128, 255)
	fixed := func(v float32) int32 { return int32(float64(min(max(v, 0), 2))*(1<<16) + 0.5) }
	red, blue := 2-2*luma[0], 2-2*luma[2]
	toRed, toBlue := fixed(red), fixed(blue)
	redToGreen, blueToGreen := -fixed(luma[0]*red/luma[1]), -fixed(luma[2]*blue/luma[1])
	value := func(v int, black, white, top float32) int32 {
		span := white - black
		if span == 0 {
			span = 1
		}
		return int32(min(max(float32(v-int(black))*top/span, -4096), 4096))
	}
	const half = 1 << 15
	c := new(tiffColors)
	for i := range 256 {
		cr := value(i-128, levels[4]-128, levels[5]-128, 127)
		cb := value(i-128, levels[2]-128, levels[3]-128, 127)
		c.redOfCr[i] = (toRed*cr + half) >> 16
		c.blueOfCb[i] = (toBlue*cb + half) >> 16
		c.greenOfCr[i] = redToGreen * cr
		c.greenOfCb[i] = blueToGreen*cb + half
		c.luma[i] = value(i, levels[0], levels[1], 255)
	}
	return c
}

func (c *tiffColors) convert(to []uint8, y, cb, cr uint8) {
	luma := c.luma[y]
	to[0] = clip(int(luma + c.redOfCr[cr]))
	to[1] = clip(int(luma + (c.greenOfCb[cb]+c.greenOfCr[cr])>>16))
	to[2] = clip(int(luma + c.blueOfCb[cb]))
}

// subsampling is how many pixels across and down share their colour.
func (t *tiff) subsampling() (h, v int, err error) {
	h, v = 2, 2
	if given := t.tags[tagSubsampling]; len(given) == 2 {
		h, v = given[0], given[1]
	}
	if (h != 1 && h != 2 && h != 4) || (v != 1 && v != 2 && v != 4) {
		return 0, 0, damaged("TIFF", "how its colours are sampled")
	}
	return h, v, nil
}

// placeBlocks expands a part of w by h pixels whose samples are blocks: the luma of each pixel, then Cb and Cr of all.
func (t *tiff) placeBlocks(from []byte, w, h, left, top int) error {
	bx, by, err := t.subsampling()
	if err != nil {
		return err
	}
	size := bx*by + 2
	across, down := (w+bx-1)/bx, (h+by-1)/by
	samples, err := t.decompress(from, across*down*size, w)
	if err != nil {
		return err
	}
	if t.get(tagPredictor, 1) != 1 {
		return errTIFF
	}
	if t.colors == nil {
		t.colors = newTIFFColors(t.ifd)
	}
	for y := range min(h, t.height-top) {
		to := t.pixels[((top+y)*t.width+left)*3:]
		for x := range min(w, t.width-left) {
			block := samples[(y/by*across+x/bx)*size:][:size]
			t.colors.convert(to[3*x:], block[y%by*bx+x%bx], block[size-2], block[size-1])
		}
	}
	return nil
}

// readOldJPEG reads the JPEG of TIFF 6.0, which Technical Note 2 took back: a whole file, or strips with their tables
// somewhere else. As in libtiff colour is not interpolated.
func (t *tiff) readOldJPEG() error {
	file, err := t.oldJPEG()
	if err != nil {
		return err
	}
	width, height, planes, err := jpeg.Planes(file, func(width, height int) error {
		if width < t.width || height < t.height {
			return damaged("TIFF", "the size of its JPEG")
		}
		return checkSize(width, height)
	})
	if err != nil {
		return err
	}
	if len(planes) != 3 || width < t.width || height < t.height {
		return errTIFF
	}
	t.pixels = make([]uint8, t.width*t.height*3)
	colors := newTIFFColors(t.ifd)
	sample := func(p jpeg.Plane, x, y int) uint8 {
		return p.Samples[y*p.V/planes[0].V*p.Stride+x*p.H/planes[0].H]
	}
	for y := range t.height {
		for x := range t.width {
			colors.convert(t.pixels[(y*t.width+x)*3:], sample(planes[0], x, y), sample(planes[1], x, y),
				sample(planes[2], x, y))
		}
	}
	return nil
}

// oldJPEG makes one file of what lies about: from its headers on where it has them, else of the tables that tags name.
func (t *tiff) oldJPEG() ([]byte, error) {
	strips, lengths := t.tags[tagStrips], t.tags[tagStripBytes]
	if t.tags[tagTiles] != nil {
		strips, lengths = t.tags[tagTiles], t.tags[tagTileBytes]
	}
	if at := t.get(tagJPEGFormat, 0); at > 0 && at < len(t.data) {
		head := t.data[at:]
		if len(head) > 2 && head[0] == 0xFF && head[1] == 0xD8 {
			n := t.get(tagJPEGLength, 0)
			if len(strips) > 1 && n > 0 && n < len(head) && at+n <= slices.Min(strips) {
				return t.joinOldJPEG(strips, lengths) // headers alone
			}
			if len(strips) == 1 && strips[0] > at { // the scan may lie apart
				if n > 0 && at+n <= strips[0] && strips[0] < len(t.data) {
					return append(append([]byte{}, head[:n]...), t.data[strips[0]:]...), nil
				}
			}
			return head, nil
		}
	}
	if len(strips) == 1 && within(t.data, uint64(max(strips[0], 0)), 3) != nil &&
		string(t.data[strips[0]:][:2]) == "\xFF\xD8" {
		return t.data[strips[0]:], nil
	}
	if len(strips) == 0 || len(lengths) < len(strips) || t.tags[tagTiles] != nil && len(strips) > 1 {
		return nil, errTIFF
	}
	return t.joinOldJPEG(strips, lengths)
}

// joinOldJPEG writes the headers of a JPEG of the tables that tags name, and its strips as a scan: where there are
// several they are what lies between restart markers.
func (t *tiff) joinOldJPEG(strips, lengths []int) ([]byte, error) {
	h, v, err := t.subsampling()
	if err != nil {
		return nil, err
	}
	file := []byte("\xFF\xD8")
	segment := func(marker byte, body ...byte) {
		file = append(file, 0xFF, marker)
		file = append(binary.BigEndian.AppendUint16(file, uint16(len(body)+2)), body...)
	}
	channels := t.samples
	for i := range channels {
		for kind, tag := range []int{tagJPEGQuant, tagJPEGDC, tagJPEGAC} {
			if len(t.tags[tag]) <= i {
				return nil, damaged("TIFF", "its JPEG has no tables")
			}
			at := t.tags[tag][i]
			size := 64
			if kind > 0 {
				for _, n := range within(t.data, uint64(max(at, 0)), 16) {
					size += int(n)
				}
				size -= 64 - 16
			}
			table := within(t.data, uint64(max(at, 0)), uint64(size))
			if table == nil {
				return nil, errTruncated
			}
			if kind == 0 {
				segment(0xDB, append([]byte{byte(i)}, table...)...)
			} else {
				segment(0xC4, append([]byte{byte(kind-1)<<4 | byte(i)}, table...)...)
			}
		}
	}
	width, height := t.get(tagTileWidth, t.width), t.get(tagTileHeight, t.height)
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(channels)}
	scan := []byte{byte(channels)}
	for i := range channels {
		sampling := byte(0x11)
		if i == 0 {
			sampling = byte(h<<4 | v)
		}
		frame = append(frame, byte(i), sampling, byte(i))
		scan = append(scan, byte(i), byte(i<<4|i))
	}
	segment(0xC0, frame...)
	restart := t.get(tagJPEGRestart, 0)
	if rows := t.get(tagRowsPerStrip, t.height); len(strips) > 1 && restart == 0 && rows%(8*v) == 0 {
		restart = (t.width + 8*h - 1) / (8 * h) * (rows / (8 * v))
	}
	if restart > 0 {
		segment(0xDD, byte(restart>>8), byte(restart))
	}
	segment(0xDA, append(scan, 0, 63, 0)...)
	for i, at := range strips {
		part := within(t.data, uint64(max(at, 0)), uint64(max(lengths[i], 0)))
		if part == nil {
			return nil, errTruncated
		}
		file = append(file, part...)
		if ends := len(part) > 1 && part[len(part)-2] == 0xFF; len(strips) > 1 && i+1 < len(strips) && !ends {
			file = append(file, 0xFF, 0xD0+byte(i%8))
		}
	}
	return append(file, 0xFF, 0xD9), nil
}
