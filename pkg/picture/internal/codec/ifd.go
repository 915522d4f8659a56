package codec

import (
	"encoding/binary"
	"slices"
)

// Tags of TIFF 6.0 and of its technical notes.
const (
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagFillOrder    = 266
	tagStrips       = 273
	tagOrientation  = 274
	tagSamples      = 277
	tagRowsPerStrip = 278
	tagStripBytes   = 279
	tagPlanar       = 284
	tagGroup3       = 292
	tagPredictor    = 317
	tagPalette      = 320
	tagTileWidth    = 322
	tagTileHeight   = 323
	tagTiles        = 324
	tagTileBytes    = 325
	tagExtra        = 338
	tagFormat       = 339
	tagJPEGTables   = 347
	tagXMP          = 700
	tagJPEGFormat   = 513
	tagJPEGLength   = 514
	tagJPEGRestart  = 515
	tagJPEGQuant    = 519
	tagJPEGDC       = 520
	tagJPEGAC       = 521
	tagLuma         = 529
	tagSubsampling  = 530
	tagBlackWhite   = 532
)

// wanted are the tags that are read.
var wanted = []int{
	tagWidth, tagHeight, tagBits, tagCompression, tagPhotometric, tagFillOrder, tagStrips, tagOrientation, tagSamples,
	tagRowsPerStrip, tagStripBytes, tagPlanar, tagGroup3, tagPredictor, tagPalette, tagTileWidth, tagTileHeight,
	tagTiles, tagTileBytes, tagExtra, tagFormat, tagJPEGTables, tagJPEGFormat, tagJPEGLength, tagJPEGRestart,
	tagJPEGQuant, tagJPEGDC, tagJPEGAC, tagLuma, tagSubsampling, tagBlackWhite,
}

// sizes are the bytes of one value of each type.
var sizes = map[uint16]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
	18: 8}

// ifd is the first directory of a TIFF file, the numbers of each tag.
type ifd struct {
	order binary.ByteOrder
	tags  map[int][]int
	held  field // tagOrientation, of any type
	xmp   []byte
}

// field is a tag as it is stored; nil data is none.
type field struct {
	kind uint16
	data []byte
}

// readIFD reads classic and big TIFF; what does not lie in data is left out.
func readIFD(data []byte) ifd {
	d := ifd{order: binary.LittleEndian, tags: map[int][]int{}}
	if len(data) < 16 {
		return d
	}
	if data[0] == 'M' {
		d.order = binary.BigEndian
	}
	// The bytes of an entry and of its last field; how an offset or a count is read.
	size, wide, at := uint64(12), uint64(4), uint64(d.order.Uint32(data[4:]))
	word := func(b []byte) uint64 { return uint64(d.order.Uint32(b)) }
	entries := func(b []byte) uint64 { return uint64(d.order.Uint16(b)) }
	counted := uint64(2) // bytes of the number of entries
	if d.order.Uint16(data[2:]) == 43 {
		size, wide, at = 20, 8, d.order.Uint64(data[8:])
		word, entries, counted = d.order.Uint64, func(b []byte) uint64 { return min(d.order.Uint64(b), 1<<16) }, 8
	}
	count := within(data, at, counted)
	if count == nil {
		return d
	}
	whole := true
	for i := range entries(count) {
		entry := within(data, at+counted+i*size, size)
		if entry == nil {
			break
		}
		tag, kind, n := int(d.order.Uint16(entry)), d.order.Uint16(entry[2:]), word(entry[4:])
		length := sizes[kind]
		if length == 0 || n > uint64(len(data))/length {
			continue
		}
		values := entry[4+wide:][:wide]
		if n*length > wide {
			values = within(data, word(values), n*length)
		}
		if values == nil {
			whole = false
			continue
		}
		values = values[:n*length]
		if whole { // Pillow reads no further than a value that is not there
			d.keep(tag, field{kind, values})
		}
		unsigned := kind == 1 || kind == 3 || kind == 4 || kind == 5 || kind == 7 || kind > 12
		if unsigned && d.tags[tag] == nil && slices.Contains(wanted, tag) {
			if kind == 5 { // numerators and denominators
				length = 4
			}
			d.tags[tag] = d.numbers(values, int(length))
		}
	}
	return d
}

// within is n bytes at an offset, or nil.
func within(data []byte, at, n uint64) []byte {
	if at > uint64(len(data)) || n > uint64(len(data))-at {
		return nil
	}
	return data[at:][:n]
}

// numbers are those of b, of so many bytes each.
func (d ifd) numbers(b []byte, length int) []int {
	list := make([]int, len(b)/length)
	for k := range list {
		switch v := b[k*length:]; length {
		case 1:
			list[k] = int(v[0])
		case 2:
			list[k] = int(d.order.Uint16(v))
		case 4:
			list[k] = int(d.order.Uint32(v))
		case 8:
			list[k] = int(d.order.Uint64(v))
		}
	}
	return list
}

// ratios are a tag's fractions or whole numbers, or those otherwise.
func (d ifd) ratios(tag int, otherwise ...float32) []float32 {
	list := d.tags[tag]
	if len(list) == len(otherwise) {
		for i, v := range list {
			otherwise[i] = float32(v)
		}
		return otherwise
	}
	if len(list) != 2*len(otherwise) {
		return otherwise
	}
	for i := range otherwise {
		if list[2*i+1] == 0 {
			return otherwise
		}
		otherwise[i] = float32(float64(list[2*i]) / float64(list[2*i+1]))
	}
	return otherwise
}

// get is a tag's first number.
func (d ifd) get(tag, otherwise int) int {
	if list := d.tags[tag]; len(list) > 0 {
		return list[0]
	}
	return otherwise
}
