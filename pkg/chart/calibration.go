package chart

import (
	"errors"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/figure"
)

// Bin is the pictures whose predicted class has a probability above Low and not above High. All but Images are from 0
// to 1.
type Bin struct {
	Low        float64
	High       float64
	Images     int
	Confidence float64 // mean probability of the predicted class
	Right      float64 // the part that is right: as large as Confidence where a model is calibrated
}

// Calibration is a reliability diagram (Guo et al., ICML 2017), 3.4 by 4 inches: how many pictures of each bin are
// right, with Wilson's 95 % interval, and below it how many there are. Below the diagonal the model is too sure of
// itself.
func Calibration(title string, bins []Bin) (*figure.Plot, error) {
	if len(bins) == 0 {
		return nil, errors.New("there is no calibration to draw")
	}
	return figure.NewPlot(calibration{title, bins}, 3.4*vg.Inch, 4*vg.Inch)
}

type calibration struct {
	title string
	bins  []Bin
}

// Draw is for figure.NewPlot.
func (d calibration) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	above, below := newPlot("", "right (%)"), newPlot("probability of the predicted class (%)", "pictures")
	quarters := ticks(plain, 0, 25, 50, 75, 100)
	most := 0
	for _, b := range d.bins {
		most = max(most, b.Images)
	}
	above.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		c.StrokeLine2(draw.LineStyle{Color: gray, Width: 0.75, Dashes: []vg.Length{3, 2}}, x(0), y(0), x(100), y(100))
		for _, b := range d.bins {
			if b.Images == 0 {
				continue
			}
			at, interval := x(100*b.Confidence), stats.Wilson(int(b.Right*float64(b.Images)+0.5), b.Images)
			c.StrokeLine2(draw.LineStyle{Color: blue, Width: 1}, at, y(interval[0]), at, y(interval[1]))
			c.DrawGlyph(draw.GlyphStyle{Color: blue, Radius: 2.5, Shape: draw.CircleGlyph{}},
				vg.Point{X: at, Y: y(100 * b.Right)})
		}
	}))
	above.Title.Text = d.title
	above.Title.TextStyle.Font, above.Title.Padding = style(letters, 0, 0).Font, 4
	below.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		s := style(little-0.5, text.XCenter, text.YBottom)
		for _, b := range d.bins {
			if b.Images == 0 {
				continue
			}
			left, right := x(100*b.Low)+0.75, x(100*b.High)-0.75
			fill(c, left, y(0), right-left, y(float64(b.Images))-y(0), color.Gray{0xa8})
			c.FillText(s, vg.Point{X: (left + right) / 2, Y: y(float64(b.Images)) + 1}, short(b.Images))
		}
	}))
	for _, p := range []*plot.Plot{above, below} {
		p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 100, quarters
	}
	above.Y.Min, above.Y.Max, above.Y.Tick.Marker = 0, 100, quarters
	whole := slices.DeleteFunc(steps(float64(most), 3), func(v float64) bool { return v != math.Trunc(v) })
	below.Y.Min, below.Y.Max = 0, float64(most)*1.2
	below.Y.Tick.Marker = ticks(func(v float64) string { return short(int(v)) }, whole...)
	column(c, []*plot.Plot{above, below}, []float64{0.68, 0.32})
}

// short is a count in at most four letters or so.
func short(n int) string {
	switch {
	case n >= 1e6:
		return strconv.FormatFloat(float64(n)/1e6, 'g', 3, 64) + "M"
	case n >= 1e4:
		return strconv.FormatFloat(float64(n)/1e3, 'g', 3, 64) + "k"
	}
	return strconv.Itoa(n)
}

// plotFunc is a plot.Plotter that is one function.
type plotFunc func(draw.Canvas, *plot.Plot)

func (f plotFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }
