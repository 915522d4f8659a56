package picture

import (
	"math"
	"strconv"
)

// decodePNM reads P1 to P6 of Netpbm. Values are scaled from the largest to
// 255; gray whose largest passes 255 is scaled to 65535 and clipped to 255, as
// Pillow does.
func decodePNM(data []byte) (*Picture, error) {
	kind := data[1]
	t := &tokens{data: data, at: 2}
	plain, colors := kind <= '3', 1
	if kind == '3' || kind == '6' {
		colors = 3
	}
	bilevel := kind == '1' || kind == '4'
	width, height, largest := t.number(), t.number(), 1
	if !bilevel {
		largest = t.number()
	}
	if t.bad {
		return nil, damaged("Netpbm", "its header")
	}
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	if largest < 1 || largest > 65535 {
		return nil, damaged("Netpbm", "its largest value must be 1 to 65535")
	}
	if !plain {
		t.at++ // the one space after the header
	}
	n := width * height * colors
	switch rest := len(data) - t.at; {
	case bilevel && !plain && rest < (width+7)/8*height, bilevel && plain && rest < n, !bilevel && rest < n:
		return nil, errTruncated
	}
	p := New(width, height)
	if kind == '6' && largest == 255 {
		copy(p.Pix, data[t.at:])
		return p, nil
	}
	scale := scaled(largest, colors)
	put := func(i, value int) {
		v := scale(value)
		if colors == 3 {
			p.Pix[i] = v
		} else {
			p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = v, v, v
		}
	}
	switch {
	case bilevel && plain:
		for i := range n {
			digit := t.digit()
			if t.bad {
				return nil, damaged("Netpbm", "a value that is not 0 or 1, or too few")
			}
			put(i, 1-digit)
		}
	case bilevel:
		stride := (width + 7) / 8
		for i := range n {
			x, y := i%width, i/width
			put(i, 1-int(data[t.at+y*stride+x/8]>>(7-x%8)&1))
		}
	case plain:
		for i := range n {
			value := t.number()
			if t.bad || value > largest {
				return nil, damaged("Netpbm", "a value that is too large or no number, or too few")
			}
			put(i, value)
		}
	case largest < 256:
		for i, value := range data[t.at:][:n] {
			put(i, int(value))
		}
	default:
		r := &reader{data: data, at: t.at}
		for i := range n {
			put(i, int(r.be16()))
		}
		if r.short {
			return nil, errTruncated
		}
	}
	return p, nil
}

// scaled is how a value becomes 8 bits.
func scaled(largest, colors int) func(int) uint8 {
	if largest == 255 {
		return func(v int) uint8 { return uint8(v) }
	}
	top := 255.0
	if largest > 255 && colors == 1 {
		top = 65535
	}
	return func(v int) uint8 {
		return uint8(min(255, math.RoundToEven(float64(float64(v)/float64(largest))*top)))
	}
}

// tokens reads the numbers of a Netpbm file, comments left out.
type tokens struct {
	data []byte
	at   int
	bad  bool
}

func (t *tokens) space() {
	for ; t.at < len(t.data); t.at++ {
		switch c := t.data[t.at]; c {
		case ' ', '\t', '\n', '\v', '\f', '\r':
		case '#':
			for t.at < len(t.data) && t.data[t.at] != '\n' && t.data[t.at] != '\r' {
				t.at++
			}
		default:
			return
		}
	}
}

func (t *tokens) number() int {
	t.space()
	start := t.at
	for t.at < len(t.data) && t.at < start+10 && '0' <= t.data[t.at] && t.data[t.at] <= '9' {
		t.at++
	}
	v, err := strconv.Atoi(string(t.data[start:t.at]))
	t.bad = t.bad || err != nil
	return v
}

func (t *tokens) digit() int {
	t.space()
	if t.at >= len(t.data) || t.data[t.at]&^1 != '0' {
		t.bad = true
		return 0
	}
	t.at++
	return int(t.data[t.at-1] & 1)
}
