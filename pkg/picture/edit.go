package picture

import (
	"fmt"
	"image"
	"image/color"
)

// The edits are copies; the picture stays as it was.

// inside is an error when a rectangle is empty or leaves the picture.
func (p *Picture) inside(r image.Rectangle) error {
	if r.Empty() || !r.In(p.Bounds()) {
		return fmt.Errorf("the rectangle from (%d, %d) to (%d, %d) is not in the picture, which has %d × %d pixels",
			r.Min.X, r.Min.Y, r.Max.X, r.Max.Y, p.Width, p.Height)
	}
	return nil
}

// Copy is a picture of its own with the same pixels.
func (p *Picture) Copy() *Picture {
	out := New(p.Width, p.Height)
	copy(out.Pix, p.Pix)
	return out
}

// Paint is a copy with a rectangle in one colour, whose alpha counts for nothing. It
// is an error when the rectangle is empty or leaves the picture.
func (p *Picture) Paint(r image.Rectangle, c color.Color) (*Picture, error) {
	if err := p.inside(r); err != nil {
		return nil, err
	}
	rgb := color.NRGBAModel.Convert(c).(color.NRGBA)
	out := p.Copy()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := out.row(y)[r.Min.X*3 : r.Max.X*3]
		for x := 0; x < len(row); x += 3 {
			row[x], row[x+1], row[x+2] = rgb.R, rgb.G, rgb.B
		}
	}
	return out, nil
}

// Paste is a copy with a rectangle replaced by a part of another picture, resized
// to fit (Resize). It is an error when either is empty or leaves its picture.
func (p *Picture) Paste(r image.Rectangle, from *Picture, part image.Rectangle) (*Picture, error) {
	if err := p.inside(r); err != nil {
		return nil, err
	}
	if err := from.inside(part); err != nil {
		return nil, err
	}
	piece := from.Crop(part)
	if piece.Bounds().Size() != r.Size() {
		piece = piece.Resize(r.Dx(), r.Dy())
	}
	out := p.Copy()
	for y := range piece.Height {
		copy(out.row(r.Min.Y + y)[r.Min.X*3:], piece.row(y))
	}
	return out, nil
}

// Blur is a copy with a rectangle blurred so far that what was in it cannot be made out, but its colours stay: three
// means over a square, which come near to a Gaussian whose deviation is a quarter of the rectangle's shorter side. What
// lies around flows in, so that there is no edge in the middle; the picture's last pixels go on beyond it. It is an
// error when the rectangle is empty or leaves the picture.
func (p *Picture) Blur(r image.Rectangle) (*Picture, error) {
	if err := p.inside(r); err != nil {
		return nil, err
	}
	// Three means over squares of side d have the variance 3 (d² - 1) / 12.
	half := max(1, min(r.Dx(), r.Dy())/4)
	around := r.Inset(-3 * half)
	w, h := around.Dx(), around.Dy()
	plane, turned := make([]float32, w*h), make([]float32, w*h)
	out := p.Copy()
	for channel := range 3 {
		for y := range h {
			from := p.row(min(max(around.Min.Y+y, 0), p.Height-1))
			for x := range w {
				plane[y*w+x] = float32(from[min(max(around.Min.X+x, 0), p.Width-1)*3+channel])
			}
		}
		for range 3 {
			means(turned, plane, w, h, half) // across, and turned
			means(plane, turned, h, w, half) // down, and turned back
		}
		for y := range r.Dy() {
			to := out.row(r.Min.Y + y)[r.Min.X*3:]
			for x := range r.Dx() {
				to[x*3+channel] = uint8(plane[(y+3*half)*w+x+3*half] + 0.5)
			}
		}
	}
	return out, nil
}

// means puts into dst, turned on its diagonal, the means of src [h, w] over the 2 half + 1 values around each of a row.
func means(dst, src []float32, w, h, half int) {
	for y := range h {
		row := src[y*w:][:w]
		at := func(x int) float64 { return float64(row[min(max(x, 0), w-1)]) }
		sum := 0.0
		for x := -half; x <= half; x++ {
			sum += at(x)
		}
		for x := range w {
			dst[x*h+y] = float32(sum / float64(2*half+1))
			sum += at(x+half+1) - at(x-half)
		}
	}
}
