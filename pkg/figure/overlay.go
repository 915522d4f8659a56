package figure

import (
	"image"

	"github.com/gointr/gointr/pkg/attention"
)

// Overlay dyes a picture with an attention map laid over all of it, at the
// size the picture has (the published figure first takes 0.8 of it: Shrink).
//
// With the zero Options this is the published panel: the map resized by cubic interpolation, stretched from its minimum
// to its maximum, coloured with JET, blurred (median 15x15, Gaussian 15x15), and mixed with the picture half and half.
// A map too flat for the stretch (attention.Map.Flat) leaves the picture undyed, unless Options.Limits give the scale.
func Overlay(m attention.Map, picture image.Image, o Options) (*image.RGBA, error) {
	o, err := filled(o)
	if err != nil {
		return nil, err
	}
	dst, err := rgba(picture)
	if err != nil {
		return nil, err
	}
	if _, err := dye(m, dst, o); err != nil {
		return nil, err
	}
	return dst, nil
}

// dye colours a picture in place and returns the ends of the scale it used;
// nil when the map was flat and the picture was left alone.
func dye(m attention.Map, picture *image.RGBA, o Options) (*Limits, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if o.Limits == nil && m.Flat() {
		return nil, nil
	}
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	full, err := enlarge(m, h, w, o.Smoothing)
	if err != nil {
		return nil, err
	}
	scale := o.Limits
	if scale == nil {
		low, high := full.Range()
		if !(low < high) { // a picture of a few pixels can miss the cells that differ
			return nil, nil
		}
		scale = &Limits{Low: low, High: high}
	}
	level := make([]uint8, w*h)
	for i, v := range full.Values {
		part := (min(max(v, scale.Low), scale.High) - scale.Low) / (scale.High - scale.Low)
		level[i] = uint8(part * 255)
	}
	table, err := colors(o.Colormap)
	if err != nil {
		return nil, err
	}
	plane := make([]uint8, w*h)
	for channel := range 3 {
		for i, l := range level {
			plane[i] = table[l][channel]
		}
		colored := plane
		if o.Smoothing == Published {
			colored = smooth(median(plane, w, h), w, h)
		}
		for i, c := range colored {
			p := &picture.Pix[4*i+channel]
			*p = uint8(float64(float64(*p)*(1-o.Opacity)) + float64(float64(c)*o.Opacity))
		}
	}
	return scale, nil
}

// enlarge is a map at the size of a picture.
func enlarge(m attention.Map, rows, cols int, s Smoothing) (attention.Map, error) {
	if s != Cells {
		return m.Resize(rows, cols)
	}
	full := attention.Map{Rows: rows, Cols: cols, Values: make([]float32, rows*cols)}
	for y := range rows {
		line := m.Values[y*m.Rows/rows*m.Cols:][:m.Cols]
		for x := range cols {
			full.Values[y*cols+x] = line[x*m.Cols/cols]
		}
	}
	return full, nil
}
