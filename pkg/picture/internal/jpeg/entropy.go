package jpeg

// sequential reads a whole block (T.81 F.2.2).
func (d *decoder) sequential(c *component, block []int16, extent *uint8, _ *scan) {
	to := (*[64]int16)(block)
	c.dcLast += d.signed(d.symbol(c.dc))
	to[0] = int16(c.dcLast)
	table, last := c.ac, 0
	acc, n := d.acc, d.n // in registers for the loop
	for k := 1; k < 64; k++ {
		if n < 32 {
			d.acc, d.n = acc, n
			d.fill()
			acc, n = d.acc, d.n
		}
		if entry := table.whole[acc>>(64-lookBits)]; entry != 0 {
			acc <<= uint(entry & 63)
			n -= int(entry & 63)
			k += int(entry >> 8 & 127)
			if k >= endOfBlock {
				break
			}
			to[zigzag[k&127]&63] = int16(entry >> 16)
			last = k
			continue
		}
		d.acc, d.n = acc, n
		symbol := d.symbol(table)
		run, size := symbol>>4, symbol&15
		value := int16(d.signed(size))
		acc, n = d.acc, d.n
		if size == 0 {
			if run != 15 {
				break
			}
			k += 15
			continue
		}
		k += run
		to[zigzag[k&127]&63] = value
		last = k
	}
	d.acc, d.n = acc, n
	*extent = max(*extent, uint8(min(last, 63)))
}

// dcFirst reads the DC coefficient but for its lowest bits (T.81 G.1.2.1).
func (d *decoder) dcFirst(c *component, block []int16, _ *uint8, s *scan) {
	c.dcLast += d.signed(d.symbol(c.dc))
	block[0] = int16(c.dcLast << s.low)
}

// dcRefine reads one more bit of the DC coefficient.
func (d *decoder) dcRefine(_ *component, block []int16, _ *uint8, s *scan) {
	if d.take(1) != 0 {
		block[0] |= 1 << s.low
	}
}

// acFirst reads a band of coefficients but for their lowest bits (T.81 G.1.2.2).
func (d *decoder) acFirst(c *component, block []int16, extent *uint8, s *scan) {
	if d.eobRun > 0 {
		d.eobRun--
		return
	}
	for k := s.first; k <= s.last; k++ {
		symbol := d.symbol(c.ac)
		run, size := symbol>>4, symbol&15
		if size == 0 {
			if run != 15 {
				d.eobRun = 1<<run + int(d.take(run)) - 1
				return
			}
			k += 15
			continue
		}
		k += run
		block[zigzag[k]] = int16(d.signed(size) << s.low)
		*extent = max(*extent, uint8(min(k, 63)))
	}
}

// acRefine reads one more bit of a band of coefficients (T.81 G.1.2.3).
func (d *decoder) acRefine(c *component, block []int16, extent *uint8, s *scan) {
	bit := int16(1) << s.low
	k := s.first
	if d.eobRun == 0 {
		for ; k <= s.last; k++ {
			symbol := d.symbol(c.ac)
			run, size := symbol>>4, symbol&15
			value := int16(0)
			if size == 0 {
				if run != 15 {
					d.eobRun = 1<<run + int(d.take(run))
					break
				}
			} else if value = -bit; d.take(1) != 0 {
				value = bit
			}
			for ; k <= s.last; k++ { // pass run zeros, refining what lies between
				if at := &block[zigzag[k]]; *at != 0 {
					d.refine(at, bit)
				} else if run--; run < 0 {
					break
				}
			}
			if value != 0 { // also one past the band, as libjpeg does for a damaged file
				block[zigzag[k]] = value
				*extent = max(*extent, uint8(min(k, 63)))
			}
		}
	}
	if d.eobRun > 0 {
		for ; k <= min(s.last, int(*extent)); k++ {
			if at := &block[zigzag[k]]; *at != 0 {
				d.refine(at, bit)
			}
		}
		d.eobRun--
	}
}

// refine reads the next bit of a coefficient that is not zero.
func (d *decoder) refine(at *int16, bit int16) {
	if d.take(1) == 0 || *at&bit != 0 {
		return
	}
	if *at > 0 {
		*at += bit
	} else {
		*at -= bit
	}
}
