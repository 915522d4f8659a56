package faithful

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Fill is what stands where a picture's pixels are not shown.
type Fill string

const (
	// Blur is the picture itself under a Gaussian. RISE's has 11 by 11 pixels and a deviation of 5 pixels, for pictures
	// of 224; for others both are in proportion to the short side, the side of the kernel rounded to the next odd
	// number. At the border the outermost pixels are repeated.
	Blur Fill = "blur"
	// Mean is the mean colour of ImageNet, which is 0 in the numbers that the network gets: what RISE's zeros are.
	Mean Fill = "mean"
)

// Title is the fill in words.
func (f Fill) Title() string {
	return cmp.Or(map[Fill]string{Blur: "a blur", Mean: "the mean colour"}[f], string(f))
}

func (f Fill) check() error {
	if f != Blur && f != Mean {
		return fmt.Errorf("there is no fill %q: there are %s and %s", string(f), Blur, Mean)
	}
	return nil
}

// RISE's blur, in pixels of a picture of 224 by 224.
const (
	riseSide, riseKernel, riseDeviation = 224, 11, 5
)

// Of is a picture of which nothing is shown.
func (f Fill) Of(p *picture.Picture) (*picture.Picture, error) {
	if f == Blur {
		short := float64(min(p.Width, p.Height))
		kernel := 2*int(math.Round((riseKernel*short/riseSide-1)/2)) + 1
		return blurred(p, max(kernel, 3), riseDeviation*short/riseSide), nil
	}
	out := picture.New(p.Width, p.Height)
	for i := range out.Pix {
		out.Pix[i] = [3]uint8{124, 116, 104}[i%3] // 255 times 0.485, 0.456, 0.406
	}
	return out, f.check()
}

// blurred is a picture under a separable Gaussian of kernel pixels, which is odd, computed in float64 and rounded at
// the end.
func blurred(p *picture.Picture, kernel int, deviation float64) *picture.Picture {
	half, sum := kernel/2, 0.0
	weights := make([]float64, kernel)
	for i := range weights {
		weights[i] = math.Exp(-float64((i-half)*(i-half)) / (2 * deviation * deviation))
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	wide := make([]float64, len(p.Pix))
	for y := range p.Height {
		for x := range p.Width {
			for c := range 3 {
				v := 0.0
				for i, w := range weights {
					v += w * float64(p.Pix[(y*p.Width+min(max(x+i-half, 0), p.Width-1))*3+c])
				}
				wide[(y*p.Width+x)*3+c] = v
			}
		}
	}
	out := picture.New(p.Width, p.Height)
	line := make([]float64, p.Width*3)
	for y := range p.Height {
		clear(line)
		for i, w := range weights {
			for x, v := range wide[min(max(y+i-half, 0), p.Height-1)*p.Width*3:][:len(line)] {
				line[x] += w * v
			}
		}
		for x, v := range line {
			out.Pix[y*len(line)+x] = uint8(math.Round(v))
		}
	}
	return out
}

// Order is every pixel (row*width+column) of a picture of width by height, the most important first. The map is brought
// to this size by bilinear interpolation (half-pixel centres, borders repeated), which overshoots nowhere. Pixels of
// equal weight, all of a flat map, come in an order that seed alone decides, so that no corner of the picture is
// preferred. A map with a NaN or infinite cell is an error.
func Order(m attention.Map, width, height int, seed uint64) ([]int, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("a picture of %d×%d pixels has no pixels to order", height, width)
	}
	type pixel struct {
		weight float64
		chance uint64
		index  int
	}
	all := make([]pixel, width*height)
	flat := m.Flat()
	for y := range height {
		r0, r1, down := between(y, height, m.Rows)
		for x := range width {
			p := pixel{index: y*width + x}
			p.chance = scramble(seed, uint64(p.index))
			if !flat {
				c0, c1, across := between(x, width, m.Cols)
				// a + (b-a)t of equal a and b is a to the last bit.
				top := lerp(float64(m.At(r0, c0)), float64(m.At(r0, c1)), across)
				bottom := lerp(float64(m.At(r1, c0)), float64(m.At(r1, c1)), across)
				p.weight = lerp(top, bottom, down)
			}
			all[p.index] = p
		}
	}
	slices.SortFunc(all, func(a, b pixel) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.chance, b.chance), cmp.Compare(a.index, b.index))
	})
	order := make([]int, len(all))
	for i, p := range all {
		order[i] = p.index
	}
	return order, nil
}

// between is the two cells that pixel i of n lies between, and how far.
func between(i, n, cells int) (a, b int, t float64) {
	at := min(max((float64(i)+0.5)*float64(cells)/float64(n)-0.5, 0), float64(cells-1))
	a = int(at)
	return a, min(a+1, cells-1), at - float64(a)
}

func lerp(a, b, t float64) float64 { return a + float64((b-a)*t) }

// scramble is SplitMix64 (Steele et al., OOPSLA 2014) of the i-th step from seed.
func scramble(seed, i uint64) uint64 {
	z := seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Logits answers pictures of one size, already resized for the network: [pictures][classes].
type Logits func(ctx context.Context, pictures []*picture.Picture) ([][]float32, error)

// Curve is the softmax probability of a class against the fraction of the pixels that were inserted or deleted, from 0
// to 1 in equal steps.
type Curve struct {
	Fraction    []float64 `json:"fraction"`
	Probability []float64 `json:"probability"`
}

// Area is the area under the curve, by trapezoids as RISE has it.
func (c Curve) Area() float64 {
	area := 0.0
	for i := 1; i < len(c.Fraction); i++ {
		area += (c.Fraction[i] - c.Fraction[i-1]) * (c.Probability[i] + c.Probability[i-1]) / 2
	}
	return area
}

// Insertion shows a picture's pixels in order, the most important first, in steps equal shares, over the fill: the
// sooner the probability rises, the better the order. The picture is one already resized for the network.
func Insertion(ctx context.Context, logits Logits, p *picture.Picture, class int, order []int, fill Fill,
	steps int) (Curve, error) {
	from, err := fill.Of(p)
	if err != nil {
		return Curve{}, err
	}
	return change(ctx, logits, from, p, class, order, steps)
}

// Deletion puts the fill over a picture's pixels in order: the sooner the probability falls, the better the order.
func Deletion(ctx context.Context, logits Logits, p *picture.Picture, class int, order []int, fill Fill,
	steps int) (Curve, error) {
	to, err := fill.Of(p)
	if err != nil {
		return Curve{}, err
	}
	return change(ctx, logits, p, to, class, order, steps)
}

// together is how many changed pictures are held at once.
const together = 32

// change replaces pixels of from by those of to, in order.
func change(ctx context.Context, logits Logits, from, to *picture.Picture, class int, order []int,
	steps int) (Curve, error) {
	pixels := from.Width * from.Height
	switch {
	case steps < 1:
		return Curve{}, fmt.Errorf("a curve needs 1 step at least, not %d", steps)
	case len(order) != pixels:
		return Curve{}, fmt.Errorf("an order of %d pixels is not one of the %d of this picture", len(order), pixels)
	}
	now := from.Copy()
	var curve Curve
	var batch []*picture.Picture
	done := 0
	for step := range steps + 1 {
		for until := (step*pixels + steps/2) / steps; done < until; done++ {
			at := order[done]
			if at < 0 || at >= pixels {
				return Curve{}, fmt.Errorf("there is no pixel %d in a picture of %d", at, pixels)
			}
			copy(now.Pix[at*3:at*3+3], to.Pix[at*3:])
		}
		batch = append(batch, now.Copy())
		curve.Fraction = append(curve.Fraction, float64(step)/float64(steps))
		if len(batch) == together || step == steps {
			all, err := logits(ctx, batch)
			if err != nil {
				return Curve{}, err
			}
			if len(all) != len(batch) {
				return Curve{}, fmt.Errorf("the model answered %d of %d pictures", len(all), len(batch))
			}
			for _, l := range all {
				p, err := probability(l, class)
				if err != nil {
					return Curve{}, err
				}
				curve.Probability = append(curve.Probability, p)
			}
			batch = nil
		}
	}
	return curve, nil
}

// probability is the softmax of one of the logits.
func probability(logits []float32, class int) (float64, error) {
	if class < 0 || class >= len(logits) {
		return 0, fmt.Errorf("there is no class %d among %d", class, len(logits))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - float64(logits[class]))
	}
	if math.IsNaN(sum) {
		return 0, errors.New("the model's logits are no numbers")
	}
	return 1 / sum, nil
}
