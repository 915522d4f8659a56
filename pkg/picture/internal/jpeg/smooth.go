package jpeg

// A progressive file of which scans are missing knows too little of the lowest frequencies. libjpeg guesses them, where
// they are still zero, from the DC coefficients of the 5 by 5 blocks around, by the weights below in 256ths.

// window is the weights of 5 by 5 DC coefficients.
type window [5][5]int

// withAC are the weights of the first coefficients in zigzag order, but DC, where a scan of AC coefficients was read.
var withAC = [...]window{
	1: {2: {-7, 50, 0, -50, 7}},
	2: {{2: -7}, {2: 50}, {}, {2: -50}, {2: 7}},
	3: {{2: -1}, {2: 13}, {2: -24}, {2: 13}, {2: -1}},
	4: {{0, -1, 0, 1, 0}, {-1, 10, 0, -10, 1}, {}, {1, -10, 0, 10, -1}, {0, 1, 0, -1, 0}},
	5: {2: {-1, 13, -24, 13, -1}},
}

// withoutAC are those where none was; DC itself is smoothed, too.
var withoutAC = [...]window{
	0: {{-2, -6, -8, -6, -2}, {-6, 6, 42, 6, -6}, {-8, 42, 152, 42, -8}, {-6, 6, 42, 6, -6}, {-2, -6, -8, -6, -2}},
	1: {{-1, -1, 0, 1, 1}, {-3, 13, 0, -13, 3}, {-3, 38, 0, -38, 3}, {-3, 13, 0, -13, 3}, {-1, -1, 0, 1, 1}},
	2: {{-1, -3, -3, -3, -1}, {-1, 13, 38, 13, -1}, {}, {1, -13, -38, -13, 1}, {1, 3, 3, 3, 1}},
	3: {{2: 1}, {0, 2, 7, 2, 0}, {0, -5, -14, -5, 0}, {0, 2, 7, 2, 0}, {2: 1}},
	4: {{-1, 0, 0, 0, 1}, {0, 9, 0, -9, 0}, {}, {0, -9, 0, 9, 0}, {1, 0, 0, 0, -1}},
	5: {{}, {0, 2, -5, 2, 0}, {1, 7, -14, 7, 1}, {0, 2, -5, 2, 0}, {}},
	6: {{}, {0, 1, 0, -1, 0}, {0, 2, 0, -2, 0}, {0, 1, 0, -1, 0}, {}},
	7: {{}, {0, 1, -3, 1, 0}, {}, {0, -1, 3, -1, 0}, {}},
	8: {{}, {0, 1, 0, -1, 0}, {0, -3, 0, 3, 0}, {0, 1, 0, -1, 0}, {}},
	9: {{}, {0, 1, 2, 1, 0}, {}, {0, -1, -2, -1, 0}, {}},
}

// note keeps what a scan of a progressive file makes known.
func (d *decoder) note(s *scan) {
	for _, c := range s.components {
		for k := min(s.first, 1); k <= max(s.last, len(withoutAC)-1); k++ {
			c.knownBefore[k] = c.known[k]
			if d.scans == 1 {
				c.knownBefore[k] = 0
			}
		}
		for k := s.first; k <= s.last; k++ {
			c.known[k] = s.low
		}
	}
}

// smooths is whether libjpeg would smooth: all of the DC coefficients are known, and not all of what can be guessed is.
func (d *decoder) smooths() bool {
	if !d.progressive {
		return false
	}
	useful := false
	for i := range d.components {
		c := &d.components[i]
		if c.quant == nil || c.known[0] < 0 {
			return false
		}
		for k := range withoutAC {
			if c.quant[zigzag[k]] == 0 {
				return false
			}
			useful = useful || k > 0 && c.known[k] != 0
		}
	}
	return useful
}

// smoothed is a block with its lowest frequencies guessed, and its last coefficient.
func (d *decoder) smoothed(c *component, x, y int) (*[64]int16, uint8) {
	at := y*c.across + x
	block, extent := *(*[64]int16)(c.coefficients[at*64:]), c.extents[at]
	known := &c.known
	switch {
	case y/c.v <= d.sound:
	case d.scans == 1:
		known = &unknown
	default: // the latest scan was cut short above
		known = &c.knownBefore
	}
	windows := withAC[:]
	if [9]int(known[1:10]) == [9]int(unknown[1:10]) {
		windows = withoutAC[:]
	}
	dc := d.around(c, x, y)
	for k, w := range windows {
		to, low := &block[zigzag[k]], known[k]
		if k > 0 && (low == 0 || *to != 0) || w == (window{}) {
			continue
		}
		sum := 0
		for i := range w {
			for j := range w[i] {
				sum += w[i][j] * dc[i][j]
			}
		}
		sum *= int(uint16(c.quant[0]))
		quant := int(uint16(c.quant[zigzag[k]]))
		guess := (quant<<7 + max(sum, -sum)) / (quant << 8)
		if k > 0 && low > 0 { // what is known says that the coefficient is smaller
			guess = min(guess, 1<<low-1)
		}
		if sum < 0 {
			guess = -guess
		}
		*to = int16(guess)
		extent = max(extent, uint8(k))
	}
	return &block, extent
}

var unknown = func() (u [64]int) {
	for k := range u {
		u[k] = -1
	}
	return
}()

// around is the DC coefficients of the blocks around one, those at the picture's edges repeated.
func (d *decoder) around(c *component, x, y int) (dc window) {
	// Which rows there are is libjpeg's: it counts blocks as if all rows of MCUs had as many as this one.
	tall := c.v
	if y/c.v == d.mcusY-1 {
		tall = (ceil(c.height, 8)-1)%c.v + 1
	}
	row, rows := y/c.v*tall+y%c.v, tall*d.mcusY
	for i := range dc {
		from := y + min(max(i-2, -row), rows-1-row)
		for j := range dc[i] {
			column := min(max(x+j-2, 0), ceil(c.width, 8)-1)
			dc[i][j] = int(c.coefficients[(from*c.across+column)*64])
		}
	}
	return dc
}
