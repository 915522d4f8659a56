package picture

import (
	"image"
	"math"
	"math/rand/v2"
)

// Transform says how pictures are resized, and cropped and mirrored at random, before the network sees them.
type Transform struct {
	Sizes []int // of the short side, one is drawn
	Long  int   // the short side is less where the long one would else pass this
	Flip  bool  // half of the pictures are mirrored

	// Where there are CropSizes, half of the pictures are cropped before they are resized to one of Sizes: first their
	// short side becomes one of CropSizes, without a bound of the long one, then a part is cut out whose sides are
	// drawn from Crop[0] … Crop[1] each, but are never longer than the picture's.
	CropSizes []int
	Crop      [2]int
}

// TrainTransform is DETR's transform for training, which INTR keeps (datasets/build.py of github.com/Imageomics/INTR),
// where short is 800: mirrored half the time; half the time resized to 480, 512 … 800 (at most 1333), half the time to
// 400, 500 or 600, cropped to sides of 384 to 600 and then resized so. Another short has all in proportion. It panics
// if short is not positive.
func TrainTransform(short int) Transform {
	t := EvalTransform(short)
	t.Flip = true
	t.Sizes = nil
	for size := 480; size <= publishedShort; size += 32 {
		t.Sizes = append(t.Sizes, inProportion(size, short))
	}
	for _, size := range []int{400, 500, 600} {
		t.CropSizes = append(t.CropSizes, inProportion(size, short))
	}
	t.Crop = [2]int{inProportion(384, short), inProportion(600, short)}
	return t
}

// EvalTransform is DETR's transform for evaluation, where short is 800: the short side becomes 800 unless the long one
// would then pass 1333. Another short has a bound in proportion. It panics if short is not positive.
func EvalTransform(short int) Transform {
	if short <= 0 {
		panic("picture: a transform needs a short side of at least one pixel")
	}
	return Transform{Sizes: []int{short}, Long: inProportion(publishedLong, short)}
}

// inProportion is a published number of pixels where 800 is short.
func inProportion(pixels, short int) int {
	return max(1, int(math.Round(float64(pixels)*float64(short)/publishedShort)))
}

// Augment is what was drawn for one picture: what Apply does to it, in this order.
type Augment struct {
	Flip    bool
	Resized image.Point     // width and height before the crop
	Crop    image.Rectangle // of the resized picture; empty where there is none, and then Resized counts for nothing
	Size    image.Point     // width and height at the end
}

// Draw draws for a picture of width by height. The same numbers from r give the same Augment. Sizes must not be empty.
func (t Transform) Draw(r *rand.Rand, width, height int) Augment {
	var a Augment
	if t.Flip {
		a.Flip = r.IntN(2) == 0
	}
	if len(t.CropSizes) > 0 && r.IntN(2) == 0 {
		width, height = SizeFor(width, height, t.CropSizes[r.IntN(len(t.CropSizes))], 0)
		a.Resized = image.Pt(width, height)
		w, h := t.side(r, width), t.side(r, height)
		x, y := r.IntN(width-w+1), r.IntN(height-h+1)
		a.Crop = image.Rect(x, y, x+w, y+h)
		width, height = w, h
	}
	width, height = SizeFor(width, height, t.Sizes[r.IntN(len(t.Sizes))], t.Long)
	a.Size = image.Pt(width, height)
	return a
}

// side draws a side of a crop. The published code fails where the picture is
// smaller than the smallest crop, which its sizes never let happen.
func (t Transform) side(r *rand.Rand, most int) int {
	low, high := min(t.Crop[0], most), min(t.Crop[1], most)
	return low + r.IntN(max(low, high)-low+1)
}

// Apply is the picture after what was drawn for it, bit for bit as Pillow does each step.
func (a Augment) Apply(p *Picture) *Picture {
	if a.Flip {
		p = p.Flip()
	}
	if !a.Crop.Empty() {
		p = p.resizePart(a.Resized.X, a.Resized.Y, a.Crop)
	}
	return p.Resize(a.Size.X, a.Size.Y)
}
