package nn

import (
	"math"
	"unsafe"
)

// plain are the kernels in Go, for processors that have no others here and as what
// the others are compared with.
var plain = kernels{
	name: "Go", lanes: 4, deep: 256,
	gemm:      []func(*byte){plainGEMM(4), plainGEMM(8)},
	maxPool:   plainMaxPool,
	add:       plainAdd,
	layerNorm: plainLayerNorm,
	softmax:   plainSoftmax,
}

func of(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

func plainGEMM(width int) func(*byte) {
	return func(arg *byte) {
		p := (*product)(unsafe.Pointer(arg))
		left := unsafe.Slice(p.left, p.tiles*p.taps*rows)
		panel := of(p.panel, p.taps*p.depth*width)
		for i := range p.tiles * rows {
			var sums [8]float32
			to := of(unsafe.Add(p.result, uintptr(i)*p.resultStride), width)
			if p.flags&accumulate != 0 {
				copy(sums[:], to)
			} else {
				copy(sums[:], of(p.bias, width))
			}
			for tap := range p.taps {
				x := of(unsafe.Add(left[(i/rows*p.taps+tap)*rows+i%rows], p.shift), p.depth)
				if width == 8 {
					addEight(&sums, x, panel[tap*p.depth*8:])
				} else {
					addFour(&sums, x, panel[tap*p.depth*4:])
				}
			}
			if p.residual != nil {
				for j, v := range of(unsafe.Add(p.residual, uintptr(i)*p.residualStride), width) {
					sums[j] += v
				}
			}
			for j := range to {
				if to[j] = sums[j]; p.flags&rectify != 0 && to[j] < 0 {
					to[j] = 0
				}
			}
		}
		p.tiles = 0
	}
}

// addEight adds x [n] times panel [n, 8] to sums.
func addEight(sums *[8]float32, x, panel []float32) {
	s0, s1, s2, s3, s4, s5, s6, s7 := sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]
	for _, v := range x {
		row := (*[8]float32)(panel)
		panel = panel[8:]
		s0 += v * row[0]
		s1 += v * row[1]
		s2 += v * row[2]
		s3 += v * row[3]
		s4 += v * row[4]
		s5 += v * row[5]
		s6 += v * row[6]
		s7 += v * row[7]
	}
	*sums = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

func addFour(sums *[8]float32, x, panel []float32) {
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for _, v := range x {
		row := (*[4]float32)(panel)
		panel = panel[4:]
		s0 += v * row[0]
		s1 += v * row[1]
		s2 += v * row[2]
		s3 += v * row[3]
	}
	*sums = [8]float32{s0, s1, s2, s3}
}

func plainMaxPool(arg *byte) {
	t := (*transform)(unsafe.Pointer(arg))
	n := int(t.channels / 4)
	places := unsafe.Slice(t.places, t.tiles*9)
	for tile := range t.tiles {
		to := of(unsafe.Add(t.points, uintptr(tile)*t.channels), n)
		copy(to, of(unsafe.Add(places[tile*9], t.shift), n))
		for _, place := range places[tile*9+1 : tile*9+9] {
			for i, v := range of(unsafe.Add(place, t.shift), n) {
				to[i] = max(to[i], v)
			}
		}
	}
}

func plainAdd(arg *byte) {
	v := (*vectors)(unsafe.Pointer(arg))
	n := int(v.bytes / 4)
	to, x, y := of(v.to, n), of(v.x, n), of(v.y, n)
	for i := range to {
		to[i] = x[i] + y[i]
	}
}

func plainLayerNorm(arg *byte) {
	v := (*vectors)(unsafe.Pointer(arg))
	n := int(v.bytes / 4)
	scale, bias := of(v.y, n), of(v.z, n)
	for row := range v.rows {
		x, to := of(unsafe.Add(v.x, uintptr(row)*v.bytes), n), of(unsafe.Add(v.to, uintptr(row)*v.bytes), n)
		var sum, squares float32
		for _, x := range x {
			sum += x
		}
		mean := sum * v.inverse
		for _, x := range x {
			squares += (x - mean) * (x - mean)
		}
		deviation := float32(math.Sqrt(float64(squares*v.inverse + v.epsilon)))
		for i, x := range x {
			to[i] = (x-mean)/deviation*scale[i] + bias[i]
		}
	}
}

func plainSoftmax(arg *byte) {
	v := (*vectors)(unsafe.Pointer(arg))
	for row := range v.rows {
		x := of(unsafe.Add(v.x, uintptr(row)*v.stride), int(v.bytes/4))
		most := float32(math.Inf(-1))
		for _, x := range x {
			most = max(most, x)
		}
		var sum float32
		for i := range x {
			x[i] = float32(math.Exp(float64(x[i] - most)))
			sum += x[i]
		}
		for i := range x {
			x[i] /= sum
		}
	}
}
