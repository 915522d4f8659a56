package figure

import (
	"errors"
	"io"

	"github.com/gointr/gointr/internal/npz"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
)

// WriteNPZ writes the raw maps of one class for numpy.load:
//
//	attention  float32 [layers, heads, rows, cols]
//	logits     float32 [classes]
//	class      int64   []
//
// in the .npz of numpy.savez_compressed (numpy.lib.format 1.0). The file
// appears whole or not at all; the same numbers give the same bytes.
func WriteNPZ(path string, e *attention.Explanation, class int) error {
	maps := make([]float32, 0, e.Layers*e.Heads*e.Rows*e.Cols)
	for layer := range e.Layers {
		for head := range e.Heads {
			m, err := e.Map(layer, head, class)
			if err != nil {
				return err
			}
			maps = append(maps, m.Values...)
		}
	}
	return wholefile.Write(path, func(w io.Writer) error {
		out := npz.New(w)
		return errors.Join(
			out.Floats("attention", maps, e.Layers, e.Heads, e.Rows, e.Cols),
			out.Floats("logits", e.Logits, len(e.Logits)),
			out.Ints("class", []int{class}),
			out.Close(),
		)
	})
}
