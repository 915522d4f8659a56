package stats

import (
	"math"
	"slices"
	"testing"
)

// NumPy's numbers of many shares are in pkg/evaluation.
func TestWilson(t *testing.T) {
	if got := Wilson(0, 0); got != [2]float64{0, 100} {
		t.Errorf("nothing is within %v", got)
	}
	if got := Wilson(5, 5); got[1] != 100 || math.Abs(got[0]-56.55175) > 1e-5 {
		t.Errorf("all of five are within %v", got)
	}
}

// The tail is what its terms add up to, to where nothing and everything is certain.
func TestAtLeast(t *testing.T) {
	for _, p := range []float64{0, 1e-9, 0.01, 0.3, 0.5, 0.97, 1, 1 + 1e-12} {
		for _, n := range []int{0, 1, 7, 60} {
			for hits := range n + 2 {
				want := 0.0
				for k := hits; k <= n; k++ {
					ways := 1.0
					for i := range k {
						ways *= float64(n-i) / float64(k-i)
					}
					want += ways * math.Pow(min(p, 1), float64(k)) * math.Pow(1-min(p, 1), float64(n-k))
				}
				if hits == 0 {
					want = 1
				}
				if got := AtLeast(hits, n, p); math.Abs(got-want) > 1e-12 {
					t.Errorf("%d or more of %d with %v have %v, not %v", hits, n, p, got, want)
				}
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, 0.025: 1.075, 0.5: 3, 0.975: 15.1, 1: 16} { // numpy.quantile
		if got := Quantile(q, []float64{1, 2, 4, 16}); math.Abs(got-want) > 1e-12 {
			t.Errorf("the quantile %v is %v, not %v", q, got, want)
		}
	}
	if got := Quantile(0.975, []float64{3}); got != 3 {
		t.Errorf("of one number it is %v", got)
	}
}

func TestBootstrap(t *testing.T) {
	values := []float64{1, 2, math.NaN(), 4}
	mean := func(drawn []int) float64 {
		sum := 0.0
		for _, i := range drawn {
			sum += values[i] / float64(len(drawn))
		}
		return sum
	}
	a, b, c := Bootstrap(200, 4, 1, 2, mean), Bootstrap(200, 4, 1, 2, mean), Bootstrap(200, 4, 2, 2, mean)
	// (3/4)⁴ have no NaN
	if !slices.Equal(a, b) || slices.Equal(a, c) || !slices.IsSorted(a) || len(a) < 30 || len(a) > 110 {
		t.Errorf("%d means: %v", len(a), a)
	}
}
