package neon

import "fmt"

// rows is the height of a tile.
const rows = 6

// gemm multiplies tiles of 6 rows by one panel of n vectors. See product in kernel.go,
// whose fields these numbers are. Of 32 registers the sums have 24 where n is 4, the
// left side, four deep, has 6, and the panel 2.
func (p *program) gemm(n int) {
	const (
		shift, left, panel, result, residual, bias = 0, 8, 16, 24, 32, 40
		resultStride, residualStride               = 48, 56
		taps, depth, depth4, tiles, flags          = 64, 72, 80, 88, 96
		rectify, accumulate                        = 0, 1 // bits of flags

		places, to, add, right, row, stride, spare = r(1), r(2), r(3), r(4), r(5), r(12), r(13)
		tap, fours, ones, count, bits              = r(14), r(15), r(16), r(17), r(19)
	)
	sums := func(i int) v { return v(8 + i*n) }
	p.function(fmt.Sprintf("gemm%d", n))
	p.field(left, places)
	p.field(result, to)
	p.field(residual, add)
	p.field(flags, bits)
	p.field(depth, ones)
	p.field(depth4, fours)
	p.op("SUB %v, %v", fours, ones)
	p.op("LSR $2, %v", fours)

	p.label("tile")
	p.field(bias, spare)
	p.op("MOVD $0, %v", stride)
	p.op("TBZ $%d, %v, begin", accumulate, bits)
	p.op("MOVD %v, %v", to, spare)
	p.field(resultStride, stride)
	p.label("begin")
	for i := range rows {
		p.op("VLD1.P (%v)(%v), %s", spare, stride, list(sums(i), n))
	}
	p.field(taps, tap)
	p.field(panel, right)

	p.label("tap")
	p.field(shift, spare)
	for i := range rows {
		p.op("MOVD.P 8(%v), %v", places, row+r(i))
		p.op("ADD %v, %v", spare, row+r(i))
	}
	p.op("CBZ %v, rest", fours)
	p.op("MOVD %v, %v", fours, count)
	p.label("four")
	p.deeper(n, 4, row, right)
	p.op("SUB $1, %v", count)
	p.op("CBNZ %v, four", count)
	p.label("rest")
	p.op("CBZ %v, tapped", ones)
	p.op("MOVD %v, %v", ones, count)
	p.label("one")
	p.deeper(n, 1, row, right)
	p.op("SUB $1, %v", count)
	p.op("CBNZ %v, one", count)
	p.label("tapped")
	p.op("SUB $1, %v", tap)
	p.op("CBNZ %v, tap", tap)

	p.op("CBZ %v, alone", add)
	p.field(residualStride, stride)
	for i := range rows {
		p.op("VLD1.P (%v)(%v), %s", add, stride, list(0, n))
		for j := range v(n) {
			p.do(fadd, sums(i)+j, sums(i)+j, j)
		}
	}
	p.label("alone")
	p.op("TBZ $%d, %v, signed", rectify, bits)
	p.zero(0)
	for i := range v(rows * n) {
		p.do(fmax, sums(0)+i, sums(0)+i, 0)
	}
	p.label("signed")
	p.field(resultStride, stride)
	for i := range rows {
		p.op("VST1.P %s, (%v)(%v)", list(sums(i), n), to, stride)
	}
	p.countdown(tiles, spare, "tile")
	p.op("RET")
}

// deeper adds the products of deep numbers, 4 or 1, of every row. Vectors of the panel
// are loaded as soon as the one before the last was used.
func (p *program) deeper(n, deep int, row, right r) {
	const left, panel = v(0), v(6)
	vectors := n * deep
	next := func(i int) {
		if i < vectors {
			p.load(panel+v(i%2), right, i*bytesOf)
		}
	}
	next(0)
	for i := range rows {
		if deep == 4 {
			p.op("FMOVQ.P 16(%v), %v", row+r(i), left+v(i))
		} else {
			p.op("FMOVS.P 4(%v), %v", row+r(i), left+v(i))
		}
	}
	next(1)
	for i := range vectors {
		for j := range rows {
			p.fmlaLane(v(8+j*n+i%n), panel+v(i%2), left+v(j), i/n)
		}
		next(i + 2)
	}
	p.op("ADD $%d, %v", vectors*bytesOf, right)
}
