package jpeg

// Plane is one component of a picture as the file has it: H and V are how often it is sampled, beside the others.
type Plane struct {
	H, V, Stride int
	Samples      []uint8 // [rows, Stride]; blocks that reach beyond the picture are whole
}

// Planes gives a picture's components, neither widened nor converted. Before anything of the picture's size is
// allocated, check is asked whether the size is acceptable.
func Planes(data []byte, check func(width, height int) error) (width, height int, planes []Plane, err error) {
	d := newDecoder(data)
	d.plain = true
	if err := d.decode(check); err != nil {
		return 0, 0, nil, err
	}
	for i := range d.components {
		c := &d.components[i]
		planes = append(planes, Plane{c.h, c.v, c.stride(), c.samples})
	}
	return d.width, d.height, planes, nil
}

// Stored gives a picture's samples, [height, width, channels], as Decode does, but with the colours that the file has.
// Two components are read, too.
func Stored(data []byte, check func(width, height int) error) (width, height, channels int, samples []uint8,
	err error) {
	d := newDecoder(data)
	d.plain = true
	if err := d.decode(check); err != nil {
		return 0, 0, 0, nil, err
	}
	channels = len(d.components)
	samples = make([]uint8, d.width*d.height*channels)
	for i := range d.components {
		plane := newUpsampler(&d.components[i], d.maxH, d.maxV, !d.lossless)
		for y := range d.height {
			to := samples[y*d.width*channels+i:]
			for x, v := range plane.row(y)[:d.width] {
				to[x*channels] = v
			}
		}
	}
	return d.width, d.height, channels, samples, nil
}
