package nn

import (
	"math"
	"unsafe"
)

// Trained is a convolution, as Conv is, whose weights change and whose gradients are
// asked for. What the weights are laid out as is made anew when it is used first after
// they have changed.
type Trained struct {
	In, Out, Size, Stride, Dilation int

	weights, scale, bias []float32
	stride               int
	forward              laid
	backward             laid
	matrix               *Matrix // [size, size, in] of [out]
	phases               []phase // of places of x whose rows and columns leave the same rest by Stride
}

// laid are the ways that weights are laid out, and which of them are as they are now.
type laid struct {
	conv     Conv
	winograd map[int]*winograd
	fresh    map[int]bool // by m of Winograd's way, 0 for matrices
}

// phase is what some places of x have part in: taps of the window, and where what
// they were part of lies.
type phase struct {
	row, col int   // rest of the places by Stride
	taps     []int // of Size×Size
	down     []int // of each tap: what is added to a place over Stride, row and column
	across   []int
	m        *Matrix // [taps, out] of [in]
}

// NewTrained is a convolution whose weights Set gives.
func NewTrained(in, out, size, stride, dilation int) *Trained {
	c := &Trained{In: in, Out: out, Size: size, Stride: stride, Dilation: dilation}
	c.forward.conv = Conv{In: in, Out: out, Size: size, Stride: stride, Dilation: dilation}
	c.backward.conv = Conv{In: out, Out: in, Size: size, Stride: stride, Dilation: dilation}
	for _, l := range []*laid{&c.forward, &c.backward} {
		l.winograd, l.fresh = map[int]*winograd{}, map[int]bool{}
	}
	pad := dilation * (size / 2)
	for row := range stride {
		for col := range stride {
			p := phase{row: row, col: col}
			for tap := range size * size {
				y, x := row+pad-tap/size*dilation, col+pad-tap%size*dilation
				if y%stride == 0 && x%stride == 0 {
					p.taps, p.down, p.across = append(p.taps, tap), append(p.down, y/stride), append(p.across, x/stride)
				}
			}
			c.phases = append(c.phases, p)
		}
	}
	return c
}

// Free gives the memory of what was laid out back, which is not used any more.
func (c *Trained) Free() {
	if c.matrix != nil {
		c.matrix.Free()
	}
	for _, l := range []*laid{&c.forward, &c.backward} {
		for _, w := range l.winograd {
			Free(w.all)
		}
	}
	for _, p := range c.phases {
		if p.m != nil {
			p.m.Free()
		}
	}
}

// Set gives it weights, rows of out numbers [size, size, in], stride numbers apart,
// times a scale [out], and a bias [out]; nil for 1 and 0. They are read when they are
// needed, and may change when they are given again.
func (c *Trained) Set(weights []float32, stride int, scale, bias []float32) {
	c.weights, c.stride, c.scale, c.bias = weights, stride, scale, bias
	clear(c.forward.fresh)
	clear(c.backward.fresh)
}

// ahead is the matrix that x is multiplied with.
func (c *Trained) ahead(w *Work) *Matrix {
	if c.matrix == nil {
		c.matrix = newMatrix(c.Size*c.Size*c.In, c.Out)
	}
	if !c.forward.fresh[0] {
		c.forward.fresh[0] = true
		copy(c.matrix.bias, c.bias)
		w.each(panels(c.Out), func(_ *thread, i int) {
			column := i * kernel.panel()
			c.matrix.packPanel(column, c.weights, c.stride, 1)
			if c.scale != nil {
				c.matrix.scalePanel(column, c.scale)
			}
		})
	}
	return c.matrix
}

// back lays out the matrices of the phases.
func (c *Trained) back(w *Work) {
	if c.backward.fresh[0] {
		return
	}
	c.backward.fresh[0] = true
	for i := range c.phases {
		p := &c.phases[i]
		if len(p.taps) == 0 {
			continue
		}
		if p.m == nil {
			p.m = newMatrix(len(p.taps)*c.Out, c.In)
		}
		w.each(panels(c.In), func(_ *thread, i int) {
			column := i * kernel.panel()
			for i, tap := range p.taps {
				p.m.packPanelTransposed(column, i*c.Out, c.Out, c.weights[tap*c.In*c.stride:], c.stride)
			}
			wide := p.m.panelWidth(column)
			panel := p.m.panels[column*p.m.depth:][:wide*p.m.depth]
			for k := 0; c.scale != nil && k < p.m.depth; k++ {
				row, s := panel[k*wide:][:wide], c.scale[k%c.Out]
				for i := range row {
					row[i] *= s
				}
			}
		})
	}
}

// winograd is Winograd's way, ahead or back; nil where there is none for a map.
func (c *Trained) winograd(w *Work, l *laid, x Map) *winograd {
	if !l.conv.winogradable() {
		return nil
	}
	m := tileOf(x.Rows * x.Cols)
	if m == 0 || l.fresh[m] {
		return l.winograd[m]
	}
	l.fresh[m] = true
	to := l.winograd[m]
	if to == nil {
		to = newWinograd(m, l.conv.In, l.conv.Out, nil)
		l.winograd[m] = to
	}
	folded := grownTo(&w.folded, 9*c.In*c.Out)
	if l == &c.forward {
		copy(to.bias, c.bias)
		w.each(9*c.In, func(_ *thread, row int) {
			copy(folded[row*c.Out:][:c.Out], c.weights[row*c.stride:])
			for i, s := range c.scale {
				folded[row*c.Out+i] *= s
			}
		})
	} else {
		w.each(9, func(_ *thread, tap int) {
			to := folded[(8-tap)*c.In*c.Out:][:c.In*c.Out]
			transpose(to, c.In, c.weights[tap*c.In*c.stride:], c.stride, c.In, c.Out)
			for i, s := range c.scale {
				for k := range to[i*c.In:][:c.In] {
					to[i*c.In+k] *= s
				}
			}
		})
	}
	const few = 16
	w.each((l.conv.In+few-1)/few, func(_ *thread, i int) {
		to.transform(folded, i*few, min(l.conv.In, (i+1)*few))
	})
	return to
}

// Apply is Conv.Apply.
func (c *Trained) Apply(w *Work, to *Map, x Map, after After) {
	if after.ReLU && after.Residual == nil {
		if way := c.winograd(w, &c.forward, x); way != nil {
			to.Resize(x.Rows, x.Cols, c.Out)
			way.apply(w, to, x, true)
			return
		}
	}
	m := c.ahead(w)
	c.forward.conv.direct = func() *Matrix { return m }
	c.forward.conv.Apply(w, to, x, after)
}

// Times is what Matrix.Times is, of a convolution of single places.
func (c *Trained) Times(w *Work, to, x []float32, after After) { c.ahead(w).Times(w, to, x, after) }

// Inputs is the gradient of what was convolved, of the size of to, from that of the
// result. With add it is added to what to holds.
func (c *Trained) Inputs(w *Work, to, result Map, add bool) {
	if to.Channels != c.In || result.Channels != c.Out {
		panic("nn: the shapes of a gradient do not fit")
	}
	if !add {
		if way := c.winograd(w, &c.backward, result); way != nil {
			way.apply(w, &to, result, false)
			return
		}
	}
	c.back(w)
	for i := range c.phases {
		p := &c.phases[i]
		down, across := (to.Rows-p.row+c.Stride-1)/c.Stride, (to.Cols-p.col+c.Stride-1)/c.Stride
		if p.m == nil {
			if !add {
				for y := range down {
					for x := range across {
						clear(to.Data[((y*c.Stride+p.row)*to.Cols+x*c.Stride+p.col)*c.In:][:c.In])
					}
				}
			}
			continue
		}
		n, high := down*across, across
		if n == 0 {
			continue
		}
		if c.Stride == 1 { // else a piece lies in one row, since the places are not one after the other
			high = p.m.high(n, len(w.threads))
		}
		w.each((n+high-1)/high, func(t *thread, i int) {
			first := i * high
			q := piece{m: p.m, taps: len(p.taps), depth: c.Out, count: min(high, n-first), stride: c.Stride * c.In}
			q.result = to.Data[((first/across*c.Stride+p.row)*to.Cols+first%across*c.Stride+p.col)*c.In:]
			if add {
				q.residual = q.result
			}
			left := q.plan(t)
			outside := zero(c.Out)
			tiles := (q.count + rows - 1) / rows
			for j := range tiles * rows {
				place := first + min(j, q.count-1)
				y, x := place/across, place%across
				for tap := range p.taps {
					at := &left[((tap/q.each*tiles+j/rows)*q.each+tap%q.each)*rows+j%rows]
					*at = outside
					y, x := y+p.down[tap], x+p.across[tap]
					if uint(y) < uint(result.Rows) && uint(x) < uint(result.Cols) {
						*at = unsafe.Pointer(&result.Data[(y*result.Cols+x)*c.Out])
					}
				}
			}
			q.multiply(t)
		})
	}
}

// Weights adds the gradient of the weights, times a scale [out] (nil for 1), to rows of
// to, [size, size, in] of out numbers, stride numbers apart: of what was convolved and
// the gradient of the result.
func (c *Trained) Weights(w *Work, to []float32, stride int, scale []float32, x, result Map) {
	if x.Channels != c.In || result.Channels != c.Out {
		panic("nn: the shapes of a gradient do not fit")
	}
	// The places of x, in planes by their rest by Stride, channels first and zeros around,
	// so that what a tap sees is a plane from some place on. What the rows of planes have
	// more than those of the result is multiplied with zeros.
	reach := (c.Size - 1) * c.Dilation / c.Stride
	wide := result.Cols + reach
	area := (result.Rows+reach)*wide + reach
	pitch := (area+15)/16*16 + 16
	phases := 1
	if c.Size > 1 {
		phases = c.Stride
	}
	planes := grownTo(&w.planes, phases*phases*c.In*pitch)
	c.lay(w, planes, x, result, pitch, wide)
	depth := result.Rows * wide
	whole := kernel.whole(c.Out)
	m := &Matrix{depth: depth, width: c.Out, panels: grownTo(&w.panels, depth*whole),
		bias: unsafe.Slice((*float32)(zero(whole)), whole)}
	w.each(result.Rows, func(_ *thread, y int) { m.packRow(result, y, wide, scale) })
	n := c.Size * c.Size * c.In
	high := m.high(n, len(w.threads))
	w.each((n+high-1)/high, func(t *thread, i int) {
		first := i * high
		p := piece{m: m, taps: 1, depth: depth, count: min(high, n-first), result: to[first*stride:], stride: stride}
		p.residual = p.result
		left := p.plan(t)
		for j := range left {
			row := first + min(j, p.count-1)
			tap, channel := row/c.In, row%c.In
			y, x := tap/c.Size*c.Dilation, tap%c.Size*c.Dilation
			plane := y%c.Stride*phases + x%c.Stride
			left[j] = unsafe.Pointer(&planes[(plane*c.In+channel)*pitch+y/c.Stride*wide+x/c.Stride])
		}
		p.multiply(t)
	})
}

// lay fills the planes of Weights: [phases, phases, in] of pitch numbers.
func (c *Trained) lay(w *Work, planes []float32, x, result Map, pitch, wide int) {
	if c.Size == 1 && c.Stride == 1 {
		const few = 64 // places of a piece
		n := x.Rows * x.Cols
		w.each((n+few-1)/few, func(_ *thread, i int) {
			transpose(planes[i*few:], pitch, x.Data[i*few*c.In:], c.In, min(few, n-i*few), c.In)
		})
		return
	}
	phases := 1
	if c.Size > 1 {
		phases = c.Stride
	}
	pad := c.Dilation * (c.Size / 2)
	high := result.Rows + (c.Size-1)*c.Dilation/c.Stride
	w.each(phases*phases*high, func(_ *thread, i int) {
		plane, row := i/high, i%high
		y, left := row*c.Stride+plane/phases-pad, plane%phases-pad
		from, to := 0, 0 // the places of the row that are there
		if y >= 0 && y < x.Rows {
			from = (max(0, -left) + c.Stride - 1) / c.Stride
			to = max(from, min(wide, (x.Cols-left+c.Stride-1)/c.Stride))
		}
		at := plane*c.In*pitch + row*wide
		last := wide
		if row == high-1 {
			last = pitch - row*wide
		}
		for channel := range c.In {
			clear(planes[at+channel*pitch:][:from])
			clear(planes[at+channel*pitch:][to:last])
		}
		if to > from {
			first := x.Data[(y*x.Cols+left+from*c.Stride)*c.In:]
			transpose(planes[at+from:], pitch, first, c.Stride*c.In, to-from, c.In)
		}
	})
}

// packRow lays out a row of a map, times a scale, as wide rows of the matrix.
func (m *Matrix) packRow(x Map, y, wide int, scale []float32) {
	for column := 0; column < m.width; column += kernel.panel() {
		panel := m.panelWidth(column)
		n := min(panel, m.width-column)
		to := m.panels[column*m.depth+y*wide*panel:][:wide*panel]
		for i := range x.Cols {
			to, from := to[i*panel:][:panel], x.Data[(y*x.Cols+i)*m.width+column:][:n]
			if scale == nil {
				copy(to, from)
			} else {
				to, scale := to[:len(from)], scale[column:][:len(from)]
				for k, v := range from {
					to[k] = v * scale[k]
				}
			}
			clear(to[n:])
		}
		clear(to[x.Cols*panel:])
	}
}

// grownTo is room for n numbers, whatever they are.
func grownTo(x *[]float32, n int) []float32 {
	if cap(*x) < n {
		Free(*x)
		*x = Allocate(n)
	}
	return (*x)[:n]
}

// Rectified is the gradient of what ReLU was given, in place, from that of its
// result, which is y.
func Rectified(w *Work, gradient, y []float32) {
	inParts(w, len(y), func(_ *thread, from, to int) {
		y := unsafe.Slice((*uint32)(unsafe.Pointer(&y[from])), to-from)
		gradient := unsafe.Slice((*uint32)(unsafe.Pointer(&gradient[from])), to-from)
		for i, v := range y { // without a branch, which would be taken every other time
			gradient[i] &= uint32(-int32(v&^(1<<31)) >> 31)
		}
	})
}

// Scale multiplies x with a number, in place.
func Scale(w *Work, x []float32, by float32) {
	inParts(w, len(x), func(_ *thread, from, to int) {
		for i := range x[from:to] {
			x[from+i] *= by
		}
	})
}

// MaxPooled is the gradient of what MaxPool was given, x, from that of its result, y.
// Of equal numbers the first has it.
func MaxPooled(w *Work, to, x, y, gradient Map) {
	n := x.Channels
	clear(to.Data)
	const channels = 16 // a thread has channels of its own, since windows overlap
	w.each((n+channels-1)/channels, func(_ *thread, i int) {
		from, last := i*channels, min(n, (i+1)*channels)
		for row := range y.Rows {
			for col := range y.Cols {
				at := (row*y.Cols + col) * n
				for c := from; c < last; c++ {
				window:
					for dy := max(0, 2*row-1); dy < min(x.Rows, 2*row+2); dy++ {
						for dx := max(0, 2*col-1); dx < min(x.Cols, 2*col+2); dx++ {
							if k := (dy*x.Cols+dx)*n + c; x.Data[k] == y.Data[at+c] {
								to.Data[k] += gradient.Data[at+c]
								break window
							}
						}
					}
				}
			}
		}
	})
}

// Sum adds rows of len(to) numbers to it.
func Sum(w *Work, to, rows []float32) {
	const few = 64 // columns of a piece
	n := len(to)
	w.each((n+few-1)/few, func(_ *thread, i int) {
		to := to[i*few : min(n, (i+1)*few)]
		for at := i * few; at < len(rows); at += n {
			for i, v := range rows[at:][:len(to)] {
				to[i] += v
			}
		}
	})
}

// Gradient is the gradient of x, rows that Apply was given, into to, which may be
// gradient: that of what Apply gave. It adds the gradients of Scale and Bias to scale
// and bias, where these are not nil.
func (l *Norm) Gradient(w *Work, to, x, gradient, scale, bias []float32) {
	const high = 32 // rows of a piece, which has sums of its own
	n := len(l.Scale)
	pieces := (len(x)/n + high - 1) / high
	sums := make([]float32, 2*n*pieces)
	w.each(pieces, func(_ *thread, i int) {
		from, last := i*high*n, min(len(x), (i+1)*high*n)
		own := sums[2*n*i:][:2*n]
		l.gradient(to[from:last], x[from:last], gradient[from:last], own[:n], own[n:])
	})
	for i := range pieces {
		for k, v := range sums[2*n*i:][:n] {
			if scale != nil {
				scale[k] += v
			}
			if bias != nil {
				bias[k] += sums[2*n*i+n+k]
			}
		}
	}
}

// gradient is Gradient of some rows.
func (l *Norm) gradient(to, x, gradient, scale, bias []float32) {
	n := len(l.Scale)
	inverse := 1 / float64(n)
	for len(x) > 0 {
		x0, g, out := x[:n], gradient[:n], to[:n]
		x, gradient, to = x[n:], gradient[n:], to[n:]
		var sum, squares float64
		for _, v := range x0 {
			sum += float64(v)
		}
		mean := float32(sum * inverse)
		for _, v := range x0 {
			squares += float64((v - mean) * (v - mean))
		}
		deviation := float32(1 / math.Sqrt(squares*inverse+float64(l.Epsilon)))
		var all, along float64
		for i, v := range g {
			normed := (x0[i] - mean) * deviation
			all += float64(v * l.Scale[i])
			along += float64(v * l.Scale[i] * normed)
			scale[i] += v * normed
			bias[i] += v
		}
		first, second := float32(all*inverse), float32(along*inverse)
		for i, v := range g {
			out[i] = deviation * (v*l.Scale[i] - first - (x0[i]-mean)*deviation*second)
		}
	}
}

// TrainedAttention is Attention that keeps what its gradient needs.
type TrainedAttention struct {
	Heads, Width int
	Unseen       []bool // as in Attention

	soft, dropped []float32 // [heads, q, whole]: the softmax, and room for what drop leaves of it
	kept          []float32 // the one of them that was used
	heads         []attendedHead
}

// attendedHead is the room of one head.
type attendedHead struct{ panels, turned, slopes []float32 }

// room is a matrix of depth rows of width numbers, without a bias, to lay out.
func (h *attendedHead) room(depth, width int) *Matrix {
	whole := kernel.whole(width)
	h.panels = grown(h.panels, depth*whole)
	return &Matrix{depth: depth, width: width, panels: h.panels, bias: unsafe.Slice((*float32)(zero(whole)), whole)}
}

// Attend is Attention.Attend where drop, which may be nil, may change the weights [n]
// of a head and a query before they are used.
func (a *TrainedAttention) Attend(w *Work, to, queries, keys, values []float32,
	drop func(head, query int, x []float32)) {
	width := a.Width / a.Heads
	q, n := len(queries)/a.Width, len(keys)/a.Width
	whole := kernel.whole(n)
	bias := Aligned(whole)
	hide(bias, n, a.Unseen)
	a.soft = grown(a.soft, a.Heads*q*whole)
	a.kept = a.soft
	if drop != nil {
		a.dropped = grown(a.dropped, a.Heads*q*whole)
		a.kept = a.dropped
	}
	if len(a.heads) != a.Heads {
		a.heads = make([]attendedHead, a.Heads)
	}
	w.each(a.Heads, func(t *thread, h int) {
		head := &a.heads[h]
		m := head.room(width, n)
		m.packTransposed(keys[h*width:], a.Width)
		m.width, m.bias = whole, bias
		soft, kept := a.soft[h*q*whole:][:q*whole], a.kept[h*q*whole:][:q*whole]
		t.times(m, soft, whole, q, queries[h*width:], a.Width)
		t.vectors = vectors{x: unsafe.Pointer(&soft[0]), bytes: uintptr(whole * 4), rows: q, stride: uintptr(whole * 4)}
		kernel.softmax((*byte)(unsafe.Pointer(&t.vectors)))
		if drop != nil {
			copy(kept, soft)
			for row := range q {
				drop(h, row, kept[row*whole:][:n])
			}
		}
		m = head.room(n, width)
		m.pack(values[h*width:], a.Width, 1)
		t.times(m, to[h*width:], a.Width, q, kept, whole)
	})
}

// Gradient gives the gradients of queries, keys and values, which Attend was given
// last, into toQueries and so on, from that of its result.
func (a *TrainedAttention) Gradient(
	w *Work, toQueries, toKeys, toValues, queries, keys, values, gradient []float32,
) {
	width := a.Width / a.Heads
	q, n := len(queries)/a.Width, len(keys)/a.Width
	whole := kernel.whole(n)
	w.each(a.Heads, func(t *thread, h int) {
		head := &a.heads[h]
		soft, kept := a.soft[h*q*whole:][:q*whole], a.kept[h*q*whole:][:q*whole]
		head.turned, head.slopes = grown(head.turned, n*q), grown(head.slopes, q*whole)
		slopes := head.slopes
		transpose(head.turned, q, kept, whole, q, n)
		m := head.room(q, width)
		m.pack(gradient[h*width:], a.Width, 1)
		t.times(m, toValues[h*width:], a.Width, n, head.turned, q)
		m = head.room(width, n)
		m.packTransposed(values[h*width:], a.Width)
		t.times(m, slopes, whole, q, gradient[h*width:], a.Width)
		// What went into the softmax s, of which dropout left k, has the gradient k·g - s Σ k·g.
		for row := range q {
			g, k, s := slopes[row*whole:][:n], kept[row*whole:][:n], soft[row*whole:][:n]
			var sum float64
			for i, v := range k {
				g[i] *= v
				sum += float64(g[i])
			}
			all := float32(sum)
			for i, v := range s {
				g[i] -= v * all
			}
		}
		transpose(head.turned, q, slopes, whole, q, n)
		m = head.room(n, width)
		m.pack(keys[h*width:], a.Width, 1)
		t.times(m, toQueries[h*width:], a.Width, q, slopes, whole)
		m = head.room(q, width)
		m.pack(queries[h*width:], a.Width, 1)
		t.times(m, toKeys[h*width:], a.Width, n, head.turned, q)
	})
}
