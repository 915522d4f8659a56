package jpeg

import "github.com/gointr/gointr/internal/parallel"

// What Cb and Cr add to red, green and blue, in 16-bit fixed point for green
// and whole for the others: JFIF's conversion as libjpeg rounds it.
var redOfCr, blueOfCb, greenOfCr, greenOfCb = func() (r, b, gr, gb [256]int32) {
	const half = 1 << 15
	for i := range 256 {
		x := int32(i - 128)
		r[i] = (91881*x + half) >> 16
		b[i] = (116130*x + half) >> 16
		gr[i] = -46802 * x
		gb[i] = -22554*x + half
	}
	return
}()

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// rgb upsamples the planes and converts their colours as Pillow's convert("RGB").
func (d *decoder) rgb() []uint8 {
	out := make([]uint8, d.width*d.height*3)
	convert := d.conversion()
	parallel.Do(d.height, func(next func() (int, bool)) {
		rows, planes := make([][]uint8, len(d.components)), make([]*upsampler, len(d.components))
		for i := range planes {
			planes[i] = newUpsampler(&d.components[i], d.maxH, d.maxV, !d.lossless)
		}
		for y, ok := next(); ok; y, ok = next() {
			for i, plane := range planes {
				rows[i] = plane.row(y)[:d.width]
			}
			convert(out[y*d.width*3:][:d.width*3], rows)
		}
	})
	return out
}

// conversion is how samples become RGB: libjpeg's guess from the markers.
func (d *decoder) conversion() func(to []uint8, rows [][]uint8) {
	c := d.components
	switch {
	case len(c) == 1:
		return fromGray
	case len(c) == 4:
		ycck := d.adobe && d.transfer != 0
		return func(to []uint8, rows [][]uint8) { fromCMYK(to, rows, ycck) }
	case d.lossless:
		return fromRGB
	case d.jfif:
		return fromYCbCr
	case d.adobe && d.transfer == 0, !d.adobe && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return fromRGB
	}
	return fromYCbCr
}

// converts is whether the samples are not what is to be shown, which libjpeg does not accept of a lossless file.
func (d *decoder) converts() bool {
	converted := d.adobe && d.transfer != 0
	return !d.plain && (len(d.components) == 3 && (d.jfif || converted) || len(d.components) == 4 && converted)
}

func fromGray(to []uint8, rows [][]uint8) {
	for x, v := range rows[0] {
		p := to[x*3:][:3]
		p[0], p[1], p[2] = v, v, v
	}
}

func fromRGB(to []uint8, rows [][]uint8) {
	for x := range rows[0] {
		p := to[x*3:][:3]
		p[0], p[1], p[2] = rows[0][x], rows[1][x], rows[2][x]
	}
}

// fromYCbCr converts one row.
var fromYCbCr = fromYCbCrScalar

func fromYCbCrScalar(to []uint8, rows [][]uint8) {
	luma := rows[0]
	blue, red := rows[1][:len(luma)], rows[2][:len(luma)]
	for x := range luma {
		y, cb, cr := int32(luma[x]), blue[x], red[x]
		p := to[x*3:][:3]
		p[0] = clamp(y + redOfCr[cr])
		p[1] = clamp(y + (greenOfCb[cb]+greenOfCr[cr])>>16)
		p[2] = clamp(y + blueOfCb[cb])
	}
}

// fromCMYK is Pillow's own conversion. It takes every file to hold the absence of ink, as Adobe's do.
func fromCMYK(to []uint8, rows [][]uint8, ycck bool) {
	if ycck { // what converts to RGB is the ink
		fromYCbCr(to, rows[:3])
	}
	for x, white := range rows[3] {
		p := to[x*3:][:3]
		ink := [3]uint8{p[0], p[1], p[2]}
		if !ycck {
			ink = [3]uint8{255 - rows[0][x], 255 - rows[1][x], 255 - rows[2][x]}
		}
		for i, v := range ink {
			t := int32(v)*int32(white) + 128
			p[i] = uint8(int32(white) - (t>>8+t)>>8)
		}
	}
}
