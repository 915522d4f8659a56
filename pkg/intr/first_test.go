package intr_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend"
)

// Every picture of cub10/val gets the first class that PyTorch gives it, from
// the JPEG file on (testdata/cub10_first.json, by internal/oracle/first_classes.py).
// The golden network is random, so its classes lie close together (the closest
// two by 0.001 in a logit): one pixel decoded differently flips some of them.
func TestFirstClasses(t *testing.T) {
	checkpoint := shared.Checkpoint(t, "intr_r50_200.pth")
	folder := filepath.Join(shared.Dir(t), "data", "cub10", "val")
	data, err := os.ReadFile("testdata/cub10_first.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	files := slices.Sorted(maps.Keys(want))
	// Three minutes with XLA, nine with the pure-Go engine: that one gets every tenth picture.
	engine := cmp.Or(os.Getenv("GOINTR_TEST_BACKEND"), "xla")
	if _, err := backend.Open(engine); err != nil {
		if os.Getenv("GOINTR_TEST_BACKEND") != "" {
			t.Fatal(err)
		}
		t.Logf("every tenth picture, on the pure-Go engine: %v", err)
		engine = "go"
		var some []string
		for i := 0; i < len(files); i += 10 {
			some = append(some, files[i])
		}
		files = some
	}
	m := open(t, checkpoint, engine)
	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = filepath.Join(folder, filepath.FromSlash(file))
	}
	i, wrong := 0, 0
	for e, err := range m.Each(t.Context(), paths) {
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Best().Index; got != want[files[i]] {
			t.Errorf("%s: class %d comes first, in PyTorch class %d", files[i], got, want[files[i]])
			wrong++
		}
		i++
	}
	t.Logf("%d of %d pictures have PyTorch's first class", i-wrong, i)
}
