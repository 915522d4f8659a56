// Package nn computes networks on the processor: matrix products, convolutions,
// attention, LayerNorm and softmax of float32, channels last, without gradients. It
// knows nothing of any model.
//
// The innermost loops are assembly for AVX-512, AVX2 and NEON, written by the program
// in gen, and Go where there is none of these; which they are is decided once, by what
// the processor can do. GOINTR_NN=avx2, say, chooses what it would not (for tests).
//
// Weights are laid out once (Pack, NewConv); what computes with them is a Work.
package nn

import (
	"os"
	"slices"
	"strings"
)

// A Map is a feature map: [Rows, Cols, Channels].
type Map struct {
	Rows, Cols, Channels int
	Data                 []float32
}

// available are the kernels that this processor can run, the fastest first; plain Go
// is the last.
var available = append(native(), &plain)

var kernel = choose(os.Getenv("GOINTR_NN"))

func choose(name string) *kernels {
	if i := slices.IndexFunc(available, func(k *kernels) bool { return strings.EqualFold(k.name, name) }); i >= 0 {
		return available[i]
	}
	return available[0]
}

// Instructions names the vector instructions that are used: "AVX512", "AVX2", "NEON",
// or "Go" where there are none.
func Instructions() string { return kernel.name }
