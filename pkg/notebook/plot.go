package notebook

import (
	"fmt"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/figure"
)

// Plot makes a figure of a plot: a *plot.Plot of gonum.org/v1/plot, or anything
// else that draws itself on gonum's canvas. width and height are what it has on
// paper, 7*vg.Inch being the text width of a page.
func Plot(p figure.Drawer, width, height vg.Length) *Figure {
	f, err := figure.NewPlot(p, width, height)
	Check(err)
	return &Figure{f, fmt.Sprintf("Plot, %.3g × %.3g inches", width/vg.Inch, height/vg.Inch)}
}
