package datasets

import (
	"fmt"
	"strings"
)

// ReadBoxes reads boxes.csv, which ImportCUB writes: one box around the whole animal a picture, by its path relative to
// the dataset's folder. The first line names the columns path, x, y, width and height, in any order; others are passed
// over. The error is one sentence with the path and the line.
func ReadBoxes(path string) (map[string]Box, error) {
	boxes := map[string]Box{}
	err := readTable(path, "boxes", []string{"path", "x", "y", "width", "height"}, nil, func(t *table) (err error) {
		var v [4]float64
		for i := range v {
			if v[i], err = t.pixels(i + 1); err != nil {
				return err
			}
		}
		path := strings.Clone(t.text(0))
		switch _, known := boxes[path]; {
		case path == "":
			return fmt.Errorf("line %d has no path", t.line)
		case known:
			return fmt.Errorf("line %d gives the box of %s again: there is one a picture", t.line, path)
		case !(v[2] > 0 && v[3] > 0):
			return fmt.Errorf("line %d: a box of %v by %v pixels holds nothing", t.line, v[2], v[3])
		}
		boxes[path] = Box{v[0], v[1], v[0] + v[2], v[1] + v[3]}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(boxes) == 0 {
		return nil, fmt.Errorf("%s: the file has no boxes", path)
	}
	return boxes, nil
}
