package notebook

import (
	"fmt"
	"html"
	"image"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/page"
	"github.com/gointr/gointr/pkg/session"
)

// Explanation is what a model says of one picture. Classes are given by name
// ("Indigo Bunting" finds "014.Indigo_Bunting") or number; layers and heads
// count from 0, and layer attention.Last (-1) is the last.
type Explanation struct {
	Numbers *attention.Explanation // the logits and every attention map, for one's own code
	Took    session.Took           // where the time went; zero for one made with From

	photo  image.Image
	source figure.Source
}

// Best is the predicted class.
func (e *Explanation) Best() attention.Class { return e.Numbers.Best() }

// Sentence is the prediction as the published demo words it.
func (e *Explanation) Sentence() string {
	return "Species predicted by INTR is: " + attention.Plain(e.Best().Name)
}

// Top shows a table of the n best classes with their probability (softmax over
// all classes) and logit.
func (e *Explanation) Top(n int) {
	var text, rows strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, c := range e.Numbers.Top(n) {
		probability := fmt.Sprintf("%.1f %%", 100*c.Probability)
		fmt.Fprintf(columns, "%d\t%s\t%.2f\t  %s\n", i+1, probability, c.Logit, attention.Plain(c.Name))
		fmt.Fprintf(&rows, "<tr><td>%d</td><td style=\"text-align:left\">%s</td><td>%s</td><td>%.2f</td></tr>\n",
			i+1, html.EscapeString(attention.Plain(c.Name)), probability, c.Logit)
	}
	columns.Flush()
	display(map[protocol.MIMEType]any{
		protocol.MIMETextPlain: strings.TrimRight(text.String(), "\n"),
		protocol.MIMETextHTML: "<table>\n<thead><tr><th></th><th style=\"text-align:left\">Class</th><th>Probability</th><th>Logit</th></tr></thead>\n" +
			"<tbody>\n" + rows.String() + "</tbody>\n</table>",
	}, 0)
}

// Show shows the figure of the published demo: the picture, then where each
// head of the last decoder layer looked for the predicted class.
func (e *Explanation) Show() { e.figure().Show() }

// Save writes what Show shows, as the path's ending says: .png, .svg, .pdf or
// .eps, or .tex for its caption; .html is what Explore shows; .npz, .csv and .json
// are the predicted class's numbers in every layer (figure.WriteData).
func (e *Explanation) Save(path string) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npz", ".csv", ".json":
		Check(figure.WriteData(path, e.Numbers, e.Best().Index, e.source))
	case ".html":
		page := e.page()
		Check(wholefile.Write(path, func(w io.Writer) error {
			_, err := w.Write(page)
			return err
		}))
	default:
		e.figure().Save(path)
	}
}

// Compare shows where each head of the last decoder layer looked for two or
// more classes, one below the other.
func (e *Explanation) Compare(classes ...string) *Figure {
	var indices []int
	var names []string
	for _, class := range classes {
		index, err := e.Numbers.Find(class)
		Check(err)
		indices = append(indices, index)
		names = append(names, attention.Plain(e.Numbers.Name(index)))
	}
	f, err := figure.Compare(e.Numbers, attention.Last, indices, e.photo, e.looks(nil))
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s, decoder layer %d", strings.Join(names, " and "), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Difference shows what class a sees in the picture that class b does not: for
// each head of the last decoder layer the weights of the one minus those of the
// other. figure.Difference says how it is drawn; options change it.
func (e *Explanation) Difference(a, b string, options ...figure.Options) *Figure {
	first, err := e.Numbers.Find(a)
	Check(err)
	second, err := e.Numbers.Find(b)
	Check(err)
	f, err := figure.Difference(e.Numbers, attention.Last, first, second, e.photo, e.looks(options))
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s minus that for %s, decoder layer %d", attention.Plain(e.Numbers.Name(first)), attention.Plain(e.Numbers.Name(second)), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Row is the explanation as a row of a Grid: the maps of a class, or of the
// predicted one where class is "".
func (e *Explanation) Row(class string) figure.Row {
	r := figure.Row{Explanation: e.Numbers, Photo: e.photo, Class: -1, Source: e.source}
	if class != "" {
		var err error
		r.Class, err = e.Numbers.Find(class)
		Check(err)
	}
	return r
}

// Grid makes a figure of chosen heads of one decoder layer, from 0 or
// attention.Last, in several pictures or for several classes: a row for each
// (Explanation.Row), a column for each head, from 0; no heads are all of them,
// figure.Mean is their mean. Of one head, the panels follow each other.
//
//	notebook.Grid(attention.Last, []int{2}, figure.Options{SameScale: true, ColorBar: true}, a.Row("Grey Crow"), b.Row("Grey Crow")).Show()
func Grid(layer int, heads []int, options figure.Options, rows ...figure.Row) *Figure {
	f, err := figure.Grid(rows, layer, heads, options)
	Check(err)
	return &Figure{f, fmt.Sprintf("Attention maps of %d pictures and classes", len(rows))}
}

// Layers shows where each head of every decoder layer looked for the predicted
// class; options change how.
func (e *Explanation) Layers(options ...figure.Options) *Figure {
	best := e.Best()
	f, err := figure.Layers(e.Numbers, best.Index, e.photo, e.looks(options))
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s in %d decoder layers", attention.Plain(best.Name), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Film shows where one head looked for the predicted class in every decoder layer,
// beside each other; head -1 is the mean of all heads. Options change how.
func (e *Explanation) Film(head int, options ...figure.Options) *Figure {
	best := e.Best()
	f, err := figure.Film(e.Numbers, best.Index, head, e.photo, e.looks(options))
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s through %d decoder layers", attention.Plain(best.Name), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Explore shows a page to look around in: every class, layer and head, two
// classes side by side, and which of them look at a spot. It needs neither the
// kernel nor a network, so that an exported notebook keeps it.
func (e *Explanation) Explore() {
	best := e.Best()
	display(map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  page.Embed("Attention explorer", e.page()),
		protocol.MIMETextPlain: fmt.Sprintf("Explorer of %s, predicted to be %s (Save keeps it as an .html file)", e.Numbers.Image, attention.Plain(best.Name)),
	}, 0)
}

func (e *Explanation) page() []byte {
	html, err := figure.Explorer(e.Numbers, e.photo, figure.ExplorerOptions{Class: e.Best().Index, Layer: attention.Last, Look: e.looks(nil)})
	Check(err)
	return html
}

// Heads is the figure for a class of choice.
func (e *Explanation) Heads(class string) *Figure {
	return e.Figure(class, attention.Last, figure.Options{})
}

// Figure is the figure for a class and a decoder layer, drawn as options say.
func (e *Explanation) Figure(class string, layer int, options figure.Options) *Figure {
	index, err := e.Numbers.Find(class)
	Check(err)
	return e.draw(index, layer, options)
}

// Map is where one head of a decoder layer looked for the predicted class:
// weights that sum to 1. Numbers.Map has those of other classes.
func (e *Explanation) Map(layer, head int) attention.Map {
	m, err := e.Numbers.Map(layer, head, e.Best().Index)
	Check(err)
	return m
}

func (e *Explanation) figure() *Figure {
	return e.draw(e.Best().Index, attention.Last, figure.Options{})
}

func (e *Explanation) draw(class, layer int, options figure.Options) *Figure {
	if layer == attention.Last {
		layer = e.Numbers.Layers - 1
	}
	f, err := figure.HeadRow(e.Numbers, layer, class, e.photo, e.looks([]figure.Options{options}))
	Check(err)
	return &Figure{f, fmt.Sprintf("Attention for %s, decoder layer %d, %d heads", attention.Plain(e.Numbers.Name(class)), layer+1, e.Numbers.Heads)}
}

// looks are options of a call that takes none or one, with where the maps come from.
func (e *Explanation) looks(options []figure.Options) figure.Options {
	var o figure.Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		Check(fmt.Errorf("a figure is drawn with one set of options, not with %d", len(options)))
	}
	if o.Source == (figure.Source{}) {
		o.Source = e.source
	}
	return o
}
