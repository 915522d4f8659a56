package book

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/figure"
)

// Lengths of a plate, in points.
const (
	plateWidth   = 7 * vg.Inch // the text width of a page
	plateMargin  = 4           // of figure.Plot
	plateGap     = 12          // between pictures, and between the two sides
	plateLabel   = 40          // for "Head 1"
	rowSpace     = 6           // above and below a row of patches
	leading      = 1.25
	plateExample = 700 // pixels
	platePatch   = 160
)

// Blue and vermilion of Okabe and Ito (2008), which no form of colour blindness confuses.
var (
	blue      = color.RGBA{0x00, 0x72, 0xb2, 255}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 255}
	dim       = color.Gray{0x5c}
	pale      = color.Gray{0xdd}
)

func style(size vg.Length, c color.Color) text.Style {
	face := font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
	plain := text.Plain{Fonts: plot.DefaultTextHandler.Cache()}
	return text.Style{Color: c, Font: face, Handler: letters.Handler{Plain: plain}}
}

// plate draws one class.
type plate struct {
	card     *pageCard // its words
	examples []image.Image
	captions []string
	rows     []plateRow
	foot     string
}

type plateRow struct {
	words  pageRow
	strips []image.Image // nil where there is none
}

// Plate is the card of one class (Find) as a figure: for paper, and for notebooks that show nothing but pictures. It
// has the width of a page's text.
func Plate(g *fieldguide.Guide, class string) (*figure.Plot, error) {
	s, err := g.Find(class)
	if err != nil {
		return nil, err
	}
	f := &files{root: g.Root, upright: g.About.Upright}
	p := &plate{card: words(g, s), foot: fmt.Sprintf(
		"%d patches of each head of decoder layer %d that were attended to most, %d cells of the feature map wide.",
		g.About.Patches, g.About.Layer+1, g.About.Cells)}
	if g.About.Parts != nil {
		p.foot += " Bars: how often the peak is on the part; black, the 95 % interval; orange, chance."
	}
	p.foot += fmt.Sprintf(" %s of %s, checkpoint %s.", g.About.Split, filepath.Base(g.About.Dataset),
		filepath.Base(g.About.Checkpoint))
	for _, x := range whole(g, s) {
		pixels, err := f.example(x.patch, x.m, plateExample)
		if err != nil {
			return nil, err
		}
		p.examples, p.captions = append(p.examples, pixels), append(p.captions, x.caption)
	}
	for i := range s.Heads {
		row := plateRow{words: p.card.Heads[i]}
		for k, of := range []*fieldguide.Species{s, g.At(s.LookAlike)} {
			if k == len(row.words.Sides) {
				break
			}
			var strip image.Image
			if h := of.Head(s.Heads[i].Index); h != nil {
				if strip, err = f.strip(h, g.About.Patches, platePatch); err != nil {
					return nil, err
				}
			}
			row.strips = append(row.strips, strip)
		}
		p.rows = append(p.rows, row)
	}
	height := p.draw(nil, 0)
	return figure.NewPlot(p, plateWidth, max(height+2*plateMargin, vg.Inch))
}

// Draw is for figure.NewPlot.
func (p *plate) Draw(c draw.Canvas) { p.draw(&c, c.Max.Y) }

// draw draws the plate below y, where there is a canvas, and gives its height.
func (p *plate) draw(c *draw.Canvas, from vg.Length) vg.Length {
	y, left, width := from, vg.Length(0), plateWidth-2*plateMargin
	if c != nil {
		left = c.Min.X
	}
	write := func(s string, by text.Style, x, y, width vg.Length) vg.Length {
		size := by.Font.Size
		for _, line := range wrap(s, by, width) {
			y -= size * leading
			if c != nil {
				c.FillText(by, vg.Point{X: x, Y: y + size*0.25}, line)
			}
		}
		return y
	}
	picture := func(img image.Image, x, y, w, h vg.Length) {
		if c != nil {
			c.DrawImage(vg.Rectangle{Min: vg.Point{X: x, Y: y - h}, Max: vg.Point{X: x + w, Y: y}}, img)
		}
	}
	y = write(p.card.Name, style(15, color.Black), left, y, width)
	y = write(p.card.Says, style(9, color.Black), left, y-1, width)
	y = write(p.card.Facts, style(7.5, dim), left, y-1, width)
	if len(p.examples) == 0 {
		return from - y
	}
	y -= 6
	const places = 3
	slot := (width - (places-1)*plateGap) / places
	lowest := y
	for i, img := range p.examples {
		size := img.Bounds().Size()
		w, h := slot, slot*vg.Length(size.Y)/vg.Length(size.X)
		if h > slot*1.2 {
			w, h = slot*1.2*vg.Length(size.X)/vg.Length(size.Y), slot*1.2
		}
		x := left + vg.Length(i)*(slot+plateGap)
		picture(img, x, y, w, h)
		lowest = min(lowest, write(p.captions[i], style(7.5, dim), x, y-h-1, slot))
	}
	y = lowest - 8
	half := (width - plateLabel - plateGap) / 2
	for i, side := range p.rows[0].words.Sides {
		write(side.Who, style(9, color.Black), left+plateLabel+vg.Length(i)*(half+plateGap), y, half)
	}
	y -= 9*leading + 2
	for _, row := range p.rows {
		if c != nil {
			c.StrokeLine2(draw.LineStyle{Color: pale, Width: 0.5}, left, y, left+width, y)
		}
		y -= rowSpace
		write(fmt.Sprintf("Head %d", row.words.Number), style(9, color.Black), left, y, plateLabel)
		lowest := y - 9*leading
		for i, side := range row.words.Sides {
			x, below := left+plateLabel+vg.Length(i)*(half+plateGap), y
			if strip := row.strips[i]; strip != nil {
				size := strip.Bounds().Size()
				h := min(half*vg.Length(size.Y)/vg.Length(size.X), 60)
				picture(strip, x, y, h*vg.Length(size.X)/vg.Length(size.Y), h)
				below -= h
			}
			lowest = min(lowest, p.shares(c, side, x, below-2, half, write))
		}
		y = lowest - rowSpace + 2
	}
	y = write(p.foot, style(6.5, dim), left, y, width)
	return from - y
}

// shares draws how often a head is on parts, below its patches.
func (p *plate) shares(c *draw.Canvas, side pageSide, x, y, width vg.Length,
	write func(string, text.Style, vg.Length, vg.Length, vg.Length) vg.Length) vg.Length {
	const size, bar, thick = vg.Length(7), vg.Length(34), vg.Length(5)
	by := style(size, color.Black)
	at, lowest := x, y
	for _, share := range side.Parts {
		w := bar + 4 + by.Width(share.Text) + 10
		if at > x && at+w > x+width+10 {
			at, y = x, y-size*leading
		}
		if c != nil {
			middle := y - size*leading/2
			part := func(percent float64) vg.Length { return at + bar*vg.Length(percent/100) }
			fill := func(x0, x1, half vg.Length, with color.Color) {
				low, high := middle-half, middle+half
				c.FillPolygon(with, []vg.Point{{X: x0, Y: low}, {X: x1, Y: low}, {X: x1, Y: high}, {X: x0, Y: high}})
			}
			fill(at, at+bar, thick/2, pale)
			fill(at, part(share.Share.Share), thick/2, blue)
			fill(part(share.Range[0]), part(share.Range[1]), 0.6, color.Black)
			fill(part(share.Chance)-0.5, part(share.Chance)+0.5, thick/2+1, vermilion)
		}
		lowest = min(lowest, write(share.Text, by, at+bar+4, y, math.MaxInt16))
		at += w
	}
	if side.Note != "" {
		if w := by.Width(side.Note); at > x && at+w > x+width {
			at, y = x, y-size*leading
		}
		lowest = min(lowest, write(side.Note, style(size, dim), at, y, width-(at-x)))
	}
	return lowest
}

// wrap breaks a text into lines no wider than width.
func wrap(s string, by text.Style, width vg.Length) []string {
	s = strings.ReplaceAll(s, " %", "\u00a0%")
	return letters.Lines(s, func(line string) bool { return by.Width(line) <= width })
}

// A wholePicture is an example of a class, with what to say of it.
type wholePicture struct {
	patch        fieldguide.Patch
	m            attention.Map
	alt, caption string
}

// whole are the examples of a class.
func whole(g *fieldguide.Guide, s *fieldguide.Species) []wholePicture {
	if len(s.Heads) == 0 {
		return nil
	}
	name, like := letters.Isolate(attention.Plain(s.Name)), letters.Isolate(attention.Plain(s.Like))
	head, x := s.Heads[0].Index+1, &s.Examples
	const alt = "A %s, pale but for where head %d looked for it; its peak is framed%s"
	all := []wholePicture{{x.Patch, x.Own, fmt.Sprintf(alt, name, head, onThe(x.Patch)),
		fmt.Sprintf("%s: where head %d looked for it. The frame is the patch%s.", name, head, onThe(x.Patch))}}
	if x.HasLike {
		all = append(all, wholePicture{x.Patch, x.Like,
			fmt.Sprintf("The same picture, pale but for where head %d looked for the %s", head, like),
			fmt.Sprintf("The same picture, where the head looked for the %s instead.", like)})
	}
	if x.HasBeside {
		all = append(all, wholePicture{x.Beside, x.BesideMap, fmt.Sprintf(alt, like, head, onThe(x.Beside)),
			fmt.Sprintf("%s, where the head looked for it%s.", like, onThe(x.Beside))})
	}
	return all
}
