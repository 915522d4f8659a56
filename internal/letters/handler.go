package letters

import (
	"math"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Handler is gonum's handler of plain text, which measures all alphabets.
type Handler struct{ text.Plain }

// Box is of text.Handler.
func (h Handler) Box(s string, f font.Font) (width, height, depth vg.Length) {
	_, height, depth = h.Plain.Box("", f)
	return Width(h.Fonts.Lookup(f, f.Size), s), height, depth
}

// Draw is of text.Handler.
func (h Handler) Draw(c vg.Canvas, s string, by text.Style, at vg.Point) {
	f := h.Fonts.Lookup(by.Font, by.Font.Size)
	if strings.Contains(s, "\n") || Simple(f, s) {
		h.Plain.Draw(c, s, by, at)
		return
	}
	by.Handler = h
	c.Push()
	defer c.Pop()
	c.SetColor(by.Color)
	c.Rotate(by.Rotation)
	sin, cos := math.Sincos(by.Rotation)
	at = vg.Point{X: at.Y*vg.Length(sin) + at.X*vg.Length(cos), Y: at.Y*vg.Length(cos) - at.X*vg.Length(sin)}
	at.X += vg.Length(by.XAlign) * by.Width(s)
	at.Y += by.Height(s)*vg.Length(by.YAlign) - f.Extents().Ascent + by.Font.Size
	c.FillString(f, at, s)
}
