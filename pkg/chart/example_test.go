package chart_test

import (
	"fmt"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/chart"
)

// Of nine wrens all were recognised, of nine rooks seven.
func ExampleConfusion() {
	names := []string{"Wren", "Rook"}
	counts := []map[int]int{{0: 9}, {0: 2, 1: 7}}
	p, err := chart.Confusion(names, counts, []int{0, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	width, height := p.Size() // p.Save("confusion.pdf") writes it
	fmt.Printf("%.1f by %.1f inches\n", width/vg.Inch, height/vg.Inch)
	// Output: 2.3 by 1.9 inches
}

// Two kinds of maps in one measure.
func ExampleDots() {
	head, random := chart.Series{Name: "chosen head", Look: 0}, chart.Series{Name: "random map", Look: 4}
	p, err := chart.Dots([]chart.Series{head, random}, []chart.Row{{Name: "energy in the box", Higher: true,
		Scores: map[chart.Series]chart.Interval{head: {Mean: 0.7, Low: 0.6, High: 0.8},
			random: {Mean: 0.1, Low: 0, High: 0.2}},
	}}, "mean and interval of 20 pictures")
	if err != nil {
		fmt.Println(err)
		return
	}
	width, _ := p.Size()
	fmt.Printf("%.0f inches wide\n", width/vg.Inch)
	// Output: 7 inches wide
}
