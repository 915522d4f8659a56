package picture

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
)

// wanted are the tags that are read.
var wanted = []int{
	tagWidth, tagHeight, tagBits, tagCompression, tagPhotometric, tagFillOrder, tagStrips, tagOrientation, tagSamples,
	tagRowsPerStrip, tagStripBytes, tagPlanar, tagGroup3, tagPredictor, tagPalette, tagTileWidth, tagTileHeight,
	tagTiles, tagTileBytes, tagExtra, tagFormat, tagJPEGTables,
}

// ifd is the first directory of a TIFF file, the numbers of each tag.
type ifd struct {
	order binary.ByteOrder
	tags  map[int][]int
}

// readIFD reads classic and big TIFF; what does not lie in data is left out.
func readIFD(data []byte) ifd {
	d := ifd{binary.LittleEndian, map[int][]int{}}
	if len(data) < 16 {
		return d
	}
	if data[0] == 'M' {
		d.order = binary.BigEndian
	}
	// slice is n bytes at an offset, or nil.
	slice := func(at, n uint64) []byte {
		if at > uint64(len(data)) || n > uint64(len(data))-at {
			return nil
		}
		return data[at:][:n]
	}
	big := d.order.Uint16(data[2:]) == 43
	word := func(b []byte) uint64 { // an offset or a count
		if big {
			return d.order.Uint64(b)
		}
		return uint64(d.order.Uint32(b))
	}
	at, size, wide := uint64(d.order.Uint32(data[4:])), uint64(12), uint64(4)
	count := slice(at, 2)
	if big {
		at, size, wide = d.order.Uint64(data[8:]), 20, 8
		count = slice(at, 8)
	}
	if count == nil {
		return d
	}
	n := uint64(d.order.Uint16(count))
	if big {
		n = min(d.order.Uint64(count), 1<<16)
	}
	at += uint64(len(count))
	for i := range n {
		entry := slice(at+i*size, size)
		if entry == nil {
			break
		}
		tag, kind := int(d.order.Uint16(entry)), d.order.Uint16(entry[2:])
		length := map[uint16]uint64{1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}[kind]
		count := word(entry[4:])
		if length == 0 || count > uint64(len(data))/length || d.tags[tag] != nil || !slices.Contains(wanted, tag) {
			continue
		}
		values := entry[4+wide:][:wide]
		if count*length > wide {
			values = slice(word(values), count*length)
		}
		if values == nil {
			continue
		}
		list := make([]int, count)
		for k := range list {
			switch v := values[uint64(k)*length:]; length {
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
		d.tags[tag] = list
	}
	return d
}

// get is a tag's first number.
func (d ifd) get(tag, otherwise int) int {
	if list := d.tags[tag]; len(list) > 0 {
		return list[0]
	}
	return otherwise
}
