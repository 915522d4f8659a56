package evaluation_test

import (
	"fmt"
	"log"

	"github.com/gointr/gointr/pkg/evaluation"
)

// Logits of pictures whose class is known come to a report.
func Example() {
	t := evaluation.New([]string{"001.Wren", "002.Rook", "003.Crow"})
	for _, answer := range []struct {
		image  string
		class  int
		logits []float32
	}{
		{"val/001.Wren/1.jpg", 0, []float32{4, 0, 0}},
		{"val/002.Rook/1.jpg", 1, []float32{0, 3, 1}},
		{"val/002.Rook/2.jpg", 1, []float32{0, 1, 2}},
		{"val/003.Crow/1.jpg", 2, []float32{0, 1, 3}},
	} {
		if err := t.Add(answer.image, answer.class, answer.logits); err != nil {
			log.Fatal(err)
		}
	}
	r, err := t.Report()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f %% of %d pictures, 95 %% interval %.0f to %.0f %%\n", r.Acc1, r.Images, r.Range[0], r.Range[1])
	for _, p := range r.Confused {
		fmt.Printf("%s taken for %s: %d\n", r.Classes[p.A].Name, r.Classes[p.B].Name, p.AasB)
	}
	fmt.Println("worst:", r.Worst(1)[0].Name)
	// Output:
	// 75 % of 4 pictures, 95 % interval 30 to 95 %
	// Rook taken for Crow: 1
	// worst: Rook
}
