package nn

import "unsafe"

// winograd is a 3×3 convolution of stride 1 with bias by Winograd's F(m×m, 3×3)
// (Lavin and Gray, CVPR 2016): n² = (m+2)² products in place of 9 m².
type winograd struct {
	m, in, out int
	points     []*Matrix // [n²] of [in, out]
	all        []float32 // what they lie in
	bias       []float32
	constants  []float32
	g          [][3]float32 // of the transform of the weights
}

// The points of F(4×4, 3×3) are 0, ±nearPoint, ±farPoint and ∞: with the usual 1 and 2
// the error is two to three times as large.
const nearPoint, farPoint = 0.75, 1.5

// newWinograd has room for weights, which transform lays out.
func newWinograd(m, in, out int, bias []float32) *winograd {
	const a, b, a2, b2 = nearPoint, farPoint, nearPoint * nearPoint, farPoint * farPoint
	w := &winograd{m: m, in: in, out: out, bias: Aligned(kernel.whole(out))}
	copy(w.bias, bias)
	g := [][3]float64{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}
	if m == 4 {
		const near, far = 1 / (2 * a2 * (a2 - b2)), 1 / (2 * b2 * (b2 - a2))
		g = [][3]float64{{1 / (a2 * b2), 0, 0}, {near, near * a, near * a2}, {near, -near * a, near * a2},
			{far, far * b, far * b2}, {far, -far * b, far * b2}, {0, 0, 1}}
		w.constants = Aligned(8 * 16)
		for i, v := range []float64{a, b, a2, b2, -(a2 + b2), a2 * b2, a2 * a, b2 * b} {
			for k := range 16 {
				w.constants[i*16+k] = float32(v)
			}
		}
	}
	n := m + 2
	w.all = Allocate(n * n * in * out)
	for i := range n * n {
		w.points = append(w.points, &Matrix{depth: in, width: out, panels: w.all[i*in*out:][:in*out], bias: w.bias})
	}
	var narrow [6][3]float32
	for i := range g {
		for j := range 3 {
			narrow[i][j] = float32(g[i][j])
		}
	}
	w.g = narrow[:n]
	return w
}

// transform is G g Gᵀ of the weights [3, 3, in, out], of some of the inputs.
func (w *winograd) transform(weights []float32, from, to int) {
	n, out, g := w.m+2, w.out, w.g
	var half [6][3][64]float32
	for column := 0; column < out; column += kernel.panel() {
		wide := w.points[0].panelWidth(column)
		for i := from; i < to; i++ {
			var from [9][]float32
			for q := range from {
				from[q] = weights[(q*w.in+i)*out+column:][:wide]
			}
			for y := range n {
				for x := range 3 {
					a, b, c, to := from[x], from[3+x], from[6+x], half[y][x][:wide]
					for k := range to {
						to[k] = g[y][0]*a[k] + g[y][1]*b[k] + g[y][2]*c[k]
					}
				}
			}
			for y := range n {
				a, b, c := half[y][0][:wide], half[y][1][:wide], half[y][2][:wide]
				for x := range n {
					to := w.points[y*n+x].panels[column*w.in+i*wide:][:wide]
					for k := range to {
						to[k] = g[x][0]*a[k] + g[x][1]*b[k] + g[x][2]*c[k]
					}
				}
			}
		}
	}
}

// floors are what results of transforms are not less than: with ReLU, and without.
var floors = map[bool]*float32{true: new(float32), false: &infinite}

// apply convolves x into to, which has its shape.
func (w *winograd) apply(work *Work, to *Map, x Map, relu bool) {
	m, n := w.m, w.m+2
	down, across := (x.Rows+m-1)/m, (x.Cols+m-1)/m
	tiles := down * across
	most := 48 // tiles of a piece
	if w.in <= 64 {
		most = 24
	}
	if m == 2 {
		most *= 2
	}
	pieces := (tiles + most - 1) / most
	if least := 4 * len(work.threads); pieces < least {
		pieces = max(1, min(least, tiles/(2*rows)))
	}
	most = ((tiles+pieces-1)/pieces + rows - 1) / rows * rows
	work.each((tiles+most-1)/most, func(t *thread, i int) {
		first := i * most
		count := min(most, tiles-first)
		high := (count + rows - 1) / rows * rows
		// Points some lines apart, so that they do not compete for places of the cache.
		inStride, outStride := most*w.in+16, most*w.out+16
		before, after := t.buffer(0, n*n*inStride), t.buffer(1, n*n*outStride)
		scratch := t.buffer(2, 36*kernel.lanes)

		places := t.pointers(count * n * n)
		outside := zero(w.in)
		for tile := range count {
			y0, x0 := (first+tile)/across*m-1, (first+tile)%across*m-1
			for i := range n {
				for j := range n {
					to := &places[(tile*n+i)*n+j]
					if uint(y0+i) < uint(x.Rows) && uint(x0+j) < uint(x.Cols) {
						*to = unsafe.Pointer(&x.Data[((y0+i)*x.Cols+x0+j)*w.in])
					} else {
						*to = outside
					}
				}
			}
		}
		a := &t.transform
		*a = transform{places: &places[0], points: unsafe.Pointer(&before[0]), pointStride: uintptr(inStride * 4),
			tileStride: uintptr(w.in * 4), channels: uintptr(w.in * 4), tiles: count,
			scratch: unsafe.Pointer(&scratch[0])}
		if w.constants != nil {
			a.constants = unsafe.Pointer(&w.constants[0])
		}
		kernel.winogradIn[m]((*byte)(unsafe.Pointer(a)))

		left := t.pointers(high)
		for tile := range high {
			left[tile] = unsafe.Pointer(&before[min(tile, count-1)*w.in])
		}
		for point := range w.points {
			w.multiply(t, point, after[point*outStride:], point*inStride*4, high/rows)
		}

		places = t.pointers(count * m * m)
		aside := unsafe.Pointer(&t.buffer(3, w.out)[0]) // for what lies outside
		for tile := range count {
			y0, x0 := (first+tile)/across*m, (first+tile)%across*m
			for i := range m {
				for j := range m {
					from := &places[(tile*m+i)*m+j]
					if y0+i < to.Rows && x0+j < to.Cols {
						*from = unsafe.Pointer(&to.Data[((y0+i)*to.Cols+x0+j)*w.out])
					} else {
						*from = aside
					}
				}
			}
		}
		a.places, a.points = &places[0], unsafe.Pointer(&after[0])
		a.pointStride, a.tileStride = uintptr(outStride*4), uintptr(w.out*4)
		a.channels, a.tiles, a.bias = uintptr(w.out*4), count, unsafe.Pointer(&w.bias[0])
		a.floor = unsafe.Pointer(floors[relu])
		kernel.winogradOut[m]((*byte)(unsafe.Pointer(a)))
	})
}

// multiply is the product of one point: t.left are the rows of the first, shift bytes
// before these.
func (w *winograd) multiply(t *thread, point int, to []float32, shift, tiles int) {
	a, m, most := &t.product, w.points[point], kernel.deep
	for above := 0; above < w.in; above += most {
		a.shift = uintptr(shift + above*4)
		a.taps, a.depth = 1, min(most, w.in-above)
		a.depth4, a.flags, a.residual = a.depth&^3, 0, nil
		if above > 0 {
			a.flags = accumulate
		}
		a.bias = zero(kernel.panel())
		for column := 0; column < w.out; column += kernel.panel() {
			wide := m.panelWidth(column)
			a.left, a.tiles = &t.left[0], tiles
			a.panel = unsafe.Pointer(&m.panels[column*w.in+above*wide])
			if after := column + kernel.panel(); after < w.out {
				a.next = unsafe.Pointer(&m.panels[after*w.in+above*m.panelWidth(after)])
			} else {
				a.next = unsafe.Pointer(&w.points[min(point+1, len(w.points)-1)].panels[0])
			}
			a.result, a.resultStride = unsafe.Pointer(&to[column]), uintptr(w.out*4)
			kernel.gemm[wide/kernel.lanes-1]((*byte)(unsafe.Pointer(a)))
		}
	}
}
