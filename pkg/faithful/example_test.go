package faithful_test

import (
	"context"
	"fmt"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/picture"
)

// A map of two by two cells on a picture of 100 by 100 pixels, whose bird is on the left.
func ExamplePoint() {
	m := attention.Map{Rows: 2, Cols: 2, Values: []float32{0.7, 0.1, 0.1, 0.1}}
	bird := datasets.Box{X0: 10, Y0: 0, X1: 50, Y1: 100}
	hit, err := faithful.Point(m, bird, 100, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	energy, err := faithful.Energy(m, bird, 100, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("hit: %v, energy %.2f\n", hit.Exact, energy)
	// Output: hit: true, energy 0.64
}

// A model that goes by the brightness of the left half of a picture, and a map that says so.
func ExampleDeletion() {
	logits := func(_ context.Context, pictures []*picture.Picture) (all [][]float32, err error) {
		for _, p := range pictures {
			bright := float32(0)
			for i := range p.Pix {
				if i/3%p.Width < p.Width/2 {
					bright += float32(p.Pix[i]) / 255 / 96 // each of the left pixels' colours
				}
			}
			all = append(all, []float32{8 * (bright - 0.75), 0})
		}
		return all, nil
	}
	p := picture.New(8, 8)
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	for _, m := range []attention.Map{{Rows: 1, Cols: 2, Values: []float32{1, 0}},
		{Rows: 1, Cols: 2, Values: []float32{0, 1}}} {
		order, err := faithful.Order(m, p.Width, p.Height, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		curve, err := faithful.Deletion(context.Background(), logits, p, 0, order, faithful.Mean, 4)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.2f: area %.2f\n", curve.Probability, curve.Area())
	}
	// Output:
	// [0.88 0.45 0.08 0.08 0.08]: area 0.27
	// [0.88 0.88 0.88 0.45 0.08]: area 0.67
}
