package faithful

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
)

// Options are what Run measures and how. Default gives them.
type Options struct {
	Dataset string `json:"dataset"` // folder with Split/CLASS/*, and train/CLASS/* where heads are to be chosen
	Split   string `json:"split"`
	// Parts is the file where the parts lie (parts.csv, with boxes) or the whole animals (boxes.csv). Empty takes what
	// lies in the dataset's folder; where nothing does, nothing is pointed at.
	Parts     string `json:"parts"`
	MaxImages int    `json:"max_images"` // pictures measured, the first of each class in turn; 0 is all
	Steps     int    `json:"steps"`      // of a curve
	Insertion []Fill `json:"insertion"`  // what insertion begins with: one fill or both, the first for the figure
	Deletion  []Fill `json:"deletion"`   // what deletion ends with
	Seed      uint64 `json:"seed"`       // of everything random
	// ByOrder takes the folders in their order for the model's first classes, whatever their names.
	ByOrder bool `json:"by_order,omitempty"`
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
			if err := f.check(); err != nil {
				return err
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
	*data
	m         Subject
	about     model.About
	progress  func(Progress)
	methods   []Method
	heads     []int // by class; nil where none was chosen
	shots     []*shot
	important map[Method]int // the threshold of FunnyBirds' checks
	mismatch  int            // pictures that are not as they would be drawn
	report    *Report
}

// shot is a picture that was measured: its maps, and what the model said to changed pictures.
type shot struct {
	key           string
	class         int
	seed          uint64
	width, height int
	photo, input  *picture.Picture // as in its file, and resized for the network; only while they are needed
	right         bool
	target, whole datasets.Box
	maps          map[Method]attention.Map // but broken ones
	curves        [2]map[Method][]Curve    // of insertion and deletion, one for each fill
	protocol      map[Method]*protocol
	sensitive     map[Method]float64
	background    float64 // share of shapes that do not matter; NaN where not measured
}

// way is what is done to the pixels for a curve.
type way int

const (
	inserted way = iota
	deleted
)

func (o Options) fills(w way) []Fill {
	if w == inserted {
		return o.Insertion
	}
	return o.Deletion
}

// Run measures a model's maps on a dataset. The class that a map is of is always the picture's true one. progress,
// which may be nil, hears how far it is. Run stops soon after ctx ends, with its error; other errors are one sentence.
func Run(ctx context.Context, m Subject, o Options, progress func(Progress)) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	about := m.About()
	d, err := open(o, about)
	if err != nil {
		return nil, err
	}
	digest, err := d.split.Digest(ctx)
	if err != nil {
		return nil, err
	}
	r := &runner{Options: o, data: d, m: m, about: about, progress: progress, methods: []Method{Heads}}
	from := about.Origin
	r.report = &Report{Provenance: Provenance{Checkpoint: from.Checkpoint, Digest: from.SHA256, Config: from.Model,
		Engine: from.Engine, Upright: from.Upright, Version: origin.Version(),
		Dataset: o.Dataset, Pictures: digest, Split: o.Split, ClassesBy: d.By, Parts: d.files,
		MaxImages: o.MaxImages, Steps: o.Steps, Shown: o.Insertion, Hidden: o.Deletion,
		Training: training, Bootstraps: bootstraps, Seed: o.Seed}}
	r.report.Target = d.target
	if _, able := m.(Attributer); able {
		r.methods = append(r.methods, GradCAM, Rollout)
	}
	r.methods = append(r.methods, Random, Centre)
	if err := r.choose(ctx); err != nil {
		return nil, err
	}
	for _, method := range r.methods { // those of none go in the end
		r.report.DegenerateCounts = append(r.report.DegenerateCounts, Degenerate{Method: method})
	}
	pictures := d.first(o.MaxImages)
	for i, index := range pictures {
		if ctx.Err() != nil {
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

// picture asks the model all that the measures of a picture need.
func (r *runner) picture(ctx context.Context, i int) error {
	photo, at, e, err := r.explain(ctx, r.split, i)
	if err != nil {
		return err
	}
	p := &shot{key: r.split.Key(i), class: r.Index[r.split.Class(i)], width: photo.Width, height: photo.Height,
		photo: photo, input: photo.Eval(r.about.EvalSize), background: math.NaN()}
	h := fnv.New64a()
	h.Write([]byte(p.key))
	p.seed, p.right = scramble(r.Seed, h.Sum64()), best(e.Logits) == p.class
	p.target, p.whole = at.box, at.whole
	if p.maps, err = r.mapsOf(ctx, r.m, e, p.input, p.class, p.seed); err != nil {
		return err
	}
	r.usable(p.maps)
	if err := r.curves(ctx, p); err != nil {
		return fmt.Errorf("%s: %w", p.key, err)
	}
	if r.drawn != nil {
		if err := r.funny(ctx, p, e); err != nil {
			return fmt.Errorf("%s: %w", p.key, err)
		}
	}
	if r.shots = append(r.shots, p); len(r.shots) > checked {
		p.photo, p.input = nil, nil
	}
	return nil
}

// usable leaves broken maps out, and counts them and the flat ones.
func (r *runner) usable(maps map[Method]attention.Map) {
	for method, m := range maps {
		switch d := &r.report.DegenerateCounts[slices.Index(r.methods, method)]; {
		case m.Check() != nil:
			d.Broken++
			delete(maps, method)
		case m.Flat():
			d.Flat++
		}
	}
}

// curves shows pixels, and takes them away, in the order of every map.
func (r *runner) curves(ctx context.Context, p *shot) error {
	for w := range p.curves {
		p.curves[w] = map[Method][]Curve{}
	}
	for method, m := range p.maps {
		order, err := Order(m, p.input.Width, p.input.Height, p.seed)
		if err != nil {
			return err
		}
		for w, curve := range []func(context.Context, Logits, *picture.Picture, int, []int, Fill, int) (Curve, error){
			Insertion, Deletion,
		} {
			for _, fill := range r.fills(way(w)) {
				c, err := curve(ctx, r.m.Logits, p.input, p.class, order, fill, r.Steps)
				if err != nil {
					return err
				}
				p.curves[w][method] = append(p.curves[w][method], c)
			}
		}
	}
	return nil
}

// sumUp takes all measures but those of random weights.
func (r *runner) sumUp() {
	rep := r.report
	rep.Images, rep.Methods = len(r.shots), r.methods
	right := 0
	for _, p := range r.shots {
		if p.right {
			right++
		}
		if hit := touches(r, p, Head); !math.IsNaN(hit) {
			c := &rep.Chosen[p.class]
			c.Unseen++
			c.UnseenHits += int(hit)
		}
	}
	rep.Right, rep.Range = 100*float64(right)/float64(len(r.shots)), stats.Wilson(right, len(r.shots))
	if r.drawn != nil {
		r.chooseThresholds()
	}
	for _, d := range measures {
		if d.of != nil {
			r.measure(&d)
		}
	}
	rep.InsertionCurves, rep.DeletionCurves = r.bands(inserted), r.bands(deleted)
	rep.DegenerateCounts = slices.DeleteFunc(rep.DegenerateCounts,
		func(d Degenerate) bool { return d.Flat+d.Broken == 0 })
}

// bands are the mean curves, by fill and method.
func (r *runner) bands(w way) (bands []Band) {
	for which, fill := range r.fills(w) {
		for _, method := range r.methods {
			b := Band{Method: method, Fill: fill}
			for step := range r.Steps + 1 {
				var values []float64
				for _, p := range r.shots {
					if c := p.curves[w][method]; c != nil {
						values = append(values, c[which].Probability[step])
					}
				}
				if mean, low, high, n := spread(values, r.Seed); n > 0 {
					b.Points = append(b.Points, BandPoint{float64(step) / float64(r.Steps), mean, low, high})
				}
			}
			if len(b.Points) > 0 {
				bands = append(bands, b)
			}
		}
	}
	return bands
}

func (r *runner) notes() {
	rep := r.report
	note := func(format string, args ...any) { rep.Notes = append(rep.Notes, fmt.Sprintf(format, args...)) }
	for _, d := range rep.DegenerateCounts {
		if d.Flat > 0 {
			note("%s is flat in %d of %d pictures: its pixels come in random order, and it points nowhere.",
				title(d.Method), d.Flat, rep.Images)
		}
		if d.Broken > 0 {
			note("%s has NaN or infinite cells in %d of %d pictures, which are left out.", title(d.Method), d.Broken,
				rep.Images)
		}
	}
	left := 0
	for _, p := range r.shots {
		if p.target == (datasets.Box{}) {
			left++
		}
	}
	if rep.Target != "" && left > 0 {
		note("%d of %d pictures show no %s: nothing is pointed at in them.", left, rep.Images, rep.Target)
	}
	if r.drawn == nil {
		note("FunnyBirds' protocol needs drawn birds (gointr birds), whose parts can be taken away.")
	}
	if r.mismatch > 0 {
		note("%d pictures are not as they were drawn: FunnyBirds' protocol leaves them out.", r.mismatch)
	}
	if s := rep.Measure("target_sensitivity").Of(Heads); r.drawn != nil && s == nil {
		note("Target sensitivity was not measured: " +
			"in no picture did the model itself tell the parts of two further classes apart.")
	} else if s != nil && s.Images < rep.Images {
		note("Target sensitivity is of %d pictures: "+
			"in the others a part is hidden, or the model itself does not go by the parts.", s.Images)
	}
}

func title(m Method) string {
	t := m.Title()
	return strings.ToUpper(t[:1]) + t[1:]
}
