package notebook

import (
	"fmt"
	"image"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

// From brings an explanation to the page that was computed in the cell's own
// process (package intr, or one's own maps in place of the attention). photo is
// the picture that figures are drawn over; without one only numbers and tables
// can be shown.
func From(e *attention.Explanation, photo image.Image) *Explanation {
	return &Explanation{Numbers: e, photo: photo}
}

// Maps makes a figure of maps of one's own beside the picture, each with its
// label above; the title is that of the options.
func Maps(labels []string, maps []attention.Map, photo image.Image, options figure.Options) *Figure {
	f, err := figure.Maps(labels, maps, photo, options)
	Check(err)
	return &Figure{f, fmt.Sprintf("%d maps over the picture", len(maps))}
}
