package evaluation_test

import (
	"fmt"

	"github.com/gointr/gointr/pkg/evaluation"
)

func ExampleTally() {
	t := evaluation.New([]string{"001.Wren", "002.Rook"})
	for i, answer := range []struct {
		class  int
		logits []float32
	}{{0, []float32{2, -1}}, {1, []float32{0, 3}}, {1, []float32{1, 0}}} {
		if err := t.Add(fmt.Sprintf("val/%d.jpg", i), answer.class, answer.logits); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := t.Report()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r)
	for _, p := range r.Confused {
		fmt.Printf("%s and %s: %d of %d\n", r.Classes[p.A].Name, r.Classes[p.B].Name, p.AasB+p.BasA, p.Images)
	}
	// Output:
	// acc1 66.7 % (95 %: 20.8 to 93.9), acc5 100.0 %, loss 0.4701, 3 pictures
	// Wren and Rook: 1 of 3
}
