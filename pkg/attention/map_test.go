package attention_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
)

func TestCheck(t *testing.T) {
	if err := explanation().Check(); err != nil {
		t.Error(err)
	}
	nan := float32(math.NaN())
	for want, change := range map[string]func(e *attention.Explanation){
		"143 attention weights do not fit 2 layers, 3 heads, 4 classes and a map of 2 rows " +
			"and 3 columns": func(e *attention.Explanation) { e.Weights = e.Weights[1:] },
		"0 attention weights do not fit":          func(e *attention.Explanation) { e.Weights = nil },
		"do not fit 0 layers":                     func(e *attention.Explanation) { e.Layers = 0 },
		"do not fit -2 layers, -3 heads":          func(e *attention.Explanation) { e.Layers, e.Heads = -2, -3 },
		"0 classes":                               func(e *attention.Explanation) { e.Logits = nil },
		"4611686018427387904 rows":                func(e *attention.Explanation) { e.Rows, e.Cols = 1<<62, 1<<62 },
		"the logit of 016.Painted_Bunting is NaN": func(e *attention.Explanation) { e.Logits[2] = nan },
		"the logit of 001.Crow is -Inf": func(e *attention.Explanation) {
			e.Logits[0] = float32(math.Inf(-1))
		},
		"the attention of 014.Indigo_Bunting in layer 2, head 3 has the weight NaN": func(e *attention.Explanation) {
			e.Weights[72+48+6+1] = nan
		},
		"the attention of 001.Crow in layer 1, head 1 has the weight -0.5": func(e *attention.Explanation) {
			e.Weights[0] = -0.5
		},
		"the attention of 020.Wren in layer 2, head 3 has the weight 2, which is not": func(e *attention.Explanation) {
			e.Weights[143] = 2
		},
	} {
		e := explanation()
		change(e)
		sentence(t, e.Check(), want)
		_, err := e.Cut(1, 1)
		sentence(t, err, want)
	}
}

func TestCut(t *testing.T) {
	e := explanation()
	same, err := e.Cut(2, 3)
	if err != nil || !slices.Equal(same.Weights, e.Weights) {
		t.Errorf("a cut to its own size changes the weights (%v)", err)
	}
	_, err = e.Cut(1, 2)
	sentence(t, err, "the padding at row 0, column 2 of the feature map has attention 2e-06, not 0")
	for i := range e.Weights {
		if i%6 != 0 && i%6 != 1 { // all but row 0, columns 0 and 1
			e.Weights[i] = 0
		}
	}
	before := slices.Clone(e.Weights)
	cut, err := e.Cut(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if cut.Rows != 1 || cut.Cols != 2 || len(cut.Weights) != 48 {
		t.Fatalf("the cut has %d rows, %d columns and %d weights", cut.Rows, cut.Cols, len(cut.Weights))
	}
	for plane := range 24 {
		if got, want := cut.Weights[2*plane:2*plane+2], before[6*plane:6*plane+2]; !slices.Equal(got, want) {
			t.Errorf("map %d is %v, want %v", plane, got, want)
		}
	}
	cut.Weights[0] = 1
	if e.Rows != 2 || !slices.Equal(e.Weights, before) {
		t.Error("the cut changed what it was cut from")
	}
	for _, size := range [][2]int{{0, 1}, {1, 0}, {-1, 2}, {3, 3}, {2, 4}} {
		_, err := e.Cut(size[0], size[1])
		sentence(t, err, "cannot be cut out of a feature map of 2 rows and 3 columns")
	}
}

func TestFlat(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		values []float32
		flat   bool
	}{
		{[]float32{0.25, 0.25, 0.25, 0.25}, true},
		{[]float32{0.25, 0.25, 0.25, 0.25001}, true},
		{[]float32{0.25, 0.25, 0.25, 0.2501}, false},
		{[]float32{0, 0, 0, 0}, true},
		{[]float32{0, 0, 0, 1e-30}, false},
		{[]float32{0, 1, nan, 0}, true},
		{[]float32{0, 1, float32(math.Inf(1)), 0}, true},
	} {
		m := attention.Map{Rows: 2, Cols: 2, Values: c.values}
		if got := m.Flat(); got != c.flat {
			t.Errorf("%v is flat: %v, want %v", c.values, got, c.flat)
		}
	}
}

func TestPeak(t *testing.T) {
	m := attention.Map{Rows: 2, Cols: 4, Values: []float32{0, 0.1, 0.1, 0, 0, 0.3, 0.3, 0.2}}
	if x, y := m.Peak(400, 100); x != 150 || y != 75 {
		t.Errorf("the peak is at %v, %v, want 150, 75", x, y)
	}
	if low, high := m.Range(); low != 0 || high != 0.3 {
		t.Errorf("the range is %v to %v, want 0 to 0.3", low, high)
	}
	if x, y := (attention.Map{}).Peak(400, 100); x != 0 || y != 0 {
		t.Errorf("the peak of no map is at %v, %v", x, y)
	}
}
