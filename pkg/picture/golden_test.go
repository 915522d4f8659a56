package picture

import (
	"bytes"
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
			got := open(t, shared.Golden(t, "resize_"+name+"_in.png")).Eval()
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
