package fieldguide

import (
	"image"
	"math"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/attention"
)

// Every cell of maps that are not square, lit in turn, lies in the middle of its
// patch, or the patch touches the picture's edge.
func TestSquare(t *testing.T) {
	for _, c := range []struct{ rows, cols, width, height, side int }{{4, 6, 90, 60, 45}, {25, 34, 500, 375, 75},
		{8, 8, 160, 160, 60}, {3, 40, 800, 60, 60}, {1, 1, 7, 9, 7}} {
		for i := range c.rows * c.cols {
			m := attention.Map{Rows: c.rows, Cols: c.cols, Values: make([]float32, c.rows*c.cols)}
			m.Values[i] = 1
			r := Square(m, c.width, c.height)
			x, y := m.Peak(c.width, c.height)
			if r.Dx() != r.Dy() || r.Dx() != c.side || !r.In(image.Rect(0, 0, c.width, c.height)) {
				t.Fatalf("%+v: the patch of cell %d is %v", c, i, r)
			}
			off := func(low, high, size int, at float64) bool {
				return low > 0 && high < size && math.Abs(float64(low+high)/2-at) > 0.51
			}
			if off(r.Min.X, r.Max.X, c.width, x) || off(r.Min.Y, r.Max.Y, c.height, y) ||
				!image.Pt(int(x), int(y)).In(r) {
				t.Fatalf("%+v: the patch of cell %d at (%v, %v) is %v", c, i, x, y, r)
			}
		}
	}
	m := attention.Map{Rows: 2, Cols: 2, Values: []float32{0.1, 0.2, 0.3, 0.4}}
	if got := within(m, image.Rect(5, 5, 15, 20), 20, 20); math.Abs(got-(0.1*0.25+0.2*0.25+0.3*0.5+0.4*0.5)) > 1e-6 {
		t.Errorf("a rectangle over four cells has %v of the attention", got)
	}
}

func TestOn(t *testing.T) {
	point := func(name string, x, y float64, seen bool) datasets.Part {
		return datasets.Part{Name: name, X: x, Y: y, Visible: seen}
	}
	// Cells of 10 pixels: a patch of 3 reaches 15 pixels from the cell's middle.
	g := grid{10, 10, 100, 100, []datasets.Part{point("crown", 50, 40, true), point("beak", 60, 55, true),
		point("nape", 35, 35, false)}}
	for _, c := range []struct{ row, col, want int }{
		{3, 4, 0},  // middle (45, 35): the crown is 5 away
		{5, 5, 1},  // (55, 55)
		{2, 3, 0},  // (35, 25): the crown is 15 away, the nape is not to be seen
		{2, 2, -1}, // (25, 25): 25 away
		{9, 9, -1},
	} {
		if got := g.on(c.row, c.col); got != c.want {
			t.Errorf("cell (%d, %d) is on %d, not %d", c.row, c.col, got, c.want)
		}
	}
	box := func(name string, b datasets.Box) datasets.Part {
		return datasets.Part{Name: name, Visible: true, Box: b}
	}
	g.parts = []datasets.Part{box("wing", datasets.Box{X0: 20, Y0: 20, X1: 80, Y1: 80}), box("bar",
		datasets.Box{X0: 40, Y0: 40, X1: 50, Y1: 50}), box("feet", datasets.Box{X0: 44, Y0: 84, X1: 52, Y1: 92})}
	for _, c := range []struct{ row, col, want int }{
		{4, 4, 1},  // in both: the smaller
		{3, 3, 0},  // in the wing, 5 from the bar
		{8, 4, 2},  // in the feet
		{9, 4, 2},  // its middle is 3 below them
		{1, 1, -1}, // its corner is the wing's: no pixel in common
		{8, 2, -1}, // (25, 85): 5 below the wing's edge is the cell's own edge
	} {
		if got := g.on(c.row, c.col); got != c.want {
			t.Errorf("cell (%d, %d) is on %d, not %d", c.row, c.col, got, c.want)
		}
	}
}

func TestBeyond(t *testing.T) {
	for _, c := range []struct {
		hits, of int
		chance   float64
		among    int
		want     bool
	}{
		{1, 1, 2, 1, true}, // p = 0.02
		{1, 1, 2, 8 * 13, false},
		{2, 4, 10, 1, false}, // p = 0.0523
		{2, 4, 9, 1, true},   // p = 0.0430
		{2, 4, 9, 2, false},
		{11, 19, 4, 28, true}, // the beak of a drawn bird
		{0, 5, 0, 1, false},
		{5, 5, 100, 1, false},
		{900, 1000, 50, 100, true},
		{500, 1000, 50, 1, false},
	} {
		if got := (&Share{Hits: c.hits, Of: c.of, Chance: c.chance}).beyond(c.among); got != c.want {
			t.Errorf("%d of %d at %v %% among %d: %v", c.hits, c.of, c.chance, c.among, got)
		}
	}
	g := Guide{About: About{Heads: 8}}
	s := Species{Name: "Wren", Pictures: 4, Right: 1, LookAlike: -1,
		Heads: []Head{{Index: 1, Parts: []Share{{Part: "back", Hits: 1, Of: 1, Share: 100, Range: stats.Wilson(1, 1),
			Chance: 2}}}}}
	if got := g.says(&s); got != "Too few pictures to say: head 2 is most often on the back, in 100 % of pictures "+
		"(95 %: 20 to 100 %)." {
		t.Errorf("it says %q", got)
	}
}
