package chart

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

const (
	changeMargin  = 4  // of figure.Plot, on each side
	changeGap     = 5  // between panels
	changeName    = 38 // for "before"
	changeLine    = 11 // of text
	changeClasses = 5  // whose probabilities are shown
	changeColumns = 9  // panels beside each other: the picture and eight heads

	leastMove = 0.0005 // probability that is shown as more than 0.0 %
)

// Change is what came of a change to a picture: for each class where every head of the last decoder layer looked before
// and after it, the two maps of a head in one colour scale (figure.Overlay otherwise), then the probabilities (softmax)
// of the likeliest classes. Explanations of several models, unknown classes and missing pictures are errors.
func Change(before, after *attention.Explanation, pictureBefore, pictureAfter image.Image,
	classes []int) (*figure.Plot, error) {
	c, err := newChange(before, after, pictureBefore, pictureAfter, classes)
	if err != nil {
		return nil, err
	}
	return figure.NewPlot(c, pageWidth, c.draw(nil, 0)+2*changeMargin)
}

func newChange(before, after *attention.Explanation, pictureBefore, pictureAfter image.Image,
	classes []int) (*change, error) {
	switch {
	case pictureBefore == nil || pictureAfter == nil:
		return nil, errors.New("a change cannot be drawn without the picture before and after it")
	case before.Classes() != after.Classes() || before.Heads != after.Heads || before.Layers != after.Layers:
		return nil, fmt.Errorf("a change can be drawn of one model's answers only, "+
			"not of %d classes and %d layers of %d heads beside %d classes and %d layers of %d heads",
			before.Classes(), before.Layers, before.Heads, after.Classes(), after.Layers, after.Heads)
	case len(classes) == 0:
		return nil, errors.New("a change is drawn for one class or more")
	}
	c := &change{heads: before.Heads}
	answers := [2]*attention.Explanation{before, after}
	var photos [2]*image.RGBA
	for i, photo := range []image.Image{pictureBefore, pictureAfter} {
		if err := answers[i].Check(); err != nil {
			return nil, err
		}
		var err error
		if photos[i], err = figure.Shrink(photo); err != nil {
			return nil, err
		}
		size := photos[i].Rect.Size()
		c.aspect = max(c.aspect, vg.Length(size.Y)/vg.Length(size.X))
	}
	for _, class := range classes {
		g := changed{title: fmt.Sprintf("%s, decoder layer %d", attention.Plain(before.Name(class)), before.Layers)}
		for i := range g.panels {
			g.panels[i] = []*image.RGBA{photos[i]}
		}
		for head := range before.Heads {
			pair, err := overlays(answers, photos, head, class)
			if err != nil {
				return nil, err
			}
			for i := range g.panels {
				g.panels[i] = append(g.panels[i], pair[i])
			}
		}
		c.classes = append(c.classes, g)
	}
	c.moves = moves(answers)
	return c, nil
}

// overlays are the maps of a head before and after, in one colour scale.
func overlays(answers [2]*attention.Explanation, photos [2]*image.RGBA,
	head, class int) (panels [2]*image.RGBA, err error) {
	var maps [2]attention.Map
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for i, e := range answers {
		if maps[i], err = e.Map(attention.Last, head, class); err != nil {
			return panels, err
		}
		from, to := maps[i].Range()
		low, high = min(low, from), max(high, to)
	}
	o := figure.Options{}
	if !(attention.Map{Values: []float32{low, high}}).Flat() {
		o.Limits = &figure.Limits{Low: low, High: high}
	}
	for i, m := range maps {
		if panels[i], err = figure.Overlay(m, photos[i], o); err != nil {
			return panels, err
		}
	}
	return panels, nil
}

// moves are the classes that are or were the likeliest.
func moves(answers [2]*attention.Explanation) (all []move) {
	for i, e := range answers {
		for _, class := range e.Top(-1) {
			at := slices.IndexFunc(all, func(m move) bool { return m.class == class.Index })
			if at < 0 {
				at = len(all)
				all = append(all, move{class: class.Index, name: attention.Plain(class.Name)})
			}
			all[at].to[i] = class.Probability
		}
	}
	most := func(m move) float64 { return max(m.to[0], m.to[1]) }
	slices.SortStableFunc(all, func(a, b move) int { return cmp.Compare(most(b), most(a)) })
	shown := 0
	for shown < len(all) && (shown < 2 || shown < changeClasses && most(all[shown]) >= leastMove) {
		shown++
	}
	return all[:shown]
}

// change draws itself.
type change struct {
	heads   int
	aspect  vg.Length // height over width of the higher picture
	classes []changed
	moves   []move
}

// changed is the panels of one class: the picture, then a head each; before, after.
type changed struct {
	title  string
	panels [2][]*image.RGBA
}

// move is a class's probability before and after.
type move struct {
	class int
	name  string
	to    [2]float64
}

// Draw is for figure.NewPlot.
func (c *change) Draw(to draw.Canvas) { c.draw(&to, to.Max.Y) }

// draw draws below a height, where there is a canvas, and says how much it takes.
func (c *change) draw(to *draw.Canvas, from vg.Length) vg.Length {
	y, left, width := from, vg.Length(0), vg.Length(pageWidth-2*changeMargin)
	if to != nil {
		left = to.Min.X
	}
	plain, small := style(letters, text.XLeft, text.YCenter), style(little, text.XCenter, text.YCenter)
	write := func(by text.Style, x, y vg.Length, s string) {
		if to != nil {
			to.FillText(by, vg.Point{X: x, Y: y}, s)
		}
	}
	panels := c.heads + 1
	rows := (panels + changeColumns - 1) / changeColumns
	columns := (panels + rows - 1) / rows
	slot := min((width-changeName-vg.Length(columns-1)*changeGap)/vg.Length(columns), 110)
	for _, class := range c.classes {
		write(plain, left, y-changeLine/2, class.title)
		y -= changeLine + 1
		for start := 0; start < panels; start += columns {
			end := min(start+columns, panels)
			for i := start; i < end; i++ {
				label := "picture"
				if i > 0 {
					label = fmt.Sprintf("head %d", i)
				}
				write(small, left+changeName+vg.Length(i-start)*(slot+changeGap)+slot/2, y-changeLine/2, label)
			}
			y -= changeLine
			for k, when := range []string{"before", "after"} {
				height := slot * c.aspect
				write(plain, left, y-height/2, when)
				for i := start; i < end; i++ {
					img := class.panels[k][i]
					size := img.Rect.Size()
					x, h := left+changeName+vg.Length(i-start)*(slot+changeGap),
						slot*vg.Length(size.Y)/vg.Length(size.X)
					if to != nil {
						to.DrawImage(vg.Rectangle{Min: vg.Point{X: x, Y: y - h}, Max: vg.Point{X: x + slot, Y: y}}, img)
					}
				}
				y -= height + changeGap
			}
		}
		y -= 2
	}
	write(style(little, text.XLeft, text.YCenter), left, y-changeLine/2,
		"The two maps of a head have one colour scale.")
	y -= changeLine + 4
	return from - c.probabilities(to, left, y, width)
}

// probabilities draws how far each class moved, and gives where it ends.
func (c *change) probabilities(to *draw.Canvas, left, y, width vg.Length) vg.Length {
	plain := style(letters, text.XLeft, text.YCenter)
	names := vg.Length(0)
	for _, m := range c.moves {
		names = max(names, min(plain.Width(m.name), nameWidth))
	}
	const numbers = 118
	x, long := left+names+12, min(width-names-12-numbers-14, 220)
	at := func(p float64) vg.Length { return x + long*vg.Length(p) }
	if to != nil {
		write := func(s string, x, y vg.Length) { to.FillText(plain, vg.Point{X: x, Y: y}, s) }
		write("Probability", left, y-changeLine/2)
		write("before  →  after", x+long+14, y-changeLine/2)
	}
	y -= changeLine + 2
	const radius = 3
	for _, m := range c.moves {
		middle := y - changeLine/2 - 1
		if to != nil {
			to.FillText(plain, vg.Point{X: left, Y: middle + 1}, shorten(m.name, plain, nameWidth))
			to.StrokeLine2(draw.LineStyle{Color: pale, Width: hair}, x, middle, x+long, middle)
			to.StrokeLine2(draw.LineStyle{Color: blue, Width: 1.5}, at(m.to[0]), middle, at(m.to[1]), middle)
			to.DrawGlyph(draw.GlyphStyle{Color: gray, Radius: radius, Shape: draw.RingGlyph{}},
				vg.Point{X: at(m.to[0]), Y: middle})
			to.DrawGlyph(draw.GlyphStyle{Color: blue, Radius: radius, Shape: draw.CircleGlyph{}},
				vg.Point{X: at(m.to[1]), Y: middle})
			moved := ""
			if by := m.to[1] - m.to[0]; math.Abs(by) >= leastMove {
				moved = fmt.Sprintf("  (%+.1f)", 100*by)
			}
			to.FillText(plain, vg.Point{X: x + long + 14, Y: middle + 1},
				fmt.Sprintf("%.1f %%  →  %.1f %%%s", 100*m.to[0], 100*m.to[1], moved))
		}
		y -= changeLine + 2
	}
	return y
}
