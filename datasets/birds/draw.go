package birds

import (
	"fmt"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/picture"
)

// The sides that pictures can have, in pixels. Above, the rasteriser would leave
// whole numbers for floating point, where machines differ.
const (
	MinSize = 64
	MaxSize = 400
)

// Draw is the picture of a species in a scene, size by size pixels, and where its parts lie: one entry for each part
// that the scene has, in the order of the kinds.
//
// A part's Box is the smallest around all pixels that would be others without the part, X and Y are their centre of
// mass, by how much of the part each shows. It is Visible when leaves cover at most half of what the bird shows of it.
// Draw panics when size is not from MinSize to MaxSize.
func Draw(species Species, scene Scene, size int) (*picture.Picture, []datasets.Part) {
	if size < MinSize || size > MaxSize {
		panic(fmt.Sprintf("birds.Draw: a side of %d pixels is not from %d to %d", size, MinSize, MaxSize))
	}
	c := newCanvas(size)
	side := scale(float64(size), float64(size))
	for _, l := range scene.behind {
		c.fill(side, l, nil)
	}
	if !scene.empty {
		c.bird(species, scene, scene.bird.then(side))
	}
	var shown [Kinds]int
	for k := range Kinds {
		shown[k] = c.seen[k].sum()
	}
	for _, l := range scene.front {
		c.fill(side, l, nil)
	}
	c.light(scene.light)
	var parts []datasets.Part
	for k := range Kinds {
		if scene.without[k] || scene.empty {
			continue
		}
		part := datasets.Part{Name: Kind(k).String()}
		part.Visible = 2*c.seen[k].sum() >= shown[k]
		part.X, part.Y, part.Box = c.where(Kind(k), scene.light)
		parts = append(parts, part)
	}
	return c.picture, parts
}

// A cover is how much of each pixel a shape covers, 0 to 255, within a rectangle.
type cover struct {
	size  int
	alpha []uint8 // [size, size]
	in    image.Rectangle
}

func newCover(size int) *cover { return &cover{size: size, alpha: make([]uint8, size*size)} }

func (v *cover) row(y int) []uint8 { return v.alpha[y*v.size:][v.in.Min.X:v.in.Max.X] }

func (v *cover) sum() int {
	sum := 0
	for y := v.in.Min.Y; y < v.in.Max.Y; y++ {
		for _, a := range v.row(y) {
			sum += int(a)
		}
	}
	return sum
}

type canvas struct {
	picture *picture.Picture
	raster  vector.Rasterizer
	mask    image.Alpha
	seen    [Kinds]*cover  // what is still seen of each part
	without [Kinds][]uint8 // the picture without each part, where that is seen
	drawing Kind           // the part that is being drawn, or none
}

const none Kind = -1

func newCanvas(size int) *canvas {
	c := &canvas{picture: picture.New(size, size), drawing: none}
	for k := range Kinds {
		c.seen[k], c.without[k] = newCover(size), make([]uint8, 3*size*size)
	}
	return c
}

// grid is the steps in a pixel that corners are rounded to. What processors and compilers differ in, far behind the
// point, goes away here: from then on there are whole numbers only.
const grid = 32

// rasterize leaves the shape's coverage in c.mask, whose upper left corner is at
// the first point, and gives the rectangle of the picture that it meets.
func (c *canvas) rasterize(m affine, s shape) (image.Point, image.Rectangle) {
	s = s.under(m)
	minX, minY, maxX, maxY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, line := range s {
		for i, p := range line {
			p = point{math.Round(p.x*grid) / grid, math.Round(p.y*grid) / grid}
			line[i] = p
			minX, maxX = min(minX, p.x), max(maxX, p.x)
			minY, maxY = min(minY, p.y), max(maxY, p.y)
		}
	}
	bounds := image.Rect(int(math.Floor(minX)), int(math.Floor(minY)), int(math.Ceil(maxX)), int(math.Ceil(maxY)))
	in := bounds.Intersect(c.picture.Bounds())
	if in.Empty() {
		return bounds.Min, in
	}
	w, h := bounds.Dx(), bounds.Dy()
	c.raster.Reset(w, h)
	c.raster.DrawOp = draw.Src
	for _, line := range s {
		for i, p := range line {
			x, y := float32(p.x-float64(bounds.Min.X)), float32(p.y-float64(bounds.Min.Y))
			if i == 0 {
				c.raster.MoveTo(x, y)
			} else {
				c.raster.LineTo(x, y)
			}
		}
		c.raster.ClosePath()
	}
	if cap(c.mask.Pix) < w*h {
		c.mask.Pix = make([]uint8, w*h)
	}
	c.mask = image.Alpha{Pix: c.mask.Pix[:w*h], Stride: w, Rect: image.Rect(0, 0, w, h)}
	c.raster.Draw(&c.mask, c.mask.Rect, image.Opaque, image.Point{})
	return bounds.Min, in
}

// cover is the coverage of a shape.
func (c *canvas) cover(m affine, s shape) *cover {
	v := newCover(c.picture.Width)
	corner, in := c.rasterize(m, s)
	v.in = in
	for y := in.Min.Y; y < in.Max.Y; y++ {
		copy(v.row(y), c.mask.Pix[(y-corner.Y)*c.mask.Stride+in.Min.X-corner.X:])
	}
	return v
}

// fill paints a layer over the picture, within clip where there is one.
func (c *canvas) fill(m affine, l layer, clip *cover) {
	corner, in := c.rasterize(m, l.shape)
	height := c.mask.Rect.Dy()
	if clip != nil {
		in = in.Intersect(clip.in)
	}
	if in.Empty() {
		return
	}
	if c.drawing != none {
		c.seen[c.drawing].in = c.seen[c.drawing].in.Union(in)
	}
	for y := in.Min.Y; y < in.Max.Y; y++ {
		color := blend(l.top, l.bottom, 2*(y-corner.Y)+1, 2*height)
		mask := c.mask.Pix[(y-corner.Y)*c.mask.Stride+in.Min.X-corner.X:][:in.Dx()]
		for i, a := range mask {
			x, a := in.Min.X+i, int(a)
			if clip != nil {
				a = over(a, int(clip.alpha[y*clip.size+x]))
			}
			if a == 0 {
				continue
			}
			at := y*c.picture.Width + x
			pixel := c.picture.Pix[3*at:][:3]
			for k, seen := range c.seen {
				switch s, without := int(seen.alpha[at]), c.without[k][3*at:][:3]; {
				case Kind(k) == c.drawing:
					if s == 0 {
						copy(without, pixel)
					}
					seen.alpha[at] = uint8(255 - over(255-a, 255-s))
				case s != 0:
					color.onto(without, a)
					// Rounded up: while anything of the part shows through, it is seen.
					seen.alpha[at] = uint8(((255-a)*s + 254) / 255)
				}
			}
			color.onto(pixel, a)
		}
	}
}

// onto lays the colour over a pixel, covering a of 255.
func (c rgb) onto(pixel []uint8, a int) {
	_ = pixel[2]
	pixel[0] = uint8((a*int(c.r) + (255-a)*int(pixel[0]) + 127) / 255)
	pixel[1] = uint8((a*int(c.g) + (255-a)*int(pixel[1]) + 127) / 255)
	pixel[2] = uint8((a*int(c.b) + (255-a)*int(pixel[2]) + 127) / 255)
}

// where is the centre of mass and the bounds of the pixels that the part changes,
// in the picture under its light; zeros when there are none.
func (c *canvas) where(k Kind, l light) (x, y float64, box datasets.Box) {
	var sum, sumX, sumY int
	var bounds image.Rectangle
	seen := c.seen[k]
	for py := seen.in.Min.Y; py < seen.in.Max.Y; py++ {
		for i, a := range seen.row(py) {
			px := seen.in.Min.X + i
			at := 3 * (py*seen.size + px)
			if a == 0 || l.on(px, py, seen.size, [3]uint8(c.without[k][at:])) == [3]uint8(c.picture.Pix[at:]) {
				continue
			}
			sum += int(a)
			sumX += int(a) * (2*px + 1)
			sumY += int(a) * (2*py + 1)
			bounds = bounds.Union(image.Rect(px, py, px+1, py+1))
		}
	}
	if sum == 0 {
		return 0, 0, box
	}
	hundredth := func(twice int) float64 { return math.Round(50*float64(twice)/float64(sum)) / 100 }
	return hundredth(sumX), hundredth(sumY), datasets.Box{X0: float64(bounds.Min.X), Y0: float64(bounds.Min.Y),
		X1: float64(bounds.Max.X), Y1: float64(bounds.Max.Y)}
}

// over is a·b/255, rounded.
func over(a, b int) int { return (a*b + 127) / 255 }

// blend is from a to b at the fraction n/d.
func blend(a, b rgb, n, d int) rgb {
	mixed := func(a, b uint8) uint8 { return uint8((int(a)*(d-n) + int(b)*n + d/2) / d) }
	return rgb{mixed(a.r, b.r), mixed(a.g, b.g), mixed(a.b, b.b)}
}

// bird draws the species from the far parts to the near ones.
func (c *canvas) bird(species Species, scene Scene, m affine) {
	head, wing := scene.frame(Crest).then(m), scene.frame(WingBar).then(m)
	body := c.cover(m, bodyLine)
	wingCover := c.cover(wing, wingLine)
	part := func(k Kind, clip *cover) {
		if scene.without[k] {
			return
		}
		c.drawing = k
		for _, l := range looks[k][species.Parts[k]].layers {
			c.fill(scene.frame(k).then(m), layer{l.shape, l.top.times(scene.shade), l.bottom.times(scene.shade)}, clip)
		}
		c.drawing = none
	}
	color := scene.coat.of(coats[species.Family].color)
	pale := mix(color, rgb{255, 255, 255}, 0.3)

	part(Tail, nil)
	part(Feet, nil)
	c.fill(m, layer{bodyLine, mix(color, rgb{255, 255, 255}, 0.06), pale}, nil)
	part(Breast, body)
	c.fill(wing, shaded(wingLine, color.times(0.74)), nil)
	for _, f := range feathers {
		c.fill(wing, shaded(f, color.times(0.5)), wingCover)
	}
	part(WingBar, wingCover)
	part(Crest, nil)
	part(Beak, nil)
	c.fill(head, layer{headLine, mix(color, rgb{255, 255, 255}, 0.14), color.times(0.95)}, nil)
	part(Eye, nil)
}

// A light is what each channel is multiplied with, in 1/4096, at the middle of
// the picture, and how much that changes from there to a corner of it.
type light struct {
	gain           [3]int
	acrossX, downY int
}

// on is a pixel under the light, in column x of row y.
func (l light) on(x, y, size int, pixel [3]uint8) [3]uint8 {
	here := 4096 + (l.acrossX*(2*x+1-size)+l.downY*(2*y+1-size))/size
	for i, v := range pixel {
		pixel[i] = uint8(min((int(v)*l.gain[i]>>12*here+2048)>>12, 255))
	}
	return pixel
}

func (c *canvas) light(l light) {
	size := c.picture.Width
	for y := range size {
		for x := range size {
			pixel := c.picture.Pix[3*(y*size+x):][:3]
			lit := l.on(x, y, size, [3]uint8(pixel))
			copy(pixel, lit[:])
		}
	}
}
