//go:build unix

package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Pipes and devices are told at once; nothing waits for who writes to them.
func TestOpenIsForFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, link, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for _, path := range []string{pipe, link, "/dev/null"} {
		if f, err := Open(path); err == nil || !strings.Contains(err.Error(), "not a file but a pipe") {
			t.Errorf("%s: %v, %v", path, f, err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%s is read", path)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if data, err := Read(file); err != nil || string(data) != "text" {
		t.Errorf("a file is read as %q, %v", data, err)
	}
	folder, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	folder.Close()
	if _, err := Open(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("what is not there: %v", err)
	}
}
