package datasets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// table is a line of a .csv file whose first line names the columns, in any order.
type table struct {
	columns []string // that are asked for
	at      []int    // where each stands in a row, -1 where it is not there
	row     []string // is overwritten by the next
	line    int
}

func (t *table) text(column int) string { return t.row[t.at[column]] }

func (t *table) has(column int) bool { return t.at[column] >= 0 }

// pixels is a number that is neither infinite nor NaN.
func (t *table) pixels(column int) (float64, error) {
	v, err := strconv.ParseFloat(t.text(column), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("line %d: %q is no number of pixels for %s", t.line, t.text(column), t.columns[column])
	}
	return v, nil
}

// readTable gives every line of a file to each; of is what it holds. Columns beyond the needed ones may be missing, all
// of them together. The error is one sentence with the path.
func readTable(path, of string, needed, boxed []string, each func(t *table) error) error {
	file, err := wholefile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file of %s %s: check the path", of, path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	defer file.Close()
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	t := &table{columns: slices.Concat(needed, boxed)}
	if err := t.header(rows, len(needed)); err != nil {
		return fmt.Errorf("%s: %w", path, wholefile.Cause(err))
	}
	for {
		if t.row, err = rows.Read(); err == io.EOF {
			return nil
		}
		if err == nil {
			t.line, _ = rows.FieldPos(0)
			err = each(t)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, wholefile.Cause(err))
		}
	}
}

// header finds the columns, of which the first ones are needed.
func (t *table) header(rows *csv.Reader, needed int) error {
	all := strings.Join(t.columns[:needed], ",")
	header, err := rows.Read()
	if err == io.EOF {
		return fmt.Errorf("the file is empty: its first line names the columns %s", all)
	}
	if err != nil {
		return err
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // spreadsheets write it
	more := 0
	for i, name := range t.columns {
		t.at = append(t.at, slices.Index(header, name))
		switch {
		case i < needed && !t.has(i):
			return fmt.Errorf("there is no column %q: the first line names %s", name, all)
		case i >= needed && t.has(i):
			more++
		}
	}
	if boxed := t.columns[needed:]; more != 0 && more != len(boxed) {
		return fmt.Errorf("a box needs its four columns %s, and only %d of them are there",
			strings.Join(boxed, ","), more)
	}
	return nil
}
