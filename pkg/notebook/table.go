package notebook

import (
	"fmt"
	"html"
	"strings"
	"unicode"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/page/frame"
)

// Table is rows of words and numbers that a cell can show and save.
type Table struct{ output }

// newTable has a line of headings, which may be nil, and rows of as many cells.
// Columns of words stand at the left, of numbers at the right.
func newTable(head []string, rows [][]string) *Table {
	var text, page strings.Builder
	plain := columns.New(&text)
	row := func(tag string, cells []string) {
		page.WriteString("<tr>")
		for i, cell := range cells {
			align := "right"
			if words(rows, i) {
				align = "left"
			}
			fmt.Fprintf(&page, "<%s dir=\"auto\" style=\"text-align:%s\">%s</%[1]s>", tag, align,
				html.EscapeString(cell))
		}
		page.WriteString("</tr>\n")
		fmt.Fprintln(plain, strings.Join(cells, "\t"))
	}
	all := rows
	if head != nil {
		all = append([][]string{head}, rows...)
		page.WriteString("<thead>")
		row("th", head)
		page.WriteString("</thead>\n")
	}
	page.WriteString("<tbody>\n")
	for _, cells := range rows {
		row("td", cells)
	}
	plain.Flush()
	table := "<table>\n" + page.String() + "</tbody>\n</table>"
	return &Table{output{
		text:  strings.TrimRight(text.String(), "\n"),
		forms: func() forms { return forms{protocol.MIMETextHTML: table} },
		save:  map[string]saver{".csv": func(path string) error { return wholefile.CSV(path, all) }},
	}}
}

// words says whether a column is one of words: where a cell does not begin as a
// number does.
func words(rows [][]string, column int) bool {
	for _, cells := range rows {
		if text := strings.TrimLeft(cells[column], "-–"); text != "" && !unicode.IsDigit(rune(text[0])) {
			return true
		}
	}
	return false
}

// Show shows the table.
func (t *Table) Show() *Table { t.show(); return t }

// Save writes the table as .csv, its cells as they are shown.
func (t *Table) Save(path string) *Table { t.write(path); return t }

// Page is a page of HTML to look around in. It needs neither the kernel nor a
// network, so that an exported notebook keeps it.
type Page struct{ output }

// newPage is a page, in a frame with a title.
func newPage(title string, html []byte, format string, args ...any) *Page {
	return &Page{output{
		text:  fmt.Sprintf(format, args...),
		forms: func() forms { return forms{protocol.MIMETextHTML: frame.Embed(title, html)} },
		save:  map[string]saver{".html": asBytes(html)},
	}}
}

// Show shows the page in a frame.
func (p *Page) Show() *Page { p.show(); return p }

// Save writes the page as .html.
func (p *Page) Save(path string) *Page { p.write(path); return p }
