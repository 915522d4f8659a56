package datasets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// ReadBoxes reads boxes.csv, which ImportCUB writes: one box around the whole
// animal a picture, by its path relative to the dataset's folder. The first line
// names the columns path, x, y, width and height, in any order; others are passed
// over. The error is one sentence with the path and the line.
func ReadBoxes(path string) (map[string]Box, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file of boxes %s: check the path", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	defer file.Close()
	boxes, err := readBoxes(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, wholefile.Cause(err))
	}
	return boxes, nil
}

func readBoxes(file io.Reader) (map[string]Box, error) {
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty: its first line names the columns path,x,y,width,height")
	}
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	columns := []string{"path", "x", "y", "width", "height"}
	var at [5]int
	for i, name := range columns {
		if at[i] = slices.Index(header, name); at[i] < 0 {
			return nil, fmt.Errorf("there is no column %q: the first line names path,x,y,width,height", name)
		}
	}
	boxes := map[string]Box{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		path := row[at[0]]
		var v [4]float64
		for i := range v {
			v[i], err = strconv.ParseFloat(row[at[i+1]], 64)
			if err != nil || math.IsInf(v[i], 0) || math.IsNaN(v[i]) {
				return nil, fmt.Errorf("line %d: %q is no number of pixels for %s", line, row[at[i+1]], columns[i+1])
			}
		}
		switch _, known := boxes[path]; {
		case path == "":
			return nil, fmt.Errorf("line %d has no path", line)
		case known:
			return nil, fmt.Errorf("line %d gives the box of %s again: there is one a picture", line, path)
		case !(v[2] > 0 && v[3] > 0):
			return nil, fmt.Errorf("line %d: a box of %v by %v pixels holds nothing", line, v[2], v[3])
		}
		boxes[path] = Box{v[0], v[1], v[0] + v[2], v[1] + v[3]}
	}
	if len(boxes) == 0 {
		return nil, errors.New("the file has no boxes")
	}
	return boxes, nil
}
