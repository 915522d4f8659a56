package backend

import (
	"os"

	"github.com/gomlx/go-xla/installer"
)

// installCUDA gets the plugin and NVIDIA's libraries, several GB. What go-xla's
// installer says of its progress belongs on standard error.
func installCUDA(folder string) error {
	stdout := os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = stdout }()
	return installer.CudaAutoInstall(folder, true, installer.Normal)
}
