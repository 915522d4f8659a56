package nn

import (
	"unsafe"
)

// Attention is what Attend asks and is asked: Heads heads of width/Heads numbers each.
type Attention struct {
	Heads, Width int
	// Unseen is true for keys that no query may see; nil where all may be seen.
	Unseen []bool

	keys, values []*Matrix // by head
	bias         []float32
}

// Attend is the attention of queries [q, width], already scaled, over keys and values
// [n, width]: softmax(query · key) · value, head by head, into to [q, width]. weights,
// where it is not nil, is given the softmax [heads, q, n].
func (a *Attention) Attend(w *Work, to, queries, keys, values, weights []float32) {
	width := a.Width / a.Heads
	q, n := len(queries)/a.Width, len(keys)/a.Width
	if len(values) != len(keys) || len(to) != len(queries) || a.Unseen != nil && len(a.Unseen) != n ||
		weights != nil && len(weights) != a.Heads*q*n {
		panic("nn: the shapes of an attention do not fit")
	}
	whole := kernel.whole(n)
	a.bias = grown(a.bias, whole)
	hide(a.bias, n, a.Unseen)
	if len(a.keys) != a.Heads || a.keys[0].width != n {
		a.keys, a.values = make([]*Matrix, a.Heads), make([]*Matrix, a.Heads)
		for h := range a.Heads {
			a.keys[h] = &Matrix{depth: width, width: n, panels: Aligned(width * whole), bias: a.bias}
			a.values[h] = &Matrix{depth: n, width: width, panels: Aligned(n * kernel.whole(width)),
				bias: Aligned(kernel.whole(width))}
		}
	}
	w.each(a.Heads, func(_ *thread, h int) {
		a.keys[h].packTransposed(keys[h*width:], a.Width)
		a.values[h].pack(values[h*width:], a.Width, 1)
	})
	blocks := (q + tall - 1) / tall
	w.each(a.Heads*blocks, func(t *thread, i int) {
		h, first := i/blocks, i%blocks*tall
		count := min(tall, q-first)
		scores := t.buffer(0, tall*whole)
		// The scores have whole vectors, of which the last may be no keys: their bias says so.
		wide := *a.keys[h]
		wide.width, wide.bias = whole, a.bias
		t.times(&wide, scores, whole, count, queries[first*a.Width+h*width:], a.Width)
		t.vectors = vectors{x: unsafe.Pointer(&scores[0]), bytes: uintptr(whole * 4), rows: count,
			stride: uintptr(whole * 4)}
		kernel.softmax((*byte)(unsafe.Pointer(&t.vectors)))
		if weights != nil {
			for row := range count {
				copy(weights[(h*q+first+row)*n:][:n], scores[row*whole:])
			}
		}
		t.times(a.values[h], to[first*a.Width+h*width:], a.Width, count, scores, whole)
	})
}

// hide makes bias what is added to the scores of n keys: -∞ to those that are unseen,
// and to what stands behind the last key.
func hide(bias []float32, n int, unseen []bool) {
	for i := range bias {
		bias[i] = 0
		if i >= n || unseen != nil && unseen[i] {
			bias[i] = infinite
		}
	}
}

// times is rows x [n], pitch numbers apart, times a matrix, into rows of to, stride
// numbers apart, on one thread.
func (t *thread) times(m *Matrix, to []float32, stride, n int, x []float32, pitch int) {
	for first := 0; first < n; first += tall {
		p := piece{m: m, taps: 1, depth: m.depth, count: min(tall, n-first), result: to[first*stride:], stride: stride}
		left := p.plan(t)
		for row := range left {
			left[row] = unsafe.Pointer(&x[(first+min(row, p.count-1))*pitch])
		}
		p.multiply(t)
	}
}

// grown is x with room for n numbers, those that it had lost.
func grown(x []float32, n int) []float32 {
	if cap(x) < n {
		return Aligned(n)
	}
	return x[:n]
}

// Norm is a LayerNorm over rows of len(Scale) numbers.
type Norm struct {
	Scale, Bias []float32
	Epsilon     float32
}

// Apply normalises rows x into to, which may be x.
func (l *Norm) Apply(w *Work, to, x []float32) {
	n := len(l.Scale)
	count := len(x) / n
	if len(to) != len(x) || count*n != len(x) {
		panic("nn: the shape of rows does not fit their norm")
	}
	k := kernel
	if n%k.lanes != 0 {
		k = &plain
	}
	w.each((count+tall-1)/tall, func(t *thread, i int) {
		first := i * tall
		t.vectors = vectors{to: unsafe.Pointer(&to[first*n]), x: unsafe.Pointer(&x[first*n]),
			y: unsafe.Pointer(&l.Scale[0]), z: unsafe.Pointer(&l.Bias[0]),
			bytes: uintptr(n * 4), rows: min(tall, count-first), epsilon: l.Epsilon, inverse: 1 / float32(n)}
		k.layerNorm((*byte)(unsafe.Pointer(&t.vectors)))
	})
}

// Add is x + y into to, all of one length.
func Add(w *Work, to, x, y []float32) {
	if len(to) != len(x) || len(y) != len(x) {
		panic("nn: what is added has several lengths")
	}
	inParts(w, len(x), func(t *thread, from, last int) {
		k := kernel
		if (last-from)%k.lanes != 0 {
			k = &plain
		}
		t.vectors = vectors{to: unsafe.Pointer(&to[from]), x: unsafe.Pointer(&x[from]), y: unsafe.Pointer(&y[from]),
			bytes: uintptr((last - from) * 4)}
		k.add((*byte)(unsafe.Pointer(&t.vectors)))
	})
}

// inParts does work from number to number, up to n.
func inParts(w *Work, n int, work func(t *thread, from, to int)) {
	const some = 1 << 14
	w.each((n+some-1)/some, func(t *thread, i int) { work(t, i*some, min(n, (i+1)*some)) })
}
