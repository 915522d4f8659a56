package figure

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
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
