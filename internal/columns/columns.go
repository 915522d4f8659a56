// Package columns aligns tables of plain text, as text/tabwriter does, by how wide a terminal shows letters: those of
// Chinese, Japanese and Korean, and emoji, take two places, marks none.
package columns

import (
	"bytes"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rivo/uniseg"
)

// Writer takes lines whose cells end with a tab, or with the line. Flush writes them.
type Writer struct {
	to   io.Writer
	text bytes.Buffer
}

// New is a table with two blanks between columns.
func New(to io.Writer) *Writer { return &Writer{to: to} }

func (w *Writer) Write(p []byte) (int, error) { return w.text.Write(p) }

const filler = '\x01' // stands for one place, and in no cell

// Flush aligns what was written so far and writes it.
func (w *Writer) Flush() error {
	type cell struct {
		text  string
		width int
	}
	var cells []cell
	var shape strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(w.text.String(), string(filler), "")) {
		line, end := strings.TrimSuffix(line, "\n"), strings.HasSuffix(line, "\n")
		for i, text := range strings.Split(line, "\t") {
			if i > 0 {
				shape.WriteByte('\t')
			}
			if n := uniseg.StringWidth(text); n > 0 {
				cells = append(cells, cell{text, n})
				shape.WriteString(strings.Repeat(string(filler), n))
			}
		}
		if end {
			shape.WriteByte('\n')
		}
	}
	w.text.Reset()
	var aligned bytes.Buffer
	table := tabwriter.NewWriter(&aligned, 2, 0, 2, ' ', 0)
	if _, err := io.WriteString(table, shape.String()); err != nil {
		return err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var out strings.Builder
	rest := aligned.String()
	for _, c := range cells {
		at := strings.IndexRune(rest, filler)
		out.WriteString(rest[:at])
		out.WriteString(c.text)
		rest = rest[at+c.width:]
	}
	_, err := io.WriteString(w.to, out.String()+rest)
	return err
}
