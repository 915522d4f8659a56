package datasets

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// Imported is what ImportCUB laid out.
type Imported struct {
	Classes int `json:"classes"`
	Train   int `json:"train"` // pictures
	Val     int `json:"val"`
	Boxes   int `json:"boxes"` // lines of boxes.csv, one a picture
	Parts   int `json:"parts"` // lines of parts.csv, one a picture and part
}

// ImportCUB lays a download of CUB-200-2011 (Wah et al., 2011), from being its folder with images.txt, out as training
// takes it: to/train/CLASS/… and to/val/CLASS/…, by the official split, whose test pictures become val, as hard links
// where the file system makes them, else copies. Beside them come, where the download has them, boxes.csv (path, x, y,
// width, height) and parts.csv (path, part, x, y, visible), in pixels of the original picture, by class, path and part.
// to appears whole or not at all; it must not be there, or be empty.
//
// Errors are one sentence: from is no such download, to is not empty, a file says something else than it should (with
// its line), a picture is missing, or that of ctx.
func ImportCUB(ctx context.Context, from, to string) (*Imported, error) {
	pictures, result, err := readCUB(from)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(to)), 0o777); err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", to, wholefile.Cause(err))
	}
	err = wholefile.Folder(to, func(temporary string) error {
		for _, p := range pictures {
			if err := ctx.Err(); err != nil {
				return err
			}
			picture := filepath.Join(from, "images", filepath.FromSlash(p.name))
			if err := place(picture, filepath.Join(temporary, filepath.FromSlash(p.path))); err != nil {
				return err
			}
		}
		return result.writeTables(from, temporary, pictures)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// cubPicture is one of the download.
type cubPicture struct {
	id   string
	name string // below images/
	path string // in the new folder
}

// readCUB gives the pictures by class and path.
func readCUB(from string) ([]cubPicture, *Imported, error) {
	if _, err := os.Stat(filepath.Join(from, "images.txt")); err != nil {
		inner := filepath.Join(from, "CUB_200_2011")
		if _, err := os.Stat(filepath.Join(inner, "images.txt")); err == nil {
			return nil, nil, fmt.Errorf("%s holds no images.txt: did you mean %s", from, inner)
		}
		return nil, nil, fmt.Errorf("%s holds no images.txt: give the folder CUB_200_2011 that the download unpacks to",
			from)
	}
	var tables [3]map[string]string
	for i, file := range []string{"classes.txt", "image_class_labels.txt", "train_test_split.txt"} {
		table, err := cubNames(from, file)
		if err != nil {
			return nil, nil, err
		}
		tables[i] = table
	}
	classes, labels, splits := tables[0], tables[1], tables[2]
	result := &Imported{Classes: len(classes)}
	var pictures []cubPicture
	err := eachLine(from, "images.txt", 2, func(f []string) error {
		id, name := f[0], f[1]
		class, ok := classes[labels[id]]
		switch {
		case !ok:
			return fmt.Errorf("image_class_labels.txt and classes.txt give picture %s no class", id)
		case path.Dir(name) != class || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name:
			return fmt.Errorf("picture %s is %s and not in the folder %s of its class", id, name, class)
		}
		p := cubPicture{id: id, name: name}
		switch splits[id] {
		case "1":
			p.path = "train/" + name
			result.Train++
		case "0":
			p.path = "val/" + name
			result.Val++
		default:
			return fmt.Errorf("train_test_split.txt does not say whether picture %s is for training (1) or not (0)", id)
		}
		pictures = append(pictures, p)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(pictures, func(a, b cubPicture) int {
		return cmp.Or(strings.Compare(path.Dir(a.name), path.Dir(b.name)), strings.Compare(a.path, b.path))
	})
	for i := 1; i < len(pictures); i++ {
		if pictures[i].path == pictures[i-1].path {
			return nil, nil, fmt.Errorf("%s names %s twice", filepath.Join(from, "images.txt"), pictures[i].name)
		}
	}
	return pictures, result, nil
}

// cubNames reads lines of a number and what it stands for.
func cubNames(from, file string) (map[string]string, error) {
	names := map[string]string{}
	err := eachLine(from, file, 2, func(f []string) error {
		if _, twice := names[f[0]]; twice {
			return fmt.Errorf("%s comes twice", f[0])
		}
		names[f[0]] = f[1]
		return nil
	})
	return names, err
}

// eachLine cuts every line of a file of the download at spaces into n fields, the last of which may have spaces.
func eachLine(from, file string, n int, do func(fields []string) error) error {
	file = filepath.Join(from, filepath.FromSlash(file))
	f, err := wholefile.Open(file)
	if err != nil {
		return fmt.Errorf("%s cannot be read, which a download of CUB-200-2011 has: %w", file, wholefile.Cause(err))
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for line := 1; scanner.Scan(); line++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" {
			continue
		}
		fields := strings.SplitN(text, " ", n)
		err := fmt.Errorf("%q has not %d fields", text, n)
		if len(fields) == n {
			err = do(fields)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", file, line, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s cannot be read: %w", file, err)
	}
	return nil
}

// place links a file, or copies it.
func place(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return fmt.Errorf("%s cannot be made: %w", filepath.Dir(to), wholefile.Cause(err))
	}
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is named in images.txt and is not there: unpack the download again", from)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", from, wholefile.Cause(err))
	}
	if info.Mode().IsRegular() && os.Link(from, to) == nil { // a link to a symbolic link may lead elsewhere
		return nil
	}
	in, err := wholefile.Open(from)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", from, wholefile.Cause(err))
	}
	defer in.Close()
	return wholefile.Copy(to, in)
}

// writeTables writes boxes.csv and parts.csv where the download has them.
func (r *Imported) writeTables(from, to string, pictures []cubPicture) error {
	rank := make(map[string]int, len(pictures))
	for i, p := range pictures {
		rank[p.id] = i
	}
	has := func(file string) bool {
		_, err := os.Stat(filepath.Join(from, filepath.FromSlash(file)))
		return err == nil
	}
	if has("bounding_boxes.txt") {
		rows, err := numbersOf(from, "bounding_boxes.txt", rank, func(f []string) (int, []string, error) {
			return 0, f[1:], nil
		})
		if err != nil {
			return err
		}
		r.Boxes = len(rows)
		if err := writeTable(filepath.Join(to, "boxes.csv"), "path,x,y,width,height", rows, pictures); err != nil {
			return err
		}
	}
	if !has("parts/part_locs.txt") {
		return nil
	}
	names, err := cubNames(from, "parts/parts.txt")
	if err != nil {
		return err
	}
	rows, err := numbersOf(from, "parts/part_locs.txt", rank, func(f []string) (int, []string, error) {
		name, ok := names[f[1]]
		part, err := strconv.Atoi(f[1])
		if !ok || err != nil {
			return 0, nil, fmt.Errorf("parts.txt has no part %s", f[1])
		}
		if f[4] != "0" && f[4] != "1" {
			return 0, nil, fmt.Errorf("%q does not say whether the part is visible (1) or not (0)", f[4])
		}
		return part, []string{name, f[2], f[3], f[4]}, nil
	})
	if err != nil {
		return err
	}
	r.Parts = len(rows)
	return writeTable(filepath.Join(to, "parts.csv"), "path,part,x,y,visible", rows, pictures)
}

// A tableRow is of the picture of that rank; within it rows are by part.
type tableRow struct {
	picture, part int
	fields        []string
}

// numbersOf reads lines of a picture's number and four further numbers, and sorts them.
func numbersOf(from, file string, rank map[string]int,
	row func([]string) (part int, fields []string, err error)) ([]tableRow, error) {
	var rows []tableRow
	err := eachLine(from, file, 5, func(f []string) error {
		picture, ok := rank[f[0]]
		if !ok {
			return fmt.Errorf("images.txt has no picture %s", f[0])
		}
		for _, number := range f[1:] {
			if _, err := strconv.ParseFloat(number, 64); err != nil {
				return fmt.Errorf("%q is no number", number)
			}
		}
		part, fields, err := row(f)
		rows = append(rows, tableRow{picture, part, fields})
		return err
	})
	slices.SortStableFunc(rows, func(a, b tableRow) int {
		return cmp.Or(cmp.Compare(a.picture, b.picture), cmp.Compare(a.part, b.part))
	})
	return rows, err
}

func writeTable(file, header string, rows []tableRow, pictures []cubPicture) error {
	lines := [][]string{strings.Split(header, ",")}
	for _, row := range rows {
		lines = append(lines, append([]string{pictures[row.picture].path}, row.fields...))
	}
	return wholefile.CSV(file, lines)
}
