package attention_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/sbinet/npyio/npz"
)

// testdata/cubic.npz holds what OpenCV gives (testdata/make_cubic.py).
func TestResizeIsOpenCVs(t *testing.T) {
	r, err := npz.Open("testdata/cubic.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := func(name string) attention.Map {
		var m attention.Map
		if err := r.Read(name+".npy", &m.Values); err != nil {
			t.Fatal(err)
		}
		shape := r.Header(name + ".npy").Descr.Shape
		m.Rows, m.Cols = shape[0], shape[1]
		return m
	}
	const pairs = 10
	if got := len(r.Keys()); got != 2*pairs {
		t.Fatalf("the fixture has %d arrays, want %d", got, 2*pairs)
	}
	for i := range pairs {
		in, want := read(fmt.Sprint(i, "_in")), read(fmt.Sprint(i, "_out"))
		got, err := in.Resize(want.Rows, want.Cols)
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows != want.Rows || got.Cols != want.Cols || len(got.Values) != len(want.Values) {
			t.Fatalf("%d: %d rows and %d columns, want %d and %d", i, got.Rows, got.Cols, want.Rows, want.Cols)
		}
		_, high := in.Range()
		other, worst := 0, 0.0
		for k, v := range got.Values {
			d := math.Abs(float64(v) - float64(want.Values[k]))
			worst = max(worst, d/float64(high))
			// OpenCV takes columns by eights, and what is left over in another order.
			if d != 0 && k%want.Cols < want.Cols/8*8 {
				other++
			}
		}
		t.Logf("%dx%d to %dx%d: greatest difference %.1e of the maximum", in.Rows, in.Cols, want.Rows, want.Cols, worst)
		if other > 0 || worst > 1e-6 {
			t.Errorf("%dx%d to %dx%d: %d of %d cells outside the last columns differ from OpenCV's, by up to %.1e "+
				"of the maximum",
				in.Rows, in.Cols, want.Rows, want.Cols, other, len(want.Values), worst)
		}
	}
}

func TestResizeToItsOwnSizeChangesNothing(t *testing.T) {
	m := attention.Map{Rows: 2, Cols: 3, Values: []float32{0.1, 0.2, 0.05, 0.3, 0.15, 0.2}}
	got, err := m.Resize(2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Values {
		if v != m.Values[i] {
			t.Errorf("cell %d became %v, want %v", i, v, m.Values[i])
		}
	}
}

func TestResizeRefuses(t *testing.T) {
	good := attention.Map{Rows: 1, Cols: 2, Values: []float32{0.5, 0.5}}
	for _, c := range []struct {
		m          attention.Map
		rows, cols int
		want       string
	}{
		{good, 0, 5, "cannot be resized to 0 rows and 5 columns"},
		{good, 5, -1, "cannot be resized to 5 rows and -1 columns"},
		{good, 1 << 20, 1 << 20, "together at most 268435456 cells"},
		{good, math.MaxInt, math.MaxInt, "together at most"},
		{attention.Map{}, 5, 5, "0 rows and 0 columns cannot have 0 weights"},
		{attention.Map{Rows: 2, Cols: 2, Values: make([]float32, 3)}, 5, 5,
			"2 rows and 2 columns cannot have 3 weights"},
		{attention.Map{Rows: 1, Cols: 2, Values: []float32{0, float32(math.NaN())}}, 5, 5, "is NaN at row 0, column 1"},
		{attention.Map{Rows: 2, Cols: 1, Values: []float32{0, float32(math.Inf(1))}}, 5, 5,
			"is +Inf at row 1, column 0"},
	} {
		_, err := c.m.Resize(c.rows, c.cols)
		sentence(t, err, c.want)
	}
}

// sentence checks that an error is one line that says what is wanted.
func sentence(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one sentence with %q", err, want)
	}
}
