package interpret

import (
	"errors"
	"fmt"
	"io"

	"github.com/gointr/gointr/internal/npz"
)

// Maps writes the raw maps of many pictures for numpy.load, as they come:
//
//	attention_N  float32 [similar, heads, rows, cols]   of picture N, from 0
//	logits_N     float32 [classes]
//
// and, from Close,
//
//	image        str   [pictures]            place in the dataset
//	truth        int64 [pictures]            the true class
//	similar      int64 [pictures, similar]   whose maps these are
//	layer        int64 []
//
// The maps of pictures of another shape have other rows and columns, which is why each has an array of its own.
type Maps struct {
	w              *npz.Writer
	images         []string
	truth, similar []int
	layer          int
}

// NewMaps begins a file.
func NewMaps(w io.Writer) *Maps { return &Maps{w: npz.New(w)} }

// Add writes the maps of a picture.
func (a *Maps) Add(p *Picture) error {
	var all []float32
	for i, heads := range p.Maps {
		a.similar = append(a.similar, p.Similar[i].Index)
		for _, m := range heads {
			all = append(all, m.Values...)
		}
	}
	n := len(a.images)
	a.images, a.truth, a.layer = append(a.images, p.Image), append(a.truth, p.Class), p.Layer
	return errors.Join(
		a.w.Floats(fmt.Sprintf("attention_%d", n), all, len(p.Maps), len(p.Maps[0]), p.Map[0], p.Map[1]),
		a.w.Floats(fmt.Sprintf("logits_%d", n), p.Logits, len(p.Logits)),
	)
}

// Close ends the file, but does not close what it was written to.
func (a *Maps) Close() error {
	n := len(a.images)
	return errors.Join(
		a.w.Texts("image", a.images),
		a.w.Ints("truth", a.truth, n),
		a.w.Ints("similar", a.similar, n, len(a.similar)/max(1, n)),
		a.w.Ints("layer", []int{a.layer}),
		a.w.Close(),
	)
}
