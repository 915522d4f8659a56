package figure

import (
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
)

// WriteNPZ writes the raw maps of one class for numpy.load:
//
//	attention  float32 [layers, heads, rows, cols]
//	logits     float32 [classes]
//	class      int64   []
//
// in the .npz of numpy.savez_compressed (numpy.lib.format 1.0), beside what
// WriteData adds. The file appears whole or not at all; the same numbers give the
// same bytes.
func WriteNPZ(path string, e *attention.Explanation, class int) error {
	d, err := classData(e, class, Source{})
	if err != nil {
		return err
	}
	return wholefile.Write(path, d.npz)
}
