// Package plots has notebook.Plot draw plots of gonum.org/v1/plot, with their letters in all alphabets. A program that
// plots imports it for that alone,
//
//	import _ "github.com/gointr/gointr/pkg/notebook/plots"
//
// which the Jupyter kernel does by itself for cells that import gonum.org/v1/plot. All other programs stay without
// gonum's fonts, which are larger than all else that a cell links.
package plots

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/notebook/internal/plotter"
)

func init() {
	plot.DefaultTextHandler = letters.Handler{Plain: text.Plain{Fonts: plot.DefaultTextHandler.Cache()}}
	plotter.New = func(p any, width, height vg.Length) (plotter.Drawing, error) {
		d, ok := p.(figure.Drawer)
		if !ok {
			return nil, fmt.Errorf("a %T is no plot: give a *plot.Plot of gonum.org/v1/plot, or what draws itself on "+
				"gonum's canvas (figure.Drawer)", p)
		}
		return figure.NewPlot(d, width, height)
	}
	plotter.Missing = letters.Missing
}
