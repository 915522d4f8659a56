// Package plotter is where package notebook finds what draws plots of gonum's, in programs that have it: with gonum's
// fonts it is larger than all else that a cell links.
package plotter

import "gonum.org/v1/plot/vg"

// Drawing is a plot at its size.
type Drawing interface {
	PNG() ([]byte, error)
	Save(path string) error // in the form of its ending: .png, .svg, .pdf or .eps
}

// New is what package plots registers; nil without it. missing tells of letters that no font has, after a drawing.
var (
	New     func(plot any, width, height vg.Length) (Drawing, error)
	Missing = func() string { return "" }
)
