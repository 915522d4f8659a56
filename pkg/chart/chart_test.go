package chart_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/evaluation/plots"
	"github.com/gointr/gointr/pkg/figure"
)

// report is of classes by name, each with the pictures whose predictions follow.
func report(t *testing.T, names []string, predicted ...[]int) *evaluation.Report {
	t.Helper()
	tally := evaluation.New(names)
	for class, all := range predicted {
		for i, p := range all {
			logits := make([]float32, len(names))
			logits[p] = float32(1 + i%4)
			if err := tally.Add(fmt.Sprintf("%d/%d.jpg", class, i), class, logits); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := tally.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var birds = []string{"001.Wren", "002.Rook", "003.Crow", "004.Owl", "005.Gull"}

// drawn is a chart as SVG, which two drawings give alike, as do its PNG and PDF
// without an error.
func drawn(t *testing.T, p *figure.Plot, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	svg, err := p.SVG()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := p.PNG()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, _ := p.PNG()
		vectors, _ := p.SVG()
		if !bytes.Equal(again, picture) || !bytes.Equal(vectors, svg) {
			t.Error("drawn again it has other bytes")
		}
	}
	if pdf, err := p.PDF(); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("as PDF: %v", err)
	}
	// Nothing of it is cut off: the outermost dots are white.
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for x := range b.Dx() {
		for y := range b.Dy() {
			if x > 3 && x < b.Dx()-4 && y > 3 && y < b.Dy()-4 {
				continue
			}
			if r, g, b, _ := img.At(x, y).RGBA(); min(r, g, b) < 0xf000 {
				t.Fatalf("something reaches the edge, at %d, %d", x, y)
			}
		}
	}
	return string(svg)
}

// texts are those of an SVG, in the order they are drawn.
func texts(svg string) (all []string) {
	for _, part := range strings.Split(svg, "<text")[1:] {
		_, rest, _ := strings.Cut(part, ">")
		text, _, _ := strings.Cut(rest, "</text")
		all = append(all, text)
	}
	return all
}

func TestConfusion(t *testing.T) {
	r := report(t, birds, []int{0, 0, 0}, []int{1, 1, 2, 2}, []int{2, 2, 2, 1}, []int{3, 3, 0}, []int{4, 4, 4, 4, 4, 1})
	p, err := plots.Confusion(r, 5)
	got := texts(drawn(t, p, err))
	// Rook and crow, most often confused, the gull beside the rook, then the
	// others; the counts by row.
	want := []string{
		"5", "1", "2", "2", "1", "3", "3", "1", "2",
		"Gull", "Gull", "Rook", "Rook", "Crow", "Crow", "Wren", "Wren", "Owl", "Owl", "predicted class", "true class",
		"right", "50 % of the",
	}
	if !slices.Equal(got[:min(len(got), len(want))], want) {
		t.Errorf("it says %q", got)
	}
	if strings.Contains(strings.Join(got, " "), "other") {
		t.Error("all classes are shown, and there are others")
	}
	// Only two classes: the others are counted beside them.
	p, err = plots.Confusion(r, 2)
	if got := texts(drawn(t, p, err)); !slices.Equal(got[:4], []string{"2", "2", "1", "3"}) ||
		slices.Contains(got, "other") {
		t.Errorf("of two classes it says %q", got)
	}
	r = report(t, birds, []int{0, 3, 3}, []int{1, 0}, []int{2}, []int{3, 0, 0, 4}, []int{4})
	p, err = plots.Confusion(r, 2)
	if got := texts(drawn(t, p, err)); !slices.Equal(got[:6], []string{"1", "2", "2", "1", "1", "Wren"}) ||
		!slices.Contains(got, "other") {
		t.Errorf("of two classes it says %q", got)
	}
	// Nothing is confused, and a class has no picture.
	p, err = plots.Confusion(report(t, birds, []int{0}, []int{1}, []int{2}), 12)
	if got := texts(drawn(t, p, err)); !slices.Equal(got[:5], []string{"1", "1", "1", "0", "0"}) {
		t.Errorf("of the right ones it says %q", got)
	}
}

// Any number of classes fits the page, however they are called.
func TestConfusionFits(t *testing.T) {
	for _, n := range []int{1, 2, 12, 40} {
		var names []string
		var predicted [][]int
		for i := range n + 3 {
			names = append(names, fmt.Sprintf("%03d.Northern_Rough_winged_Swallow_of_the_%d_th_island", i+1, i))
			predicted = append(predicted, slices.Concat(slices.Repeat([]int{i}, 12345%(100*i+1)),
				slices.Repeat([]int{(i + 1) % (n + 3)}, i+1)))
		}
		p, err := plots.Confusion(report(t, names, predicted...), max(n, 2))
		drawn(t, p, err)
		if w, h := p.Size(); w > 7*vg.Inch+0.1 || h > 9*vg.Inch {
			t.Errorf("%d classes take %.2f x %.2f inches", n, w/vg.Inch, h/vg.Inch)
		}
	}
}

// Darker is more, in gray too.
func TestShade(t *testing.T) {
	last := math.Inf(1)
	for i := range 101 {
		c := chart.Shade(float64(i) / 100)
		gray := 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
		if gray >= last {
			t.Errorf("at %d %% it is no darker", i)
		}
		last = gray
	}
}

func TestCalibration(t *testing.T) {
	r := report(t, birds, []int{0, 0, 0, 1}, []int{1, 1, 2, 2}, []int{2, 2, 2, 1}, []int{3, 3, 0})
	p, err := plots.Calibration(r)
	got := "|" + strings.Join(texts(drawn(t, p, err)), "|") + "|"
	for _, want := range []string{fmt.Sprintf("ECE %.1f %%, acc1 %.1f %%, 15 pictures", r.ECE, r.Acc1), "right (%)",
		"probability of the predicted class (%)", "pictures"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	for _, b := range r.Bins {
		if b.Images > 0 && !strings.Contains(got, fmt.Sprintf("|%d|", b.Images)) {
			t.Errorf("the %d pictures of a bin are not in %s", b.Images, got)
		}
	}
	for n, want := range map[int]string{7: "7", 9999: "9999", 12345: "12.3k", 2345678: "2.35M"} {
		if got := chart.Short(n); got != want {
			t.Errorf("%d is told as %s", n, got)
		}
	}
}

func TestCurves(t *testing.T) {
	var epochs []chart.Epoch
	for i := range 60 {
		epochs = append(epochs, chart.Epoch{Epoch: i, TrainLoss: 5 / float64(i+1), TestLoss: 6 / float64(i+1),
			TestAcc1: float64(i), TestAcc5: float64(i + 20), LR: 5e-5})
	}
	epochs[7].TestLoss, epochs[7].TestAcc1, epochs[7].TestAcc5 = math.NaN(), math.NaN(), math.NaN()
	epochs[8].TrainLoss = math.Inf(1)
	glyphs := map[int]int{}
	for _, n := range []int{1, 2, 9, 60} {
		p, err := chart.Curves(epochs[:n])
		svg := drawn(t, p, err)
		got := "|" + strings.Join(texts(svg), "|") + "|"
		for _, want := range []string{"loss", "training", "validation", "acc1", "acc5", "learning rate", "epoch",
			"|5×10⁻⁵|"} {
			if !strings.Contains(got, want) {
				t.Errorf("%d epochs: %q is not in %s", n, want, got)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%d epochs: what was not measured is drawn", n)
		}
		glyphs[n] = strings.Count(svg, "<path")
	}
	if glyphs[1] >= glyphs[2] || glyphs[2] >= glyphs[9] {
		t.Errorf("more epochs have no more marks: %v", glyphs)
	}
	// A loss of nothing and a training of many epochs can be drawn.
	p, err := chart.Curves([]chart.Epoch{{Epoch: 0}, {Epoch: 1}})
	drawn(t, p, err)
	p, err = chart.Curves([]chart.Epoch{{Epoch: 4999, TrainLoss: 0.004}, {Epoch: 9999, TrainLoss: 0.001, LR: 1}})
	drawn(t, p, err)
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		most float64
		n    int
		want string
	}{{100, 5, "[0 20 40 60 80 100]"}, {6.3, 5, "[0 2 4 6 8]"}, {0.0007, 4, "[0 0.0002 0.0004 0.0006 0.0008]"},
		{3, 3, "[0 1 2 3]"}, {0, 5, "[0 1]"}} {
		if got := fmt.Sprint(chart.Steps(c.most, c.n)); got != c.want {
			t.Errorf("up to %v it is %s, not %s", c.most, got, c.want)
		}
	}
	for _, c := range []struct {
		first, last int
		want        string
	}{{1, 1, "[1]"}, {1, 2, "[1 2]"}, {1, 7, "[1 2 3 4 5 6 7]"}, {1, 60, "[10 20 30 40 50 60]"},
		{91, 140, "[100 110 120 130 140]"}} {
		if got := fmt.Sprint(chart.EpochTicks(c.first, c.last)); got != c.want {
			t.Errorf("epochs %d to %d have ticks at %s, not %s", c.first, c.last, got, c.want)
		}
	}
	for v, want := range map[float64]string{0: "0", 5e-5: "5×10⁻⁵", 1.5e-4: "1.5×10⁻⁴", 1: "1"} {
		if got := chart.Rate(v); got != want {
			t.Errorf("%v is told as %s", v, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	r := report(t, birds, []int{0}, []int{1})
	_, few := plots.Confusion(r, 1)
	_, many := plots.Confusion(r, 41)
	_, without := plots.Confusion(&evaluation.Report{}, 12)
	_, bins := plots.Calibration(&evaluation.Report{})
	_, curves := chart.Curves(nil)
	for want, err := range map[string]error{"1 classes is not possible: choose 2 to 40": few, "41 classes": many,
		"0 classes": without, "no calibration": bins, "before the first epoch": curves} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is told as %v", want, err)
		}
	}
}
