//go:build arm64

package nn

// native needs to ask nothing: every arm64 processor has NEON.
func native() []*kernels {
	return []*kernels{{
		name: "NEON", lanes: 4, deep: 256,
		gemm:        []func(*byte){gemm1NEON, gemm2NEON, gemm3NEON, gemm4NEON},
		winogradIn:  map[int]func(*byte){2: winogradIn2NEON, 4: winogradIn4NEON},
		winogradOut: map[int]func(*byte){2: winogradOut2NEON, 4: winogradOut4NEON},
		maxPool:     maxPoolNEON, add: addNEON, layerNorm: layerNormNEON, softmax: softmaxNEON,
	}}
}
