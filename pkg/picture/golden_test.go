package picture

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
)

// open fails the test when the picture does not open.
func open(t testing.TB, path string) *Picture {
	t.Helper()
	p, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEvalMatchesPillow(t *testing.T) {
	for _, name := range []string{"landscape", "portrait", "panorama", "small", "same", "big"} {
		t.Run(name, func(t *testing.T) {
			got := open(t, shared.Golden(t, "resize_"+name+"_in.png")).Eval(0)
			want := open(t, shared.Golden(t, "resize_"+name+"_out.png"))
			if got.Width != want.Width || got.Height != want.Height {
				t.Fatalf("size %d by %d, Pillow's is %d by %d", got.Width, got.Height, want.Width, want.Height)
			}
			if !bytes.Equal(got.Pix, want.Pix) {
				t.Fatal("pixels differ from Pillow's")
			}
		})
	}
}

func TestModesMatchPillow(t *testing.T) {
	answers, err := filepath.Glob(filepath.Join(shared.Golden(t, "modes"), "*.rgb.png"))
	if err != nil || len(answers) < 16 {
		t.Fatalf("%d modes, %v", len(answers), err)
	}
	for _, path := range answers {
		name := strings.TrimSuffix(path, ".rgb.png")
		t.Run(filepath.Base(name), func(t *testing.T) {
			got, want := open(t, name), open(t, path)
			if got.Width != want.Width || got.Height != want.Height || !bytes.Equal(got.Pix, want.Pix) {
				t.Fatal("the pixels are not Pillow's")
			}
		})
	}
}
