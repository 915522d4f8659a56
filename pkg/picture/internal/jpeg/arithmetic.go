package jpeg

// estimate is one state of the probability estimation (T.81 table D.2).
type estimate struct {
	size     uint16 // of the less probable symbol's interval
	less     uint8  // the state after that symbol; with its highest bit the symbols change places
	probable uint8  // the state after the other
}

const fixed = 113 // the state of even chances that is kept

// estimates are the states of table D.2 and the fixed one of T.851.
var estimates = [fixed + 1]estimate{
	{0x5a1d, 1 | 128, 1}, {0x2586, 14, 2}, {0x1114, 16, 3}, {0x080b, 18, 4}, {0x03d8, 20, 5},
	{0x01da, 23, 6}, {0x00e5, 25, 7}, {0x006f, 28, 8}, {0x0036, 30, 9}, {0x001a, 33, 10},
	{0x000d, 35, 11}, {0x0006, 9, 12}, {0x0003, 10, 13}, {0x0001, 12, 13}, {0x5a7f, 15 | 128, 15},
	{0x3f25, 36, 16}, {0x2cf2, 38, 17}, {0x207c, 39, 18}, {0x17b9, 40, 19}, {0x1182, 42, 20},
	{0x0cef, 43, 21}, {0x09a1, 45, 22}, {0x072f, 46, 23}, {0x055c, 48, 24}, {0x0406, 49, 25},
	{0x0303, 51, 26}, {0x0240, 52, 27}, {0x01b1, 54, 28}, {0x0144, 56, 29}, {0x00f5, 57, 30},
	{0x00b7, 59, 31}, {0x008a, 60, 32}, {0x0068, 62, 33}, {0x004e, 63, 34}, {0x003b, 32, 35},
	{0x002c, 33, 9}, {0x5ae1, 37 | 128, 37}, {0x484c, 64, 38}, {0x3a0d, 65, 39}, {0x2ef1, 67, 40},
	{0x261f, 68, 41}, {0x1f33, 69, 42}, {0x19a8, 70, 43}, {0x1518, 72, 44}, {0x1177, 73, 45},
	{0x0e74, 74, 46}, {0x0bfb, 75, 47}, {0x09f8, 77, 48}, {0x0861, 78, 49}, {0x0706, 79, 50},
	{0x05cd, 48, 51}, {0x04de, 50, 52}, {0x040f, 50, 53}, {0x0363, 51, 54}, {0x02d4, 52, 55},
	{0x025c, 53, 56}, {0x01f8, 54, 57}, {0x01a4, 55, 58}, {0x0160, 56, 59}, {0x0125, 57, 60},
	{0x00f6, 58, 61}, {0x00cb, 59, 62}, {0x00ab, 61, 63}, {0x008f, 61, 32}, {0x5b12, 65 | 128, 65},
	{0x4d04, 80, 66}, {0x412c, 81, 67}, {0x37d8, 82, 68}, {0x2fe8, 83, 69}, {0x293c, 84, 70},
	{0x2379, 86, 71}, {0x1edf, 87, 72}, {0x1aa9, 87, 73}, {0x174e, 72, 74}, {0x1424, 72, 75},
	{0x119c, 74, 76}, {0x0f6b, 74, 77}, {0x0d51, 75, 78}, {0x0bb6, 77, 79}, {0x0a40, 77, 48},
	{0x5832, 80 | 128, 81}, {0x4d1c, 88, 82}, {0x438e, 89, 83}, {0x3bdd, 90, 84}, {0x34ee, 91, 85},
	{0x2eae, 92, 86}, {0x299a, 93, 87}, {0x2516, 86, 71}, {0x5570, 88 | 128, 89}, {0x4ca9, 95, 90},
	{0x44d9, 96, 91}, {0x3e22, 97, 92}, {0x3824, 99, 93}, {0x32b4, 99, 94}, {0x2e17, 93, 86},
	{0x56a8, 95 | 128, 96}, {0x4f46, 101, 97}, {0x47e5, 102, 98}, {0x41cf, 103, 99}, {0x3c3d, 104, 100},
	{0x375e, 99, 93}, {0x5231, 105, 102}, {0x4c0f, 106, 103}, {0x4639, 107, 104}, {0x415e, 103, 99},
	{0x5627, 105 | 128, 106}, {0x50e7, 108, 107}, {0x4b85, 109, 103}, {0x5597, 110, 109}, {0x504f, 111, 107},
	{0x5a10, 110 | 128, 111}, {0x5522, 112, 109}, {0x59eb, 112 | 128, 111}, {0x5a1d, 113, 113},
}

// arithmetic decodes binary decisions (T.81 D.2). A context is a byte: its state, and in its highest bit the more
// probable symbol.
type arithmetic struct {
	code, interval int
	shift          int // bits of code that are still to come into the interval
	bad            bool
	dc             [16][64]uint8 // contexts, by table
	ac             [16][256]uint8
	even           uint8

	lower, upper, middle [16]uint8 // conditioning by table: L and U for DC, Kx for AC
}

// newArithmetic is the decoder with the conditioning that holds when no DAC segment says otherwise.
func newArithmetic() *arithmetic {
	a := &arithmetic{even: fixed}
	for i := range a.upper {
		a.upper[i], a.middle[i] = 1, 5
	}
	return a
}

func (d *decoder) readConditioning(s []byte) error {
	for ; len(s) >= 2; s = s[2:] {
		table, value := s[0]&15, s[1]
		switch {
		case s[0] > 31 || s[0] < 16 && value&15 > value>>4:
			return damaged("an arithmetic conditioning")
		case s[0] > 15:
			d.coder.middle[table] = value
		default:
			d.coder.lower[table], d.coder.upper[table] = value&15, value>>4
		}
	}
	if len(s) > 0 {
		return damaged("an arithmetic conditioning")
	}
	return nil
}

// startArithmetic forgets what a scan or its last interval taught.
func (d *decoder) startArithmetic(s *scan) {
	a := d.coder
	a.code, a.interval, a.shift, a.bad = 0, 0, -16, false
	for _, c := range s.components {
		if s.first == 0 && s.high == 0 {
			a.dc[c.dcTable], c.dcContext = [64]uint8{}, 0
		}
		if s.last > 0 {
			a.ac[c.acTable] = [256]uint8{}
		}
	}
}

// decide reads one decision. Data that a marker ends goes on as zeros.
func (d *decoder) decide(context *uint8) bool {
	a := d.coder
	for a.interval < 0x8000 {
		if a.shift--; a.shift < 0 {
			v, _ := d.next()
			a.code = a.code<<8 | int(v)
			if a.shift += 8; a.shift < 0 {
				if a.shift++; a.shift == 0 { // two bytes to begin with
					a.interval = 0x8000
				}
			}
		}
		a.interval <<= 1
	}
	state := *context
	e := &estimates[state&127]
	size, probable := int(e.size), state&128
	a.interval -= size
	at := a.interval << a.shift
	switch {
	case a.code >= at:
		a.code -= at
		exchanged := a.interval < size
		a.interval = size
		if exchanged {
			*context = probable ^ e.probable
			return probable != 0
		}
	case a.interval >= 0x8000:
		return probable != 0
	case a.interval >= size:
		*context = probable ^ e.probable
		return probable != 0
	}
	*context = probable ^ e.less
	return probable == 0
}

// magnitude reads the number of bits of a number by contexts from those on, and its bits by contexts 14 further (T.81
// F.1.4.3). from is the first bit of the magnitude, which is known; it is 0 where the code has no such number.
func (d *decoder) magnitude(contexts []uint8, m int32) (top, value int32) {
	at := 0
	for ; d.decide(&contexts[at]); at++ {
		if m <<= 1; m == 0x8000 {
			d.coder.bad = true
			return 0, 0
		}
	}
	return m, d.lowerBits(&contexts[at+14], m)
}

// lowerBits reads what follows the highest bit of a magnitude less one.
func (d *decoder) lowerBits(context *uint8, top int32) int32 {
	value := top
	for bit := top >> 1; bit > 0; bit >>= 1 {
		if d.decide(context) {
			value |= bit
		}
	}
	return value + 1
}

// arithmeticDC reads the DC coefficient, in a progressive file but for its lowest bits (T.81 F.1.4.4.1).
func (d *decoder) arithmeticDC(c *component, block []int16, _ *uint8, s *scan) {
	a := d.coder
	if a.bad {
		return
	}
	contexts := a.dc[c.dcTable][:]
	at := contexts[c.dcContext:]
	if c.dcContext = 0; d.decide(&at[0]) {
		sign := 0
		if d.decide(&at[1]) {
			sign = 1
		}
		var top, value int32 = 0, 1
		if d.decide(&at[2+sign]) {
			if top, value = d.magnitude(contexts[20:], 1); a.bad {
				return
			}
		}
		switch {
		case top < 1<<a.lower[c.dcTable]>>1:
		case top > 1<<a.upper[c.dcTable]>>1:
			c.dcContext = 12 + 4*sign
		default:
			c.dcContext = 4 + 4*sign
		}
		if sign == 1 {
			value = -value
		}
		c.dcLast += value
	}
	block[0] = int16(c.dcLast << s.low)
}

// arithmeticAC reads a band of coefficients, in a progressive file but for their lowest bits (T.81 F.1.4.4.2).
func (d *decoder) arithmeticAC(c *component, block []int16, extent *uint8, s *scan) {
	a := d.coder
	if a.bad {
		return
	}
	contexts := a.ac[c.acTable][:]
	for k := max(s.first, 1); k <= s.last; k++ {
		if d.decide(&contexts[3*k-3]) { // the block's end
			return
		}
		for !d.decide(&contexts[3*k-2]) {
			if k++; k > s.last {
				a.bad = true
				return
			}
		}
		negative := d.decide(&a.even)
		value := int32(1)
		if at := &contexts[3*k-1]; d.decide(at) {
			if !d.decide(at) {
				value = 2
			} else {
				high := 217
				if k <= int(a.middle[c.acTable]) {
					high = 189
				}
				if _, value = d.magnitude(contexts[high:], 2); a.bad {
					return
				}
			}
		}
		if negative {
			value = -value
		}
		block[zigzag[k]] = int16(value << s.low)
		*extent = max(*extent, uint8(k))
	}
}

// arithmeticBlock reads a whole block.
func (d *decoder) arithmeticBlock(c *component, block []int16, extent *uint8, s *scan) {
	d.arithmeticDC(c, block, extent, s)
	d.arithmeticAC(c, block, extent, s)
}

// arithmeticDCRefine reads one more bit of the DC coefficient.
func (d *decoder) arithmeticDCRefine(_ *component, block []int16, _ *uint8, s *scan) {
	if d.decide(&d.coder.even) {
		block[0] |= 1 << s.low
	}
}

// arithmeticACRefine reads one more bit of a band of coefficients (T.81 G.1.3.3).
func (d *decoder) arithmeticACRefine(c *component, block []int16, extent *uint8, s *scan) {
	a := d.coder
	if a.bad {
		return
	}
	contexts, bit := a.ac[c.acTable][:], int16(1)<<s.low
	before := s.last // the last coefficient that earlier scans gave
	for before > 0 && block[zigzag[before]] == 0 {
		before--
	}
	for k := s.first; k <= s.last; k++ {
		if k > before && d.decide(&contexts[3*k-3]) {
			return
		}
		for block[zigzag[k]] == 0 && !d.decide(&contexts[3*k-2]) {
			if k++; k > s.last {
				a.bad = true
				return
			}
		}
		switch at := &block[zigzag[k]]; {
		case *at == 0:
			*at = bit
			if d.decide(&a.even) {
				*at = -bit
			}
			*extent = max(*extent, uint8(k))
		case d.decide(&contexts[3*k-1]):
			if *at > 0 {
				*at += bit
			} else {
				*at -= bit
			}
		}
	}
}
