// Package shared finds the oracle's answers that lie beside a checkout, in
// ../shared, for tests. Without them a test skips and says why.
package shared

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Root is the folder of the checkout that a test runs in, which need not be the
// one it was compiled in.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	panic("a test of this module runs outside of it")
}

// Dir is ../shared beside the checkout; the test skips when it is not there.
func Dir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(Root()), "shared")
	if _, err := os.Stat(filepath.Join(dir, "golden")); err != nil {
		t.Skipf("skipped: the oracle's answers are not beside this checkout (%s)", dir)
	}
	return dir
}

// Golden is the path of one of the oracle's answers.
func Golden(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Dir(t), "golden", filepath.FromSlash(name))
}

var unpack = sync.OnceValues(func() (string, error) {
	out, err := exec.Command(filepath.Join(filepath.Dir(Root()), "shared", "unpack")).Output()
	return strings.TrimSpace(string(out)), err
})

// Checkpoint is the path of one of the oracle's checkpoints, unpacked into the
// user's cache on first use.
func Checkpoint(t testing.TB, name string) string {
	t.Helper()
	Dir(t)
	dir, err := unpack()
	if err != nil {
		t.Fatalf("could not unpack the oracle's checkpoints: %v", err)
	}
	return filepath.Join(dir, name)
}
