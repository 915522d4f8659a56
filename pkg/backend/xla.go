//go:build cgo

package backend

import (
	"os"
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
	const flag = "--xla_gpu_cuda_data_dir="
	if data := cudaData(path); data != "" && !strings.Contains(os.Getenv("XLA_FLAGS"), flag) {
		os.Setenv("XLA_FLAGS", strings.TrimSpace(os.Getenv("XLA_FLAGS")+" "+flag+data))
	}
	return xla.New(path + ",tf32=false,preallocate=false")
}
