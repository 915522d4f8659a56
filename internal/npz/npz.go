// Package npz writes the .npz files of numpy.savez_compressed (numpy.lib.format
// 1.0), one array after the other, so that none need be kept.
package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Writer writes arrays. The same arrays give the same bytes.
type Writer struct{ z *zip.Writer }

// New begins a file.
func New(w io.Writer) *Writer { return &Writer{zip.NewWriter(w)} }

// Close ends the file; it does not close what it was written to.
func (w *Writer) Close() error { return w.z.Close() }

// Floats writes a float32 array of a shape; nil is a number.
func (w *Writer) Floats(name string, values []float32, shape ...int) error {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return w.write(name, "<f4", shape, out)
}

// Ints writes an int64 array of a shape; nil is a number.
func (w *Writer) Ints(name string, values []int, shape ...int) error {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	return w.write(name, "<i8", shape, out)
}

// Texts writes an array of strings. What is not UTF-8 in them becomes U+FFFD.
func (w *Writer) Texts(name string, values []string) error {
	return w.texts(name, values, []int{len(values)})
}

// Text writes one string.
func (w *Writer) Text(name, value string) error { return w.texts(name, []string{value}, nil) }

func (w *Writer) texts(name string, values []string, shape []int) error {
	longest := 1 // NumPy has no text of no letters
	for _, v := range values {
		longest = max(longest, utf8.RuneCountInString(v))
	}
	out := make([]byte, 0, 4*longest*len(values))
	for _, v := range values {
		letters := 0
		for _, r := range v {
			out = binary.LittleEndian.AppendUint32(out, uint32(r))
			letters++
		}
		out = append(out, make([]byte, 4*(longest-letters))...)
	}
	return w.write(name, fmt.Sprintf("<U%d", longest), shape, out)
}

func (w *Writer) write(name, dtype string, shape []int, data []byte) error {
	out, err := w.z.Create(name + ".npy")
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
	_, err = out.Write(append(append(magic, head...), data...))
	return err
}
