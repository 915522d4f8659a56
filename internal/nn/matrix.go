package nn

import (
	"slices"
	"unsafe"
)

// A Matrix is the right side of products: weights [depth, width] and a bias [width],
// laid out in panels as the kernels read them.
type Matrix struct {
	depth, width int
	panels       []float32 // [panel, depth, columns of the panel], the last one narrower
	bias         []float32 // whole vectors
}

// Pack lays out weights [depth, width] and a bias [width], or none (nil).
func Pack(depth, width int, weights, bias []float32) *Matrix {
	m := newMatrix(depth, width)
	m.pack(weights, width, 1)
	copy(m.bias, bias)
	return m
}

// PackRows is Pack for weights [width, depth], as torch.nn.Linear has them, each row
// times its scale (nil for 1).
func PackRows(depth, width int, weights, scale, bias []float32) *Matrix {
	m := newMatrix(depth, width)
	m.packTransposed(weights, depth)
	if scale != nil {
		m.scale(scale)
	}
	copy(m.bias, bias)
	return m
}

// scale multiplies each column with its scale.
func (m *Matrix) scale(scale []float32) {
	for column := 0; column < m.width; column += kernel.panel() {
		m.scalePanel(column, scale)
	}
}

func (m *Matrix) scalePanel(column int, scale []float32) {
	wide := m.panelWidth(column)
	scale = scale[column:min(column+wide, m.width)]
	for row := range slices.Chunk(m.panels[column*m.depth:][:wide*m.depth], wide) {
		for i, s := range scale {
			row[i] *= s
		}
	}
}

// Free gives the memory of a matrix back, which is not used any more.
func (m *Matrix) Free() { Free(m.panels) }

func newMatrix(depth, width int) *Matrix {
	whole := kernel.whole(width)
	return &Matrix{depth, width, Allocate(depth * whole), Aligned(whole)}
}

// panels is how many panels a matrix of a width has.
func panels(width int) int { return (width + kernel.panel() - 1) / kernel.panel() }

// panelWidth is how many columns the panel that begins at a column has, whole vectors.
func (m *Matrix) panelWidth(column int) int {
	return min(kernel.panel(), kernel.whole(m.width-column))
}

// pack lays out weights [depth, width], whose rows are stride numbers apart, times scale.
func (m *Matrix) pack(weights []float32, stride int, scale float32) {
	for column := 0; column < m.width; column += kernel.panel() {
		m.packPanel(column, weights, stride, scale)
	}
}

// packPanel is pack of the panel that begins at a column.
func (m *Matrix) packPanel(column int, weights []float32, stride int, scale float32) {
	wide := m.panelWidth(column)
	n := min(wide, m.width-column)
	to := m.panels[column*m.depth:]
	for k := range m.depth {
		row, from := to[k*wide:][:wide], weights[k*stride+column:][:n]
		if scale == 1 {
			copy(row, from)
		} else {
			for i, v := range from {
				row[i] = v * scale
			}
		}
		clear(row[n:])
	}
}

// packTransposed lays out the transpose of rows [width, depth], which are stride
// numbers apart.
func (m *Matrix) packTransposed(rows []float32, stride int) {
	for column := 0; column < m.width; column += kernel.panel() {
		m.packPanelTransposed(column, 0, m.depth, rows, stride)
	}
}

// packPanelTransposed lays out deep rows, from one on, of the panel that begins at a
// column: the transpose of rows [width, deep].
func (m *Matrix) packPanelTransposed(column, above, deep int, rows []float32, stride int) {
	wide := m.panelWidth(column)
	n := min(wide, m.width-column)
	to := m.panels[column*m.depth+above*wide:][:wide*deep]
	if n < wide {
		clear(to)
	}
	transpose(to, wide, rows[column*stride:], stride, n, deep)
}

// Transpose puts the columns of x [rows, cols] into to [cols, rows].
func Transpose(to, x []float32, rows, cols int) {
	if len(to) != rows*cols || len(x) != rows*cols {
		panic("nn: the shapes of a transpose do not fit")
	}
	transpose(to, rows, x, cols, rows, cols)
}

// transpose puts the columns of x [rows, cols], whose rows are from numbers apart, into
// to, whose rows are wide numbers apart.
func transpose(to []float32, wide int, x []float32, from, rows, cols int) {
	done := 0 // columns of the first rows, by eights
	if kernel.transpose != nil && rows >= 8 && cols >= 8 {
		done = cols &^ 7
		b := &blocks{toStride: uintptr(wide * 4), fromStride: uintptr(from * 4)}
		const few = 16 // columns at a time, so that a line is written to soon again
		for col := 0; col < done; col += few {
			for row := 0; row+8 <= rows; row += 8 {
				b.count = min(few, done-col) / 8
				b.to, b.from = unsafe.Pointer(&to[col*wide+row]), unsafe.Pointer(&x[row*from+col])
				kernel.transpose((*byte)(unsafe.Pointer(b)))
			}
		}
	}
	for row := range rows {
		first := done
		if row >= rows&^7 {
			first = 0
		}
		for col := first; col < cols; col++ {
			to[col*wide+row] = x[row*from+col]
		}
	}
}

// tall is how many rows of the left side one piece of work has.
const tall = 48

// high is how many rows the pieces of n have: more where the matrix, which every piece
// reads, lies beyond the nearer caches, and less where there would be too few pieces.
func (m *Matrix) high(n, threads int) int {
	high, least := tall, 4*threads
	if len(m.panels) > 1<<18 {
		high, least = 4*tall, 2*threads
	}
	for high > 2*rows && (n+high-1)/high < least {
		high -= rows
	}
	return high
}

// After is what is done with a product, in this order: Residual, with the shape of
// the result, which it may be, is added to it, and what is negative becomes 0.
type After struct {
	Residual []float32
	ReLU     bool
}

// Times is x [n, depth] times the matrix, plus its bias, into to [n, width]. to may
// not overlap x; Residual may be to.
func (m *Matrix) Times(w *Work, to, x []float32, after After) {
	n := len(x) / m.depth
	if len(x) != n*m.depth || len(to) != n*m.width || after.Residual != nil && len(after.Residual) != len(to) {
		panic("nn: the shapes of a product do not fit")
	}
	high, across := m.high(n, len(w.threads)), 1 // of some panels only, where there are few pieces
	pieces, panels := (n+high-1)/high, panels(m.width)
	if pieces < len(w.threads) {
		across = min(panels, 2*len(w.threads))
	}
	w.each(pieces*across, func(t *thread, i int) {
		first := i / across * high
		count := min(high, n-first)
		p := piece{m: m, taps: 1, depth: m.depth, count: count, result: to[first*m.width:][:count*m.width],
			stride: m.width, relu: after.ReLU,
			from: i % across * panels / across * kernel.panel(),
			to:   (i%across + 1) * panels / across * kernel.panel()}
		if after.Residual != nil {
			p.residual = after.Residual[first*m.width:][:count*m.width]
		}
		left := p.plan(t)
		for row := range left {
			left[row] = unsafe.Pointer(&x[(first+min(row, count-1))*m.depth])
		}
		p.multiply(t)
	})
}

// A piece is some rows of a product, of all columns or from one to another.
type piece struct {
	m            *Matrix
	taps, depth  int // of the left side: m.depth is taps times depth
	count        int // rows
	result       []float32
	residual     []float32
	stride       int // of result and residual
	relu         bool
	from, to     int // columns, of whole panels; all where to is 0
	groups, each int // groups of taps, and the taps of each
	slices       int // of the depth of a tap
}

// plan decides how the depth is cut, and gives the pointers of the left side to fill
// in: [groups, tiles, each, 6], rows beyond the last being the last again.
func (p *piece) plan(t *thread) []unsafe.Pointer {
	p.groups, p.each, p.slices = 1, p.taps, 1
	if most := kernel.deep; p.depth > most {
		p.groups, p.each = p.taps, 1
		p.slices = (p.depth + most - 1) / most
	} else if p.taps*p.depth > most {
		p.each = max(1, most/p.depth)
		for p.taps%p.each != 0 {
			p.each--
		}
		p.groups = p.taps / p.each
	}
	return t.pointers((p.count + rows - 1) / rows * rows * p.taps)
}

// multiply computes a piece whose pointers were filled in.
func (p *piece) multiply(t *thread) {
	k, m, a := kernel, p.m, &t.product
	tiles, rest := p.count/rows, p.count%rows
	all := tiles
	if rest > 0 {
		all++
	}
	last := m.width
	if p.to > 0 {
		last = min(last, p.to)
	}
	steps := p.groups * p.slices
	slice := p.depth / p.slices / 4 * 4 // of the depth; the last one has what is left
	for step := range steps {
		group, s := step/p.slices, step%p.slices
		a.taps, a.depth, a.shift = p.each, p.depth, 0
		if p.slices > 1 {
			a.depth, a.shift = slice, uintptr(s*slice*4)
			if s == p.slices-1 {
				a.depth = p.depth - s*slice
			}
		}
		a.depth4 = a.depth &^ 3
		begin, end := step == 0, step == steps-1
		a.flags = 0
		if !begin {
			a.flags = accumulate
		}
		if end && p.relu {
			a.flags |= rectify
		}
		above := group*p.each*p.depth + s*slice // rows of the panel before these
		left := t.left[group*all*p.each*rows:]
		for column := p.from; column < last; column += k.panel() {
			wide := m.panelWidth(column)
			gemm := k.gemm[wide/k.lanes-1]
			a.panel = unsafe.Pointer(&m.panels[column*m.depth+above*wide])
			a.next = a.panel
			if after := column + k.panel(); after < last {
				a.next = unsafe.Pointer(&m.panels[after*m.depth+above*m.panelWidth(after)])
			} else if !end {
				a.next = unsafe.Pointer(&m.panels[p.from*m.depth+(above+p.each*a.depth)*m.panelWidth(p.from)])
			}
			a.bias = unsafe.Pointer(&m.bias[column])
			whole := tiles
			if m.width-column < wide {
				whole = 0
			}
			if whole > 0 {
				a.left, a.tiles = &left[0], whole
				a.result, a.resultStride = unsafe.Pointer(&p.result[column]), uintptr(p.stride*4)
				a.residual = nil
				if begin && p.residual != nil { // which may be the result: the next step overwrites it
					a.residual, a.residualStride = unsafe.Pointer(&p.residual[column]), uintptr(p.stride*4)
				}
				gemm((*byte)(unsafe.Pointer(a)))
			}
			for tile := whole; tile < all; tile++ {
				a.left, a.tiles = &left[tile*p.each*rows], 1
				p.aside(t, tile*rows, min(rows, p.count-tile*rows), column, min(wide, m.width-column), wide, begin,
					gemm)
			}
		}
	}
}

// aside computes a tile of which only high rows and n columns are there.
func (p *piece) aside(t *thread, row, high, column, n, wide int, begin bool, gemm func(*byte)) {
	a := &t.product
	if !begin {
		for i := range high {
			copy(t.tile[i*wide:], p.result[(row+i)*p.stride+column:][:n])
		}
	}
	a.result, a.resultStride, a.residual = unsafe.Pointer(&t.tile[0]), uintptr(wide*4), nil
	flags := a.flags
	residual := begin && p.residual != nil
	if residual {
		a.flags &^= rectify
	}
	gemm((*byte)(unsafe.Pointer(a)))
	a.flags = flags
	for i := range high {
		to, from := p.result[(row+i)*p.stride+column:][:n], t.tile[i*wide:][:n]
		if !residual {
			copy(to, from)
			continue
		}
		for j, v := range p.residual[(row+i)*p.stride+column:][:n] {
			if v += from[j]; flags&rectify != 0 && v < 0 {
				v = 0
			}
			to[j] = v
		}
	}
}
