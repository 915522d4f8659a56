package evaluation

import (
	"fmt"
	"math"
	"testing"

	"github.com/sbinet/npyio/npz"

	"github.com/gointr/gointr/internal/stats"
)

// The numbers of 462 pictures and 12 classes are those of PyTorch and NumPy
// (testdata/make_report.py).
func TestNumPy(t *testing.T) {
	file, err := npz.Open("testdata/report.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	floats := func(name string) (all []float64) {
		if err := file.Read(name+".npy", &all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return all
	}
	ints := func(name string) (all []int64) {
		if err := file.Read(name+".npy", &all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return all
	}
	var logits []float32
	if err := file.Read("logits.npy", &logits); err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want, within float64) {
		t.Helper()
		if !(math.Abs(got-want) <= within) {
			t.Errorf("%s is %v, in NumPy %v", what, got, want)
		}
	}
	const classes = 12
	names := make([]string, classes)
	for i := range names {
		names[i] = fmt.Sprintf("%03d.Species", i+1)
	}
	tally := New(names)
	truth := ints("truth")
	for i, class := range truth {
		if err := tally.Add(fmt.Sprint(i), int(class), logits[i*classes:][:classes]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := tally.Report()
	if err != nil {
		t.Fatal(err)
	}
	loss, rank, predicted, confidence := floats("loss"), ints("rank"), ints("predicted"), floats("confidence")
	for i, a := range r.Answers {
		near(fmt.Sprintf("the loss of picture %d", i), a.Loss, loss[i], 2e-6) // PyTorch's is float32
		near(fmt.Sprintf("the probability of picture %d", i), a.Probability, confidence[i], 1e-12)
		if a.Rank != int(rank[i]) || a.Predicted != int(predicted[i]) {
			t.Errorf("picture %d is predicted to be %d, and its class has rank %d; in PyTorch %d and %d", i,
				a.Predicted, a.Rank, predicted[i], rank[i])
		}
	}
	sums := floats("sums")
	for i, got := range []float64{r.Acc1, r.Acc5, r.Loss, r.Mean, r.ECE} {
		near([]string{"acc1", "acc5", "the loss", "the mean of the classes", "the calibration error"}[i], got, sums[i],
			1e-5)
	}
	bins := floats("bins")
	for i, b := range r.Bins {
		near("the pictures of a bin", float64(b.Images), bins[3*i], 0)
		near("the confidence of a bin", b.Confidence, bins[3*i+1], 1e-12)
		near("what is right in a bin", b.Right, bins[3*i+2], 1e-12)
	}
	confusion, recall, precision := ints("confusion"), floats("recall"), floats("precision")
	pairs := 0
	for i, c := range r.Classes {
		near("the recall of a class", c.Acc1, recall[i], 1e-9)
		near("the precision of a class", c.Precision, precision[i], 1e-9)
		for j := range classes {
			near("the confusion of two classes", float64(r.Confusion[i][j]), float64(confusion[i*classes+j]), 0)
			if i < j && confusion[i*classes+j]+confusion[j*classes+i] > 0 {
				pairs++
			}
		}
	}
	last := math.MaxInt
	for _, p := range r.Confused {
		if p.AasB != int(confusion[p.A*classes+p.B]) || p.BasA != int(confusion[p.B*classes+p.A]) || p.A >= p.B ||
			p.AasB+p.BasA > last {
			t.Errorf("a pair is %+v, after one of %d pictures", p, last)
		}
		last = p.AasB + p.BasA
	}
	if len(r.Confused) != pairs {
		t.Errorf("%d pairs are confused, in NumPy %d", len(r.Confused), pairs)
	}
	cases, wilson := ints("cases"), floats("wilson")
	for i := range len(cases) / 2 {
		got := stats.Wilson(int(cases[2*i]), int(cases[2*i+1]))
		near("the lower limit", got[0], wilson[2*i], 1e-5)
		near("the upper limit", got[1], wilson[2*i+1], 1e-5)
	}
}
