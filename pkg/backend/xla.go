//go:build cgo

package backend

import (
	"os"
	"path/filepath"
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
	// PyTorch computes float32 convolutions and products in float32 on request
	// only; we do always. go-xla's option is for products, NVIDIA's variable for
	// the libraries of both.
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

// cudaData is the folder of CUDA's own compiler (bin/ptxas) that belongs to a
// plugin: beside it, or where pip puts it (NVIDIA's wheels for CUDA 12 and 13).
func cudaData(plugin string) string {
	dir := filepath.Dir(plugin)
	for _, nvidia := range []string{dir, filepath.Join(dir, "..", "nvidia"), filepath.Join(dir, "..", "..", "nvidia")} {
		for _, data := range []string{"cu13", "cuda_nvcc", "."} {
			folder := filepath.Join(nvidia, data)
			if _, err := os.Stat(filepath.Join(folder, "bin", "ptxas")); err == nil {
				return folder
			}
		}
	}
	return ""
}
