package chart

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/pkg/figure"
)

const (
	pageWidth  = 7 * vg.Inch // of the text of a page
	mostShown  = 40          // classes, so that counts stay readable
	nameWidth  = 110         // points
	greatest   = 22          // points of a cell
	barWidth   = 8
	keyWidth   = 62
	keyGap     = 14
	labelSpace = 14 // for what an axis is of
)

// Confusion is a confusion matrix of classes by name, 7 inches wide at most: counts of pictures [true class][predicted
// class], without the zeros, of which 1 to 40 are shown, the others together as "other". What is right is framed; the
// rest is the darker, the larger a part of the true class's pictures it is.
func Confusion(names []string, counts []map[int]int, shown []int) (*figure.Plot, error) {
	if len(shown) < 1 || len(shown) > mostShown {
		return nil, fmt.Errorf("a confusion matrix of %d classes is not possible: choose 1 to %d", len(shown),
			mostShown)
	}
	m := &matrix{}
	label := style(letters, text.XRight, text.YCenter)
	widest := vg.Length(0)
	for _, a := range shown {
		row, pictures := make([]int, len(shown)+1), 0
		for b, n := range counts[a] {
			pictures += n
			at := slices.Index(shown, b)
			if at < 0 {
				at = len(shown)
				m.others = m.others || n > 0
			}
			row[at] += n
		}
		m.counts = append(m.counts, row)
		m.pictures = append(m.pictures, pictures)
		name := shorten(names[a], label, nameWidth)
		m.names = append(m.names, name)
		widest = max(widest, label.Width(name))
	}
	for i := range m.counts {
		for j, n := range m.counts[i][:len(shown)] {
			if j != i {
				m.darkest = max(m.darkest, m.share(i, n))
			}
		}
	}
	columns := vg.Length(len(shown))
	if m.others {
		columns += 1.3
	}
	m.left = labelSpace + widest + 4
	slanted := (widest + letters) * math.Sqrt2 / 2 // what the names of the columns take, in both directions
	m.top = slanted + 4
	right := max(keyGap+keyWidth, slanted)
	const margins = 8 // of figure.Plot
	m.cell = min(greatest, (pageWidth-margins-m.left-right)/columns)
	return figure.NewPlot(m, m.left+columns*m.cell+right+margins,
		m.top+max(m.cell*vg.Length(len(shown)), keyHeight)+labelSpace+margins)
}

// matrix draws a confusion matrix.
type matrix struct {
	names           []string
	counts          [][]int // [true][predicted], the last column is of all other classes
	pictures        []int   // of the true class
	others          bool    // whether there is anything in that column
	darkest         float64 // share
	left, top, cell vg.Length
}

// share is which part of class i's pictures n is.
func (m *matrix) share(i int, n int) float64 {
	return float64(n) / float64(max(1, m.pictures[i]))
}

// shade goes from white to a dark blue.
func shade(t float64) color.RGBA {
	mix := func(a, b float64) uint8 { return uint8(math.Round(a + (b-a)*t)) }
	return color.RGBA{mix(250, 8), mix(252, 48), mix(255, 107), 255}
}

func fill(c draw.Canvas, x, y, w, h vg.Length, with color.Color) {
	c.FillPolygon(with, []vg.Point{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + h}, {X: x, Y: y + h}})
}

func frame(c draw.Canvas, x, y, w, h, width vg.Length, in color.Color) {
	c.StrokeLines(draw.LineStyle{Color: in, Width: width}, []vg.Point{{X: x, Y: y}, {X: x + w, Y: y},
		{X: x + w, Y: y + h}, {X: x, Y: y + h}, {X: x, Y: y}, {X: x + w, Y: y}})
}

const (
	boldFrame = 1
	keyHeight = 92
	barHeight = 56
)

// Draw is for figure.NewPlot.
func (m *matrix) Draw(c draw.Canvas) {
	n := len(m.names)
	x0, y0 := c.Min.X+m.left, c.Max.Y-m.top
	side := m.cell * vg.Length(n)
	column := func(j int) vg.Length {
		if j == n {
			return x0 + side + 0.3*m.cell
		}
		return x0 + m.cell*vg.Length(j)
	}
	number := style(min(letters, m.cell*0.55), text.XCenter, text.YCenter)
	for i, row := range m.counts {
		y := y0 - m.cell*vg.Length(i+1)
		for j, count := range row {
			if j == n && !m.others {
				continue
			}
			x, with := column(j), color.Color(color.White)
			number.Color = color.Black
			switch share := m.share(i, count); {
			case i == j:
				with = pale
			case count > 0 && j < n:
				with = shade(share / m.darkest)
				if share > m.darkest/2 {
					number.Color = color.White
				}
			}
			fill(c, x, y, m.cell, m.cell, with)
			frame(c, x, y, m.cell, m.cell, 0.25, gray)
			if count > 0 || i == j {
				// As wide as the cell, however many pictures there are.
				s := number
				text := strconv.Itoa(count)
				if w := s.Width(text); w > m.cell-2 {
					s.Font.Size *= (m.cell - 2) / w
				}
				c.FillText(s, vg.Point{X: x + m.cell/2, Y: y + m.cell/2}, text)
			}
		}
	}
	for i := range n { // over the thin lines
		frame(c, column(i), y0-m.cell*vg.Length(i+1), m.cell, m.cell, boldFrame, color.Black)
	}
	size := min(letters, 0.62*m.cell)
	rows, columns := style(size, text.XRight, text.YCenter), style(size, text.XLeft, text.YCenter)
	columns.Rotation = math.Pi / 4
	for i, name := range m.names {
		c.FillText(rows, vg.Point{X: x0 - 4, Y: y0 - m.cell*(vg.Length(i)+0.5)}, name)
		c.FillText(columns, vg.Point{X: column(i) + m.cell/2, Y: y0 + 4}, name)
	}
	if m.others {
		columns.Color = color.Gray{0x50}
		c.FillText(columns, vg.Point{X: column(n) + m.cell/2, Y: y0 + 4}, "other")
	}
	label := style(letters, text.XCenter, text.YBottom)
	c.FillText(label, vg.Point{X: x0 + side/2, Y: y0 - side - labelSpace + 3}, "predicted class")
	label.Rotation, label.YAlign = math.Pi/2, text.YTop
	c.FillText(label, vg.Point{X: c.Min.X, Y: y0 - side/2}, "true class")
	right := x0 + side
	if m.others {
		right = column(n) + m.cell
	}
	m.key(c, right+keyGap, y0)
}

// key says what frame and colours are.
func (m *matrix) key(c draw.Canvas, x, y vg.Length) {
	left := style(little, text.XLeft, text.YCenter)
	fill(c, x, y-barWidth, barWidth, barWidth, pale)
	frame(c, x, y-barWidth, barWidth, barWidth, boldFrame, color.Black)
	c.FillText(left, vg.Point{X: x + barWidth + 4, Y: y - barWidth/2}, "right")
	if m.darkest == 0 {
		return
	}
	y -= 2*barWidth + 4
	const parts = 64
	for i := range parts {
		step := vg.Length(barHeight) / parts
		fill(c, x, y-barHeight+step*vg.Length(i), barWidth, step+0.2, shade((float64(i)+0.5)/parts))
	}
	frame(c, x, y-barHeight, barWidth, barHeight, 0.25, gray)
	left.YAlign = text.YTop
	c.FillText(left, vg.Point{X: x + barWidth + 4, Y: y + 1}, fmt.Sprintf("%.3g %% of the", 100*m.darkest))
	c.FillText(left, vg.Point{X: x + barWidth + 4, Y: y - little - 1}, "true class's")
	c.FillText(left, vg.Point{X: x + barWidth + 4, Y: y - 2*little - 3}, "pictures")
	left.YAlign = text.YBottom
	c.FillText(left, vg.Point{X: x + barWidth + 4, Y: y - barHeight - 1}, "none")
}
