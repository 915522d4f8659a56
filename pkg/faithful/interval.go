package faithful

import (
	"math"

	"github.com/gointr/gointr/internal/stats"
)

// bootstraps is how many samples an interval is of.
const bootstraps = 2000

// mean is that of the values that are numbers, and how many these are; NaN where none is.
func mean(values []float64) (mean float64, n int) {
	sum := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / float64(n), n
}

// spread is the 95 % interval of the mean of n pictures' values, by a percentile bootstrap over the pictures. NaN
// values are left out. The same seed and n draw the same pictures, so that methods are compared on the same ones.
func spread(values []float64, seed uint64) (middle, low, high float64, n int) {
	if middle, n = mean(values); n == 0 {
		return middle, math.NaN(), math.NaN(), 0
	}
	sample := make([]float64, len(values))
	means := stats.Bootstrap(bootstraps, len(values), seed, 0x626f6f74, func(drawn []int) float64 {
		for k, i := range drawn {
			sample[k] = values[i]
		}
		of, _ := mean(sample)
		return of
	})
	return middle, stats.Quantile(0.025, means), stats.Quantile(0.975, means), n
}

// score sums up the values of one method; there are none where n is 0.
func (d *definition) score(method Method, values []float64, seed uint64) (s Score, n int) {
	mean, low, high, n := spread(values, seed)
	s = Score{Method: method, Mean: mean, Range: [2]float64{low, high}, Images: n}
	if d.share {
		w := stats.Wilson(int(math.Round(mean*float64(n))), n)
		s.Range = [2]float64{w[0] / 100, w[1] / 100}
	}
	return s, n
}

// against are the differences of values [method][picture] from those of each method that is not INTR's own.
func against(own Method, methods []Method, values map[Method][]float64, seed uint64) (all []Difference) {
	for _, other := range methods {
		if other.INTR() {
			continue
		}
		differences := make([]float64, len(values[own]))
		for i, v := range values[other] {
			differences[i] = values[own][i] - v
		}
		if mean, low, high, n := spread(differences, seed); n > 0 {
			all = append(all, Difference{other, mean, [2]float64{low, high}})
		}
	}
	return all
}
