package figure

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/gointr/gointr/internal/letters"
)

// Drawer draws itself on a canvas, as a *plot.Plot of gonum does. (The interface
// keeps gonum's 4 MB of fonts out of programs that plot nothing.)
type Drawer interface{ Draw(draw.Canvas) }

// Plot is a plot of one's own at a size, to be written as a Figure is: its PNG has 300 dots an inch.
type Plot struct {
	drawer        Drawer
	width, height vg.Length
}

const (
	plotDPI    = 300
	plotMargin = 4 // gonum draws up to the edge
)

// NewPlot gives a plot the size it is to have on paper.
func NewPlot(d Drawer, width, height vg.Length) (*Plot, error) {
	if d == nil {
		return nil, errors.New("there is no plot to draw")
	}
	if !(min(width, height) >= vg.Inch/2 && max(width, height) <= 60*vg.Inch) {
		return nil, fmt.Errorf("a plot of %.3g x %.3g inches is not possible: give half an inch to 60 inches, 7 for "+
			"the text width of a page", width/vg.Inch, height/vg.Inch)
	}
	return &Plot{d, width, height}, nil
}

// Size is the width and height of the plot.
func (p *Plot) Size() (width, height vg.Length) { return p.width, p.height }

// Save writes the plot as .png, .svg, .pdf or .eps, as Figure.Save does.
func (p *Plot) Save(path string) error {
	return save(path, p, "end the name with .png, .svg, .pdf or .eps")
}

// PNG is the plot as pixels, with its printed size inside.
func (p *Plot) PNG() ([]byte, error) {
	if w, h := p.width.Dots(plotDPI), p.height.Dots(plotDPI); w*h > largestPNG {
		return nil, fmt.Errorf("a PNG of %.0f x %.0f pixels is too large: make the plot smaller", math.Round(w),
			math.Round(h))
	}
	canvas := vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(plotDPI))
	if err := p.draw(letters.Canvas{Canvas: canvas}); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas.Image()); err != nil {
		return nil, err
	}
	return withChunks(out.Bytes(), resolution(plotDPI)), nil
}

// SVG is the plot with its text as text.
func (p *Plot) SVG() ([]byte, error) { return asSVG(p.width, p.height, p.draw) }

// PDF is the plot as one page of its own size.
func (p *Plot) PDF() ([]byte, error) { return asPDF(p.width, p.height, "", p.draw) }

// EPS is the plot as PostScript, its letters as curves.
func (p *Plot) EPS() ([]byte, error) { return asEPS(p.width, p.height, p.draw) }

// draw draws the plot. gonum panics where a plot cannot be drawn, as with a logarithmic axis from 0.
func (p *Plot) draw(c vg.Canvas) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("the plot cannot be drawn: %v", why)
		}
	}()
	p.drawer.Draw(draw.Crop(draw.NewCanvas(c, p.width, p.height), plotMargin, -plotMargin, plotMargin, -plotMargin))
	return nil
}
