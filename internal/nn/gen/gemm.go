package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rows is the height of a tile.
const rows = 6

// gemm multiplies tiles of 6 rows by one panel of n vectors. The rows of the left
// side lie where offsets say, one for every tap of a convolution, so that nothing is
// copied for it. See product in kernel.go, whose fields these numbers are.
func gemm(s isa, n int) {
	const (
		base, offsets, panel, result, residual, bias = 0, 8, 16, 24, 32, 40
		resultStride, residualStride                 = 48, 56
		taps, depth, depth4, tiles, flags, next      = 64, 72, 80, 88, 96, 104
		rectify, accumulate                          = 1, 2
	)
	function(fmt.Sprintf("gemm%d", n), s)
	row := []GPPhysical{R8, R9, R10, R11, R12, R13}
	acc := func(i, j int) VecPhysical { return s.v(i*n + j) }
	right := func(j int) VecPhysical { return s.v(rows*n + j) }
	left := func(i int) VecPhysical { return s.v(rows*n + n + i%2) }

	MOVQ(at(RDI, offsets), RSI)
	MOVQ(at(RDI, result), RDX)
	MOVQ(at(RDI, residual), RCX)
	MOVQ(at(RDI, next), R14)
	Label("tile")
	MOVQ(at(RDI, flags), RAX)
	TESTQ(U32(accumulate), RAX)
	JNZ(LabelRef("sums"))
	MOVQ(at(RDI, bias), RAX)
	for j := range n {
		VMOVUPS(at(RAX, j*s.bytes), acc(0, j))
	}
	for i := 1; i < rows; i++ {
		for j := range n {
			VMOVAPS(acc(0, j), acc(i, j))
		}
	}
	JMP(LabelRef("begun"))
	Label("sums")
	MOVQ(at(RDI, resultStride), RBX)
	MOVQ(RDX, RAX)
	for i := range rows {
		for j := range n {
			VMOVUPS(at(RAX, j*s.bytes), acc(i, j))
		}
		if i < rows-1 {
			ADDQ(RBX, RAX)
		}
	}
	Label("begun")
	// What is added in the end is far away more often than not: it can come meanwhile.
	TESTQ(RCX, RCX)
	JZ(LabelRef("near"))
	MOVQ(at(RDI, residualStride), RBX)
	MOVQ(RCX, RAX)
	for i := range rows {
		for j := 0; j < n*s.bytes; j += 64 {
			PREFETCHT0(at(RAX, j))
		}
		if i < rows-1 {
			ADDQ(RBX, RAX)
		}
	}
	Label("near")
	MOVQ(at(RDI, taps), R15)
	MOVQ(at(RDI, panel), RBX)
	Label("tap")
	MOVQ(at(RDI, base), RAX)
	for i, r := range row {
		MOVQ(at(RSI, 8*i), r)
		ADDQ(RAX, r)
	}
	ADDQ(Imm(8*rows), RSI)
	XORQ(RAX, RAX)
	step := func(u int) {
		for j := range n {
			VMOVUPS(at(RBX, (u*n+j)*s.bytes), right(j))
		}
		for i, r := range row {
			VBROADCASTSS(indexed(r, RAX, 4, 4*u), left(i))
			for j := range n {
				VFMADD231PS(right(j), left(i), acc(i, j))
			}
		}
	}
	CMPQ(RAX, at(RDI, depth4))
	JGE(LabelRef("rest"))
	Label("four")
	// What comes next is fetched on the way: eight tiles fetch as much as they read.
	for j := range max(1, n*s.bytes*4/64/8) {
		PREFETCHT1(at(R14, 64*j))
	}
	ADDQ(Imm(uint64(64*max(1, n*s.bytes*4/64/8))), R14)
	for u := range 4 {
		step(u)
	}
	ADDQ(U32(uint32(4*n*s.bytes)), RBX)
	ADDQ(Imm(4), RAX)
	CMPQ(RAX, at(RDI, depth4))
	JLT(LabelRef("four"))
	Label("rest")
	CMPQ(RAX, at(RDI, depth))
	JGE(LabelRef("tapped"))
	step(0)
	ADDQ(U32(uint32(n*s.bytes)), RBX)
	ADDQ(Imm(1), RAX)
	JMP(LabelRef("rest"))
	Label("tapped")
	DECQ(R15)
	JNZ(LabelRef("tap"))

	TESTQ(RCX, RCX)
	JZ(LabelRef("alone"))
	MOVQ(at(RDI, residualStride), RBX)
	for i := range rows {
		for j := range n {
			VADDPS(at(RCX, j*s.bytes), acc(i, j), acc(i, j))
		}
		ADDQ(RBX, RCX)
	}
	Label("alone")
	MOVQ(at(RDI, flags), RAX)
	TESTQ(U32(rectify), RAX)
	JZ(LabelRef("signed"))
	s.zero(right(0))
	for i := range rows {
		for j := range n {
			VMAXPS(acc(i, j), right(0), acc(i, j)) // in this order NaN stays NaN
		}
	}
	Label("signed")
	MOVQ(at(RDI, resultStride), RBX)
	for i := range rows {
		for j := range n {
			VMOVUPS(acc(i, j), at(RDX, j*s.bytes))
		}
		ADDQ(RBX, RDX)
	}
	DECQ(at(RDI, tiles))
	JNZ(LabelRef("tile"))
	end()
}
