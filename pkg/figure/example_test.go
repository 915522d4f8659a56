package figure_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/picture"
)

// answer is what a model says of a picture: here two classes, of which it looked for
// each with two heads on 2 by 2 cells.
var answer = &attention.Explanation{
	Image: "bunting.jpg", Width: 64, Height: 64, Names: []string{"Indigo Bunting", "Painted Bunting"},
	Logits: []float32{3, 1}, Layers: 1, Heads: 2, Rows: 2, Cols: 2,
	Weights: []float32{
		0.7, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.4, // the first head: a map for each class
		0.1, 0.1, 0.7, 0.1, 0.4, 0.3, 0.2, 0.1, // the second
	},
}

// The published figure, as wide as a column of a paper, as a drawing and as numbers.
func ExampleHeadRow() {
	dir, err := os.MkdirTemp("", "figure")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	f, err := figure.HeadRow(answer, attention.Last, 0, picture.New(64, 64), figure.Options{Width: 3.25 * vg.Inch})
	if err != nil {
		log.Fatal(err)
	}
	for _, ending := range []string{".pdf", ".npz"} {
		if err := f.Save(filepath.Join(dir, "heads"+ending)); err != nil {
			log.Fatal(err)
		}
	}
	for _, m := range f.Maps() {
		fmt.Println(m.Label, m.Name, m.Values)
	}
	// Output:
	// Head 1 Indigo Bunting [0.7 0.1 0.1 0.1]
	// Head 2 Indigo Bunting [0.1 0.1 0.7 0.1]
}

// One map over its picture, in another colormap.
func ExampleOverlay() {
	m, err := answer.Map(0, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	look := figure.Options{Colormap: "viridis", Smoothing: figure.Cells, Opacity: 1}
	dyed, err := figure.Overlay(m, picture.New(64, 64), look)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("seen:", dyed.RGBAAt(0, 0), "not seen:", dyed.RGBAAt(63, 63))
	// Output:
	// seen: {253 231 36 255} not seen: {68 1 84 255}
}
