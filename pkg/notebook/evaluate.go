package notebook

import (
	"context"
	"fmt"
	"html"
	"strings"
	"text/tabwriter"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/evaluation"
)

// Evaluation is how good a model is on the pictures of a dataset.
type Evaluation struct {
	Report *evaluation.Report // every number, for one's own code
}

// Evaluate answers every picture in dataset/val/CLASS, each as if it were alone,
// and counts, with a progress bar below the cell; another split than val can be
// named. The classes are the folders in order of their names, as in training. All
// pictures are read before the first is answered, so that damaged files are told
// at once and together; they end the cell.
//
//	e := model.Evaluate("datasets/birds")
//	e.Show()
//	e.Confusion().Show()
func (m *Model) Evaluate(dataset string, split ...string) *Evaluation {
	name := "val"
	switch len(split) {
	case 0:
	case 1:
		name = split[0]
	default:
		Check(fmt.Errorf("a model is evaluated on one split at a time, not on %s", strings.Join(split, " and ")))
	}
	pictures, err := datasets.OpenSplit(dataset, name)
	Check(err)
	about := m.m.About()
	names, err := pictures.NamesFor(about.Classes, about.Names)
	Check(err)
	bar := newBar(pictures.Len())
	verify(bar, pictures, "eval")
	bar.next("")
	tally := m.tally(bar, names, pictures, pictures.Class)
	bar.end(fmt.Sprintf("%d pictures of %d classes evaluated", pictures.Len(), len(names)))
	report, err := tally.Report()
	Check(err)
	return &Evaluation{report}
}

// verify reads all pictures, so that damaged ones are told at once and together.
func verify(bar *bar, pictures *datasets.Split, command string) {
	bar.next("reading ")
	_, bad, err := pictures.Readable(context.Background(), false, bar.set)
	if len(bad) > 0 {
		err = fmt.Errorf("%w; remove them, or have gointr %s --skip-bad leave them out", err, command)
	}
	Check(err)
}

// tally counts the model's answers to all pictures.
func (m *Model) tally(bar *bar, names []string, pictures *datasets.Split, truth func(i int) int) *evaluation.Tally {
	t, ctx := evaluation.New(names), context.Background()
	Check(t.Count(pictures.Key, truth, m.m.Each(ctx, pictures.Paths()), bar.set))
	return t
}

// String is the evaluation in one line.
func (e *Evaluation) String() string { return e.Report.String() }

// Show shows a table of the measures.
func (e *Evaluation) Show() {
	r := e.Report
	percent := func(v float64) string { return fmt.Sprintf("%.1f %%", v) }
	table(nil, [][]string{
		{"acc1", percent(r.Acc1), fmt.Sprintf("the class comes first; 95 %% interval %.1f to %.1f %%", r.Range[0], r.Range[1])},
		{"acc5", percent(r.Acc5), "it is among the first five"},
		{"loss", fmt.Sprintf("%.4f", r.Loss), "mean cross-entropy"},
		{"mean", percent(r.Mean), "of the classes' own acc1"},
		{"ECE", percent(r.ECE), "so far are the probabilities from how often they are right"},
		{"pictures", fmt.Sprint(r.Images), fmt.Sprintf("of %d classes", len(r.Classes))},
	})
}

// Worst shows a table of the n classes that are least often right.
func (e *Evaluation) Worst(n int) {
	var rows [][]string
	for _, c := range e.Report.Worst(n) {
		taken := ""
		if c.Taken >= 0 {
			taken = e.Report.Classes[c.Taken].Name
		}
		rows = append(rows, []string{c.Name, fmt.Sprintf("%.1f %%", c.Acc1), fmt.Sprintf("%d", c.Images), taken})
	}
	table([]string{"Class", "acc1", "Pictures", "Most often taken for"}, rows)
}

// classesDrawn is how many classes the confusion matrix has at most.
const classesDrawn = 12

// Confusion is the confusion matrix of the classes that are taken for each other
// most often.
func (e *Evaluation) Confusion() *Figure {
	f, err := e.Report.PlotConfusion(classesDrawn)
	Check(err)
	return &Figure{f, fmt.Sprintf("Confusion of %d classes", min(classesDrawn, len(e.Report.Classes)))}
}

// Calibration is the reliability diagram: whether the probabilities can be
// believed.
func (e *Evaluation) Calibration() *Figure {
	f, err := e.Report.PlotCalibration()
	Check(err)
	return &Figure{f, fmt.Sprintf("Calibration, ECE %.1f %%", e.Report.ECE)}
}

// table shows rows of cells: the first and last are words, those between numbers.
func table(head []string, rows [][]string) {
	var text, page strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(tag string, cells []string) {
		page.WriteString("<tr>")
		for i, cell := range cells {
			align := "left"
			if i > 0 && i < len(cells)-1 {
				align = "right"
			}
			fmt.Fprintf(&page, "<%s style=\"text-align:%s\">%s</%[1]s>", tag, align, html.EscapeString(cell))
		}
		page.WriteString("</tr>\n")
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	if head != nil {
		page.WriteString("<thead>")
		row("th", head)
		page.WriteString("</thead>\n")
	}
	page.WriteString("<tbody>\n")
	for _, cells := range rows {
		row("td", cells)
	}
	page.WriteString("</tbody>")
	columns.Flush()
	display(map[protocol.MIMEType]any{
		protocol.MIMETextPlain: strings.TrimRight(text.String(), "\n"),
		protocol.MIMETextHTML:  "<table>\n" + page.String() + "\n</table>",
	}, 0)
}
