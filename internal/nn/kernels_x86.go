//go:build amd64

package nn

import "golang.org/x/sys/cpu"

func native() (have []*kernels) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
		have = append(have, &kernels{
			name: "AVX512", lanes: 16, deep: 128,
			gemm:        []func(*byte){gemm1AVX512, gemm2AVX512, gemm3AVX512, gemm4AVX512},
			winogradIn:  map[int]func(*byte){2: winogradIn2AVX512, 4: winogradIn4AVX512},
			winogradOut: map[int]func(*byte){2: winogradOut2AVX512, 4: winogradOut4AVX512},
			maxPool:     maxPoolAVX512, add: addAVX512, layerNorm: layerNormAVX512, softmax: softmaxAVX512,
			transpose: transposeAVX2,
		})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		have = append(have, &kernels{
			name: "AVX2", lanes: 8, deep: 256,
			gemm:        []func(*byte){gemm1AVX2, gemm2AVX2},
			winogradIn:  map[int]func(*byte){2: winogradIn2AVX2, 4: winogradIn4AVX2},
			winogradOut: map[int]func(*byte){2: winogradOut2AVX2, 4: winogradOut4AVX2},
			maxPool:     maxPoolAVX2, add: addAVX2, layerNorm: layerNormAVX2, softmax: softmaxAVX2,
			transpose: transposeAVX2,
		})
	}
	return have
}
