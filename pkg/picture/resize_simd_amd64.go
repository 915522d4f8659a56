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
	stride, x := len(to), 0
	low, round := archsimd.BroadcastUint32x8(255), archsimd.BroadcastUint32x8(half)
	for ; x+32 <= stride; x += 32 {
		s0, s1, s2, s3 := round, round, round, round
		at := x
		for _, weight := range weights {
			w := archsimd.BroadcastUint32x8(uint32(weight))
			v := archsimd.LoadUint8x32((*[32]uint8)(from[at:])).AsUint32x8()
			s0 = s0.Add(v.And(low).Mul(w))
			s1 = s1.Add(v.ShiftAllRight(8).And(low).Mul(w))
			s2 = s2.Add(v.ShiftAllRight(16).And(low).Mul(w))
			s3 = s3.Add(v.ShiftAllRight(24).Mul(w))
			at += stride
		}
		sum := s0.ShiftAllRight(precision).Or(s1.ShiftAllRight(precision).ShiftAllLeft(8)).
			Or(s2.ShiftAllRight(precision).ShiftAllLeft(16)).Or(s3.ShiftAllRight(precision).ShiftAllLeft(24))
		sum.AsUint8x32().Store((*[32]uint8)(to[x:]))
	}
	sumRowsFrom(x, to, from, weights)
}
