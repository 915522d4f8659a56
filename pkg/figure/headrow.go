package figure

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
)

// HeadRow is the figure of the published demo: the picture, then where each head of one decoder layer looked for a
// class (layers and heads count from 0 as in Explanation.Map, from 1 in the titles), nine panels a row. A map too flat
// to be stretched leaves its panel undyed and says so.
func HeadRow(e *attention.Explanation, layer, class int, photo image.Image, o Options) (*Figure, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	if layer == attention.Last {
		layer = e.Layers - 1
	}
	maps, err := shownHeads(e, layer, class, nil, photo)
	if err != nil {
		return nil, err
	}
	o.Title = cmp.Or(o.Title, ending(named(e, class), fmt.Sprintf(", layer %d", layer+1),
		titleSize, o.Width, 2))
	f, err := mapRows(maps, photo, o)
	if err != nil {
		return nil, err
	}
	f.about.say("Where the %d heads of decoder layer %d look for ", e.Heads, layer+1)
	f.about.class(e, class, true)
	f.about.in(e.Image)
	f.about.say(".")
	return f, nil
}

// Maps is the same figure for maps of one's own, which need not be weights: the
// picture, then each map over it with its label above. The title is o.Title.
func Maps(labels []string, maps []attention.Map, photo image.Image, o Options) (*Figure, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	if len(maps) == 0 || len(labels) != len(maps) {
		return nil, fmt.Errorf("a figure needs a label for every map and a map at least: these are %d labels "+
			"and %d maps", len(labels), len(maps))
	}
	for i, m := range maps {
		if err := m.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", labels[i], err)
		}
	}
	o.Unit = "value"
	var all []Shown
	for i, m := range maps {
		all = append(all, own(labels[i], m, photo))
	}
	f, err := mapRows(all, photo, o)
	if err != nil {
		return nil, err
	}
	if title := strings.TrimSpace(o.Title); title != "" {
		f.about.say("%s: ", title)
	}
	f.about.say("%d maps over the picture.", len(maps))
	return f, nil
}

// mapRows draws the picture and the maps, in rows of equal length. o is filled.
func mapRows(maps []Shown, photo image.Image, o Options) (*Figure, error) {
	base, err := Shrink(photo)
	if err != nil {
		return nil, err
	}
	o = commonScale(o, maps)
	panels, err := mapPanels(maps, base, o)
	if err != nil {
		return nil, err
	}
	panels = append([]panel{{label: "Input", pixels: base}}, panels...)
	return layout(wrapped(panels, o), o)
}

// shownHeads are the maps of heads of a layer for a class, checked; nil is all heads.
func shownHeads(e *attention.Explanation, layer, class int, heads []int, photo image.Image) (shown []Shown, err error) {
	if heads == nil {
		heads = allHeads(e)
	}
	for _, head := range heads {
		m, err := headMap(e, layer, head, class)
		if err != nil {
			return nil, err
		}
		shown = append(shown, of(e, headLabel(head), layer, head, class, m, photo))
	}
	return shown, nil
}

func allHeads(e *attention.Explanation) (heads []int) {
	for head := range e.Heads {
		heads = append(heads, head)
	}
	return heads
}

// ending is a title of at most `most` lines that still has its end where its beginning is too long.
func ending(name, end string, size, width vg.Length, most int) string {
	runes := []rune(name)
	for title := name + end; ; title = letters.Closed(strings.TrimSpace(string(runes))+"…") + end {
		lines, _ := fit(title, size, labelSize, width-2*margin, most)
		if len(runes) == 0 || strings.HasSuffix(strings.Join(lines, " "), strings.TrimLeft(end, ", ")) {
			return title
		}
		runes = runes[:len(runes)-1]
	}
}

// mapPanels dyes a copy of the picture for every map.
func mapPanels(maps []Shown, base *image.RGBA, o Options) ([]panel, error) {
	panels := make([]panel, len(maps))
	errs := make([]error, len(maps))
	parallel.Each(len(maps), func(i int) { panels[i], errs[i] = mapPanel(maps[i], base, o) })
	return panels, errors.Join(errs...)
}

// mapPanel dyes a copy of the picture.
func mapPanel(shown Shown, base *image.RGBA, o Options) (panel, error) {
	pixels, m := image.NewRGBA(base.Rect), shown.Map()
	copy(pixels.Pix, base.Pix)
	scale, err := dye(m, pixels, o)
	if scale != nil {
		shown.Scale = &[2]float32{scale.Low, scale.High}
	}
	p := panel{label: shown.Label, pixels: pixels, scale: scale, shown: &shown}
	p.weights[0], p.weights[1] = m.Range()
	if m.Flat() {
		p.note = "flat: every cell " + number(p.weights[1])
	}
	return p, err
}

// common is o with one scale for all maps where it is asked for and they are not all as flat as one.
func commonScale(o Options, maps []Shown) Options {
	ends := attention.Map{}
	for _, m := range maps {
		low, high := m.Map().Range()
		ends.Values = append(ends.Values, low, high)
	}
	if o.SameScale && !ends.Flat() {
		low, high := ends.Range()
		o.Limits = &Limits{Low: low, High: high}
	}
	return o
}

// panel is one picture of a figure.
type panel struct {
	label   string
	note    string // inside, at the bottom
	pixels  *image.RGBA
	scale   *Limits    // of its colours; nil when it is not dyed
	weights [2]float32 // the least and the greatest of its map
	shown   *Shown     // its map; nil for a picture alone
	marks   []mark
}

// mark is a sign on a panel, + or −, at a part of its width and height from the top left.
type mark struct {
	plus bool
	x, y float64
}

// dyed says whether the panel shows a map, be it a flat one.
func (p panel) dyed() bool { return p.scale != nil || p.note != "" }

// Sizes in points; nothing is set below 6, the least that journals print.
const (
	margin      = 2
	gap         = 4
	apart       = 3 // two numbers beside each other
	titleSize   = 9
	headingSize = 8
	labelSize   = 7
	noteSize    = 6
	barHeight   = 4
	leading     = 1.2 // from one base line to the next, in text sizes
	descent     = 0.25
	narrowest   = 24 // a panel
	readable    = 40 // a panel, where its width is not asked for
	twoNumbers  = 52 // a panel with two weights below it
	tallest     = 3  // times the width of a panel
	fullRow     = 9
	longAspect  = 2 // width over height from which fewer panels go into a row
)

// row is panels beside each other, with a heading above where it is not empty.
type row struct {
	heading string
	panels  []panel
}

// ownBars says whether every panel has a colour scale of its own.
func ownBars(o Options) bool { return o.ColorBar && o.Limits == nil }

// least is how narrow a panel may be, enough how narrow one is made where its width is not asked for.
func least(o Options) (least, enough vg.Length) {
	if ownBars(o) {
		return twoNumbers, twoNumbers
	}
	return narrowest, readable
}

// wrapped puts panels into rows of about the same length.
func wrapped(panels []panel, o Options) (rows []row) {
	columns := o.Columns
	if columns == 0 {
		size := panels[0].pixels.Rect.Size()
		aspect := vg.Length(size.X) / vg.Length(size.Y)
		_, enough := least(o)
		most := int(max(1, min(fullRow, fullRow*longAspect/aspect, (o.Width-2*margin+gap)/(enough+gap))))
		n := (len(panels) + most - 1) / most
		columns = (len(panels) + n - 1) / n
	}
	for part := range slices.Chunk(panels, columns) {
		rows = append(rows, row{panels: part})
	}
	return rows
}

// layout draws rows of panels of equal size, with a title above.
func layout(rows []row, o Options) (*Figure, error) {
	columns := 0
	for _, r := range rows {
		columns = max(columns, len(r.panels))
	}
	slot := (o.Width - 2*margin - vg.Length(columns-1)*gap) / vg.Length(columns)
	if least, _ := least(o); slot < least {
		return nil, fmt.Errorf("%d panels do not fit beside each other in %.3g inches: give more width or "+
			"fewer columns", columns, o.Width/vg.Inch)
	}
	if o.Letters {
		lettered(rows)
	}
	f := &Figure{width: o.Width, dpi: o.DPI, look: o}
	title, titleAt := fit(o.Title, titleSize, labelSize, o.Width-2*margin, 2)
	// The first panel's bar says what the numbers are, unless there is a map above it.
	unitBelow := ownBars(o) && rows[0].panels[0].dyed()
	under := barSpace(o)
	foot := foot(o, unitBelow)
	f.height = 2*margin + vg.Length(len(title))*titleAt*leading + 2 + vg.Length(len(rows)-1)*gap + foot
	headingAt := vg.Length(headingSize) // one size for all
	for _, r := range rows {
		f.height += r.headingHeight() + r.labelHeight() + r.panelHeight(slot) + under
		_, size := fit(r.heading, headingAt, labelSize, o.Width-2*margin, 1)
		headingAt = min(headingAt, size)
	}

	y := f.height - margin
	for _, line := range title {
		y -= titleAt * leading
		f.texts = append(f.texts, centred(line, titleAt, o.Width/2, y+titleAt*descent))
	}
	y -= 2
	for i, r := range rows {
		if r.heading != "" {
			lines, _ := fit(r.heading, headingAt, headingAt, o.Width-2*margin, 1)
			y -= r.headingHeight()
			f.texts = append(f.texts, text{lines[0], headingAt, vg.Point{X: margin, Y: y + headingSize*descent + 0.5}})
		}
		y -= r.labelHeight()
		bottom := y - r.panelHeight(slot) - under
		for column, p := range r.panels {
			left := margin + vg.Length(column)*(slot+gap)
			f.panel(p, left, y, slot)
			if ownBars(o) {
				f.ownBar(p, rectangle(left, bottom, slot, under), i == 0 && column == 0 && !unitBelow, o)
			}
		}
		y = bottom - gap
	}
	switch {
	case unitBelow:
		f.texts = append(f.texts, centred("colour bars: "+o.Unit, noteSize, o.Width/2, margin+noteSize*descent))
	case foot > 0:
		f.commonBar(o)
	}
	return f, nil
}

// barSpace is how much is left under every panel for its own colour bar.
func barSpace(o Options) vg.Length {
	if !ownBars(o) {
		return 0
	}
	return 2 + barHeight + 2 + noteSize*leading
}

// foot is the height of what stands below all rows: the one colour bar, or what the
// numbers at the bars of the panels are.
func foot(o Options, unit bool) vg.Length {
	height := vg.Length(0)
	if unit || o.ColorBar && !ownBars(o) {
		height = gap + noteSize*leading
		if o.Ends != [2]string{} {
			height += noteSize*leading + 1
		}
	}
	return height
}

// panel draws a panel into a slot whose upper left corner is at (left, top), its label above.
func (f *Figure) panel(p panel, left, top, slot vg.Length) {
	middle := left + slot/2
	w, h := p.size(slot)
	at := rectangle(middle-w/2, top-h, w, h)
	if p.shown != nil {
		f.maps = append(f.maps, *p.shown)
	}
	f.pictures = append(f.pictures, picture{at, p.pixels})
	if p.note != "" && !f.note(p, at) {
		p.label += ", " + p.note
	}
	if p.label != "" {
		f.label(p.label, middle, top+labelSize*descent+0.5, slot)
	}
	for _, m := range p.marks {
		f.mark(m, at)
	}
}

// size of a panel in a slot of a width.
func (p panel) size(slot vg.Length) (w, h vg.Length) {
	size := p.pixels.Rect.Size()
	aspect := vg.Length(size.X) / vg.Length(size.Y)
	if h = slot / aspect; h > tallest*slot {
		return tallest * slot * aspect, tallest * slot
	}
	return slot, h
}

// panelHeight is that of the tallest panel.
func (r row) panelHeight(slot vg.Length) (height vg.Length) {
	for _, p := range r.panels {
		_, h := p.size(slot)
		height = max(height, h)
	}
	return height
}

// lettered puts (a), (b), … before headings, or before labels where there are none.
func lettered(rows []row) {
	next := 0
	letter := func(s *string) {
		name := ""
		for n := next; n >= 0; n = n/26 - 1 {
			name = string(rune('a'+n%26)) + name
		}
		*s = strings.TrimSpace("(" + name + ") " + *s)
		next++
	}
	for i := range rows {
		if rows[i].heading != "" {
			letter(&rows[i].heading)
			continue
		}
		for j := range rows[i].panels {
			letter(&rows[i].panels[j].label)
		}
	}
}

// mark draws a sign on a panel: strokes with a white rim, which leave the colours around them to be seen.
func (f *Figure) mark(m mark, panel vg.Rectangle) {
	const long, thick, rim = 4, 0.8, 0.5
	size := panel.Size()
	x := min(max(panel.Min.X+size.X*vg.Length(m.x), panel.Min.X+long/2+rim), panel.Max.X-long/2-rim)
	y := min(max(panel.Max.Y-size.Y*vg.Length(m.y), panel.Min.Y+long/2+rim), panel.Max.Y-long/2-rim)
	stroke := func(w, h vg.Length, c color.Color) {
		f.boxes = append(f.boxes, box{rectangle(x-w/2, y-h/2, w, h), c})
	}
	for _, c := range []struct {
		color color.Color
		more  vg.Length
	}{{color.White, 2 * rim}, {color.Black, 0}} {
		stroke(long+c.more, thick+c.more, c.color)
		if m.plus {
			stroke(thick+c.more, long+c.more, c.color)
		}
	}
}

func (r row) headingHeight() vg.Length {
	if r.heading == "" {
		return 0
	}
	return headingSize * leading
}

// labelHeight is 0 where the panels are named by those of the row above.
func (r row) labelHeight() vg.Length {
	for _, p := range r.panels {
		if p.label != "" {
			return labelSize * leading
		}
	}
	return 0
}

func (f *Figure) label(s string, middle, y, width vg.Length) {
	lines, size := fit(s, labelSize, noteSize, width, 1)
	for _, line := range lines {
		f.texts = append(f.texts, centred(line, size, middle, y))
	}
}

// note writes inside the bottom of a panel, on light grey, if there is room.
func (f *Figure) note(p panel, at vg.Rectangle) bool {
	space := at.Size()
	lines, size := fit(p.note, noteSize, noteSize, space.X-4, 3)
	height := vg.Length(len(lines))*size*leading + 2
	if height > space.Y || space.X < narrowest {
		return false
	}
	ground := p.pixels.Rect // the panel's own pixels, so that its edges stay straight
	ground.Min.Y = ground.Max.Y - int(math.Ceil(float64(height/space.Y)*float64(ground.Dy())))
	draw.Draw(p.pixels, ground, image.NewUniform(color.Gray{235}), image.Point{}, draw.Src)
	y := at.Min.Y + height - 1
	for _, line := range lines {
		y -= size * leading
		f.texts = append(f.texts, centred(line, size, (at.Min.X+at.Max.X)/2, y+size*descent))
	}
	return true
}

// ownBar is the colour scale of one panel, in the space below it: marks and numbers stand at the least and the greatest
// weight of its map, which the cubic interpolation oversteps a little. Where the first panel has no map, it says there
// what the numbers are.
func (f *Figure) ownBar(p panel, space vg.Rectangle, first bool, o Options) {
	left, top, width := space.Min.X, space.Max.Y-2, space.Size().X
	if first {
		lines, size := fit(o.Unit, noteSize, noteSize, width, 2)
		for i, line := range lines {
			f.texts = append(f.texts, centred(line, size, left+width/2, top-size-vg.Length(i)*size*leading))
		}
	}
	if p.scale == nil {
		return
	}
	bottom := top - barHeight
	f.pictures = append(f.pictures, picture{rectangle(left, bottom, width, barHeight), bar(o)})
	numbers := [2]text{{number(p.weights[0]), noteSize, vg.Point{}}, {number(p.weights[1]), noteSize, vg.Point{}}}
	from, to := left, left+width-numbers[1].width()-apart-numbers[0].width()
	for i, t := range numbers {
		part := (p.weights[i] - p.scale.Low) / (p.scale.High - p.scale.Low)
		x := left + width*vg.Length(min(max(part, 0), 1))
		f.boxes = append(f.boxes, box{rectangle(min(max(x-0.25, left), left+width-0.5), bottom-1.5, 0.5, 1.5),
			color.Black})
		t.at = vg.Point{X: min(max(x-t.width()/2, from), to), Y: space.Min.Y + noteSize*descent}
		f.texts = append(f.texts, t)
		from, to = t.at.X+t.width()+apart, left+width-numbers[1].width()
	}
}

// commonBar is the one colour scale of all panels, on the last line.
func (f *Figure) commonBar(o Options) {
	y := vg.Length(margin)
	low := text{o.Unit + "  " + number(o.Limits.Low), noteSize, vg.Point{Y: y + noteSize*descent}}
	if o.Ends != [2]string{} { // they say what the numbers are
		low.string = number(o.Limits.Low)
	}
	high := text{number(o.Limits.High), noteSize, low.at}
	width := min(2*vg.Inch, f.width-2*margin-low.width()-high.width()-2*gap)
	left := (f.width - width - low.width() - high.width() - 2*gap) / 2
	low.at.X = left
	left += low.width() + gap
	high.at.X = left + width + gap
	f.texts = append(f.texts, low, high)
	f.pictures = append(f.pictures, picture{rectangle(left, y+1, width, noteSize), bar(o)})
	if o.Ends == [2]string{} {
		return
	}
	// What the two ends mean is on the line above, on both sides of the bar's middle, which is marked.
	middle := left + width/2
	f.boxes = append(f.boxes, box{rectangle(middle-0.25, y+1, 0.5, noteSize+2), color.Black})
	y += noteSize*leading + 1
	half := min(middle, f.width-middle) - margin - gap
	for i, end := range o.Ends {
		lines, size := fit(end, noteSize, noteSize, half, 1)
		for _, line := range lines {
			t := text{line, size, vg.Point{X: middle - gap, Y: y + noteSize*descent}}
			if t.at.X -= t.width(); i == 1 {
				t.at.X = middle + gap
			}
			f.texts = append(f.texts, t)
		}
	}
}

// bar is the colormap from its first to its last colour.
func bar(o Options) *image.RGBA {
	table, _ := colors(o.Colormap)
	const rows = 16
	img := image.NewRGBA(image.Rect(0, 0, len(table), rows))
	for i := range len(table) * rows {
		copy(img.Pix[4*i:], append(table[i%len(table)][:], 255))
	}
	return img
}

func rectangle(x, y, w, h vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + w, Y: y + h}}
}

// number writes a weight in two digits: 0.0012, 0.50, 1.2e-5.
func number(v float32) string {
	return letters.Powers(fmt.Sprintf("%#.2g", v))
}
