package chart

import (
	"errors"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/pkg/figure"
)

// Series is one of the things that a chart compares: what it is called, and which of six looks it has. The first two
// are drawn bolder; any other number is black.
type Series struct {
	Name string
	Look int
}

// Interval is a number and what it lies between.
type Interval struct{ Mean, Low, High float64 }

// A look is how a series is drawn: colours of Okabe and Ito (2008) which are of different lightness too, and a dash and
// a mark of its own for gray printers.
type look struct {
	color color.Color
	dash  []vg.Length
	mark  draw.GlyphDrawer
	full  bool
}

var seriesLooks = []look{
	{blue, nil, draw.CircleGlyph{}, true},
	{color.RGBA{0x56, 0xb4, 0xe9, 255}, []vg.Length{6, 2}, draw.BoxGlyph{}, true},
	{vermilion, []vg.Length{3, 1.5}, draw.PyramidGlyph{}, false},
	{color.RGBA{0xe6, 0x9f, 0x00, 255}, []vg.Length{5, 1.5, 1, 1.5}, draw.RingGlyph{}, false},
	{color.Gray{0x80}, []vg.Length{1, 1.5}, draw.CrossGlyph{}, false},
	{color.Gray{0x20}, []vg.Length{2, 2.5}, draw.PlusGlyph{}, false},
}

func (s Series) look() look {
	if s.Look >= 0 && s.Look < len(seriesLooks) {
		return seriesLooks[s.Look]
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

// Band is a curve and its interval, as parts of 1: from the first to the last X.
type Band struct {
	Of Series
	X  []float64
	Y  []Interval
}

// Panel is one of several plots: what it shows, what is along its X, and curves of which the first lie on top.
type Panel struct {
	Title, X string
	Bands    []Band
}

// Bands are plots of curves with their intervals, in percent: two columns of panels, what all of their Y are, and below
// them the key. It is 7 inches wide, the width of a page.
func Bands(y string, key []Series, left, right []Panel) (*figure.Plot, error) {
	if len(left) == 0 || len(right) == 0 {
		return nil, errors.New("there are no curves to draw")
	}
	d := bands{y, key, [2][]Panel{left, right}}
	return figure.NewPlot(d, pageWidth, bandsKey+bandsRow*vg.Length(d.rows()))
}

const bandsRow, bandsKey = 2.6 * vg.Inch, 34

type bands struct {
	y       string
	key     []Series
	columns [2][]Panel
}

func (d bands) rows() int { return max(len(d.columns[0]), len(d.columns[1])) }

// Draw is for figure.NewPlot.
func (d bands) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	const gap = 14
	half := (c.Size().X - gap) / 2
	height := (c.Size().Y - bandsKey) / vg.Length(d.rows())
	for column, panels := range d.columns {
		for row, panel := range panels {
			p := newPlot(panel.X, d.y)
			p.Title.Text = panel.Title
			p.Title.TextStyle.Font, p.Title.Padding = style(letters, 0, 0).Font, 4
			highest := 0.0
			for _, b := range panel.Bands {
				for _, y := range b.Y {
					highest = max(highest, 100*y.High)
				}
			}
			marks := steps(highest, 5)
			p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 100, ticks(plain, 0, 25, 50, 75, 100)
			p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, min(100, marks[len(marks)-1])*1.02, ticks(plain, marks...)
			p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) { drawBands(c, p, panel.Bands, marks) }))
			left, top := (half+gap)*vg.Length(column), height*vg.Length(row)
			p.Draw(draw.Crop(c, left, left+half-c.Size().X, c.Size().Y-top-height+4, -top))
		}
	}
	drawKey(draw.Crop(c, 24, 0, 0, bandsKey-4-c.Size().Y), d.key)
}

func drawBands(c draw.Canvas, p *plot.Plot, bands []Band, marks []float64) {
	x, y := p.Transforms(&c)
	gridlines(c, p, marks)
	for _, b := range bands {
		var low, high []vg.Point
		for i, at := range b.Y {
			low = append(low, vg.Point{X: x(100 * b.X[i]), Y: y(100 * at.Low)})
			high = append(high, vg.Point{X: x(100 * b.X[i]), Y: y(100 * at.High)})
		}
		slices.Reverse(high)
		c.FillPolygon(b.Of.look().faint(), append(low, high...))
	}
	for k, b := range slices.Backward(bands) {
		l := b.Of.look()
		var at []vg.Point
		for i, point := range b.Y {
			at = append(at, vg.Point{X: x(100 * b.X[i]), Y: y(100 * point.Mean)})
		}
		c.StrokeLines(l.stroke(), at)
		every := max(1, len(at)/7)
		for i := every/2 + k%every; i < len(at); i += every {
			c.DrawGlyph(l.glyph(), at[i])
		}
	}
}

// drawKey names the series, three beside each other.
func drawKey(c draw.Canvas, key []Series) {
	const columns, row, sample = 3, letters + 4, 22
	s := style(letters, text.XLeft, text.YCenter)
	width := c.Size().X / columns
	for i, series := range key {
		l := series.look()
		x := c.Min.X + width*vg.Length(i%columns)
		y := c.Max.Y - row*(vg.Length(i/columns)+0.5)
		c.StrokeLine2(l.stroke(), x, y, x+sample, y)
		c.DrawGlyph(l.glyph(), vg.Point{X: x + sample/2, Y: y})
		c.FillText(s, vg.Point{X: x + sample + 4, Y: y + 0.75}, series.Name)
	}
}

// Row is a measure of several series, from -1 to 1; those that have none are left out.
type Row struct {
	Name   string
	Higher bool // is better
	Scores map[Series]Interval
}

// Dots are measures as dots with their intervals, a row a measure and a mark a series. An arrow says which way is
// better; foot stands below the axis. It is 7 inches wide and as high as its rows need.
func Dots(key []Series, rows []Row, foot string) (*figure.Plot, error) {
	if len(rows) == 0 {
		return nil, errors.New("there are no measures to draw")
	}
	d := dots{key, rows, foot}
	return figure.NewPlot(d, pageWidth, vg.Length(len(rows))*d.row()+dotsTop+dotsBottom)
}

type dots struct {
	key  []Series
	rows []Row
	foot string
}

const (
	dotsTop, dotsBottom = 6, 68 // points
	dotsLeft            = 178   // points, for the names
	dotStep             = 4.6   // between two series of a row
)

func (d dots) row() vg.Length { return dotStep*vg.Length(len(d.key)) + 8 }

// Draw is for figure.NewPlot.
func (d dots) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	low := 0.0
	for _, row := range d.rows {
		for _, s := range row.Scores {
			low = min(low, s.Low)
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
		c.FillText(style(letters, text.XCenter, text.YTop), vg.Point{X: x(v), Y: bottom - 4},
			plain(math.Round(v*10)/10))
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
			c.FillText(name, vg.Point{X: left - 20, Y: top - d.row()/2 +
				(vg.Length(len(lines)-1)/2-vg.Length(k))*(letters+1.5)}, line)
		}
		c.FillText(style(letters, text.XCenter, text.YCenter), vg.Point{X: left - 10, Y: top - d.row()/2}, arrow)
		for k, series := range d.key {
			s, there := row.Scores[series]
			if !there {
				continue
			}
			l, y := series.look(), top-4-dotStep*(vg.Length(k)+0.5)
			c.StrokeLine2(draw.LineStyle{Color: l.color, Width: 0.9}, x(s.Low), y, x(s.High), y)
			c.DrawGlyph(l.glyph(), vg.Point{X: x(s.Mean), Y: y})
		}
	}
	c.FillText(style(little, text.XLeft, text.YTop), vg.Point{X: left, Y: bottom - 16}, d.foot)
	drawKey(draw.Crop(c, 24, 0, 0, 34-c.Size().Y), d.key)
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
