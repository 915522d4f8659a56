package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsReadIsNotWritten(t *testing.T) {
	t.Cleanup(func() { kept.files = nil })
	dir := t.TempDir()
	photo, soft, hard := filepath.Join(dir, "p.png"), filepath.Join(dir, "soft.png"), filepath.Join(dir, "hard.png")
	if err := os.WriteFile(photo, []byte("photo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(photo, soft); err != nil {
		t.Skip("skipped: links cannot be made here")
	}
	if err := os.Link(photo, hard); err != nil {
		t.Skip("skipped: links cannot be made here")
	}
	Keep(photo, filepath.Join(dir, "none"), dir, "")
	for _, path := range []string{photo, soft, hard, filepath.Join(dir, ".", "x", "..", "p.png")} {
		if err := Bytes(path, []byte("figure")); err == nil || !strings.Contains(err.Error(), "name another file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if data, err := os.ReadFile(photo); err != nil || string(data) != "photo" {
		t.Errorf("the photograph is %q (%v)", data, err)
	}
	if err := Bytes(filepath.Join(dir, "q.png"), []byte("figure")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); left != nil {
		t.Errorf("%v is left", left)
	}
}
