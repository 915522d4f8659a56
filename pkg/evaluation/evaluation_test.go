package evaluation

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var names = []string{"001.Wren", "002.Rook", "003.Crow", "004.Owl", "005.Gull", "006.Tern"}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func tally(t *testing.T, answers ...[]float32) *Tally {
	t.Helper()
	tally := New(names)
	for _, a := range answers {
		if err := tally.Add("a.jpg", int(a[0]), a[1:]); err != nil {
			t.Fatal(err)
		}
	}
	return tally
}

// The numbers of five pictures, worked out by hand.
func TestReport(t *testing.T) {
	three := float32(math.Log(3))
	r, err := tally(t,
		[]float32{0, three, 0, 0, 0, 0, 0}, // right: 3/8
		// rook taken for a crow; rank 3: the wren has the same logit and comes first
		[]float32{1, 0, 0, three, 0, 0, 0},
		[]float32{2, 0, three, 0, 0, 0, 0}, // crow taken for a rook
		[]float32{5, 6, 5, 4, 3, 2, 1},     // tern is the sixth
	).Report()
	if err != nil {
		t.Fatal(err)
	}
	if r.Images != 4 || r.Acc1 != 25 || r.Acc5 != 75 {
		t.Errorf("%d pictures, acc1 %v, acc5 %v", r.Images, r.Acc1, r.Acc5)
	}
	logSum := math.Log(math.Exp(6) + math.Exp(5) + math.Exp(4) + math.Exp(3) + math.Exp(2) + math.Exp(1))
	if want := (math.Log(8./3) + 2*math.Log(8) + logSum - 1) / 4; math.Abs(r.Loss-want) > 1e-6 {
		t.Errorf("the loss is %v, not %v", r.Loss, want)
	}
	if ranks := []int{r.Answers[0].Rank, r.Answers[1].Rank, r.Answers[2].Rank, r.Answers[3].Rank}; !slices.Equal(ranks,
		[]int{1, 3, 3, 6}) {
		t.Errorf("the ranks are %v", ranks)
	}
	if !near(r.Mean, 25) {
		t.Errorf("the mean of the classes is %v", r.Mean)
	}
	rook := r.Classes[1]
	if rook.Name != "Rook" || rook.Images != 1 || rook.Acc1 != 0 || rook.Precision != 0 || rook.Taken != 2 {
		t.Errorf("the rook is %+v", rook)
	}
	if wren := r.Classes[0]; wren.Acc1 != 100 || wren.Precision != 50 || wren.Taken != -1 {
		t.Errorf("the wren is %+v", wren)
	}
	if want := []Pair{{A: 1, B: 2, AasB: 1, BasA: 1, Images: 2},
		{A: 0, B: 5, BasA: 1, Images: 2}}; !slices.Equal(r.Confused, want) {
		t.Errorf("confused are %+v", r.Confused)
	}
	// Three of probability 3/8, one of them right; one of 0.63, wrong.
	sure := math.Exp(6 - logSum)
	if want := 100 * (3*(3./8-1./3) + sure) / 4; math.Abs(r.ECE-want) > 1e-4 {
		t.Errorf("the calibration error is %v, not %v", r.ECE, want)
	}
	if b := r.Bins[5]; b.Images != 3 || math.Abs(b.Right-1./3) > 1e-9 || math.Abs(b.Confidence-3./8) > 1e-6 {
		t.Errorf("the sixth bin is %+v", b)
	}
	if got := r.LookAlikes(3); !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("look-alikes are %v", got)
	}
}

// Rows of look-alikes: the strongest pair stays together.
func TestLookAlikes(t *testing.T) {
	as := func(class, predicted, n int) (all [][]float32) {
		for range n {
			a := make([]float32, 7)
			a[0], a[1+predicted] = float32(class), 1
			all = append(all, a)
		}
		return all
	}
	r, err := tally(t, slices.Concat(as(1, 2, 5), as(2, 1, 4), as(3, 4, 6), as(5, 1, 3), as(2, 0, 2),
		as(0, 0, 9))...).Report()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int][]int{1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 5: {5, 1, 2, 3, 4}, 9: {5, 1, 2, 0, 3, 4}} {
		if got := r.LookAlikes(n); !slices.Equal(got, want) {
			t.Errorf("the first %d are %v, want %v", n, got, want)
		}
	}
	// The worst: all wrong, the most pictures first; without pictures a class is none.
	var worst []int
	for _, c := range r.Worst(9) {
		worst = append(worst, c.Index)
	}
	if want := []int{2, 3, 1, 5, 0}; !slices.Equal(worst, want) {
		t.Errorf("the worst are %v, want %v", worst, want)
	}
	if got := r.Worst(-1); len(got) != 0 {
		t.Errorf("of none there are %v", got)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		class  int
		logits []float32
		want   string
	}{
		{0, []float32{1, 2}, "a.jpg: the model answers for 2 classes, but the pictures have 6"},
		{6, make([]float32, 6), "no class 6 among 6"},
		{-1, make([]float32, 6), "no class -1 among 6"},
		{0, []float32{0, 0, float32(math.NaN()), 0, 0, 0}, "the logit of class 2 is NaN"},
	} {
		if err := New(names).Add("a.jpg", c.class, c.logits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v is told as %v", c, err)
		}
	}
	if _, err := New(names).Report(); err == nil {
		t.Error("nothing at all is reported")
	}
}

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.csv")
	if err := tally(t, []float32{1, 0, 0, 1, 0, 0, 0}).WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Equal(rows[1][:4], []string{"a.jpg", "002.Rook", "003.Crow", "3"}) {
		t.Errorf("the rows are %q (%v)", rows, err)
	}
}

func TestClassesCSV(t *testing.T) {
	r, err := tally(t, []float32{1, 0, 0, 1, 0, 0, 0}, []float32{2, 0, 0, 1, 0, 0, 0}).Report()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "classes.csv")
	if err := r.WriteClasses(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	want := "index,class,images,acc1,precision,mistaken_for\n0,Wren,0,0.00,0.00,\n1,Rook,1,0.00,0.00,Crow\n" +
		"2,Crow,1,100.00,50.00,\n"
	if err != nil || !strings.HasPrefix(string(data), want) {
		t.Errorf("it says %q (%v)", data, err)
	}
	if err := r.WriteClasses(filepath.Join(path, "below")); err == nil ||
		!strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("a wrong place is told as %v", err)
	}
}
