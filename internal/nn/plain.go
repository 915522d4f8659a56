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
		bias := of(p.bias, width)
		var sums [rows][8]float32
		for tile := range p.tiles {
			for i := range rows {
				if p.flags&accumulate != 0 {
					copy(sums[i][:], of(unsafe.Add(p.result, uintptr(tile*rows+i)*p.resultStride), width))
				} else {
					copy(sums[i][:], bias)
				}
			}
			for tap := range p.taps {
				for i := range rows {
					from := of(unsafe.Add(left[(tile*p.taps+tap)*rows+i], p.shift), p.depth)
					s := &sums[i]
					b := panel[tap*p.depth*width:]
					for _, x := range from {
						if width == 8 {
							row := (*[8]float32)(b)
							s[0] += x * row[0]
							s[1] += x * row[1]
							s[2] += x * row[2]
							s[3] += x * row[3]
							s[4] += x * row[4]
							s[5] += x * row[5]
							s[6] += x * row[6]
							s[7] += x * row[7]
						} else {
							row := (*[4]float32)(b)
							s[0] += x * row[0]
							s[1] += x * row[1]
							s[2] += x * row[2]
							s[3] += x * row[3]
						}
						b = b[width:]
					}
				}
			}
			for i := range rows {
				at := uintptr(tile*rows + i)
				if p.residual != nil {
					for j, v := range of(unsafe.Add(p.residual, at*p.residualStride), width) {
						sums[i][j] += v
					}
				}
				to := of(unsafe.Add(p.result, at*p.resultStride), width)
				for j := range to {
					if to[j] = sums[i][j]; p.flags&rectify != 0 && to[j] < 0 {
						to[j] = 0
					}
				}
			}
		}
		p.tiles = 0
	}
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
