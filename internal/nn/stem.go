package nn

import "unsafe"

// Stem is a convolution of a few channels with a large window and stride 2 (a
// ResNet's first: 7×7 of 3 channels): a row of the window is one tap.
type Stem struct {
	in, out, size int
	m             *Matrix
}

// NewStem lays out weights [size, size, in, out] and a bias [out].
func NewStem(in, out, size int, weights, bias []float32) *Stem {
	return &Stem{in: in, out: out, size: size, m: Pack(size*size*in, out, weights, bias)}
}

// Free gives the memory of the weights back, which are not used any more.
func (c *Stem) Free() { c.m.Free() }

// Apply convolves x, with zeros around it, into to, whose Data it allocates where it
// is too small, and what is negative becomes 0.
func (c *Stem) Apply(w *Work, to *Map, x Map) {
	const stride = 2
	pad := c.size / 2
	w.padded.Resize(x.Rows+2*pad+stride, x.Cols+2*pad+stride, c.in)
	in := w.padded
	wide := in.Cols * c.in
	w.each(in.Rows, func(_ *thread, row int) {
		line := in.Data[row*wide:][:wide]
		clear(line)
		if y := row - pad; y >= 0 && y < x.Rows {
			copy(line[pad*c.in:], x.Data[y*x.Cols*c.in:][:x.Cols*c.in])
		}
	})
	to.Resize((x.Rows+1)/stride, (x.Cols+1)/stride, c.out)
	n := to.Rows * to.Cols
	w.each((n+tall-1)/tall, func(t *thread, i int) {
		first := i * tall
		p := piece{m: c.m, taps: c.size, depth: c.size * c.in, count: min(tall, n-first), stride: c.out, relu: true}
		p.result = to.Data[first*c.out:][:p.count*c.out]
		left := p.plan(t)
		tiles := (p.count + rows - 1) / rows
		for j := range tiles * rows {
			place := first + min(j, p.count-1)
			at := unsafe.Pointer(&in.Data[(place/to.Cols*stride*in.Cols+place%to.Cols*stride)*c.in])
			for dy := range c.size {
				left[((dy/p.each*tiles+j/rows)*p.each+dy%p.each)*rows+j%rows] = unsafe.Add(at, dy*wide*4)
			}
		}
		p.multiply(t)
	})
}
