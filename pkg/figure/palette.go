package figure

// Palette is the 256 colours, as RGB, of one of Colormaps, from the least weight
// to the greatest.
func Palette(colormap string) ([256][3]uint8, error) {
	table, err := colors(colormap)
	if err != nil {
		return [256][3]uint8{}, err
	}
	return *table, nil
}
