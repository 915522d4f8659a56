// Package picture reads any picture the way Pillow does, resizes it the way
// Pillow does, and turns it into the numbers that INTR was trained on.
package picture

import (
	"fmt"
	"image"
	"image/color"

	"github.com/gointr/gointr/internal/parallel"
)

// Picture is 8-bit RGB, three bytes a pixel, rows from the top. It is an
// [image.Image], so the encoders of the standard library write it.
type Picture struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3]
}

// New is a black picture of width by height pixels.
func New(width, height int) *Picture {
	return &Picture{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
}

// ColorModel is RGBA; every pixel is opaque.
func (p *Picture) ColorModel() color.Model { return color.RGBAModel }

// Bounds is the rectangle from (0, 0) to (Width, Height).
func (p *Picture) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// At is the pixel in column x of row y; outside the picture it is transparent.
func (p *Picture) At(x, y int) color.Color { return p.RGBAAt(x, y) }

// RGBAAt is At without the interface.
func (p *Picture) RGBAAt(x, y int) color.RGBA {
	if !(image.Point{X: x, Y: y}).In(p.Bounds()) {
		return color.RGBA{}
	}
	rgb := p.Pix[(y*p.Width+x)*3:][:3]
	return color.RGBA{R: rgb[0], G: rgb[1], B: rgb[2], A: 255}
}

// Opaque is true: it lets encoders leave the alpha channel out.
func (p *Picture) Opaque() bool { return true }

// row is row y, three bytes a pixel.
func (p *Picture) row(y int) []uint8 { return p.Pix[y*p.Width*3:][:p.Width*3] }

// Flip is the picture's mirror image, left and right exchanged.
func (p *Picture) Flip() *Picture {
	out := New(p.Width, p.Height)
	parallel.Each(p.Height, func(y int) {
		from, to := p.row(y), out.row(y)
		for x, end := 0, len(from)-3; x <= end; x += 3 {
			to[x], to[x+1], to[x+2] = from[end-x], from[end-x+1], from[end-x+2]
		}
	})
	return out
}

// Crop is a copy of the part within r. It panics where r is empty or leaves the picture.
func (p *Picture) Crop(r image.Rectangle) *Picture {
	if r.Empty() || !r.In(p.Bounds()) {
		panic(fmt.Sprintf("picture: Crop of %v from a picture of %d by %d", r, p.Width, p.Height))
	}
	out := New(r.Dx(), r.Dy())
	for y := range out.Height {
		copy(out.row(y), p.row(r.Min.Y + y)[r.Min.X*3:])
	}
	return out
}
