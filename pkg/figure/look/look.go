// Package look is how figures of maps look: options and widths, without what draws them, so that a program which has
// another draw for it stays small. Package figure names them, too.
package look

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/origin"
)

// Mean among heads is the mean of all heads.
const Mean = -1

// Smoothing is how the cells of a map become the pixels of a panel.
type Smoothing int

const (
	Published Smoothing = iota // cubic interpolation, colours, then a 15x15 median and a 15x15 Gaussian blur
	Cubic                      // cubic interpolation and colours, nothing blurred
	Cells                      // every cell of the feature map as it is, with hard edges
)

var smoothings = []string{"published", "cubic", "cells"}

// String is the name of a smoothing: published, cubic or cells.
func (s Smoothing) String() string {
	if s < Published || s > Cells {
		return "Smoothing(" + strconv.Itoa(int(s)) + ")"
	}
	return smoothings[s]
}

// Set chooses a smoothing by its name.
func (s *Smoothing) Set(name string) error {
	i := slices.Index(smoothings, strings.ToLower(name))
	if i < 0 {
		return fmt.Errorf("no smoothing is named %q: use one of %s", name, strings.Join(smoothings, ", "))
	}
	*s = Smoothing(i)
	return nil
}

// Limits are the weights at the two ends of the colour scale; what lies outside gets the colour of the end.
type Limits struct{ Low, High float32 }

// Options say how maps are shown; the zero value is the published figure. figure.Overlay uses the first four.
type Options struct {
	Smoothing Smoothing
	Colormap  string  // one of figure.Colormaps; "" is the published "jet"
	Opacity   float64 // of the colours over the picture, above 0 and up to 1; 0 is the published 0.5
	// of the colour scale; nil is the published stretch of each map from its own minimum to its own maximum
	Limits *Limits

	SameScale bool      // one scale for all panels, from the least to the greatest weight of all their maps
	ColorBar  bool      // shows which weights the colours stand for
	Title     string    // "" is the class's name and the layer, " " is none
	Width     vg.Length // of the figure; 0 is 7 inches, the text width of a page
	Columns   int       // panels beside each other; 0 chooses: nine for an ordinary photograph, fewer for panoramas
	// pixels an inch in a PNG, and twice as many at most in the pictures inside of an SVG, PDF or EPS; 0 is 300
	DPI int

	Letters     bool         // (a), (b), … before the headings of rows, else before the labels of panels
	Transparent bool         // leaves the page behind the panels transparent (PNG, SVG, PDF); else it is white
	Source      origin.Model // of the maps, for captions and data

	Unit string    // of the numbers at the colour bar; "" is "attention weight", and "value" where maps are one's own
	Ends [2]string // what lies towards the two ends of one colour scale; "" is nothing
}
