package neon

// The fields of transform in kernel.go.
const (
	tShift, tPlaces, tPoints  = 0, 8, 16
	tPointStride, tTileStride = 24, 32
	tChannels, tTiles         = 40, 48
	tConstants, tScratch      = 56, 64
	tBias, tFloor             = 72, 80
)

// The registers of the transforms. index is shift and the bytes of the channels done;
// point walks from point to point.
const (
	places, points, index, pointStride, channels = r(1), r(2), r(3), r(4), r(5)
	scratch, bias, count, point, place           = r(6), r(7), r(8), r(9), r(10)
)

// constant number i: a, b, a², b², -(a²+b²), a²b², a³, b³ for the points ±a and ±b.
func constant(i int) v { return v(24 + i) }

// winograd begins the transform named name, which does body for every vector of
// channels of every tile. A tile has perTile places.
func (p *program) winograd(name string, constants bool, perTile int, body func()) {
	p.function(name)
	p.field(tPlaces, places)
	p.field(tPoints, points)
	p.field(tPointStride, pointStride)
	p.field(tChannels, channels)
	if constants {
		p.field(tScratch, scratch)
		p.field(tConstants, place)
		for i := range 8 {
			p.load(constant(i), place, 64*i)
		}
	}
	p.label("tile")
	p.field(tShift, index)
	p.field(tBias, bias)
	p.op("MOVD $0, %v", count)
	p.label("channel")
	p.op("ADD %v, %v, %v", count, points, point)
	body()
	p.op("ADD $%d, %v", bytesOf, index)
	p.op("ADD $%d, %v", bytesOf, count)
	p.op("SUB %v, %v, %v", count, channels, place)
	p.op("CBNZ %v, channel", place)
	p.op("ADD $%d, %v", 8*perTile, places)
	p.field(tTileStride, place)
	p.op("ADD %v, %v", place, points)
	p.countdown(tTiles, place, "tile")
	p.op("RET")
}

// loadPlace and storePlace move the channels at place i of the tile.
func (p *program) loadPlace(to v, i int) {
	p.op("MOVD %d(%v), %v", 8*i, places, place)
	p.loadAt(to, place, index)
}

// storePlace finishes them before: with bias, which register b has, and the floor.
func (p *program) storePlace(from, b, floor v, i int) {
	p.do(fadd, from, from, b)
	p.do(fmax, from, from, floor)
	p.op("MOVD %d(%v), %v", 8*i, places, place)
	p.storeAt(from, place, index)
}

// loadPoint and storePoint move the next point.
func (p *program) loadPoint(to v)    { p.op("VLD1.P (%v)(%v), %s", point, pointStride, list(to, 1)) }
func (p *program) storePoint(from v) { p.op("VST1.P %s, (%v)(%v)", list(from, 1), point, pointStride) }

// loadBias is where a transform to a map has its bias and floor from.
func (p *program) loadBias(b, floor v) {
	p.op("FMOVQ.P 16(%v), %v", bias, b)
	p.field(tFloor, place)
	p.op("VLD1R (%v), [V%d.S4]", place, floor)
}

// winogradIn4 is Bᵀ d B of Winograd's F(4×4, 3×3) on the points 0, ±a, ±b and ∞
// (Lavin and Gray, CVPR 2016): 6×6 places of a map to 36 points.
func (p *program) winogradIn4() {
	const d, to, even, odd = v(0), v(6), v(12), v(13)
	line := func() {
		// a²b² d0 - (a²+b²) d2 + d4, and the same of d1, d3, d5.
		for i := range v(2) {
			end := to + 5*i
			p.do(fmul, end, d+i, constant(5))
			p.do(fmla, end, d+2+i, constant(4))
			p.do(fadd, end, end, d+4+i)
		}
		// d4 - b² d2 ± a (d3 - b² d1), and the same with a and b changed.
		for i := range 2 {
			plus := to + v(1+2*i)
			p.move(even, d+4)
			p.do(fmls, even, d+2, constant(3-i))
			p.move(odd, d+3)
			p.do(fmls, odd, d+1, constant(3-i))
			p.do(fmul, odd, odd, constant(i))
			p.do(fadd, plus, even, odd)
			p.do(fsub, plus+1, even, odd)
		}
	}
	p.winograd("winogradIn4", true, 36, func() {
		for j := range 6 {
			for i := range 6 {
				p.loadPlace(d+v(i), i*6+j)
			}
			line()
			for i := range 6 {
				p.store(to+v(i), scratch, bytesOf*(i*6+j))
			}
		}
		for i := range 6 {
			for j := range 6 {
				p.load(d+v(j), scratch, bytesOf*(i*6+j))
			}
			line()
			for j := range 6 {
				p.storePoint(to + v(j))
			}
		}
	})
}

// winogradOut4 is Aᵀ m A: 36 points to 4×4 places of a map, with bias and floor.
func (p *program) winogradOut4() {
	const m, to, sum12, less12, sum34, less34, b, floor = v(0), v(6), v(10), v(11), v(12), v(13), v(14), v(15)
	line := func() {
		p.do(fadd, sum12, m+1, m+2)
		p.do(fsub, less12, m+1, m+2)
		p.do(fadd, sum34, m+3, m+4)
		p.do(fsub, less34, m+3, m+4)
		p.do(fadd, to, m, sum12)
		p.do(fadd, to, to, sum34)
		p.do(fmul, to+1, less12, constant(0))
		p.do(fmla, to+1, less34, constant(1))
		p.do(fmul, to+2, sum12, constant(2))
		p.do(fmla, to+2, sum34, constant(3))
		p.move(to+3, m+5)
		p.do(fmla, to+3, less12, constant(6))
		p.do(fmla, to+3, less34, constant(7))
	}
	p.winograd("winogradOut4", true, 16, func() {
		p.loadBias(b, floor)
		for i := range 6 {
			for j := range v(6) {
				p.loadPoint(m + j)
			}
			line()
			for j := range 4 {
				p.store(to+v(j), scratch, bytesOf*(i*4+j))
			}
		}
		for j := range 4 {
			for i := range 6 {
				p.load(m+v(i), scratch, bytesOf*(i*4+j))
			}
			line()
			for i := range 4 {
				p.storePlace(to+v(i), b, floor, i*4+j)
			}
		}
	})
}

// winogradIn2 is winogradIn4 for F(2×2, 3×3): 4×4 places to 16 points, for which there
// are registers enough.
func (p *program) winogradIn2() {
	const d, half = v(0), v(16)
	// line transforms four registers, step apart, into others.
	line := func(to, d, step v) {
		p.do(fsub, to, d, d+2*step)
		p.do(fadd, to+step, d+step, d+2*step)
		p.do(fsub, to+2*step, d+2*step, d+step)
		p.do(fsub, to+3*step, d+step, d+3*step)
	}
	p.winograd("winogradIn2", false, 16, func() {
		for i := range 16 {
			p.loadPlace(d+v(i), i)
		}
		for j := range v(4) {
			line(half+j, d+j, 4)
		}
		for i := range v(4) {
			line(d+4*i, half+4*i, 1)
		}
		for i := range v(16) {
			p.storePoint(d + i)
		}
	})
}

// winogradOut2 is winogradOut4 for F(2×2, 3×3): 16 points to 2×2 places.
func (p *program) winogradOut2() {
	const m, half, b, floor = v(0), v(16), v(24), v(25)
	line := func(to, m, step, toStep v) {
		p.do(fadd, to, m, m+step)
		p.do(fadd, to, to, m+2*step)
		p.do(fsub, to+toStep, m+step, m+2*step)
		p.do(fsub, to+toStep, to+toStep, m+3*step)
	}
	p.winograd("winogradOut2", false, 4, func() {
		p.loadBias(b, floor)
		for i := range v(16) {
			p.loadPoint(m + i)
		}
		for i := range v(4) {
			line(half+2*i, m+4*i, 1, 1)
		}
		for j := range v(2) {
			line(m+j, half+j, 2, 2)
		}
		for i := range 4 {
			p.storePlace(m+v(i), b, floor, i)
		}
	})
}
