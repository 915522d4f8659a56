package faithful

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gointr/gointr/pkg/evaluation"
)

// bootstraps is how many samples an interval is of.
const bootstraps = 2000

// spread is the 95 % interval of the mean of n pictures' values, by a percentile
// bootstrap (Efron 1979) over the pictures. NaN values are left out. The same seed
// and n draw the same pictures, so that methods are compared on the same ones.
func spread(values []float64, seed uint64) (mean float64, low, high float64, n int) {
	sum := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN(), 0
	}
	mean = sum / float64(n)
	random := rand.New(rand.NewPCG(seed, 0x626f6f74))
	means := make([]float64, 0, bootstraps)
	for range bootstraps {
		sum, of := 0.0, 0
		for range values {
			if v := values[random.IntN(len(values))]; !math.IsNaN(v) {
				sum += v
				of++
			}
		}
		if of > 0 {
			means = append(means, sum/float64(of))
		}
	}
	slices.Sort(means)
	return mean, quantile(means, 0.025), quantile(means, 0.975), n
}

// quantile is by linear interpolation, as NumPy's.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	return lerp(sorted[i], sorted[min(i+1, len(sorted)-1)], at-float64(i))
}

// measure sums up values [method][picture]. share says that every value is 0 or 1.
func measure(name string, higher, share bool, methods []Method, values map[Method][]float64, seed uint64) *Measure {
	m := &Measure{Name: name, Higher: higher}
	for _, method := range methods {
		mean, low, high, n := spread(values[method], seed)
		if n == 0 {
			continue
		}
		s := Score{Method: method, Mean: mean, Range: [2]float64{low, high}, Images: n}
		if share {
			w := evaluation.Wilson(int(math.Round(mean*float64(n))), n)
			s.Range = [2]float64{w[0] / 100, w[1] / 100}
		}
		if method.INTR() {
			for _, other := range methods {
				if other.INTR() {
					continue
				}
				differences := make([]float64, len(values[method]))
				for i := range differences {
					differences[i] = math.NaN()
					if len(values[other]) > i {
						differences[i] = values[method][i] - values[other][i]
					}
				}
				if mean, low, high, n := spread(differences, seed); n > 0 {
					s.Against = append(s.Against, Difference{other, mean, [2]float64{low, high}})
				}
			}
		}
		m.Scores = append(m.Scores, s)
	}
	if len(m.Scores) == 0 {
		return nil
	}
	return m
}
