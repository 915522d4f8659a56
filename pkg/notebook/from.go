package notebook

import (
	"image"

	"github.com/gointr/gointr/pkg/attention"
)

// From brings an explanation to the page that was computed in the cell's own
// process (package intr, or one's own maps in place of the attention). photo is
// the picture that figures are drawn over; without one only numbers and tables
// can be shown.
func From(e *attention.Explanation, photo image.Image) *Explanation {
	return &Explanation{Numbers: e, photo: photo}
}
