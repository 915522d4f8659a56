package codec

import (
	"math"
	"strconv"
	"strings"
)

func isPNM(start []byte) bool {
	return len(start) > 2 && start[0] == 'P' && '1' <= start[1] && start[1] <= '6' &&
		strings.IndexByte(" \t\r\n\v\f#", start[2]) >= 0
}

// pnm is a Netpbm file whose header has been read.
type pnm struct {
	tokens
	kind           byte // the digit it begins with
	plain, bilevel bool // numbers in letters; black and white
	width, height  int
	colors         int // 1 or 3
	largest        int // value
}

// decodePNM reads P1 to P6 of Netpbm. Values are scaled from the largest to 255; gray whose largest passes 255 is
// scaled to 65535 and clipped to 255, as Pillow does.
func decodePNM(data []byte) (*Image, error) {
	f, err := pnmHeader(data)
	if err != nil {
		return nil, err
	}
	p := newImage(f.width, f.height)
	if f.kind == '6' && f.largest == 255 {
		copy(p.Pix, data[f.at:])
		return p, nil
	}
	value, scale := f.values(), scaled(f.largest, f.colors)
	for i := range f.width * f.height * f.colors {
		v := scale(value(i))
		if f.colors == 3 {
			p.Pix[i] = v
		} else {
			p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = v, v, v
		}
	}
	switch {
	case f.bad && f.bilevel:
		return nil, damaged("Netpbm", "a value that is not 0 or 1, or too few")
	case f.bad:
		return nil, damaged("Netpbm", "a value that is too large or no number, or too few")
	}
	return p, nil
}

// pnmHeader reads what stands before the values, of which there are enough unless they are in letters.
func pnmHeader(data []byte) (*pnm, error) {
	kind := data[1]
	f := &pnm{tokens: tokens{data: data, at: 2}, kind: kind, colors: 1, largest: 1}
	f.plain, f.bilevel = kind <= '3', kind == '1' || kind == '4'
	if kind == '3' || kind == '6' {
		f.colors = 3
	}
	f.width, f.height = f.number(), f.number()
	if !f.bilevel {
		f.largest = f.number()
	}
	if f.bad {
		return nil, damaged("Netpbm", "its header")
	}
	if err := checkSize(f.width, f.height); err != nil {
		return nil, err
	}
	if f.largest < 1 || f.largest > 65535 {
		return nil, damaged("Netpbm", "its largest value must be 1 to 65535")
	}
	needed := f.width * f.height * f.colors // bytes
	if !f.plain {
		f.at++ // the one space after the header
		switch {
		case f.bilevel:
			needed = (f.width + 7) / 8 * f.height
		case f.largest > 255:
			needed *= 2
		}
	}
	if len(data)-f.at < needed {
		return nil, errTruncated
	}
	return f, nil
}

// values is a function of the i-th value, to be called for one after the other.
func (f *pnm) values() func(i int) int {
	body := f.data[f.at:]
	switch {
	case f.bilevel && f.plain:
		return func(int) int { return 1 - f.digit() }
	case f.bilevel:
		stride := (f.width + 7) / 8
		return func(i int) int {
			x, y := i%f.width, i/f.width
			return 1 - int(body[y*stride+x/8]>>(7-x%8)&1)
		}
	case f.plain:
		return func(int) int {
			v := f.number()
			f.bad = f.bad || v > f.largest
			return v
		}
	case f.largest < 256:
		return func(i int) int { return int(body[i]) }
	}
	return func(i int) int { return int(body[2*i])<<8 | int(body[2*i+1]) }
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
