// Package jpeg decodes JPEG files to exactly the pixels of libjpeg-turbo as Pillow calls it: the accurate integer
// transform, triangle upsampling of chroma, and 16-bit fixed-point colour. It follows ITU-T T.81 (sequential and
// progressive Huffman coding, 8 bits), JFIF and Adobe's Technical Note 5116.
package jpeg

import (
	"errors"
	"fmt"
)

// errTruncated is what a file that ends too early gives.
var errTruncated = errors.New("the picture is cut short")

func damaged(what string) error { return fmt.Errorf("the JPEG is damaged (%s)", what) }

// Markers of T.81 table B.1.
const (
	sof0, sof1, sof2 = 0xC0, 0xC1, 0xC2
	dht, dac         = 0xC4, 0xCC
	rst0, rst7       = 0xD0, 0xD7
	soi, eoi, sos    = 0xD8, 0xD9, 0xDA
	dqt, dri         = 0xDB, 0xDD
	app0, app14      = 0xE0, 0xEE
	dnl, com         = 0xDC, 0xFE
)

// component is one plane of the picture.
type component struct {
	id, h, v, table int
	width, height   int // samples that belong to the picture
	across, down    int // blocks, whole MCUs
	samples         []uint8
	quant           *[64]int16 // nil until the first scan of the component

	coefficients []int16 // of all blocks where several scans make the picture
	known        [64]int // progressive only, by coefficient: the lowest bit that scans gave, -1 for none
	knownBefore  [64]int // the same before the latest scan of the component
	extents      []uint8 // by block: the last coefficient that is not zero

	dc, ac *huffman // of the current scan
	dcLast int32
}

func (c *component) stride() int { return c.across * 8 }

type decoder struct {
	bits
	width, height int
	progressive   bool
	buffered      bool // several scans make the picture
	components    []component
	maxH, maxV    int
	mcusX, mcusY  int

	quant    [4]*[64]int16
	dc, ac   [4]*huffman
	restart  int // MCUs between restart markers, 0 for none
	jfif     bool
	adobe    bool
	transfer byte // Adobe's colour transform
	plain    bool // colours are not converted

	eobRun int
	short  bool // a marker came before the data's end; the rest of the interval is empty
	scans  int
	sound  int // the last row of MCUs that the latest scan has data for
	blocks int // of all components
	read   int // blocks that scans have asked for
}

// maxPasses over the picture are more than any encoder's scans make; a picture
// of few blocks may have more. It bounds the work that a hostile file can ask for.
const (
	maxPasses = 64
	fewBlocks = 1 << 24
)

// Decode gives the picture as RGB, [height, width, 3]. Before anything of the
// picture's size is allocated, check is asked whether the size is acceptable.
func Decode(data []byte, check func(width, height int) error) (width, height int, rgb []uint8, err error) {
	d := decoder{bits: bits{data: data, at: 2}} // past SOI
	if err := d.decode(check); err != nil {
		return 0, 0, nil, err
	}
	return d.width, d.height, d.rgb(), nil
}

func (d *decoder) decode(check func(width, height int) error) error {
	for {
		marker, segment, err := d.nextSegment()
		if err == errTruncated && d.scans > 0 && !d.buffered && !d.ended { // Pillow has every row, asks for no more
			return d.finish()
		}
		if err != nil {
			return err
		}
		if marker == eoi {
			if d.scans == 0 {
				return damaged("it holds no picture")
			}
			return d.finish()
		}
		if err := d.readSegment(marker, segment, check); err != nil {
			return err
		}
	}
}

// nextSegment passes the next marker that is not one of a restart, and what it begins.
func (d *decoder) nextSegment() (marker byte, segment []byte, err error) {
	for marker == 0 || marker >= rst0 && marker <= rst7 || marker == 1 && d.scans > 0 {
		if marker = d.nextMarker(); marker == 0 {
			return 0, nil, errTruncated
		}
	}
	if marker == eoi {
		return marker, nil, nil
	}
	if marker < sof0 || marker == soi || marker == 0xC8 || marker == 0xDE || marker == 0xDF ||
		marker >= 0xF0 && marker != com {
		return 0, nil, damaged("an unknown marker")
	}
	if d.components != nil && marker >= sof0 && marker <= 0xCF && marker != dht && marker != dac {
		return 0, nil, damaged("it has two frames")
	}
	if d.at+2 > len(d.data) {
		return 0, nil, errTruncated
	}
	length := int(d.data[d.at])<<8 | int(d.data[d.at+1])
	if length < 2 { // libjpeg takes it for empty where it does not read what is in it
		if marker < app0 && marker != dnl {
			return 0, nil, damaged("a segment has no length")
		}
		length = 2
	}
	if d.at+length > len(d.data) {
		return 0, nil, errTruncated
	}
	d.at += length
	return marker, d.data[d.at-length+2 : d.at], nil
}

func (d *decoder) readSegment(marker byte, s []byte, check func(width, height int) error) error {
	switch marker {
	case dqt:
		return d.readQuantization(s)
	case dht:
		return d.readHuffman(s)
	case dri:
		if len(s) != 2 {
			return damaged("a restart interval")
		}
		d.restart = int(s[0])<<8 | int(s[1])
	case app0:
		d.jfif = d.jfif || len(s) >= 14 && string(s[:5]) == "JFIF\x00"
	case app14:
		if len(s) >= 12 && string(s[:5]) == "Adobe" {
			d.adobe, d.transfer = true, s[11]
		}
	case sof0, sof1, sof2:
		d.progressive = marker == sof2
		return d.readFrame(s, check)
	case 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF:
		return errors.New("the JPEG is arithmetic-coded, which is not read; save it as an ordinary JPEG or PNG")
	case 0xC3, 0xC5, 0xC6, 0xC7, 0xF7:
		return errors.New("the JPEG is lossless or hierarchical, which is not read; save it as an ordinary JPEG or PNG")
	case sos:
		return d.readScan(s)
	}
	return nil
}

func (d *decoder) readQuantization(s []byte) error {
	for len(s) > 0 {
		wide, id := min(1, int(s[0]>>4)), s[0]&15
		size := 64 * (wide + 1)
		if id > 3 || len(s) < 1+size {
			return damaged("a quantization table")
		}
		table := new([64]int16)
		for k := range 64 {
			if wide == 0 {
				table[zigzag[k]] = int16(s[1+k])
			} else {
				table[zigzag[k]] = int16(uint16(s[1+2*k])<<8 | uint16(s[2+2*k]))
			}
		}
		d.quant[id] = table
		s = s[1+size:]
	}
	return nil
}

func (d *decoder) readHuffman(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 || s[0]&0xEF > 3 {
			return damaged("a Huffman table")
		}
		total := 0
		for _, count := range s[1:17] {
			total += int(count)
		}
		if total > 256 || len(s) < 17+total {
			return damaged("a Huffman table")
		}
		symbols := s[17:][:total]
		table, err := newHuffman(s[1:17], symbols)
		if err != nil {
			return err
		}
		if s[0]>>4 == 0 {
			for _, symbol := range symbols {
				if symbol > 15 {
					return damaged("a Huffman table")
				}
			}
			d.dc[s[0]&3] = table
		} else {
			d.ac[s[0]&3] = table
		}
		s = s[17+total:]
	}
	return nil
}

func (d *decoder) readFrame(s []byte, check func(width, height int) error) error {
	if len(s) < 6 || len(s) != 6+3*int(s[5]) {
		return damaged("its frame header")
	}
	if s[0] != 8 {
		return fmt.Errorf("the JPEG has %d bits a sample, of which only 8 are read; save it as an ordinary JPEG or PNG",
			s[0])
	}
	d.height, d.width = int(s[1])<<8|int(s[2]), int(s[3])<<8|int(s[4])
	if err := check(d.width, d.height); err != nil {
		return err
	}
	if n := s[5]; n != 1 && n != 3 && n != 4 && (n != 2 || !d.plain) {
		return fmt.Errorf("the JPEG has %d components, which is not read; save it as an ordinary JPEG or PNG", n)
	}
	if err := d.readComponents(s[6:]); err != nil {
		return err
	}
	if d.blocks/8 > len(d.data) { // a block takes at least one bit
		return errTruncated
	}
	for i := range d.components {
		c := &d.components[i]
		c.samples = make([]uint8, c.across*c.down*64)
	}
	return nil
}

// readComponents reads what a frame header says of each, three bytes.
func (d *decoder) readComponents(s []byte) error {
	d.components = make([]component, len(s)/3)
	for i := range d.components {
		c, t := &d.components[i], s[3*i:]
		c.id, c.h, c.v, c.table = int(t[0]), int(t[1]>>4), int(t[1]&15), int(t[2])
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return damaged("its frame header")
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
	}
	d.mcusX, d.mcusY = ceil(d.width, 8*d.maxH), ceil(d.height, 8*d.maxV)
	for i := range d.components {
		c := &d.components[i]
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return errors.New("the JPEG samples its colours at an uneven fraction, which is not read; save it as an " +
				"ordinary JPEG or PNG")
		}
		c.width, c.height = ceil(d.width*c.h, d.maxH), ceil(d.height*c.v, d.maxV)
		c.across, c.down = d.mcusX*c.h, d.mcusY*c.v
		d.blocks += ceil(c.width, 8) * ceil(c.height, 8)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }
