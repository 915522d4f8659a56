package book

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"path/filepath"

	xdraw "golang.org/x/image/draw"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/picture"
)

// files opens pictures of the dataset. Those of one class are kept, as several heads show patches of the same.
type files struct {
	root    string
	upright bool
	kept    map[string]*picture.Picture
}

func (f *files) open(key string) (*picture.Picture, error) {
	if p := f.kept[key]; p != nil {
		return p, nil
	}
	p, _, err := picture.Read(filepath.Join(f.root, filepath.FromSlash(key)), f.upright)
	if err != nil {
		return nil, fmt.Errorf("%w (the guide was made with it)", err)
	}
	if f.kept == nil {
		f.kept = map[string]*picture.Picture{}
	}
	f.kept[key] = p
	return p, nil
}

// patch is a patch, side by side pixels.
func (f *files) patch(p fieldguide.Patch, side int) (*picture.Picture, error) {
	whole, err := f.open(p.Image)
	if err != nil {
		return nil, err
	}
	if !p.Square.In(whole.Bounds()) {
		return nil, fmt.Errorf("%s has another size than when the guide was made: make it anew", p.Image)
	}
	return whole.Crop(p.Square).Resize(side, side), nil
}

// strip is the patches of a head beside each other, with gaps of a pixel or more.
func (f *files) strip(h *fieldguide.Head, places, side int) (*image.RGBA, error) {
	gap := stripGap(side)
	strip := image.NewRGBA(image.Rect(0, 0, places*side+(places-1)*gap, side))
	draw.Draw(strip, strip.Rect, image.White, image.Point{}, draw.Src)
	for i, p := range h.Patches {
		patch, err := f.patch(p, side)
		if err != nil {
			return nil, err
		}
		x := i * (side + gap)
		draw.Draw(strip, image.Rect(x, 0, x+side, side), patch, image.Point{}, draw.Src)
	}
	return strip, nil
}

func stripGap(side int) int { return max(2, side/16) }

// example is a picture with a map over it and the patch framed, at most long pixels a side.
func (f *files) example(p fieldguide.Patch, m attention.Map, long int) (*image.RGBA, error) {
	whole, err := f.open(p.Image)
	if err != nil {
		return nil, err
	}
	w, h := whole.Width, whole.Height
	long = min(long, 4*max(w, h)) // more shows no more
	scale := float64(long) / float64(max(w, h))
	to := func(v int) int { return max(1, int(float64(v)*scale+0.5)) }
	small := image.NewRGBA(image.Rect(0, 0, to(w), to(h)))
	if scale < 1 {
		draw.Draw(small, small.Rect, whole.Resize(to(w), to(h)), image.Point{}, draw.Src)
	} else {
		xdraw.CatmullRom.Scale(small, small.Rect, whole, whole.Bounds(), xdraw.Src, nil)
	}
	if err := light(small, m); err != nil {
		return nil, err
	}
	r := fieldguide.Square(m, w, h)
	framed := image.Rect(int(float64(r.Min.X)*scale), int(float64(r.Min.Y)*scale), to(r.Max.X), to(r.Max.Y))
	box(small, framed, max(2, long/140))
	return small, nil
}

// light leaves a picture as it is where a map is greatest, and makes it the paler the less attention there is: the
// animal's own colours stay to be compared. A flat map leaves all as it is.
func light(on *image.RGBA, m attention.Map) error {
	if err := m.Check(); err != nil {
		return err
	}
	if m.Flat() {
		return nil
	}
	full, err := m.Resize(on.Rect.Dy(), on.Rect.Dx())
	if err != nil {
		return err
	}
	const palest, veil = 0.66, 238
	low, high := m.Range()
	for i, v := range full.Values {
		part := float64(min(max((v-low)/(high-low), 0), 1))
		pale := palest * (1 - math.Sqrt(part)) // to the eye half the attention is not half as light
		for c := range 3 {
			p := &on.Pix[4*i+c]
			*p = uint8(float64(*p)*(1-pale) + veil*pale + 0.5)
		}
	}
	return nil
}

// box is a white frame with a dark edge, seen on any ground.
func box(on *image.RGBA, r image.Rectangle, width int) {
	ring := func(r image.Rectangle, width int, c color.Color) {
		for _, side := range []image.Rectangle{
			{r.Min, image.Pt(r.Max.X, r.Min.Y+width)}, {image.Pt(r.Min.X, r.Max.Y-width), r.Max},
			{r.Min, image.Pt(r.Min.X+width, r.Max.Y)}, {image.Pt(r.Max.X-width, r.Min.Y), r.Max},
		} {
			draw.Draw(on, side.Intersect(on.Rect), image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
	ring(r, width+1, color.Gray{30})
	ring(r.Inset(1), max(1, width-1), color.White)
}
