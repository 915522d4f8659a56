package jpeg

// upsample is row y of the picture from a plane that is h and v times
// smaller; to is room for it. Twice smaller is filled in with a triangle of
// weights 3 and 1, as libjpeg-turbo does; other factors repeat samples.
func (c *component) upsample(y, h, v int, to []uint8) []uint8 {
	row := func(y int) []uint8 { return c.samples[y*c.stride():][:c.width] }
	near := row(y / v)
	other := row(max(0, y/v-1)) // the second nearest when v is 2
	if y%v == 1 {
		other = row(min(c.height-1, y/v+1))
	}
	switch {
	case h == 1 && v == 1:
		return near
	case h == 1 && v == 2:
		bias := 1 + int32(y&1)
		for x := range near {
			to[x] = uint8((3*int32(near[x]) + int32(other[x]) + bias) >> 2)
		}
	case h == 2 && v == 1 && c.width > 2:
		widen(near, to)
	case h == 2 && v == 2 && c.width > 2:
		widenBetween(near, other, to)
	case h == 2:
		for x, s := range near {
			to[2*x], to[2*x+1] = s, s
		}
	default:
		for x := range to {
			to[x] = near[min(x/h, len(near)-1)]
		}
	}
	return to
}

// widen doubles a row.
func widen(in, to []uint8) {
	last := len(in) - 1
	to[0] = in[0]
	to[1] = uint8((3*uint32(in[0]) + uint32(in[1]) + 2) >> 2)
	before, here := uint32(in[0]), uint32(in[1])
	for x := 1; x < last; x++ {
		after := uint32(in[x+1])
		pair := to[2*x:][:2]
		pair[0] = uint8((3*here + before + 1) >> 2)
		pair[1] = uint8((3*here + after + 2) >> 2)
		before, here = here, after
	}
	to[2*last] = uint8((3*here + before + 1) >> 2)
	to[2*last+1] = in[last]
}

// widenBetween doubles the row that lies a quarter of the way from near to other.
func widenBetween(near, other, to []uint8) {
	last := len(near) - 1
	other = other[:len(near)]
	sum := func(x int) uint32 { return 3*uint32(near[x]) + uint32(other[x]) }
	before, here := sum(0), sum(1)
	to[0] = uint8((4*before + 8) >> 4)
	to[1] = uint8((3*before + here + 7) >> 4)
	for x := 1; x < last; x++ {
		after := 3*uint32(near[x+1]) + uint32(other[x+1])
		pair := to[2*x:][:2]
		pair[0] = uint8((3*here + before + 8) >> 4)
		pair[1] = uint8((3*here + after + 7) >> 4)
		before, here = here, after
	}
	to[2*last] = uint8((3*here + before + 8) >> 4)
	to[2*last+1] = uint8((4*here + 7) >> 4)
}
