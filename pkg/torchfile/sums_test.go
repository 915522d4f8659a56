package torchfile

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever bit of a .safetensors file of ours is flipped, no number, name or shape changes without a word.
func TestNoFlipIsSilent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.safetensors")
	var tensors []*Tensor
	for _, c := range []struct {
		name  string
		shape []int
	}{{"query_embed.weight", []int{4, 6}}, {"class.bias", []int{3}}, {"none", []int{0, 2}}, {"one", nil}} {
		n := 1
		for _, size := range c.shape {
			n *= size
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i) / 3
		}
		made, err := NewTensor(c.name, c.shape, values)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, made)
	}
	if err := WriteSafetensors(path, tensors, map[string]string{"args": "{}"}); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(path string) (int, error) {
		f, err := Open(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if len(f.Metadata) != 1 || f.Metadata["args"] != "{}" {
			t.Errorf("its metadata are %v", f.Metadata)
		}
		return f.Verify()
	}
	if n, err := verify(path); err != nil || n != 3 { // one has no bytes
		t.Fatalf("%d tensors are verified, %v", n, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	flipped := filepath.Join(dir, "b.safetensors")
	refused := 0
	for range 3000 {
		bad := append([]byte{}, good...)
		at := random.IntN(len(bad))
		bad[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(flipped, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(flipped)
		if err != nil {
			refused++
			continue
		}
		if _, err := f.Verify(); err != nil {
			refused++
		} else {
			unchanged(t, tensors, f.Tensors(), at)
		}
		f.Close()
	}
	if refused < 2500 {
		t.Errorf("%d of 3000 flips are refused", refused)
	}
}

// unchanged is whether a file that is taken has the very tensors that were written.
func unchanged(t *testing.T, want, got []*Tensor, at int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("byte %d: %d tensors", at, len(got))
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			if g.Name != w.Name {
				continue
			}
			found = true
			a, errA := w.Float32s(nil)
			b, errB := g.Float32s(nil)
			if errB != nil { // told when it is read
				continue
			}
			if errA != nil || !slices.Equal(a, b) || !slices.Equal(g.Shape, w.Shape) {
				t.Fatalf("byte %d: %s is %v %v without a word (%v)", at, w.Name, g.Shape, b, errB)
			}
		}
		if !found {
			t.Fatalf("byte %d: %s is gone without a word", at, w.Name)
		}
	}
}

// Files of others have no such text, and are read as they were.
func TestFilesWithoutSums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	one, err := NewTensor("one", []int{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteSafetensors(path, []*Tensor{one}, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(data), sumsKey, strings.Repeat("x", len(sumsKey)), 1)
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.Verify(); n != 0 || err != nil {
		t.Errorf("%d tensors have a checksum, %v", n, err)
	}
}
