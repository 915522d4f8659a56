package figure

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

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
		z := zip.NewWriter(w)
		for _, err := range []error{
			writeNPY(z, "attention", "<f4", []int{e.Layers, e.Heads, e.Rows, e.Cols}, floats(maps)),
			writeNPY(z, "logits", "<f4", []int{len(e.Logits)}, floats(e.Logits)),
			writeNPY(z, "class", "<i8", nil, binary.LittleEndian.AppendUint64(nil, uint64(class))),
		} {
			if err != nil {
				return err
			}
		}
		return z.Close()
	})
}

func writeNPY(z *zip.Writer, name, dtype string, shape []int, data []byte) error {
	w, err := z.Create(name + ".npy")
	if err != nil {
		return err
	}
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	if len(shape) == 1 {
		dims += ","
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, dims)
	const before = 10 // magic, version and length
	head += strings.Repeat(" ", 63-(before+len(head))%64) + "\n"
	magic := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	_, err = w.Write(append(append(magic, head...), data...))
	return err
}

func floats(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}
