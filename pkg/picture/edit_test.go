package picture

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
)

// speckled has no two rows alike.
func speckled(width, height int) *Picture {
	p := New(width, height)
	for i := range p.Pix {
		p.Pix[i] = uint8(i*i/7 + i*31)
	}
	return p
}

func TestEdits(t *testing.T) {
	p, other := speckled(40, 30), speckled(25, 20)
	before := slices.Clone(p.Pix)
	r := image.Rect(5, 7, 21, 18)
	painted, err := p.Paint(r, color.NRGBA{10, 200, 30, 7})
	if err != nil {
		t.Fatal(err)
	}
	pasted, err := p.Paste(r, other, image.Rect(3, 2, 19, 13))
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := p.Paste(r, other, other.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	blurred, err := p.Blur(r)
	if err != nil {
		t.Fatal(err)
	}
	small := other.Resize(r.Dx(), r.Dy())
	for y := range p.Height {
		for x := range p.Width {
			at, old := image.Pt(x, y), p.RGBAAt(x, y)
			if !at.In(r) {
				for _, edited := range []*Picture{painted, pasted, scaled, blurred} {
					if edited.RGBAAt(x, y) != old {
						t.Fatalf("pixel %v outside of the rectangle was changed", at)
					}
				}
				continue
			}
			if got := painted.RGBAAt(x, y); got != (color.RGBA{10, 200, 30, 255}) {
				t.Fatalf("pixel %v was painted %v", at, got)
			}
			if pasted.RGBAAt(x, y) != other.RGBAAt(x-5+3, y-7+2) || scaled.RGBAAt(x, y) != small.RGBAAt(x-5, y-7) {
				t.Fatalf("pixel %v is not that of the other picture", at)
			}
		}
	}
	if !slices.Equal(p.Pix, before) {
		t.Error("the picture itself was changed")
	}
	copied := p.Copy()
	copied.Pix[0]++
	if p.Pix[0] != before[0] {
		t.Error("a copy shares pixels")
	}
}

// The blur is three means over a square, added up here the slow way.
func TestBlur(t *testing.T) {
	p, r := speckled(23, 19), image.Rect(0, 4, 13, 17)
	got, err := p.Blur(r)
	if err != nil {
		t.Fatal(err)
	}
	const half = 3 // a quarter of 13
	weights := []float64{1}
	for range 3 {
		next := make([]float64, len(weights)+2*half)
		for i, w := range weights {
			for k := range 2*half + 1 {
				next[i+k] += w / (2*half + 1)
			}
		}
		weights = next
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			for c := range 3 {
				want := 0.0
				for i, wy := range weights {
					for k, wx := range weights {
						yy, xx := min(max(y+i-3*half, 0), p.Height-1), min(max(x+k-3*half, 0), p.Width-1)
						want += wy * wx * float64(p.Pix[(yy*p.Width+xx)*3+c])
					}
				}
				// Beyond the pixels that can flow in the means repeat their last one,
				// which reaches into the rectangle by less than a step.
				if v := float64(got.Pix[(y*p.Width+x)*3+c]); math.Abs(v-want) > 0.51 {
					t.Fatalf("channel %d of (%d, %d) is %v, want %.2f", c, x, y, v, want)
				}
			}
		}
	}
}

func TestEditMistakes(t *testing.T) {
	p := New(40, 30)
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 41, 3), image.Rect(-1, 0, 4, 3),
		image.Rect(50, 50, 60, 60), {image.Pt(9, 9), image.Pt(3, 20)}} {
		_, painted := p.Paint(r, color.White)
		_, blurred := p.Blur(r)
		_, pasted := p.Paste(r, p, p.Bounds())
		_, from := p.Paste(p.Bounds(), p, r)
		for _, err := range []error{painted, blurred, pasted, from} {
			if err == nil || !strings.Contains(err.Error(), "is not in the picture, which has 40 × 30 pixels") {
				t.Errorf("%v: %v", r, err)
			}
		}
	}
	if one, err := New(1, 1).Blur(image.Rect(0, 0, 1, 1)); err != nil || one.Pix[0] != 0 {
		t.Errorf("a pixel was blurred to %v: %v", one, err)
	}
}
