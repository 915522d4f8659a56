package notebook

import (
	"context"
	"fmt"
	"strings"

	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/session"
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
//	f := model.Faithful("datasets/birds", func(o *notebook.FaithfulOptions) { o.MaxImages = 8 }).Show()
//	f.Curves().Show()
func (m *Model) Faithful(dataset string, options ...func(*FaithfulOptions)) *Faithfulness {
	o := faithful.Default()
	o.Dataset = dataset
	o = with(o, options)
	Check(o.Check())
	var bar bar
	report := must(m.m.Faithful(context.Background(), o, func(p faithful.Progress) {
		bar.at(p.Doing+": ", p.Done, p.Of)
	}))
	bar.end("%d pictures measured, the last step", report.Images)
	return &Faithfulness{report}
}

// String is what was measured, in one line.
func (f *Faithfulness) String() string { return f.Report.Title() }

// Show shows a table of every measure, method by method, with 95 % intervals; a
// star marks the best. Below it stands where INTR's maps are better than each
// baseline, where worse, and what could not be measured.
func (f *Faithfulness) Show() *Faithfulness {
	fmt.Println(f.Report.Title())
	newTable(f.Report.Rows()).Show()
	fmt.Println(strings.Join(append(f.Report.Verdicts(), f.Report.Notes...), "\n"))
	return f
}

// Save writes the report, as the path's ending says: .json, .csv (the table) or
// .md.
func (f *Faithfulness) Save(path string) *Faithfulness {
	saveAs(path, map[string]saver{
		".json": asJSON(f.Report), ".csv": f.Report.WriteTable, ".md": f.Report.WriteMarkdown,
	})
	return f
}

// Measures is every measure as dots with their intervals.
func (f *Faithfulness) Measures() *Figure {
	return draw(&session.Measures{Report: f.Report}).named("Measures of faithfulness of %d pictures", f.Report.Images)
}

// Curves is the insertion and deletion curves with their intervals.
func (f *Faithfulness) Curves() *Figure {
	return draw(&session.MeasureCurves{Report: f.Report}).named("Insertion and deletion curves of %d pictures",
		f.Report.Images)
}
