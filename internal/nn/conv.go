package nn

import (
	"sync"
	"unsafe"
)

// Conv is a convolution of maps with zeros around them: Size×Size places, Stride
// apart, Dilation between them, padded so that a map keeps its size (over Stride,
// rounded up).
type Conv struct {
	In, Out, Size, Stride, Dilation int

	direct   func() *Matrix
	winograd map[int]func() *winograd // by the side of the tiles that are put out
	made     []func()                 // frees what was made
}

// NewConv lays out weights [size, size, in, out] and a bias [out]. Where there are
// several ways to convolve, each is prepared when a map first needs it, so that the
// weights become the convolution's, may not change and are freed with it.
func NewConv(in, out, size, stride, dilation int, weights, bias []float32) *Conv {
	c := &Conv{In: in, Out: out, Size: size, Stride: stride, Dilation: dilation}
	if !c.winogradable() {
		m := Pack(size*size*in, out, weights, bias)
		Free(weights)
		c.direct = func() *Matrix { return m }
		c.made = append(c.made, m.Free)
		return c
	}
	var making sync.Mutex
	free := func(f func()) {
		making.Lock()
		defer making.Unlock()
		c.made = append(c.made, f)
	}
	free(func() { Free(weights) })
	c.direct = sync.OnceValue(func() *Matrix {
		m := Pack(size*size*in, out, weights, bias)
		free(m.Free)
		return m
	})
	c.winograd = map[int]func() *winograd{}
	for m := range kernel.winogradIn {
		c.winograd[m] = sync.OnceValue(func() *winograd {
			w := newWinograd(m, in, out, bias)
			w.transform(weights, 0, in)
			free(func() { Free(w.all) })
			return w
		})
	}
	return c
}

// winogradable says whether Winograd's way is there for a convolution.
func (c *Conv) winogradable() bool {
	return c.Size == 3 && c.Stride == 1 && c.Dilation == 1 && len(kernel.winogradIn) > 0 && c.In%kernel.lanes == 0 &&
		c.Out%kernel.lanes == 0
}

// Pointwise is a convolution of single places by a matrix.
func Pointwise(stride int, m *Matrix) *Conv {
	return &Conv{In: m.depth, Out: m.width, Size: 1, Stride: stride, Dilation: 1, direct: func() *Matrix { return m },
		made: []func(){m.Free}}
}

// Free gives the memory of the weights back, which are not used any more.
func (c *Conv) Free() {
	for _, free := range c.made {
		free()
	}
}

// Prepare makes ready what maps of this size need.
func (c *Conv) Prepare(rows, cols int) {
	if m := c.tile(rows, cols); m > 0 {
		c.winograd[m]()
	} else {
		c.direct()
	}
}

// tile is the side of the tiles that Winograd's way has for a map, 0 for none.
func (c *Conv) tile(rows, cols int) int {
	if c.winograd == nil {
		return 0
	}
	return tileOf(rows * cols)
}

// tileOf is tile where Winograd's way is there. Each of its matrices is read for every
// 48 tiles or so: they should be worth it.
func tileOf(cells int) int {
	switch {
	case cells < 128:
		return 0
	case cells < 1600:
		return 2
	}
	return 4
}

// Sized is the size of what a map becomes.
func (c *Conv) Sized(rows, cols int) (int, int) {
	return (rows + c.Stride - 1) / c.Stride, (cols + c.Stride - 1) / c.Stride
}

// Apply convolves x into to, whose Data it allocates where it is too small.
func (c *Conv) Apply(w *Work, to *Map, x Map, after After) {
	if x.Channels != c.In || len(x.Data) != x.Rows*x.Cols*x.Channels {
		panic("nn: the shape of a map does not fit its convolution")
	}
	down, across := c.Sized(x.Rows, x.Cols)
	to.Resize(down, across, c.Out)
	if after.Residual != nil && len(after.Residual) != len(to.Data) {
		panic("nn: the shape of a residual does not fit its convolution")
	}
	if m := c.tile(x.Rows, x.Cols); m > 0 && after.ReLU && after.Residual == nil {
		c.winograd[m]().apply(w, to, x, true)
		return
	}
	m := c.direct()
	n := to.Rows * to.Cols
	high := m.high(n, len(w.threads))
	w.each((n+high-1)/high, func(t *thread, i int) {
		first := i * high
		p := piece{m: m, taps: c.Size * c.Size, depth: c.In, count: min(high, n-first), stride: c.Out, relu: after.ReLU}
		p.result = to.Data[first*c.Out:][:p.count*c.Out]
		if after.Residual != nil {
			p.residual = after.Residual[first*c.Out:][:p.count*c.Out]
		}
		c.window(&p, t, x, to.Cols, first)
		p.multiply(t)
	})
}

// window fills in where the rows of a piece find the places that their windows see.
func (c *Conv) window(p *piece, t *thread, x Map, cols, first int) {
	left := p.plan(t)
	outside := zero(x.Channels)
	tiles := (p.count + rows - 1) / rows
	origin := unsafe.Pointer(&x.Data[0])
	if c.Size == 1 {
		y, z := first/cols, first%cols
		for i := range left {
			left[i] = unsafe.Add(origin, (y*x.Cols+z)*c.Stride*x.Channels*4)
			if i >= p.count-1 {
				continue // rows beyond the last are the last again
			}
			if z++; z == cols {
				y, z = y+1, 0
			}
		}
		return
	}
	pad := c.Dilation * (c.Size / 2)
	for i := range tiles * rows {
		place := first + min(i, p.count-1)
		y0, x0 := place/cols*c.Stride-pad, place%cols*c.Stride-pad
		tile, row := i/rows, i%rows
		group, tap := 0, 0
		for dy := range c.Size {
			py := y0 + dy*c.Dilation
			inside := uint(py) < uint(x.Rows)
			for dx := range c.Size {
				px := x0 + dx*c.Dilation
				to := &left[((group*tiles+tile)*p.each+tap)*rows+row]
				if inside && uint(px) < uint(x.Cols) {
					*to = unsafe.Add(origin, (py*x.Cols+px)*x.Channels*4)
				} else {
					*to = outside
				}
				if tap++; tap == p.each {
					group, tap = group+1, 0
				}
			}
		}
	}
}

// Resize gives the map another size, and memory where it has too little.
func (m *Map) Resize(rows, cols, channels int) {
	m.Rows, m.Cols, m.Channels = rows, cols, channels
	n := rows * cols * channels
	if cap(m.Data) < n {
		Free(m.Data)
		m.Data = Allocate(n)
	}
	m.Data = m.Data[:n]
}

// Free gives the memory of a map back that Apply and its like have allocated.
func (m *Map) Free() {
	Free(m.Data)
	m.Data = nil
}

// MaxPool is the greatest of 3×3 places, at every second one, of a map without
// negative numbers; its Data is allocated where it is too small.
func MaxPool(w *Work, to *Map, x Map) {
	to.Resize((x.Rows+1)/2, (x.Cols+1)/2, x.Channels)
	n := x.Channels
	outside := zero(n)
	k := kernel
	if n%k.lanes != 0 {
		k = &plain
	}
	w.each(to.Rows, func(t *thread, row int) {
		places := t.pointers(to.Cols * 9)
		for col := range to.Cols {
			for i := range 9 {
				y, z := 2*row-1+i/3, 2*col-1+i%3
				places[col*9+i] = outside
				if uint(y) < uint(x.Rows) && uint(z) < uint(x.Cols) {
					places[col*9+i] = unsafe.Pointer(&x.Data[(y*x.Cols+z)*n])
				}
			}
		}
		a := &t.transform
		*a = transform{places: &places[0], points: unsafe.Pointer(&to.Data[row*to.Cols*n]), channels: uintptr(n * 4),
			tiles: to.Cols}
		k.maxPool((*byte)(unsafe.Pointer(a)))
	})
}
