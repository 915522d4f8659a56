// Package faithful measures whether maps tell the truth about a model.
package faithful

import (
	"errors"
	"math"
	"slices"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
)

// ErrDegenerate is the error of a map that says nothing: it is flat, or it holds
// a NaN.
var ErrDegenerate = errors.New("the map says nothing: all its cells are alike, or one is not a number")

// Energy is the share of a map's weight that lies in a box, both laid over a
// picture of width by height pixels; a cell's weight is spread evenly over its
// part of the picture. Negative values count as 0. (Energy-based pointing game:
// Wang et al., Score-CAM, CVPR Workshops 2020.)
func Energy(m attention.Map, box datasets.Box, width, height int) (float64, error) {
	if m.Check() != nil {
		return math.NaN(), ErrDegenerate
	}
	overlap := func(i, n, size int, from, to float64) float64 {
		side := float64(size) / float64(n)
		low, high := float64(i)*side, float64(i+1)*side
		return max(0, min(high, to)-max(low, from)) / side
	}
	inside, all := 0.0, 0.0
	for row := range m.Rows {
		down := overlap(row, m.Rows, height, box.Y0, box.Y1)
		for col := range m.Cols {
			v := max(0, float64(m.At(row, col)))
			all += v
			inside += v * down * overlap(col, m.Cols, width, box.X0, box.X1)
		}
	}
	if all == 0 {
		return math.NaN(), ErrDegenerate
	}
	return inside / all, nil
}

// Spearman is the rank correlation of two lists of the same length; equal numbers
// share the mean of their ranks. It is NaN where one of them is all alike.
func Spearman(a, b []float64) float64 {
	return correlation(ranks(a), ranks(b))
}

func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case values[i] < values[j]:
			return -1
		case values[i] > values[j]:
			return 1
		}
		return 0
	})
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return ranks
}

func correlation(a, b []float64) float64 {
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	ma, mb := mean(a), mean(b)
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}
