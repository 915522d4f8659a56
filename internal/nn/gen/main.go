// Command gen writes the assembly of package nn: for x86-64 with avo, for arm64 by
// itself (package neon): make generate.
package main

import (
	"log"

	"github.com/gointr/gointr/internal/nn/gen/neon"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// isa is a set of vector instructions: its name in those of the functions, and
// the bytes of a vector.
type isa struct {
	name  string
	bytes int
}

var (
	avx2   = isa{"AVX2", 32}
	avx512 = isa{"AVX512", 64}
)

var (
	ys = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
	zs = []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20,
		Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}
)

// v is a vector register.
func (s isa) v(i int) VecPhysical {
	if s == avx512 {
		return zs[i]
	}
	return ys[i]
}

func (s isa) zero(v VecPhysical) {
	if s == avx512 {
		VPXORQ(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

func at(base GPPhysical, displacement int) Mem { return Mem{Base: base, Disp: displacement} }

func indexed(base, index GPPhysical, scale uint8, displacement int) Mem {
	return Mem{Base: base, Index: index, Scale: scale, Disp: displacement}
}

// function begins an assembly function of one pointer, which is left in RDI.
func function(name string, s isa) {
	TEXT(name+s.name, NOSPLIT, "func(p *byte)")
	Pragma("noescape")
	Load(Param("p"), RDI)
}

func end() {
	VZEROUPPER()
	RET()
}

func main() {
	if err := neon.Write("../kernels_arm64"); err != nil {
		log.Fatal(err)
	}
	ConstraintExpr("amd64")
	for _, s := range []isa{avx2, avx512} {
		vectors := 2
		if s == avx512 {
			vectors = 4
		}
		for n := 1; n <= vectors; n++ {
			gemm(s, n)
		}
		winogradIn4(s)
		winogradOut4(s)
		winogradIn2(s)
		winogradOut2(s)
		maxPool(s)
		add(s)
		layerNorm(s)
		softmax(s)
	}
	transpose()
	Generate()
}
