package jpeg

// lossless is what a component of a lossless file (T.81 annex H) needs beside its samples.
type lossless struct {
	differences [][]int32 // [rows of an MCU][samples]
	values      [][]int32 // the same with what is predicted added, before they are scaled
	start       bool      // the next row begins an interval
}

// startLossless begins an interval's predictions.
func (s *scan) startLossless() {
	for _, c := range s.components {
		c.start = true
	}
}

func (d *decoder) readLossless(s *scan) error {
	if d.restart%s.across != 0 {
		return damaged("a restart interval")
	}
	for _, c := range s.components {
		for len(c.differences) < c.v {
			c.differences = append(c.differences, make([]int32, c.across))
			c.values = append(c.values, make([]int32, c.across))
		}
	}
	for row := range d.mcusY {
		rows := 1 // of the scan's MCUs
		if c := s.components[0]; !s.interleaved {
			rows = min(c.v, c.height-row*c.v)
		}
		for y := range rows {
			if err := d.readDifferences(s, y); err != nil {
				return err
			}
		}
		for _, c := range s.components {
			c.predict(row, s)
		}
	}
	return nil
}

// readDifferences reads one row of MCUs, the y-th of its component in a scan of one.
func (d *decoder) readDifferences(s *scan, y int) error {
	if d.restart > 0 && s.counter <= 0 {
		if err := d.beforeMCU(s); err != nil {
			return err
		}
		s.startLossless()
	}
	s.counter -= s.across
	if d.short {
		s.startLossless()
		for _, c := range s.components {
			for _, row := range c.differences[y:] {
				clear(row)
			}
		}
		return nil
	}
	for x := range s.across {
		for _, c := range s.components {
			h, v := s.sampling(c)
			for i := range v {
				for k := range h {
					size := d.symbol(c.dc)
					if size < 16 {
						c.differences[y+i][x*h+k] = d.signed(size)
					} else {
						c.differences[y+i][x*h+k] = 1 << 15
					}
				}
			}
		}
	}
	return d.noticeEnd()
}

// predict makes the samples of the component's rows of a row of MCUs.
func (c *component) predict(row int, s *scan) {
	for y := range min(c.v, c.height-row*c.v) {
		from, to, above := c.differences[y], c.values[y], c.values[(y+c.v-1)%c.v]
		left, corner := int32(1)<<(7-s.low), int32(0)
		if !c.start {
			left = above[0]
		}
		kind := s.first
		if c.start {
			kind = 1
		}
		c.start = false
		samples := c.samples[(row*c.v+y)*c.stride():]
		for x := range c.width {
			up := above[x]
			if x > 0 {
				left = predicted(kind, left, up, corner)
			}
			left = (left + from[x]) & 0xFFFF
			to[x], corner = left, up
			samples[x] = uint8(left << s.low)
		}
	}
}

// predicted is a sample as its neighbours have it (T.81 table H.1).
func predicted(kind int, left, up, corner int32) int32 {
	switch kind {
	case 1:
		return left
	case 2:
		return up
	case 3:
		return corner
	case 4:
		return left + up - corner
	case 5:
		return left + (up-corner)>>1
	case 6:
		return up + (left-corner)>>1
	}
	return (left + up) >> 1
}
