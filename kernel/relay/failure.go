package relay

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/gointr/gointr/kernel/cell"
)

// failure is what a cell failed of.
type failure struct {
	ename, sentence string
	lines           []string // as shown
	unbuilt         bool     // it was not compiled
	noValue         bool     // as its last expression gives nothing to show
}

func red(s string) string { return "\x1b[31m" + s + "\x1b[0m" }

var (
	inMain    = regexp.MustCompile(`main(?:_test)?\.go:(\d+):(\d+): (.+)$`)
	cellLine  = regexp.MustCompile(`(?m)^Cell(?:\[(\d+)\]:)? Line (\d+)$`)
	stackOf   = regexp.MustCompile(`\[\[ Cell (?:\[(\d+)\] )?Line (\d+) \]\]`)
	stackLine = regexp.MustCompile(`main\.go:(\d+)`)
	showing   = "(no value) used as value"
)

// failure reads the reply of GoNB.
func (r *relay) failure(q *request) (failure, bool) {
	said := q.reply.fields()
	if said["status"] != "error" {
		return failure{}, false
	}
	value, _ := said["evalue"].(string)
	var traceback []string
	if list, ok := said["traceback"].([]any); ok {
		for _, t := range list {
			s, _ := t.(string)
			traceback = append(traceback, plain(s))
		}
	}
	value = strings.TrimSpace(plain(value))
	switch {
	case strings.HasPrefix(value, "signal: interrupt"):
		return failure{"interrupted", "interrupted", []string{red("interrupted")}, false, false}, true
	case strings.HasPrefix(value, "signal: killed"):
		return told("ended", "the cell was ended from outside, as it is where memory runs out"), true
	case exited.MatchString(value + "\n"):
		return r.ended(q, value), true
	case inMain.MatchString(value) || strings.Contains(value, "\n"):
		return r.unbuilt(q, value, traceback), true
	}
	value = strings.TrimPrefix(value, "executing special commands in cell: ")
	f := told("mistake", sentenceOf(value))
	f.unbuilt = true
	return f, true
}

// shown is a mistake with its sentence in red.
func shown(m *cell.Mistake) string {
	sentence, rest, more := strings.Cut(m.String(), "\n")
	if more {
		rest = "\n" + rest
	}
	return red(sentence) + rest
}

func told(name, sentence string) failure {
	return failure{ename: name, sentence: sentence, lines: []string{red(sentence)}}
}

// sentenceOf is what GoNB says on one line, without its backquotes' doubled percent signs.
func sentenceOf(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "%%", "%")), " ")
}

// unbuilt puts the compiler's words into ours.
func (r *relay) unbuilt(q *request, value string, traceback []string) failure {
	var faults []cell.Fault
	f := failure{ename: "mistake", unbuilt: true}
	for i, line := range strings.Split(value, "\n") {
		part := inMain.FindStringSubmatch(line)
		switch {
		case part != nil:
			fault := cell.Fault{Message: part[3]}
			if i < len(traceback) {
				r.place(&fault, traceback[i])
			}
			f.noValue = f.noValue || strings.HasSuffix(part[3], showing)
			faults = append(faults, fault)
		case strings.HasPrefix(line, "\t") && len(faults) > 0: // have (…), want (…)
			faults[len(faults)-1].Message += " " + strings.TrimSpace(line)
		case line == "" || line[0] == '#' || strings.HasPrefix(line, "exit status") || strings.HasPrefix(line,
			"go: downloading"):
		default:
			faults = append(faults, cell.Fault{Message: withoutPaths(strings.TrimSpace(line))})
		}
	}
	for i, m := range r.book.Explain(q.cell, faults) {
		f.lines = append(f.lines, shown(m))
		if i == 0 {
			f.sentence = m.Means
		}
	}
	if len(f.lines) == 0 {
		f.sentence = "the cell could not be compiled"
		f.lines = []string{red(f.sentence)}
	}
	return f
}

// place reads where a fault is from what GoNB shows around it: lines of its file, a mark below the column.
func (r *relay) place(f *cell.Fault, around string) {
	part := cellLine.FindStringSubmatch(around)
	if part == nil {
		return
	}
	if part[1] != "" {
		n, _ := strconv.Atoi(part[1])
		f.Cell = r.numbers[n]
	}
	f.Line, _ = strconv.Atoi(part[2])
	lines := strings.Split(around, "\n")
	for i, line := range lines {
		if i > 0 && strings.TrimLeft(line, " ") == "^" {
			f.Near, f.Col = lines[i-1], len(line)
		}
	}
}

var temporary = regexp.MustCompile(`(?:/[^\s:/]+)*/?gonb_\w+(?:/[^\s:]*)?`)

func withoutPaths(s string) string {
	return strings.TrimSpace(temporary.ReplaceAllString(s, "the cell"))
}

// written is a line of the file that GoNB made of the cell: it reads the stack by pieces and may miss where it speaks
// of the cell.
func (r *relay) written(line string) string {
	paths, _ := filepath.Glob(filepath.Join(r.folder, "gonb_*", "main.go"))
	n, _ := strconv.Atoi(line)
	if len(paths) != 1 {
		return ""
	}
	data, err := os.ReadFile(paths[0])
	lines := strings.Split(string(data), "\n")
	if err != nil || n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// ended is for a cell that ran and ended with a status: by its last words, if it had any.
func (r *relay) ended(q *request, status string) failure {
	words := q.out.words()
	if !q.out.panicks {
		if words = strings.TrimSpace(words); words == "" {
			return told("ended", "the cell ended with "+status)
		}
		return told("mistake", words)
	}
	text, stack, _ := strings.Cut(words, "\n\ngoroutine ")
	text = strings.TrimSpace(text)
	means := cell.Panic(text)
	fault := cell.Fault{Message: strings.SplitN(text, "\n", 2)[0]}
	if part := stackOf.FindStringSubmatch(stack); part != nil {
		fault.Cell, _ = strconv.Atoi(part[1])
		fault.Cell = r.numbers[fault.Cell]
		fault.Line, _ = strconv.Atoi(part[2])
	} else if part := stackLine.FindStringSubmatch(stack); part != nil {
		fault.Line = q.cell.Find(r.written(part[1]))
	}
	if fault.Line > 0 {
		for _, m := range r.book.Explain(q.cell, []cell.Fault{fault}) {
			m.Means = means
			return failure{ename: "panic", sentence: means, lines: []string{shown(m)}}
		}
	}
	return failure{ename: "panic", sentence: means, lines: []string{red(means) + fmt.Sprintf("\n    %s", text)}}
}
