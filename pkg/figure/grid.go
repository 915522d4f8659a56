package figure

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
)

// Row is one row of a Grid: a picture with its explanation, and the class whose maps are shown.
type Row struct {
	Explanation *attention.Explanation
	Photo       image.Image
	Class       int          // index; a class below 0 is the predicted one
	Heading     string       // above the row; "" is the name of what differs between rows, class, picture or both
	Source      origin.Model // of the maps; the caption has it where all rows have the same and Options.Source is empty
}

// Grid shows chosen heads of one decoder layer (from 0, or attention.Last): a row for each picture and class, with the
// picture first, a column for each head; no heads are all of them. Of one head only, the panels follow each other as
// lines of text do, each named by the heading of its row. o.SameScale and o.ColorBar make panels comparable in
// strength.
func Grid(rows []Row, layer int, heads []int, o Options) (*Figure, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	rows, same, err := alike(rows)
	if err != nil {
		return nil, err
	}
	if same.source && o.Source == (origin.Model{}) {
		o.Source = rows[0].Source
	}
	first := rows[0].Explanation
	if layer == attention.Last {
		layer = first.Layers - 1
	}
	if len(heads) == 0 {
		heads = allHeads(first)
	}
	var drawn []mapRow
	for i, r := range rows {
		row := mapRow{heading: r.Heading, photo: r.Photo}
		if row.heading == "" {
			row.heading = r.named(same.class && len(rows) > 1, same.image, len(heads) > 1, o)
		}
		if row.maps, err = shownHeads(r.Explanation, layer, r.Class, heads, r.Photo); err != nil {
			return nil, fmt.Errorf("row %d of the grid: %w", i, err)
		}
		drawn = append(drawn, row)
	}
	which := ""
	if len(heads) == 1 {
		which = ", " + strings.ToLower(headLabel(heads[0]))
	}
	title := fmt.Sprintf("Decoder layer %d%s", layer+1, which)
	if same.class {
		title = ending(named(first, rows[0].Class), fmt.Sprintf(", layer %d%s", layer+1, which),
			titleSize, o.Width, 2)
	}
	var f *Figure
	if len(heads) == 1 {
		f, err = strip(drawn, title, o)
	} else {
		f, err = grid(drawn, title, true, o)
	}
	if err != nil {
		return nil, err
	}
	f.about.say("Where %s of decoder layer %d look%s", listed(heads), layer+1, one(len(heads) == 1, "s", ""))
	f.about.rows(rows, same)
	return f, nil
}

// common is what all rows of a grid have in common.
type common struct{ class, image, source bool }

// alike are the rows with every class found, and what they have in common.
func alike(rows []Row) ([]Row, common, error) {
	same := common{true, true, true}
	if len(rows) == 0 {
		return nil, same, errors.New("a grid needs a picture at least")
	}
	rows = slices.Clone(rows)
	for i := range rows {
		r := &rows[i]
		if r.Explanation == nil {
			return nil, same, fmt.Errorf("row %d of the grid has no explanation", i)
		}
		if r.Class < 0 {
			r.Class = r.Explanation.Best().Index
		}
		same.class = same.class && r.Explanation.Name(r.Class) == rows[0].Explanation.Name(rows[0].Class)
		same.image = same.image && r.Explanation.Image == rows[0].Explanation.Image
		same.source = same.source && r.Source == rows[0].Source
	}
	return rows, same, nil
}

// rows says which classes and pictures the rows of a grid have.
func (a *about) rows(rows []Row, same common) {
	if same.class {
		a.say(" for ")
		a.class(rows[0].Explanation, rows[0].Class, len(rows) == 1)
	}
	if same.image {
		a.in(rows[0].Explanation.Image)
	}
	if len(rows) > 1 {
		for i, r := range rows {
			a.say("%s", one(i == 0, ": ", "; "))
			if same.class && r.Explanation.Image != "" {
				a.file(r.Explanation.Image)
				a.say(" (%s)", percent(r.Explanation, r.Class))
				continue
			}
			a.class(r.Explanation, r.Class, true)
			if !same.image {
				a.in(r.Explanation.Image)
			}
		}
	}
	a.say(".")
}

// named is the heading of a row by what differs between rows; sure adds how sure the model is, where there is room.
func (r Row) named(sameClass, sameImage, sure bool, o Options) string {
	file, probability := "", ""
	if r.Explanation.Image != "" {
		file = filepath.Base(r.Explanation.Image)
	}
	if sure {
		probability = fmt.Sprintf(" (%s)", percent(r.Explanation, r.Class))
	}
	name := attention.Plain(r.Explanation.Name(r.Class))
	switch {
	case sameClass && file != "":
		name = file
	case !sameImage && file != "":
		probability += ", " + file
	}
	return ending(name, probability, headingSize, o.Width, 1)
}

// headMap is the map of one head, or their mean, checked.
func headMap(e *attention.Explanation, layer, head, class int) (m attention.Map, err error) {
	if head == Mean {
		m, err = e.Average(layer, class)
	} else {
		m, err = e.Map(layer, head, class)
	}
	if err != nil {
		return m, err
	}
	if err := m.Check(); err != nil {
		return m, fmt.Errorf("%s: %w", strings.ToLower(headLabel(head)), err)
	}
	return m, nil
}

func headLabel(head int) string {
	if head == Mean {
		return "All heads"
	}
	return fmt.Sprintf("Head %d", head+1)
}

// listed are heads in words.
func listed(heads []int) string {
	var numbers []string
	mean := ""
	for _, head := range heads {
		if head == Mean {
			mean = "the mean of the heads"
		} else {
			numbers = append(numbers, fmt.Sprint(head+1))
		}
	}
	if len(numbers) == 0 {
		return mean
	}
	words := one(len(numbers) == 1, "head ", "heads ") + strings.Join(numbers, ", ")
	if last := len(heads) - 1; last > 1 && mean == "" && slices.IsSorted(heads) && heads[last]-heads[0] == last {
		words = fmt.Sprintf("heads %d to %d", heads[0]+1, heads[last]+1)
	}
	if mean != "" {
		words = mean + " and " + words
	}
	return words
}

func one(single bool, yes, no string) string {
	if single {
		return yes
	}
	return no
}

// strip draws the only map of every row as text flows, named by the heading. o is filled.
func strip(rows []mapRow, title string, o Options) (*Figure, error) {
	o = commonScale(o, allMaps(rows))
	var panels []panel
	for i := range rows {
		base, err := Shrink(rows[i].photo)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rows[i].heading, err)
		}
		rows[i].maps[0].Label = rows[i].heading
		p, err := mapPanels(rows[i].maps, base, o)
		if err != nil {
			return nil, err
		}
		panels = append(panels, p...)
	}
	o.Title = cmp.Or(o.Title, title)
	return layout(wrapped(panels, o), o)
}
