package notebook

import (
	"fmt"
	"image"

	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

// FigureOptions say how a figure of maps is drawn; nothing changed is the published
// figure.
type FigureOptions = figure.Options

// Figure is a drawing that a cell can show and save.
type Figure struct {
	output
	caption string
}

// drawing is what packages figure and gonum/plot draw.
type drawing interface {
	PNG() ([]byte, error)
	Save(path string) error
	Size() (width, height vg.Length)
}

// pageInch is an inch of a figure on the page, in CSS pixels: a figure made for
// the 7 inches of a printed page fills the width of a notebook.
const pageInch = 140

// drawn is a figure; err ends the cell. named says what it shows.
func drawn(d drawing, err error) *Figure {
	Check(err)
	width, _ := d.Size()
	f := &Figure{output: output{
		forms: func() forms { return forms{protocol.MIMEImagePNG: must(d.PNG())} },
		width: int(width / vg.Inch * pageInch),
		save:  map[string]saver{"": d.Save},
	}}
	if maps, ok := d.(*figure.Figure); ok {
		f.caption = maps.Caption()
	}
	return f
}

func (f *Figure) named(format string, args ...any) *Figure {
	f.text = fmt.Sprintf(format, args...) + " (Save keeps it as a .png, .svg, .pdf or .eps file)"
	return f
}

// Show shows the figure as a PNG.
func (f *Figure) Show() *Figure { f.show(); return f }

// Save writes the figure as the path's ending says: .png, .svg, .pdf or .eps; of
// maps also their caption for LaTeX (.tex) and the numbers behind them (.npz, .csv
// or .json), as figure.Figure.Save describes.
func (f *Figure) Save(path string) *Figure { f.write(path); return f }

// Caption is what a reader needs to know of a figure of maps, for LaTeX; "" for
// plots.
func (f *Figure) Caption() string { return f.caption }

// Width is the width of a figure by the name of a template ("cvpr",
// "nature-double") or as a length ("89mm"), for FigureOptions; figure.Width lists
// them.
func Width(name string) vg.Length { return must(figure.Width(name)) }

// Row is a row of a Grid.
type Row = figure.Row

// Grid is a figure of chosen heads of one decoder layer in several pictures or for
// several classes: a row for each (Explanation.Row), a column for each head; no
// heads are all of them, figure.Mean is their mean. Of one head, the panels follow
// each other.
//
//	rows := []notebook.Row{a.Row("Grey Crow"), b.Row("Grey Crow")}
//	notebook.Grid(rows, attention.Last, []int{2}, func(o *notebook.FigureOptions) { o.SameScale = true }).Show()
func Grid(rows []Row, layer int, heads []int, options ...func(*FigureOptions)) *Figure {
	return drawn(figure.Grid(rows, layer, heads, with(FigureOptions{}, options))).
		named("Attention maps of %d pictures and classes", len(rows))
}

// Maps is a figure of maps of one's own beside the picture, each with its label
// above; the title is that of the options.
func Maps(labels []string, maps []attention.Map, photo image.Image, options ...func(*FigureOptions)) *Figure {
	return drawn(figure.Maps(labels, maps, photo, with(FigureOptions{}, options))).
		named("%d maps over the picture", len(maps))
}

// Plots that a cell makes measure all alphabets, too.
func init() {
	plot.DefaultTextHandler = letters.Handler{Plain: text.Plain{Fonts: plot.DefaultTextHandler.Cache()}}
}

// Plot is a figure of a plot: a *plot.Plot of gonum.org/v1/plot, or anything
// else that draws itself on gonum's canvas. width and height are what it has on
// paper, 7*vg.Inch being the text width of a page.
func Plot(p figure.Drawer, width, height vg.Length) *Figure {
	return drawn(figure.NewPlot(p, width, height)).named("Plot, %.3g × %.3g inches", width/vg.Inch, height/vg.Inch)
}
