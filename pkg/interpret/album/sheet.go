package album

import (
	"fmt"
	"image"
	"image/color"
	"path"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/page"
)

const (
	sheetRows  = 8
	sheetSide  = 300         // pixels of a panel's longer side: 300 dots an inch where nine stand beside each other
	sheetWidth = 7 * vg.Inch // at most
	widest     = 62          // points, a panel: few heads make a narrower sheet
	sheetHeads = 16          // more would be too small to see
)

// sheetLook is that of the page. The published blur is made for panels of a photograph's size.
var sheetLook = figure.Options{Smoothing: figure.Cubic, Colormap: "viridis", Opacity: 0.5}

// sheet gathers the rows of a contact sheet.
type sheet struct {
	of, seen     int // pictures
	shown        int
	right, wrong []sheetRow
}

type sheetRow struct {
	group, heading string
	panels         []*image.RGBA
}

func (s *sheet) add(p *interpret.Picture, subject *interpret.Subject) error {
	i := s.seen
	s.seen++
	if !chosen(i, s.of, sheetRows) {
		return nil
	}
	s.shown++
	photo := page.Fit(p.Photo, sheetSide)
	row := func(class int, heading, group string) error {
		r := sheetRow{group: group, heading: heading, panels: []*image.RGBA{photo}}
		for head, m := range append([]attention.Map{p.Averages[class]}, p.Maps[class]...) {
			if head > sheetHeads {
				break
			}
			panel, err := figure.Overlay(m, photo, sheetLook)
			if err != nil {
				return err
			}
			r.panels = append(r.panels, panel)
		}
		if p.Right {
			s.right = append(s.right, r)
		} else {
			s.wrong = append(s.wrong, r)
		}
		return nil
	}
	file, name, taken := path.Base(p.Image), letters.Isolate(attention.Plain(p.Name)),
		letters.Isolate(attention.Plain(p.Predicted.Name))
	own := percent(p.Probability())
	switch {
	case subject.Taken >= 0:
		group := name + " taken for " + taken
		if err := row(0, fmt.Sprintf("%s, for %s (%s)", file, name, own), group); err != nil {
			return err
		}
		return row(1, fmt.Sprintf("the same, for %s (%s)", taken, percent(p.Predicted.Probability)), group)
	case p.Right:
		return row(p.True(), fmt.Sprintf("%s: %s", file, own), "Right")
	}
	heading := fmt.Sprintf("%s: %s %s, %s %s", file, taken, percent(p.Predicted.Probability), name, own)
	return row(p.True(), heading, "Taken for another class")
}

func (s *sheet) plot(title string) (*figure.Plot, error) {
	if s.shown == 0 {
		return nil, fmt.Errorf("there is no picture to show")
	}
	d := &sheetDrawing{title: title, rows: slices.Concat(s.right, s.wrong)}
	if s.of > sheetRows {
		d.title += fmt.Sprintf(", %d of %d pictures", s.shown, s.of)
	}
	return figure.NewPlot(d, d.width(), d.layout())
}

// sheetDrawing draws rows of panels below each other, each with its heading.
type sheetDrawing struct {
	title string
	rows  []sheetRow
}

const (
	sheetMargin = 4 // that figure.Plot keeps
	sheetGap    = 3
	titleSize   = 9
	groupSize   = 8
	labelSize   = 6.5
	leading     = 1.25
)

func (d *sheetDrawing) slot() vg.Length {
	n := len(d.rows[0].panels)
	return min(widest, (sheetWidth-2*sheetMargin-vg.Length(n-1)*sheetGap)/vg.Length(n))
}

func (d *sheetDrawing) width() vg.Length {
	n := vg.Length(len(d.rows[0].panels))
	return 2*sheetMargin + n*d.slot() + (n-1)*sheetGap
}

// rowHeight is that of the panels, at most as high as they are wide by half.
func (d *sheetDrawing) rowHeight(r sheetRow) vg.Length {
	size := r.panels[0].Rect.Size()
	return d.slot() * min(1.5, vg.Length(size.Y)/vg.Length(size.X))
}

func (d *sheetDrawing) layout() vg.Length {
	height := vg.Length(2*sheetMargin + titleSize*leading + labelSize*leading)
	group := ""
	for _, r := range d.rows {
		if r.group != group {
			height += groupSize*leading + 2
			group = r.group
		}
		height += labelSize*leading + d.rowHeight(r) + sheetGap
	}
	return height
}

// Draw is for figure.NewPlot.
func (d *sheetDrawing) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	write := func(s string, size vg.Length, x text.XAlignment, at vg.Point, width vg.Length, ink color.Color) {
		style := text.Style{Color: ink, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size),
			XAlign: x, YAlign: text.YTop,
			Handler: letters.Handler{Plain: text.Plain{Fonts: plot.DefaultTextHandler.Cache()}}}
		s = letters.Shorten(s, func(s string) bool { return style.Width(s) <= width })
		c.FillText(style, at, s)
	}
	left, slot := c.Min.X, d.slot()
	width := c.Max.X - c.Min.X
	y := c.Max.Y
	write(d.title, titleSize, text.XCenter, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: y}, width, color.Black)
	y -= titleSize * leading
	for i := range d.rows[0].panels {
		label := fmt.Sprintf("Head %d", i-1)
		switch i {
		case 0:
			label = "Input"
		case 1:
			label = "Mean"
		}
		middle := left + vg.Length(i)*(slot+sheetGap) + slot/2
		write(label, labelSize, text.XCenter, vg.Point{X: middle, Y: y}, slot, color.Black)
	}
	y -= labelSize * leading
	group := ""
	for _, r := range d.rows {
		if r.group != group {
			group = r.group
			y -= 2
			write(group, groupSize, text.XLeft, vg.Point{X: left, Y: y}, width, color.Black)
			y -= groupSize * leading
		}
		write(r.heading, labelSize, text.XLeft, vg.Point{X: left, Y: y}, width, color.Gray{0x50})
		y -= labelSize * leading
		h := d.rowHeight(r)
		size := r.panels[0].Rect.Size()
		w := h * vg.Length(size.X) / vg.Length(size.Y)
		for i, panel := range r.panels {
			x := left + vg.Length(i)*(slot+sheetGap) + (slot-w)/2
			c.DrawImage(vg.Rectangle{Min: vg.Point{X: x, Y: y - h}, Max: vg.Point{X: x + w, Y: y}}, panel)
		}
		y -= h + sheetGap
	}
}
