package picture

import (
	"encoding/binary"
	"image"
	"math"

	"github.com/gointr/gointr/internal/parallel"
)

// precision is the number of fraction bits of a weight: 8 bits for the pixel
// and 2 for the sum are left of 32, as in Pillow's Resample.c.
const precision = 32 - 8 - 2

// half rounds a sum of pixels times weights to the nearest.
const half = 1 << (precision - 1)

// lanes holds two sums in one register: weights of a triangle are never
// negative, so the lower cannot borrow from the upper.
const lanes = 1 | 1<<32

// Resize is the picture at width by height pixels, bit for bit as Image.resize with BILINEAR of Pillow 13: a triangle
// that widens when shrinking, across, then down, rounded to 8 bits after each. It panics if a side is not positive or
// the picture is empty.
func (p *Picture) Resize(width, height int) *Picture {
	return p.resizePart(width, height, image.Rect(0, 0, width, height))
}

// resizePart is the part of Resize(width, height) within r, which costs only what that part needs.
func (p *Picture) resizePart(width, height int, r image.Rectangle) *Picture {
	if width <= 0 || height <= 0 || p.Width <= 0 || p.Height <= 0 {
		panic("picture: Resize needs sides of at least one pixel")
	}
	var columns, rows []window
	seen := r // of the inputs
	if width != p.Width {
		columns = windows(p.Width, width, r.Min.X, r.Max.X)
		seen.Min.X, seen.Max.X = span(columns)
		shift(columns, seen.Min.X)
	}
	if height != p.Height {
		rows = windows(p.Height, height, r.Min.Y, r.Max.Y)
		seen.Min.Y, seen.Max.Y = span(rows)
		shift(rows, seen.Min.Y)
	}
	out := p
	if seen != p.Bounds() || columns == nil && rows == nil {
		out = p.Crop(seen)
	}
	// Pillow 13 goes down first where that drops more than it would across;
	// measured, as are all of testdata/resize.json. Older ones never do.
	downFirst := height < p.Height && p.Height-height > 2*(p.Width-width)
	if downFirst {
		out = out.resizeRows(rows)
	}
	if width != p.Width {
		out = out.resizeColumns(columns)
	}
	if !downFirst && height != p.Height {
		out = out.resizeRows(rows)
	}
	return out
}

// window is what one output pixel sees: weights of the inputs from first on.
type window struct {
	first   int
	weights []uint64 // fixed point, precision fraction bits
}

// span is from the first input that windows see to the one after the last.
func span(list []window) (first, end int) {
	last := list[len(list)-1]
	return list[0].first, last.first + len(last.weights)
}

func shift(list []window, by int) {
	for i := range list {
		list[i].first -= by
	}
}

// windows are the triangles that take in pixels to the pixels from ... end-1 of out.
func windows(in, out, from, end int) []window {
	scale := float64(in) / float64(out)
	support := max(scale, 1)
	inverse := 1 / support
	list := make([]window, end-from)
	triangle := make([]float64, int(math.Ceil(support))*2+1)
	pool := make([]uint64, 0, len(list)*len(triangle))
	for i := range list {
		center := float64((float64(from+i) + 0.5) * scale)
		first := max(0, int(center-support+0.5))
		last := min(in, int(center+support+0.5))
		sum := 0.0
		for x := first; x < last; x++ {
			// The conversions keep the compiler from fusing a multiplication with an addition.
			w := max(0, 1-math.Abs(float64((float64(x)-center+0.5)*inverse)))
			triangle[x-first] = w
			sum += w
		}
		start := len(pool)
		for _, w := range triangle[:last-first] {
			if sum != 0 {
				w /= sum
			}
			pool = append(pool, uint64(0.5+float64(w*(1<<precision))))
		}
		list[i] = window{first, pool[start:]}
	}
	return list
}

func (p *Picture) resizeColumns(list []window) *Picture {
	out := New(len(list), p.Height)
	parallel.Do((p.Height+1)/2, func(next func() (int, bool)) {
		pairs := make([][3]uint64, p.Width) // two rows side by side, one in each lane
		for i, ok := next(); ok; i, ok = next() {
			top, bottom := 2*i, min(2*i+1, p.Height-1)
			interleave(pairs, p.row(top), p.row(bottom))
			upper, lower := out.row(top), out.row(bottom)
			for x := range list {
				w := &list[x]
				r, g, b := uint64(half*lanes), uint64(half*lanes), uint64(half*lanes)
				seen := pairs[w.first:][:len(w.weights)]
				for k, weight := range w.weights {
					pair := &seen[k]
					r += pair[0] * weight
					g += pair[1] * weight
					b += pair[2] * weight
				}
				u, l := upper[x*3:][:3], lower[x*3:][:3]
				u[0], u[1], u[2] = uint8(r>>precision), uint8(g>>precision), uint8(b>>precision)
				l[0], l[1], l[2] = uint8(r>>(32+precision)), uint8(g>>(32+precision)), uint8(b>>(32+precision))
			}
		}
	})
	return out
}

func interleave(pairs [][3]uint64, top, bottom []uint8) {
	for x := range pairs {
		t, b := top[x*3:][:3], bottom[x*3:][:3]
		pairs[x] = [3]uint64{
			uint64(t[0]) | uint64(b[0])<<32,
			uint64(t[1]) | uint64(b[1])<<32,
			uint64(t[2]) | uint64(b[2])<<32,
		}
	}
}

func (p *Picture) resizeRows(list []window) *Picture {
	out := New(p.Width, len(list))
	stride := p.Width * 3
	parallel.Each(len(list), func(y int) {
		w := list[y]
		sumRows(out.row(y), p.Pix[w.first*stride:][:len(w.weights)*stride], w.weights)
	})
	return out
}

// sumRows adds up rows of the length of to, which lie one after the other.
var sumRows = func(to, from []uint8, weights []uint64) { sumRowsFrom(0, to, from, weights) }

func sumRowsFrom(x int, to, from []uint8, weights []uint64) {
	stride := len(to)
	for ; x+8 <= stride; x += 8 { // eight bytes at once, bytes i and i+4 in one register
		s0, s1, s2, s3 := uint64(half*lanes), uint64(half*lanes), uint64(half*lanes), uint64(half*lanes)
		at := x
		for _, weight := range weights {
			v := binary.LittleEndian.Uint64(from[at:])
			s0 += v & (255 * lanes) * weight
			s1 += v >> 8 & (255 * lanes) * weight
			s2 += v >> 16 & (255 * lanes) * weight
			s3 += v >> 24 & (255 * lanes) * weight
			at += stride
		}
		binary.LittleEndian.PutUint64(to[x:], s0>>precision&(255*lanes)|s1>>precision&(255*lanes)<<8|
			s2>>precision&(255*lanes)<<16|s3>>precision&(255*lanes)<<24)
	}
	for ; x < stride; x++ {
		sum := uint64(half)
		for k, weight := range weights {
			sum += uint64(from[k*stride+x]) * weight
		}
		to[x] = uint8(sum >> precision)
	}
}
