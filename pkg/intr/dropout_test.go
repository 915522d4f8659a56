package intr

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/pkg/backend"
)

// Each engine that is there.
func onEngines(t *testing.T, f func(t *testing.T, e *backend.Engine)) {
	for _, kind := range []string{backend.Go, backend.XLA} {
		t.Run(kind, func(t *testing.T) {
			e, err := backend.Open(kind)
			if err != nil {
				t.Skipf("skipped: %v", err)
			}
			f(t, e)
		})
	}
}

// masks are what several dropouts in a row make of ones [pictures, heads, rows*cols,
// rows*cols]: in each, what the cells of a picture see of each other.
func masks(t *testing.T, e *backend.Engine, p float64, layers, pictures, heads, rows, cols int,
	keys ...[2]uint32) (all [][]float32) {
	t.Helper()
	exec, err := NewExec(e.Backend, func(key *Node) (results []*Node) {
		n := &net{g: key.Graph(), training: &Training{Dropout: p, Key: key}}
		n.cells = numbered(n.g, rows, cols)
		n.tokens = n.cells
		ones := Ones(n.g, shapes.Make(dtypes.Float32, pictures, heads, rows*cols, rows*cols))
		for range layers {
			results = append(results, n.drop(ones, n.cells))
		}
		return results
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	for _, key := range keys {
		results, err := exec.Call(tensors.FromFlatDataAndDimensions(key[:], 2))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			values, err := tensors.CopyFlatData[float32](r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, values)
		}
	}
	return all
}

// Dropout leaves out as many numbers as it should, and which ones is chance: of
// neighbours along every axis, of layers, of pictures, of steps, and of the corners
// of any rectangle, none knows of the other.
func TestDropout(t *testing.T) {
	const pictures, heads, rows, cols = 3, 4, 6, 10
	const n = rows * cols
	keys := [][2]uint32{{0, 0}, {0, 1}, {1, 0}, {0xdeadbeef, 7}}
	var first [][]float32
	onEngines(t, func(t *testing.T, e *backend.Engine) {
		for _, p := range []float64{0.1, 0.5} {
			const layers = 3
			all := masks(t, e, p, layers, pictures, heads, rows, cols, keys...)
			// chance compares a number's mean with p's powers; deviations beyond five are none.
			chance := func(what string, kept, of int, share float64) {
				t.Helper()
				deviation := math.Sqrt(float64(of) * share * (1 - share))
				if z := (float64(kept) - float64(of)*share) / deviation; math.Abs(z) > 5 {
					t.Errorf("%v: %s: %d of %d, and %.0f ± %.0f are expected", p, what, kept, of,
						float64(of)*share, deviation)
				}
			}
			kept := func(v float32) bool { return v != 0 }
			scale := float32(1 / (1 - p))
			for i, mask := range all {
				count := 0
				for _, v := range mask {
					if v != 0 && v != scale {
						t.Fatalf("%v of 1 became %v", p, v)
					}
					if kept(v) {
						count++
					}
				}
				chance("kept", count, len(mask), 1-p)
				for what, step := range map[string]int{"key": 1, "key's row": cols, "query": n, "query's row": n * cols,
					"head": n * n, "picture": heads * n * n} {
					both := 0
					for at := range len(mask) - step {
						if kept(mask[at]) && kept(mask[at+step]) {
							both++
						}
					}
					chance("kept with the next "+what, both, len(mask)-step, (1-p)*(1-p))
				}
				// The four corners of rectangles, none in two: an even number is kept with a known chance.
				for _, apart := range []int{1, 2} {
					even, of := 0, 0
					for at := range mask {
						row, col := at/n, at%n
						if row&apart != 0 || col&apart != 0 {
							continue
						}
						corners := 0
						for _, c := range []int{at, at + apart, at + n*apart, at + n*apart + apart} {
							if kept(mask[c]) {
								corners++
							}
						}
						if of++; corners%2 == 0 {
							even++
						}
					}
					chance("even corners", even, of, (1+math.Pow(2*p-1, 4))/2)
				}
				for j := range i {
					both := 0
					for at := range mask {
						if kept(mask[at]) && kept(all[j][at]) {
							both++
						}
					}
					chance("kept in two layers or steps", both, len(mask), (1-p)*(1-p))
				}
			}
			if p == 0.1 && first == nil {
				first = all
			} else if p == 0.1 && !slices.EqualFunc(first, all, slices.Equal) {
				t.Error("another engine leaves out others")
			}
		}
	})
}

// A larger canvas, and a picture more, leave out the same of what a picture has.
func TestDropoutOnCanvas(t *testing.T) {
	const heads, rows, cols, high, wide = 2, 3, 5, 4, 9
	onEngines(t, func(t *testing.T, e *backend.Engine) {
		key := [2]uint32{3, 4}
		small, large := masks(t, e, 0.3, 2, 2, heads, rows, cols, key), masks(t, e, 0.3, 2, 3, heads, high, wide, key)
		for layer := range small {
			at := 0
			for slice := range 2 * heads {
				for query := range rows * cols {
					for cell := range rows * cols {
						on := func(i int) int { return i/cols*wide + i%cols }
						if small[layer][at] != large[layer][(slice*high*wide+on(query))*high*wide+on(cell)] {
							t.Fatalf("layer %d, slice %d: what cell %d sees of cell %d is another", layer,
								slice, query, cell)
						}
						at++
					}
				}
			}
		}
	})
}
