//go:build goexperiment.simd

package picture

import "simd/archsimd"

func init() {
	if archsimd.X86.AVX2() {
		sumRows = sumRowsAVX2
	}
}

// sumRowsAVX2 is sumRowsFrom for 32 bytes at once, every fourth in one register.
func sumRowsAVX2(to, from []uint8, weights []uint64) {
	// Everything that Go has an SSE instruction for, which are broadcasts and shifts by a
	// number, comes before the loop: in it, it takes ten times as long on Intel's processors.
	var wide [32][8]uint32
	if len(weights) > len(wide) {
		sumRowsFrom(0, to, from, weights)
		return
	}
	for k, weight := range weights {
		for i := range wide[k] {
			wide[k][i] = uint32(weight)
		}
	}
	stride, x := len(to), 0
	low, round := archsimd.BroadcastUint32x8(255), archsimd.BroadcastUint32x8(half)
	by8, by16, by24 := archsimd.BroadcastUint32x8(8), archsimd.BroadcastUint32x8(16), archsimd.BroadcastUint32x8(24)
	whole := archsimd.BroadcastUint32x8(precision)
	for ; x+32 <= stride; x += 32 {
		s0, s1, s2, s3 := round, round, round, round
		at := x
		for k := range weights {
			w := archsimd.LoadUint32x8(&wide[k])
			v := archsimd.LoadUint8x32((*[32]uint8)(from[at:])).AsUint32x8()
			s0 = s0.Add(v.And(low).Mul(w))
			s1 = s1.Add(v.ShiftRight(by8).And(low).Mul(w))
			s2 = s2.Add(v.ShiftRight(by16).And(low).Mul(w))
			s3 = s3.Add(v.ShiftRight(by24).Mul(w))
			at += stride
		}
		sum := s0.ShiftRight(whole).Or(s1.ShiftRight(whole).ShiftLeft(by8)).
			Or(s2.ShiftRight(whole).ShiftLeft(by16)).Or(s3.ShiftRight(whole).ShiftLeft(by24))
		sum.AsUint8x32().Store((*[32]uint8)(to[x:]))
	}
	archsimd.ClearAVXUpperBits()
	sumRowsFrom(x, to, from, weights)
}
