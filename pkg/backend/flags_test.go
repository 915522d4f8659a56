//go:build cgo

package backend

import "testing"

func TestCUDAFlags(t *testing.T) {
	for _, c := range []struct{ given, data, want string }{
		{"", "", "--xla_gpu_enable_triton_gemm=false --xla_gpu_autotune_level=2"},
		{"", "/nv", "--xla_gpu_cuda_data_dir=/nv --xla_gpu_enable_triton_gemm=false --xla_gpu_autotune_level=2"},
		{"--xla_gpu_autotune_level=4  --xla_gpu_cuda_data_dir=/own", "/nv",
			"--xla_gpu_autotune_level=4 --xla_gpu_cuda_data_dir=/own --xla_gpu_enable_triton_gemm=false"},
		{"--xla_gpu_enable_triton_gemm=true", "", "--xla_gpu_enable_triton_gemm=true --xla_gpu_autotune_level=2"},
		{"--xla_gpu_enable_triton_gemm", "", "--xla_gpu_enable_triton_gemm --xla_gpu_autotune_level=2"},
	} {
		if got := cudaFlags(c.given, c.data); got != c.want {
			t.Errorf("cudaFlags(%q, %q) = %q, want %q", c.given, c.data, got, c.want)
		}
	}
}
