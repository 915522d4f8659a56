// Package stats is the statistics of reports: intervals of shares and of what is drawn again, the binomial test,
// quantiles. The functions behind them are gonum's mathext; gonum/stat itself brings linear algebra along, which takes
// as long to link as all else of a cell.
package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Wilson is the 95 % score interval, in percent, of a share of part in of (Wilson, JASA 1927). Unlike the usual one it
// makes sense near 0 and 100 % and for few pictures.
func Wilson(part, of int) [2]float64 {
	if of == 0 {
		return [2]float64{0, 100}
	}
	z, n, p := mathext.NormalQuantile(0.975), float64(of), float64(part)/float64(of)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return [2]float64{100 * max(0, middle-half), 100 * min(1, middle+half)}
}

// AtLeast is the probability of hits or more of n, each with probability p. Where these differ, p being their mean, it
// is an upper bound for hits above the mean (Hoeffding 1956).
func AtLeast(hits, n int, p float64) float64 {
	switch {
	case hits <= 0:
		return 1
	case hits > n:
		return 0
	}
	return mathext.RegIncBeta(float64(hits), float64(n-hits+1), min(p, 1))
}

// Bootstrap draws n of n with replacement, some times, and gives what is got of them each time, sorted, without what is
// no finite number (Efron 1979). The seeds decide what is drawn.
func Bootstrap(times, n int, seed1, seed2 uint64, of func(drawn []int) float64) (all []float64) {
	random, drawn := rand.New(rand.NewPCG(seed1, seed2)), make([]int, n)
	for range times {
		for i := range drawn {
			drawn[i] = random.IntN(n)
		}
		if v := of(drawn); v-v == 0 {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return all
}

// Quantile of sorted numbers is by linear interpolation, as NumPy's.
func Quantile(q float64, sorted []float64) float64 {
	at := q * float64(len(sorted)-1)
	below := min(max(int(at), 0), len(sorted)-1)
	above := min(below+1, len(sorted)-1)
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[above]*part
}
