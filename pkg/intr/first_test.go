package intr_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend/enginetest"
)

// Pictures of cub10/val get the first class that PyTorch gives them, from the
// JPEG file on (testdata/cub10_first.json, by internal/oracle/first_classes.py).
// The golden network is random, so its classes lie close together (the closest
// two by 0.001 in a logit): one pixel decoded differently flips some of them. Only
// where PyTorch's float32 is as far from its float64 may another class be first.
func TestFirstClasses(t *testing.T) {
	checkpoint := shared.Checkpoint(t, "intr_r50_200.pth")
	folder := filepath.Join(shared.Dir(t), "data", "cub10", "val")
	data, err := os.ReadFile("testdata/cub10_first.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		First   int
		Float32 float64            // how far the logits may be from float64's
		Behind  map[string]float64 // classes that follow, and how far behind the first in float64
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	enginetest.Each(t, func(t *testing.T, engine string) {
		files := shared.Sample(t, slices.Sorted(maps.Keys(want)), 10)
		m := open(t, checkpoint, engine)
		paths := make([]string, len(files))
		for i, file := range files {
			paths[i] = filepath.Join(folder, filepath.FromSlash(file))
		}
		i, same := 0, 0
		for e, err := range m.Each(t.Context(), paths) {
			if err != nil {
				t.Fatal(err)
			}
			got, answer := e.Best().Index, want[files[i]]
			behind, close := answer.Behind[strconv.Itoa(got)]
			switch {
			case got == answer.First:
				same++
			case !close || behind > 2*shared.Within(0, answer.Float32):
				t.Errorf("%s: class %d comes first, in PyTorch class %d", files[i], got, answer.First)
			}
			i++
		}
		t.Logf("%d of %d pictures have the first class of PyTorch's float64", same, i)
	})
}
