package figure

import (
	"cmp"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
)

// mostRows is how many rows of panels one figure may have: a page.
const mostRows = 12

// Compare is HeadRow for two or more classes, one below the other: how the heads of one decoder layer (from 0, or
// attention.Last) look for look-alikes in the same picture. Classes are indices; each row is headed by the class's name
// and probability. o.SameScale makes rows comparable in strength, too.
func Compare(e *attention.Explanation, layer int, classes []int, photo image.Image, o Options) (*Figure, error) {
	if layer == attention.Last {
		layer = e.Layers - 1
	}
	if len(classes) < 2 {
		return nil, fmt.Errorf("a comparison needs two classes or more, not %d", len(classes))
	}
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	var rows []mapRow
	for i, class := range classes {
		if slices.Contains(classes[:i], class) {
			return nil, fmt.Errorf("%s is to be compared with itself: name each class once",
				attention.Plain(e.Name(class)))
		}
		maps, err := shownHeads(e, layer, class, nil, photo)
		if err != nil {
			return nil, err
		}
		heading := ending(named(e, class), fmt.Sprintf(" (%s)", percent(e, class)),
			headingSize, o.Width, 1)
		rows = append(rows, mapRow{heading, photo, maps})
	}
	f, err := grid(rows, fmt.Sprintf("Decoder layer %d", layer+1), true, o)
	if err != nil {
		return nil, err
	}
	f.about.say("Where the %d heads of decoder layer %d look", e.Heads, layer+1)
	f.about.in(e.Image)
	f.about.say(" for ")
	for i, class := range classes {
		if i > 0 {
			f.about.say("; ")
		}
		f.about.class(e, class, true)
	}
	f.about.say(".")
	return f, nil
}

// Layers is where a class was looked for in every decoder layer: a row for each,
// with the mean of its heads and then each head.
func Layers(e *attention.Explanation, class int, photo image.Image, o Options) (*Figure, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	var rows []mapRow
	for layer := range e.Layers {
		maps, err := shownHeads(e, layer, class, append([]int{Mean}, allHeads(e)...), photo)
		if err != nil {
			return nil, err
		}
		rows = append(rows, mapRow{fmt.Sprintf("Layer %d", layer+1), photo, maps})
	}
	title := ending(named(e, class), fmt.Sprintf(" (%s)", percent(e, class)), titleSize, o.Width, 2)
	f, err := grid(rows, title, false, o)
	if err != nil {
		return nil, err
	}
	f.about.say("Where each of %d decoder layers looks for ", e.Layers)
	f.about.class(e, class, true)
	f.about.in(e.Image)
	f.about.say(": the mean of its %d heads, and each.", e.Heads)
	return f, nil
}

// mapRow is one row of maps with what it is called.
type mapRow struct {
	heading string
	photo   image.Image
	maps    []Shown
}

func allMaps(rows []mapRow) (all []Shown) {
	for _, r := range rows {
		all = append(all, r.maps...)
	}
	return all
}

// grid draws rows of maps below each other; the labels of the first row are those of all. o is filled.
func grid(rows []mapRow, title string, input bool, o Options) (*Figure, error) {
	switch {
	case len(rows) > mostRows:
		return nil, fmt.Errorf("%d rows do not fit on a page: a figure has %d at most", len(rows), mostRows)
	case o.Columns != 0:
		return nil, fmt.Errorf("a figure with rows of its own cannot have %d columns: leave Columns out", o.Columns)
	}
	o = commonScale(o, allMaps(rows))
	o.Title = cmp.Or(o.Title, title)
	var drawn []row
	for i, r := range rows {
		base, err := Shrink(r.photo)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.heading, err)
		}
		panels, err := mapPanels(r.maps, base, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.heading, err)
		}
		if input {
			panels = append([]panel{{label: "Input", pixels: base}}, panels...)
		}
		for j := range panels {
			if i > 0 {
				panels[j].label = ""
			}
		}
		drawn = append(drawn, row{r.heading, panels})
	}
	return layout(drawn, o)
}

// percent is the probability of a class in words: none is 0.
func percent(e *attention.Explanation, class int) string {
	all := e.Top(-1)
	at := slices.IndexFunc(all, func(c attention.Class) bool { return c.Index == class })
	switch {
	case at < 0:
		return ""
	case all[at].Probability < 0.0005:
		return "< 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*all[at].Probability)
}

// Film is how the decoder comes to look for a class, as a strip of film: the picture, then one head (from 0; Mean is
// the mean of all heads) in every decoder layer. Layers has all heads at once, and needs the width of a page.
func Film(e *attention.Explanation, class, head int, photo image.Image, o Options) (*Figure, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	var maps []Shown
	for layer := range e.Layers {
		m, err := headMap(e, layer, head, class)
		if err != nil {
			return nil, err
		}
		maps = append(maps, of(e, fmt.Sprintf("Layer %d", layer+1), layer, head, class, m, photo))
	}
	o.Title = cmp.Or(o.Title, ending(named(e, class), fmt.Sprintf(" (%s), %s", percent(e, class),
		strings.ToLower(headLabel(head))), titleSize, o.Width, 2))
	f, err := mapRows(maps, photo, o)
	if err != nil {
		return nil, err
	}
	f.about.say("Where %s of each of %d decoder layers looks for ", listed([]int{head}), e.Layers)
	f.about.class(e, class, true)
	f.about.in(e.Image)
	f.about.say(".")
	return f, nil
}
