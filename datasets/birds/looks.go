package birds

import "math"

// An rgb is a colour, as in 0xRRGGBB.
type rgb struct{ r, g, b uint8 }

func hex(v uint32) rgb { return rgb{uint8(v >> 16), uint8(v >> 8), uint8(v)} }

// mix goes from a (t = 0) to b (t = 1).
func mix(a, b rgb, t float64) rgb {
	between := func(a, b uint8) uint8 { return clamp(float64(a) + t*(float64(b)-float64(a))) }
	return rgb{between(a.r, b.r), between(a.g, b.g), between(a.b, b.b)}
}

// times is lighter above 1, darker below.
func (c rgb) times(f float64) rgb {
	return rgb{clamp(float64(c.r) * f), clamp(float64(c.g) * f), clamp(float64(c.b) * f)}
}

func clamp(v float64) uint8 { return uint8(math.Round(min(max(v, 0), 255))) }

// A layer is a shape and its colour at its upper and its lower end.
type layer struct {
	shape       shape
	top, bottom rgb
}

// lit is a layer under the light of the sky.
func lit(s shape, color uint32) layer { return shaded(s, hex(color)) }

func shaded(s shape, c rgb) layer { return layer{s, mix(c, rgb{255, 255, 255}, 0.1), c.times(0.84)} }

// A look is a way that a part can look. Its layers are in a bird's units: the bird looks to the right, its head is a
// circle around headAt, its body lies around the origin.
type look struct {
	name      string
	adjective string // in a species' name
	layers    []layer
}

// The body, in a bird's units.
var (
	headAt   = point{0.24, -0.35}
	headSize = 0.225
	neckAt   = point{0.17, -0.22} // the head turns about it
	rumpAt   = point{-0.40, 0.07} // the tail turns about it
	wristAt  = point{0.14, -0.05} // the wing turns about it
	soleAt   = point{0.06, 0.5}   // where it stands
	bodyLine = smooth(-0.50, 0.06, -0.32, -0.09, -0.08, -0.20, 0.08, -0.34, 0.22, -0.42, 0.38, -0.26, 0.45, -0.02, 0.39,
		0.18, 0.20, 0.31, -0.06, 0.33, -0.30, 0.23)
	wingLine = smooth(0.18, -0.10, 0.21, 0.03, 0.10, 0.15, -0.14, 0.21, -0.38, 0.20, -0.60, 0.13, -0.60, 0.13, -0.36,
		-0.01, -0.10, -0.13, 0.06, -0.17)
	feathers = []shape{
		line(0.014, -0.14, 0.17, -0.40, 0.155, -0.56, 0.128),
		line(0.014, -0.16, 0.125, -0.36, 0.105, -0.52, 0.112),
		line(0.014, -0.15, 0.075, -0.32, 0.055, -0.44, 0.06),
	}
	headLine = circle(headAt.x, headAt.y, headSize)
)

// A coat is the colours that the species of a family share.
type coat struct {
	name, noun string
	color      rgb
}

var coats = [families]coat{
	{"olive", "Bunting", hex(0x8d9160)},
	{"slate", "Flycatcher", hex(0x6f7f92)},
	{"rufous", "Wren", hex(0xa9623a)},
	{"lilac", "Starling", hex(0x9480b4)},
	{"sand", "Lark", hex(0xc4a572)},
	{"moss", "Warbler", hex(0x5c9052)},
	{"rose", "Finch", hex(0xc78790)},
	{"teal", "Tanager", hex(0x378a8a)},
	{"chestnut", "Thrush", hex(0x71473a)},
	{"azure", "Tit", hex(0x6aa9d2)},
	{"ash", "Sparrow", hex(0xa6a49d)},
	{"charcoal", "Robin", hex(0x50505c)},
}

const (
	black  = 0x1d1d24
	white  = 0xfbfaf4
	red    = 0xd9263c
	orange = 0xf2861d
	yellow = 0xf8c913
	blue   = 0x2a69dc
	brown  = 0x5f4634
	grey   = 0x6a6d74
)

// looks[k][v] is variant v of part k. Any two of a kind differ in shape and in colour.
var looks = [Kinds][variants]look{
	Beak: {
		{"short grey cone", "Cone-billed", []layer{
			lit(smooth(0.38, -0.42, 0.38, -0.42, 0.50, -0.38, 0.60, -0.32, 0.60, -0.32, 0.38, -0.30, 0.38, -0.30),
				grey),
			lit(smooth(0.38, -0.31, 0.38, -0.31, 0.60, -0.32, 0.60, -0.32, 0.48, -0.25, 0.38, -0.23, 0.38, -0.23),
				0x54575e),
		}},
		{"long red dagger", "Dagger-billed", []layer{
			lit(polygon(0.36, -0.41, 0.88, -0.33, 0.36, -0.32), red),
			lit(polygon(0.36, -0.33, 0.88, -0.33, 0.36, -0.24), 0xa81d30),
		}},
		{"hooked yellow", "Hook-billed", []layer{
			lit(smooth(0.36, -0.28, 0.36, -0.28, 0.56, -0.28, 0.52, -0.20, 0.38, -0.20, 0.38, -0.20), 0xc98f0a),
			lit(smooth(0.36, -0.47, 0.36, -0.47, 0.52, -0.48, 0.67, -0.40, 0.71, -0.22, 0.70, -0.17, 0.70, -0.17, 0.61,
				-0.28, 0.36, -0.27, 0.36, -0.27), yellow),
		}},
		{"blue spoon", "Spoon-billed", []layer{
			lit(join(line(0.085, 0.40, -0.34, 0.66, -0.32), ellipse(0.76, -0.315, 0.125, 0.095, 0)), blue),
			lit(line(0.016, 0.42, -0.325, 0.86, -0.305), 0x173f92),
		}},
		{"black sickle", "Sickle-billed", []layer{
			lit(smooth(0.36, -0.42, 0.36, -0.42, 0.56, -0.42, 0.74, -0.31, 0.83, -0.08, 0.83, -0.08, 0.67, -0.24, 0.52,
				-0.30, 0.36, -0.27, 0.36, -0.27), black),
		}},
	},
	Breast: {
		{"pale bib", "Pale-bibbed", []layer{
			lit(ellipse(0.39, -0.05, 0.15, 0.17, 0.2), 0xf6edd2),
		}},
		{"red breast", "Red-breasted", []layer{
			lit(ellipse(0.33, 0.04, 0.25, 0.27, 0.3), 0xe0452b),
		}},
		{"yellow breast with a black band", "Collared", []layer{
			lit(ellipse(0.33, 0.04, 0.25, 0.27, 0.3), yellow),
			lit(line(0.085, 0.16, 0.00, 0.30, 0.05, 0.50, 0.00), black),
		}},
		{"white breast with black spots", "Spotted", []layer{
			lit(ellipse(0.33, 0.04, 0.25, 0.27, 0.3), white),
			lit(join(circle(0.29, -0.06, 0.032), circle(0.40, -0.09, 0.03), circle(0.35, 0.02, 0.032),
				circle(0.26, 0.08, 0.03), circle(0.41, 0.05, 0.03), circle(0.34, 0.13, 0.032), circle(0.24, 0.20, 0.03),
				circle(0.39, 0.17, 0.026)), black),
		}},
		{"blue-barred breast", "Barred", []layer{
			lit(ellipse(0.33, 0.04, 0.25, 0.27, 0.3), 0xbfe3f7),
			lit(join(line(0.045, 0.20, -0.12, 0.50, -0.09), line(0.045, 0.16, -0.01, 0.50, 0.02),
				line(0.045, 0.12, 0.10, 0.50, 0.13), line(0.045, 0.10, 0.21, 0.46, 0.24)), blue),
		}},
	},
	Tail: {
		{"short brown", "Short-tailed", []layer{
			lit(smooth(-0.34, -0.04, -0.34, -0.04, -0.60, 0.00, -0.78, 0.05, -0.78, 0.05, -0.80, 0.17, -0.80, 0.17,
				-0.34, 0.18, -0.34, 0.18), brown),
			lit(line(0.014, -0.48, 0.09, -0.77, 0.11), 0x42301f),
		}},
		{"long black fork", "Fork-tailed", []layer{
			lit(smooth(-0.32, -0.06, -0.32, -0.06, -0.74, -0.08, -1.06, -0.22, -1.06, -0.22, -0.84, 0.00, -0.72, 0.09,
				-0.72, 0.09, -0.86, 0.18, -1.06, 0.38, -1.06, 0.38, -0.72, 0.25, -0.32, 0.19, -0.32, 0.19), black),
		}},
		{"orange fan", "Fan-tailed", []layer{
			lit(polygon(sector(-0.38, 0.07, 0.52)...), 0x4a2c17),
			lit(polygon(sector(-0.38, 0.07, 0.43)...), orange),
			lit(join(line(0.012, -0.42, 0.07, -0.83, 0.07), line(0.012, -0.42, 0.06, -0.79, -0.09),
				line(0.012, -0.42, 0.08, -0.79, 0.23)), 0xb45c0c),
		}},
		{"long white, barred", "Pennant-tailed", []layer{
			lit(smooth(-0.32, -0.03, -0.32, -0.03, -0.70, 0.02, -1.10, 0.06, -1.14, 0.11, -1.10, 0.17, -0.70, 0.17,
				-0.32, 0.16, -0.32, 0.16), white),
			lit(join(polygon(-0.66, 0.015, -0.74, 0.022, -0.74, 0.17, -0.66, 0.17), polygon(-0.82, 0.03, -0.90, 0.038,
				-0.90, 0.17, -0.82, 0.17), polygon(-0.98, 0.046, -1.06, 0.054, -1.06, 0.168, -0.98, 0.17)), black),
		}},
		{"cocked teal", "Cock-tailed", []layer{
			lit(smooth(-0.30, 0.02, -0.30, 0.02, -0.52, -0.22, -0.62, -0.46, -0.62, -0.46, -0.74, -0.44, -0.80, -0.36,
				-0.80, -0.36, -0.68, -0.10, -0.44, 0.16, -0.44, 0.16), 0x139c93),
			lit(line(0.014, -0.46, -0.02, -0.66, -0.26, -0.72, -0.40), 0x0b6862),
		}},
	},
	Crest: {
		{"low brown tuft", "Tufted", []layer{
			lit(smooth(0.04, -0.46, 0.04, -0.46, 0.10, -0.62, 0.13, -0.66, 0.13, -0.66, 0.24, -0.60, 0.36, -0.51, 0.36,
				-0.51), brown),
		}},
		{"tall red spire", "Spire-crested", []layer{
			lit(smooth(0.37, -0.50, 0.37, -0.50, 0.28, -0.63, 0.14, -0.80, -0.06, -0.96, -0.06, -0.96, -0.01, -0.76,
				0.00, -0.58, 0.04, -0.40, 0.04, -0.40), red),
			lit(line(0.014, 0.18, -0.58, 0.07, -0.76), 0xa81d30),
		}},
		{"swept black plume", "Plumed", []layer{
			lit(smooth(0.34, -0.52, 0.34, -0.52, 0.16, -0.66, -0.12, -0.74, -0.34, -0.88, -0.34, -0.88, -0.24, -0.66,
				-0.02, -0.52, 0.04, -0.40, 0.04, -0.40), black),
			lit(smooth(0.06, -0.52, 0.06, -0.52, -0.14, -0.56, -0.34, -0.60, -0.34, -0.60, -0.18, -0.46, 0.02, -0.36,
				0.02, -0.36), black),
		}},
		{"orange fan with black tips", "Fan-crested", fan()},
		{"blue topknot", "Topknot", []layer{
			lit(line(0.045, 0.22, -0.52, 0.24, -0.68, 0.30, -0.78), 0x173f92),
			lit(smooth(0.24, -0.76, 0.26, -0.90, 0.36, -0.95, 0.50, -0.86, 0.50, -0.78, 0.50, -0.78, 0.38, -0.72),
				blue),
		}},
	},
	WingBar: {
		{"thin grey bar", "Grey-barred", []layer{
			lit(line(0.028, -0.02, -0.20, -0.06, 0.00, -0.02, 0.24), 0xb4b7bb),
		}},
		{"two white bars", "White-barred", []layer{
			lit(join(line(0.062, 0.08, -0.22, 0.03, 0.00, 0.06, 0.24), line(0.062, -0.10, -0.22, -0.14, 0.00, -0.10,
				0.26)), white),
		}},
		{"yellow patch", "Gold-winged", []layer{
			lit(ellipse(-0.10, 0.03, 0.19, 0.115, 0.1), yellow),
		}},
		{"red shoulder", "Red-shouldered", []layer{
			lit(ellipse(0.12, -0.05, 0.15, 0.13, 0.2), red),
		}},
		{"blue mirror edged with white", "Mirror-winged", []layer{
			lit(polygon(-0.04, 0.03, -0.40, 0.03, -0.46, 0.24, -0.10, 0.24), white),
			lit(polygon(-0.08, 0.055, -0.37, 0.055, -0.42, 0.24, -0.12, 0.24), blue),
		}},
	},
	Feet: {
		{"thin grey", "Grey-legged", feet(0.028, 0.03, grey, grey)},
		{"orange webbed", "Web-footed", []layer{
			lit(join(line(0.05, -0.01, 0.26, 0.00, 0.46), line(0.05, 0.12, 0.26, 0.13, 0.46)), orange),
			lit(polygon(-0.03, 0.43, 0.11, 0.465, 0.12, 0.515, -0.06, 0.515), orange),
			lit(polygon(0.10, 0.43, 0.25, 0.465, 0.27, 0.515, 0.07, 0.515), 0xe07810),
		}},
		{"thick blue", "Blue-footed", feet(0.066, 0.06, 0x18a0ea, 0x1390d6)},
		{"white feathered", "Trousered", []layer{
			lit(join(line(0.03, -0.05, 0.5, 0.07, 0.5), line(0.03, 0.09, 0.5, 0.22, 0.5)), black),
			lit(smooth(-0.10, 0.26, -0.10, 0.26, -0.06, 0.40, -0.045, 0.485, -0.045, 0.485, 0.03, 0.485, 0.03, 0.485,
				0.04, 0.40, 0.05, 0.26, 0.05, 0.26), white),
			lit(smooth(0.04, 0.26, 0.04, 0.26, 0.08, 0.40, 0.095, 0.485, 0.095, 0.485, 0.17, 0.485, 0.17, 0.485, 0.18,
				0.40, 0.20, 0.26, 0.20, 0.26), white),
		}},
		{"red with black rings", "Ring-legged", append(feet(0.05, 0.035, red, red),
			lit(join(line(0.066, -0.005, 0.37, 0, 0.395), line(0.066, 0.125, 0.37, 0.13, 0.395)), black))},
	},
	Eye: {
		{"black", "Black-eyed", []layer{
			lit(circle(0.325, -0.40, 0.048), 0x111115), lit(circle(0.342, -0.415, 0.015), white),
		}},
		{"white ring", "Spectacled", []layer{
			lit(circle(0.315, -0.40, 0.108), white), lit(circle(0.32, -0.40, 0.055), 0x111115),
			lit(circle(0.338, -0.417, 0.017), white),
		}},
		{"yellow under a black brow", "Stern-eyed", []layer{
			lit(circle(0.325, -0.385, 0.082), yellow), lit(circle(0.335, -0.385, 0.04), 0x111115),
			lit(polygon(0.19, -0.50, 0.21, -0.535, 0.45, -0.44, 0.43, -0.385), 0x111115),
		}},
		{"red in a black mask", "Masked", []layer{
			lit(smooth(0.455, -0.37, 0.40, -0.455, 0.27, -0.475, 0.06, -0.42, 0.03, -0.36, 0.03, -0.36, 0.18, -0.345,
				0.34, -0.30), black),
			lit(circle(0.315, -0.395, 0.056), 0xf03030), lit(circle(0.322, -0.395, 0.026), 0x111115),
		}},
		{"blue under a white brow", "White-browed", []layer{
			lit(smooth(0.46, -0.44, 0.36, -0.53, 0.18, -0.53, 0.03, -0.42, 0.03, -0.42, 0.20, -0.45, 0.36, -0.46),
				white),
			lit(circle(0.32, -0.385, 0.068), 0x35a7ff), lit(circle(0.327, -0.385, 0.034), 0x111115),
		}},
	},
}

// sector is a fan's outline, opening to the left.
func sector(x, y, r float64) []float64 {
	line := []float64{x, y}
	const steps, half = 16, 0.62
	for i := range steps + 1 {
		sin, cos := math.Sincos(math.Pi - half + 2*half*float64(i)/steps)
		line = append(line, x+r*cos, y+r*sin)
	}
	return line
}

// fan is a hoopoe's crest: feathers from the crown, each with a dark tip.
func fan() []layer {
	var stems, tips shape
	for i := range 6 {
		angle := -2.75 + 0.38*float64(i)
		sin, cos := math.Sincos(angle)
		at := point{headAt.x - 0.02 + 0.12*cos, headAt.y - 0.02 + 0.12*sin}
		m := turn(angle).then(move(at.x, at.y))
		stems = append(stems, lens(0.42, 0.095).under(m)...)
		tip := m.at(point{0.37, 0})
		tips = append(tips, ellipse(tip.x, tip.y, 0.055, 0.036, angle)...)
	}
	return []layer{lit(stems, orange), lit(tips, black)}
}

// feet are two legs with toes.
func feet(leg, toe float64, color, toes uint32) []layer {
	return []layer{
		lit(join(line(leg, -0.01, 0.26, 0.00, 0.49), line(leg, 0.12, 0.26, 0.13, 0.49)), color),
		lit(join(line(toe, -0.07, 0.505, 0.00, 0.475, 0.08, 0.505), line(toe, 0.07, 0.505, 0.13, 0.475, 0.22, 0.505)),
			toes),
	}
}
