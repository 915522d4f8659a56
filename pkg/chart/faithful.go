package chart

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/figure"
)

// A look is how a kind of map is drawn: colours of Okabe and Ito (2008) which are
// of different lightness too, and a dash and a mark of its own for gray printers.
type look struct {
	color color.Color
	dash  []vg.Length
	mark  draw.GlyphDrawer
	full  bool // INTR's own
}

var methodLooks = map[faithful.Method]look{
	faithful.Head:    {blue, nil, draw.CircleGlyph{}, true},
	faithful.Heads:   {color.RGBA{0x56, 0xb4, 0xe9, 255}, []vg.Length{6, 2}, draw.BoxGlyph{}, true},
	faithful.GradCAM: {vermilion, []vg.Length{3, 1.5}, draw.PyramidGlyph{}, false},
	faithful.Rollout: {color.RGBA{0xe6, 0x9f, 0x00, 255}, []vg.Length{5, 1.5, 1, 1.5}, draw.RingGlyph{}, false},
	faithful.Random:  {color.Gray{0x80}, []vg.Length{1, 1.5}, draw.CrossGlyph{}, false},
	faithful.Centre:  {color.Gray{0x20}, []vg.Length{2, 2.5}, draw.PlusGlyph{}, false},
}

func lookOf(m faithful.Method) look {
	if l, ok := methodLooks[m]; ok {
		return l
	}
	return look{color.Black, nil, draw.CircleGlyph{}, false}
}

func (l look) stroke() draw.LineStyle {
	width := vg.Length(1)
	if l.full {
		width = 1.5
	}
	return draw.LineStyle{Color: l.color, Width: width, Dashes: l.dash}
}

func (l look) glyph() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.color, Radius: 2.4, Shape: l.mark}
}

// faint is the colour of a band.
func (l look) faint() color.Color {
	r, g, b, _ := l.color.RGBA()
	return color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 36}
}

// FaithfulCurves is how the probability of the true class rises when a picture's
// pixels are shown in the order of a map, and falls when they are taken away: the
// mean over the pictures with its 95 % interval, for every kind of map; a row of
// panels for each fill. It is 7 inches wide, the width of a page.
func FaithfulCurves(r *faithful.Report) (*figure.Plot, error) {
	d := faithfulCurves{r: r, left: byFill(r.InsertionCurves), right: byFill(r.DeletionCurves)}
	if len(d.left) == 0 || len(d.right) == 0 {
		return nil, errors.New("the report has no insertion and deletion curves to draw")
	}
	return figure.NewPlot(d, pageWidth, curvesKey+curvesRow*vg.Length(d.rows()))
}

const curvesRow, curvesKey = 2.6 * vg.Inch, 34

type faithfulCurves struct {
	r           *faithful.Report
	left, right [][]faithful.Band // insertion and deletion, by fill
}

func (d faithfulCurves) rows() int { return max(len(d.left), len(d.right)) }

func byFill(bands []faithful.Band) (all [][]faithful.Band) {
	for i, b := range bands {
		if i == 0 || b.Fill != bands[i-1].Fill {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], b)
	}
	return all
}

// Draw is for figure.NewPlot.
func (d faithfulCurves) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	const gap = 14
	half := (c.Size().X - gap) / 2
	height := (c.Size().Y - curvesKey) / vg.Length(d.rows())
	for column, side := range []struct {
		x, title string
		rows     [][]faithful.Band
	}{
		{"pixels shown (%)", "insertion over %s: higher is better", d.left},
		{"pixels taken away (%)", "deletion by %s: lower is better", d.right},
	} {
		for row, bands := range side.rows {
			p := newPlot(side.x, "probability of the true class (%)")
			p.Title.Text = fmt.Sprintf(side.title, bands[0].Fill.Title())
			p.Title.TextStyle.Font, p.Title.Padding = style(letters, 0, 0).Font, 4
			highest := 0.0
			for _, b := range bands {
				for _, point := range b.Points {
					highest = max(highest, 100*point.High)
				}
			}
			marks := steps(highest, 5)
			p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 100, ticks(plain, 0, 25, 50, 75, 100)
			p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, min(100, marks[len(marks)-1])*1.02, ticks(plain, marks...)
			p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) { drawBands(c, p, bands, marks) }))
			left, top := (half+gap)*vg.Length(column), height*vg.Length(row)
			p.Draw(draw.Crop(c, left, left+half-c.Size().X, c.Size().Y-top-height+4, -top))
		}
	}
	methodKey(draw.Crop(c, 24, 0, 0, curvesKey-4-c.Size().Y), d.r.Methods)
}

func drawBands(c draw.Canvas, p *plot.Plot, bands []faithful.Band, marks []float64) {
	x, y := p.Transforms(&c)
	for _, v := range marks {
		if v > p.Y.Min && v <= p.Y.Max {
			c.StrokeLine2(draw.LineStyle{Color: pale, Width: hair}, c.Min.X, y(v), c.Max.X, y(v))
		}
	}
	for _, b := range bands {
		var low, high []vg.Point
		for _, at := range b.Points {
			low = append(low, vg.Point{X: x(100 * at.Fraction), Y: y(100 * at.Low)})
			high = append(high, vg.Point{X: x(100 * at.Fraction), Y: y(100 * at.High)})
		}
		for i := len(high) - 1; i >= 0; i-- {
			low = append(low, high[i])
		}
		c.FillPolygon(lookOf(b.Method).faint(), low)
	}
	// INTR's own come last, on top.
	for k := len(bands) - 1; k >= 0; k-- {
		b := bands[k]
		l := lookOf(b.Method)
		var at []vg.Point
		for _, point := range b.Points {
			at = append(at, vg.Point{X: x(100 * point.Fraction), Y: y(100 * point.Mean)})
		}
		c.StrokeLines(l.stroke(), at)
		every := max(1, len(at)/7)
		for i := every/2 + k%every; i < len(at); i += every {
			c.DrawGlyph(l.glyph(), at[i])
		}
	}
}

// methodKey names the kinds of maps, three beside each other.
func methodKey(c draw.Canvas, methods []faithful.Method) {
	const columns, row, sample = 3, letters + 4, 22
	s := style(letters, text.XLeft, text.YCenter)
	width := c.Size().X / columns
	for i, m := range methods {
		l := lookOf(m)
		x := c.Min.X + width*vg.Length(i%columns)
		y := c.Max.Y - row*(vg.Length(i/columns)+0.5)
		c.StrokeLine2(l.stroke(), x, y, x+sample, y)
		c.DrawGlyph(l.glyph(), vg.Point{X: x + sample/2, Y: y})
		c.FillText(s, vg.Point{X: x + sample + 4, Y: y + 0.75}, m.Title())
	}
}

// Faithful is every measure of a report as dots with their 95 % intervals, a row a
// measure and a mark a kind of map. An arrow says which way is better. It is 7
// inches wide and as high as its measures need.
func Faithful(r *faithful.Report) (*figure.Plot, error) {
	var rows []faithful.Measure
	for _, m := range r.Measures {
		if len(m.Scores) > 1 {
			rows = append(rows, m)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("the report has no measures to draw")
	}
	d := faithfulDots{r, rows}
	return figure.NewPlot(d, pageWidth, vg.Length(len(rows))*d.row()+dotsTop+dotsBottom)
}

type faithfulDots struct {
	r    *faithful.Report
	rows []faithful.Measure
}

const (
	dotsTop, dotsBottom = 6, 68 // points
	dotsLeft            = 178   // points, for the names
	dotStep             = 4.6   // between two methods of a row
)

func (d faithfulDots) row() vg.Length { return dotStep*vg.Length(len(d.r.Methods)) + 8 }

// Draw is for figure.NewPlot.
func (d faithfulDots) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	low := 0.0
	for _, row := range d.rows {
		for _, s := range row.Scores {
			low = min(low, s.Range[0])
		}
	}
	low = math.Floor(low*5) / 5
	left, right := c.Min.X+dotsLeft, c.Max.X-10
	x := func(v float64) vg.Length { return left + (right-left)*vg.Length((v-low)/(1-low)) }
	bottom := c.Max.Y - dotsTop - d.row()*vg.Length(len(d.rows))
	for v := low; v < 1.001; v += 0.2 {
		line := draw.LineStyle{Color: pale, Width: hair}
		if math.Abs(v) < 1e-9 {
			line.Color = gray
		}
		c.StrokeLine2(line, x(v), bottom, x(v), c.Max.Y-dotsTop)
		c.FillText(style(letters, text.XCenter, text.YTop), vg.Point{X: x(v), Y: bottom - 4}, plain(math.Round(v*10)/10))
	}
	name := style(letters, text.XRight, text.YCenter)
	for i, row := range d.rows {
		top := c.Max.Y - dotsTop - d.row()*vg.Length(i)
		if i > 0 {
			c.StrokeLine2(draw.LineStyle{Color: pale, Width: hair}, c.Min.X, top, right, top)
		}
		arrow := "→"
		if !row.Higher {
			arrow = "←"
		}
		lines := wrapped(row.Name, name, dotsLeft-26)
		for k, line := range lines {
			c.FillText(name, vg.Point{X: left - 20, Y: top - d.row()/2 + (vg.Length(len(lines)-1)/2-vg.Length(k))*(letters+1.5)}, line)
		}
		c.FillText(style(letters, text.XCenter, text.YCenter), vg.Point{X: left - 10, Y: top - d.row()/2}, arrow)
		for k, method := range d.r.Methods {
			s := row.Of(method)
			if s == nil {
				continue
			}
			l := lookOf(method)
			y := top - 4 - dotStep*(vg.Length(k)+0.5)
			c.StrokeLine2(draw.LineStyle{Color: l.color, Width: 0.9}, x(s.Range[0]), y, x(s.Range[1]), y)
			c.DrawGlyph(l.glyph(), vg.Point{X: x(s.Mean), Y: y})
		}
	}
	c.FillText(style(little, text.XLeft, text.YTop), vg.Point{X: left, Y: bottom - 16},
		fmt.Sprintf("mean and 95 %% interval of %d pictures; the arrow points to what is better", d.r.Images))
	methodKey(draw.Crop(c, 24, 0, 0, 34-c.Size().Y), d.r.Methods)
}

// wrapped breaks a text into at most two lines of a width.
func wrapped(s string, by text.Style, width vg.Length) []string {
	if by.Width(s) <= width {
		return []string{s}
	}
	cut := 0
	for i, letter := range s {
		if letter == ' ' && by.Width(s[:i]) <= width {
			cut = i
		}
	}
	if cut == 0 {
		return []string{shorten(s, by, width)}
	}
	return []string{s[:cut], shorten(s[cut+1:], by, width)}
}
