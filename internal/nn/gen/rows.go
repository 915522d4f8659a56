package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxPool is the greatest of nine places of a map, by their offsets, for a row of
// places. See transform in kernel.go.
func maxPool(s isa) {
	function("maxPool", s)
	MOVQ(at(RDI, tBase), R8)
	MOVQ(at(RDI, tOffsets), RSI)
	MOVQ(at(RDI, tPoints), RDX)
	MOVQ(at(RDI, tChannels), R11)
	Label("place")
	XORQ(RAX, RAX)
	Label("channel")
	LEAQ(indexed(R8, RAX, 1, 0), R14)
	for i := range 9 {
		MOVQ(at(RSI, 8*i), RCX)
		if i == 0 {
			VMOVUPS(indexed(R14, RCX, 1, 0), s.v(0))
			continue
		}
		VMOVUPS(indexed(R14, RCX, 1, 0), s.v(1))
		VMAXPS(s.v(0), s.v(1), s.v(0))
	}
	VMOVUPS(s.v(0), indexed(RDX, RAX, 1, 0))
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, R11)
	JLT(LabelRef("channel"))
	ADDQ(R11, RDX)
	ADDQ(U32(72), RSI)
	DECQ(at(RDI, tTiles))
	JNZ(LabelRef("place"))
	end()
}

// The fields of vectors in kernel.go.
const vTo, vX, vY, vZ, vBytes, vRows, vStride, vScalar = 0, 8, 16, 24, 32, 40, 48, 56

// add adds two rows of whole vectors.
func add(s isa) {
	function("add", s)
	MOVQ(at(RDI, vTo), RDX)
	MOVQ(at(RDI, vX), RSI)
	MOVQ(at(RDI, vY), RBX)
	MOVQ(at(RDI, vBytes), RCX)
	XORQ(RAX, RAX)
	Label("vector")
	VMOVUPS(indexed(RSI, RAX, 1, 0), s.v(0))
	VADDPS(indexed(RBX, RAX, 1, 0), s.v(0), s.v(0))
	VMOVUPS(s.v(0), indexed(RDX, RAX, 1, 0))
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, RCX)
	JLT(LabelRef("vector"))
	end()
}

// reduce combines the numbers of register 0 into its first, which is left in X0.
func reduce(s isa, combine func(a, b, c VecPhysical)) {
	if s == avx512 {
		VEXTRACTF64X4(Imm(1), Z0, Y1)
		combine(Y1, Y0, Y0)
	}
	VEXTRACTF128(Imm(1), Y0, X1)
	combine(X1, X0, X0)
	VMOVHLPS(X0, X0, X1)
	combine(X1, X0, X0)
	VMOVSHDUP(X0, X1)
	combine(X1, X0, X0)
}

func sums(a, b, c VecPhysical)   { VADDPS(a, b, c) }
func maxima(a, b, c VecPhysical) { VMAXPS(a, b, c) }

// layerNorm normalises rows of whole vectors to mean 0 and variance 1, times Y plus Z.
func layerNorm(s isa) {
	function("layerNorm", s)
	v := s.v
	MOVQ(at(RDI, vTo), RDX)
	MOVQ(at(RDI, vX), RSI)
	MOVQ(at(RDI, vY), R8)
	MOVQ(at(RDI, vZ), R9)
	MOVQ(at(RDI, vBytes), RCX)
	VBROADCASTSS(at(RDI, vScalar+4), v(14)) // 1 / how many numbers
	Label("row")
	over := func(name string, body func()) {
		XORQ(RAX, RAX)
		Label(name)
		body()
		ADDQ(Imm(uint64(s.bytes)), RAX)
		CMPQ(RAX, RCX)
		JLT(LabelRef(name))
	}
	s.zero(v(0))
	over("sum", func() { VADDPS(indexed(RSI, RAX, 1, 0), v(0), v(0)) })
	reduce(s, sums)
	VBROADCASTSS(X0, v(2))
	VMULPS(v(14), v(2), v(2)) // the mean
	s.zero(v(0))
	over("squares", func() {
		VMOVUPS(indexed(RSI, RAX, 1, 0), v(3))
		VSUBPS(v(2), v(3), v(3))
		VFMADD231PS(v(3), v(3), v(0))
	})
	reduce(s, sums)
	VMULSS(X14, X0, X0)
	VADDSS(at(RDI, vScalar), X0, X0) // epsilon
	VSQRTSS(X0, X0, X0)
	VBROADCASTSS(X0, v(4))
	over("normed", func() {
		VMOVUPS(indexed(RSI, RAX, 1, 0), v(3))
		VSUBPS(v(2), v(3), v(3))
		VDIVPS(v(4), v(3), v(3))
		VMOVUPS(indexed(R9, RAX, 1, 0), v(5))
		VFMADD231PS(indexed(R8, RAX, 1, 0), v(3), v(5))
		VMOVUPS(v(5), indexed(RDX, RAX, 1, 0))
	})
	ADDQ(RCX, RSI)
	ADDQ(RCX, RDX)
	DECQ(at(RDI, vRows))
	JNZ(LabelRef("row"))
	end()
}

// float is a number as every number of a line of 64 bytes.
func float(name string, values ...float64) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, value := range values {
		for k := range 16 {
			DATA(64*i+4*k, U32(math.Float32bits(float32(value))))
		}
	}
	return m
}

// softmax replaces rows of whole vectors, vStride bytes apart, by exp(x - max) / sum.
// exp is 2ⁿ times a polynomial of degree 6 in the rest, by n = round(x / ln 2), at most
// 1.5 units in the last place off; below -87.3 it is 0.
func softmax(s isa) {
	e := float("exponential"+s.name,
		math.Log2E, 0.693359375, -2.12194440e-4, -87.3, // 1/ln 2, ln 2 in two parts, the least
		1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1)
	c := func(i int) Mem { return e.Offset(64 * i) }
	function("softmax", s)
	v := s.v
	MOVQ(at(RDI, vX), RSI)
	MOVQ(at(RDI, vBytes), RCX)
	Label("row")
	VMOVUPS(at(RSI, 0), v(0))
	XORQ(RAX, RAX)
	Label("most")
	VMAXPS(indexed(RSI, RAX, 1, 0), v(0), v(0))
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, RCX)
	JLT(LabelRef("most"))
	reduce(s, maxima)
	VBROADCASTSS(X0, v(2))
	s.zero(v(0))
	VMOVUPS(c(0), v(8))
	VMOVUPS(c(1), v(9))
	VMOVUPS(c(2), v(10))
	VMOVUPS(c(3), v(11))
	VMOVUPS(c(10), v(12))
	XORQ(RAX, RAX)
	Label("exponential")
	VMOVUPS(indexed(RSI, RAX, 1, 0), v(3))
	VSUBPS(v(2), v(3), v(3))
	VMAXPS(v(3), v(11), v(4)) // in this order NaN stays NaN
	VMULPS(v(8), v(4), v(5))
	if s == avx512 {
		VRNDSCALEPS(Imm(0), v(5), v(5))
	} else {
		VROUNDPS(Imm(0), v(5), v(5))
	}
	VFNMADD231PS(v(9), v(5), v(4))
	VFNMADD231PS(v(10), v(5), v(4))
	VMOVUPS(c(4), v(6))
	for i := 5; i <= 9; i++ {
		VFMADD213PS(c(i), v(4), v(6))
	}
	VMULPS(v(4), v(4), v(7))
	VFMADD213PS(v(4), v(7), v(6)) // polynomial·r² + r
	VADDPS(v(12), v(6), v(6))
	VCVTPS2DQ(v(5), v(5))
	VPSLLD(Imm(23), v(5), v(5))
	VPADDD(v(5), v(6), v(6)) // times 2ⁿ
	if s == avx512 {
		VCMPPS(Imm(1), v(11), v(3), K1) // less than the least
		VPXORQ(v(13), v(13), v(13))
		VMOVAPS(v(13), K1, v(6))
	} else {
		VCMPPS(Imm(1), v(11), v(3), v(13))
		VANDNPS(v(6), v(13), v(6))
	}
	VADDPS(v(6), v(0), v(0))
	VMOVUPS(v(6), indexed(RSI, RAX, 1, 0))
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, RCX)
	JLT(LabelRef("exponential"))
	reduce(s, sums)
	VMOVSS(c(10), X1)
	VDIVSS(X0, X1, X1)
	VBROADCASTSS(X1, v(2))
	XORQ(RAX, RAX)
	Label("share")
	VMULPS(indexed(RSI, RAX, 1, 0), v(2), v(3))
	VMOVUPS(v(3), indexed(RSI, RAX, 1, 0))
	ADDQ(Imm(uint64(s.bytes)), RAX)
	CMPQ(RAX, RCX)
	JLT(LabelRef("share"))
	ADDQ(at(RDI, vStride), RSI)
	DECQ(at(RDI, vRows))
	JNZ(LabelRef("row"))
	end()
}

// transpose exchanges rows and columns of blocks of 8×8 numbers that lie side by side, so
// that they lie one below the other. See blocks in kernel.go.
func transpose() {
	const to, from, toStride, fromStride, count = 0, 8, 16, 24, 32
	function("transpose", avx2)
	MOVQ(at(RDI, to), RDX)
	MOVQ(at(RDI, from), RSI)
	MOVQ(at(RDI, toStride), R8)
	MOVQ(at(RDI, fromStride), R9)
	MOVQ(at(RDI, count), RCX)
	LEAQ(indexed(R9, R9, 2, 0), R10)
	LEAQ(indexed(R9, R9, 4, 0), R11)
	LEAQ(indexed(R10, R9, 4, 0), R12)
	Label("block")
	for i, row := range []Mem{at(RSI, 0), indexed(RSI, R9, 1, 0), indexed(RSI, R9, 2, 0), indexed(RSI, R10, 1, 0),
		indexed(RSI, R9, 4, 0), indexed(RSI, R11, 1, 0), indexed(RSI, R10, 2, 0), indexed(RSI, R12, 1, 0)} {
		VMOVUPS(row, ys[i])
	}
	// Pairs, then fours, then halves.
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(ys[i+1], ys[i], ys[8+i])
		VUNPCKHPS(ys[i+1], ys[i], ys[9+i])
	}
	for i := 0; i < 8; i += 4 {
		VSHUFPS(Imm(0x44), ys[10+i], ys[8+i], ys[i])
		VSHUFPS(Imm(0xee), ys[10+i], ys[8+i], ys[i+1])
		VSHUFPS(Imm(0x44), ys[11+i], ys[9+i], ys[i+2])
		VSHUFPS(Imm(0xee), ys[11+i], ys[9+i], ys[i+3])
	}
	for i := range 4 {
		VPERM2F128(Imm(0x20), ys[i+4], ys[i], ys[8+i])
		VPERM2F128(Imm(0x31), ys[i+4], ys[i], ys[12+i])
	}
	for i := range 8 {
		VMOVUPS(ys[8+i], at(RDX, 0))
		ADDQ(R8, RDX)
	}
	ADDQ(Imm(32), RSI)
	DECQ(RCX)
	JNZ(LabelRef("block"))
	end()
}
