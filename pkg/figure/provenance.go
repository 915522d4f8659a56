package figure

import (
	"image"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
)

// Provenance says where numbers come from and how a figure showed them.
type Provenance struct {
	Version string `json:"gointr"` // of GoINTR
	origin.Model
	Caption   string  `json:"caption,omitempty"` // Figure.Caption without LaTeX
	Smoothing string  `json:"smoothing,omitempty"`
	Colormap  string  `json:"colormap,omitempty"`
	Opacity   float64 `json:"opacity,omitempty"`
}

// None stands for a layer, a head or a class that a Shown has not.
const None = -1

// Shown is one map of a figure, raw, with what it is of. Layers, heads and classes count from 0.
type Shown struct {
	Label      string      `json:"label"`
	Image      string      `json:"image"`  // where the picture came from
	Width      int         `json:"width"`  // of the picture, in pixels
	Height     int         `json:"height"` //
	Layer      int         `json:"layer"`  // None where it is a map of one's own
	Head       int         `json:"head"`   // None where it is the mean of all heads, or a map of one's own
	Class      int         `json:"class"`  // None where it is a map of one's own
	Name       string      `json:"name"`   // of the class
	Versus     int         `json:"versus"` // the class whose map was subtracted; None where none was
	VersusName string      `json:"versus_name"`
	Scale      *[2]float32 `json:"scale"` // the values at the two ends of the colours; nil where the map was not dyed
	Rows       int         `json:"rows"`
	Cols       int         `json:"cols"`
	Values     []float32   `json:"values"` // [Rows, Cols], row by row
}

// Map is the raw map.
func (s Shown) Map() attention.Map {
	return attention.Map{Rows: s.Rows, Cols: s.Cols, Values: s.Values}
}

// own is a map that comes from no explanation.
func own(label string, m attention.Map, photo image.Image) Shown {
	s := Shown{Label: label, Layer: None, Head: None, Class: None, Versus: None, Rows: m.Rows, Cols: m.Cols,
		Values: m.Values}
	if photo != nil {
		size := photo.Bounds().Size()
		s.Width, s.Height = size.X, size.Y
	}
	return s
}

// of is a map of an explanation.
func of(e *attention.Explanation, label string, layer, head, class int, m attention.Map, photo image.Image) Shown {
	s := own(label, m, photo)
	s.Image, s.Layer, s.Head, s.Class, s.Name = e.Image, layer, head, class, e.Name(class)
	if e.Width > 0 && e.Height > 0 {
		s.Width, s.Height = e.Width, e.Height
	}
	return s
}
