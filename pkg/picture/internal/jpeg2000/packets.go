package jpeg2000

import "slices"

// header reads the bits of packet headers: after a byte of 0xFF comes a bit that is left out. Past the end are zeros.
type header struct {
	data  []byte
	at    int
	held  byte
	count int
}

func (h *header) bit() int {
	if h.count == 0 {
		h.count = 8
		if h.held == 0xFF {
			h.count = 7
		}
		h.held = 0
		if h.at < len(h.data) {
			h.held = h.data[h.at]
		}
		h.at++
	}
	h.count--
	return int(h.held>>h.count) & 1
}

func (h *header) bits(n int) (v int) {
	for range n {
		v = v<<1 | h.bit()
	}
	return v
}

// align goes on to the next whole byte.
func (h *header) align() {
	if h.held == 0xFF {
		h.at++
	}
	h.held, h.count = 0, 0
	h.at = min(h.at, len(h.data))
}

// tagTree is ITU-T T.800, B.10.2.
type tagTree struct {
	levels []tagLevel
}

type tagLevel struct {
	width int
	nodes []tagNode
}

type tagNode struct {
	low   int
	known bool
}

func newTagTree(width, height int) tagTree {
	var t tagTree
	for {
		t.levels = append(t.levels, tagLevel{width, make([]tagNode, width*height)})
		if width*height <= 1 {
			return t
		}
		width, height = (width+1)/2, (height+1)/2
	}
}

// below is whether the value at (x, y) is less than limit, and which it is if so.
func (t tagTree) below(h *header, x, y, limit int) (value int, known bool) {
	low := 0
	for i := len(t.levels) - 1; i >= 0; i-- {
		n := &t.levels[i].nodes[(y>>i)*t.levels[i].width+x>>i]
		n.low = max(n.low, low)
		for n.low < limit && !n.known {
			if h.bit() != 0 {
				n.known = true
			} else {
				n.low++
			}
		}
		low = n.low
		if i == 0 {
			return n.low, n.known && n.low < limit
		}
	}
	return 0, false
}

// block is a code-block: coefficients that are coded by themselves.
type block struct {
	x0, y0, x1, y1 int // in its band
	included       bool
	planes         int
	lengthBits     int
	segments       []segment
}

// part is what a precinct has of one band.
type part struct {
	band          *band
	width, height int // in blocks
	blocks        []block
	included      tagTree
	empty         tagTree
}

// precinct is what packets are of: some blocks of the bands of one resolution.
type precinct struct {
	component, resolution int
	x, y                  int // on the reference grid, for the orders by position
	number                int
	px, py                int
	layers                int // that were read
	parts                 []part
}

// progression is the order of packets and which of them.
type progression struct {
	order                   int
	resolutions, components [2]int
	layers                  int
}

// packets calls each for every packet in order until it says false.
func (t *tile) packets(p progression, each func(p *precinct, layer int) bool) bool {
	var list []*precinct
	for _, q := range t.precincts {
		if q.component >= p.components[0] && q.component < p.components[1] &&
			q.resolution >= p.resolutions[0] && q.resolution < p.resolutions[1] {
			list = append(list, q)
		}
	}
	key := func(q *precinct) [5]int {
		switch p.order {
		case 0, 1:
			return [5]int{q.resolution, q.component, q.number}
		case 2:
			return [5]int{q.resolution, q.y, q.x, q.component, q.number}
		case 3:
			return [5]int{q.y, q.x, q.component, q.resolution, q.number}
		default:
			return [5]int{q.component, q.y, q.x, q.resolution, q.number}
		}
	}
	slices.SortFunc(list, func(a, b *precinct) int {
		ka, kb := key(a), key(b)
		return slices.Compare(ka[:], kb[:])
	})
	byLayers := func(list []*precinct) bool {
		for layer := range p.layers {
			for _, q := range list {
				if !each(q, layer) {
					return false
				}
			}
		}
		return true
	}
	switch p.order {
	case 0:
		return byLayers(list)
	case 1:
		for len(list) > 0 {
			n := slices.IndexFunc(list, func(q *precinct) bool { return q.resolution != list[0].resolution })
			if n < 0 {
				n = len(list)
			}
			if !byLayers(list[:n]) {
				return false
			}
			list = list[n:]
		}
		return true
	}
	for _, q := range list {
		for layer := range p.layers {
			if !each(q, layer) {
				return false
			}
		}
	}
	return true
}

// read reads the packets of a tile from its bytes.
func (t *tile) read() error {
	list := t.changes
	if len(list) == 0 {
		list = []progression{{order: t.order, resolutions: [2]int{0, 33}, components: [2]int{0, len(t.components)},
			layers: t.layers}}
	}
	var failed error
	body := t.data
	for _, p := range list {
		p.layers = min(p.layers, t.layers)
		more := t.packets(p, func(q *precinct, layer int) bool {
			if layer < q.layers {
				return true
			}
			if len(body) == 0 && len(t.headers) == 0 {
				return false
			}
			q.layers = layer + 1
			body, failed = t.packet(q, layer, body)
			return failed == nil
		})
		if !more {
			break
		}
	}
	return failed
}

// packet reads one packet and gives what is left.
func (t *tile) packet(q *precinct, layer int, body []byte) ([]byte, error) {
	if len(body) >= 6 && body[0] == 0xFF && body[1] == 0x91 { // start of packet
		body = body[6:]
	}
	apart := t.headers != nil
	h := &header{data: body}
	if apart {
		h.data = t.headers
	}
	type piece struct {
		segment *segment
		length  int
	}
	var pieces []piece
	if h.bit() != 0 {
		if err := t.fill(q); err != nil {
			return nil, err
		}
		for i := range q.parts {
			p := &q.parts[i]
			for j := range p.blocks {
				b := &p.blocks[j]
				segments, lengths, err := p.contribution(h, b, j, layer, t.styles[q.component].style)
				if err != nil {
					return nil, err
				}
				for k, n := range lengths {
					pieces = append(pieces, piece{&b.segments[segments+k], n})
				}
			}
		}
	}
	h.align()
	left := h.data[h.at:]
	if len(left) >= 2 && left[0] == 0xFF && left[1] == 0x92 { // end of packet header
		left = left[2:]
	}
	if apart {
		t.headers = left
	} else {
		body = left
	}
	for _, p := range pieces {
		if p.length > len(body) {
			return nil, errTruncated
		}
		p.segment.data = append(p.segment.data, body[:p.length]...)
		body = body[p.length:]
	}
	return body, nil
}

// contribution reads what a packet has of a block: from which of its segments on, and how many bytes of each.
func (p *part) contribution(h *header, b *block, j, layer, style int) (first int, lengths []int, err error) {
	x, y := j%p.width, j/p.width
	if !b.included {
		if _, ok := p.included.below(h, x, y, layer+1); !ok {
			return 0, nil, nil
		}
		empty, ok := 0, false
		for limit := 1; !ok; limit++ {
			if limit > 80 {
				return 0, nil, errDamaged
			}
			empty, ok = p.empty.below(h, x, y, limit)
		}
		b.included, b.lengthBits = true, 3
		if b.planes = p.band.planes - empty; b.planes < 0 || b.planes > 31 {
			return 0, nil, errDamaged
		}
	} else if h.bit() == 0 {
		return 0, nil, nil
	}
	passes := passes(h)
	for h.bit() != 0 {
		if b.lengthBits++; b.lengthBits > 31 {
			return 0, nil, errDamaged
		}
	}
	if n := len(b.segments); n > 0 && b.segments[n-1].passes < b.segments[n-1].most {
		first = n - 1
	} else {
		first = n
	}
	for i := first; passes > 0; i++ {
		if i == len(b.segments) {
			b.segments = append(b.segments, segment{most: longest(style, b.segments)})
		}
		s := &b.segments[i]
		n := min(passes, s.most-s.passes)
		width := b.lengthBits
		for m := n; m > 1; m >>= 1 {
			width++
		}
		lengths = append(lengths, h.bits(width))
		s.passes += n
		passes -= n
	}
	return first, lengths, nil
}

// longest is how many passes the next segment has at most.
func longest(style int, before []segment) int {
	switch {
	case style&styleTerminate != 0:
		return 1
	case style&styleBypass == 0:
		return 200
	case len(before) == 0:
		return 10
	case before[len(before)-1].most == 2:
		return 1
	}
	return 2
}

// passes is how many passes follow (ITU-T T.800, table B.4).
func passes(h *header) int {
	if h.bit() == 0 {
		return 1
	}
	if h.bit() == 0 {
		return 2
	}
	if n := h.bits(2); n < 3 {
		return 3 + n
	}
	if n := h.bits(5); n < 31 {
		return 6 + n
	}
	return 37 + h.bits(7)
}
