package neon

import (
	"fmt"
	"math"
)

// maxPool is the greatest of nine places of a map, for a row of places. See transform
// in kernel.go.
func (p *program) maxPool() {
	const places, to, index, channels, count, place = r(1), r(2), r(3), r(4), r(5), r(6)
	p.function("maxPool")
	p.field(tPlaces, places)
	p.field(tPoints, to)
	p.field(tChannels, channels)
	p.label("place")
	p.field(tShift, index)
	p.op("MOVD %v, %v", channels, count)
	p.label("channel")
	for i := range 9 {
		p.op("MOVD %d(%v), %v", 8*i, places, place)
		p.loadAt(v(i), place, index)
	}
	for i := v(1); i < 9; i++ {
		p.do(fmax, 0, 0, i)
	}
	p.op("FMOVQ.P %v, 16(%v)", v(0), to)
	p.op("ADD $%d, %v", bytesOf, index)
	p.op("SUB $%d, %v", bytesOf, count)
	p.op("CBNZ %v, channel", count)
	p.op("ADD $%d, %v", 8*9, places)
	p.countdown(tTiles, place, "place")
	p.op("RET")
}

// The fields of vectors in kernel.go.
const vTo, vX, vY, vZ, vBytes, vRows, vStride, vEpsilon, vInverse = 0, 8, 16, 24, 32, 40, 48, 56, 60

// add adds two rows of whole vectors.
func (p *program) add() {
	const to, x, y, count = r(1), r(2), r(3), r(4)
	p.function("add")
	p.field(vTo, to)
	p.field(vX, x)
	p.field(vY, y)
	p.field(vBytes, count)
	p.label("vector")
	p.op("FMOVQ.P 16(%v), %v", x, v(0))
	p.op("FMOVQ.P 16(%v), %v", y, v(1))
	p.do(fadd, 0, 0, 1)
	p.op("FMOVQ.P %v, 16(%v)", v(0), to)
	p.op("SUB $%d, %v", bytesOf, count)
	p.op("CBNZ %v, vector", count)
	p.op("RET")
}

// over does body for every vector of a row, whose bytes are in size: index counts them.
func (p *program) over(name string, size, index, spare r, body func()) {
	p.op("MOVD $0, %v", index)
	p.label(name)
	body()
	p.op("ADD $%d, %v", bytesOf, index)
	p.op("SUB %v, %v, %v", index, size, spare)
	p.op("CBNZ %v, %s", spare, name)
}

// layerNorm normalises rows of whole vectors to mean 0 and variance 1, times y plus z.
func (p *program) layerNorm() {
	const (
		to, x, scale, bias, size, index, spare = r(1), r(2), r(3), r(4), r(5), r(6), r(7)

		epsilon, inverse, mean, squares, deviation, a, b, c = v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)
	)
	p.function("layerNorm")
	p.field(vTo, to)
	p.field(vX, x)
	p.field(vY, scale)
	p.field(vZ, bias)
	p.field(vBytes, size)
	p.op("ADD $%d, %v, %v", vEpsilon, arg, spare)
	p.op("VLD1R.P 4(%v), [V%d.S4]", spare, epsilon)
	p.op("VLD1R (%v), [V%d.S4]", spare, inverse)
	p.label("row")
	p.zero(mean)
	p.over("sum", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.do(fadd, mean, mean, a)
	})
	p.reduce(faddp, mean)
	p.do(fmul, mean, mean, inverse)
	p.zero(squares)
	p.over("squares", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.do(fsub, a, a, mean)
		p.do(fmla, squares, a, a)
	})
	p.reduce(faddp, squares)
	p.do(fmul, squares, squares, inverse)
	p.do(fadd, squares, squares, epsilon)
	p.fsqrt(deviation, squares)
	p.over("normed", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.loadAt(b, scale, index)
		p.loadAt(c, bias, index)
		p.do(fsub, a, a, mean)
		p.do(fdiv, a, a, deviation)
		p.do(fmla, c, a, b)
		p.storeAt(c, to, index)
	})
	p.op("ADD %v, %v", size, x)
	p.op("ADD %v, %v", size, to)
	p.countdown(vRows, spare, "row")
	p.op("RET")
}

// floats are numbers in the program's memory, one after the other.
func (p *program) floats(name string, values ...float64) {
	fmt.Fprintln(&p.data)
	for i, value := range values {
		fmt.Fprintf(&p.data, "DATA %s<>+%d(SB)/4, $0x%08x // %v\n", name, 4*i, math.Float32bits(float32(value)), value)
	}
	fmt.Fprintf(&p.data, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, 4*len(values))
}

// softmax replaces rows of whole vectors, vStride bytes apart, by exp(x - max) / sum.
// exp is 2ⁿ times a polynomial of degree 6 in the rest, by n = round(x / ln 2), at most
// 1.5 units in the last place off; below -87.3 it is 0.
func (p *program) softmax() {
	const (
		x, size, index, spare            = r(1), r(2), r(3), r(4)
		most, sum, a, b, n, e, t, little = v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)

		perLn2, ln2, ln2Rest, least = v(16), v(17), v(18), v(19)
		coefficient, one            = v(20), v(26)
	)
	p.floats("exponentialNEON",
		math.Log2E, 0.693359375, -2.12194440e-4, -87.3, // 1/ln 2, ln 2 in two parts, the least
		1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1)
	p.function("softmax")
	p.field(vX, x)
	p.field(vBytes, size)
	p.op("MOVD $exponentialNEON<>(SB), %v", spare)
	for i := perLn2; i <= one; i++ {
		p.op("VLD1R.P 4(%v), [V%d.S4]", spare, i)
	}
	p.label("row")
	p.load(most, x, 0)
	p.over("most", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.do(fmax, most, most, a)
	})
	p.reduce(fmaxp, most)
	p.zero(sum)
	p.over("exponential", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.do(fsub, a, a, most)
		p.do(fmax, b, a, least)
		p.do(fmul, n, b, perLn2)
		p.frintn(n, n)
		p.do(fmls, b, n, ln2)
		p.do(fmls, b, n, ln2Rest)
		p.move(e, coefficient)
		for i := range v(5) {
			p.move(t, coefficient+1+i)
			p.do(fmla, t, e, b)
			p.move(e, t)
		}
		p.do(fmul, t, b, b)
		p.do(fmla, b, e, t) // polynomial·b² + b
		p.do(fadd, b, b, one)
		p.fcvtns(n, n)
		p.op("VSHL $23, V%d.S4, V%[1]d.S4", n)
		p.op("VADD V%d.S4, V%d.S4, V%[2]d.S4", n, b) // times 2ⁿ
		p.do(fcmgt, little, least, a)                // not where it is NaN
		p.bic(b, b, little)
		p.do(fadd, sum, sum, b)
		p.storeAt(b, x, index)
	})
	p.reduce(faddp, sum)
	p.do(fdiv, sum, one, sum)
	p.over("share", size, index, spare, func() {
		p.loadAt(a, x, index)
		p.do(fmul, a, a, sum)
		p.storeAt(a, x, index)
	})
	p.field(vStride, spare)
	p.op("ADD %v, %v", spare, x)
	p.countdown(vRows, spare, "row")
	p.op("RET")
}
