package datasets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// A Part is where one part of an animal (a beak, a tail) lies in a picture.
//
// X and Y are pixels of the original picture, from its upper left corner. A part
// that is not Visible may have no position: CUB-200-2011 gives it (0, 0).
type Part struct {
	Name    string
	X, Y    float64
	Visible bool
	Box     Box
}

// A Box is a rectangle in pixels: X0 ≤ x < X1 and Y0 ≤ y < Y1. The zero Box
// says that none is known.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Contains is whether (x, y) lies in the box.
func (b Box) Contains(x, y float64) bool { return b.X0 <= x && x < b.X1 && b.Y0 <= y && y < b.Y1 }

// The columns of parts.csv: the first five are always there.
var (
	partColumns = []string{"path", "part", "x", "y", "visible"}
	boxColumns  = []string{"x0", "y0", "x1", "y1"}
)

// ReadParts reads parts.csv: the parts of every picture by its path, which is
// relative to the dataset's folder and has "/" on every system. Parts stand in
// the order of the file.
//
// The first line names the columns, in any order: path, part, x, y and visible
// (0 or 1); with x0, y0, x1 and y1, each part has its box too. Other columns are
// passed over.
//
// The error is one sentence with the path and the line.
func ReadParts(path string) (map[string][]Part, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file of parts %s: check the path", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	defer file.Close()
	parts, err := readParts(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, wholefile.Cause(err))
	}
	return parts, nil
}

func readParts(file io.Reader) (map[string][]Part, error) {
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty: its first line names the columns path,part,x,y,visible")
	}
	if err != nil {
		return nil, err
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // spreadsheets write it
	var at [9]int
	boxes := 0
	for i, name := range slices.Concat(partColumns, boxColumns) {
		at[i] = slices.Index(header, name)
		switch {
		case at[i] < 0 && i < len(partColumns):
			return nil, fmt.Errorf("there is no column %q: the first line names path,part,x,y,visible", name)
		case at[i] >= 0 && i >= len(partColumns):
			boxes++
		}
	}
	if boxes != 0 && boxes != len(boxColumns) {
		return nil, fmt.Errorf("a box needs its four columns x0,y0,x1,y1, and only %d of them are there", boxes)
	}
	parts := map[string][]Part{}
	names := map[string]string{} // each name is kept once: a row's fields share the row's memory
	var list []Part
	of := ""
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		path, name := row[at[0]], row[at[1]]
		if path == "" || name == "" {
			return nil, fmt.Errorf("line %d has no path or no part", line)
		}
		if path != of {
			of = strings.Clone(path)
			list = parts[of]
		}
		if _, ok := names[name]; !ok {
			name = strings.Clone(name)
			names[name] = name
		}
		part := Part{Name: names[name]}
		for _, known := range list {
			if known.Name == part.Name {
				return nil, fmt.Errorf("line %d gives the part %q of %s again: each part has one line a picture", line, name, path)
			}
		}
		numbers := []*float64{&part.X, &part.Y, nil, &part.Box.X0, &part.Box.Y0, &part.Box.X1, &part.Box.Y1}
		for i, to := range numbers {
			column := at[i+2]
			if to == nil || column < 0 {
				continue
			}
			*to, err = strconv.ParseFloat(row[column], 64)
			if err != nil || math.IsInf(*to, 0) || math.IsNaN(*to) {
				return nil, fmt.Errorf("line %d: %q is no number of pixels for %s", line, row[column], header[column])
			}
		}
		switch row[at[4]] {
		case "0":
		case "1":
			part.Visible = true
		default:
			return nil, fmt.Errorf("line %d: visible is 0 or 1, not %q", line, row[at[4]])
		}
		list = append(list, part)
		parts[of] = list
	}
	if len(parts) == 0 {
		return nil, errors.New("the file names no parts")
	}
	return parts, nil
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
	return wholefile.Write(path, func(w io.Writer) error {
		rows := csv.NewWriter(w)
		if err := rows.Write(header); err != nil {
			return err
		}
		for _, picture := range slices.Sorted(maps.Keys(parts)) {
			for _, part := range parts[picture] {
				visible := "0"
				if part.Visible {
					visible = "1"
				}
				row := []string{picture, part.Name, number(part.X), number(part.Y), visible,
					number(part.Box.X0), number(part.Box.Y0), number(part.Box.X1), number(part.Box.Y1)}
				if err := rows.Write(row[:len(header)]); err != nil {
					return err
				}
			}
		}
		rows.Flush()
		return rows.Error()
	})
}
