package notebook

import (
	"fmt"
	"image"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/session"
)

// Explanation is what a model says of one picture.
type Explanation struct {
	Numbers *attention.Explanation // the logits and every attention map, for one's own code
	Took    session.Took           // where the time went; zero for one made with From

	subject session.Subject // for the session, which draws
}

// From is an explanation that was computed in the cell's own process (package
// intr, or one's own maps in place of the attention). photo is the picture that
// figures are drawn over; without one only numbers and tables can be shown.
func From(e *attention.Explanation, photo image.Image) *Explanation {
	return &Explanation{Numbers: e, subject: session.Subject{Explanation: e, Photo: session.PhotoOf(photo)}}
}

// Best is the predicted class.
func (e *Explanation) Best() attention.Class { return e.Numbers.Best() }

// Sentence is the prediction as the published demo words it, and whether the picture is
// unlike those that the model was trained on.
func (e *Explanation) Sentence() string {
	sentence := "Species predicted by INTR is: " + attention.Plain(e.Best().Name)
	if warning := e.Numbers.Likeness.Warning(); warning != "" {
		sentence += ", in a picture " + warning
	}
	return sentence
}

// SentenceAndProbability is Sentence with how sure the model is: the softmax over all classes.
func (e *Explanation) SentenceAndProbability() string {
	return fmt.Sprintf("%s (%.1f %%)", e.Sentence(), 100*e.Best().Probability)
}

// File is the picture's path, as it was given.
func (e *Explanation) File() string { return e.Numbers.Image }

// String is the explanation in a line: "bunting.jpg: Painted Bunting (98.7 %)".
func (e *Explanation) String() string {
	best := e.Best()
	said := fmt.Sprintf("%s (%.1f %%)", attention.Plain(best.Name), 100*best.Probability)
	if warning := e.Numbers.Likeness.Warning(); warning != "" {
		said += ", " + warning
	}
	if e.Numbers.Image == "" {
		return said
	}
	return filepath.Base(e.Numbers.Image) + ": " + said
}

// Show shows the figure of the published demo: the picture, then where each
// head of the last decoder layer looked for the predicted class. Of a picture that is
// unlike those that the model was trained on it says so.
func (e *Explanation) Show() *Explanation {
	if e.Numbers.Likeness.Warning() != "" {
		output{text: e.Sentence()}.show()
	}
	e.Heads("").Show()
	return e
}

// Save writes what Show shows, as the path's ending says: .png, .svg, .pdf or
// .eps, or .tex for its caption; .html is what Explore gives; .npz, .csv and .json
// are the predicted class's numbers in every layer (figure.WriteData).
func (e *Explanation) Save(path string) *Explanation {
	data := saving(&session.Data{Of: e.subject, Class: e.Best().Index})
	saveAs(path, map[string]saver{
		".npz": data, ".csv": data, ".json": data,
		".html": func(path string) error { e.Explore().Save(path); return nil },
		"":      func(path string) error { e.Heads("").Save(path); return nil },
	})
	return e
}

// Top is a table of the n best classes with their probability (softmax over all
// classes) and logit; the last line says so where the picture is unlike those that the
// model was trained on.
func (e *Explanation) Top(n int) *Table {
	var rows [][]string
	for i, c := range e.Numbers.Top(n) {
		probability, logit := fmt.Sprintf("%.1f %%", 100*c.Probability), fmt.Sprintf("%.2f", c.Logit)
		rows = append(rows, []string{fmt.Sprint(i + 1), attention.Plain(c.Name), probability, logit})
	}
	if warning := e.Numbers.Likeness.Warning(); warning != "" {
		rows = append(rows, []string{"", warning, "", ""})
	}
	return newTable([]string{"", "Class", "Probability", "Logit"}, rows)
}

// Explore is a page to look around in: every class, layer and head, two classes
// side by side, and which of them look at a spot.
func (e *Explanation) Explore() *Page {
	best := e.Best()
	html := drawnPage(&session.Explorer{Of: e.subject, Class: best.Index, Layer: attention.Last, Look: e.looks(nil)})
	return newPage("Attention explorer", html, "Explorer of %s, predicted to be %s (Save keeps it as an .html file)",
		e.Numbers.Image, attention.Plain(best.Name))
}

// Heads is the figure that Show shows, for a class of choice; "" is the predicted one.
func (e *Explanation) Heads(class string, options ...func(*FigureOptions)) *Figure {
	return e.Layer(attention.Last, class, options...)
}

// Layer is where each head of one decoder layer looked for a class; "" is the
// predicted one.
func (e *Explanation) Layer(layer int, class string, options ...func(*FigureOptions)) *Figure {
	if layer == attention.Last {
		layer = e.Numbers.Layers - 1
	}
	index := e.find(class)
	return draw(&session.HeadRow{Of: e.subject, Layer: layer, Class: index, Look: e.looks(options)}).
		named("Attention for %s, decoder layer %d, %d heads", e.name(index), layer+1, e.Numbers.Heads)
}

// Layers is where each head of every decoder layer looked for the predicted class.
func (e *Explanation) Layers(options ...func(*FigureOptions)) *Figure {
	best := e.Best().Index
	return draw(&session.Layers{Of: e.subject, Class: best, Look: e.looks(options)}).
		named("Attention for %s in %d decoder layers", e.name(best), e.Numbers.Layers)
}

// Film is where one head looked for the predicted class in every decoder layer,
// beside each other; Mean (-1) is the mean of all heads.
func (e *Explanation) Film(head int, options ...func(*FigureOptions)) *Figure {
	best := e.Best().Index
	return draw(&session.Film{Of: e.subject, Class: best, Head: head, Look: e.looks(options)}).
		named("Attention for %s through %d decoder layers", e.name(best), e.Numbers.Layers)
}

// Compare is where each head of the last decoder layer looked for two or more
// classes, one below the other. Grid draws them in other ways.
func (e *Explanation) Compare(classes ...string) *Figure {
	indices := make([]int, len(classes))
	names := make([]string, len(classes))
	for i, class := range classes {
		indices[i] = e.find(class)
		names[i] = e.name(indices[i])
	}
	return draw(&session.Compare{Of: e.subject, Layer: attention.Last, Classes: indices, Look: e.looks(nil)}).
		named("Attention for %s, decoder layer %d", strings.Join(names, " and "), e.Numbers.Layers)
}

// Difference is what class a sees in the picture that class b does not: for each
// head of the last decoder layer the weights of the one minus those of the other.
// figure.Difference says how it is drawn.
func (e *Explanation) Difference(a, b string, options ...func(*FigureOptions)) *Figure {
	first, second := e.find(a), e.find(b)
	return draw(&session.Difference{Of: e.subject, Layer: attention.Last, A: first, B: second, Look: e.looks(options)}).
		named("Attention for %s minus that for %s, decoder layer %d", e.name(first), e.name(second), e.Numbers.Layers)
}

// Versus is what a change of the picture changed: both pictures, where each head
// of the last decoder layer looked in them (the two maps of a head have one colour
// scale), and how the probabilities of the first classes moved. Maps are those of
// the class predicted before and, where it is another, after; or of the classes named.
func (e *Explanation) Versus(after *Explanation, classes ...string) *Figure {
	var indices []int
	for _, class := range classes {
		indices = append(indices, e.find(class))
	}
	before, now := e.Best(), after.Best()
	if len(classes) == 0 {
		indices = []int{before.Index}
		if now.Index != before.Index {
			indices = append(indices, now.Index)
		}
	}
	return draw(&session.Change{Before: e.subject, After: after.subject, Classes: indices}).
		named("Before: %s (%.1f %%); after: %s (%.1f %%)", attention.Plain(before.Name), 100*before.Probability,
			attention.Plain(now.Name), 100*now.Probability)
}

// Row is the explanation as a row of a Grid: the maps of a class; "" is the
// predicted one.
func (e *Explanation) Row(class string) Row {
	r := Row{Explanation: e.Numbers, Class: -1, subject: e.subject}
	if class != "" {
		r.Class = e.find(class)
	}
	return r
}

// Map is where one head of a decoder layer looked for the predicted class:
// weights that sum to 1. Numbers.Map has those of other classes.
func (e *Explanation) Map(layer, head int) attention.Map {
	return must(e.Numbers.Map(layer, head, e.Best().Index))
}

// find is the index of a class; "" is the predicted one.
func (e *Explanation) find(class string) int {
	if class == "" {
		return e.Best().Index
	}
	return must(e.Numbers.Find(class))
}

func (e *Explanation) name(class int) string { return attention.Plain(e.Numbers.Name(class)) }

// looks are options, with where the maps come from.
func (e *Explanation) looks(options []func(*FigureOptions)) FigureOptions {
	return with(FigureOptions{Source: e.subject.Source}, options)
}
