// Package chart plots plain numbers: confusions, calibration, how a training went, measures and curves with their
// intervals (evaluation/plots.Confusion and others have them drawn), and what a change to a picture changed.
// Charts are made for a printed page: 8-point letters, and colours that colour-blind readers and gray printers keep
// apart.
//
//	c, err := chart.Confusion([]string{"Wren", "Rook"}, []map[int]int{{0: 9}, {0: 2, 1: 7}}, []int{0, 1})
//	err = c.Save("confusion.pdf")
package chart

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	cut "github.com/gointr/gointr/internal/letters"
)

const (
	letters = 8 // points, as in the captions of most journals
	little  = 6.5
	hair    = 0.5 // points of an axis
)

// Blue and vermilion of Okabe and Ito (2008), which no form of colour blindness confuses; in gray the second is
// lighter.
var (
	blue      = color.RGBA{0x00, 0x72, 0xb2, 255}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 255}
	gray      = color.Gray{0x80}
	pale      = color.Gray{0xe0}
)

func style(size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: color.Black, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size),
		XAlign: x, YAlign: y, Handler: cut.Handler{Plain: text.Plain{Fonts: plot.DefaultTextHandler.Cache()}},
	}
}

// newPlot is a plot with nothing in it but two axes and what they are of.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, s := range []*text.Style{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
		&p.Legend.TextStyle} {
		s.Font = style(letters, 0, 0).Font
	}
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Tick.Length, p.Y.Tick.Length = 3, 3
	p.Legend.ThumbnailWidth = 16
	return p
}

// ticks puts a labelled tick at each number.
func ticks(label func(float64) string, at ...float64) plot.ConstantTicks {
	var all plot.ConstantTicks
	for _, v := range at {
		all = append(all, plot.Tick{Value: v, Label: label(v)})
	}
	return all
}

func plain(v float64) string { return cut.Powers(strconv.FormatFloat(v, 'g', 6, 64)) }

// steps are round numbers from 0 to most, about n of them, the last at most or above.
func steps(most float64, n int) []float64 {
	if !(most > 0) {
		return []float64{0, 1}
	}
	size := math.Pow(10, math.Floor(math.Log10(most/float64(n))))
	for _, times := range []float64{1, 2, 5, 10} {
		if most/(size*times) <= float64(n) {
			size *= times
			break
		}
	}
	var all []float64
	for i := 0.0; i == 0 || all[len(all)-1] < most*(1-1e-9); i++ {
		v, _ := strconv.ParseFloat(strconv.FormatFloat(i*size, 'g', 6, 64), 64)
		all = append(all, v)
	}
	return all
}

// gridlines are those that help to read heights.
func gridlines(c draw.Canvas, p *plot.Plot, at []float64) {
	_, y := p.Transforms(&c)
	for _, v := range at {
		if v > p.Y.Min && v <= p.Y.Max {
			c.StrokeLine2(draw.LineStyle{Color: pale, Width: hair}, c.Min.X, y(v), c.Max.X, y(v))
		}
	}
}

// column draws plots below each other, their axes in one line; heights are parts of the canvas, from the top.
func column(c draw.Canvas, plots []*plot.Plot, heights []float64) {
	var cells []draw.Canvas
	left, right := vg.Length(math.Inf(-1)), vg.Length(math.Inf(1))
	size, from := c.Size().Y, 0.0
	for i, p := range plots {
		cell := draw.Crop(c, 0, 0, size*vg.Length(1-from-heights[i]), -size*vg.Length(from))
		from += heights[i]
		data := p.DataCanvas(cell)
		left, right = max(left, data.Min.X), min(right, data.Max.X)
		cells = append(cells, cell)
	}
	for i, p := range plots {
		data := p.DataCanvas(cells[i])
		p.Draw(draw.Crop(cells[i], left-data.Min.X, right-data.Max.X, 0, 0))
	}
}

// shorten ends a text that is wider than width with an ellipsis.
func shorten(s string, by text.Style, width vg.Length) string {
	return cut.Shorten(s, func(s string) bool { return by.Width(s) <= width })
}
