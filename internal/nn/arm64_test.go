//go:build linux && amd64

package nn

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The kernels for arm64, on an arm64 that is made up.
func TestARM64(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it takes half a minute")
	}
	emulator, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		t.Skip("skipped: there is no qemu-aarch64 (Debian's qemu-user)")
	}
	program := filepath.Join(t.TempDir(), "nn.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	run := exec.CommandContext(t.Context(), emulator, program, "-test.short", "-test.v")
	if said, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	} else {
		t.Logf("%s", said)
	}
}
