package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// What a process that was killed left beside a file goes when the file is written a day later; nothing else does.
func TestLeftoversGo(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-25 * time.Hour)
	for name, at := range map[string]time.Time{".a*.json.0123abcd": old, ".a*.json.0123abce": time.Now(),
		".a*.json.0123abcz": old, ".aa.json.0123abcd": old, "a.json.0123abcd": old} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := Bytes(filepath.Join(dir, "a*.json"), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := ".a*.json.0123abce .a*.json.0123abcz .aa.json.0123abcd a*.json a.json.0123abcd"
	if got := strings.Join(left, " "); got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
}
