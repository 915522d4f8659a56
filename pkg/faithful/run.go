package faithful

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/picture"
)

// Options are what Run measures and how. Default gives them.
type Options struct {
	Dataset string `json:"dataset"` // folder with Split/CLASS/*, and train/CLASS/* where heads are to be chosen
	Split   string `json:"split"`
	// Parts is the file where the parts lie (parts.csv, with boxes) or the whole
	// animals (boxes.csv). Empty takes what lies in the dataset's folder; where
	// nothing does, nothing is pointed at.
	Parts     string `json:"parts"`
	MaxImages int    `json:"max_images"` // pictures measured, the first of each class in turn; 0 is all
	Steps     int    `json:"steps"`      // of a curve
	Insertion []Fill `json:"insertion"`  // what insertion begins with: one fill or both, the first for the figure
	Deletion  []Fill `json:"deletion"`   // what deletion ends with
	Seed      uint64 `json:"seed"`       // of everything random
}

// Default are the settings of docs/faithful.md, for the split "val".
func Default() Options {
	return Options{Split: "val", Steps: 20, Insertion: []Fill{Blur}, Deletion: []Fill{Mean}}
}

// Check is an error of one sentence for what cannot be measured.
func (o Options) Check() error {
	switch {
	case o.Dataset == "":
		return fmt.Errorf("no dataset was named: give a folder with %s/CLASS/*.jpg", o.Split)
	case o.Steps < 2 || o.Steps > maxSteps:
		return fmt.Errorf("a curve can have 2 to %d steps, not %d", maxSteps, o.Steps)
	case o.MaxImages < 0:
		return fmt.Errorf("the number of pictures must be at least 1, or 0 for all, not %d", o.MaxImages)
	}
	for _, fills := range [][]Fill{o.Insertion, o.Deletion} {
		if len(fills) == 0 || len(fills) > 2 || len(fills) == 2 && fills[0] == fills[1] {
			return fmt.Errorf("insertion and deletion need a fill each, %s or %s, or both", Blur, Mean)
		}
		for _, f := range fills {
			if f != Blur && f != Mean {
				return fmt.Errorf("there is no fill %q: there are %s and %s", string(f), Blur, Mean)
			}
		}
	}
	return nil
}

// Progress is how far a measurement is.
type Progress struct {
	Doing string `json:"doing"`
	Done  int    `json:"done"`
	Of    int    `json:"of"` // pictures
}

const (
	maxSteps = 1000
	training = 20 // pictures a class that its head is chosen on
	checked  = 16 // pictures of the sanity checks
)

// runner is one measurement.
type runner struct {
	Options
	m        Model
	progress func(Progress)
	split    *datasets.Split
	names    []string
	drawn    *birds.Options // nil where the dataset is none of drawn birds
	minimal  map[int][]kinds
	parts    map[string][]datasets.Part
	boxes    map[string]datasets.Box
	methods  []Method
	heads    []int // by class; nil where none was chosen
	report   *Report
	measured []one
	checks   []check
	mismatch int // pictures that are not as they would be drawn
	left     int // pictures without a target
}

// one is what was measured of a picture.
type one struct {
	index      int // in the split
	right      bool
	curves     map[Method][]Curve // one for each of runner.curves()
	hits       map[Method]Hit
	energy     map[Method]float64
	wholeHits  map[Method]Hit
	whole      map[Method]float64
	protocol   map[Method]*protocol
	sensitive  map[Method]float64
	background float64 // share of shapes that do not matter; NaN where not measured
}

// check is a picture of the sanity checks.
type check struct {
	image string
	input *picture.Picture
	class int
	seed  uint64
	maps  map[Method]attention.Map
}

// Run measures a model's maps on a dataset. The class that a map is of is always
// the picture's true one. progress, which may be nil, hears how far it is. Run
// stops soon after ctx ends, with its error; other errors are one sentence.
//
// The report's Provenance has what the options and the dataset say; who knows the
// checkpoint fills in the rest.
func Run(ctx context.Context, m Model, o Options, progress func(Progress)) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	r := &runner{Options: o, m: m, progress: progress}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.choose(ctx); err != nil {
		return nil, err
	}
	pictures := r.pictures()
	for i, index := range pictures {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		r.progress(Progress{"measuring", i, len(pictures)})
		if err := r.picture(ctx, index); err != nil {
			return nil, err
		}
	}
	r.sumUp()
	if err := r.sanity(ctx); err != nil {
		return nil, err
	}
	r.notes()
	return r.report, nil
}

// open finds the pictures and what is known of them.
func (r *runner) open() error {
	var err error
	if r.split, err = datasets.OpenSplit(r.Dataset, r.Split); err != nil {
		return err
	}
	if r.names, err = r.split.NamesFor(r.m.Classes, r.m.Names); err != nil {
		return err
	}
	file := r.Parts
	for _, name := range []string{"parts.csv", "boxes.csv"} {
		path := filepath.Join(r.Dataset, name)
		if r.Parts != "" {
			path = r.Parts
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && r.Parts == "" {
			continue
		}
		boxes, wrong := datasets.ReadBoxes(path)
		if wrong == nil {
			r.boxes = boxes
		} else if r.parts, err = datasets.ReadParts(path); err != nil {
			if r.Parts == "" && name == "boxes.csv" {
				err = wrong
			}
			return err
		}
		if file == "" {
			file = path
		} else if file != path {
			file += " and " + path
		}
		if r.Parts != "" {
			break
		}
	}
	if o, err := birds.Open(r.Dataset); err == nil {
		if _, _, err := o.Find(r.split.Key(0)); err == nil {
			r.drawn = &o
			species, err := birds.First(o.Classes)
			if err != nil {
				return err
			}
			r.minimal = minimalSets(species)
		}
	}
	digest, err := r.split.Digest()
	if err != nil {
		return err
	}
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	r.report = &Report{Provenance: Provenance{Version: version, Dataset: r.Dataset, Pictures: digest, Split: r.Split, Parts: file, MaxImages: r.MaxImages, Steps: r.Steps,
		Shown: r.Options.Insertion, Hidden: r.Options.Deletion, Training: training, Bootstraps: bootstraps, Seed: r.Seed}, degenerate: map[Method]*Degenerate{}}
	return nil
}

// targets are the boxes that maps should point at in a picture: its telling part,
// where that is known and seen, and the whole animal.
func (r *runner) targets(split *datasets.Split, i int) (part, whole datasets.Box) {
	key := split.Key(i)
	whole = r.boxes[key]
	var telling string
	if r.drawn != nil {
		telling = birds.At(split.Class(i)).Telling.String()
	}
	var union datasets.Box
	for _, p := range r.parts[key] {
		if p.Box == (datasets.Box{}) {
			continue
		}
		if p.Name == telling && p.Visible {
			part = p.Box
		}
		if union == (datasets.Box{}) {
			union = p.Box
			continue
		}
		union = datasets.Box{X0: min(union.X0, p.Box.X0), Y0: min(union.Y0, p.Box.Y0), X1: max(union.X1, p.Box.X1), Y1: max(union.Y1, p.Box.Y1)}
	}
	if whole == (datasets.Box{}) {
		whole = union
	}
	return part, whole
}

// target is the box of a picture that counts: of the telling part where parts are
// told apart, else of the animal.
func (r *runner) target(split *datasets.Split, i int) datasets.Box {
	part, whole := r.targets(split, i)
	if r.drawn != nil {
		return part
	}
	return whole
}

// choose takes, for every class, the head of the last layer whose strongest cell
// most often touches the target in training pictures; of several the one with most
// of its weight in it.
func (r *runner) choose(ctx context.Context) error {
	r.methods = []Method{Heads}
	if r.m.Baselines != nil {
		r.methods = append(r.methods, GradCAM, Rollout)
	}
	r.methods = append(r.methods, Random, Centre)
	note := func(format string, args ...any) {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
	}
	if len(r.parts) == 0 && len(r.boxes) == 0 {
		note("Nothing was pointed at and no head chosen: there is neither parts.csv nor boxes.csv.")
		return nil
	}
	train, err := datasets.OpenSplit(r.Dataset, "train")
	if err != nil || !slices.Equal(train.Classes, r.split.Classes) {
		note("No head was chosen: there are no training pictures of the same classes in %s.", filepath.Join(r.Dataset, "train"))
		return nil
	}
	taken, seen := make([]int, r.m.Classes), make([]int, r.m.Classes)
	var hits [][]int
	var energy [][]float64
	var pictures []int
	for i := range train.Len() {
		class := train.Class(i)
		if taken[class] < training && r.target(train, i) != (datasets.Box{}) {
			taken[class]++
			pictures = append(pictures, i)
		}
	}
	if slices.Contains(taken, 0) {
		note("No head was chosen: the training pictures of %s have no boxes.", r.names[slices.Index(taken, 0)])
		return nil
	}
	for n, i := range pictures {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.progress(Progress{"choosing heads", n, len(pictures)})
		p, e, err := r.explain(ctx, train, i)
		if err != nil {
			return err
		}
		if hits == nil {
			for range r.m.Classes {
				hits = append(hits, make([]int, e.Heads))
				energy = append(energy, make([]float64, e.Heads))
			}
		}
		class, box := train.Class(i), r.target(train, i)
		seen[class]++
		for head := range e.Heads {
			m, err := e.Map(attention.Last, head, class)
			if err != nil {
				return err
			}
			hit, err := Point(m, box, p.Width, p.Height)
			if err != nil {
				return err
			}
			inside, err := Energy(m, box, p.Width, p.Height)
			if err != nil {
				return err
			}
			if hit.Cell {
				hits[class][head]++
			}
			energy[class][head] += inside
		}
	}
	r.heads = make([]int, r.m.Classes)
	for class := range r.heads {
		best := 0
		for head := range hits[class] {
			if hits[class][head] > hits[class][best] || hits[class][head] == hits[class][best] && energy[class][head] > energy[class][best] {
				best = head
			}
		}
		r.heads[class] = best
		r.report.Chosen = append(r.report.Chosen, Chosen{Class: class, Name: r.names[class], Head: best, Hits: hits[class][best], Of: seen[class]})
	}
	r.methods = slices.Insert(r.methods, 0, Head)
	return nil
}

func (r *runner) explain(ctx context.Context, split *datasets.Split, i int) (*picture.Picture, *attention.Explanation, error) {
	p, err := picture.Open(split.Path(i))
	if err != nil {
		return nil, nil, err
	}
	e, err := r.m.Explain(ctx, split.Key(i), p.Eval(r.m.EvalSize))
	return p, e, err
}

// pictures are those that are measured: the first of every class, then the second.
func (r *runner) pictures() []int {
	byClass := make([][]int, len(r.split.Classes))
	for i := range r.split.Len() {
		byClass[r.split.Class(i)] = append(byClass[r.split.Class(i)], i)
	}
	most := r.split.Len()
	if r.MaxImages > 0 {
		most = min(most, r.MaxImages)
	}
	var all []int
	for round := 0; len(all) < most; round++ {
		for _, list := range byClass {
			if round < len(list) && len(all) < most {
				all = append(all, list[round])
			}
		}
	}
	return all
}

// seedOf is that of one picture.
func (r *runner) seedOf(key string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	return scramble(r.Seed, h.Sum64())
}

// usable leaves broken maps out, and counts them and the flat ones.
func (r *runner) usable(maps map[Method]attention.Map) {
	for method, m := range maps {
		d := r.report.degenerate[method]
		if d == nil {
			d = &Degenerate{Method: method}
			r.report.degenerate[method] = d
		}
		switch {
		case m.Check() != nil:
			d.Broken++
			delete(maps, method)
		case m.Flat():
			d.Flat++
		}
	}
}

func (r *runner) picture(ctx context.Context, i int) error {
	p, e, err := r.explain(ctx, r.split, i)
	if err != nil {
		return err
	}
	key, class := r.split.Key(i), r.split.Class(i)
	seed, input := r.seedOf(key), p.Eval(r.m.EvalSize)
	maps, err := r.m.maps(ctx, r.methods, e, input, class, r.heads, seed)
	if err != nil {
		return err
	}
	r.usable(maps)
	o := one{index: i, right: best(e.Logits) == class, curves: map[Method][]Curve{}, hits: map[Method]Hit{}, energy: map[Method]float64{},
		wholeHits: map[Method]Hit{}, whole: map[Method]float64{}, background: math.NaN()}
	part, whole := r.targets(r.split, i)
	if r.drawn == nil {
		part = whole
	}
	if part == (datasets.Box{}) {
		r.left++
	}
	for method, m := range maps {
		order, err := Order(m, input.Width, input.Height, seed)
		if err != nil {
			return err
		}
		for _, kind := range r.curves() {
			make := Insertion
			if kind.deletion {
				make = Deletion
			}
			curve, err := make(ctx, r.m.Logits, input, class, order, kind.fill, r.Steps)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			o.curves[method] = append(o.curves[method], curve)
		}
		for _, t := range []struct {
			box    datasets.Box
			hits   map[Method]Hit
			energy map[Method]float64
		}{{part, o.hits, o.energy}, {whole, o.wholeHits, o.whole}} {
			if t.box == (datasets.Box{}) {
				continue
			}
			if t.hits[method], err = Point(m, t.box, p.Width, p.Height); err != nil {
				return err
			}
			if t.energy[method], err = Energy(m, t.box, p.Width, p.Height); err != nil {
				return err
			}
		}
	}
	if r.drawn != nil {
		if err := r.funny(ctx, &o, p, input, e, maps, seed); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	r.measured = append(r.measured, o)
	if len(r.checks) < checked && r.m.Randomised != nil {
		r.checks = append(r.checks, check{key, input, class, seed, maps})
	}
	return nil
}

// funny goes through FunnyBirds' protocol with a drawn bird.
func (r *runner) funny(ctx context.Context, o *one, p, input *picture.Picture, e *attention.Explanation, maps map[Method]attention.Map, seed uint64) error {
	species, scene, err := r.drawn.Find(r.split.Key(o.index))
	if err != nil {
		r.mismatch++
		return nil
	}
	b := &bird{r: r, options: *r.drawn, species: species, scene: scene, input: input, logits: e.Logits, class: r.split.Class(o.index), answers: map[kinds][]float32{0: e.Logits}}
	b.full = b.draw(species, scene)
	if !slices.Equal(b.full.Pix, p.Pix) {
		r.mismatch++
		return nil
	}
	var shapes, matter int
	if o.protocol, shapes, matter, err = b.study(ctx, maps); err != nil {
		return err
	}
	if shapes > 0 {
		o.background = 1 - float64(matter)/float64(shapes)
	}
	o.sensitive, err = b.sensitive(ctx, r.methods, r.heads, seed)
	return err
}

// collect sums up one number of every picture and method; the function gives NaN
// where a picture has none.
func (r *runner) collect(key, name string, higher, share bool, of func(one, Method) float64) *Measure {
	values := map[Method][]float64{}
	for _, method := range r.methods {
		for _, o := range r.measured {
			v := of(o, method)
			values[method] = append(values[method], v)
			if !math.IsNaN(v) {
				r.report.values = append(r.report.values, value{r.split.Key(o.index), r.names[r.split.Class(o.index)], key, method, v})
			}
		}
	}
	return measure(name, higher, share, r.methods, values, r.Seed)
}

func (r *runner) sumUp() {
	rep := r.report
	rep.Images, rep.Methods = len(r.measured), r.methods
	right := 0
	for _, o := range r.measured {
		if o.right {
			right++
		}
	}
	rep.Right, rep.Range = 100*float64(right)/float64(len(r.measured)), evaluation.Wilson(right, len(r.measured))
	for which, kind := range r.curves() {
		*kind.to = r.collect(kind.key, kind.name, !kind.deletion, false, func(o one, m Method) float64 {
			if c := o.curves[m]; c != nil {
				return c[which].Area()
			}
			return math.NaN()
		})
		*kind.bands = append(*kind.bands, r.bands(which, kind.fill)...)
	}
	hit := func(hits func(one) map[Method]Hit, which func(Hit) bool) func(one, Method) float64 {
		return func(o one, m Method) float64 {
			if h, ok := hits(o)[m]; ok {
				return count(which(h))
			}
			return math.NaN()
		}
	}
	energy := func(of func(one) map[Method]float64) func(one, Method) float64 {
		return func(o one, m Method) float64 {
			if v, ok := of(o)[m]; ok {
				return v
			}
			return math.NaN()
		}
	}
	part, whole := func(o one) map[Method]Hit { return o.hits }, func(o one) map[Method]Hit { return o.wholeHits }
	if len(r.parts)+len(r.boxes) > 0 {
		rep.Target = "whole animal"
		if r.drawn != nil {
			rep.Target = "telling part"
		}
		rep.Pointing = r.collect("pointing", "pointing, peak in the "+rep.Target, true, true, hit(part, func(h Hit) bool { return h.Exact }))
		rep.PointingCell = r.collect("pointing_cell", "pointing, strongest cell touches it", true, true, hit(part, func(h Hit) bool { return h.Cell }))
		rep.PointingNear = r.collect("pointing_near", "pointing, peak within a cell of it", true, true, hit(part, func(h Hit) bool { return h.Near }))
		rep.Energy = r.collect("energy", "energy in the "+rep.Target, true, false, energy(func(o one) map[Method]float64 { return o.energy }))
		if r.drawn != nil {
			rep.WholePoint = r.collect("pointing_whole", "pointing, peak in the whole bird", true, true, hit(whole, func(h Hit) bool { return h.Exact }))
			rep.WholeEnergy = r.collect("energy_whole", "energy in the whole bird", true, false, energy(func(o one) map[Method]float64 { return o.whole }))
		}
	}
	for _, o := range r.measured {
		if h, ok := o.hits[Head]; ok {
			c := &rep.Chosen[r.split.Class(o.index)]
			c.Unseen++
			if h.Cell {
				c.UnseenHits++
			}
		}
	}
	if r.drawn != nil {
		r.sumUpBirds()
	}
	for _, m := range r.methods {
		if d := rep.degenerate[m]; d != nil && d.Flat+d.Broken > 0 {
			rep.DegenerateCounts = append(rep.DegenerateCounts, *d)
		}
	}
}

// sumUpBirds chooses each method's threshold as FunnyBirds does: the one with the
// greatest sum of completeness (the mean of its three checks) and distractibility.
func (r *runner) sumUpBirds() {
	rep := r.report
	at := map[Method]int{}
	mean := func(m Method, of func(*protocol) float64) float64 {
		sum, n := 0.0, 0
		for _, o := range r.measured {
			if p := o.protocol[m]; p != nil {
				if v := of(p); !math.IsNaN(v) {
					sum += v
					n++
				}
			}
		}
		return sum / float64(max(n, 1))
	}
	for _, m := range r.methods {
		most := math.Inf(-1)
		for t := range thresholds {
			v := mean(m, func(p *protocol) float64 { return p.sufficient[t] })/3 + mean(m, func(p *protocol) float64 { return p.preserved[t] })/3 +
				mean(m, func(p *protocol) float64 { return p.deleted[t] })/3 + mean(m, func(p *protocol) float64 { return p.quiet[t] })
			if v > most {
				most, at[m] = v, t
			}
		}
		rep.ImportantAbove = append(rep.ImportantAbove, Above{m, threshold(at[m])})
	}
	of := func(f func(*protocol, int) float64) func(one, Method) float64 {
		return func(o one, m Method) float64 {
			if p := o.protocol[m]; p != nil {
				return f(p, at[m])
			}
			return math.NaN()
		}
	}
	rep.SingleDeletion = r.collect("single_deletion", "single deletion, rank correlation", true, false, of(func(p *protocol, _ int) float64 { return p.single }))
	rep.ControlledCheck = r.collect("controlled_check", "controlled synthetic data check", true, false, of(func(p *protocol, t int) float64 { return p.sufficient[t] }))
	rep.Preservation = r.collect("preservation_check", "preservation check", true, true, of(func(p *protocol, t int) float64 { return p.preserved[t] }))
	rep.DeletionCheck = r.collect("deletion_check", "deletion check", true, true, of(func(p *protocol, t int) float64 { return p.deleted[t] }))
	rep.Distractibility = r.collect("distractibility", "distractibility", true, false, of(func(p *protocol, t int) float64 { return p.quiet[t] }))
	rep.TargetSensitive = r.collect("target_sensitivity", "target sensitivity", true, false, func(o one, m Method) float64 {
		if v, ok := o.sensitive[m]; ok {
			return v
		}
		return math.NaN()
	})
	var shares []float64
	for _, o := range r.measured {
		shares = append(shares, o.background)
	}
	rep.BackgroundIndep = measure("background independence", true, false, []Method{""}, map[Method][]float64{"": shares}, r.Seed)
}

// kindOfCurve is insertion or deletion with one fill.
type kindOfCurve struct {
	deletion  bool
	fill      Fill
	key, name string
	to        **Measure
	bands     *[]Band
}

func (r *runner) curves() (all []kindOfCurve) {
	rep := r.report
	for i, f := range r.Options.Insertion {
		k := kindOfCurve{false, f, "insertion", "insertion area over " + f.Title(), &rep.Insertion, &rep.InsertionCurves}
		if i > 0 {
			k.key, k.to = "insertion_other", &rep.InsertionOther
		}
		all = append(all, k)
	}
	for i, f := range r.Options.Deletion {
		k := kindOfCurve{true, f, "deletion", "deletion area by " + f.Title(), &rep.Deletion, &rep.DeletionCurves}
		if i > 0 {
			k.key, k.to = "deletion_other", &rep.DeletionOther
		}
		all = append(all, k)
	}
	return all
}

func (r *runner) bands(which int, fill Fill) (bands []Band) {
	for _, method := range r.methods {
		b := Band{Method: method, Fill: fill}
		for step := range r.Steps + 1 {
			var values []float64
			for _, o := range r.measured {
				if c := o.curves[method]; c != nil {
					values = append(values, c[which].Probability[step])
				}
			}
			mean, low, high, n := spread(values, r.Seed)
			if n > 0 {
				b.Points = append(b.Points, BandPoint{float64(step) / float64(r.Steps), mean, low, high})
			}
		}
		if len(b.Points) > 0 {
			bands = append(bands, b)
		}
	}
	return bands
}

// sanity compares each map with that of a model with random weights: in its parts
// from the logits downwards, and in one part alone.
func (r *runner) sanity(ctx context.Context) error {
	if len(r.checks) == 0 {
		return nil
	}
	rep := r.report
	rep.Checked = len(r.checks)
	stages := []struct {
		parts []Part
		to    **Measure
		key   string
		name  string
	}{
		{[]Part{Decoder}, &rep.RandomDecoder, "random_decoder", "random decoder, rank correlation"},
		{[]Part{Decoder, Encoder}, &rep.RandomTop, "random_decoder_encoder", "random decoder and encoder"},
		{[]Part{Decoder, Encoder, Backbone}, &rep.RandomAll, "random_all", "random everywhere"},
		{[]Part{Encoder}, &rep.RandomEncoder, "random_encoder", "random encoder alone"},
		{[]Part{Backbone}, &rep.RandomBackbone, "random_backbone", "random backbone alone"},
	}
	for n, stage := range stages {
		other, end, err := r.m.Randomised(stage.parts, r.Seed)
		if err != nil {
			return err
		}
		values := map[Method][]float64{}
		for i, c := range r.checks {
			if err = ctx.Err(); err != nil {
				err = context.Cause(ctx)
				break
			}
			r.progress(Progress{"sanity checks", n*len(r.checks) + i, len(stages) * len(r.checks)})
			var e *attention.Explanation
			if e, err = other.Explain(ctx, c.image, c.input); err != nil {
				break
			}
			var maps map[Method]attention.Map
			if maps, err = other.maps(ctx, r.methods, e, c.input, c.class, r.heads, c.seed); err != nil {
				break
			}
			for _, method := range r.methods {
				before, ok := c.maps[method]
				v := math.NaN()
				if after := maps[method]; ok && after.Check() == nil {
					v = alike(before, after)
					rep.values = append(rep.values, value{c.image, r.names[c.class], stage.key, method, v})
				}
				values[method] = append(values[method], v)
			}
		}
		end()
		if err != nil {
			return err
		}
		*stage.to = measure(stage.name, false, false, r.methods, values, r.Seed)
		for i := range (*stage.to).Scores { // to fall is asked of every map, not to fall furthest
			(*stage.to).Scores[i].Against = nil
		}
	}
	return nil
}

func (r *runner) notes() {
	rep := r.report
	note := func(format string, args ...any) { rep.Notes = append(rep.Notes, fmt.Sprintf(format, args...)) }
	for _, d := range rep.DegenerateCounts {
		if d.Flat > 0 {
			note("%s is flat in %d of %d pictures: its pixels come in random order, and it points nowhere.", title(d.Method), d.Flat, rep.Images)
		}
		if d.Broken > 0 {
			note("%s has NaN or infinite cells in %d of %d pictures, which are left out.", title(d.Method), d.Broken, rep.Images)
		}
	}
	if rep.Target != "" && r.left > 0 {
		note("%d of %d pictures show no %s: nothing is pointed at in them.", r.left, rep.Images, rep.Target)
	}
	if r.drawn == nil {
		note("FunnyBirds' protocol needs drawn birds (gointr birds), whose parts can be taken away.")
	}
	if r.mismatch > 0 {
		note("%d pictures are not as they were drawn: FunnyBirds' protocol leaves them out.", r.mismatch)
	}
	if s := rep.TargetSensitive.Of(Heads); r.drawn != nil && s == nil {
		note("Target sensitivity was not measured: in no picture did the model itself tell the parts of two further classes apart.")
	} else if s != nil && s.Images < rep.Images {
		note("Target sensitivity is of %d pictures: in the others a part is hidden, or the model itself does not go by the parts.", s.Images)
	}
}

func title(m Method) string {
	t := m.Title()
	return strings.ToUpper(t[:1]) + t[1:]
}
