package figure

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
)

// data is what a file of numbers holds.
type data struct {
	Provenance Provenance        `json:"provenance"`
	Ranking    []attention.Class `json:"ranking,omitempty"` // every class, best first
	Maps       []Shown           `json:"maps"`

	explained *attention.Explanation // whose maps of the class these are, all of them
	class     int
}

func (f *Figure) data() data {
	o := f.look
	return data{
		Provenance: Provenance{Version: version(), Source: o.Source, Caption: f.plain(), Smoothing: o.Smoothing.String(), Colormap: strings.ToLower(o.Colormap), Opacity: o.Opacity},
		Maps:       f.maps,
	}
}

// WriteData writes the raw maps of one class, of every layer and head, as the
// path's extension says. A .npz is that of WriteNPZ, with
//
//	names       text [classes]
//	image       text []
//	provenance  text [], as JSON
//
// beside it; .csv and .json are those of Figure.Save, the .json with the ranking
// of all classes. The file appears whole or not at all; the same numbers give the
// same bytes.
func WriteData(path string, e *attention.Explanation, class int, source Source) error {
	d, err := classData(e, class, source)
	if err != nil {
		return err
	}
	return d.write(path)
}

func classData(e *attention.Explanation, class int, source Source) (data, error) {
	d := data{Provenance: Provenance{Version: version(), Source: source}, Ranking: e.Top(-1), explained: e, class: class}
	for layer := range e.Layers {
		maps, err := headMaps(e, layer, class)
		if err != nil {
			return d, err
		}
		for head, m := range maps {
			d.Maps = append(d.Maps, of(e, fmt.Sprintf("Layer %d, head %d", layer+1, head+1), layer, head, class, m, nil))
		}
	}
	return d, nil
}

func (d data) write(path string) error {
	var fill func(io.Writer) error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npz":
		fill = d.npz
	case ".csv":
		fill = d.csv
	case ".json":
		fill = d.json
	default:
		return fmt.Errorf("numbers cannot be written as %s: end the name with .npz, .csv or .json", path)
	}
	return wholefile.Write(path, fill)
}

func (d data) json(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

func (d data) csv(w io.Writer) error {
	lines := csv.NewWriter(w)
	lines.Write([]string{"image", "label", "layer", "head", "class", "name", "versus", "versus_name", "row", "col", "x", "y", "value"})
	place := func(i, cells, pixels int) string {
		return strconv.FormatFloat((float64(i)+0.5)/float64(cells)*float64(pixels), 'f', 2, 64)
	}
	for _, m := range d.Maps {
		line := []string{m.Image, m.Label, strconv.Itoa(m.Layer), strconv.Itoa(m.Head), strconv.Itoa(m.Class), m.Name, strconv.Itoa(m.Versus), m.VersusName, "", "", "", "", ""}
		for i, v := range m.Values {
			row, col := i/m.Cols, i%m.Cols
			line[8], line[9] = strconv.Itoa(row), strconv.Itoa(col)
			line[10], line[11] = place(col, m.Cols, m.Width), place(row, m.Rows, m.Height)
			line[12] = strconv.FormatFloat(float64(v), 'g', -1, 32)
			lines.Write(line)
		}
	}
	lines.Flush()
	return lines.Error()
}

func (d data) npz(w io.Writer) error {
	z := zip.NewWriter(w)
	var arrays []npy
	if e := d.explained; e != nil {
		arrays = classArrays(e, d.class, d.Maps)
	} else {
		arrays = mapArrays(d.Maps)
	}
	provenance, err := json.Marshal(d.Provenance)
	if err != nil {
		return err
	}
	for _, a := range append(arrays, textNPY("provenance", nil, string(provenance))) {
		if err := writeNPY(z, a.name, a.dtype, a.shape, a.data); err != nil {
			return err
		}
	}
	return z.Close()
}

// npy is one array of an .npz.
type npy struct {
	name, dtype string
	shape       []int
	data        []byte
}

// classArrays are those of WriteData.
func classArrays(e *attention.Explanation, class int, shown []Shown) []npy {
	var maps []float32
	for _, m := range shown {
		maps = append(maps, m.Values...)
	}
	names := make([]string, e.Classes())
	for i := range names {
		names[i] = e.Name(i)
	}
	return []npy{
		{"attention", "<f4", []int{e.Layers, e.Heads, e.Rows, e.Cols}, floats(maps)},
		{"logits", "<f4", []int{len(e.Logits)}, floats(e.Logits)},
		{"class", "<i8", nil, integers(class)},
		textNPY("names", []int{len(names)}, names...),
		textNPY("image", nil, e.Image),
	}
}

// mapArrays are those of Figure.Save.
func mapArrays(maps []Shown) []npy {
	rows, cols, n := 0, 0, len(maps)
	for _, m := range maps {
		rows, cols = max(rows, m.Rows), max(cols, m.Cols)
	}
	nan := float32(math.NaN())
	values, scales := make([]float32, n*rows*cols), make([]float32, 0, 2*n)
	for i := range values {
		values[i] = nan
	}
	column := func(of func(Shown) int) []byte {
		var all []int
		for _, m := range maps {
			all = append(all, of(m))
		}
		return integers(all...)
	}
	words := func(name string, of func(Shown) string) npy {
		var all []string
		for _, m := range maps {
			all = append(all, of(m))
		}
		return textNPY(name, []int{n}, all...)
	}
	for i, m := range maps {
		for row := range m.Rows {
			copy(values[(i*rows+row)*cols:], m.Values[row*m.Cols:][:m.Cols])
		}
		scale := cmp.Or(m.Scale, &[2]float32{nan, nan})
		scales = append(scales, scale[:]...)
	}
	return []npy{
		{"maps", "<f4", []int{n, rows, cols}, floats(values)},
		{"rows", "<i8", []int{n}, column(func(m Shown) int { return m.Rows })},
		{"cols", "<i8", []int{n}, column(func(m Shown) int { return m.Cols })},
		{"layer", "<i8", []int{n}, column(func(m Shown) int { return m.Layer })},
		{"head", "<i8", []int{n}, column(func(m Shown) int { return m.Head })},
		{"class", "<i8", []int{n}, column(func(m Shown) int { return m.Class })},
		{"versus", "<i8", []int{n}, column(func(m Shown) int { return m.Versus })},
		{"scale", "<f4", []int{n, 2}, floats(scales)},
		words("label", func(m Shown) string { return m.Label }),
		words("image", func(m Shown) string { return m.Image }),
		words("name", func(m Shown) string { return m.Name }),
		words("versus_name", func(m Shown) string { return m.VersusName }),
	}
}

// textNPY is an array of text: UTF-32, every element as long as the longest.
func textNPY(name string, shape []int, all ...string) npy {
	long := 1 // NumPy has no text of no letters
	for i, s := range all {
		all[i] = strings.ToValidUTF8(s, "\uFFFD")
		long = max(long, utf8.RuneCountInString(all[i]))
	}
	var data bytes.Buffer
	for _, s := range all {
		letters := make([]byte, 0, 4*long)
		for _, r := range s {
			letters = binary.LittleEndian.AppendUint32(letters, uint32(r))
		}
		data.Write(letters)
		data.Write(make([]byte, 4*long-len(letters)))
	}
	return npy{name, fmt.Sprintf("<U%d", long), shape, data.Bytes()}
}

func integers(values ...int) []byte {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	return out
}
