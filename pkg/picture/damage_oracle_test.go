package picture

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDamagedJPEGs damages the whole files of the JPEG decoder's fixtures, of every coding, at random, and holds what
// is made of each against Pillow: equal pixels, or refused by both.
func TestDamagedJPEGs(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with Pillow 13")
	}
	ask := askPillow(t, python)
	files := archived(t, "internal/jpeg/testdata/jpegs.zip")
	path := filepath.Join(t.TempDir(), "damaged.jpg")
	r := rand.New(rand.NewPCG(3, 15))
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.Contains(name, "_damaged") || strings.Contains(name, "_cut") || strings.Contains(name, "_no_end") {
			continue
		}
		for range 3 {
			data := bytes.Clone(files[name])
			start := max(2, bytes.Index(data, []byte("\xFF\xDA"))) // headers are damaged less often
			if r.IntN(4) == 0 {
				start = 2
			}
			for range 1 + r.IntN(3) {
				data[start+r.IntN(len(data)-start)] = byte(r.Uint32())
			}
			if err := os.WriteFile(path, data, 0o666); err != nil {
				t.Fatal(err)
			}
			tried++
			_, want, reason := ask(path)
			got, err := Open(path)
			switch {
			case err != nil && want == nil:
			case err != nil:
				t.Errorf("%s, damaged: only Pillow reads it: %v", name, err)
			case want == nil:
				t.Errorf("%s, damaged: Pillow does not read it: %s", name, reason)
			case got.Width != want.Width || got.Height != want.Height || !bytes.Equal(got.Pix, want.Pix):
				t.Errorf("%s, damaged: the pixels are not Pillow's", name)
			}
		}
	}
	t.Logf("%d damaged files", tried)
}
