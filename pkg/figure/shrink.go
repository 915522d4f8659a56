package figure

import (
	"fmt"
	"image"
	"image/draw"
	"math"

	"github.com/gointr/gointr/pkg/page"
)

const (
	publishedScale = 0.8
	// largestPanel bounds a panel's longer side, in pixels: that of the largest input of the network. A 24 megapixel
	// photograph would otherwise take a minute and give a figure of 100 MB.
	largestPanel = 1333
)

// Shrink is the picture as the published figure shows it, at 0.8 of its size with OpenCV's bilinear resize on 8 bits
// (INTER_LINEAR), to the bit. A picture whose longer side would still be above 1333 pixels is brought to 1333 with an
// antialiasing filter, which the published figure does not do. What is transparent becomes white.
func Shrink(picture image.Image) (*image.RGBA, error) {
	src, err := rgba(picture)
	if err != nil {
		return nil, err
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if long := max(w, h); publishedScale*float64(long) > largestPanel {
		return page.Fit(src, largestPanel), nil
	}
	to := func(side int) int { return max(1, int(math.RoundToEven(publishedScale*float64(side)))) }
	return bilinear(src, to(w), to(h)), nil
}

// rgba is a copy of a picture in the colours of the figure, from (0, 0).
func rgba(picture image.Image) (*image.RGBA, error) {
	if picture == nil {
		return nil, fmt.Errorf("there is no picture to draw the attention over")
	}
	b := picture.Bounds()
	if b.Dx() < 1 || b.Dy() < 1 {
		return nil, fmt.Errorf("the picture is empty (%d x %d pixels)", b.Dx(), b.Dy())
	}
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if o, ok := picture.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		draw.Draw(dst, dst.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(dst, dst.Rect, picture, b.Min, draw.Over)
	} else {
		draw.Draw(dst, dst.Rect, picture, b.Min, draw.Src)
	}
	return dst, nil
}

// bilinear repeats OpenCV's fixed-point arithmetic: weights of 11 bits, four
// bits dropped between the passes. The step is 1/0.8 whatever the rounded size.
func bilinear(src *image.RGBA, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	sw, sh := src.Rect.Dx(), src.Rect.Dy()
	type tap struct{ first, second, a, b int }
	columns := make([]tap, w)
	for x := range columns {
		first, t := place(x)
		if first < 0 {
			first, t = 0, 0
		}
		if first >= sw-1 {
			first, t = sw-1, 0
		}
		a, b := weights(t)
		columns[x] = tap{4 * first, 4 * min(first+1, sw-1), a, b}
	}
	line := func(y int) []int {
		row := src.Pix[min(max(y, 0), sh-1)*src.Stride:]
		out := make([]int, 4*w)
		for x, c := range columns {
			for k := range 3 {
				out[4*x+k] = int(row[c.first+k])*c.a + int(row[c.second+k])*c.b
			}
		}
		return out
	}
	above, below, at := line(0), line(0), -1
	for y := range h {
		first, t := place(y)
		if first != at || y == 0 {
			if y > 0 && first == at+1 {
				above = below
			} else {
				above = line(first)
			}
			below, at = line(first+1), first
		}
		a, b := weights(t)
		out := dst.Pix[y*dst.Stride:]
		for i := 0; i < 4*w; i += 4 {
			for k := i; k < i+3; k++ {
				out[k] = uint8(((a*(above[k]>>4))>>16 + (b*(below[k]>>4))>>16 + 2) >> 2)
			}
			out[i+3] = 255
		}
	}
	return dst
}

// place is the source pixel to the left of (or above) pixel i of the shrunk picture, and how far past it i lies.
func place(i int) (first int, t float32) {
	at := float32((float64(i)+0.5)*(1/publishedScale) - 0.5)
	floor := math.Floor(float64(at))
	return int(floor), at - float32(floor)
}

func weights(t float32) (a, b int) {
	return int(math.RoundToEven(float64((1 - t) * 2048))), int(math.RoundToEven(float64(t * 2048)))
}
