package codec

// Upright is the picture turned and mirrored as an EXIF orientation says;
// 1 and what is not an orientation leave it as it is.
func (p *Image) Upright(orientation int) *Image {
	if orientation < 2 || orientation > 8 {
		return p
	}
	out := newImage(p.Width, p.Height)
	if orientation >= 5 { // the first row of the file is a side
		out = newImage(p.Height, p.Width)
	}
	right, bottom := p.Width-1, p.Height-1
	for y := range out.Height {
		to := out.row(y)
		for x := range out.Width {
			fromX, fromY := x, y
			if orientation >= 5 {
				fromX, fromY = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				fromX = right - fromX
			}
			switch orientation {
			case 3, 4, 6, 7:
				fromY = bottom - fromY
			}
			copy(to[x*3:][:3], p.Pix[(fromY*p.Width+fromX)*3:])
		}
	}
	return out
}
