package intr

import "github.com/gointr/gointr/pkg/picture"

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
		b.put(i, scratch)
	}
	return b
}

// put copies the normalised pixels [h, w, 3] of picture i onto its canvas.
func (b *Batch) put(i int, pixels []float32) {
	h, w := b.Sizes[i][0], b.Sizes[i][1]
	for y := range h {
		at := ((i*b.Height + y) * b.Width) * 3
		copy(b.Pixels[at:at+w*3], pixels[y*w*3:(y+1)*w*3])
	}
}

// on is a batch on a larger canvas, to be answered as on its own.
func (b *Batch) on(height, width int) *Batch {
	if b.Exact || b.Height == height && b.Width == width {
		return b
	}
	larger := &Batch{Height: height, Width: width, Sizes: b.Sizes, own: [2]int{b.Height, b.Width},
		Pixels: make([]float32, len(b.Sizes)*height*width*3)}
	for i := range b.Sizes {
		for y := range b.Height {
			copy(larger.Pixels[(i*height+y)*width*3:], b.Pixels[(i*b.Height+y)*b.Width*3:][:b.Width*3])
		}
	}
	return larger
}

// Rows and Cols are the size of the canvas's feature map.
func (b *Batch) Rows(stride int) int { return cellsOf(b.Height, stride) }
func (b *Batch) Cols(stride int) int { return cellsOf(b.Width, stride) }

// cellsOf is how many cells a side of the picture has: every layer of a ResNet
// rounds up.
func cellsOf(pixels, stride int) int { return (pixels + stride - 1) / stride }

// cells [pictures, rows, cols] is true where a cell belongs to a picture. Exact
// batches count as the network does; the published way asks for the pixel at
// the cell's corner, as torch's 'nearest' interpolation of the mask does.
func (b *Batch) cells(stride int) []bool {
	rows, cols := b.Rows(stride), b.Cols(stride)
	cells := make([]bool, 0, len(b.Sizes)*rows*cols)
	for i := range b.Sizes {
		r, c := b.Region(i, stride)
		for y := range rows {
			for x := range cols {
				cells = append(cells, y < r && x < c)
			}
		}
	}
	return cells
}

// full says whether every picture fills the canvas.
func (b *Batch) full() bool {
	for _, s := range b.Sizes {
		if s != [2]int{b.Height, b.Width} {
			return false
		}
	}
	return true
}

// Region is how many rows and columns of the feature map are picture i's.
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
