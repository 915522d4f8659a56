package notebook

import (
	"context"
	"fmt"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/session"
)

// FieldGuideOptions are which classes a field guide has, from which split, and how
// many patches.
type FieldGuideOptions = fieldguide.Options

// FieldGuide is what each head looks for in each class of a dataset.
type FieldGuide struct {
	Numbers *fieldguide.Guide // every number, for one's own code

	kept string // by which the session knows it
}

// FieldGuide answers the pictures in dataset/val/CLASS and gathers, for every class,
// what each head of the last decoder layer attends to most, beside the same head for
// the class that the model finds nearest (package fieldguide), with a progress bar
// below the cell:
//
//	guide := model.FieldGuide("datasets/birds").Show().Save("guide.html") // the whole page
//	guide.Class("Dagger-billed Bunting").Show()                           // one species as a picture
//
// More patches: func(o *notebook.FieldGuideOptions) { o.Patches = 8 }.
func (m *Model) FieldGuide(dataset string, options ...func(*FieldGuideOptions)) *FieldGuide {
	var bar bar
	looked := 0
	told := func(doing string, done, of int) {
		bar.at(doing, done, of)
		looked = done
	}
	g := must(m.m.FieldGuide(context.Background(), dataset, with(FieldGuideOptions{}, options), told))
	bar.end("%d classes looked at, %d answers", len(g.Species), looked)
	return &FieldGuide{g.Guide, g.Kept}
}

// String is the guide in a line.
func (g *FieldGuide) String() string {
	a := g.Numbers.About
	return fmt.Sprintf("Field guide of %d classes, from %s of %s", len(g.Numbers.Species), a.Split, a.Dataset)
}

// Show shows the whole guide as a page in a frame. In VS Code, which may show
// pictures only, Class shows one species.
func (g *FieldGuide) Show() *FieldGuide {
	const text = "Field guide of %d classes (Save keeps it as an .html file, Class shows one of them)"
	newPage("Field guide", drawnPage(&session.GuidePage{Kept: g.kept}), text, len(g.Numbers.Species)).Show()
	return g
}

// Save writes the page, path ending in .html, and beside it the numbers as .csv and
// .json (book.Save).
func (g *FieldGuide) Save(path string) *FieldGuide {
	written(&session.GuideFiles{Kept: g.kept}, path)
	return g
}

// Class is the card of one class, by name or number.
func (g *FieldGuide) Class(class string) *Figure {
	s := must(g.Numbers.Find(class))
	return draw(&session.Plate{Kept: g.kept, Class: class}).named("%s: %s", attention.Plain(s.Name), s.Says)
}

// Sentences is a table of what tells each class from its look-alike.
func (g *FieldGuide) Sentences() *Table {
	var rows [][]string
	for _, s := range g.Numbers.Species {
		rows = append(rows, []string{attention.Plain(s.Name), fmt.Sprintf("%d of %d", s.Right, s.Pictures), s.Says})
	}
	return newTable([]string{"Class", "Recognised", "What the model looks for"}, rows)
}
