package notebook

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
)

// Study is every picture of a class, or the pictures that a model takes for
// another class, with where each head looked.
type Study struct {
	Numbers *interpret.Study // every number, for one's own code; nil where nothing is confused

	text string // what there is instead
}

// Interpreting are choices for Interpret and Confused.
type Interpreting struct {
	Split string // of the dataset
	TopQ  int    // how many of the most similar classes
	Layer int    // of the decoder, from 0; attention.Last is the last
}

func interpreting(change []func(*Interpreting)) Interpreting {
	o := Interpreting{"val", interpret.Defaults.TopQ, interpret.Defaults.Layer}
	for _, f := range change {
		f(&o)
	}
	return o
}

// Interpret looks at every picture of a class in dataset/val, as the
// interpretation script of the published code does: where each head found the
// class, and where it found the five classes that look most alike to the model. A
// progress bar stands below the cell.
//
//	c := model.Interpret("datasets/birds", "Indigo Bunting")
//	c.Show()
//	c.Heads()
//	c.Explore()
//
// The dataset may have the folders of some of the model's classes only. Another
// split, layer or number of classes:
//
//	func(o *notebook.Interpreting) { o.Split, o.TopQ = "train", 3 }
func (m *Model) Interpret(dataset, class string, change ...func(*Interpreting)) *Study {
	o := interpreting(change)
	d, err := interpret.Open(dataset, o.Split, m.m.About().Classes, m.m.About().Names)
	Check(err)
	s, err := d.Class(class)
	Check(err)
	bar := newBar(s.Pictures.Len())
	verify(bar, s.Pictures, "interpret")
	bar.next("")
	return m.study([]*interpret.Subject{s}, o, bar)
}

// Confused answers every picture in dataset/val, finds the n pairs of classes
// that are confused most often, and shows for each picture that was taken for the
// other class where the heads looked for its true class, and where for the other.
func (m *Model) Confused(dataset string, n int, change ...func(*Interpreting)) *Study {
	o := interpreting(change)
	d, err := interpret.Open(dataset, o.Split, m.m.About().Classes, m.m.About().Names)
	Check(err)
	bar := newBar(d.Split.Len())
	verify(bar, d.Split, "interpret")
	bar.next("answering ")
	tally := m.tally(bar, d.Names, d.Split, d.Truth)
	report, err := tally.Report()
	Check(err)
	subjects, err := d.Confused(report, n)
	Check(err)
	if len(subjects) == 0 {
		bar.end(fmt.Sprintf("%d pictures answered", d.Split.Len()))
		return &Study{text: fmt.Sprintf("All %d pictures of %s are right: nothing is confused.", d.Split.Len(), filepath.Join(dataset, o.Split))}
	}
	bar.of = 0
	for _, s := range subjects {
		bar.of += s.Pictures.Len()
	}
	bar.next("looking at what is confused ")
	return m.study(subjects, o, bar)
}

func (m *Model) study(subjects []*interpret.Subject, o Interpreting, bar *bar) *Study {
	done := 0
	numbers, err := interpret.NewStudy(context.Background(), m.m, subjects, interpret.Options{Layer: o.Layer, TopQ: o.TopQ}, func(*interpret.Picture) error {
		done++
		bar.set(done)
		return nil
	})
	Check(err)
	bar.end(fmt.Sprintf("%d pictures looked at", done))
	return &Study{Numbers: numbers}
}

// nothing says what there is instead of a study, and whether.
func (s *Study) nothing() bool {
	if s.Numbers != nil {
		return false
	}
	fmt.Println(s.text)
	return true
}

// String is the study in a line.
func (s *Study) String() string {
	if s.Numbers == nil {
		return s.text
	}
	return s.Numbers.Title() + ": " + s.Numbers.String()
}

// Show shows a contact sheet: some of the pictures, evenly spaced, each with all
// heads for its true class; of confusions for the class that it was taken for,
// too.
func (s *Study) Show() {
	if !s.nothing() {
		s.Figure().Show()
	}
}

// Figure is what Show shows, to be saved.
func (s *Study) Figure() *Figure {
	if s.Numbers == nil {
		Check(errors.New(s.text))
	}
	f, err := s.Numbers.Sheet()
	Check(err)
	return &Figure{f, s.String()}
}

// Explore shows a page to look through: every picture, as far as they fit into a
// notebook, opens to each head and each of the most similar classes. It needs
// neither the kernel nor a network, so that an exported notebook keeps it. Save
// has more pictures.
func (s *Study) Explore() {
	if s.nothing() {
		return
	}
	page, err := s.Numbers.Page(interpret.NotebookPage)
	Check(err)
	display(map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  figure.Embed(page),
		protocol.MIMETextPlain: fmt.Sprintf("Page of %s (Save keeps it as an .html file)", s),
	}, 0)
}

// Heads shows a table of what each head does over the pictures of a class: on
// which part its greatest weight lies how often, with the 95 % interval, where the
// dataset's parts.csv tells the parts, * being more often than chance; else how
// steady it is (interpret.Head).
func (s *Study) Heads() {
	if s.nothing() {
		return
	}
	heads := s.Numbers.Heads()
	if heads == nil {
		Check(errors.New("heads are counted over one class: use model.Interpret"))
	}
	name := func(h interpret.Head) string {
		if h.Head < 0 {
			return "Mean of all"
		}
		return fmt.Sprintf("Head %d", h.Head+1)
	}
	var rows [][]string
	if len(heads.Parts) > 0 {
		for _, h := range heads.Rows {
			row := []string{name(h)}
			for _, p := range h.Parts {
				mark := ""
				if p.Above {
					mark = " *"
				}
				row = append(row, fmt.Sprintf("%.0f %% (%.0f–%.0f)%s", p.Share, p.Range[0], p.Range[1], mark))
			}
			rows = append(rows, append(row, ""))
		}
		chance := []string{"By chance"}
		for _, p := range heads.Rows[0].Parts {
			chance = append(chance, fmt.Sprintf("%.0f %%", p.Chance))
		}
		rows = append(rows, append(chance, ""))
		table(append(append([]string{""}, heads.Parts...), ""), rows)
		return
	}
	for _, h := range heads.Rows {
		spread, shared := "–", "–"
		if h.Spread != nil && h.Spread95 != nil {
			spread = fmt.Sprintf("%.0f %% (%.0f–%.0f)", *h.Spread, h.Spread95[0], h.Spread95[1])
		}
		if h.Shared != nil {
			shared = fmt.Sprintf("%.0f %%", *h.Shared)
		}
		rows = append(rows, []string{name(h), spread, fmt.Sprintf("%.1f %%", h.Focus), shared, ""})
	}
	table([]string{"", "Colour at its peak differs, of chance", "Half of its weight in", "Shared with the nearest look-alike", ""}, rows)
}

// listed is how many pictures a table has at most.
const listed = 100

// Pictures shows a table with a line a picture: what it was taken for, and what
// else looks most alike. Numbers.Pictures has all of it.
func (s *Study) Pictures() {
	if s.nothing() {
		return
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
		right := "right"
		if !p.Right {
			right = attention.Plain(p.Predicted.Name)
		}
		rows = append(rows, []string{filepath.Base(p.Image), right, fmt.Sprintf("%.1f %%", 100*p.Predicted.Probability), fmt.Sprint(p.Rank), alike})
	}
	table([]string{"Picture", "Taken for", "Probability", "True class's rank", "Looks like, besides"}, rows)
}

// Save writes the page, the raw maps, tables and where it all comes from to a
// folder, as gointr interpret does (interpret.Study.Save).
func (s *Study) Save(dir string) {
	if !s.nothing() {
		Check(s.Numbers.Save(dir))
	}
}
