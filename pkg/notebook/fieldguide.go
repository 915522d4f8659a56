package notebook

import (
	"bytes"
	"context"
	"fmt"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
)

// FieldGuide is what each head looks for in each class of a dataset.
type FieldGuide struct {
	Numbers *fieldguide.Guide // every number, for one's own code
}

// FieldGuide answers the pictures in dataset/val/CLASS and gathers, for every class,
// what each head of the last decoder layer attends to most, beside the same head for
// the class that the model finds nearest (package fieldguide), with a progress bar
// below the cell:
//
//	guide := model.FieldGuide("datasets/birds")
//	guide.Show()                                // the whole page
//	guide.Class("Dagger-billed Bunting").Show() // one species as a picture
//	guide.Save("guide.html")
//
// Fewer classes, another split or more patches are chosen so:
//
//	model.FieldGuide("datasets/birds", func(o *fieldguide.Options) { o.Patches = 8 })
func (m *Model) FieldGuide(dataset string, change ...func(*fieldguide.Options)) *FieldGuide {
	var o fieldguide.Options
	for _, f := range change {
		f(&o)
	}
	b, doing, looked := newBar(0), "", 0
	g, err := fieldguide.Make(context.Background(), m.m, dataset, o, func(now string, done, of int) {
		if b.of = of; now != doing {
			doing = now
			b.next(now + " ")
		}
		b.set(done)
		looked = done
	})
	Check(err)
	b.end(fmt.Sprintf("%d classes looked at, %d answers", len(g.Species), looked))
	return &FieldGuide{g}
}

// Show shows the whole guide as a page in a frame; an exported notebook keeps it. In
// VS Code, which may show pictures only, Class shows one species.
func (g *FieldGuide) Show() {
	var page bytes.Buffer
	Check(g.Numbers.WriteHTML(&page))
	display(map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  fieldguide.Embed(page.Bytes()),
		protocol.MIMETextPlain: fmt.Sprintf("Field guide of %d classes (Save keeps it as an .html file, Class shows one of them)", len(g.Numbers.Species)),
	}, 0)
}

// Class is the card of one class, by name or number, as a figure.
func (g *FieldGuide) Class(class string) *Figure {
	s, err := g.Numbers.Find(class)
	Check(err)
	f, err := g.Numbers.Plate(class)
	Check(err)
	return &Figure{f, fmt.Sprintf("%s: %s", attention.Plain(s.Name), s.Says)}
}

// Sentences shows a table of what tells each class from its look-alike.
func (g *FieldGuide) Sentences() {
	var rows [][]string
	for _, s := range g.Numbers.Species {
		rows = append(rows, []string{attention.Plain(s.Name), fmt.Sprintf("%d of %d", s.Right, s.Pictures), s.Says})
	}
	table([]string{"Class", "Recognised", "What the model looks for"}, rows)
}

// Save writes the page, path ending in .html, and beside it the numbers as .csv and
// .json (fieldguide.Guide.Save).
func (g *FieldGuide) Save(path string) { Check(g.Numbers.Save(path)) }
