package notebook

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/faithful"
)

// FaithfulOptions are what Faithful measures and how.
type FaithfulOptions = faithful.Options

// Faithfulness is whether a model's maps tell the truth, measured.
type Faithfulness struct {
	Report *faithful.Report // every number, for one's own code
}

// Faithful measures whether the maps tell the truth on the pictures of a dataset,
// a folder with val/CLASS/* and, for choosing heads, train/CLASS/* and parts.csv
// or boxes.csv: INTR's maps beside Grad-CAM, attention rollout, a random map and a
// map of the centre (package faithful; docs/faithful.md). A progress bar stands
// below the cell; interrupting the cell stops the work. A model of full size takes
// seconds a forward pass and some hundred passes a picture on a CPU, so that a few
// pictures may be enough to begin with:
//
//	f := model.Faithful("datasets/birds", func(o *notebook.FaithfulOptions) { o.MaxImages = 8 })
//	f.Show()
//	f.Curves().Show()
func (m *Model) Faithful(dataset string, change ...func(*FaithfulOptions)) *Faithfulness {
	o := faithful.Default()
	o.Dataset = dataset
	for _, c := range change {
		c(&o)
	}
	Check(o.Check())
	var b *bar
	doing := ""
	report, err := m.m.Faithful(context.Background(), o, func(p faithful.Progress) {
		if b == nil {
			b = newBar(p.Of)
		}
		if p.Doing != doing {
			doing, b.of = p.Doing, p.Of
			b.next(p.Doing + ": ")
		}
		b.set(p.Done)
	})
	Check(err)
	if b != nil {
		b.end(fmt.Sprintf("%d pictures measured, the last step", report.Images))
	}
	return &Faithfulness{report}
}

// String is what was measured, in one line.
func (f *Faithfulness) String() string { return f.Report.Title() }

// Show shows a table of every measure, method by method, with 95 % intervals; a
// star marks the best. Below it stands where INTR's maps are better than each
// baseline, where worse, and what could not be measured.
func (f *Faithfulness) Show() {
	head, rows := f.Report.Rows()
	fmt.Println(f.Report.Title())
	table(head, rows)
	fmt.Println(strings.Join(append(f.Report.Verdicts(), f.Report.Notes...), "\n"))
}

// Figure is every measure as dots with their intervals.
func (f *Faithfulness) Figure() *Figure {
	c, err := f.Report.Plot()
	Check(err)
	return &Figure{c, fmt.Sprintf("Measures of faithfulness of %d pictures", f.Report.Images)}
}

// Curves is the insertion and deletion curves with their intervals.
func (f *Faithfulness) Curves() *Figure {
	c, err := f.Report.PlotCurves()
	Check(err)
	return &Figure{c, fmt.Sprintf("Insertion and deletion curves of %d pictures", f.Report.Images)}
}

// Save writes the report, as the path's ending says: .json, .csv (the table) or
// .md.
func (f *Faithfulness) Save(path string) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		Check(wholefile.JSON(path, f.Report))
	case ".csv":
		Check(f.Report.WriteTable(path))
	case ".md":
		Check(f.Report.WriteMarkdown(path))
	default:
		Check(fmt.Errorf("%s cannot be written: the report is saved as .json, .csv or .md", path))
	}
}
