package birds

import "math"

// A point is in a bird's own units (its body is about 0.9 long, the picture is not known), in units of the picture (1
// is its side), or in pixels; y grows downwards.
type point struct{ x, y float64 }

// A shape is the inside of one closed polygon or more.
type shape [][]point

// An affine map: x, y ↦ a·x + b·y + c, d·x + e·y + f.
type affine struct{ a, b, c, d, e, f float64 }

func (m affine) at(p point) point {
	return point{m.a*p.x + m.b*p.y + m.c, m.d*p.x + m.e*p.y + m.f}
}

// then is m followed by n.
func (m affine) then(n affine) affine {
	origin, x, y := n.at(m.at(point{})), n.at(m.at(point{1, 0})), n.at(m.at(point{0, 1}))
	return affine{x.x - origin.x, y.x - origin.x, origin.x, x.y - origin.y, y.y - origin.y, origin.y}
}

func move(x, y float64) affine  { return affine{1, 0, x, 0, 1, y} }
func scale(x, y float64) affine { return affine{x, 0, 0, 0, y, 0} }

func turn(angle float64) affine {
	sin, cos := math.Sincos(angle)
	return affine{cos, -sin, 0, sin, cos, 0}
}

// turnAbout turns by an angle around p.
func turnAbout(p point, angle float64) affine {
	return move(-p.x, -p.y).then(turn(angle)).then(move(p.x, p.y))
}

func points(xy []float64) []point {
	list := make([]point, len(xy)/2)
	for i := range list {
		list[i] = point{xy[2*i], xy[2*i+1]}
	}
	return list
}

// polygon has corners.
func polygon(xy ...float64) shape { return shape{points(xy)} }

// smooth is the closed Catmull-Rom spline through the points; a point given twice is a corner.
func smooth(xy ...float64) shape {
	const steps = 10
	through := points(xy)
	n := len(through)
	var line []point
	for i := range through {
		p0, p1, p2, p3 := through[(i+n-1)%n], through[i], through[(i+1)%n], through[(i+2)%n]
		if p1 == p2 {
			continue
		}
		for step := range steps {
			t := float64(step) / steps
			spline := func(a, b, c, d float64) float64 {
				return b + 0.5*t*(c-a+t*(2*a-5*b+4*c-d+t*(3*(b-c)+d-a)))
			}
			line = append(line, point{spline(p0.x, p1.x, p2.x, p3.x), spline(p0.y, p1.y, p2.y, p3.y)})
		}
	}
	return shape{line}
}

// ellipse has its axes along x and y before it is turned by an angle.
func ellipse(x, y, rx, ry, angle float64) shape {
	const steps = 40
	m := scale(rx, ry).then(turn(angle)).then(move(x, y))
	line := make([]point, steps)
	for i := range line {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / steps)
		line[i] = m.at(point{cos, sin})
	}
	return shape{line}
}

func circle(x, y, r float64) shape { return ellipse(x, y, r, r, 0) }

// line is a pen's line with round ends.
func line(width float64, xy ...float64) shape {
	var all shape
	list := points(xy)
	for i, p := range list {
		all = append(all, circle(p.x, p.y, width/2)...)
		if i == 0 {
			continue
		}
		q := list[i-1]
		dx, dy := p.x-q.x, p.y-q.y
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		nx, ny := -dy/length*width/2, dx/length*width/2
		// The same way round as circles, so that they add up.
		all = append(all, []point{{q.x + nx, q.y + ny}, {q.x - nx, q.y - ny}, {p.x - nx, p.y - ny},
			{p.x + nx, p.y + ny}})
	}
	return all
}

// lens is a leaf from the origin along x, pointed at both ends.
func lens(length, width float64) shape {
	const steps = 16
	var edge []point
	for i := range 2 * steps {
		t := float64(i) / steps // there and back
		side := 1.0
		if i >= steps {
			t, side = 2-t, -1
		}
		edge = append(edge, point{t * length, side * lensHalf(t, width)})
	}
	return shape{edge}
}

// lensHalf is how far a leaf reaches to a side at t of its length.
func lensHalf(t, width float64) float64 { return width * 2 * t * (1 - t) }

func join(shapes ...shape) shape {
	var all shape
	for _, s := range shapes {
		all = append(all, s...)
	}
	return all
}

// under is the shape as m maps it.
func (s shape) under(m affine) shape {
	mapped := make(shape, len(s))
	for i, line := range s {
		mapped[i] = make([]point, len(line))
		for j, p := range line {
			mapped[i][j] = m.at(p)
		}
	}
	return mapped
}
