package faithful

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
)

// definition is what a measure is: what it needs, and how it is taken of a picture and a kind of map.
type definition struct {
	key   string // in report.json and in the tables
	name  string // for people; %s stands for what it needs
	lower bool   // is better
	share bool   // every value is 0 or 1: the interval is Wilson's
	model bool   // it is the model's, whatever the map
	// needs is whether it can be measured, and by what, in words. nil needs nothing.
	needs func(r *runner) (what string, there bool)
	// of is the value of one picture; NaN where it has none.
	of take
	// random, in place of of, are the parts that get random weights: the value is how much the map is still like the
	// one before.
	random []Part
}

// measures are all of them, in the order of the tables. A new one is a line here and its definition for people in
// docs/faithful.md; files, tables and figures have it by itself.
var measures = []definition{
	{key: "insertion", name: "insertion area over %s", needs: fill(inserted, 0), of: area(inserted, 0)},
	{key: "deletion", name: "deletion area by %s", lower: true, needs: fill(deleted, 0), of: area(deleted, 0)},
	{key: "insertion_other", name: "insertion area over %s", needs: fill(inserted, 1), of: area(inserted, 1)},
	{key: "deletion_other", name: "deletion area by %s", lower: true, needs: fill(deleted, 1), of: area(deleted, 1)},

	{key: "pointing", name: "pointing, peak in the %s", share: true, needs: target,
		of: onTarget(func(h Hit, _ float64) float64 { return count(h.Exact) })},
	{key: "pointing_cell", name: "pointing, strongest cell touches it", share: true, needs: target, of: touches},
	{key: "pointing_near", name: "pointing, peak within a cell of it", share: true, needs: target,
		of: onTarget(func(h Hit, _ float64) float64 { return count(h.Near) })},
	{key: "energy", name: "energy in the %s", needs: target,
		of: onTarget(func(_ Hit, energy float64) float64 { return energy })},
	{key: "pointing_whole", name: "pointing, peak in the whole bird", share: true, needs: targetOfDrawn,
		of: onWhole(func(h Hit, _ float64) float64 { return count(h.Exact) })},
	{key: "energy_whole", name: "energy in the whole bird", needs: targetOfDrawn,
		of: onWhole(func(_ Hit, energy float64) float64 { return energy })},

	{key: "single_deletion", name: "single deletion, rank correlation", needs: isDrawn,
		of: check(func(c *protocol, _ int) float64 { return c.single })},
	{key: "controlled_check", name: "controlled synthetic data check", needs: isDrawn,
		of: check(func(c *protocol, t int) float64 { return c.sufficient[t] })},
	{key: "preservation_check", name: "preservation check", share: true, needs: isDrawn,
		of: check(func(c *protocol, t int) float64 { return c.preserved[t] })},
	{key: "deletion_check", name: "deletion check", share: true, needs: isDrawn,
		of: check(func(c *protocol, t int) float64 { return c.deleted[t] })},
	{key: "distractibility", name: "distractibility", needs: isDrawn,
		of: check(func(c *protocol, t int) float64 { return c.quiet[t] })},
	{key: "target_sensitivity", name: "target sensitivity", needs: isDrawn, of: sensitivity},
	{key: "background_independence", name: "background independence", model: true, needs: isDrawn,
		of: func(_ *runner, p *shot, _ Method) float64 { return p.background }},

	{key: "random_decoder", name: "random decoder, rank correlation", lower: true, random: []Part{Decoder}},
	{key: "random_decoder_encoder", name: "random decoder and encoder", lower: true, random: []Part{Decoder, Encoder}},
	{key: "random_all", name: "random everywhere", lower: true, random: []Part{Decoder, Encoder, Backbone}},
	{key: "random_encoder", name: "random encoder alone", lower: true, random: []Part{Encoder}},
	{key: "random_backbone", name: "random backbone alone", lower: true, random: []Part{Backbone}},
}

// What measures need.

func fill(w way, which int) func(*runner) (string, bool) {
	return func(r *runner) (string, bool) {
		if fills := r.fills(w); which < len(fills) {
			return fills[which].Title(), true
		}
		return "", false
	}
}

func target(r *runner) (string, bool)        { return r.target, r.target != "" }
func isDrawn(r *runner) (string, bool)       { return "", r.drawn != nil }
func targetOfDrawn(r *runner) (string, bool) { return "", r.drawn != nil && r.target != "" }

// How they are taken.

type take = func(r *runner, p *shot, m Method) float64

func area(w way, which int) take {
	return func(_ *runner, p *shot, m Method) float64 {
		if c := p.curves[w][m]; c != nil {
			return c[which].Area()
		}
		return math.NaN()
	}
}

func onTarget(of func(h Hit, energy float64) float64) take {
	return func(_ *runner, p *shot, m Method) float64 { return p.on(p.target, m, of) }
}

func onWhole(of func(h Hit, energy float64) float64) take {
	return func(_ *runner, p *shot, m Method) float64 { return p.on(p.whole, m, of) }
}

// on is NaN where there is nothing to be on. A broken map is none of a picture's, so that there are no errors.
func (p *shot) on(box datasets.Box, method Method, of func(h Hit, energy float64) float64) float64 {
	m, there := p.maps[method]
	if !there || box == (datasets.Box{}) {
		return math.NaN()
	}
	hit, _ := Point(m, box, p.width, p.height)
	energy, _ := Energy(m, box, p.width, p.height)
	return of(hit, energy)
}

// touches is what heads are chosen by, too.
var touches = onTarget(func(h Hit, _ float64) float64 { return count(h.Cell) })

// check is one of FunnyBirds', at the method's threshold.
func check(of func(c *protocol, threshold int) float64) take {
	return func(r *runner, p *shot, m Method) float64 {
		if c := p.protocol[m]; c != nil {
			return of(c, r.important[m])
		}
		return math.NaN()
	}
}

func sensitivity(_ *runner, p *shot, m Method) float64 {
	if v, there := p.sensitive[m]; there {
		return v
	}
	return math.NaN()
}

// measure takes a measure of all pictures and adds it to the report.
func (r *runner) measure(d *definition) {
	what := ""
	if d.needs != nil {
		var there bool
		if what, there = d.needs(r); !there {
			return
		}
	}
	methods := r.methods
	if d.model {
		methods = []Method{""}
	}
	values := map[Method][]float64{}
	for _, method := range methods {
		for _, p := range r.shots {
			v := d.of(r, p, method)
			values[method] = append(values[method], v)
			if !d.model {
				r.keep(d, p, method, v)
			}
		}
	}
	r.add(d, strings.ReplaceAll(d.name, "%s", what), methods, values)
}

// keep remembers a picture's value.
func (r *runner) keep(d *definition, p *shot, m Method, v float64) {
	if !math.IsNaN(v) {
		r.report.values = append(r.report.values, value{p.key, r.Names[p.class], d.key, m, v})
	}
}

// add sums up values [method][picture], where there are any.
func (r *runner) add(d *definition, name string, methods []Method, values map[Method][]float64) {
	m := Measure{Key: d.key, Name: name, Higher: !d.lower}
	for _, method := range methods {
		s, n := d.score(method, values[method], r.Seed)
		if n == 0 {
			continue
		}
		if method.INTR() && d.random == nil { // to fall is asked of every map, not to fall furthest
			s.Against = against(method, methods, values, r.Seed)
		}
		m.Scores = append(m.Scores, s)
	}
	if len(m.Scores) > 0 {
		r.report.Measures = append(r.report.Measures, m)
	}
}

// sanity compares the maps of some pictures with those of a model with random weights: in its parts from the logits
// downwards, and in one part alone.
func (r *runner) sanity(ctx context.Context) error {
	m, able := r.m.(Randomiser)
	if !able {
		return nil
	}
	checks := r.shots[:min(checked, len(r.shots))]
	r.report.Checked = len(checks)
	random := slices.DeleteFunc(slices.Clone(measures), func(d definition) bool { return d.random == nil })
	for i, d := range random {
		other, end, err := m.Randomised(d.random, r.Seed)
		if err != nil {
			return err
		}
		values := map[Method][]float64{}
		for k, p := range checks {
			r.progress(Progress{"sanity checks", i*len(checks) + k, len(random) * len(checks)})
			if err = r.compare(ctx, other, &d, p, values); err != nil {
				break
			}
		}
		end()
		if err != nil {
			return err
		}
		r.add(&d, d.name, r.methods, values)
	}
	return nil
}

// compare adds how much a picture's maps are like those of another model.
func (r *runner) compare(ctx context.Context, other Subject, d *definition, p *shot,
	values map[Method][]float64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e, err := other.Explain(ctx, p.key, p.photo)
	if err != nil {
		return err
	}
	maps, err := r.mapsOf(ctx, other, e, p.input, p.class, p.seed)
	if err != nil {
		return err
	}
	for _, method := range r.methods {
		before, ok := p.maps[method]
		v := math.NaN()
		if after := maps[method]; ok && after.Check() == nil {
			v = alike(before, after)
		}
		r.keep(d, p, method, v)
		values[method] = append(values[method], v)
	}
	return nil
}

// alike is Spearman's correlation of two maps, cell by cell. One that is flat has no order and is like no other: 0.
func alike(a, b attention.Map) float64 {
	if a.Flat() || b.Flat() {
		return 0
	}
	wide := func(m attention.Map) []float64 {
		out := make([]float64, len(m.Values))
		for i, v := range m.Values {
			out[i] = float64(v)
		}
		return out
	}
	return Spearman(wide(a), wide(b))
}
