package picture

import (
	"fmt"
	"math"
	"slices"

	"github.com/gointr/gointr/internal/parallel"
)

// The evaluation transform of DETR, which INTR keeps: the short side becomes
// 800 pixels unless the long side would then pass 1333.
const (
	publishedShort = 800
	publishedLong  = 1333
)

// The channel means and deviations of ImageNet.
var (
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

// EvalSize is the size, in pixels, at which a picture of width by height is evaluated: RandomResize([800],
// max_size=1333) of DETR, where short is 800 or 0. Another short side has a bound of the long one in proportion, as in
// EvalTransform.
func EvalSize(width, height, short int) (int, int) {
	if short <= 0 {
		short = publishedShort
	}
	return SizeFor(width, height, short, inProportion(publishedLong, short))
}

// SizeFor is the size, in pixels, of a picture of width by height when its short side becomes short, or less where its
// long side would else pass long; 0 is no bound. It rounds as DETR's resize, but no side is less than a pixel.
func SizeFor(width, height, short, long int) (int, int) {
	w, h, size := float64(width), float64(height), float64(short)
	least, most := min(w, h), max(w, h)
	if long > 0 && most/least*size > float64(long) {
		size = math.RoundToEven(float64(long) * least / most)
	}
	switch {
	case least == size:
		return width, height
	case width < height:
		return max(1, int(size)), max(1, int(size*h/w))
	default:
		return max(1, int(size*w/h)), max(1, int(size))
	}
}

// Evaluable is an error, one sentence, where the bound of the long side would leave the short one without a pixel at
// the EvalSize for short: the published transform refuses such a strip, too.
func (p *Picture) Evaluable(short int) error {
	if short <= 0 {
		short = publishedShort
	}
	long := inProportion(publishedLong, short)
	least, most := min(p.Width, p.Height), max(p.Width, p.Height)
	if float64(most)/float64(least)*float64(short) <= float64(long) ||
		math.RoundToEven(float64(long)*float64(least)/float64(most)) >= 1 {
		return nil
	}
	return fmt.Errorf("a picture of %d by %d pixels is too thin: at most %d pixels long, as the model takes it, it "+
		"would be less than a pixel wide; crop it", p.Width, p.Height, long)
}

// Eval is the picture at its EvalSize. Which short side a model was trained for is
// in its configuration (intr.Config.EvalSize); 0 is the published one.
func (p *Picture) Eval(short int) *Picture { return p.Resize(EvalSize(p.Width, p.Height, short)) }

// normalized[c][v] is what the value v of channel c becomes.
var normalized = func() (table [3][256]float32) {
	for c := range table {
		for v := range table[c] {
			table[c][v] = (float32(v)/255 - imageNetMean[c]) / imageNetStd[c]
		}
	}
	return table
}()

// Normalized appends the picture to dst as float32 [Height, Width, 3]: (value/255 - mean) / deviation with ImageNet's
// means and deviations, in the float32 steps of torchvision's to_tensor and normalize.
func (p *Picture) Normalized(dst []float32) []float32 {
	start := len(dst)
	dst = slices.Grow(dst, len(p.Pix))[:start+len(p.Pix)]
	r, g, b := &normalized[0], &normalized[1], &normalized[2]
	parallel.Each(p.Height, func(y int) {
		from, to := p.row(y), dst[start+y*p.Width*3:][:p.Width*3]
		for x := 0; x+2 < len(from) && x+2 < len(to); x += 3 {
			to[x], to[x+1], to[x+2] = r[from[x]], g[from[x+1]], b[from[x+2]]
		}
	})
	return dst
}
