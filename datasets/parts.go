package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture"
)

// A Part is where one part of an animal (a beak, a tail) lies in a picture.
//
// X and Y are pixels of the picture as it lies in its file, from its upper left corner. A part
// that is not Visible may have no position: CUB-200-2011 gives it (0, 0).
type Part struct {
	Name    string
	X, Y    float64
	Visible bool
	Box     Box
}

// A Box is a rectangle in pixels: X0 ≤ x < X1 and Y0 ≤ y < Y1. The zero Box says that none is known.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Contains is whether (x, y) lies in the box.
func (b Box) Contains(x, y float64) bool { return b.X0 <= x && x < b.X1 && b.Y0 <= y && y < b.Y1 }

// Turned is where the box goes when the picture that it is in is turned; p is that picture afterwards.
func (b Box) Turned(o picture.Orientation, p *picture.Picture) Box {
	if b == (Box{}) {
		return b
	}
	x0, y0 := o.Turned(b.X0, b.Y0, p.Width, p.Height)
	x1, y1 := o.Turned(b.X1, b.Y1, p.Width, p.Height)
	return Box{min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)}
}

// Turned are the parts of a picture when that is turned; p is the picture afterwards.
func Turned(parts []Part, o picture.Orientation, p *picture.Picture) []Part {
	if o == picture.AsItLies {
		return parts
	}
	turned := slices.Clone(parts)
	for i := range turned {
		t := &turned[i]
		t.Box = t.Box.Turned(o, p)
		if t.Visible {
			t.X, t.Y = o.Turned(t.X, t.Y, p.Width, p.Height)
		}
	}
	return turned
}

// The columns of parts.csv: the first five are always there.
var (
	partColumns = []string{"path", "part", "x", "y", "visible"}
	boxColumns  = []string{"x0", "y0", "x1", "y1"}
)

// ReadParts reads parts.csv: the parts of every picture, in the order of the file, by its path, which is relative to
// the dataset's folder and has "/" on every system. The first line names the columns, in any order: path, part, x, y
// and visible (0 or 1), and x0, y0, x1 and y1 for boxes; others are passed over. The error is one sentence with the
// path and the line.
func ReadParts(path string) (map[string][]Part, error) {
	parts := map[string][]Part{}
	names := map[string]string{} // each name is kept once: a row's fields share the row's memory
	var list []Part
	of := ""
	err := readTable(path, "parts", partColumns, boxColumns, func(t *table) error {
		path, name := t.text(0), t.text(1)
		if path == "" || name == "" {
			return fmt.Errorf("line %d has no path or no part", t.line)
		}
		if path != of {
			of = strings.Clone(path)
			list = parts[of]
		}
		if _, ok := names[name]; !ok {
			name = strings.Clone(name)
			names[name] = name
		}
		if slices.ContainsFunc(list, func(known Part) bool { return known.Name == name }) {
			return fmt.Errorf("line %d gives the part %q of %s again: each part has one line a picture",
				t.line, name, path)
		}
		part, err := t.part()
		part.Name = names[name]
		list = append(list, part)
		parts[of] = list
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%s: the file names no parts", path)
	}
	return parts, nil
}

// part is what a line says of a part beside its name.
func (t *table) part() (part Part, err error) {
	box := &part.Box
	for i, to := range []*float64{2: &part.X, 3: &part.Y, 5: &box.X0, 6: &box.Y0, 7: &box.X1, 8: &box.Y1} {
		if to != nil && t.has(i) {
			if *to, err = t.pixels(i); err != nil {
				return part, err
			}
		}
	}
	switch visible := t.text(4); visible {
	case "0", "1":
		part.Visible = visible == "1"
		return part, nil
	default:
		return part, fmt.Errorf("line %d: visible is 0 or 1, not %q", t.line, visible)
	}
}

// WriteParts writes what ReadParts reads, whole or not at all: pictures in name
// order, their parts in the order given, boxes when any part has one.
func WriteParts(path string, parts map[string][]Part) error {
	header := partColumns
	for _, list := range parts {
		for _, part := range list {
			if part.Box != (Box{}) {
				header = slices.Concat(partColumns, boxColumns)
			}
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	rows := [][]string{header}
	for _, picture := range slices.Sorted(maps.Keys(parts)) {
		for _, part := range parts[picture] {
			visible := "0"
			if part.Visible {
				visible = "1"
			}
			row := []string{picture, part.Name, number(part.X), number(part.Y), visible,
				number(part.Box.X0), number(part.Box.Y0), number(part.Box.X1), number(part.Box.Y1)}
			rows = append(rows, row[:len(header)])
		}
	}
	return wholefile.CSV(path, rows)
}
