package notebook

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/session"
)

// Study is every picture of a class, or the pictures that a model takes for
// another class, with where each head looked. Where nothing is confused, all that
// it gives says so in place of a figure, a table or a page.
type Study struct {
	Numbers *interpret.Study // every number, for one's own code; nil where nothing is confused

	text string // what there is instead
	kept string // by which the session knows it
}

// InterpretOptions are choices for Interpret and Confused.
type InterpretOptions struct {
	Split   string // of the dataset; "val"
	TopQ    int    // how many of the most similar classes; 5
	Layer   int    // of the decoder, from 0; attention.Last is the last, and the default
	ByOrder bool   // takes the folders in their order for the model's first classes, whatever their names
}

func (m *Model) study(dataset string, options []func(*InterpretOptions), what session.StudyOptions) *Study {
	o := with(InterpretOptions{Split: "val", TopQ: interpret.Defaults.TopQ, Layer: interpret.Defaults.Layer}, options)
	what.Dataset, what.Split, what.ByOrder = dataset, o.Split, o.ByOrder
	what.Layer, what.TopQ = o.Layer, o.TopQ
	var bar bar
	s := must(m.m.Study(context.Background(), what, bar.at))
	if s.Study == nil {
		bar.end("%d pictures answered", s.Answered)
		return &Study{text: fmt.Sprintf("All %d pictures of %s are right: nothing is confused.",
			s.Answered, filepath.Join(dataset, o.Split))}
	}
	bar.end("%d pictures looked at", len(s.Pictures))
	return &Study{Numbers: s.Study, kept: s.Kept}
}

// Interpret looks at every picture of a class in dataset/val, as the
// interpretation script of the published code does: where each head found the
// class, and where it found the five classes that look most alike to the model. A
// progress bar stands below the cell.
//
//	c := model.Interpret("datasets/birds", "Indigo Bunting").Show()
//	c.Heads().Show()
//	c.Explore().Show()
//
// The dataset may have the folders of some of the model's classes only. Another
// split, layer or number of classes:
//
//	func(o *notebook.InterpretOptions) { o.Split, o.TopQ = "train", 3 }
func (m *Model) Interpret(dataset, class string, options ...func(*InterpretOptions)) *Study {
	return m.study(dataset, options, session.StudyOptions{Class: class})
}

// Confused answers every picture in dataset/val, finds the n pairs of classes
// that are confused most often, and looks for each picture that was taken for the
// other class where the heads looked for its true class, and where for the other.
func (m *Model) Confused(dataset string, n int, options ...func(*InterpretOptions)) *Study {
	return m.study(dataset, options, session.StudyOptions{Confusions: true, Pairs: n})
}

// String is the study in a line.
func (s *Study) String() string {
	if s.Numbers == nil {
		return s.text
	}
	return s.Numbers.Title() + ": " + s.Numbers.String()
}

// Show shows the Sheet.
func (s *Study) Show() *Study { s.Sheet().Show(); return s }

// Save writes the page, the raw maps, tables and where it all comes from to a
// folder, as gointr interpret does (album.Album.Save).
func (s *Study) Save(dir string) *Study {
	if s.Numbers == nil {
		fmt.Println(s.text)
	} else {
		written(&session.StudyFolder{Kept: s.kept}, dir)
	}
	return s
}

// Sheet is a contact sheet: some of the pictures, evenly spaced, each with all
// heads for its true class; of confusions for the class that it was taken for,
// too.
func (s *Study) Sheet() *Figure {
	if s.Numbers == nil {
		return &Figure{output: output{text: s.text}}
	}
	return draw(&session.Sheet{Kept: s.kept}).named("%s", s)
}

// Explore is a page to look through: every picture, as far as they fit into a
// notebook, opens to each head and each of the most similar classes. Study.Save
// has more pictures.
func (s *Study) Explore() *Page {
	if s.Numbers == nil {
		return &Page{output{text: s.text}}
	}
	html := drawnPage(&session.StudyPage{Kept: s.kept})
	return newPage(s.Numbers.Title(), html, "Page of %s (Save keeps it as an .html file)", s)
}

// Heads is a table of what each head does over the pictures of a class: on which
// part its greatest weight lies how often, with the 95 % interval, where the
// dataset's parts.csv tells the parts, * being more often than chance; else how
// steady it is (interpret.Head).
func (s *Study) Heads() *Table {
	if s.Numbers == nil {
		return &Table{output{text: s.text}}
	}
	heads := s.Numbers.Heads
	if heads == nil {
		fail("heads are counted over one class: use model.Interpret")
	}
	var rows [][]string
	if len(heads.Parts) > 0 {
		for _, h := range heads.Rows {
			row := []string{h.Title()}
			for _, p := range h.Parts {
				mark := ""
				if p.Above {
					mark = " *"
				}
				row = append(row, fmt.Sprintf("%.0f %% (%.0f–%.0f)%s", p.Share, p.Range[0], p.Range[1], mark))
			}
			rows = append(rows, row)
		}
		chance := []string{"By chance"}
		for _, p := range heads.Rows[0].Parts {
			chance = append(chance, fmt.Sprintf("%.0f %%", p.Chance))
		}
		return newTable(append([]string{""}, heads.Parts...), append(rows, chance))
	}
	for _, h := range heads.Rows {
		spread := "–"
		if differs := h.Colour(); differs != nil {
			spread = fmt.Sprintf("%s (%s)", differs[0], differs[1])
		}
		rows = append(rows, []string{h.Title(), spread, fmt.Sprintf("%.1f %%", h.Focus), h.Common()})
	}
	return newTable([]string{
		"", "Colour at its peak differs, of chance", "Half of its weight in", "Shared with the nearest look-alike",
	}, rows)
}

// listed is how many pictures a table has at most.
const listed = 100

// Pictures is a table with a line a picture: what it was taken for, and what
// else looks most alike. Numbers.Pictures has all of it.
func (s *Study) Pictures() *Table {
	if s.Numbers == nil {
		return &Table{output{text: s.text}}
	}
	var rows [][]string
	for i, p := range s.Numbers.Pictures {
		if i == listed {
			rows = append(rows, []string{fmt.Sprintf("and %d more", len(s.Numbers.Pictures)-listed), "", "", "", ""})
			break
		}
		alike := ""
		for _, c := range p.Similar {
			if c.Index != p.Predicted.Index && c.Index != p.Class && alike == "" {
				alike = attention.Plain(c.Name)
			}
		}
		taken := "right"
		if !p.Right {
			taken = attention.Plain(p.Predicted.Name)
		}
		probability := fmt.Sprintf("%.1f %%", 100*p.Predicted.Probability)
		rows = append(rows, []string{filepath.Base(p.Image), taken, probability, fmt.Sprint(p.Rank), alike})
	}
	return newTable([]string{"Picture", "Taken for", "Probability", "True class's rank", "Looks like, besides"}, rows)
}
