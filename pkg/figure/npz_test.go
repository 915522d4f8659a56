package figure

import (
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"
)

// array is one array of an .npz, flat, with its shape.
type array struct {
	shape []int
	bytes []uint8
	reals []float32
}

// readNPZ reads the uint8 and float32 arrays of an .npz by a reader that is not ours.
func readNPZ(t testing.TB, path string) map[string]array {
	t.Helper()
	r, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]array{}
	for _, key := range r.Keys() {
		h := r.Header(key)
		a := array{shape: h.Descr.Shape}
		switch h.Descr.Type {
		case "|u1":
			err = r.Read(key, &a.bytes)
		case "<f4":
			err = r.Read(key, &a.reals)
		default:
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(key, ".npy")] = a
	}
	return all
}
