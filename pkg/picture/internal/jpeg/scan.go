package jpeg

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/gointr/gointr/internal/parallel"
)

// scan is what one SOS segment asks for.
type scan struct {
	components   []*component
	first, last  int // coefficients; in a lossless file first is the predictor
	high, low    int // successive approximation; in a lossless file low is the point transform
	across, down int // MCUs
	interleaved  bool
	decode       func(c *component, block []int16, extent *uint8, s *scan) // not of a lossless scan
	restarts     int                                                       // markers passed
	counter      int                                                       // MCUs before the next
}

// sampling is how many of a component's blocks an MCU has across and down.
func (s *scan) sampling(c *component) (h, v int) {
	if s.interleaved {
		return c.h, c.v
	}
	return 1, 1
}

func (d *decoder) readScan(s []byte) error {
	d.scans++
	if d.components == nil {
		return damaged("a scan comes before the frame")
	}
	sc, err := d.scanHeader(s)
	if err != nil {
		return err
	}
	sc.across, sc.down = d.mcusX, d.mcusY
	if !sc.interleaved {
		c := sc.components[0]
		sc.across, sc.down = ceil(c.width, c.unit), ceil(c.height, c.unit)
	}
	d.read += sc.across * sc.down * len(sc.components)
	if d.read > maxPasses*d.blocks+fewBlocks {
		return damaged("it has too many scans")
	}
	d.drop()
	d.short = false
	d.startInterval(sc)
	if d.scans == 1 {
		d.buffer(sc)
	} else if !d.buffered {
		return damaged("a scan follows that of the whole picture")
	}
	if d.lossless {
		if d.converts() {
			return errors.New("the JPEG is lossless and not RGB, which is not read; save it as an ordinary JPEG or PNG")
		}
		sc.startLossless()
		return d.readLossless(sc)
	}
	sc.decode = d.blockDecoder(sc)
	if !d.buffered {
		return d.readSequential(sc)
	}
	d.note(sc)
	return d.readBuffered(sc)
}

// blockDecoder is what reads the blocks of a scan.
func (d *decoder) blockDecoder(s *scan) func(c *component, block []int16, extent *uint8, s *scan) {
	coding := [...]func(c *component, block []int16, extent *uint8, s *scan){
		d.sequential, d.dcFirst, d.dcRefine, d.acFirst, d.acRefine}
	if d.arithmetic {
		coding = [...]func(c *component, block []int16, extent *uint8, s *scan){
			d.arithmeticBlock, d.arithmeticDC, d.arithmeticDCRefine, d.arithmeticAC, d.arithmeticACRefine}
	}
	switch {
	case !d.progressive:
		return coding[0]
	case s.first == 0 && s.high == 0:
		return coding[1]
	case s.first == 0:
		return coding[2]
	case s.high == 0:
		return coding[3]
	}
	return coding[4]
}

// buffer makes room for coefficients where the first scan is not the only one.
func (d *decoder) buffer(first *scan) {
	d.buffered = d.progressive || len(first.components) < len(d.components)
	for i := range d.components {
		c := &d.components[i]
		if d.buffered && !d.lossless {
			c.coefficients, c.extents = make([]int16, c.across*c.down*64), make([]uint8, c.across*c.down)
		}
		c.known = unknown
	}
}

// scanHeader reads which coefficients of which components a scan has.
func (d *decoder) scanHeader(s []byte) (*scan, error) {
	if len(s) < 1 || s[0] < 1 || s[0] > 4 || len(s) != 4+2*int(s[0]) {
		return nil, damaged("a scan header")
	}
	n := int(s[0])
	components, s := s[1:1+2*n], s[1+2*n:]
	sc := &scan{last: 63, interleaved: n > 1}
	if d.progressive {
		sc.first, sc.last, sc.high, sc.low = int(s[0]), int(s[1]), int(s[2]>>4), int(s[2]&15)
		if sc.last > 63 || sc.first > sc.last || (sc.first == 0) != (sc.last == 0) || sc.first > 0 && n > 1 ||
			sc.low > 13 || sc.high > 0 && sc.high != sc.low+1 {
			return nil, damaged("a scan header")
		}
	}
	if d.lossless {
		sc.first, sc.last, sc.low = int(s[0]), int(s[1]), int(s[2])
		if sc.first < 1 || sc.first > 7 || sc.last != 0 || sc.low > 7 {
			return nil, damaged("a scan header")
		}
	}
	blocks := 0 // in an MCU
	for i := range n {
		c := d.find(int(components[2*i]), i)
		if c == nil || slices.Contains(sc.components, c) {
			return nil, damaged("a scan header")
		}
		if err := d.choose(c, components[2*i+1], sc); err != nil {
			return nil, err
		}
		sc.components = append(sc.components, c)
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return nil, damaged("a scan header")
	}
	return sc, nil
}

// choose gives a component of a scan the tables that the header names.
func (d *decoder) choose(c *component, tables byte, s *scan) error {
	c.dcTable, c.acTable = int(tables>>4), int(tables&15)
	if !d.arithmetic {
		if err := d.chooseHuffman(c, s); err != nil {
			return err
		}
	}
	if d.lossless {
		return nil
	}
	if c.quant == nil && c.table < len(d.quant) {
		c.quant = d.quant[c.table]
	}
	if c.quant == nil {
		return damaged("a quantization table is missing")
	}
	return nil
}

// chooseHuffman gives a component its Huffman tables, and looks at those that the scan needs.
func (d *decoder) chooseHuffman(c *component, s *scan) error {
	needDC, needAC, largest := s.first == 0 && s.high == 0, s.last > 0, byte(15)
	if d.lossless {
		needDC, largest = true, 16
	}
	if needDC && c.dcTable > 3 || needAC && c.acTable > 3 {
		return damaged("a scan header")
	}
	c.dc, c.ac = d.dc[c.dcTable&3], d.ac[c.acTable&3]
	if !d.progressive && !d.lossless {
		c.dc, c.ac = cmp.Or(c.dc, standardDC[c.dcTable&3]), cmp.Or(c.ac, standardAC[c.acTable&3])
	}
	if needDC && c.dc == nil || needAC && c.ac == nil {
		return damaged("a Huffman table is missing")
	}
	if needDC && (c.dc.broken || len(c.dc.symbols) > 0 && slices.Max(c.dc.symbols) > largest) || needAC && c.ac.broken {
		return damaged("a Huffman table")
	}
	return nil
}

// find is the component of that name from the i-th on, where libjpeg looks for a scan's i-th: names may repeat.
func (d *decoder) find(id, i int) *component {
	for ; i < len(d.components); i++ {
		if d.components[i].id == id {
			return &d.components[i]
		}
	}
	return nil
}

// startInterval begins the data after a scan header or a restart marker.
func (d *decoder) startInterval(s *scan) {
	for _, c := range s.components {
		c.dcLast = 0
	}
	d.eobRun = 0
	s.counter = d.restart
	if d.arithmetic {
		d.startArithmetic(s)
	}
}

// afterMCU notices the end of the data. Before a marker the rest of the interval is taken as empty, as libjpeg does.
func (d *decoder) afterMCU(s *scan) error {
	s.counter--
	return d.noticeEnd()
}

func (d *decoder) noticeEnd() error {
	d.short = d.short || d.overrun()
	if d.ended && (d.short || d.arithmetic) {
		return errTruncated
	}
	return nil
}

// beforeMCU passes a restart marker when one is due.
func (d *decoder) beforeMCU(s *scan) error {
	if d.restart == 0 || s.counter > 0 {
		return nil
	}
	d.drop()
	if d.resync(s.restarts & 7) {
		d.short = false
	}
	if d.at >= len(d.data) {
		return errTruncated
	}
	s.restarts++
	d.startInterval(s)
	return nil
}

// resync finds the restart marker of that number, and when another is in its place does what libjpeg does: stay before
// a later one, pass an earlier one. It is whether a restart marker was passed.
func (d *decoder) resync(number int) bool {
	for marker := d.nextMarker(); marker != 0; marker = d.nextMarker() {
		switch away := (int(marker) - rst0 - number) & 7; {
		case marker < sof0:
		case marker < rst0 || marker > rst7 || away == 1 || away == 2:
			d.at -= 2
			return false
		case away == 6 || away == 7:
		default:
			return true
		}
	}
	return false
}

// band is the coefficients of one row of MCUs of a sequential scan.
type band struct {
	row          int
	coefficients [4][]int16
	extents      [4][]uint8
}

// readSequential decodes bands here while other cores transform them.
func (d *decoder) readSequential(s *scan) error {
	workers := max(1, min(runtime.GOMAXPROCS(0)-1, 4, s.down))
	free, ready := make(chan *band, workers+2), make(chan *band, workers+2)
	for range min(workers+2, s.down) {
		b := new(band)
		for i, c := range s.components {
			h, v := s.sampling(c)
			blocks := s.across * h * v
			b.coefficients[i], b.extents[i] = make([]int16, blocks*64), make([]uint8, blocks)
		}
		free <- b
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for b := range ready {
				for i, c := range s.components {
					b.transform(c, i, s)
				}
				free <- b
			}
		})
	}
	defer group.Wait()
	defer close(ready)
	for row := range s.down {
		b := <-free
		b.row = row
		if err := d.readBand(s, b); err != nil {
			return err
		}
		ready <- b
	}
	return nil
}

func (d *decoder) readBand(s *scan, b *band) error {
	for x := range s.across {
		if err := d.beforeMCU(s); err != nil {
			return err
		}
		if !d.short {
			for i, c := range s.components {
				h, v := s.sampling(c)
				for y := range v {
					for k := range h {
						at := y*s.across*h + x*h + k
						s.decode(c, b.coefficients[i][at*64:][:64], &b.extents[i][at], s)
					}
				}
			}
		}
		if err := d.afterMCU(s); err != nil {
			return err
		}
	}
	return nil
}

// transform writes the samples of the band's i-th component and empties the band.
func (b *band) transform(c *component, i int, s *scan) {
	h, v := s.sampling(c)
	across := s.across * h
	for y := range v {
		samples := c.samples[(b.row*v+y)*8*c.stride():]
		for x := range across {
			block := (*[64]int16)(b.coefficients[i][(y*across+x)*64:])
			inverse(block, c.quant, b.extents[i][y*across+x], samples[x*8:], c.stride())
			*block = [64]int16{}
		}
	}
	clear(b.extents[i])
}

// readBuffered decodes into the coefficients of the whole picture.
func (d *decoder) readBuffered(s *scan) error {
	for row := range s.down {
		for x := range s.across {
			if !d.short {
				d.sound = row
				if !s.interleaved {
					d.sound /= s.components[0].v
				}
			}
			if err := d.beforeMCU(s); err != nil {
				return err
			}
			if !d.short {
				for _, c := range s.components {
					h, v := s.sampling(c)
					for y := range v {
						at := (row*v+y)*c.across + x*h
						for k := range h {
							s.decode(c, c.coefficients[(at+k)*64:][:64], &c.extents[at+k], s)
						}
					}
				}
			}
			if err := d.afterMCU(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish makes samples of what has not been transformed yet.
func (d *decoder) finish() error {
	smooth := d.smooths()
	for i := range d.components {
		c := &d.components[i]
		if d.lossless {
			if c.differences == nil {
				return damaged("a component is missing")
			}
			continue
		}
		if c.quant == nil { // no scan had it
			for k := range c.samples {
				c.samples[k] = 128
			}
			continue
		}
		if !d.buffered {
			continue
		}
		parallel.Each(ceil(c.height, 8), func(row int) {
			samples := c.samples[row*8*c.stride():]
			for x := range ceil(c.width, 8) {
				at := row*c.across + x
				block, extent := (*[64]int16)(c.coefficients[at*64:]), c.extents[at]
				if smooth {
					block, extent = d.smoothed(c, x, row)
				}
				inverse(block, c.quant, extent, samples[x*8:], c.stride())
			}
		})
		c.coefficients = nil
	}
	return nil
}
