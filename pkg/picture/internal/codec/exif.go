package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"regexp"
	"strings"
)

// Orientation is how a JPEG, PNG or WebP says that its picture is to be held, as EXIF counts: 1 is as it lies, and what
// a file gives that says nothing, or nothing that can be read. It is what Pillow's ImageOps.exif_transpose goes by: the
// tag of the EXIF, of whatever type that has a number, and only where there is no such tag the XMP's. A TIFF has been
// turned when it was read.
func Orientation(data []byte) int {
	var about described
	switch {
	case bytes.HasPrefix(data, []byte("\xFF\xD8")):
		about.readJPEG(data[2:])
	case bytes.HasPrefix(data, []byte(pngMagic)):
		about.readPNG(data[len(pngMagic):])
	case isWebP(data):
		about.readWebP(data[12:])
	}
	about.exif = bytes.TrimPrefix(bytes.TrimPrefix(about.exif, exifName), exifName)
	d := ifd{xmp: about.xmp}
	if len(about.exif) > 0 {
		if !isEXIF(about.exif) {
			return 1
		}
		d = readIFD(about.exif)
		d.xmp = about.xmp
	}
	return d.orientation()
}

// described is what is written about a picture.
type described struct{ exif, xmp []byte }

var exifName, xmpName = []byte("Exif\x00\x00"), []byte("http://ns.adobe.com/xap/1.0/\x00")

// isEXIF is whether it has the header of a TIFF of 32 bits in one of the ways that Pillow takes.
func isEXIF(data []byte) bool {
	return len(data) >= 8 && strings.Contains("II\x2A\x00 MM\x00\x2A II\x00\x2A MM\x2A\x00", string(data[:4]))
}

// readJPEG takes the EXIF of all its segments together.
func (d *described) readJPEG(data []byte) {
	for len(data) >= 4 && data[0] == 0xFF {
		marker, size := data[1], int(binary.BigEndian.Uint16(data[2:]))
		switch {
		case marker == 0xFF: // padding
			data = data[1:]
			continue
		case marker >= 0xD0 && marker < 0xD9: // markers by themselves
			data = data[2:]
			continue
		case marker == 0xDA || size < 2 || size+2 > len(data):
			return
		}
		if body := data[4 : size+2]; marker == 0xE1 {
			if xmp, ok := bytes.CutPrefix(body, xmpName); ok {
				d.xmp = xmp
			} else if exif, ok := bytes.CutPrefix(body, exifName); ok {
				d.exif = append(d.exif[:len(d.exif):len(d.exif)], exif...)
			}
		}
		data = data[size+2:]
	}
}

// readPNG reads the chunks before and after the pixels; ImageMagick and others keep EXIF as lines of text.
func (d *described) readPNG(data []byte) {
	var raw []byte
	for {
		name, size, body, rest, ok := pngChunk(data)
		if !ok || name == "IEND" || size != len(body) {
			break
		}
		data = rest
		switch name {
		case "eXIf":
			d.exif = body
		case "tEXt", "zTXt", "iTXt":
			switch key, text := pngText(name, body); key {
			case "XML:com.adobe.xmp":
				d.xmp = text
			case "Raw profile type exif":
				raw = text
			}
		}
	}
	if lines := strings.SplitN(string(raw), "\n", 4); d.exif == nil && len(lines) == 4 {
		var err error
		if d.exif, err = hex.DecodeString(strings.Join(strings.Fields(lines[3]), "")); err != nil {
			d.exif = []byte("damaged")
		}
	}
}

// pngText is the keyword and the text of a chunk, of a compressed one as much as Pillow takes.
func pngText(kind string, body []byte) (key string, text []byte) {
	name, text, _ := bytes.Cut(body, []byte{0})
	packed := kind == "zTXt"
	switch {
	case packed && len(text) > 0:
		text = text[1:]
	case kind == "iTXt" && len(text) > 2:
		packed = text[0] != 0
		_, text, _ = bytes.Cut(text[2:], []byte{0}) // the language
		_, text, _ = bytes.Cut(text, []byte{0})     // the keyword in it
	}
	if packed {
		z, err := zlib.NewReader(bytes.NewReader(text))
		if err != nil {
			return string(name), nil
		}
		const most = 1 << 20
		text, _ = io.ReadAll(io.LimitReader(z, most))
	}
	return string(name), text
}

// readWebP takes what the header says is there.
func (d *described) readWebP(data []byte) {
	const hasXMP, hasEXIF = 4, 8
	var flags byte
	for i, c := range riff(data) {
		switch {
		case i == 0 && c.name == "VP8X" && len(c.body) > 0:
			flags = c.body[0]
		case c.name == "EXIF" && flags&hasEXIF != 0 && d.exif == nil:
			d.exif = c.body
		case c.name == "XMP " && flags&hasXMP != 0 && d.xmp == nil:
			d.xmp = c.body
		}
	}
}

// keep takes the first of a tag that says how the picture is to be held.
func (d *ifd) keep(tag int, f field) {
	switch {
	case len(f.data) == 0:
	case tag == tagOrientation && d.held.data == nil && f.kind != 18:
		d.held = f
	case tag == tagXMP && d.xmp == nil:
		d.xmp = f.data
	}
}

var xmpOrientation = regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`)

// orientation is the tag's first value where that is one of 2 to 8, and without a tag the XMP's.
func (d ifd) orientation() int {
	value := d.number(d.held)
	if d.held.data == nil {
		if found := xmpOrientation.FindSubmatch(d.xmp); found != nil {
			value = float64(found[2][0] - '0')
		}
	}
	if value >= 2 && value <= 8 && value == math.Trunc(value) {
		return int(value)
	}
	return 1
}

// number is the first of a field of any type of numbers; text and bytes have none.
func (d ifd) number(f field) float64 {
	switch f.kind {
	case 3:
		return float64(d.order.Uint16(f.data))
	case 4, 13:
		return float64(d.order.Uint32(f.data))
	case 5:
		return float64(d.order.Uint32(f.data)) / float64(d.order.Uint32(f.data[4:]))
	case 6:
		return float64(int8(f.data[0]))
	case 8:
		return float64(int16(d.order.Uint16(f.data)))
	case 9:
		return float64(int32(d.order.Uint32(f.data)))
	case 10:
		return float64(int32(d.order.Uint32(f.data))) / float64(int32(d.order.Uint32(f.data[4:])))
	case 11:
		return float64(math.Float32frombits(d.order.Uint32(f.data)))
	case 12:
		return math.Float64frombits(d.order.Uint64(f.data))
	case 16:
		return float64(d.order.Uint64(f.data))
	}
	return 0
}
