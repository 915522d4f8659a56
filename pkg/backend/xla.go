//go:build cgo

package backend

import (
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

// built says whether this program can load plugins at all.
const built = true

func openPlugin(kind, path string) (compute.Backend, error) {
	if kind == XLA {
		return xla.New(path + ",shared_buffers")
	}
	// PyTorch computes float32 convolutions and products in float32 on request only; we do always. go-xla's option is
	// for products, NVIDIA's variable for the libraries of both.
	set := func(name, value string) {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	set("NVIDIA_TF32_OVERRIDE", "0")
	set("GOPJRT_CUDA_CHECKS", "0") // it knows the folders of its own installer only
	os.Setenv("XLA_FLAGS", cudaFlags(os.Getenv("XLA_FLAGS"), cudaData(path)))
	return xla.New(path + ",tf32=false,preallocate=false")
}

// cudaFlags are the flags of XLA that were given, with ours where they say nothing. data is the folder of CUDA's own
// compiler, or nothing.
//
// XLA's own kernels of products end the process while a batch is compiled (a failed check in its Triton fusion, JAX
// 0.11.2), and trying them out takes longer than all the rest; cuBLAS is as fast. Choosing among algorithms (level 2)
// without computing every one twice to compare makes compiling five times shorter again, and no answer slower.
func cudaFlags(given, data string) string {
	flags := strings.Fields(given)
	add := func(name, value string) {
		given := func(flag string) bool { return flag == name || strings.HasPrefix(flag, name+"=") }
		if !slices.ContainsFunc(flags, given) {
			flags = append(flags, name+"="+value)
		}
	}
	if data != "" {
		add("--xla_gpu_cuda_data_dir", data)
	}
	add("--xla_gpu_enable_triton_gemm", "false")
	add("--xla_gpu_autotune_level", "2")
	return strings.Join(flags, " ")
}
