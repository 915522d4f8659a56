package figure

import (
	"cmp"
	"fmt"
	"image"

	"github.com/gointr/gointr/pkg/attention"
)

// Difference shows what class a sees in a picture that class b does not: for each head of a decoder layer (from 0, or
// attention.Last) the raw weights of a minus those of b, classes being indices, over the picture in gray. One scale,
// symmetric around 0 unless o.Limits say otherwise, goes for all heads; the signs + and − mark the cells of each head
// where the difference is greatest and least, unless it is below a tenth of the scale. What o leaves out is the
// colormap puor, an opacity of 0.6, and cubic interpolation. It is an error when the maps differ by no more than
// rounding.
func Difference(e *attention.Explanation, layer, a, b int, photo image.Image, o Options) (*Figure, error) {
	o.Colormap, o.Opacity = cmp.Or(o.Colormap, "puor"), cmp.Or(o.Opacity, 0.6)
	o.Smoothing = cmp.Or(o.Smoothing, Cubic) // Published is 0
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	if layer == attention.Last {
		layer = e.Layers - 1
	}
	if a == b {
		return nil, fmt.Errorf("%s has no difference from itself: name two classes", attention.Plain(e.Name(a)))
	}
	maps, most, err := differences(e, layer, a, b, photo)
	if err != nil {
		return nil, err
	}
	if o.Limits == nil {
		o.Limits = &Limits{Low: -most, High: most}
	}
	nameA, nameB := named(e, a), named(e, b)
	o.SameScale, o.ColorBar = false, true
	o.Ends = [2]string{"← " + nameB + " more", nameA + " more →"}
	o.Title = cmp.Or(o.Title, ending(nameA+" − "+nameB, fmt.Sprintf(", layer %d", layer+1), titleSize, o.Width, 2))

	base, err := Shrink(photo)
	if err != nil {
		return nil, err
	}
	panels, err := mapPanels(maps, withoutColours(base), o)
	if err != nil {
		return nil, err
	}
	for i := range panels {
		panels[i].marks = extremes(maps[i].Map(), notable*o.Limits.High)
		if panels[i].note != "" {
			panels[i].note = "no difference"
		}
	}
	panels = append([]panel{{label: "Input", pixels: base}}, panels...)
	f, err := layout(wrapped(panels, o), o)
	if err != nil {
		return nil, err
	}
	f.about.say("What ")
	f.about.class(e, a, true)
	f.about.say(" sees")
	f.about.in(e.Image)
	f.about.say(" that ")
	f.about.class(e, b, true)
	f.about.say(" does not: attention weights of the former minus those of the latter, for the %d heads of decoder "+
		"layer %d; + and − mark the cells of each head where the difference is greatest and least, where it is a "+
		"tenth of the scale or more.", e.Heads, layer+1)
	return f, nil
}

// differences are the maps of class a minus those of class b for every head, and how far they are from 0 at most.
func differences(e *attention.Explanation, layer, a, b int, photo image.Image) (maps []Shown, most float32, err error) {
	if maps, err = shownHeads(e, layer, a, nil, photo); err != nil {
		return nil, 0, err
	}
	others, err := shownHeads(e, layer, b, nil, photo)
	if err != nil {
		return nil, 0, err
	}
	weight := float32(0)
	for head := range maps {
		m, values := &maps[head], maps[head].Values
		m.Values, m.Versus, m.VersusName = make([]float32, len(values)), b, e.Name(b)
		for i, v := range values {
			w := others[head].Values[i]
			m.Values[i] = v - w
			most, weight = max(most, v-w, w-v), max(weight, v, w)
		}
	}
	if most <= attention.Flatness*weight {
		return nil, 0, fmt.Errorf("the heads of layer %d look for %s just as for %s: their maps differ by "+
			"rounding only", layer, attention.Plain(e.Name(a)), attention.Plain(e.Name(b)))
	}
	return maps, most, nil
}

// withoutColours is a picture in gray (luma of ITU-R BT.601).
func withoutColours(p *image.RGBA) *image.RGBA {
	gray := image.NewRGBA(p.Rect)
	for i := 0; i < len(p.Pix); i += 4 {
		luma := uint8((299*int(p.Pix[i]) + 587*int(p.Pix[i+1]) + 114*int(p.Pix[i+2]) + 500) / 1000)
		copy(gray.Pix[i:], []uint8{luma, luma, luma, p.Pix[i+3]})
	}
	return gray
}

// notable is the part of the scale from which a difference gets a sign: below, the
// signs would be all that is seen of a head whose maps hardly differ.
const notable = 0.1

// extremes are the signs on a signed map: + on its greatest cell, − on its least,
// where they are at least as far from 0 as asked.
func extremes(m attention.Map, least float32) (marks []mark) {
	minus := attention.Map{Rows: m.Rows, Cols: m.Cols, Values: make([]float32, len(m.Values))}
	for i, v := range m.Values {
		minus.Values[i] = -v
	}
	for i, m := range []attention.Map{m, minus} {
		if low, high := m.Range(); high > 0 && high >= least && low < high {
			x, y := m.Peak(1e6, 1e6)
			marks = append(marks, mark{i == 0, x / 1e6, y / 1e6})
		}
	}
	return marks
}
