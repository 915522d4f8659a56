package birds

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// A Scene is everything about a picture but the species: pose, size, place,
// light, background, and the leaves in front. It has no size in pixels.
type Scene struct {
	bird            affine  // from the bird's units to the picture's
	nod, tail, wing float64 // angles
	coat            tint
	shade           float64 // of the parts' colours
	behind, front   []layer // in units of the picture
	light           light
	without         [Kinds]bool
	empty           bool
}

// A tint is what each channel of a coat is multiplied with.
type tint [3]float64

func (t tint) of(c rgb) rgb {
	return rgb{clamp(float64(c.r) * t[0]), clamp(float64(c.g) * t[1]), clamp(float64(c.b) * t[2])}
}

// Without is the scene with a bird that lacks parts: an intervention. All other pixels stay as they are.
func (s Scene) Without(kinds ...Kind) Scene {
	for _, k := range kinds {
		s.without[k] = true
	}
	return s
}

// Empty is the scene with no bird in it, whatever the species. All other pixels stay as they are.
func (s Scene) Empty() Scene {
	s.empty = true
	return s
}

// Backdrop is how many shapes stand behind the bird, before the sky or whatever
// fills the picture: hills, clouds, blades of grass, the perch.
func (s Scene) Backdrop() int { return len(s.behind) - 1 }

// WithoutBackdrop is the scene without one of the shapes behind the bird, 0 to Backdrop()-1, the farthest first: an
// intervention. All other pixels stay as they are. It panics where there is no such shape.
func (s Scene) WithoutBackdrop(i int) Scene {
	if i < 0 || i >= s.Backdrop() {
		panic(fmt.Sprintf("birds: there is no shape %d behind the bird: there are %d", i, s.Backdrop()))
	}
	s.behind = slices.Delete(slices.Clone(s.behind), i+1, i+2)
	return s
}

// mostHidden is how much of a part leaves may hide at most, whatever the species:
// were the telling part alone spared, the leaves would give the species away.
const mostHidden = 0.75

// NewScene is the scene of one picture: of a split ("train", "val"), a class and an index in that class. The class and
// the split change nothing but the chance: scenes of all classes are alike.
func NewScene(seed uint64, split string, class, index int) Scene {
	r := &chance{
		rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "birds %d %s %d %d", seed, split, class, index))))}
	s := Scene{
		nod:   r.between(-0.22, 0.22),
		tail:  r.between(-0.16, 0.16),
		wing:  r.between(-0.12, 0.10),
		shade: r.between(0.94, 1.06),
	}
	for i := range s.coat {
		s.coat[i] = r.between(0.95, 1.05)
	}
	s.place(r)
	s.background(r)
	s.perch(r)
	s.leaves(r)
	bright := r.between(0.84, 1.08)
	warm := r.between(-0.06, 0.06)
	for i, f := range []float64{bright * (1 + warm), bright, bright * (1 - warm)} {
		s.light.gain[i] = int(math.Round(4096 * f))
	}
	s.light.acrossX, s.light.downY = int(math.Round(r.between(-450, 450))), int(math.Round(r.between(-450, 450)))
	return s
}

// place turns the bird and puts it where all of it is in the picture, whatever the species.
func (s *Scene) place(r *chance) {
	size := r.between(0.74, 0.96) // of the longer side of all that can be seen of a bird
	m := turn(r.between(-0.22, 0.22))
	if r.odds(0.5) {
		m = scale(-1, 1).then(m)
	}
	minX, minY, maxX, maxY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for k := range Kinds {
		frame := s.frame(Kind(k)).then(m)
		for v := range variants {
			for _, p := range inside()[k][v] {
				p = frame.at(p)
				minX, maxX = min(minX, p.x), max(maxX, p.x)
				minY, maxY = min(minY, p.y), max(maxY, p.y)
			}
		}
	}
	unit := size / max(maxX-minX, maxY-minY)
	x := r.between(0.02, 0.98-unit*(maxX-minX))
	y := r.between(0.02, 0.98-unit*(maxY-minY))
	s.bird = m.then(move(-minX, -minY)).then(scale(unit, unit)).then(move(x, y))
}

// frame is where a part's layers go in the bird's units.
func (s *Scene) frame(k Kind) affine {
	switch k {
	case Beak, Crest, Eye:
		return turnAbout(neckAt, s.nod)
	case Tail:
		return turnAbout(rumpAt, s.tail)
	case WingBar:
		return turnAbout(wristAt, s.wing)
	}
	return move(0, 0)
}

// inside is points, evenly spread, where each variant of each part is seen on a bird at rest.
var inside = sync.OnceValue(func() (all [Kinds][variants][]point) {
	const size = 240
	for v := range variants {
		var s Species
		for k := range Kinds {
			s.Parts[k] = v
		}
		c := newCanvas(size)
		unit := size / 2.4
		c.bird(s, Scene{shade: 1}, scale(unit, unit).then(move(size/2, size/2)))
		for k := range Kinds {
			seen := c.seen[k]
			step := 1 + seen.sum()/255/250
			for y := seen.in.Min.Y; y < seen.in.Max.Y; y++ {
				for i, a := range seen.row(y) {
					if x := seen.in.Min.X + i; a > 127 && (x+y*7)%step == 0 {
						all[k][v] = append(all[k][v], point{(float64(x) + 0.5 - size/2) / unit,
							(float64(y) + 0.5 - size/2) / unit})
					}
				}
			}
		}
	}
	return all
})

// A chance is a source of random numbers.
type chance struct{ *rand.Rand }

func (r *chance) between(low, high float64) float64 { return low + r.Float64()*(high-low) }
func (r *chance) odds(p float64) bool               { return r.Float64() < p }
func (r *chance) sign() float64                     { return float64(2*r.IntN(2) - 1) }

// about is a colour near c: lighter or darker, and each channel for itself.
func (r *chance) about(c uint32, by float64) rgb {
	base, f := hex(c), r.between(1-by, 1+by)
	return tint{f * r.between(1-by/2, 1+by/2), f * r.between(1-by/2, 1+by/2), f * r.between(1-by/2, 1+by/2)}.of(base)
}

func pick[T any](r *chance, from ...T) T { return from[r.IntN(len(from))] }

func (s *Scene) back(shape shape, top, bottom rgb) {
	s.behind = append(s.behind, layer{shape, top, bottom})
}

func rectangle(x0, y0, x1, y1 float64) shape { return polygon(x0, y0, x1, y0, x1, y1, x0, y1) }

// hills is the ground up to a rolling line around y.
func hills(r *chance, y, roll float64) shape {
	line := []float64{-0.05, 1.02, -0.05, 1.02, -0.05, y, -0.05, y}
	for x := 0.1; x < 1; x += 0.2 {
		line = append(line, x+r.between(-0.05, 0.05), y+r.between(-roll, roll))
	}
	line = append(line, 1.05, y, 1.05, y, 1.05, 1.02, 1.05, 1.02)
	return smooth(line...)
}

func (s *Scene) background(r *chance) {
	sky := func(top, bottom uint32) {
		s.back(rectangle(0, 0, 1, 1), r.about(top, 0.08), r.about(bottom, 0.08))
	}
	switch r.IntN(5) {
	case 0: // hills under a sky
		sky(pick[uint32](r, 0x6fb2e0, 0x8cc6e8, 0xf0b48c, 0xa9b8c8), pick[uint32](r, 0xdff0f8, 0xfbeed5, 0xe8e8ea))
		s.sun(r)
		s.clouds(r)
		s.farBirds(r)
		for y := r.between(0.55, 0.7); y < 0.95; y += r.between(0.12, 0.2) {
			c := r.about(pick[uint32](r, 0x86a86a, 0x6d9a78, 0x9aa86a, 0x8fa4a8), 0.1)
			s.back(hills(r, y, 0.05), mix(c, rgb{255, 255, 255}, 0.25*(1-y)), c.times(0.85))
		}
		s.flowers(r, 0.8, r.IntN(6))
	case 1: // the inside of a tree
		c := pick[uint32](r, 0x7fa65a, 0x5f8f5a, 0xa3b56a, 0x4f7d62)
		s.back(rectangle(0, 0, 1, 1), r.about(c, 0.1), r.about(c, 0.1).times(0.75))
		for range 8 + r.IntN(8) { // light between the leaves
			d := r.between(0.03, 0.11)
			s.back(circle(r.Float64(), r.Float64(), d), mix(hex(c), hex(0xf4f6cf), r.between(0.2, 0.55)),
				mix(hex(c), hex(0xf4f6cf), 0.3))
		}
		for range 14 + r.IntN(14) {
			s.leaf(r, point{r.Float64(), r.Float64()}, r.between(0, 2*math.Pi), r.between(0.1, 0.24), c, 0.25)
		}
		s.berries(r, r.IntN(3))
	case 2: // a meadow
		sky(pick[uint32](r, 0x9fd0ea, 0xc9dfe6, 0xf3d7a0), pick[uint32](r, 0xf6f3dc, 0xe4f0e0))
		s.clouds(r)
		c := pick[uint32](r, 0x8fb552, 0xa8b75c, 0x73a35a)
		s.back(hills(r, r.between(0.45, 0.7), 0.03), r.about(c, 0.08), r.about(c, 0.08).times(0.7))
		for range 25 + r.IntN(25) {
			x, y := r.Float64(), r.between(0.6, 1)
			lean := r.between(-0.06, 0.06)
			blade := r.about(c, 0.2)
			s.back(polygon(x, y, x+0.012, y, x+lean, y-r.between(0.08, 0.22)), blade.times(1.1), blade.times(0.8))
		}
		s.flowers(r, 0.6, 3+r.IntN(7))
		if r.odds(0.4) {
			s.butterfly(r)
		}
	case 3: // reeds by the water
		sky(pick[uint32](r, 0xbcd9e6, 0xe8d8c0, 0x9fc3d8), pick[uint32](r, 0xe6f1f0, 0xf7ecd6))
		s.sun(r)
		water := r.about(0x7fb0bf, 0.12)
		level := r.between(0.55, 0.75)
		s.back(rectangle(0, level, 1, 1), water.times(1.12), water.times(0.75))
		for range 6 + r.IntN(6) {
			x, y, w := r.Float64(), r.between(level, 1), r.between(0.05, 0.16)
			s.back(ellipse(x, y, w, 0.006, 0), mix(water, rgb{255, 255, 255}, 0.4), mix(water, rgb{255, 255, 255}, 0.3))
		}
		for range 6 + r.IntN(9) {
			x, lean, top := r.Float64(), r.between(-0.08, 0.08), r.between(0.1, 0.6)
			reed := r.about(0x8c9a55, 0.2)
			s.back(polygon(x-0.009, 1, x+0.009, 1, x+lean+0.003, top, x+lean-0.003, top), reed, reed.times(0.8))
			if r.odds(0.5) {
				spike := r.about(0x7a5230, 0.15)
				s.back(line(0.03, x+lean, top, x+lean*0.85, top+0.11), spike, spike.times(0.8))
			}
		}
	case 4: // winter
		sky(pick[uint32](r, 0xc8d4e2, 0xdde3ea, 0xe9d9d6), pick[uint32](r, 0xf2f4f6, 0xdfe6ee))
		for range 2 + r.IntN(3) {
			s.bareTree(r)
		}
		s.back(hills(r, r.between(0.72, 0.9), 0.03), hex(0xf6f8fb), hex(0xd3dde8))
		s.berries(r, r.IntN(4))
		for range 12 + r.IntN(16) {
			s.back(circle(r.Float64(), r.Float64(), r.between(0.005, 0.011)), rgb{255, 255, 255}, rgb{240, 244, 250})
		}
	}
}

func (s *Scene) sun(r *chance) {
	if r.odds(0.4) {
		x, y, c := r.Float64(), r.between(0, 0.4), r.about(0xfbe7a0, 0.05)
		s.back(circle(x, y, r.between(0.05, 0.09)), c, c)
	}
}

func (s *Scene) clouds(r *chance) {
	for range r.IntN(4) {
		x, y, w := r.Float64(), r.between(0.03, 0.4), r.between(0.05, 0.1)
		cloud := join(ellipse(x, y, 2*w, 0.5*w, 0), circle(x-0.6*w, y-0.3*w, 0.6*w), circle(x+0.4*w, y-0.45*w, 0.8*w))
		s.back(cloud, hex(0xfdfdfd), hex(0xe6ecf2))
	}
}

func (s *Scene) farBirds(r *chance) {
	for range r.IntN(4) {
		x, y, w := r.Float64(), r.between(0.05, 0.4), r.between(0.012, 0.03)
		s.back(line(0.007, x-w, y-w/2, x-w/2, y-w*0.7, x, y, x+w/2, y-w*0.7, x+w, y-w/2), hex(0x55606a), hex(0x55606a))
	}
}

// The colours of what distracts are those of parts.
func (r *chance) gaudy() uint32 { return pick[uint32](r, red, orange, yellow, blue, white, 0x139c93) }

func (s *Scene) flowers(r *chance, from float64, n int) {
	for range n {
		x, y, d := r.Float64(), r.between(from, 0.98), r.between(0.012, 0.024)
		stem, petal := r.about(0x5c8a46, 0.1), r.about(r.gaudy(), 0.08)
		s.back(line(0.008, x, y, x+r.between(-0.02, 0.02), y+0.12), stem, stem)
		var petals shape
		for i := range 5 {
			sin, cos := math.Sincos(2*math.Pi*float64(i)/5 + x*9)
			petals = append(petals, circle(x+d*cos, y+d*sin, 0.75*d)...)
		}
		s.back(petals, petal, petal.times(0.9))
		s.back(circle(x, y, 0.55*d), hex(0xf3c63a), hex(0xc9962a))
	}
}

func (s *Scene) berries(r *chance, bunches int) {
	for range bunches {
		x, y := r.Float64(), r.Float64()
		c := r.about(r.gaudy(), 0.08)
		for range 2 + r.IntN(3) {
			bx, by, d := x+r.between(-0.045, 0.045), y+r.between(0, 0.07), r.between(0.014, 0.022)
			s.back(line(0.006, x, y-0.06, bx, by), hex(0x5d4a35), hex(0x5d4a35))
			s.back(circle(bx, by, d), mix(c, rgb{255, 255, 255}, 0.2), c.times(0.8))
		}
	}
}

func (s *Scene) butterfly(r *chance) {
	x, y, size, angle := r.Float64(), r.between(0.1, 0.6), r.between(0.03, 0.05), r.between(-0.6, 0.6)
	m := scale(size, size).then(turn(angle)).then(move(x, y))
	c := r.about(r.gaudy(), 0.08)
	s.back(join(ellipse(-0.55, -0.4, 0.6, 0.42, 0.6), ellipse(0.55, -0.4, 0.6, 0.42, -0.6),
		ellipse(-0.4, 0.45, 0.4, 0.32, -0.6), ellipse(0.4, 0.45, 0.4, 0.32, 0.6)).under(m), c, c.times(0.85))
	s.back(line(0.16, 0, -0.6, 0, 0.7).under(m), hex(0x2a2420), hex(0x2a2420))
}

func (s *Scene) bareTree(r *chance) {
	c := mix(r.about(0x6e6660, 0.1), hex(0xe4e8ee), r.between(0.2, 0.5))
	x, lean := r.Float64(), r.between(-0.08, 0.08)
	top := r.between(0, 0.25)
	s.back(polygon(x-0.02, 0.95, x+0.02, 0.95, x+lean+0.004, top, x+lean-0.004, top), c, c)
	for range 6 + r.IntN(5) {
		t := r.between(0.15, 0.9)
		fx, fy := x+lean*t, 0.95+(top-0.95)*t
		side, length := r.sign(), 0.26*(1.1-t)
		s.back(line(0.009, fx, fy, fx+side*length*0.6, fy-length*0.5, fx+side*length, fy-length), c, c)
	}
}

// leaf is one with its midrib, faded into the background by fade.
func (s *Scene) leaf(r *chance, at point, angle, length float64, color uint32, fade float64) {
	m := turn(angle).then(move(at.x, at.y))
	c := mix(r.about(color, 0.22), hex(color), fade)
	s.back(lens(length, length*r.between(0.18, 0.27)).under(m), c.times(1.08), c.times(0.85))
	s.back(line(0.006, 0, 0, length*0.92, 0).under(m), c.times(0.78), c.times(0.78))
}

// perch is what the bird stands on.
func (s *Scene) perch(r *chance) {
	foot := s.bird.at(soleAt)
	unit := math.Hypot(s.bird.a, s.bird.d)
	wood := r.about(pick[uint32](r, 0x7a5a3e, 0x6a5a4c, 0x8d7a62, 0x5c4433), 0.12)
	light, dark := mix(wood, rgb{255, 255, 255}, 0.15), wood.times(0.7)
	switch kind := r.Float64(); {
	case kind < 0.62: // a branch
		slope, thick := r.between(-0.14, 0.14), unit*r.between(0.075, 0.13)
		if s.bird.d*s.bird.a < 0 { // it slopes with the bird, more or less
			slope = -math.Abs(slope)
		} else {
			slope = math.Abs(slope)
		}
		y := func(x float64) float64 { return foot.y + thick*0.45 + slope*(x-foot.x) }
		thin := r.between(0.6, 1)
		for range 2 + r.IntN(4) { // twigs with leaves
			x, side := r.Float64(), r.sign()
			tip := point{x + side*r.between(0.06, 0.14), y(x) + pick(r, -1.0, 1)*r.between(0.05, 0.13)}
			s.back(line(unit*0.028, x, y(x), tip.x, tip.y), light, dark)
			green := pick[uint32](r, 0x6d9a3f, 0x4f8a4a, 0x8fa23e, 0xc9853a)
			for range 1 + r.IntN(3) {
				s.leaf(r, tip, math.Atan2(tip.y-y(x), tip.x-x)+r.between(-0.9, 0.9), r.between(0.08, 0.15), green, 0)
			}
		}
		s.back(smooth(-0.04, y(-0.04)-thick/2, -0.04, y(-0.04)-thick/2, foot.x, y(foot.x)-thick/2, 1.04,
			y(1.04)-thick*thin/2, 1.04, y(1.04)-thick*thin/2, 1.04, y(1.04)+thick*thin/2, 1.04, y(1.04)+thick*thin/2,
			foot.x, y(foot.x)+thick/2, -0.04, y(-0.04)+thick/2, -0.04, y(-0.04)+thick/2), light, dark)
		for range 5 {
			x := r.Float64()
			s.back(line(0.006, x, y(x)+thick*r.between(-0.2, 0.3), x+0.06, y(x+0.06)+thick*r.between(-0.2, 0.3)),
				wood.times(0.62), wood.times(0.62))
		}
	case kind < 0.8: // a post
		w, lean := unit*r.between(0.2, 0.3), r.between(-0.03, 0.03)
		s.back(polygon(foot.x-w, foot.y, foot.x+w, foot.y, foot.x+w+lean, 1.05, foot.x-w+lean, 1.05), light, dark)
		s.back(ellipse(foot.x, foot.y, w, unit*0.045, 0), light.times(1.15), light)
		s.back(line(0.006, foot.x-w*0.3, foot.y+unit*0.1, foot.x-w*0.3+lean, 1.03), dark, dark)
	default: // a stone
		stone := r.about(pick[uint32](r, 0x9a978f, 0x83868a, 0xa59a8a), 0.1)
		w, down := unit*r.between(0.4, 0.6), max(1.03-foot.y, unit*0.2)
		s.back(smooth(foot.x-w*1.5, foot.y+down, foot.x-w*1.2, foot.y+down*0.4, foot.x-w*0.7, foot.y+unit*0.04, foot.x,
			foot.y-unit*0.035, foot.x+w*0.7, foot.y+unit*0.03, foot.x+w*1.3, foot.y+down*0.5, foot.x+w*1.5,
			foot.y+down), mix(stone, rgb{255, 255, 255}, 0.25), stone.times(0.65))
	}
}

// leaves hang in front of the bird in two pictures of three. None is hung that
// would leave less than the rest of mostHidden of any variant of any part.
func (s *Scene) leaves(r *chance) {
	if r.odds(0.34) {
		return
	}
	var seen [Kinds][variants][]point // in the picture, and not behind a leaf yet
	var all [Kinds][variants]int
	for k := range Kinds {
		m := s.frame(Kind(k)).then(s.bird)
		for v := range variants {
			all[k][v] = len(inside()[k][v])
			for _, p := range inside()[k][v] {
				seen[k][v] = append(seen[k][v], m.at(p))
			}
		}
	}
	color := pick[uint32](r, 0x5f9440, 0x3f7d46, 0x86a03a, 0xb9772f)
	hang := func(from point, angle, length, width float64) bool {
		m, back := turn(angle).then(move(from.x, from.y)), move(-from.x, -from.y).then(turn(-angle))
		var left [Kinds][variants][]point
		for k := range Kinds {
			for v := range variants {
				for _, p := range seen[k][v] {
					if q := back.at(p); q.x <= 0 || q.x >= length ||
						math.Abs(q.y) >= lensHalf(q.x/length, width)+0.004 {
						left[k][v] = append(left[k][v], p)
					}
				}
				if float64(len(left[k][v])) < (1-mostHidden)*float64(all[k][v]) {
					return false
				}
			}
		}
		seen = left
		c := r.about(color, 0.18)
		s.front = append(s.front, layer{lens(length, width).under(m), c.times(1.1), c.times(0.85)},
			layer{line(0.006, 0, 0, length*0.9, 0).under(m), c.times(0.72), c.times(0.72)})
		return true
	}
	for range 1 + r.IntN(3) { // twigs
		on := s.bird.at(point{r.between(-0.9, 0.7), r.between(-0.8, 0.45)}) // some place on the bird
		edge := pick(r, point{r.Float64(), -0.02}, point{-0.02, r.Float64()}, point{1.02, r.Float64()},
			point{r.Float64(), 1.02})
		dx, dy := on.x-edge.x, on.y-edge.y
		angle, reach := math.Atan2(dy, dx), r.between(0.75, 1.15)
		hung := false
		for t := r.between(0.2, 0.35); t <= 1; t += r.between(0.14, 0.24) {
			at := point{edge.x + dx*reach*t, edge.y + dy*reach*t}
			for range 3 { // until one may hang there
				length := r.between(0.1, 0.2)
				if hang(at, angle+r.sign()*r.between(0.2, 1.1), length, length*r.between(0.22, 0.34)) {
					hung = true
					break
				}
			}
		}
		if hung {
			twig := hex(0x6b5236)
			s.front = append([]layer{{line(0.007, edge.x, edge.y, edge.x+dx*reach, edge.y+dy*reach), twig, twig}},
				s.front...)
		}
	}
}
