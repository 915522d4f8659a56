package intr_test

import (
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/engines"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// The logits of a padded batch are PyTorch's, on a canvas of its own size (pure
// Go) and on a larger one (XLA).
func TestLogits(t *testing.T) {
	for _, name := range []string{"basic", "prenorm_learned", "dc5"} {
		t.Run(name, func(t *testing.T) {
			engines.Each(t, func(t *testing.T, engine string) {
				m := open(t, filepath.Join("testdata", name+".pth"), engine)
				want := openNPZ(t, filepath.Join("testdata", name+".npz"))
				var pictures []*picture.Picture
				for _, key := range []string{"pixels0", "pixels1"} {
					shape := want.shape(key)
					pictures = append(pictures, &picture.Picture{Height: shape[0], Width: shape[1],
						Pix: read[uint8](want, key)})
				}
				got, err := m.Logits(t.Context(), intr.NewBatch(pictures...))
				if err != nil {
					t.Fatal(err)
				}
				var logits []float32
				for _, e := range got {
					logits = append(logits, e.Logits...)
				}
				beside(t, name).agree("logits", "batch_logits", logits, want.floats("batch_logits"), logitsWithin)
			})
		})
	}
}

// strips are pictures that take little time, of two sizes in turn.
func strips(t *testing.T, n int) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		p := picture.New(1333, 30+4*(i%2))
		for j := range p.Pix {
			p.Pix[j] = uint8(j * (i + 3))
		}
		path := filepath.Join(dir, string('a'+rune(i))+".png")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, p), f.Close()); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// Many pictures are answered in order, whatever the batches and however many
// models share them.
func TestLogitsEach(t *testing.T) {
	m, other := open(t, "testdata/basic.pth", "go"), open(t, "testdata/basic.pth", "go")
	paths := strips(t, 7)
	ranked, err := m.Predict(t.Context(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	collect := func(ctx context.Context, paths []string, batch int, models ...*intr.Model) (all [][]float32,
		err error) {
		for e, err := range intr.LogitsEach(ctx, paths, batch, models...) {
			if err != nil {
				return all, err
			}
			if e.Image != paths[len(all)] {
				t.Errorf("%s is answered for %s", e.Image, paths[len(all)])
			}
			all = append(all, e.Logits)
		}
		return all, nil
	}
	alone, err := collect(t.Context(), paths, 1, m)
	if err != nil || len(alone) != len(paths) {
		t.Fatalf("%d pictures: %v", len(alone), err)
	}
	for i, logits := range alone {
		if !slices.Equal(logits, ranked[i].Logits) {
			t.Errorf("picture %d is answered %v, by Predict %v", i, logits, ranked[i].Logits)
		}
	}
	batches, err := collect(t.Context(), paths, 3, m)
	if err != nil || len(batches) != len(paths) {
		t.Fatalf("%d pictures: %v", len(batches), err)
	}
	// The lower strips of a batch feel its canvas; the last is alone.
	if slices.Equal(batches[0], alone[0]) || !slices.Equal(batches[6], alone[6]) {
		t.Error("batches are not as published")
	}
	for batch, want := range map[int][][]float32{1: alone, 3: batches} {
		got, err := collect(t.Context(), paths, batch, m, other)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
			t.Errorf("two models answer otherwise than one in batches of %d (%v)", batch, err)
		}
	}
	// Who has seen enough leaves; so does who is interrupted.
	for range intr.LogitsEach(t.Context(), paths, 2, m, other) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	for _, err := range intr.LogitsEach(ctx, paths, 1, m) {
		if n++; err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
			break
		}
		cancel()
	}
	if n != 2 {
		t.Errorf("interrupted, it goes on for %d pictures", n)
	}
	cancel()
	// Mistakes.
	spoilt := slices.Insert(slices.Clone(paths), 2, filepath.Join(t.TempDir(), "none.png"))
	for _, batch := range []int{1, 2} {
		got, err := collect(t.Context(), spoilt, batch, m)
		if len(got) != 2 || err == nil || !strings.Contains(err.Error(), "none.png") {
			t.Errorf("after %d pictures a missing one is told as %v", len(got), err)
		}
	}
	if _, err := collect(t.Context(), paths, 0, m); err == nil ||
		!strings.Contains(err.Error(), "at least one picture") {
		t.Errorf("an empty batch is told as %v", err)
	}
	if _, err := m.Logits(t.Context(), &intr.Batch{Height: 32, Width: 32, Sizes: [][2]int{{32, 32}}}); err == nil ||
		!strings.Contains(err.Error(), "needs 3072 numbers") {
		t.Errorf("a batch without pixels is told as %v", err)
	}
}

// A model on another device answers the same, with all results.
func TestDevice(t *testing.T) {
	first, err := intr.Open(t.Context(), "testdata/basic.pth", intr.Backend("xla"))
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	defer first.Close()
	last := first.Engine.NumDevices() - 1
	if last < 1 {
		t.Skip("skipped: XLA has one device here")
	}
	other, err := intr.Open(t.Context(), "testdata/basic.pth", intr.Backend("xla"), intr.Device(last))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	path := strips(t, 1)[0]
	photo, err := picture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := first.Explain(t.Context(), path, photo)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b, err := other.Explain(t.Context(), path, photo)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Logits, b.Logits) || !slices.Equal(a.Weights, b.Weights) ||
			math.IsNaN(float64(a.Logits[0])) {
			t.Errorf("device %d answers %v, device 0 %v", last, b.Logits, a.Logits)
		}
	}
	for number, want := range map[int]string{last + 1: "so there is no device", -1: "no device -1"} {
		if _, err := intr.Open(t.Context(), "testdata/basic.pth", intr.Backend("xla"),
			intr.Device(number)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("device %d is answered with %v", number, err)
		}
	}
	if _, err := intr.Open(t.Context(), "testdata/basic.pth", intr.Backend("go"), intr.Device(1)); err == nil ||
		!strings.Contains(err.Error(), "has 1 device here") {
		t.Errorf("a second device of one is answered with %v", err)
	}
}
