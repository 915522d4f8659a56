package jpeg

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the processor's vectors compute is what one number at a time gives.

func TestInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var block, quant [64]int16
		extent := r.IntN(64)
		for k := range extent + 1 {
			block[zigzag[k]] = int16(r.IntN(401)-200) << r.IntN(5) // damaged files have large ones
		}
		for i := range quant {
			quant[i] = int16(1 + r.IntN(20))
		}
		const stride = 11
		got, want := make([]uint8, 8*stride), make([]uint8, 8*stride)
		inverse(&block, &quant, uint8(extent), got, stride)
		inverseScalar(&block, &quant, uint8(extent), want, stride)
		if !bytes.Equal(got, want) {
			t.Fatalf("last coefficient %d: %v, not %v", extent, got, want)
		}
	}
}

func samples(r *rand.Rand, n int) []uint8 {
	s := make([]uint8, n)
	for i := range s {
		s[i] = uint8(r.Uint32())
	}
	return s
}

func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 100; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			near, far, third := samples(r, n), samples(r, n), samples(r, n)
			got, want := make([]uint8, 3*n), make([]uint8, 3*n)
			fromYCbCr(got, [][]uint8{near, far, third})
			fromYCbCrScalar(want, [][]uint8{near, far, third})
			if !bytes.Equal(got, want) {
				t.Error("colours differ")
			}
			sums, wantSums := make([]uint16, n+2), make([]uint16, n+2)
			addRows(sums[1:], near, far)
			addRowsScalar(wantSums[1:], near, far)
			if !slices.Equal(sums, wantSums) {
				t.Error("sums differ")
			}
			got, want = got[:2*n], want[:2*n]
			widen(got, sums, 8, 7, 4)
			widenScalar(want, sums, 8, 7, 4)
			if !bytes.Equal(got, want) {
				t.Error("widened rows differ")
			}
		})
	}
}
