package jpeg

// The cosines of Loeffler, Ligtenberg and Moschytz's transform with 13
// fraction bits, as libjpeg's accurate integer method has them.
const (
	cosBits  = 13
	passBits = 2 // more precision between the two passes

	c0298 = 2446
	c0390 = 3196
	c0541 = 4433
	c0765 = 6270
	c0899 = 7373
	c1175 = 9633
	c1501 = 12299
	c1847 = 15137
	c1961 = 16069
	c2053 = 16819
	c2562 = 20995
	c3072 = 25172
)

// zigzag is where the k-th coefficient lies in its block; past the last, as a
// damaged file may ask, it stays on the last.
var zigzag = [128]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}

// columns[k] is how many columns of a block have coefficients when the last is the k-th.
var columns = func() (c [64]int) {
	for k := 1; k < 64; k++ {
		c[k] = max(c[k-1], int(zigzag[k]&7)+1)
	}
	return c
}()

// clamp8 is a sample from a number centred on 0.
func clamp8(v int32) uint8 { return clamp(v + 128) }

// inverse writes the 8 by 8 samples of one block whose last coefficient is the extent-th.
var inverse = inverseScalar

func inverseScalar(coefficients, quant *[64]int16, extent uint8, to []uint8, stride int) {
	if extent == 0 {
		v := clamp8((int32(coefficients[0]*quant[0]<<passBits) + 1<<(passBits+2)) >> (passBits + 3))
		for y := range 8 {
			row := to[y*stride:][:8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	var work [64]int32
	used, flat := columns[extent&63], level(coefficients, extent)
	for x := range used {
		c, q, w := coefficients[x:][:57], quant[x:][:57], work[x:][:57]
		if c[8]|c[16]|c[24]|c[32]|c[40]|c[48]|c[56] == 0 {
			v := saturated(int32(c[0]*q[0]) << passBits)
			if flat {
				v = int32(c[0] * q[0] << passBits)
			}
			w[0], w[8], w[16], w[24], w[32], w[40], w[48], w[56] = v, v, v, v, v, v, v, v
			continue
		}
		const round, shift = 1 << (cosBits - passBits - 1), cosBits - passBits
		e0, e1, e2, e3 := even(int32(c[0]*q[0]), int32(c[16]*q[16]), int32(c[32]*q[32]), int32(c[48]*q[48]), round)
		o0, o1, o2, o3 := odd(int32(c[8]*q[8]), int32(c[24]*q[24]), int32(c[40]*q[40]), int32(c[56]*q[56]))
		w[0], w[56] = (e0+o0)>>shift, (e0-o0)>>shift
		w[8], w[48] = (e1+o1)>>shift, (e1-o1)>>shift
		w[16], w[40] = (e2+o2)>>shift, (e2-o2)>>shift
		w[24], w[32] = (e3+o3)>>shift, (e3-o3)>>shift
	}
	for i, v := range work {
		work[i] = saturated(v)
	}
	const round, shift = 1 << (cosBits + passBits + 2), cosBits + passBits + 3
	for y := range 8 {
		w, row := work[y*8:][:8], to[y*stride:][:8]
		var e0, e1, e2, e3, o0, o1, o2, o3 int32
		if used <= 4 {
			e0, e1, e2, e3 = even(w[0], w[2], 0, 0, round)
			o0, o1, o2, o3 = odd(w[1], w[3], 0, 0)
		} else {
			e0, e1, e2, e3 = even(w[0], w[2], w[4], w[6], round)
			o0, o1, o2, o3 = odd(w[1], w[3], w[5], w[7])
		}
		row[0], row[7] = clamp8((e0+o0)>>shift), clamp8((e0-o0)>>shift)
		row[1], row[6] = clamp8((e1+o1)>>shift), clamp8((e1-o1)>>shift)
		row[2], row[5] = clamp8((e2+o2)>>shift), clamp8((e2-o2)>>shift)
		row[3], row[4] = clamp8((e3+o3)>>shift), clamp8((e3-o3)>>shift)
	}
}

// What leaves 16 bits, as only damaged files make it, goes the way of libjpeg-turbo's vector instructions: sums of two
// wrap around, and what the first pass leaves is saturated, but wraps around in a level block.
func saturated(v int32) int32 { return max(-1<<15, min(v, 1<<15-1)) }

// level is whether a block has no vertical frequencies.
func level(coefficients *[64]int16, extent uint8) bool {
	if extent > 28 { // the last of the first row
		return false
	}
	for _, c := range coefficients[8:] {
		if c != 0 {
			return false
		}
	}
	return true
}

// even is the half of the transform that the even frequencies make, half a unit added for rounding.
func even(v0, v2, v4, v6, round int32) (e0, e1, e2, e3 int32) {
	z := (v2 + v6) * c0541
	low, high := z-v6*c1847, z+v2*c0765
	sum, difference := int32(int16(v0+v4))<<cosBits+round, int32(int16(v0-v4))<<cosBits+round
	return sum + high, difference + low, difference - low, sum - high
}

// odd is the half that the odd frequencies make.
func odd(v1, v3, v5, v7 int32) (o0, o1, o2, o3 int32) {
	z1, z2, z3, z4 := v7+v1, v5+v3, int32(int16(v7+v3)), int32(int16(v5+v1))
	z5 := (z3 + z4) * c1175
	z1, z2, z3, z4 = -z1*c0899, -z2*c2562, z5-z3*c1961, z5-z4*c0390
	return v1*c1501 + z1 + z4, v3*c3072 + z2 + z3, v5*c2053 + z2 + z4, v7*c0298 + z1 + z3
}
