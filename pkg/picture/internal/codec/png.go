package codec

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

const pngMagic = "\x89PNG\r\n\x1A\n"

// decodePNG leaves transparency out as Pillow does: colours stay as they are
// stored. 16-bit gray is clipped to 255, 16-bit colour keeps its high byte.
func decodePNG(data []byte) (*Image, error) {
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, broken("PNG", err)
	}
	if err := checkSize(config.Width, config.Height); err != nil {
		return nil, err
	}
	// The header is the first chunk: signature, length, name, then sides, depth and kind.
	depth, kind := int(data[24]), data[25]
	samples := [7]int{1, 0, 3, 1, 2, 0, 4}[min(kind, 6)]
	if err := plausible(config.Width*config.Height/8*depth*samples, len(data), deflateRatio); err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, broken("PNG", err)
	}
	p := newImage(config.Width, config.Height)
	for y := range p.Height {
		to := p.row(y)
		switch img := img.(type) {
		case *image.Gray:
			copyRow(to, img.Pix[y*img.Stride:], 1, 0, 0, 0)
		case *image.RGBA:
			copyRow(to, img.Pix[y*img.Stride:], 4, 0, 1, 2)
		case *image.NRGBA:
			copyRow(to, img.Pix[y*img.Stride:], 4, 0, 1, 2)
		case *image.RGBA64:
			copyRow(to, img.Pix[y*img.Stride:], 8, 0, 2, 4)
		case *image.Gray16:
			clipRow(to, img.Pix[y*img.Stride:], 2)
		case *image.NRGBA64:
			if kind == 0 {
				clipRow(to, img.Pix[y*img.Stride:], 8)
			} else {
				copyRow(to, img.Pix[y*img.Stride:], 8, 0, 2, 4)
			}
		case *image.Paletted:
			for x, index := range img.Pix[y*img.Stride:][:p.Width] {
				c := color.NRGBAModel.Convert(img.Palette[index]).(color.NRGBA)
				to[x*3], to[x*3+1], to[x*3+2] = c.R, c.G, c.B
			}
		}
	}
	return p, nil
}

// copyRow takes red, green and blue from those bytes of each pixel of that size.
func copyRow(to, from []uint8, size, red, green, blue int) {
	for x := 0; x+2 < len(to); x += 3 {
		to[x], to[x+1], to[x+2] = from[red], from[green], from[blue]
		from = from[min(size, len(from)):]
	}
}

// clipRow makes gray of big-endian 16-bit numbers: above 255 is white, as in Pillow.
func clipRow(to, from []uint8, size int) {
	for x := 0; x+2 < len(to); x += 3 {
		v := from[1]
		if from[0] > 0 {
			v = 255
		}
		to[x], to[x+1], to[x+2] = v, v, v
		from = from[min(size, len(from)):]
	}
}
