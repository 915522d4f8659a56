package notebook

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
	_ "github.com/gointr/gointr/pkg/notebook/plots"
	"github.com/gointr/gointr/pkg/picture"
)

func TestPlot(t *testing.T) {
	drawn := Plot(plot.New(), 5*vg.Inch, 2.5*vg.Inch)
	if got := printed(t, func() { drawn.Show() }); !strings.HasPrefix(got, "Plot, 5 × 2.5 inches (Save keeps it") {
		t.Errorf("the plot is told as %q", got)
	}
	path := filepath.Join(t.TempDir(), "plot.pdf")
	drawn.Save(path)
	if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "%PDF-") {
		t.Errorf("the file begins with %.8q (%v)", data, err)
	}
}

// An explanation made in the cell's own process does what the session's does.
func TestFrom(t *testing.T) {
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	numbers := &attention.Explanation{
		Image: "bunting.jpg", Width: p.Width, Height: p.Height,
		Names: []string{"001.Wren", "002.Rook"}, Logits: []float32{1, 2},
		Layers: 1, Heads: 1, Rows: 1, Cols: 2, Weights: []float32{0.5, 0.5, 0.25, 0.75},
	}
	bird := From(numbers, p)
	if got := bird.Sentence(); got != "Species predicted by INTR is: Rook" {
		t.Errorf("the sentence is %q", got)
	}
	if got := fmt.Sprint(bird); got != "bunting.jpg: Rook (73.1 %)" {
		t.Errorf("in a line it is %q", got)
	}
	if got := bird.SentenceAndProbability(); got != "Species predicted by INTR is: Rook (73.1 %)" {
		t.Errorf("with its probability the sentence is %q", got)
	}
	if got := bird.File(); got != "bunting.jpg" {
		t.Errorf("its file is %q", got)
	}
	if got := fmt.Sprint(bird.Top(1)); !strings.Contains(got, "Rook") || strings.Contains(got, "0x") {
		t.Errorf("a table in words is %q", got)
	}
	odd := *numbers
	odd.Likeness = &attention.Likeness{P: 0.001, Level: 0.01, Unlike: true}
	const warning = "unlike the pictures that it was trained on (p = 0.001)"
	for what, said := range map[string]string{"sentence": From(&odd, p).Sentence(),
		"figure": printed(t, func() { From(&odd, p).Show() }),
		"table":  printed(t, func() { From(&odd, p).Top(2).Show() })} {
		if !strings.Contains(said, warning) {
			t.Errorf("of a picture unlike the training's the %s says %q", what, said)
		}
	}
	odd.Likeness = &attention.Likeness{P: 0.5, Level: 0.01}
	if got := From(&odd, p).Sentence(); got != bird.Sentence() {
		t.Errorf("of one like them the sentence is %q", got)
	}
	dir := t.TempDir()
	own, by := filepath.Join(dir, "own.png"), filepath.Join(dir, "by.png")
	bird.Save(by)
	head, err := numbers.Map(0, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	title := func(o *FigureOptions) { o.Title = "Rook, layer 1" }
	Maps([]string{"Head 1"}, []attention.Map{head}, p, title).Save(own)
	a, err1 := picture.Open(own) // pixels only: the captions inside differ
	b, err2 := picture.Open(by)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if a.Width != b.Width || !bytes.Equal(a.Pix, b.Pix) {
		t.Error("a head drawn by Maps is not the figure of the explanation")
	}
}

// TestMissing runs itself as a cell whose plot has letters that no font has: it says so once, also of what it saves.
func TestMissing(t *testing.T) {
	if dir := os.Getenv("GOINTR_TEST_MISSING"); dir != "" {
		if err := letters.Only(); err != nil {
			t.Fatal(err)
		}
		p := plot.New()
		p.Title.Text = "翠鳥"
		if width := p.Title.TextStyle.Width("翠鳥"); width < 2*p.Title.TextStyle.Width("0") {
			t.Errorf("two boxes are %v wide", width)
		}
		Plot(p, 4*vg.Inch, 3*vg.Inch).Save(filepath.Join(dir, "a.png")).Save(filepath.Join(dir, "b.pdf"))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMissing$")
	cmd.Env = append(os.Environ(), "GOINTR_TEST_MISSING="+t.TempDir())
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	want := "no font here has the letters of 翠鳥: install Noto Sans CJK (fonts-noto-cjk)\n"
	if err != nil || said.String() != want {
		t.Errorf("it ended with %v and said %q, not %q", err, said.String(), want)
	}
}

// TestWrongPlot runs itself as a program that a plot without a size ends.
func TestWrongPlot(t *testing.T) {
	if os.Getenv("GOINTR_TEST_MISTAKE") != "" {
		Plot(plot.New(), 0, vg.Inch)
		t.Fatal("Plot came back")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWrongPlot$")
	cmd.Env = append(os.Environ(), "GOINTR_TEST_MISTAKE=1")
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.HasPrefix(string(said), "a plot of 0 x 1 inches is not possible") ||
		strings.Count(string(said), "\n") != 1 {
		t.Errorf("it ended with %v and said %q", err, said)
	}
}
