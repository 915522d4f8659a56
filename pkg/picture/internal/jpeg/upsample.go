package jpeg

// upsampler makes rows of the picture from a plane that is h and v times smaller.
type upsampler struct {
	*component
	h, v  int
	fancy bool
	sums  []uint16 // one before the row and one after it
	out   []uint8
}

func newUpsampler(c *component, maxH, maxV int, fancy bool) *upsampler {
	return &upsampler{c, maxH / c.h, maxV / c.v, fancy, make([]uint16, c.width+2), make([]uint8, c.width*maxH/c.h)}
}

func (u *upsampler) stored(y int) []uint8 { return u.samples[y*u.stride():][:u.width] }

// row is row y of the picture, good until the next call. Twice smaller is filled in with a triangle of weights 3 and 1,
// as libjpeg-turbo does where it is fancy; other factors repeat samples.
func (u *upsampler) row(y int) []uint8 {
	near := u.stored(y / u.v)
	if u.h == 1 && (u.v != 2 || !u.fancy) {
		return near
	}
	if u.fancy && u.v == 2 && (u.h == 1 || u.h == 2 && u.width > 2) {
		far := u.stored(max(0, y/2-1))
		if y%2 == 1 {
			far = u.stored(min(u.height-1, y/2+1))
		}
		addRows(u.sums[1:], near, far)
		if u.h == 1 {
			bias := 1 + uint16(y&1)
			for x, sum := range u.sums[1:][:u.width] {
				u.out[x] = uint8((sum + bias) >> 2)
			}
			return u.out
		}
		u.extend()
		widen(u.out, u.sums, 8, 7, 4)
		return u.out
	}
	if u.fancy && u.h == 2 && u.v == 1 && u.width > 2 {
		for x, sample := range near {
			u.sums[x+1] = uint16(sample)
		}
		u.extend()
		widen(u.out, u.sums, 1, 2, 2)
		return u.out
	}
	for x, sample := range near {
		for k := range u.h {
			u.out[x*u.h+k] = sample
		}
	}
	return u.out
}

// extend repeats the sums at both ends.
func (u *upsampler) extend() {
	u.sums[0] = u.sums[1]
	u.sums[u.width+1] = u.sums[u.width]
}

// addRows is three times near plus far.
var addRows = addRowsScalar

func addRowsScalar(sums []uint16, near, far []uint8) {
	for x := range near {
		sums[x] = 3*uint16(near[x]) + uint16(far[x])
	}
}

// widen makes two samples of each sum but the first and the last: three times
// it plus the one before and the one after, rounded by even and odd.
var widen = widenScalar

func widenScalar(to []uint8, sums []uint16, even, odd uint16, shift uint64) {
	for x := range len(to) / 2 {
		s := sums[x:][:3]
		pair := to[2*x:][:2]
		pair[0] = uint8((3*s[1] + s[0] + even) >> shift)
		pair[1] = uint8((3*s[1] + s[2] + odd) >> shift)
	}
}
