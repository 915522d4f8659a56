package notebook

import (
	"context"
	"fmt"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/session"
)

// Evaluation is how good a model is on the pictures of a dataset.
type Evaluation struct {
	Report *evaluation.Report // every number, for one's own code
}

// EvaluateOptions are choices for Evaluate.
type EvaluateOptions struct {
	Split   string // of the dataset; "val"
	ByOrder bool   // takes the folders in their order for the model's first classes, whatever their names
}

// Evaluate answers every picture in dataset/val/CLASS, each as if it were alone,
// and counts, with a progress bar below the cell. The classes are the folders in
// order of their names, as in training. All pictures are read before the first is
// answered, so that damaged files are told at once and together; they end the cell.
//
//	e := model.Evaluate("datasets/birds").Show()
//	e.Confusion().Show()
//
// Another split: func(o *notebook.EvaluateOptions) { o.Split = "test" }.
func (m *Model) Evaluate(dataset string, options ...func(*EvaluateOptions)) *Evaluation {
	o := with(EvaluateOptions{Split: "val"}, options)
	pictures, about := must(datasets.OpenSplit(dataset, o.Split)), m.m.About()
	labels := must(pictures.Labels(about.Classes, about.Names, o.ByOrder))
	var bar bar
	verify(&bar, pictures, "eval")
	truth := func(i int) int { return labels.Index[pictures.Class(i)] }
	report := m.answer(&bar, "", labels.Names, pictures, truth)
	bar.end("%d pictures of %d classes evaluated%s", pictures.Len(), len(labels.Index), told(labels))
	return &Evaluation{report}
}

// told says which classes the folders are, where they are not all in order.
func told(l *datasets.Labels) string {
	if !l.Some() {
		return ""
	}
	return ": " + l.String()
}

// verify reads all pictures; bad ones end the cell.
func verify(bar *bar, pictures *datasets.Split, command string) {
	_, bad, err := pictures.Readable(context.Background(), false, bar.counts("reading ", pictures.Len()))
	if len(bad) > 0 {
		fail("%w; remove them, or have gointr %s --skip-bad leave them out", err, command)
	}
	Check(err)
}

// answer counts the model's answers to all pictures.
func (m *Model) answer(
	bar *bar, doing string, names []string, s *datasets.Split, truth func(int) int,
) *evaluation.Report {
	tally, answers := evaluation.New(names), m.m.Each(context.Background(), s.Paths())
	Check(tally.Count(s.Key, truth, answers, bar.counts(doing, s.Len())))
	return must(tally.Report())
}

// String is the evaluation in one line.
func (e *Evaluation) String() string { return e.Report.String() }

// Show shows a table of the measures.
func (e *Evaluation) Show() *Evaluation {
	r := e.Report
	percent := func(v float64) string { return fmt.Sprintf("%.1f %%", v) }
	interval := fmt.Sprintf("95 %% interval %.1f to %.1f %%", r.Range[0], r.Range[1])
	newTable(nil, [][]string{
		{"acc1", percent(r.Acc1), "the class comes first; " + interval},
		{"acc5", percent(r.Acc5), "it is among the first five"},
		{"loss", fmt.Sprintf("%.4f", r.Loss), "mean cross-entropy"},
		{"mean", percent(r.Mean), "of the classes' own acc1"},
		{"ECE", percent(r.ECE), "so far are the probabilities from how often they are right"},
		{"pictures", fmt.Sprint(r.Images), fmt.Sprintf("of %d classes", len(r.Classes))},
	}).Show()
	return e
}

// Save writes the report as .json, or as .csv a line a class.
func (e *Evaluation) Save(path string) *Evaluation {
	saveAs(path, map[string]saver{".json": asJSON(e.Report), ".csv": e.Report.WriteClasses})
	return e
}

// Worst is a table of the n classes that are least often right.
func (e *Evaluation) Worst(n int) *Table {
	var rows [][]string
	for _, c := range e.Report.Worst(n) {
		taken := ""
		if c.Taken >= 0 {
			taken = e.Report.Classes[c.Taken].Name
		}
		rows = append(rows, []string{c.Name, fmt.Sprintf("%.1f %%", c.Acc1), fmt.Sprint(c.Images), taken})
	}
	return newTable([]string{"Class", "acc1", "Pictures", "Most often taken for"}, rows)
}

// classesDrawn is how many classes the confusion matrix has at most.
const classesDrawn = 12

// Confusion is the confusion matrix of the classes that are taken for each other
// most often.
func (e *Evaluation) Confusion() *Figure {
	return draw(&session.Confusion{Report: e.Report, Most: classesDrawn}).
		named("Confusion of %d classes", min(classesDrawn, len(e.Report.Classes)))
}

// Calibration is the reliability diagram: whether the probabilities can be
// believed.
func (e *Evaluation) Calibration() *Figure {
	return draw(&session.Calibration{Report: e.Report}).named("Calibration, ECE %.1f %%", e.Report.ECE)
}
