package intr_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// placed is testdata/places.json.
type placed struct {
	Files map[string]struct {
		Names   []string // of the weights that it holds
		Learned bool     // its average has no buffers
		Heads   int
	}
	Plain, EMA map[string][]float32
	Odd        map[string]string // what the error says, or nothing
	Types      map[string]struct{ Logits, Double []float64 }
}

// places unpacks testdata/places.tar.xz.
func places(t *testing.T) (dir string, told placed) {
	t.Helper()
	dir = t.TempDir()
	files := shared.Unpacked(t, "testdata/places.tar.xz")
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(files["places.json"], &told); err != nil {
		t.Fatal(err)
	}
	return dir, told
}

// Weights are found wherever training frameworks put them, plain and averaged, and are PyTorch's to the last bit.
func TestWhatFrameworksSave(t *testing.T) {
	dir, told := places(t)
	if len(told.Files) < 80 {
		t.Errorf("there are %d files", len(told.Files))
	}
	for name, c := range told.Files {
		t.Run(name, func(t *testing.T) {
			f := openFile(t, filepath.Join(dir, name))
			for _, which := range []string{"", intr.Plain, intr.EMA} {
				state, config, err := intr.InspectAs(f, intr.Config{}, which)
				if which != "" && !slices.Contains(c.Names, which) {
					for _, word := range append(c.Names, "no weights", which) {
						if err == nil || !strings.Contains(err.Error(), word) {
							t.Errorf("%s: %v does not name %q", which, err, word)
						}
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", which, err)
					continue
				}
				if config.Heads != c.Heads || config.Classes != 3 {
					t.Errorf("%s: it is an %s", which, config)
				}
				ema := which == intr.EMA || which == "" && c.Names[0] == intr.EMA
				for _, p := range intr.Params(config) {
					want := told.Plain[p.Key]
					buffer := strings.Contains(p.Key, ".bn") || strings.Contains(p.Key, "downsample.1")
					if ema && !(c.Learned && buffer) {
						want = told.EMA[p.Key]
					}
					if state[p.Key] == nil {
						t.Fatalf("%s: %s is missing", which, p.Key)
					}
					if got, err := state[p.Key].Float32s(nil); err != nil || !slices.Equal(got, want) {
						t.Fatalf("%s: %s has other numbers (%v)", which, p.Key, err)
					}
				}
				m, err := intr.Open(t.Context(), filepath.Join(dir, name), intr.Backend("go"), intr.Weights(which))
				if err != nil {
					t.Fatal(err)
				}
				if words := m.About().Origin.Model; strings.Contains(words, "ema weights") != (which == intr.EMA) {
					t.Errorf("%s: its origin is told as %s", which, words)
				}
				m.Close()
				for _, p := range intr.Places(f) { // any can be chosen by where it stands
					at := strings.TrimSuffix(p.At, ".")
					if got, err := intr.PlaceOf(f, at); at != "" && (err != nil || got != p) {
						t.Errorf("%s is answered with %v, %v", at, got, err)
					}
				}
			}
		})
	}
}

// A weight of a kind that is not computed with is named for what it is, and not called missing; beside the weights it
// does not matter.
func TestOddWeights(t *testing.T) {
	dir, told := places(t)
	for name, want := range told.Odd {
		path := filepath.Join(dir, name)
		m, err := intr.Open(t.Context(), path, intr.Backend("go"))
		out := filepath.Join(t.TempDir(), "out.safetensors")
		_, failed := intr.Convert(t.Context(), path, out)
		if err == nil {
			m.Close()
		}
		for _, err := range []error{err, failed} {
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s is answered with %v, want %q", name, err, want)
			}
		}
	}
	if len(told.Odd) != 38 {
		t.Errorf("there are %d files", len(told.Odd))
	}
}

// Weights of other types are rounded to float32, as PyTorch's load_state_dict does, and answer as there.
func TestTypesOfWeights(t *testing.T) {
	dir, told := places(t)
	pixels := picture.New(150, 96)
	for i := range pixels.Pix {
		pixels.Pix[i] = uint8(i * i >> 8)
	}
	for name, want := range told.Types {
		m := open(t, filepath.Join(dir, "types", name), "go")
		answers, _, err := m.Answer(t.Context(), false, pixels)
		if err != nil {
			t.Fatal(err)
		}
		var ours, theirs float64
		for i, v := range answers[0].Logits {
			ours = max(ours, math.Abs(float64(v)-want.Double[i]))
			theirs = max(theirs, math.Abs(want.Logits[i]-want.Double[i]))
		}
		t.Logf("%s: %.1e from float64, PyTorch's float32 is %.1e", name, ours, theirs)
		if len(want.Logits) != 3 || ours > max(4*theirs, 1e-4) {
			t.Errorf("%s: the logits are %v, want %v", name, answers[0].Logits, want.Logits)
		}
	}
	if len(told.Types) != 3 {
		t.Errorf("there are %d types", len(told.Types))
	}
}
