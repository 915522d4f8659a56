// Package jpeg2000 decodes JPEG 2000 (ITU-T T.800, part 1), codestreams and JP2 files, to OpenJPEG's samples.
package jpeg2000

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

var (
	errTruncated = errors.New("the picture is cut short")
	errDamaged   = errors.New("the JPEG 2000 is damaged")
)

func unsupported(what string) error {
	return fmt.Errorf("this JPEG 2000 has %s, which is not read; save it as JPEG or PNG", what)
}

// Picture is the samples of a codestream, component by component.
type Picture struct {
	Width, Height int
	Components    []Component
}

// Component is what one colour has.
type Component struct {
	Width, Height int
	Bits          int  // of a sample
	Signed        bool // samples may be below 0
	Samples       []int32
	DX, DY        int // distance of its samples, in pixels
}

// size is the SIZ marker.
type size struct {
	x1, y1, x0, y0, tileWidth, tileHeight, tileX, tileY int
	components                                          []Component
}

// style is a COD or COC marker, of one component.
type style struct {
	levels                  int
	blockWidth, blockHeight int // their binary logarithms
	style                   int
	reversible              bool
	precincts               [][2]int // binary logarithms, by resolution
}

// quantization is a QCD or QCC marker, of one component.
type quantization struct {
	kind, guard int
	steps       [][2]int // exponent, mantissa
}

// coding is what holds for a tile, or for all.
type coding struct {
	order, layers int
	mixed         bool // the first three components are transformed together
	styles        []style
	quantized     []quantization
	shifts        []int // of regions of interest
	changes       []progression
	ownStyle      []bool // by COC, which COD does not change
	ownQuantized  []bool // by QCC
}

func (c coding) clone() coding {
	c.styles = append([]style{}, c.styles...)
	c.quantized = append([]quantization{}, c.quantized...)
	c.shifts = append([]int{}, c.shifts...)
	c.ownStyle, c.ownQuantized = make([]bool, len(c.styles)), make([]bool, len(c.styles))
	c.changes = append([]progression{}, c.changes...)
	return c
}

const (
	markSOC = 0xFF4F
	markSOT = 0xFF90
	markSOD = 0xFF93
	markEOC = 0xFFD9
	markSIZ = 0xFF51
	markCOD = 0xFF52
	markCOC = 0xFF53
	markRGN = 0xFF5E
	markQCD = 0xFF5C
	markQCC = 0xFF5D
	markPOC = 0xFF5F
	markPPM = 0xFF60
	markPPT = 0xFF61
)

// decoder reads a codestream.
type decoder struct {
	size
	main    coding
	tiles   map[int]*tile
	packed  map[int][]byte // PPM by its index
	headers []byte         // of packets, of all tile-parts: those that are left
	picture *Picture
}

// Decode decodes a codestream. Check hears of its size before anything is made, and may refuse it.
func Decode(data []byte, check func(width, height int) error) (*Picture, error) {
	if len(data) < 4 || binary.BigEndian.Uint16(data) != markSOC {
		return nil, errDamaged
	}
	d := &decoder{tiles: map[int]*tile{}, packed: map[int][]byte{}}
	if err := d.read(data[2:], len(data), check); err != nil {
		return nil, err
	}
	return d.picture, nil
}

func (d *decoder) read(data []byte, length int, check func(width, height int) error) error {
	for {
		if len(data) < 4 {
			if len(d.tiles) == 0 {
				return errTruncated
			}
			break
		}
		mark, n := int(binary.BigEndian.Uint16(data)), int(binary.BigEndian.Uint16(data[2:]))
		if mark == markEOC {
			break
		}
		if n < 2 || len(data) < 2+n {
			if len(d.tiles) == 0 {
				return errTruncated
			}
			break
		}
		body := data[4 : 2+n]
		if d.picture == nil && mark != markSIZ {
			return errDamaged
		}
		if mark == markSOT {
			rest, err := d.tilePart(data, body)
			if err != nil {
				return err
			}
			data = rest
			continue
		}
		var err error
		switch mark {
		case markSIZ:
			err = d.readSize(body, length, check)
		case markPPM:
			if len(body) > 0 {
				d.packed[int(body[0])] = body[1:]
			}
		default:
			err = d.main.read(mark, body, d.components)
		}
		if err != nil {
			return err
		}
		data = data[2+n:]
	}
	for _, t := range d.tiles {
		if err := d.finish(t); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) readSize(b []byte, length int, check func(width, height int) error) error {
	if len(b) < 36 || d.picture != nil {
		return errDamaged
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(b[i:])) }
	d.size = size{word(2), word(6), word(10), word(14), word(18), word(22), word(26), word(30), nil}
	count := int(binary.BigEndian.Uint16(b[34:]))
	if len(b) < 36+3*count || count == 0 {
		return errDamaged
	}
	if d.x1 <= d.x0 || d.y1 <= d.y0 || d.tileWidth == 0 || d.tileHeight == 0 || d.tileX > d.x0 || d.tileY > d.y0 ||
		d.tileX+d.tileWidth <= d.x0 || d.tileY+d.tileHeight <= d.y0 {
		return errDamaged
	}
	if err := check(d.x1-d.x0, d.y1-d.y0); err != nil {
		return err
	}
	if count > 4 {
		return unsupported(fmt.Sprintf("%d components", count))
	}
	if (d.x1-d.x0)*(d.y1-d.y0) > 1<<24 && length < (d.x1-d.x0)*(d.y1-d.y0)/5000 {
		return errTruncated
	}
	if across, down := d.grid(); across*down > 65535 {
		return errDamaged
	}
	d.picture = &Picture{Width: d.x1 - d.x0, Height: d.y1 - d.y0}
	for i := range count {
		c := Component{Bits: int(b[36+3*i]&0x7F) + 1, Signed: b[36+3*i]&0x80 != 0, DX: int(b[37+3*i]),
			DY: int(b[38+3*i])}
		if c.DX == 0 || c.DY == 0 || c.Bits > 31 {
			return errDamaged
		}
		c.Width = up(d.x1, c.DX) - up(d.x0, c.DX)
		c.Height = up(d.y1, c.DY) - up(d.y0, c.DY)
		if c.Width <= 0 || c.Height <= 0 {
			return errDamaged
		}
		c.Samples = make([]int32, c.Width*c.Height)
		d.picture.Components = append(d.picture.Components, c)
	}
	d.components = d.picture.Components
	d.main = coding{styles: make([]style, count), quantized: make([]quantization, count), shifts: make([]int, count),
		ownStyle: make([]bool, count), ownQuantized: make([]bool, count)}
	return nil
}

// grid is how many tiles there are.
func (d *decoder) grid() (across, down int) {
	return up(d.x1-d.tileX, d.tileWidth), up(d.y1-d.tileY, d.tileHeight)
}

// up is a/b, rounded up.
func up(a, b int) int { return (a + b - 1) / b }

// upShift is a/2^n, rounded up; a may be negative.
func upShift(a, n int) int { return -(-a >> n) }

func (c *coding) read(mark int, b []byte, components []Component) error {
	switch mark {
	case markCOD:
		if len(b) < 10 {
			return errDamaged
		}
		c.order, c.layers, c.mixed = int(b[1]), int(binary.BigEndian.Uint16(b[2:])), b[4] != 0
		if c.order > 4 || c.layers == 0 {
			return errDamaged
		}
		s, err := readStyle(b[5:], b[0]&1 != 0)
		if err != nil {
			return err
		}
		for i := range c.styles {
			if !c.ownStyle[i] {
				c.styles[i] = s
			}
		}
	case markCOC:
		if len(b) < 7 || int(b[0]) >= len(c.styles) {
			return errDamaged
		}
		s, err := readStyle(b[2:], b[1]&1 != 0)
		if err != nil {
			return err
		}
		c.styles[b[0]], c.ownStyle[b[0]] = s, true
	case markQCD:
		q, err := readQuantization(b)
		if err != nil {
			return err
		}
		for i := range c.quantized {
			if !c.ownQuantized[i] {
				c.quantized[i] = q
			}
		}
	case markQCC:
		if len(b) < 2 || int(b[0]) >= len(c.quantized) {
			return errDamaged
		}
		q, err := readQuantization(b[1:])
		if err != nil {
			return err
		}
		c.quantized[b[0]], c.ownQuantized[b[0]] = q, true
	case markRGN:
		if len(b) < 3 || int(b[0]) >= len(c.shifts) || b[1] != 0 || b[2] > 31 {
			return errDamaged
		}
		c.shifts[b[0]] = int(b[2])
	case markPOC:
		for ; len(b) >= 7; b = b[7:] {
			p := progression{order: int(b[6]), resolutions: [2]int{int(b[0]), int(b[4])},
				components: [2]int{int(b[1]), int(b[5])},
				layers:     int(binary.BigEndian.Uint16(b[2:]))}
			if p.order > 4 {
				return errDamaged
			}
			if p.components[1] == 0 {
				p.components[1] = 256
			}
			c.changes = append(c.changes, p)
		}
	}
	return nil
}

func readStyle(b []byte, ownPrecincts bool) (style, error) {
	s := style{levels: int(b[0]), blockWidth: int(b[1]&15) + 2, blockHeight: int(b[2]&15) + 2, style: int(b[3]),
		reversible: b[4] == 1}
	if s.levels > 32 || s.blockWidth > 10 || s.blockHeight > 10 || s.blockWidth+s.blockHeight > 12 || b[4] > 1 {
		return s, errDamaged
	}
	if s.style&styleHighThroughput != 0 {
		return s, unsupported("high-throughput blocks")
	}
	for r := range s.levels + 1 {
		p := [2]int{15, 15}
		if ownPrecincts {
			if len(b) < 6+r {
				return s, errDamaged
			}
			p = [2]int{int(b[5+r] & 15), int(b[5+r] >> 4)}
			if r > 0 && (p[0] == 0 || p[1] == 0) {
				return s, errDamaged
			}
		}
		s.precincts = append(s.precincts, p)
	}
	return s, nil
}

func readQuantization(b []byte) (quantization, error) {
	if len(b) < 2 {
		return quantization{}, errDamaged
	}
	q := quantization{kind: int(b[0] & 31), guard: int(b[0] >> 5)}
	b = b[1:]
	switch q.kind {
	case 0:
		for _, v := range b {
			q.steps = append(q.steps, [2]int{int(v >> 3), 0})
		}
	case 1, 2:
		for ; len(b) >= 2; b = b[2:] {
			v := int(binary.BigEndian.Uint16(b))
			q.steps = append(q.steps, [2]int{v >> 11, v & 0x7FF})
		}
	default:
		return q, errDamaged
	}
	if len(q.steps) == 0 {
		return q, errDamaged
	}
	return q, nil
}

// step is that of band number b, counted from the lowest on; of one that is not told it is 0.
func (q quantization) step(b int) (exponent, mantissa int) {
	switch {
	case q.kind == 1:
		return max(0, q.steps[0][0]-max(0, b-1)/3), q.steps[0][1]
	case b < len(q.steps):
		return q.steps[b][0], q.steps[b][1]
	}
	return 0, 0
}

// tilePart reads a part of a tile from its SOT marker on, and gives what follows it.
func (d *decoder) tilePart(data, b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, errDamaged
	}
	number, length := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint32(b[2:]))
	across, down := d.grid()
	if number >= across*down || d.main.layers == 0 || len(d.main.quantized[0].steps) == 0 {
		return nil, errDamaged
	}
	end := length
	if length > len(data) {
		return nil, errTruncated
	}
	if length == 0 { // up to the end
		end = len(data)
		if binary.BigEndian.Uint16(data[end-2:]) == markEOC {
			end -= 2
		}
	}
	for i := 0; len(d.packed) > 0; i++ {
		if part, ok := d.packed[i]; ok {
			d.headers = append(d.headers, part...)
			delete(d.packed, i)
		} else if i > 255 {
			return nil, errDamaged
		}
	}
	t := d.tiles[number]
	if t == nil {
		t = &tile{coding: d.main.clone(), number: number}
		d.tiles[number] = t
	}
	if d.headers != nil {
		if len(d.headers) < 4 {
			return nil, errTruncated
		}
		n := int(binary.BigEndian.Uint32(d.headers))
		if n > len(d.headers)-4 {
			return nil, errTruncated
		}
		t.headers = append(t.headers, d.headers[4:4+n]...)
		if t.headers == nil {
			t.headers = []byte{}
		}
		d.headers = d.headers[4+n:]
	}
	at := 12
	for {
		if at+2 > end {
			return data[max(end, 12):], nil
		}
		mark := int(binary.BigEndian.Uint16(data[at:]))
		if mark == markSOD {
			t.data = append(t.data, data[at+2:end]...)
			return data[end:], nil
		}
		if at+4 > end {
			return data[end:], nil
		}
		n := int(binary.BigEndian.Uint16(data[at+2:]))
		if n < 2 || at+2+n > end {
			return nil, errDamaged
		}
		body := data[at+4 : at+2+n]
		switch mark {
		case markPPT:
			if len(body) > 0 {
				t.packed = append(t.packed, packed{int(body[0]), body[1:]})
			}
		case markPOC:
			if !t.ownChanges {
				t.changes, t.ownChanges = nil, true
			}
			fallthrough
		default:
			if err := t.coding.read(mark, body, d.components); err != nil {
				return nil, err
			}
		}
		at += 2 + n
	}
}

// tile is one tile.
type tile struct {
	coding
	number     int
	ownChanges bool
	data       []byte
	headers    []byte   // of packets, where they stand apart
	packed     []packed // PPT
	components []*tileComponent
	precincts  []*precinct
	blocks     int
}

// packed is some headers of packets: those with the lower number are first.
type packed struct {
	number int
	data   []byte
}

// tileComponent is one component of a tile.
type tileComponent struct {
	x0, y0, x1, y1 int
	resolutions    []*resolution
}

type resolution struct {
	x0, y0, x1, y1 int
	bands          []*band
	style          *style
	level          int
}

// Orientations of bands.
const (
	bandLL = iota
	bandHL
	bandLH
	bandHH
)

type band struct {
	x0, y0, x1, y1 int
	orientation    int
	planes         int
	step           float32
	left, top      int // where it lies among the coefficients of its component
	shift          int // of the region of interest
}

const maxPrecincts, maxBlocks = 1 << 20, 1 << 23

// finish decodes a tile into the picture.
func (d *decoder) finish(t *tile) error {
	slices.SortStableFunc(t.packed, func(a, b packed) int { return a.number - b.number })
	for _, p := range t.packed {
		t.headers = append(t.headers, p.data...)
	}
	across, _ := d.grid()
	p, q := t.number%across, t.number/across
	x0, y0 := max(d.tileX+p*d.tileWidth, d.x0), max(d.tileY+q*d.tileHeight, d.y0)
	x1, y1 := min(d.tileX+(p+1)*d.tileWidth, d.x1), min(d.tileY+(q+1)*d.tileHeight, d.y1)
	for i, c := range d.picture.Components {
		tc := &tileComponent{x0: up(x0, c.DX), y0: up(y0, c.DY), x1: up(x1, c.DX), y1: up(y1, c.DY)}
		if err := t.lay(tc, i, c, x0, y0); err != nil {
			return err
		}
		t.components = append(t.components, tc)
	}
	if err := t.read(); err != nil {
		return err
	}
	return d.put(t)
}

// lay makes the resolutions, bands and precincts of a component.
func (t *tile) lay(tc *tileComponent, index int, c Component, tileX, tileY int) error {
	s, q := &t.styles[index], t.quantized[index]
	for r := range s.levels + 1 {
		n := s.levels - r
		res := &resolution{x0: upShift(tc.x0, n), y0: upShift(tc.y0, n), x1: upShift(tc.x1, n), y1: upShift(tc.y1, n),
			style: s, level: r}
		orientations := []int{bandHL, bandLH, bandHH}
		nb := n + 1
		if r == 0 {
			orientations, nb = []int{bandLL}, n
		}
		for k, o := range orientations {
			ox, oy := 0, 0
			if o == bandHL || o == bandHH {
				ox = 1
			}
			if o == bandLH || o == bandHH {
				oy = 1
			}
			half := 0
			if nb > 0 {
				half = 1 << (nb - 1)
			}
			b := &band{x0: upShift(tc.x0-half*ox, nb), y0: upShift(tc.y0-half*oy, nb), x1: upShift(tc.x1-half*ox, nb),
				y1: upShift(tc.y1-half*oy, nb), orientation: o, shift: t.shifts[index]}
			number := 0
			if r > 0 {
				number = 3*(r-1) + 1 + k
				below := tc.resolutions[r-1]
				if ox == 1 {
					b.left = below.x1 - below.x0
				}
				if oy == 1 {
					b.top = below.y1 - below.y0
				}
			}
			exponent, mantissa := q.step(number)
			b.planes = q.guard + exponent - 1 + b.shift
			gain := 0
			if s.reversible {
				gain = ox + oy
			}
			b.step = float32((1 + float64(mantissa)/2048) * math.Pow(2, float64(c.Bits+gain-exponent)))
			res.bands = append(res.bands, b)
		}
		tc.resolutions = append(tc.resolutions, res)
		if res.x1 <= res.x0 || res.y1 <= res.y0 {
			continue
		}
		px, py := s.precincts[r][0], s.precincts[r][1]
		left, top := res.x0>>px, res.y0>>py
		wide, high := upShift(res.x1, px)-left, upShift(res.y1, py)-top
		if wide*high > maxPrecincts || len(t.precincts)+wide*high > maxPrecincts {
			return errDamaged
		}
		for i := range wide * high {
			x, y := left+i%wide, top+i/wide
			t.precincts = append(t.precincts, &precinct{component: index, resolution: r, number: i, px: x, py: y,
				x: max((x<<(px+n))*c.DX, tileX), y: max((y<<(py+n))*c.DY, tileY)})
		}
	}
	return nil
}

// fill makes the blocks of a precinct, when the first packet has something of it.
func (t *tile) fill(q *precinct) error {
	if q.parts != nil {
		return nil
	}
	res := t.components[q.component].resolutions[q.resolution]
	s := res.style
	px, py := s.precincts[q.resolution][0], s.precincts[q.resolution][1]
	if q.resolution > 0 {
		px, py = px-1, py-1
	}
	bw, bh := min(s.blockWidth, px), min(s.blockHeight, py)
	q.parts = make([]part, 0, len(res.bands))
	for _, b := range res.bands {
		x0, y0 := max(b.x0, q.px<<px), max(b.y0, q.py<<py)
		x1, y1 := min(b.x1, (q.px+1)<<px), min(b.y1, (q.py+1)<<py)
		p := part{band: b}
		if x1 > x0 && y1 > y0 {
			left, top := x0>>bw, y0>>bh
			p.width, p.height = upShift(x1, bw)-left, upShift(y1, bh)-top
			if t.blocks += p.width * p.height; t.blocks > maxBlocks {
				return errDamaged
			}
			p.blocks = make([]block, p.width*p.height)
			for i := range p.blocks {
				x, y := left+i%p.width, top+i/p.width
				p.blocks[i] = block{x0: max(x0, x<<bw), y0: max(y0, y<<bh), x1: min(x1, (x+1)<<bw), y1: min(y1,
					(y+1)<<bh)}
			}
			p.included, p.empty = newTagTree(p.width, p.height), newTagTree(p.width, p.height)
		}
		q.parts = append(q.parts, p)
	}
	return nil
}

// put computes the samples of a tile.
func (d *decoder) put(t *tile) error {
	whole := make([]plane[int32], len(t.components))
	real := make([]plane[float32], len(t.components))
	for i, tc := range t.components {
		w, h := tc.x1-tc.x0, tc.y1-tc.y0
		if t.styles[i].reversible {
			whole[i] = plane[int32]{w, h, make([]int32, w*h)}
		} else {
			real[i] = plane[float32]{w, h, make([]float32, w*h)}
		}
	}
	var c coder
	for _, q := range t.precincts {
		tc := t.components[q.component]
		for _, p := range q.parts {
			for _, b := range p.blocks {
				if len(b.segments) == 0 || b.planes == 0 {
					continue
				}
				w, h := b.x1-b.x0, b.y1-b.y0
				c.decode(w, h, p.band.orientation, t.styles[q.component].style, b.planes, b.segments)
				at := (b.y0-p.band.y0+p.band.top)*(tc.x1-tc.x0) + b.x0 - p.band.x0 + p.band.left
				for y := range h {
					for x := range w {
						v := c.values[y*w+x]
						if p.band.shift > 0 && v>>1 >= 1<<p.band.shift {
							v >>= p.band.shift
						}
						minus := c.flags[(y+1)*c.stride+x+1]&negative != 0
						if t.styles[q.component].reversible {
							v >>= 1
							if minus {
								v = -v
							}
							whole[q.component].at[at+x] = v
						} else {
							f := float32(v) * (0.5 * p.band.step)
							if minus {
								f = -f
							}
							real[q.component].at[at+x] = f
						}
					}
					at += tc.x1 - tc.x0
				}
			}
		}
	}
	for i, tc := range t.components {
		for r, res := range tc.resolutions {
			if r == 0 {
				continue
			}
			w, h := res.x1-res.x0, res.y1-res.y0
			if t.styles[i].reversible {
				level(whole[i], w, h, res.x0, res.y0, lift53)
			} else {
				level(real[i], w, h, res.x0, res.y0, lift97)
			}
		}
	}
	if t.mixed && len(t.components) >= 3 {
		if err := t.unmix(whole, real); err != nil {
			return err
		}
	}
	for i, tc := range t.components {
		comp := &d.picture.Components[i]
		left, top := tc.x0-up(d.x0, comp.DX), tc.y0-up(d.y0, comp.DY)
		shift, low, high := int32(0), int32(-1)<<(comp.Bits-1), int32(1)<<(comp.Bits-1)-1
		if !comp.Signed {
			shift, low, high = 1<<(comp.Bits-1), 0, int32(1<<uint(comp.Bits)-1)
		}
		w := tc.x1 - tc.x0
		for y := range tc.y1 - tc.y0 {
			row := comp.Samples[(top+y)*comp.Width+left:][:w]
			for x := range row {
				var v int32
				if t.styles[i].reversible {
					v = whole[i].at[y*w+x]
				} else {
					v = rounded(real[i].at[y*w+x])
				}
				row[x] = min(max(v+shift, low), high)
			}
		}
	}
	return nil
}

func rounded(f float32) int32 {
	v := math.RoundToEven(float64(f))
	return int32(min(max(v, -1<<30), 1<<30))
}

// unmix undoes the transform of the first three components (ITU-T T.800, annex G).
func (t *tile) unmix(whole []plane[int32], real []plane[float32]) error {
	a := t.components[0]
	for i := range 3 {
		c := t.components[i]
		if c.x1-c.x0 != a.x1-a.x0 || c.y1-c.y0 != a.y1-a.y0 || t.styles[i].reversible != t.styles[0].reversible {
			return errDamaged
		}
	}
	if t.styles[0].reversible {
		p, q, s := whole[0].at, whole[1].at, whole[2].at
		for i := range p {
			g := p[i] - (q[i]+s[i])>>2
			p[i], q[i], s[i] = s[i]+g, g, q[i]+g
		}
		return nil
	}
	p, q, s := real[0].at, real[1].at, real[2].at
	for i := range p {
		y, u, v := p[i], q[i], s[i]
		p[i] = y + float32(v*1.402)
		q[i] = y - float32(u*0.34413) - float32(v*0.71414)
		s[i] = y + float32(u*1.772)
	}
	return nil
}
