// Package plots draws what package faithful measures.
package plots

import (
	"fmt"
	"slices"

	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/figure"
)

// series is how a kind of map is drawn, whichever others there are.
func series(m faithful.Method) chart.Series {
	return chart.Series{Name: m.Title(), Look: slices.Index([]faithful.Method{faithful.Head, faithful.Heads,
		faithful.GradCAM,
		faithful.Rollout, faithful.Random, faithful.Centre}, m)}
}

func key(r *faithful.Report) (all []chart.Series) {
	for _, m := range r.Methods {
		all = append(all, series(m))
	}
	return all
}

// Measures is every measure as dots with their 95 % intervals (chart.Dots).
func Measures(r *faithful.Report) (*figure.Plot, error) {
	var rows []chart.Row
	for _, m := range r.Measures {
		if len(m.Scores) < 2 {
			continue
		}
		row := chart.Row{Name: m.Name, Higher: m.Higher, Scores: map[chart.Series]chart.Interval{}}
		for _, s := range m.Scores {
			row.Scores[series(s.Method)] = chart.Interval{Mean: s.Mean, Low: s.Range[0], High: s.Range[1]}
		}
		rows = append(rows, row)
	}
	return chart.Dots(key(r), rows,
		fmt.Sprintf("mean and 95 %% interval of %d pictures; the arrow points to what is better", r.Images))
}

// Curves is how the probability of the true class rises when a picture's pixels are shown in the order of a map,
// and falls when they are taken away: the mean over the pictures with its 95 % interval, for every kind of map; a row
// of panels for each fill (chart.Bands).
func Curves(r *faithful.Report) (*figure.Plot, error) {
	return chart.Bands("probability of the true class (%)", key(r),
		panels("pixels shown (%)", "insertion over %s: higher is better", r.InsertionCurves),
		panels("pixels taken away (%)", "deletion by %s: lower is better", r.DeletionCurves))
}

// panels are one for each fill.
func panels(x, title string, bands []faithful.Band) (all []chart.Panel) {
	for i, b := range bands {
		if i == 0 || b.Fill != bands[i-1].Fill {
			all = append(all, chart.Panel{Title: fmt.Sprintf(title, b.Fill.Title()), X: x})
		}
		band := chart.Band{Of: series(b.Method)}
		for _, p := range b.Points {
			band.X = append(band.X, p.Fraction)
			band.Y = append(band.Y, chart.Interval{Mean: p.Mean, Low: p.Low, High: p.High})
		}
		panel := &all[len(all)-1]
		panel.Bands = append(panel.Bands, band)
	}
	return all
}
