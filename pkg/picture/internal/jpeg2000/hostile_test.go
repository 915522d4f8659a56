package jpeg2000

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var errLarge = errors.New("too large")

func small(width, height int) error {
	if width <= 0 || height <= 0 || width > 1<<16/height {
		return errLarge
	}
	return nil
}

// codestreams are those of the pictures that pkg/picture compares with Pillow.
func codestreams(t testing.TB) (all [][]byte) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join("..", "..", "testdata", "kinds.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".jp2") && !strings.HasSuffix(f.Name, ".j2k") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte{0xFF, 0x4F, 0xFF, 0x51}); at >= 0 {
			all = append(all, data[at:])
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d codestreams only", len(all))
	}
	return all
}

// Damage gives an error or a picture, quickly.
func TestDamage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, data := range codestreams(t) {
		for range 60 {
			bad := bytes.Clone(data)
			for range 1 + rnd.IntN(4) {
				bad[rnd.IntN(len(bad))] = byte(rnd.IntN(256))
			}
			if rnd.IntN(3) == 0 {
				bad = bad[:rnd.IntN(len(bad))]
			}
			start := time.Now()
			p, err := Decode(bad, small)
			if (p == nil) == (err == nil) {
				t.Fatalf("%v, %v", p, err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%v for %d bytes", took, len(bad))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range codestreams(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { Decode(data, small) })
}
