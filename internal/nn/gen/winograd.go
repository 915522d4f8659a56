package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The fields of transform in kernel.go.
const (
	tBase, tOffsets, tPoints  = 0, 8, 16
	tPointStride, tTileStride = 24, 32
	tChannels, tTiles         = 40, 48
	tConstants, tScratch      = 56, 64
	tBias, tFloor             = 72, 80
)

// loadTransform is what the four transforms have in common: R8 the base of the map,
// RSI the offsets, RDX the points, R10 and R11 the bytes from point to point and of
// all channels, R9 constants, RBX scratch.
func loadTransform() {
	MOVQ(at(RDI, tBase), R8)
	MOVQ(at(RDI, tOffsets), RSI)
	MOVQ(at(RDI, tPoints), RDX)
	MOVQ(at(RDI, tPointStride), R10)
	MOVQ(at(RDI, tChannels), R11)
	MOVQ(at(RDI, tConstants), R9)
	MOVQ(at(RDI, tScratch), RBX)
}

// constant number i stands in a line of 64 bytes: a, b, a², b², -(a²+b²), a²b², a³, b³
// for the points ±a and ±b.
func constant(i int) Mem { return at(R9, 64*i) }

// point is where point j of a row of six stands: R15 is the row's, R12 three and
// R13 five times the stride.
func point(j int) Mem {
	switch j {
	case 0:
		return at(R15, 0)
	case 1:
		return indexed(R15, R10, 1, 0)
	case 2:
		return indexed(R15, R10, 2, 0)
	case 3:
		return indexed(R15, R12, 1, 0)
	case 4:
		return indexed(R15, R10, 4, 0)
	}
	return indexed(R15, R13, 1, 0)
}

// eachChannel does body for every vector of channels of every tile; RAX counts their
// bytes, R15 is the tile's first point. A tile has perTile offsets.
func eachChannel(s isa, perTile int, body func()) {
	LEAQ(indexed(R10, R10, 2, 0), R12)
	LEAQ(indexed(R10, R10, 4, 0), R13)
	Label("tile")
	XORQ(RAX, RAX)
	Label("channel")
	LEAQ(indexed(RDX, RAX, 1, 0), R15)
	body()
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, R11)
	JLT(LabelRef("channel"))
	ADDQ(U32(uint32(8*perTile)), RSI)
	ADDQ(at(RDI, tTileStride), RDX)
	DECQ(at(RDI, tTiles))
	JNZ(LabelRef("tile"))
	end()
}

// winogradIn4 is Bᵀ d B of Winograd's F(4×4, 3×3) on the points 0, ±a, ±b and ∞
// (Lavin and Gray, CVPR 2016): 6×6 places of a map, by their offsets, to 36 points.
func winogradIn4(s isa) {
	function("winogradIn4", s)
	loadTransform()
	v := s.v
	line := func(emit func(i int, v VecPhysical)) {
		// a²b² d0 - (a²+b²) d2 + d4, and the same of d1, d3, d5.
		VMULPS(constant(5), v(0), v(6))
		VFMADD231PS(constant(4), v(2), v(6))
		VADDPS(v(4), v(6), v(6))
		emit(0, v(6))
		VMULPS(constant(5), v(1), v(7))
		VFMADD231PS(constant(4), v(3), v(7))
		VADDPS(v(5), v(7), v(7))
		emit(5, v(7))
		VMOVUPS(constant(3), v(14))
		VMOVUPS(constant(2), v(15))
		// d4 - b² d2 ± a (d3 - b² d1), and the same with a and b changed.
		VMOVAPS(v(4), v(8))
		VFNMADD231PS(v(14), v(2), v(8))
		VMOVAPS(v(3), v(9))
		VFNMADD231PS(v(14), v(1), v(9))
		VMOVAPS(v(4), v(10))
		VFNMADD231PS(v(15), v(2), v(10))
		VMOVAPS(v(3), v(11))
		VFNMADD231PS(v(15), v(1), v(11))
		VMULPS(constant(0), v(9), v(9))
		VMULPS(constant(1), v(11), v(11))
		VADDPS(v(9), v(8), v(12))
		emit(1, v(12))
		VSUBPS(v(9), v(8), v(13))
		emit(2, v(13))
		VADDPS(v(11), v(10), v(12))
		emit(3, v(12))
		VSUBPS(v(11), v(10), v(13))
		emit(4, v(13))
	}
	eachChannel(s, 36, func() {
		LEAQ(indexed(R8, RAX, 1, 0), R14)
		for j := range 6 {
			for i := range 6 {
				MOVQ(at(RSI, 8*(i*6+j)), RCX)
				VMOVUPS(indexed(R14, RCX, 1, 0), v(i))
			}
			line(func(i int, v VecPhysical) { VMOVUPS(v, at(RBX, s.bytes*(i*6+j))) })
		}
		for i := range 6 {
			for j := range 6 {
				VMOVUPS(at(RBX, s.bytes*(i*6+j)), v(j))
			}
			line(func(j int, v VecPhysical) { VMOVUPS(v, point(j)) })
			LEAQ(indexed(R15, R12, 2, 0), R15)
		}
	})
}

// winogradOut4 is Aᵀ m A: 36 points to 4×4 places of a map, with bias and floor.
func winogradOut4(s isa) {
	function("winogradOut4", s)
	loadTransform()
	v := s.v
	line := func(emit func(i int, v VecPhysical)) {
		VADDPS(v(2), v(1), v(6))
		VSUBPS(v(2), v(1), v(7))
		VADDPS(v(4), v(3), v(8))
		VSUBPS(v(4), v(3), v(9))
		VADDPS(v(6), v(0), v(10))
		VADDPS(v(8), v(10), v(10))
		emit(0, v(10))
		VMULPS(constant(0), v(7), v(11))
		VFMADD231PS(constant(1), v(9), v(11))
		emit(1, v(11))
		VMULPS(constant(2), v(6), v(12))
		VFMADD231PS(constant(3), v(8), v(12))
		emit(2, v(12))
		VMOVAPS(v(5), v(13))
		VFMADD231PS(constant(6), v(7), v(13))
		VFMADD231PS(constant(7), v(9), v(13))
		emit(3, v(13))
	}
	eachChannel(s, 16, func() {
		for i := range 6 {
			for j := range 6 {
				VMOVUPS(point(j), v(j))
			}
			LEAQ(indexed(R15, R12, 2, 0), R15)
			line(func(j int, v VecPhysical) { VMOVUPS(v, at(RBX, s.bytes*(i*4+j))) })
		}
		finish(s, 6, 4, line)
	})
}

// finish is the second half of a transform to a map: from lines of n rows in scratch
// to m×m places, with bias and what is below the floor raised to it.
func finish(s isa, n, m int, line func(emit func(i int, v VecPhysical))) {
	v := s.v
	MOVQ(at(RDI, tBias), RCX)
	VMOVUPS(indexed(RCX, RAX, 1, 0), v(14))
	MOVQ(at(RDI, tFloor), RCX)
	VBROADCASTSS(at(RCX, 0), v(15))
	LEAQ(indexed(R8, RAX, 1, 0), R14)
	for j := range m {
		for i := range n {
			VMOVUPS(at(RBX, s.bytes*(i*m+j)), v(i))
		}
		line(func(i int, x VecPhysical) {
			VADDPS(v(14), x, x)
			VMAXPS(x, v(15), x) // in this order NaN stays NaN
			MOVQ(at(RSI, 8*(i*m+j)), RCX)
			VMOVUPS(x, indexed(R14, RCX, 1, 0))
		})
	}
}

// winogradIn2 is winogradIn4 for F(2×2, 3×3): 4×4 places to 16 points.
func winogradIn2(s isa) {
	function("winogradIn2", s)
	loadTransform()
	v := s.v
	line := func(emit func(i int, v VecPhysical)) {
		VSUBPS(v(2), v(0), v(4))
		emit(0, v(4))
		VADDPS(v(2), v(1), v(5))
		emit(1, v(5))
		VSUBPS(v(1), v(2), v(6))
		emit(2, v(6))
		VSUBPS(v(3), v(1), v(7))
		emit(3, v(7))
	}
	eachChannel(s, 16, func() {
		LEAQ(indexed(R8, RAX, 1, 0), R14)
		for j := range 4 {
			for i := range 4 {
				MOVQ(at(RSI, 8*(i*4+j)), RCX)
				VMOVUPS(indexed(R14, RCX, 1, 0), v(i))
			}
			line(func(i int, v VecPhysical) { VMOVUPS(v, at(RBX, s.bytes*(i*4+j))) })
		}
		for i := range 4 {
			for j := range 4 {
				VMOVUPS(at(RBX, s.bytes*(i*4+j)), v(j))
			}
			line(func(j int, v VecPhysical) { VMOVUPS(v, point(j)) })
			LEAQ(indexed(R15, R10, 4, 0), R15)
		}
	})
}

// winogradOut2 is winogradOut4 for F(2×2, 3×3): 16 points to 2×2 places.
func winogradOut2(s isa) {
	function("winogradOut2", s)
	loadTransform()
	v := s.v
	line := func(emit func(i int, v VecPhysical)) {
		VADDPS(v(1), v(0), v(4))
		VADDPS(v(2), v(4), v(4))
		emit(0, v(4))
		VSUBPS(v(2), v(1), v(5))
		VSUBPS(v(3), v(5), v(5))
		emit(1, v(5))
	}
	eachChannel(s, 4, func() {
		for i := range 4 {
			for j := range 4 {
				VMOVUPS(point(j), v(j))
			}
			LEAQ(indexed(R15, R10, 4, 0), R15)
			line(func(j int, v VecPhysical) { VMOVUPS(v, at(RBX, s.bytes*(i*2+j))) })
		}
		finish(s, 4, 2, line)
	})
}
