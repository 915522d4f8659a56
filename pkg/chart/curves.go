package chart

import (
	"errors"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	cut "github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/figure"
)

// Epoch is how one epoch of a training went. NaN stands for what was not measured; the names in brackets are the keys
// of the published log.txt.
type Epoch struct {
	Epoch     int     // from 0 [epoch]
	TrainLoss float64 // mean over the epoch [train_loss]
	TestLoss  float64 // on the validation pictures after it [test_loss]
	TestAcc1  float64 // percent [test_acc1]
	TestAcc5  float64 // percent [test_acc5]
	LR        float64 // learning rate [train_lr]
}

// Curves is how a training went, epoch by epoch (shown from 1): loss in training and validation, accuracy, learning
// rate, side by side, 7 by 2.1 inches. One epoch is enough; none is an error.
func Curves(epochs []Epoch) (*figure.Plot, error) {
	if len(epochs) == 0 {
		return nil, errors.New("there are no curves to draw before the first epoch has ended")
	}
	return figure.NewPlot(curves(epochs), pageWidth, 2.1*vg.Inch)
}

type curves []Epoch

// A line is one curve of a panel. The second of a panel is dashed and has squares, so that it is told apart in gray,
// too.
type line struct {
	name  string
	value func(Epoch) float64
}

// Draw is for figure.NewPlot.
func (e curves) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	panels := []*plot.Plot{
		e.panel("loss", 0, plain, line{"training", func(e Epoch) float64 { return e.TrainLoss }},
			line{"validation", func(e Epoch) float64 { return e.TestLoss }}),
		e.panel("right (%), validation", 100, plain, line{"acc1", func(e Epoch) float64 { return e.TestAcc1 }},
			line{"acc5", func(e Epoch) float64 { return e.TestAcc5 }}),
		e.panel("learning rate", 0, rate, line{"", func(e Epoch) float64 { return e.LR }}),
	}
	const gap = 10
	width := (c.Size().X - gap*vg.Length(len(panels)-1)) / vg.Length(len(panels))
	for i, p := range panels {
		left := (width + gap) * vg.Length(i)
		p.Draw(draw.Crop(c, left, left+width-c.Size().X, 0, 0))
	}
}

// panel is a plot of lines over the epochs, from 0 to most, or to what there is.
func (e curves) panel(label string, most float64, number func(float64) string, lines ...line) *plot.Plot {
	p := newPlot("epoch", label)
	by := func(a, b Epoch) int { return a.Epoch - b.Epoch }
	first, last := slices.MinFunc(e, by).Epoch+1, slices.MaxFunc(e, by).Epoch+1
	highest := most
	var all []plotter.XYs
	for _, l := range lines {
		var points plotter.XYs
		for _, epoch := range e {
			v := l.value(epoch)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			points = append(points, plotter.XY{X: float64(epoch.Epoch + 1), Y: v})
			if most == 0 {
				highest = max(highest, v)
			}
		}
		all = append(all, points)
	}
	p.Y.Min, p.Y.Max = 0, highest
	marks := steps(highest, 5)
	if most == 0 {
		p.Y.Max = max(highest*1.05, marks[1]/2)
	}
	p.Y.Tick.Marker = ticks(number, marks...)
	room := 0.03 * float64(last-first) // so that no mark is cut
	if first == last {
		room = 0.5
	}
	p.X.Min, p.X.Max = float64(first)-room, float64(last)+room
	p.X.Tick.Marker = ticks(plain, epochTicks(first, last)...)
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		gridlines(c, p, marks)
		for i, points := range all {
			stroke, glyph := looks(i)
			var at []vg.Point
			for _, point := range points {
				at = append(at, vg.Point{X: x(point.X), Y: y(point.Y)})
			}
			if len(at) > 1 {
				c.StrokeLines(stroke, at)
			}
			// As many marks as can be told apart.
			every := 1 + len(at)/16
			for k := len(at) - 1; k >= 0; k -= every {
				c.DrawGlyph(glyph, at[k])
			}
		}
	}))
	if len(lines) > 1 {
		p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) { legend(c, lines, all, p) }))
	}
	return p
}

func looks(i int) (draw.LineStyle, draw.GlyphStyle) {
	if i == 0 {
		return draw.LineStyle{Color: blue, Width: 1.25},
			draw.GlyphStyle{Color: blue, Radius: 2, Shape: draw.CircleGlyph{}}
	}
	return draw.LineStyle{Color: vermilion, Width: 1.25, Dashes: []vg.Length{3, 1.5}},
		draw.GlyphStyle{Color: vermilion, Radius: 2, Shape: draw.BoxGlyph{}}
}

// legend names the lines in the corner of a panel where the fewest points are.
func legend(c draw.Canvas, lines []line, all []plotter.XYs, p *plot.Plot) {
	const sample, pad, row = 16, 3, letters + 3
	s := style(letters, text.XLeft, text.YCenter)
	width := vg.Length(0)
	for _, l := range lines {
		width = max(width, s.Width(l.name))
	}
	width += sample + 3*pad
	height := vg.Length(len(lines))*row + pad
	x, y := p.Transforms(&c)
	var best vg.Point
	fewest := math.MaxInt
	for _, corner := range []vg.Point{
		{X: c.Max.X - width - pad, Y: c.Max.Y - pad}, {X: c.Max.X - width - pad, Y: c.Min.Y + height + pad},
		{X: c.Min.X + pad, Y: c.Max.Y - pad}, {X: c.Min.X + pad, Y: c.Min.Y + height + pad},
		{X: c.Max.X - width - pad, Y: (c.Min.Y + c.Max.Y + height) / 2},
	} {
		hidden := 0
		for _, points := range all {
			for _, at := range points {
				if px, py := x(at.X), y(at.Y); px > corner.X-pad && px < corner.X+width+pad && py < corner.Y+pad &&
					py > corner.Y-height-pad {
					hidden++
				}
			}
		}
		if hidden < fewest {
			best, fewest = corner, hidden
		}
	}
	fill(c, best.X, best.Y-height, width, height, color.NRGBA{255, 255, 255, 220})
	for i, l := range lines {
		at := vg.Point{X: best.X + pad, Y: best.Y - pad/2 - row*(vg.Length(i)+0.5)}
		stroke, glyph := looks(i)
		c.StrokeLine2(stroke, at.X, at.Y, at.X+sample, at.Y)
		c.DrawGlyph(glyph, vg.Point{X: at.X + sample/2, Y: at.Y})
		c.FillText(s, vg.Point{X: at.X + sample + pad, Y: at.Y + 0.75}, l.name)
	}
}

// epochTicks are some of the epochs, whole numbers: all of a few.
func epochTicks(first, last int) (at []float64) {
	every := 1
	for _, step := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000} {
		if every = step; (last-first)/step < 7 {
			break
		}
	}
	for i := first; i <= last; i++ {
		if i%every == 0 || every == 1 {
			at = append(at, float64(i))
		}
	}
	return at
}

// rate is a small number as people write it: 5×10⁻⁵.
func rate(v float64) string {
	if v == 0 || v >= 1e-3 {
		return plain(v)
	}
	return cut.Powers(strconv.FormatFloat(v, 'e', -1, 64))
}
