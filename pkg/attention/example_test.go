package attention_test

import (
	"fmt"
	"log"

	"github.com/gointr/gointr/pkg/attention"
)

// An explanation is the answer of a model for one picture, as plain numbers.
func Example() {
	e := &attention.Explanation{
		Names: []string{"014.Indigo_Bunting", "016.Painted_Bunting"}, Logits: []float32{3, 1},
		Layers: 1, Heads: 1, Rows: 2, Cols: 2,
		Weights: []float32{
			0.7, 0.1, 0.1, 0.1, // where the head looked for the first class
			0.1, 0.2, 0.3, 0.4, // and for the second
		},
	}
	if err := e.Check(); err != nil {
		log.Fatal(err)
	}
	best := e.Best()
	fmt.Printf("%s, %.0f %%\n", attention.Plain(best.Name), 100*best.Probability)

	other, err := e.Find("Painted Bunting")
	if err != nil {
		log.Fatal(err)
	}
	m, err := e.Map(attention.Last, 0, other)
	if err != nil {
		log.Fatal(err)
	}
	x, y := m.Peak(640, 480)
	fmt.Println("the other is looked for most at", x, y)
	// Output:
	// Indigo Bunting, 88 %
	// the other is looked for most at 480 360
}
