//go:build goexperiment.simd

package jpeg

import (
	"encoding/binary"
	"simd/archsimd"
)

func init() {
	if archsimd.X86.AVX2() {
		inverse, addRows, widen, fromYCbCr = inverseAVX2, addRowsAVX2, widenAVX2, fromYCbCrAVX2
	}
}

type vector = archsimd.Int32x8

// Constants are loaded from lines of eight, and numbers shifted by such: Go has SSE
// instructions for broadcasts and for shifts by a number, and one of them between AVX's
// takes ten times as long as all the rest on Intel's processors.
var (
	k0       = line(0)
	halfUnit = line(1 << 15)
	k116130  = line(116130)
	k128     = line(128)
	k16      = line(16)
	k22554   = line(22554)
	k24      = line(24)
	k255     = line(255)
	k46802   = line(46802)
	k8       = line(8)
	k91881   = line(91881)
	k0298    = line(c0298)
	k0390    = line(c0390)
	k0541    = line(c0541)
	k0765    = line(c0765)
	k0899    = line(c0899)
	k1175    = line(c1175)
	k1501    = line(c1501)
	k1847    = line(c1847)
	k1961    = line(c1961)
	k2053    = line(c2053)
	k2562    = line(c2562)
	k3072    = line(c3072)

	kwordToCos = line(16 - cosBits) // a number in the upper 16 bits, times 1<<cosBits
	kleast16   = line(-1 << 15)
	kmost16    = line(1<<15 - 1)

	rounded1, shift1 = line(1 << (cosBits - passBits - 1)), line(cosBits - passBits)
	rounded2, shift2 = line(1<<(cosBits+passBits+2) + 128<<(cosBits+passBits+3)), line(cosBits + passBits + 3)
)

func line(v int32) (l [8]int32) {
	for i := range l {
		l[i] = v
	}
	return l
}

func load(l *[8]int32) vector { return archsimd.LoadInt32x8(l) }

// inverseAVX2 is inverseScalar for eight columns, then eight rows, at once.
func inverseAVX2(coefficients, quant *[64]int16, extent uint8, to []uint8, stride int) {
	if extent == 0 || level(coefficients, extent) {
		inverseScalar(coefficients, quant, extent, to, stride)
		return
	}
	var v [8]vector
	for y := range v {
		c, q := (*[8]int16)(coefficients[y*8:]), (*[8]int16)(quant[y*8:])
		v[y] = archsimd.LoadInt16x8(c).Mul(archsimd.LoadInt16x8(q)).ExtendToInt32()
	}
	v0, v1, v2, v3, v4, v5, v6, v7 := pass(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], &rounded1, &shift1)
	least, greatest := load(&kleast16), load(&kmost16)
	v0, v1 = v0.Max(least).Min(greatest), v1.Max(least).Min(greatest)
	v2, v3 = v2.Max(least).Min(greatest), v3.Max(least).Min(greatest)
	v4, v5 = v4.Max(least).Min(greatest), v5.Max(least).Min(greatest)
	v6, v7 = v6.Max(least).Min(greatest), v7.Max(least).Min(greatest)
	v0, v1, v2, v3, v4, v5, v6, v7 = transpose(v0, v1, v2, v3, v4, v5, v6, v7)
	v0, v1, v2, v3, v4, v5, v6, v7 = pass(v0, v1, v2, v3, v4, v5, v6, v7, &rounded2, &shift2)
	zero, most := load(&k0), load(&k255)
	// Each lane is a row: four of its columns make one number.
	left := v0.Max(zero).Min(most).Or(v1.Max(zero).Min(most).ShiftLeft(load(&k8))).
		Or(v2.Max(zero).Min(most).ShiftLeft(load(&k16))).Or(v3.Max(zero).Min(most).ShiftLeft(load(&k24)))
	right := v4.Max(zero).Min(most).Or(v5.Max(zero).Min(most).ShiftLeft(load(&k8))).
		Or(v6.Max(zero).Min(most).ShiftLeft(load(&k16))).Or(v7.Max(zero).Min(most).ShiftLeft(load(&k24)))
	rows0145, rows2367 := left.InterleaveLoGrouped(right).AsUint64x4(), left.InterleaveHiGrouped(right).AsUint64x4()
	rows01, rows45, rows23, rows67 := rows0145.GetLo(), rows0145.GetHi(), rows2367.GetLo(), rows2367.GetHi()
	put(to, rows01.GetElem(0))
	put(to[stride:], rows01.GetElem(1))
	put(to[2*stride:], rows23.GetElem(0))
	put(to[3*stride:], rows23.GetElem(1))
	put(to[4*stride:], rows45.GetElem(0))
	put(to[5*stride:], rows45.GetElem(1))
	put(to[6*stride:], rows67.GetElem(0))
	put(to[7*stride:], rows67.GetElem(1))
}

func put(to []uint8, v uint64) { binary.LittleEndian.PutUint64(to, v) }

// pass transforms along the vectors, as even and odd do for one number each.
func pass(v0, v1, v2, v3, v4, v5, v6, v7 vector, round, shift *[8]int32) (r0, r1, r2, r3, r4, r5, r6, r7 vector) {
	by := load(shift)
	z := v2.Add(v6).Mul(load(&k0541))
	low, high := z.Sub(v6.Mul(load(&k1847))), z.Add(v2.Mul(load(&k0765)))
	word, scaled := load(&k16), load(&kwordToCos)
	sum := v0.Add(v4).ShiftLeft(word).ShiftRight(scaled).Add(load(round))
	difference := v0.Sub(v4).ShiftLeft(word).ShiftRight(scaled).Add(load(round))
	e0, e1, e2, e3 := sum.Add(high), difference.Add(low), difference.Sub(low), sum.Sub(high)

	z1, z2 := v7.Add(v1), v5.Add(v3)
	z3, z4 := v7.Add(v3).ShiftLeft(word).ShiftRight(word), v5.Add(v1).ShiftLeft(word).ShiftRight(word)
	z5 := z3.Add(z4).Mul(load(&k1175))
	z1, z2 = z1.Mul(load(&k0899)), z2.Mul(load(&k2562))
	z3, z4 = z5.Sub(z3.Mul(load(&k1961))), z5.Sub(z4.Mul(load(&k0390)))
	o0 := v1.Mul(load(&k1501)).Sub(z1).Add(z4)
	o1 := v3.Mul(load(&k3072)).Sub(z2).Add(z3)
	o2 := v5.Mul(load(&k2053)).Sub(z2).Add(z4)
	o3 := v7.Mul(load(&k0298)).Sub(z1).Add(z3)
	return e0.Add(o0).ShiftRight(by), e1.Add(o1).ShiftRight(by), e2.Add(o2).ShiftRight(by),
		e3.Add(o3).ShiftRight(by), e3.Sub(o3).ShiftRight(by), e2.Sub(o2).ShiftRight(by),
		e1.Sub(o1).ShiftRight(by), e0.Sub(o0).ShiftRight(by)
}

// transpose exchanges vectors and lanes.
func transpose(v0, v1, v2, v3, v4, v5, v6, v7 vector) (r0, r1, r2, r3, r4, r5, r6, r7 vector) {
	r0, r1, r4, r5 = quarters(v0, v1, v2, v3)
	r2, r3, r6, r7 = quarters(v4, v5, v6, v7)
	return r0.Select128FromPair(0, 2, r2), r1.Select128FromPair(0, 2, r3), r4.Select128FromPair(0, 2, r6),
		r5.Select128FromPair(0, 2, r7), r0.Select128FromPair(1, 3, r2), r1.Select128FromPair(1, 3, r3),
		r4.Select128FromPair(1, 3, r6), r5.Select128FromPair(1, 3, r7)
}

// quarters transposes the lower and the upper four lanes of four vectors.
func quarters(a, b, c, d vector) (r0, r1, r2, r3 vector) {
	abLow, abHigh := a.InterleaveLoGrouped(b).AsInt64x4(), a.InterleaveHiGrouped(b).AsInt64x4()
	cdLow, cdHigh := c.InterleaveLoGrouped(d).AsInt64x4(), c.InterleaveHiGrouped(d).AsInt64x4()
	return abLow.InterleaveLoGrouped(cdLow).AsInt32x8(), abLow.InterleaveHiGrouped(cdLow).AsInt32x8(),
		abHigh.InterleaveLoGrouped(cdHigh).AsInt32x8(), abHigh.InterleaveHiGrouped(cdHigh).AsInt32x8()
}

func triple(v archsimd.Uint16x16) archsimd.Uint16x16 { return v.Add(v).Add(v) }

func addRowsAVX2(sums []uint16, near, far []uint8) {
	x := 0
	for ; x+16 <= len(near); x += 16 {
		n, f := archsimd.LoadUint8x16((*[16]uint8)(near[x:])).ExtendToUint16(),
			archsimd.LoadUint8x16((*[16]uint8)(far[x:])).ExtendToUint16()
		triple(n).Add(f).Store((*[16]uint16)(sums[x:]))
	}
	addRowsScalar(sums[x:], near[x:], far[x:])
}

func widenAVX2(to []uint8, sums []uint16, even, odd uint16, shift uint64) {
	x, evens, odds := 0, archsimd.BroadcastUint16x16(even), archsimd.BroadcastUint16x16(odd)
	for ; x+16 <= len(to)/2; x += 16 {
		here := triple(archsimd.LoadUint16x16((*[16]uint16)(sums[x+1:])))
		first := here.Add(archsimd.LoadUint16x16((*[16]uint16)(sums[x:]))).Add(evens).ShiftAllRight(shift)
		second := here.Add(archsimd.LoadUint16x16((*[16]uint16)(sums[x+2:]))).Add(odds).ShiftAllRight(shift)
		first.Or(second.ShiftAllLeft(8)).AsUint8x32().Store((*[32]uint8)(to[2*x:]))
	}
	widenScalar(to[2*x:], sums[x:], even, odd, shift)
}

// rgbOfRGBX leaves the fourth byte of each pixel out.
var rgbOfRGBX = [32]int8{
	0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
	0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
}

// fromYCbCrAVX2 is fromYCbCrScalar for eight pixels at once.
func fromYCbCrAVX2(to []uint8, rows [][]uint8) {
	luma := rows[0]
	blue, red := rows[1][:len(luma)], rows[2][:len(luma)]
	zero, most, middle := load(&k0), load(&k255), load(&k128)
	half, order := load(&halfUnit), archsimd.LoadInt8x32(&rgbOfRGBX)
	x := 0
	for ; x+16 <= len(luma); x += 8 { // a load takes 16 samples, of which 8 are used
		y := archsimd.LoadUint8x16((*[16]uint8)(luma[x:])).ExtendLo8ToUint32().AsInt32x8()
		cb := archsimd.LoadUint8x16((*[16]uint8)(blue[x:])).ExtendLo8ToUint32().AsInt32x8().Sub(middle)
		cr := archsimd.LoadUint8x16((*[16]uint8)(red[x:])).ExtendLo8ToUint32().AsInt32x8().Sub(middle)
		r := y.Add(cr.Mul(load(&k91881)).Add(half).ShiftRight(load(&k16)))
		g := y.Add(half.Sub(cb.Mul(load(&k22554))).Sub(cr.Mul(load(&k46802))).ShiftRight(load(&k16)))
		b := y.Add(cb.Mul(load(&k116130)).Add(half).ShiftRight(load(&k16)))
		rgbx := r.Max(zero).Min(most).Or(g.Max(zero).Min(most).ShiftLeft(load(&k8))).
			Or(b.Max(zero).Min(most).ShiftLeft(load(&k16)))
		rgb := rgbx.AsUint8x32().PermuteOrZeroGrouped(order)
		rgb.GetLo().Store((*[16]uint8)(to[x*3:]))
		rgb.GetHi().Store((*[16]uint8)(to[x*3+12:]))
	}
	fromYCbCrScalar(to[x*3:], [][]uint8{luma[x:], blue[x:], red[x:]})
}
