package figure

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/npz"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
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
		Provenance: Provenance{Version: origin.Version(), Model: o.Source, Caption: f.plain(),
			Smoothing: o.Smoothing.String(), Colormap: strings.ToLower(o.Colormap), Opacity: o.Opacity},
		Maps: f.maps,
	}
}

// WriteData writes the raw maps of one class, of every layer and head, as the
// path's extension says. A .npz, as numpy.savez_compressed writes it, has
//
//	attention   float32 [layers, heads, rows, cols]
//	logits      float32 [classes]
//	class       int64   []
//	names       text [classes]
//	image       text []
//	provenance  text [], as JSON
//
// .csv and .json are those of Figure.Save, the .json with the ranking of all classes. The file appears whole or not at
// all; the same numbers give the same bytes.
func WriteData(path string, e *attention.Explanation, class int, source origin.Model) error {
	d, err := classData(e, class, source)
	if err != nil {
		return err
	}
	return d.write(path)
}

func classData(e *attention.Explanation, class int, source origin.Model) (data, error) {
	d := data{Provenance: Provenance{Version: origin.Version(), Model: source}, Ranking: e.Top(-1), explained: e,
		class: class}
	for layer := range e.Layers {
		maps, err := shownHeads(e, layer, class, nil, nil)
		if err != nil {
			return d, err
		}
		for _, m := range maps {
			m.Label = fmt.Sprintf("Layer %d, head %d", layer+1, m.Head+1)
			d.Maps = append(d.Maps, m)
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
	lines.Write([]string{"image", "label", "layer", "head", "class", "name", "versus", "versus_name", "row", "col",
		"x", "y", "value"})
	place := func(i, cells, pixels int) string {
		return strconv.FormatFloat((float64(i)+0.5)/float64(cells)*float64(pixels), 'f', 2, 64)
	}
	for _, m := range d.Maps {
		line := []string{m.Image, m.Label, strconv.Itoa(m.Layer), strconv.Itoa(m.Head), strconv.Itoa(m.Class), m.Name,
			strconv.Itoa(m.Versus), m.VersusName, "", "", "", "", ""}
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
	provenance, err := json.Marshal(d.Provenance)
	if err != nil {
		return err
	}
	out := npz.New(w)
	if d.explained != nil {
		err = d.classArrays(out)
	} else {
		err = d.mapArrays(out)
	}
	return errors.Join(err, out.Text("provenance", string(provenance)), out.Close())
}

// classArrays writes those of WriteData.
func (d data) classArrays(out *npz.Writer) error {
	e := d.explained
	var maps []float32
	for _, m := range d.Maps {
		maps = append(maps, m.Values...)
	}
	names := make([]string, e.Classes())
	for i := range names {
		names[i] = e.Name(i)
	}
	return errors.Join(
		out.Floats("attention", maps, e.Layers, e.Heads, e.Rows, e.Cols),
		out.Floats("logits", e.Logits, len(e.Logits)),
		out.Ints("class", []int{d.class}),
		out.Texts("names", names),
		out.Text("image", e.Image),
	)
}

// mapArrays writes those of Figure.Save.
func (d data) mapArrays(out *npz.Writer) error {
	rows, cols, n := 0, 0, len(d.Maps)
	for _, m := range d.Maps {
		rows, cols = max(rows, m.Rows), max(cols, m.Cols)
	}
	nan := float32(math.NaN())
	values, scales := make([]float32, n*rows*cols), make([]float32, 0, 2*n)
	for i := range values {
		values[i] = nan
	}
	for i, m := range d.Maps {
		for row := range m.Rows {
			copy(values[(i*rows+row)*cols:], m.Values[row*m.Cols:][:m.Cols])
		}
		scale := cmp.Or(m.Scale, &[2]float32{nan, nan})
		scales = append(scales, scale[:]...)
	}
	ints := func(name string, of func(Shown) int) error { return out.Ints(name, column(d.Maps, of), n) }
	texts := func(name string, of func(Shown) string) error { return out.Texts(name, column(d.Maps, of)) }
	return errors.Join(
		out.Floats("maps", values, n, rows, cols),
		out.Floats("scale", scales, n, 2),
		ints("rows", func(m Shown) int { return m.Rows }),
		ints("cols", func(m Shown) int { return m.Cols }),
		ints("layer", func(m Shown) int { return m.Layer }),
		ints("head", func(m Shown) int { return m.Head }),
		ints("class", func(m Shown) int { return m.Class }),
		ints("versus", func(m Shown) int { return m.Versus }),
		texts("label", func(m Shown) string { return m.Label }),
		texts("image", func(m Shown) string { return m.Image }),
		texts("name", func(m Shown) string { return m.Name }),
		texts("versus_name", func(m Shown) string { return m.VersusName }),
	)
}

func column[T any](maps []Shown, of func(Shown) T) (all []T) {
	for _, m := range maps {
		all = append(all, of(m))
	}
	return all
}
