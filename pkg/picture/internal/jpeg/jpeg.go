// Package jpeg decodes JPEG files to exactly the pixels of libjpeg-turbo as Pillow calls it: the accurate integer
// transform, triangle upsampling of chroma, and 16-bit fixed-point colour. It follows ITU-T T.81 (sequential,
// progressive and lossless with Huffman coding, the first two with arithmetic coding; 8 bits), JFIF and Adobe's
// Technical Note 5116.
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
	sof0, sof1, sof2 = 0xC0, 0xC1, 0xC2 // sequential, the same, progressive
	sof3             = 0xC3             // lossless
	sof9, sof10      = 0xC9, 0xCA       // sequential and progressive with arithmetic coding
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
	unit            int // samples of a block in a row: 8, or 1 in a lossless file
	across, down    int // blocks, whole MCUs
	samples         []uint8
	quant           *[64]int16 // nil until the first scan of the component

	coefficients []int16 // of all blocks where several scans make the picture
	known        [64]int // progressive only, by coefficient: the lowest bit that scans gave, -1 for none
	knownBefore  [64]int // the same before the latest scan of the component
	extents      []uint8 // by block: the last coefficient that is not zero

	dc, ac           *huffman // of the current scan
	dcTable, acTable int      // the same by number
	dcLast           int32
	dcContext        int // arithmetic coding only: how the last DC coefficient differed

	lossless
}

func (c *component) stride() int { return c.across * c.unit }

type decoder struct {
	bits
	width, height int
	progressive   bool
	lossless      bool
	arithmetic    bool
	buffered      bool // several scans make the picture
	components    []component
	maxH, maxV    int
	mcusX, mcusY  int

	quant    [4]*[64]int16
	dc, ac   [4]*huffman
	coder    *arithmetic
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

// smallPicture is how many samples may be made room for whatever the file's length.
const smallPicture = 1 << 24

// Decode gives the picture as RGB, [height, width, 3]. Before anything of the
// picture's size is allocated, check is asked whether the size is acceptable.
func Decode(data []byte, check func(width, height int) error) (width, height int, rgb []uint8, err error) {
	d := newDecoder(data)
	if err := d.decode(check); err != nil {
		return 0, 0, nil, err
	}
	return d.width, d.height, d.rgb(), nil
}

func newDecoder(data []byte) *decoder {
	return &decoder{bits: bits{data: data, at: 2}, coder: newArithmetic()} // past SOI
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
			if d.scans > 0 {
				return d.finish()
			}
			if err := d.nextStream(); err != nil {
				return err
			}
			continue
		}
		if err := d.readSegment(marker, segment, check); err != nil {
			return err
		}
	}
}

// nextStream goes from a stream of tables alone to what must follow at once: another, to which they belong.
func (d *decoder) nextStream() error {
	if d.components != nil || d.at+2 > len(d.data) || d.data[d.at] != 0xFF || d.data[d.at+1] != soi {
		return damaged("it holds no picture")
	}
	d.at += 2
	d.restart, d.jfif, d.adobe, d.coder = 0, false, false, newArithmetic()
	return nil
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
	case dac:
		return d.readConditioning(s)
	case sof0, sof1, sof2, sof3, sof9, sof10:
		d.progressive, d.lossless = marker == sof2 || marker == sof10, marker == sof3
		d.arithmetic = marker == sof9 || marker == sof10
		return d.readFrame(s, check)
	case 0xCB:
		return errors.New("the JPEG is lossless and arithmetic-coded, which is not read; save it as an ordinary JPEG " +
			"or PNG")
	case 0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF:
		return errors.New("the JPEG is hierarchical, which is not read; save it as an ordinary JPEG or PNG")
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
		table := newHuffman(s[1:17], symbols)
		if s[0]>>4 == 0 {
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
	if d.blocks/d.blocksPerByte() > len(d.data) && d.blocks*d.unit()*d.unit() > smallPicture {
		return errTruncated
	}
	for i := range d.components {
		c := &d.components[i]
		c.samples = make([]uint8, c.stride()*c.down*c.unit)
	}
	return nil
}

// unit is how many samples of a row are coded together.
func (d *decoder) unit() int {
	if d.lossless {
		return 1
	}
	return 8
}

// blocksPerByte is how many blocks a byte may hold: a Huffman code has at least one bit, the arithmetic coder's most
// probable symbol next to none.
func (d *decoder) blocksPerByte() int {
	if d.arithmetic {
		return 512
	}
	return 8
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
	unit := d.unit()
	d.mcusX, d.mcusY = ceil(d.width, unit*d.maxH), ceil(d.height, unit*d.maxV)
	for i := range d.components {
		c := &d.components[i]
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return errors.New("the JPEG samples its colours at an uneven fraction, which is not read; save it as an " +
				"ordinary JPEG or PNG")
		}
		c.width, c.height = ceil(d.width*c.h, d.maxH), ceil(d.height*c.v, d.maxV)
		c.unit, c.across, c.down = unit, d.mcusX*c.h, d.mcusY*c.v
		d.blocks += ceil(c.width, unit) * ceil(c.height, unit)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }
