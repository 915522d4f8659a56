package notebook

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"strings"

	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure/look"
	"github.com/gointr/gointr/pkg/notebook/internal/plotter"
	"github.com/gointr/gointr/pkg/session"
)

// FigureOptions say how a figure of maps is drawn; nothing changed is the published
// figure.
type FigureOptions = look.Options

// Figure is a drawing that a cell can show and save.
type Figure struct {
	output
	caption string
}

// pageInch is an inch of a figure on the page, in CSS pixels: a figure made for
// the 7 inches of a printed page fills the width of a notebook.
const pageInch = 140

// asked is what the session draws; what cannot be drawn ends the cell.
func asked(d session.Drawing, name, form string) *session.Drawn {
	drawn := must(session.Draw(context.Background(), d, name, form))
	said(drawn.Missing)
	return drawn
}

// saving writes what the session draws, as the path's ending says.
func saving(d session.Drawing) saver {
	return func(path string) error {
		return wholefile.Bytes(path, asked(d, path, strings.ToLower(filepath.Ext(path))).File)
	}
}

// draw is a figure that the session draws.
func draw(d session.Drawing) *Figure {
	drawn := asked(d, "", "")
	return &Figure{caption: drawn.Caption, output: output{
		forms: func() forms { return forms{protocol.MIMEImagePNG: asked(d, "", ".png").File} },
		width: int(drawn.Width / 72 * pageInch),
		save:  map[string]saver{"": saving(d)},
	}}
}

// written has the session write files, at a path that may be relative.
func written(d session.Drawing, path string) {
	whole := must(filepath.Abs(path))
	_, err := session.Draw(context.Background(), d, whole, "/")
	if err != nil { // said of the path as it was given
		fail("%s", strings.ReplaceAll(err.Error(), whole, path))
	}
}

// drawnPage is a page that the session makes.
func drawnPage(d session.Drawing) []byte {
	return asked(d, "page.html", ".html").File
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
// "nature-double") or as a length ("89mm"), for FigureOptions; look.Width lists
// them.
func Width(name string) vg.Length { return must(look.Width(name)) }

// Mean among the heads of a Grid or a Film is the mean of all heads; Published, Cubic and Cells are choices of
// FigureOptions.Smoothing.
const (
	Mean      = look.Mean
	Published = look.Published
	Cubic     = look.Cubic
	Cells     = look.Cells
)

// Row is a row of a Grid (Explanation.Row).
type Row struct {
	Explanation *attention.Explanation
	Photo       image.Image // needed where the row was not made by Explanation.Row
	Class       int         // whose maps are shown; below 0 it is the predicted one
	Heading     string      // above the row; "" is the name of what differs between rows, class, picture or both

	subject session.Subject
}

// Grid is a figure of chosen heads of one decoder layer in several pictures or for
// several classes: a row for each (Explanation.Row), a column for each head; no
// heads are all of them, Mean is their mean. Of one head, the panels follow
// each other.
//
//	rows := []notebook.Row{a.Row("Grey Crow"), b.Row("Grey Crow")}
//	notebook.Grid(rows, attention.Last, []int{2}, func(o *notebook.FigureOptions) { o.SameScale = true }).Show()
func Grid(rows []Row, layer int, heads []int, options ...func(*FigureOptions)) *Figure {
	d := &session.Grid{Layer: layer, Heads: heads, Look: with(FigureOptions{}, options)}
	for _, r := range rows {
		of := r.subject
		if of.Explanation == nil {
			of = session.Subject{Explanation: r.Explanation, Photo: session.PhotoOf(r.Photo)}
		}
		d.Rows = append(d.Rows, session.Row{Of: of, Class: r.Class, Heading: r.Heading})
	}
	return draw(d).named("Attention maps of %d pictures and classes", len(rows))
}

// Maps is a figure of maps of one's own beside the picture, each with its label
// above; the title is that of the options.
func Maps(labels []string, maps []attention.Map, photo image.Image, options ...func(*FigureOptions)) *Figure {
	of := session.Subject{Photo: session.PhotoOf(photo)}
	return draw(&session.Maps{Labels: labels, Maps: maps, Of: of, Look: with(FigureOptions{}, options)}).
		named("%d maps over the picture", len(maps))
}

// Plot is a figure of a plot: a *plot.Plot of gonum.org/v1/plot, or anything
// else that draws itself on gonum's canvas (figure.Drawer). width and height are
// what it has on paper, 7*vg.Inch being the text width of a page. What draws it is
// package plots, which the kernel imports for cells that import gonum.org/v1/plot.
func Plot(plot any, width, height vg.Length) *Figure {
	if plotter.New == nil {
		fail(`a plot needs what draws it: add import _ "github.com/gointr/gointr/pkg/notebook/plots"`)
	}
	d := must(plotter.New(plot, width, height))
	f := &Figure{output: output{
		forms: func() forms {
			png := must(d.PNG())
			said(plotter.Missing())
			return forms{protocol.MIMEImagePNG: png}
		},
		width: int(width / vg.Inch * pageInch),
		save: map[string]saver{"": func(path string) error {
			err := d.Save(path)
			said(plotter.Missing())
			return err
		}},
	}}
	return f.named("Plot, %.3g × %.3g inches", width/vg.Inch, height/vg.Inch)
}
