package jpeg2000

// Block styles of a COD or COC marker (ITU-T T.800, table A.19).
const (
	styleBypass = 1 << iota
	styleReset
	styleTerminate
	styleCausal
	stylePredictable
	styleSymbols
	styleHighThroughput
)

// Where a coefficient stands, and what is known of it.
const (
	significant = 1 << iota
	negative
	refined
	visited
)

// The contexts of bits that are not of one coefficient's significance (ITU-T T.800, table D.1).
const (
	contextSign    = 9
	contextRefine  = 14
	contextRun     = 17
	contextUniform = 18
	contexts       = 19
)

// segment is some passes of a block whose bytes end together.
type segment struct {
	passes, most int
	data         []byte
}

// bits gives the decisions of one segment: those of the arithmetic coder, or plain ones where it is bypassed.
type bits struct {
	data    []byte
	at      int
	c, a    uint32
	ct      int
	states  [contexts]uint8 // index into the table of probabilities, times two, plus the likelier symbol
	bypass  bool
	rawByte byte
}

func (b *bits) reset() {
	b.states = [contexts]uint8{0: 4 << 1, contextRun: 3 << 1, contextUniform: 46 << 1}
}

// byteAt is 0xFF past the end, as if a marker stood there.
func (b *bits) byteAt(i int) byte {
	if i < len(b.data) {
		return b.data[i]
	}
	return 0xFF
}

func (b *bits) start(data []byte, bypass bool) {
	b.data, b.at, b.bypass = data, 0, bypass
	if bypass {
		b.rawByte, b.ct = 0, 0
		return
	}
	b.c = uint32(b.byteAt(0)) << 16
	b.fill()
	b.c <<= 7
	b.ct -= 7
	b.a = 0x8000
}

// fill takes the next byte in; after 0xFF only seven bits of it count (ITU-T T.800, figure C.19).
func (b *bits) fill() {
	next := b.byteAt(b.at + 1)
	switch {
	case b.byteAt(b.at) != 0xFF:
		b.at++
		b.c += uint32(next) << 8
		b.ct = 8
	case next > 0x8F:
		b.c += 0xFF00
		b.ct = 8
	default:
		b.at++
		b.c += uint32(next) << 9
		b.ct = 7
	}
}

// bit decodes one decision (ITU-T T.800, figures C.15 to C.18).
func (b *bits) bit(context int) int {
	state := &b.states[context]
	p := &probabilities[*state>>1]
	symbol := int(*state & 1)
	b.a -= p.q
	if b.c>>16 < p.q {
		if b.a < p.q {
			*state = p.likely<<1 | uint8(symbol)
		} else {
			symbol ^= 1
			*state = p.unlikely<<1 | uint8(symbol)
			if !p.turns {
				*state ^= 1
			}
		}
		b.a = p.q
	} else {
		b.c -= p.q << 16
		if b.a&0x8000 != 0 {
			return symbol
		}
		if b.a < p.q {
			symbol ^= 1
			*state = p.unlikely<<1 | uint8(symbol)
			if !p.turns {
				*state ^= 1
			}
		} else {
			*state = p.likely<<1 | uint8(symbol)
		}
	}
	for {
		if b.ct == 0 {
			b.fill()
		}
		b.a <<= 1
		b.c <<= 1
		b.ct--
		if b.a&0x8000 != 0 {
			return symbol
		}
	}
}

// raw is the next plain bit.
func (b *bits) raw() int {
	if b.ct == 0 {
		next := b.byteAt(b.at)
		b.ct = 8
		switch {
		case b.rawByte != 0xFF:
			b.at++
		case next > 0x8F:
			next = 0xFF
		default:
			b.at++
			b.ct = 7
		}
		b.rawByte = next
	}
	b.ct--
	return int(b.rawByte>>b.ct) & 1
}

// coder decodes blocks of coefficients, one after the other.
type coder struct {
	bits
	width, height, stride int
	orientation, style    int
	flags                 []uint8 // one coefficient wider on every side
	values                []int32 // magnitudes, with one bit of fraction
}

// decode gives the magnitudes of a block with a bit of fraction, and flags that have their signs. planes is how many
// planes of bits the block has.
func (d *coder) decode(width, height, orientation, style, planes int, segments []segment) {
	d.width, d.height, d.stride, d.orientation, d.style = width, height, width+2, orientation, style
	d.flags = zeroed(d.flags, (width+2)*(height+2))
	d.values = zeroed(d.values, width*height)
	d.reset()
	plane, kind := planes, 2
	for _, s := range segments {
		for i := range s.passes {
			if plane < 1 {
				return
			}
			bypass := style&styleBypass != 0 && kind < 2 && plane <= planes-4
			if i == 0 {
				d.start(s.data, bypass)
			}
			d.pass(kind, plane)
			if style&styleReset != 0 {
				d.reset()
			}
			if kind++; kind == 3 {
				kind = 0
				plane--
			}
		}
	}
}

func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func (d *coder) pass(kind, plane int) {
	for top := 0; top < d.height; top += 4 {
		bottom := min(top+4, d.height)
		for x := range d.width {
			switch kind {
			case 0:
				d.propagate(x, top, bottom, plane)
			case 1:
				d.refine(x, top, bottom, plane)
			default:
				d.clean(x, top, bottom, plane)
			}
		}
	}
	if kind == 2 && d.style&styleSymbols != 0 {
		for range 4 {
			d.bit(contextUniform)
		}
	}
}

// around counts the significant neighbours: beside, above and below, at the corners.
func (d *coder) around(at int, below bool) (h, v, corners int) {
	f, s := d.flags, d.stride
	h = int(f[at-1]&1 + f[at+1]&1)
	v = int(f[at-s] & 1)
	corners = int(f[at-s-1]&1 + f[at-s+1]&1)
	if below {
		v += int(f[at+s] & 1)
		corners += int(f[at+s-1]&1 + f[at+s+1]&1)
	}
	return h, v, corners
}

// below is whether the row under y counts: not that of the next stripe where blocks are vertically causal.
func (d *coder) below(y, top int) bool { return d.style&styleCausal == 0 || y != top+3 }

// newly is the context of whether a coefficient becomes significant (ITU-T T.800, table D.1).
func newly(orientation, h, v, corners int) int {
	if orientation == bandHH {
		switch sum := h + v; {
		case corners >= 3:
			return 8
		case corners == 2:
			return 6 + min(sum, 1)
		case corners == 1:
			return 3 + min(sum, 2)
		default:
			return min(sum, 2)
		}
	}
	if orientation == bandHL {
		h, v = v, h
	}
	switch {
	case h == 2:
		return 8
	case h == 1 && v > 0:
		return 7
	case h == 1:
		return 5 + min(corners, 1)
	case v > 0:
		return 2 + v
	default:
		return min(corners, 2)
	}
}

// sign decodes the sign of a coefficient that became significant (ITU-T T.800, tables D.2 and D.3), and notes both.
func (d *coder) sign(x, y, at, plane int, below bool) {
	var bit int
	if d.bypass {
		bit = d.raw()
	} else {
		toward := func(i int) int {
			switch d.flags[i] & (significant | negative) {
			case significant:
				return 1
			case significant | negative:
				return -1
			}
			return 0
		}
		h := min(max(toward(at-1)+toward(at+1), -1), 1)
		v := toward(at - d.stride)
		if below {
			v += toward(at + d.stride)
		}
		v = min(max(v, -1), 1)
		flip := 0
		if h < 0 || h == 0 && v < 0 {
			h, v, flip = -h, -v, 1
		}
		context := contextSign + v
		if h == 1 {
			context = contextSign + 3 + v
		}
		bit = d.bit(context) ^ flip
	}
	d.flags[at] |= significant
	if bit != 0 {
		d.flags[at] |= negative
	}
	d.values[y*d.width+x] = 3 << (plane - 1)
}

func (d *coder) propagate(x, top, bottom, plane int) {
	for y := top; y < bottom; y++ {
		at := (y+1)*d.stride + x + 1
		if d.flags[at]&significant != 0 {
			continue
		}
		below := d.below(y, top)
		h, v, corners := d.around(at, below)
		if h+v+corners == 0 {
			continue
		}
		var bit int
		if d.bypass {
			bit = d.raw()
		} else {
			bit = d.bit(newly(d.orientation, h, v, corners))
		}
		if bit != 0 {
			d.sign(x, y, at, plane, below)
		}
		d.flags[at] |= visited
	}
}

func (d *coder) refine(x, top, bottom, plane int) {
	for y := top; y < bottom; y++ {
		at := (y+1)*d.stride + x + 1
		if d.flags[at]&(significant|visited) != significant {
			continue
		}
		var bit int
		switch {
		case d.bypass:
			bit = d.raw()
		case d.flags[at]&refined != 0:
			bit = d.bit(contextRefine + 2)
		default:
			h, v, corners := d.around(at, d.below(y, top))
			bit = d.bit(contextRefine + min(h+v+corners, 1))
		}
		half := int32(1) << (plane - 1)
		if bit == 0 {
			half = -half
		}
		d.values[y*d.width+x] += half
		d.flags[at] |= refined
	}
}

func (d *coder) clean(x, top, bottom, plane int) {
	y, known := top, false
	if bottom == top+4 && d.quiet(x, top) {
		if d.bit(contextRun) == 0 {
			return
		}
		y += d.bit(contextUniform) << 1
		y += d.bit(contextUniform)
		known = true
	}
	for ; y < bottom; y++ {
		at := (y+1)*d.stride + x + 1
		if !known && d.flags[at]&(significant|visited) != 0 {
			d.flags[at] &^= visited
			continue
		}
		below := d.below(y, top)
		if h, v, corners := d.around(at, below); known || d.bit(newly(d.orientation, h, v, corners)) != 0 {
			d.sign(x, y, at, plane, below)
		}
		known = false
		d.flags[at] &^= visited
	}
}

// quiet is whether nothing in or around a column of a stripe is known yet.
func (d *coder) quiet(x, top int) bool {
	rows := 6
	if d.style&styleCausal != 0 {
		rows = 5
	}
	var any uint8
	for y := range rows {
		at := (top+y)*d.stride + x + 1
		any |= d.flags[at-1]&significant | d.flags[at]&significant | d.flags[at+1]&significant
		if y > 0 && y < 5 {
			any |= d.flags[at] & visited
		}
	}
	return any == 0
}

type probability struct {
	q                uint32
	likely, unlikely uint8
	turns            bool
}

// probabilities is table C.2 of ITU-T T.800.
var probabilities = func() (table [47]probability) {
	q := [47]uint32{0x5601, 0x3401, 0x1801, 0x0AC1, 0x0521, 0x0221, 0x5601, 0x5401, 0x4801, 0x3801, 0x3001, 0x2401,
		0x1C01, 0x1601, 0x5601, 0x5401, 0x5101, 0x4801, 0x3801, 0x3401, 0x3001, 0x2801, 0x2401, 0x2201, 0x1C01, 0x1801,
		0x1601, 0x1401, 0x1201, 0x1101, 0x0AC1, 0x09C1, 0x08A1, 0x0521, 0x0441, 0x02A1, 0x0221, 0x0141, 0x0111, 0x0085,
		0x0049, 0x0025, 0x0015, 0x0009, 0x0005, 0x0001, 0x5601}
	likely := [47]uint8{1, 2, 3, 4, 5, 38, 7, 8, 9, 10, 11, 12, 13, 29, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
		27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 45, 46}
	unlikely := [47]uint8{1, 6, 9, 12, 29, 33, 6, 14, 14, 14, 17, 18, 20, 21, 14, 14, 15, 16, 17, 18, 19, 19, 20, 21,
		22,
		23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 46}
	for i := range table {
		table[i] = probability{q[i], likely[i], unlikely[i], i == 0 || i == 6 || i == 14}
	}
	return table
}()
