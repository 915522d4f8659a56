package notebook_test

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/notebook"
)

// The sample is the small checkpoint that is always there.
func Example() {
	model := notebook.Open("sample")
	bird := model.Explain("../../notebooks/bird.png")
	fmt.Println(bird.Sentence())
	bird.Show()
	// Output:
	// Species predicted by INTR is: Collared Bunting
	// Attention for Collared Bunting, decoder layer 2, 8 heads (Save keeps it as a .png, .svg, .pdf or .eps file)
}

// A figure is made, shown and saved in one line; options of figures can be shared.
func ExampleExplanation_Compare() {
	paper := func(o *notebook.FigureOptions) { o.Width, o.Colormap = notebook.Width("cvpr"), "viridis" }

	bird := notebook.Open("cub").Explain("bunting.jpg")
	bird.Compare("Painted Bunting", "Indigo Bunting").Show().Save("compared.pdf")
	bird.Difference("Painted Bunting", "Indigo Bunting", paper).Show().Save("difference.pdf").Save("difference.tex")
	bird.Film(3, paper).Save("film.svg")
}

// What does the model say of a bird without its beak?
func ExampleModel_ExplainPhoto() {
	model := notebook.Open("sample")
	photo := notebook.Picture("birds/val/001.Dagger_billed_Bunting/00000.png").Show()
	before, after := model.ExplainPhoto(photo), model.ExplainPhoto(photo.Without("beak"))
	before.Versus(after).Show().Save("beak.pdf")
}

func ExampleModel_FineTune() {
	run := notebook.Open("sample").FineTune("birds", "runs/birds", func(o *notebook.FineTuneOptions) {
		o.Epochs, o.BatchSize = 12, 16
	})
	run.Curves().Save("curves.pdf")
	e := run.Best().Evaluate("birds").Show().Save("report.json")
	e.Worst(3).Show().Save("worst.csv")
	e.Confusion().Show()
}

// An explanation need not come from the session, nor from a model at all.
func ExampleFrom() {
	e := &attention.Explanation{
		Image: "bunting.jpg", Names: []string{"001.Wren", "002.Rook"}, Logits: []float32{1, 2},
		Layers: 1, Heads: 1, Rows: 1, Cols: 2, Weights: []float32{0.5, 0.5, 0.25, 0.75},
	}
	notebook.From(e, nil).Top(2).Show()
	// Output:
	//    Class  Probability  Logit
	// 1  Rook   73.1 %       2.00
	// 2  Wren   26.9 %       1.00
}

func ExamplePlot() {
	p := plot.New()
	p.Title.Text = "Of one's own"
	notebook.Plot(p, 5*vg.Inch, 2.5*vg.Inch).Show()
	// Output:
	// Plot, 5 × 2.5 inches (Save keeps it as a .png, .svg, .pdf or .eps file)
}
