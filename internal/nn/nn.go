// Package nn computes networks on the processor: matrix products, convolutions,
// attention, LayerNorm and softmax of float32, channels last, and their gradients. It
// knows nothing of any model.
//
// The innermost loops are assembly for AVX-512, AVX2 and NEON, written by the program
// in gen, and Go where there is none of these; which they are is decided once, by what
// the processor can do. GODEBUG=cpu.avx512f=off, say, has a program do without.
//
// Weights are laid out once (Pack, NewConv); what computes with them is a Work.
package nn

// A Map is a feature map: [Rows, Cols, Channels].
type Map struct {
	Rows, Cols, Channels int
	Data                 []float32
}

// available are the kernels that this processor can run, the fastest first; plain Go
// is the last.
var available = append(native(), &plain)

var kernel = available[0]

// Instructions names the vector instructions that are used: "AVX512", "AVX2", "NEON",
// or "Go" where there are none.
func Instructions() string { return kernel.name }
