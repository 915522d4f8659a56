// Package plots draws what package evaluation counts.
package plots

import (
	"fmt"
	"slices"

	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/figure"
)

// Confusion is the confusion matrix (chart.Confusion) of the classes that are taken for each other most often
// (evaluation.Report.LookAlikes), at most most of them, 2 to 40. Where all classes fit, all are shown.
func Confusion(r *evaluation.Report, most int) (*figure.Plot, error) {
	if most < 2 || most > 40 {
		return nil, fmt.Errorf("a confusion matrix of %d classes is not possible: choose 2 to 40", most)
	}
	if len(r.Classes) == 0 || len(r.Confusion) != len(r.Classes) {
		return nil, fmt.Errorf("a report of %d classes with the confusion of %d cannot be drawn", len(r.Classes),
			len(r.Confusion))
	}
	shown := r.LookAlikes(most)
	fill := len(r.Classes) <= most || len(shown) == 0
	var names []string
	for i, c := range r.Classes {
		names = append(names, c.Name)
		if fill && len(shown) < most && !slices.Contains(shown, i) {
			shown = append(shown, i)
		}
	}
	return chart.Confusion(names, r.Confusion, shown)
}

// Calibration is the reliability diagram (chart.Calibration).
func Calibration(r *evaluation.Report) (*figure.Plot, error) {
	bins := make([]chart.Bin, len(r.Bins))
	for i, b := range r.Bins {
		bins[i] = chart.Bin(b)
	}
	return chart.Calibration(fmt.Sprintf("ECE %.1f %%, acc1 %.1f %%, %d pictures", r.ECE, r.Acc1, r.Images), bins)
}
