package jpeg2000

import "github.com/gointr/gointr/internal/parallel"

// The 9/7 wavelet of ITU-T T.800, table F.4, in the single precision of OpenJPEG.
const (
	alpha = -1.586134342
	beta  = -0.052980118
	gamma = 0.882911075
	delta = 0.443506852
	low   = 1.230174105
	high  = 1.625732422 // twice 1/low: the gain of the high pass, which step sizes leave out
)

// plane is the coefficients of one component of a tile, whole numbers or fractions.
type plane[T int32 | float32] struct {
	width, height int
	at            []T
}

// level puts one level together in the corner of p that r is: rows first, then columns. lowWidth and lowHeight are how
// much of it is of the level below, startX and startY where the level begins.
func level[T int32 | float32](p plane[T], width, height, startX, startY int, lift func(line []T, odd int)) {
	if width == 0 || height == 0 {
		return
	}
	parallel.Do(height, func(next func() (int, bool)) {
		line := make([]T, width)
		for y, ok := next(); ok; y, ok = next() {
			row := p.at[y*p.width:][:width]
			interleave(line, row, startX&1)
			lift(line, startX&1)
			copy(row, line)
		}
	})
	const together = 16 // columns, which share lines of the cache
	parallel.Do((width+together-1)/together, func(next func() (int, bool)) {
		column, lines := make([]T, height), make([]T, height*together)
		for i, ok := next(); ok; i, ok = next() {
			first, n := i*together, min(together, width-i*together)
			for y := range height {
				for x, v := range p.at[y*p.width+first:][:n] {
					lines[x*height+y] = v
				}
			}
			for x := range n {
				interleave(column, lines[x*height:][:height], startY&1)
				lift(column, startY&1)
				copy(lines[x*height:][:height], column)
			}
			for y := range height {
				for x := range n {
					p.at[y*p.width+first+x] = lines[x*height+y]
				}
			}
		}
	})
}

// interleave lays the low half and the high half of from into line, the high one first where odd is 1.
func interleave[T any](line, from []T, odd int) {
	lows := (len(from) + 1 - odd) / 2
	for i, v := range from[:lows] {
		line[2*i+odd] = v
	}
	for i, v := range from[lows:] {
		line[2*i+1-odd] = v
	}
}

// lift53 is the reversible wavelet.
func lift53(line []int32, odd int) {
	n := len(line)
	if n == 1 {
		if odd == 1 {
			line[0] /= 2
		}
		return
	}
	for i := odd; i < n; i += 2 {
		left, right := mirrored(line, i)
		line[i] -= (left + right + 2) >> 2
	}
	for i := 1 - odd; i < n; i += 2 {
		left, right := mirrored(line, i)
		line[i] += (left + right) >> 1
	}
}

func mirrored[T any](line []T, i int) (left, right T) {
	switch {
	case i == 0:
		return line[1], line[1]
	case i == len(line)-1:
		return line[i-1], line[i-1]
	}
	return line[i-1], line[i+1]
}

// lift97 is the irreversible wavelet. Products are rounded before they are added, on every processor.
func lift97(line []float32, odd int) {
	n := len(line)
	if n == 1 {
		return
	}
	for i := odd; i < n; i += 2 {
		line[i] *= low
	}
	for i := 1 - odd; i < n; i += 2 {
		line[i] *= high
	}
	step := func(first int, by float32) {
		for i := first; i < n; i += 2 {
			left, right := mirrored(line, i)
			line[i] += float32((left + right) * by)
		}
	}
	step(odd, -delta)
	step(1-odd, -gamma)
	step(odd, -beta)
	step(1-odd, -alpha)
}
