package intr

import (
	"slices"

	"github.com/gointr/gointr/pkg/picture"
)

// Batch is one or more pictures on a canvas of one size, each at the top left
// and zero elsewhere.
type Batch struct {
	Pixels        []float32 // [pictures, Height, Width, 3], normalised
	Height, Width int       // of the canvas
	Sizes         [][2]int  // height and width of every picture
	// Exact has every picture answered as if it were alone, whatever the
	// canvas. The published code does not: there the canvas around the smaller
	// pictures of a batch reaches into their border cells.
	Exact bool
	// own is the batch's canvas in the published code, where Height and Width are
	// larger: what lies outside of it has no influence. Zero where they are not.
	own [2]int
}

// NewBatch puts pictures, already resized for the network, on the smallest
// canvas that holds them all, to be answered as the published code does.
func NewBatch(pictures ...*picture.Picture) *Batch {
	h, w := 0, 0
	for _, p := range pictures {
		h, w = max(h, p.Height), max(w, p.Width)
	}
	return newBatch(h, w, pictures...)
}

func newBatch(h, w int, pictures ...*picture.Picture) *Batch {
	b := &Batch{Height: h, Width: w, Pixels: make([]float32, len(pictures)*h*w*3)}
	var scratch []float32
	for i, p := range pictures {
		b.Sizes = append(b.Sizes, [2]int{p.Height, p.Width})
		scratch = p.Normalized(scratch[:0])
		lay(b.Pixels[i*h*w*3:], scratch, 3*w, 3*p.Width)
	}
	return b
}

// lay copies rows [·, width] to the top left of a canvas [·, wide].
func lay(canvas, rows []float32, wide, width int) {
	y := 0
	for row := range slices.Chunk(rows, width) {
		copy(canvas[y*wide:], row)
		y++
	}
}

// on is a batch on a larger canvas, to be answered as on its own.
func (b *Batch) on(height, width int) *Batch {
	if b.Exact || b.Height == height && b.Width == width {
		return b
	}
	return &Batch{Height: height, Width: width, Sizes: b.Sizes, own: [2]int{b.Height, b.Width},
		Pixels: b.Padded(nil, len(b.Sizes), height, width)}
}

// Padded are the pixels [n, height, width, 3] of the batch at the top left of larger
// canvases, zero elsewhere: in room's memory, where that is enough.
func (b *Batch) Padded(room []float32, n, height, width int) []float32 {
	room = slices.Grow(room[:0], n*height*width*3)[:n*height*width*3]
	clear(room)
	for i := range b.Sizes {
		size := b.Height * b.Width * 3
		lay(room[i*height*width*3:], b.Pixels[i*size:][:size], 3*width, 3*b.Width)
	}
	return room
}

// Rows and Cols are the size of the canvas's feature map.
func (b *Batch) Rows(stride int) int { return cellsOf(b.Height, stride) }
func (b *Batch) Cols(stride int) int { return cellsOf(b.Width, stride) }

// cellsOf is how many cells a side of the picture has: every layer of a ResNet
// rounds up.
func cellsOf(pixels, stride int) int { return (pixels + stride - 1) / stride }

// Cells [pictures, rows, cols] is true where a cell of the feature map belongs to a
// picture, laid out for a canvas of height by width pixels, the batch's own or larger.
func (b *Batch) Cells(stride, height, width int) []bool {
	rows, cols := cellsOf(height, stride), cellsOf(width, stride)
	cells := make([]bool, len(b.Sizes)*rows*cols)
	for i := range b.Sizes {
		r, c := b.Region(i, stride)
		for y := range r {
			for x := range c {
				cells[(i*rows+y)*cols+x] = true
			}
		}
	}
	return cells
}

// full says whether every picture fills the canvas.
func (b *Batch) full() bool {
	return !slices.ContainsFunc(b.Sizes, func(s [2]int) bool { return s != [2]int{b.Height, b.Width} })
}

// Region is how many rows and columns of the feature map are picture i's. Exact
// batches count as the network does; the published way asks for the pixel at the
// cell's corner, as torch's 'nearest' interpolation of the mask does.
func (b *Batch) Region(i, stride int) (rows, cols int) {
	h, w := b.Sizes[i][0], b.Sizes[i][1]
	if b.Exact {
		return cellsOf(h, stride), cellsOf(w, stride)
	}
	height, width := b.Height, b.Width
	if b.own != [2]int{} {
		height, width = b.own[0], b.own[1]
	}
	return nearest(height, cellsOf(height, stride), h), nearest(width, cellsOf(width, stride), w)
}

// nearest counts the cells whose nearest pixel, in torch's float32 arithmetic,
// lies inside the picture.
func nearest(canvas, cells, picture int) int {
	scale := float32(canvas) / float32(cells)
	n := 0
	for i := range cells {
		if min(int(float32(i)*scale), canvas-1) < picture {
			n++
		}
	}
	return n
}
