package chart_test

import (
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/faithful/plots"
)

func faithfulReport(fills ...faithful.Fill) *faithful.Report {
	methods := []faithful.Method{faithful.Head, faithful.Heads, faithful.GradCAM, faithful.Rollout, faithful.Random,
		faithful.Centre}
	r := &faithful.Report{Summary: faithful.Summary{Images: 12, Methods: methods}}
	measure := func(name string, higher bool, low float64) faithful.Measure {
		m := faithful.Measure{Name: name, Higher: higher}
		for i, method := range methods {
			v := low + 0.1*float64(i)
			m.Scores = append(m.Scores, faithful.Score{Method: method, Mean: v, Range: [2]float64{v - 0.1, v + 0.1}})
		}
		return m
	}
	r.Measures = []faithful.Measure{measure("insertion area", true, 0.3), measure("deletion area", false, 0.2),
		measure("a very long name of a measure that has to be broken into two lines", true, -0.3)}
	for _, fill := range fills {
		for i, method := range methods {
			b := faithful.Band{Method: method, Fill: fill}
			for k := range 6 {
				v := float64(k) / 5 * (1 - 0.1*float64(i))
				b.Points = append(b.Points, faithful.BandPoint{Fraction: float64(k) / 5, Mean: v, Low: v * 0.9,
					High: min(1, v*1.1)})
			}
			r.InsertionCurves = append(r.InsertionCurves, b)
			r.DeletionCurves = append(r.DeletionCurves, b)
		}
	}
	return r
}

func TestFaithful(t *testing.T) {
	r := faithfulReport(faithful.Blur)
	p, err := plots.Measures(r)
	svg := drawn(t, p, err)
	for _, want := range []string{"insertion area", "deletion area", "INTR, chosen head", "centre map", "12 pictures",
		"→", "←"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in the figure", want)
		}
	}
	p, err = plots.Curves(r)
	svg = drawn(t, p, err)
	if !strings.Contains(svg, "insertion over a blur") || !strings.Contains(svg, "deletion by a blur") ||
		!strings.Contains(svg, "attention rollout") {
		t.Error("the curves lack their names")
	}
	_, one := p.Size()
	p, err = plots.Curves(faithfulReport(faithful.Mean, faithful.Blur))
	svg = drawn(t, p, err)
	if _, two := p.Size(); !(two > 1.5*one) || !strings.Contains(svg, "insertion over the mean colour") ||
		!strings.Contains(svg, "insertion over a blur") {
		t.Error("a second fill has no panels")
	}
	for _, r := range []*faithful.Report{{}, {Summary: faithful.Summary{Methods: []faithful.Method{faithful.Heads}},
		Measures: []faithful.Measure{{Scores: []faithful.Score{{Method: faithful.Heads}}}}}} {
		if _, err := plots.Curves(r); err == nil {
			t.Error("no curves were drawn")
		}
		if _, err := plots.Measures(r); err == nil && len(r.Measures) == 0 {
			t.Error("no measures were drawn")
		}
	}
}
