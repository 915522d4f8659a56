package faithful

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
)

// Hit is whether a map's strongest cell is on something.
type Hit struct {
	Exact bool // its centre lies in the box
	Cell  bool // a part of it does: the box touches the cell
	Near  bool // its centre lies in the box grown by a cell on each side
}

// Point plays the pointing game (Zhang et al., IJCV 2018) with a box in pixels of a picture of width by height. A flat
// map points nowhere: it hits nothing. A map with a NaN or infinite cell is an error.
func Point(m attention.Map, box datasets.Box, width, height int) (Hit, error) {
	if err := m.Check(); err != nil {
		return Hit{}, err
	}
	if m.Flat() {
		return Hit{}, nil
	}
	x, y := m.Peak(width, height)
	w, h := float64(width)/float64(m.Cols), float64(height)/float64(m.Rows)
	grown := datasets.Box{X0: box.X0 - w, Y0: box.Y0 - h, X1: box.X1 + w, Y1: box.Y1 + h}
	return Hit{
		Exact: box.Contains(x, y),
		Cell:  x-w/2 < box.X1 && x+w/2 > box.X0 && y-h/2 < box.Y1 && y+h/2 > box.Y0,
		Near:  grown.Contains(x, y),
	}, nil
}

// Energy is the share of a map's weight inside a box (Wang et al., 2020), in pixels of a picture of width by height:
// each cell counts by the part of it that lies in the box. Weights below 0 count as 0; where no weight is left the map
// is taken as flat, which has the box's share of the picture. A map with a NaN or infinite cell is an error.
func Energy(m attention.Map, box datasets.Box, width, height int) (float64, error) {
	if err := m.Check(); err != nil {
		return 0, err
	}
	overlap := func(i, cells, pixels int, from, to float64) float64 {
		size := float64(pixels) / float64(cells)
		return max(0, min(to, float64(i+1)*size)-max(from, float64(i)*size)) / size
	}
	inside, all, area := 0.0, 0.0, 0.0
	for row := range m.Rows {
		down := overlap(row, m.Rows, height, box.Y0, box.Y1)
		for col := range m.Cols {
			share := down * overlap(col, m.Cols, width, box.X0, box.X1)
			weight := max(float64(m.At(row, col)), 0)
			all += weight
			inside += weight * share
			area += share
		}
	}
	if all == 0 {
		return area / float64(m.Rows*m.Cols), nil
	}
	return inside / all, nil
}

// Spearman is the rank correlation of two lists of one length: Pearson's of their ranks, equal numbers sharing the mean
// of theirs. It is NaN where one of them has no order: fewer than two numbers, all equal, or a NaN among them.
func Spearman(a, b []float64) float64 {
	if len(a) != len(b) || len(a) < 2 || floats.HasNaN(a) || floats.HasNaN(b) {
		return math.NaN()
	}
	x, y := centred(ranks(a)), centred(ranks(b))
	return floats.Dot(x, y) / math.Sqrt(floats.Dot(x, x)*floats.Dot(y, y))
}

// centred is values less their mean.
func centred(values []float64) []float64 {
	floats.AddConst(-floats.Sum(values)/float64(len(values)), values)
	return values
}

// ranks are 1 for the least and so on.
func ranks(values []float64) []float64 {
	sorted, order, out := slices.Clone(values), make([]int, len(values)), make([]float64, len(values))
	floats.Argsort(sorted, order)
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to] == sorted[from] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return out
}
