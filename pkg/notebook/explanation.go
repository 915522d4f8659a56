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
	"github.com/gointr/gointr/pkg/session"
)

// Explanation is what a model says of one picture. Classes are given by name
// ("Indigo Bunting" finds "014.Indigo_Bunting") or number; layers and heads
// count from 0, and layer attention.Last (-1) is the last.
type Explanation struct {
	Numbers *attention.Explanation // the logits and every attention map, for one's own code
	Took    session.Took           // where the time went; zero for one made with From

	photo image.Image
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

// Save writes what Show shows, as the path's ending says: .png, .svg or .pdf;
// .npz is the numbers behind it (figure.WriteNPZ), .html what Explore shows.
func (e *Explanation) Save(path string) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npz":
		Check(figure.WriteNPZ(path, e.Numbers, e.Best().Index))
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
	f, err := figure.Compare(e.Numbers, attention.Last, indices, e.photo, figure.Options{})
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s, decoder layer %d", strings.Join(names, " and "), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Layers shows where each head of every decoder layer looked for the predicted
// class.
func (e *Explanation) Layers() *Figure {
	best := e.Best()
	f, err := figure.Layers(e.Numbers, best.Index, e.photo, figure.Options{})
	Check(err)
	shown := &Figure{f, fmt.Sprintf("Attention for %s in %d decoder layers", attention.Plain(best.Name), e.Numbers.Layers)}
	shown.Show()
	return shown
}

// Explore shows a page to look around in: every class, layer and head, two
// classes side by side, and which of them look at a spot. It needs neither the
// kernel nor a network, so that an exported notebook keeps it.
func (e *Explanation) Explore() {
	page := e.page()
	best := e.Best()
	display(map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  figure.Embed(page),
		protocol.MIMETextPlain: fmt.Sprintf("Explorer of %s, predicted to be %s (Save keeps it as an .html file)", e.Numbers.Image, attention.Plain(best.Name)),
	}, 0)
}

func (e *Explanation) page() []byte {
	page, err := figure.Explorer(e.Numbers, e.photo, figure.ExplorerOptions{Class: e.Best().Index, Layer: attention.Last})
	Check(err)
	return page
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
	f, err := figure.HeadRow(e.Numbers, layer, class, e.photo, options)
	Check(err)
	return &Figure{f, fmt.Sprintf("Attention for %s, decoder layer %d, %d heads", attention.Plain(e.Numbers.Name(class)), layer+1, e.Numbers.Heads)}
}
