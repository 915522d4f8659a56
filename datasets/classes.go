package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gointr/gointr/internal/wholefile"
)

// maxClassFile bounds what is read: CUB's 200 names take 6 kB, iNaturalist's 10,000 with their whole taxonomy 1 MB.
const maxClassFile = 16 << 20

// ReadClasses reads the names of classes, by index from 0. What the file holds decides how it is read:
//
//   - classes.txt of CUB-200-2011 (Wah et al., 2011): a number, space, a name,
//     as in "1 001.Black_footed_Albatross", in any order. The numbers are 1 … n,
//     or 0 … n-1;
//   - JSON: a list of names, or an object that gives the name of each number
//     ({"0": "Albatross"}) or the number of each name ({"Albatross": 0});
//   - anything else: one name a line.
//
// Lines are numbered only when all of them are ("3 spined stickleback" among names is a name) and have names of their
// own without the numbers ("1 Series", "2 Series" are names); numbers that are nearly 1 … n are taken as a mistake.
// The text is UTF-8. The error is one sentence with the path, and the line where there is one.
func ReadClasses(path string) ([]string, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	var names []string
	if start := strings.TrimSpace(text)[0]; start == '[' || start == '{' {
		names, err = classesOfJSON(text)
	} else {
		names, err = classesOfLines(text)
	}
	if err == nil {
		err = distinct(names)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return names, nil
}

// distinct is an error where two classes have one name: no answer could tell them apart.
func distinct(names []string) error {
	first := map[string]int{}
	for i, name := range names {
		if before, there := first[name]; there {
			return fmt.Errorf(
				"classes %d and %d are both called %q (counted from 0): give every class a name of its own",
				before, i, name)
		}
		first[name] = i
	}
	return nil
}

// readText gives the file's text, which is not blank, with "\n" as line end.
func readText(path string) (string, error) {
	file, err := wholefile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no class file %s: check the path", path)
	}
	if err != nil {
		return "", fmt.Errorf("the class file could not be opened: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return "", fmt.Errorf("%s is a directory: give the file with the names of the classes", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxClassFile+1))
	if err != nil {
		return "", fmt.Errorf("the class file could not be read: %w", err)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "", fmt.Errorf("%s is UTF-16 text: save it as UTF-8", path)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if i := bytes.IndexFunc(data, isBinary); i >= 0 {
		return "", fmt.Errorf("%s is not a list of names: line %d has bytes that are no text", path,
			lineAt(string(data), i))
	}
	if len(data) > maxClassFile {
		return "", fmt.Errorf("%s is larger than %d MB: a class file is a list of names", path, maxClassFile>>20)
	}
	if !utf8.Valid(data) {
		i := 0
		for r, n := utf8.DecodeRune(data); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRune(data[i:]) {
			i += n
		}
		return "", fmt.Errorf("%s is not UTF-8 text at line %d: save it as UTF-8", path, lineAt(string(data), i))
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("%s is empty: a class file has a name for every class", path)
	}
	return text, nil
}

// isBinary tells the control characters that no text has.
func isBinary(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }

// lineAt counts lines from 1.
func lineAt(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }

// A numbered name, and where it stands.
type numbered struct {
	number, line int
	name         string
}

func classesOfLines(text string) ([]string, error) {
	lines := strings.Split(strings.TrimRightFunc(text, unicode.IsSpace), "\n")
	var classes []numbered
	filled, unnumbered := 0, 0 // lines with something in them; the first of them without a number
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		filled++
		digits, name, _ := strings.Cut(strings.Replace(line, "\t", " ", 1), " ")
		number, err := strconv.ParseUint(digits, 10, 31)
		if err == nil && name != "" {
			classes = append(classes, numbered{int(number), i + 1, strings.TrimSpace(name)})
		} else if unnumbered == 0 {
			unnumbered = i + 1
		}
	}
	if meantAsNumbers(classes, filled) && !namesRepeat(classes) {
		if unnumbered > 0 {
			return nil, fmt.Errorf("line %d has no number and name, while other lines are numbered: number all "+
				"lines or none", unnumbered)
		}
		return byNumber(classes)
	}
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
		if lines[i] == "" {
			return nil, fmt.Errorf("line %d is empty: every line names a class", i+1)
		}
	}
	return lines, nil
}

// namesRepeat tells "1 Series, 2 Series, …", whose numbers are parts of the names: a class each without gaps, of the
// same name.
func namesRepeat(classes []numbered) bool {
	names, numbers := map[string]bool{}, map[int]bool{}
	for _, c := range classes {
		names[c.name], numbers[c.number] = true, true
	}
	return len(names) < len(classes) && len(numbers) == len(classes)
}

// meantAsNumbers tells numbered lines, even with a mistake in them, from names that begin with a number ("2 spot
// ladybird", "7 spot ladybird"): numbers of classes begin at 0 or 1, or at least most of them are within 0 … n.
func meantAsNumbers(classes []numbered, lines int) bool {
	within := map[int]bool{}
	fromStart := false
	for _, c := range classes {
		fromStart = fromStart || c.number <= 1
		if c.number <= lines {
			within[c.number] = true
		}
	}
	return fromStart && len(classes) == lines || 2*len(within) > lines
}

// byNumber puts classes in the order of their numbers, which must be 0 … n-1 or 1 … n.
func byNumber(classes []numbered) ([]string, error) {
	at := make(map[int]numbered, len(classes))
	first := 1
	for _, c := range classes {
		if earlier, ok := at[c.number]; ok {
			return nil, fmt.Errorf("line %d has the number %d again, after line %d: every class has its own", c.line,
				c.number, earlier.line)
		}
		at[c.number] = c
		if c.number == 0 {
			first = 0
		}
	}
	names := make([]string, len(classes))
	for i := range names {
		c, ok := at[first+i]
		if !ok {
			return nil, fmt.Errorf("no class has the number %d, though there are %d: number them without gaps",
				first+i, len(classes))
		}
		names[i] = c.name
	}
	return names, nil
}
