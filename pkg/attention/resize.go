package attention

import (
	"fmt"
	"math"
)

// maxCells keeps a mistyped size from asking for all of the memory.
const maxCells = 1 << 28

// Resize is the map at another size, by the cubic interpolation of OpenCV's
// resize (INTER_CUBIC: a = -0.75, half-pixel centres, borders repeated, float32),
// as the published figure does. Cubic interpolation overshoots: values may lie
// a little below the least and above the greatest weight.
//
// It is OpenCV's own arithmetic, to the bit except for the last few columns
// where OpenCV adds in another order; builds of OpenCV that hand this to
// Intel's IPP differ by a millionth of the map's maximum.
func (m Map) Resize(rows, cols int) (Map, error) {
	if err := m.Check(); err != nil {
		return Map{}, err
	}
	if rows < 1 || cols < 1 || rows > maxCells/cols {
		return Map{}, fmt.Errorf("a map cannot be resized to %d rows and %d columns: give sizes from 1, together at "+
			"most %d cells", rows, cols, maxCells)
	}
	wide := make([]float32, m.Rows*cols)
	for x := range cols {
		at, w := cubic(x, m.Cols, cols)
		for y := range m.Rows {
			row := m.Values[y*m.Cols : (y+1)*m.Cols]
			// The conversions keep Go from fusing a product and a sum, which
			// would give other digits on other processors.
			sum := float32(row[at[0]]*w[0]) + float32(row[at[1]]*w[1])
			sum += float32(row[at[2]] * w[2])
			sum += float32(row[at[3]] * w[3])
			wide[y*cols+x] = sum
		}
	}
	out := make([]float32, rows*cols)
	for y := range rows {
		at, w := cubic(y, m.Rows, rows)
		a, b := wide[at[0]*cols:][:cols], wide[at[1]*cols:][:cols]
		c, d := wide[at[2]*cols:][:cols], wide[at[3]*cols:][:cols]
		for x := range cols {
			sum := float32(c[x]*w[2]) + float32(d[x]*w[3])
			sum += float32(b[x] * w[1])
			sum += float32(a[x] * w[0])
			out[y*cols+x] = sum
		}
	}
	return Map{rows, cols, out}, nil
}

// cubic gives the four cells that make up cell i of `to`, when there are
// `from`, and their weights.
func cubic(i, from, to int) (at [4]int, w [4]float32) {
	place := float32((float64(i)+0.5)/(float64(to)/float64(from)) - 0.5)
	first := math.Floor(float64(place))
	for k := range at {
		at[k] = min(max(int(first)+k-1, 0), from-1)
	}
	const a = float32(-0.75)
	outer := func(t float32) float32 { // 1 to 2 cells away
		t1 := float32(a*t) - 5*a
		t2 := float32(t1*t) + 8*a
		return float32(t2*t) - 4*a
	}
	inner := func(t float32) float32 { // at most 1 cell away
		t1 := float32((a+2)*t) - (a + 3)
		return float32(float32(t1*t)*t) + 1
	}
	t := place - float32(first)
	w[0], w[1], w[2] = outer(t+1), inner(t), inner(1-t)
	w[3] = 1 - w[0] - w[1] - w[2]
	return at, w
}
