package faithful

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// drawing, and scorer, are the pictures and the scorer of internal/oracle/faithful.py.
func drawing(k, h, w int) *picture.Picture {
	p := picture.New(w, h)
	for y := range h {
		for x := range w {
			for c := range 3 {
				p.Pix[(y*w+x)*3+c] = uint8(x*x*3 + y*y*5 + x*y*7 + c*41 + k*17)
			}
		}
	}
	return p
}

func scorer(_ context.Context, pictures []*picture.Picture) (all [][]float32, err error) {
	for _, p := range pictures {
		var logits []float32
		for c := range 3 {
			sum := 0.0
			for i, v := range p.Pix {
				sum += math.Sin(float64(c+1)*0.37*float64(i+1)+float64(c)) * (float64(v) / 255)
			}
			logits = append(logits, float32(sum/4))
		}
		all = append(all, logits)
	}
	return all, nil
}

// Every number agrees with NumPy's and SciPy's on the same maps and logits.
func TestNumPy(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "numpy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Steps int
		Box   [4]float64
		Seed  uint64
		Cases []struct {
			Name    string
			Picture int
			Map     []float32
			Class   int
			First   []int
			Curves  map[string]struct {
				Probability []float64
				Area        float64
			}
			Energy float64
			Hit    [3]bool
		}
		Spearman []struct {
			A, B []float64
			Rho  float64
		}
	}
	// NumPy's list of bytes is no base64.
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	var blurred []int
	if err := json.Unmarshal(raw["blurred"], &blurred); err != nil {
		t.Fatal(err)
	}
	delete(raw, "blurred")
	data, _ = json.Marshal(raw)
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6) {
			t.Errorf("%s is %v, NumPy's %v", what, got, want)
		}
	}
	box := datasets.Box{X0: want.Box[0], Y0: want.Box[1], X1: want.Box[2], Y1: want.Box[3]}
	if len(want.Cases) != 5 {
		t.Fatalf("%d cases", len(want.Cases))
	}
	for _, c := range want.Cases {
		m := attention.Map{Rows: 3, Cols: 4, Values: c.Map}
		p := drawing(c.Picture, 24, 32)
		order, err := Order(m, p.Width, p.Height, want.Seed)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(order[:len(c.First)], c.First) {
			t.Errorf("%s: the first pixels are %v, NumPy's %v", c.Name, order[:len(c.First)], c.First)
		}
		for _, fill := range []Fill{Blur, Mean} {
			for way, f := range map[string]func(context.Context, Logits, *picture.Picture, int, []int, Fill,
				int) (Curve, error){"insertion": Insertion, "deletion": Deletion} {
				curve, err := f(context.Background(), scorer, p, c.Class, order, fill, want.Steps)
				if err != nil {
					t.Fatal(err)
				}
				w := c.Curves[way+" "+string(fill)]
				if len(curve.Probability) != len(w.Probability) {
					t.Fatalf("a curve of %d points, NumPy's has %d", len(curve.Probability), len(w.Probability))
				}
				for i, v := range w.Probability {
					near(c.Name+", "+way, curve.Probability[i], v)
				}
				near(c.Name+", area of "+way, curve.Area(), w.Area)
			}
		}
		energy, err := Energy(m, box, p.Width, p.Height)
		if err != nil {
			t.Fatal(err)
		}
		near(c.Name+", energy", energy, c.Energy)
		hit, err := Point(m, box, p.Width, p.Height)
		if err != nil {
			t.Fatal(err)
		}
		if hit != (Hit{c.Hit[0], c.Hit[1], c.Hit[2]}) {
			t.Errorf("%s points %+v, NumPy's %v", c.Name, hit, c.Hit)
		}
	}
	big, err := Blur.Of(drawing(9, 120, 100))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range blurred {
		if int(big.Pix[i*97]) != v {
			t.Fatalf("the blur of pixel %d is %d, NumPy's %d", i*97, big.Pix[i*97], v)
		}
	}
	for _, c := range want.Spearman {
		near("Spearman's", Spearman(c.A, c.B), c.Rho)
	}
}

func TestDegenerateMaps(t *testing.T) {
	nan := attention.Map{Rows: 1, Cols: 2, Values: []float32{float32(math.NaN()), 1}}
	if _, err := Order(nan, 4, 4, 0); err == nil {
		t.Error("a NaN was ranked")
	}
	if _, err := Point(nan, datasets.Box{X1: 1, Y1: 1}, 4, 4); err == nil {
		t.Error("a NaN points")
	}
	if _, err := Energy(nan, datasets.Box{X1: 1, Y1: 1}, 4, 4); err == nil {
		t.Error("a NaN has energy")
	}
	flat := attention.Map{Rows: 2, Cols: 2, Values: []float32{.25, .25, .25, .25}}
	if hit, err := Point(flat, datasets.Box{X1: 4, Y1: 4}, 4, 4); err != nil || hit != (Hit{}) {
		t.Errorf("a flat map points %+v, %v", hit, err)
	}
	a, _ := Order(flat, 16, 16, 1)
	b, _ := Order(flat, 16, 16, 2)
	c, _ := Order(flat, 16, 16, 1)
	if !slices.Equal(a, c) || slices.Equal(a, b) || a[0] == 0 && a[1] == 1 {
		t.Error("the pixels of a flat map do not come as the seed says")
	}
	for _, lists := range [][2][]float64{{{1}, {1}}, {{1, 1, 1}, {1, 2, 3}}, {{1, math.NaN(), 2}, {1, 2, 3}},
		{{1, 2}, {1, 2, 3}}} {
		if v := Spearman(lists[0], lists[1]); !math.IsNaN(v) {
			t.Errorf("Spearman of %v is %v", lists, v)
		}
	}
	p := drawing(0, 8, 8)
	if _, err := Insertion(context.Background(), scorer, p, 0, a, Blur, 4); err == nil ||
		!strings.Contains(err.Error(), "256 pixels") {
		t.Errorf("an order of another picture: %v", err)
	}
	order, _ := Order(flat, 8, 8, 1)
	if _, err := Deletion(context.Background(), scorer, p, 3, order, Mean, 4); err == nil {
		t.Error("a class that is not there was measured")
	}
	if _, err := Deletion(context.Background(), scorer, p, 0, order, "black", 4); err == nil {
		t.Error("a fill that is not there was taken")
	}
}

func TestMinimalSets(t *testing.T) {
	species, err := birds.First(8)
	if err != nil {
		t.Fatal(err)
	}
	for index, sets := range minimalSets(species) {
		if len(sets) != 1 || sets[0] != 1<<birds.At(index).Telling {
			t.Errorf("species %d is told by %v, not by its %v alone", index, sets, birds.At(index).Telling)
		}
	}
}

// seer looks at one cell for every class: that of the telling part in the first
// head, the corner in the second. It knows the classes.
type seer struct {
	model.Model
	about   model.About
	parts   map[string][]datasets.Part
	size    int
	blurred *uint64 // its maps are random, by this seed
}

func newSeer(o birds.Options, dir string) *seer {
	s := &seer{about: model.About{Classes: o.Classes, EvalSize: 96}, size: o.Size}
	for i := range o.Classes {
		s.about.Names = append(s.about.Names, birds.At(i).Class())
	}
	s.parts, _ = datasets.ReadParts(filepath.Join(dir, "parts.csv"))
	return s
}

func (s *seer) About() model.About { return s.about }

func (s *seer) answer(p *picture.Picture) []float32 { // by the picture's own colours, somehow
	logits := make([]float32, s.about.Classes)
	for i, v := range p.Pix {
		logits[i/37%len(logits)] += float32(v) / 5000
	}
	return logits
}

func (s *seer) Explain(_ context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
	classes := s.about.Classes
	e := &attention.Explanation{Image: image, Logits: s.answer(p), Layers: 1, Heads: 2, Rows: 6, Cols: 6,
		InputWidth: p.Width, InputHeight: p.Height}
	e.Weights = make([]float32, 2*classes*36)
	for class := range classes {
		cell := 0
		for _, part := range s.parts[image] {
			if part.Name == birds.At(class).Telling.String() {
				cell = int(part.Y*6/float64(s.size))*6 + int(part.X*6/float64(s.size))
			}
		}
		e.Weights[class*36+cell] = 1
		e.Weights[(classes+class)*36] = 1
	}
	for plane := range 2 * classes {
		if s.blurred != nil {
			copy(e.Weights[plane*36:], RandomMap(6, 6, *s.blurred+uint64(plane)).Values)
		}
	}
	return e, e.Check()
}

func (s *seer) Logits(_ context.Context, pictures []*picture.Picture) (all [][]float32, err error) {
	for _, p := range pictures {
		all = append(all, s.answer(p))
	}
	return all, nil
}

func (s *seer) Baselines(context.Context, int, *picture.Picture) (attention.Map, attention.Map, error) {
	broken := RandomMap(6, 6, 0)
	broken.Values[3] = float32(math.NaN())
	return attention.Map{Rows: 6, Cols: 6, Values: make([]float32, 36)}, broken, nil
}

func (s *seer) Randomised(parts []Part, seed uint64) (Subject, func(), error) {
	other := *s
	if slices.Contains(parts, Backbone) {
		other.blurred = &seed
	}
	return &other, func() {}, nil
}

func drawn(t *testing.T) (string, birds.Options) {
	t.Helper()
	dir, o := filepath.Join(t.TempDir(), "birds"), birds.Options{Classes: 4, PerClass: 6, Size: 96, Seed: 5}
	if err := birds.Write(context.Background(), dir, o, func() {}); err != nil {
		t.Fatal(err)
	}
	return dir, o
}

func TestRun(t *testing.T) {
	dir, set := drawn(t)
	o := Default()
	o.Dataset, o.MaxImages, o.Steps, o.Seed = dir, 6, 4, 3
	o.Insertion, o.Deletion = []Fill{Blur, Mean}, []Fill{Mean, Blur}
	m := newSeer(set, dir)
	var told []string
	r, err := Run(context.Background(), m, o, func(p Progress) {
		if len(told) == 0 || told[len(told)-1] != p.Doing {
			told = append(told, p.Doing)
		}
		if p.Done < 0 || p.Done >= p.Of {
			t.Errorf("%+v", p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []string{"choosing heads", "measuring", "sanity checks"}) {
		t.Errorf("it told %q", told)
	}
	if r.Images != 6 || r.Target != "telling part" || !slices.Equal(r.Methods,
		[]Method{Head, Heads, GradCAM, Rollout, Random, Centre}) {
		t.Errorf("%d images, %q, %v", r.Images, r.Target, r.Methods)
	}
	for _, c := range r.Chosen {
		if c.Head != 0 || c.Hits == 0 || c.Of == 0 {
			t.Errorf("%+v was chosen", c)
		}
	}
	// The first head points at the telling part by its making, with all its weight.
	if s := r.Measure("pointing_cell").Of(Head); s == nil || s.Mean != 1 {
		t.Errorf("the chosen head points %+v", s)
	}
	if s := r.Measure("pointing_cell").Of(Centre); s == nil || s.Mean > 0.7 {
		t.Errorf("the centre points %+v", s)
	}
	if s := r.Measure("energy").Of(Head); s == nil || s.Mean <= r.Measure("energy").Of(Random).Mean {
		t.Errorf("the chosen head's energy is %+v", s)
	}
	// Grad-CAM is 0 everywhere, rollout is broken.
	if s := r.Measure("pointing").Of(GradCAM); s == nil || s.Mean != 0 {
		t.Errorf("a flat map points %+v", s)
	}
	if s := r.Measure("insertion").Of(Rollout); s != nil {
		t.Errorf("a broken map has %+v", s)
	}
	want := []Degenerate{{GradCAM, 6, 0}, {Rollout, 0, 6}}
	if !slices.Equal(r.DegenerateCounts, want) {
		t.Errorf("degenerate are %+v", r.DegenerateCounts)
	}
	notes := strings.Join(r.Notes, "\n")
	for _, word := range []string{"Grad-CAM is flat in 6 of 6", "ttention rollout has NaN"} {
		if !strings.Contains(notes, word) {
			t.Errorf("%q is not in the notes %q", word, notes)
		}
	}
	if s := r.Measure("random_decoder").Of(Head); s == nil || s.Mean != 1 {
		t.Errorf("the same map is like itself by %+v", s)
	}
	if s := r.Measure("random_backbone").Of(Head); s == nil || math.Abs(s.Mean) > 0.6 {
		t.Errorf("a random map is like the one before by %+v", s)
	}
	for _, k := range r.Measures {
		for _, s := range k.Scores {
			if !(s.Range[0] <= s.Mean+1e-9 && s.Mean <= s.Range[1]+1e-9) {
				t.Errorf("%s of %s: %v is not in %v", k.Key, s.Method, s.Mean, s.Range)
			}
			if s.Method.INTR() && !strings.HasPrefix(k.Key, "random_") && len(s.Against) == 0 {
				t.Errorf("%s of %s is compared with nothing", k.Key, s.Method)
			}
		}
	}
	if len(r.InsertionCurves) != 2*5 || len(r.InsertionCurves[0].Points) != 5 {
		t.Errorf("%d insertion curves", len(r.InsertionCurves))
	}
	// JSON has what the contract says, and leads back.
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"insertion", "deletion", "pointing", "energy", "seed", "dataset_digest",
		"checkpoint_sha256", "steps"} {
		if keys[key] == nil {
			t.Errorf("%s is not in the JSON", key)
		}
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.String() != r.String() || back.Markdown() != r.Markdown() {
		t.Error("a report that comes from JSON says something else")
	}
	again, err := Run(context.Background(), m, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := json.Marshal(again); string(second) != string(text) {
		t.Error("the same seed gives another report")
	}
	out := t.TempDir()
	for name, write := range map[string]func(string) error{"table.csv": r.WriteTable, "curves.csv": r.WriteCurves,
		"pictures.csv": r.WritePictures} {
		path := filepath.Join(out, name)
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(path); strings.Count(string(text), "\n") < 20 ||
			strings.Contains(string(text), "NaN") {
			t.Errorf("%s is %.200s", name, text)
		}
	}
}

func TestRunEnds(t *testing.T) {
	dir, set := drawn(t)
	o := Default()
	o.Dataset = dir
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, newSeer(set, dir), o, func(p Progress) {
		if p.Doing == "measuring" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
	for _, wrong := range []struct {
		change func(*Options)
		says   string
	}{
		{func(o *Options) { o.Dataset = "" }, "no dataset"},
		{func(o *Options) { o.Steps = 1 }, "steps"},
		{func(o *Options) { o.MaxImages = -1 }, "number of pictures"},
		{func(o *Options) { o.Insertion = []Fill{"black"} }, "no fill"},
		{func(o *Options) { o.Deletion = nil }, "need a fill"},
		{func(o *Options) { o.Dataset = t.TempDir() }, "val"},
		{func(o *Options) { o.Parts = filepath.Join(dir, "nothing.csv") }, "nothing.csv"},
		{func(o *Options) { o.Parts = filepath.Join(dir, "species.json") }, "species.json"},
	} {
		o := Default()
		o.Dataset = dir
		wrong.change(&o)
		if _, err := Run(context.Background(), newSeer(set, dir), o, nil); err == nil ||
			!strings.Contains(err.Error(), wrong.says) {
			t.Errorf("instead of %q it says %v", wrong.says, err)
		}
	}
	few := newSeer(set, dir)
	few.about.Classes, few.about.Names = 3, few.about.Names[:3]
	if _, err := Run(context.Background(), few, o, nil); err == nil {
		t.Error("a model of other classes was measured")
	}
}

// With boxes of whole animals only, these are pointed at; with nothing, nothing.
func TestRunWithBoxes(t *testing.T) {
	dir, set := drawn(t)
	m := struct{ Subject }{newSeer(set, dir)} // neither an Attributer nor a Randomiser
	if err := os.Remove(filepath.Join(dir, "species.json")); err != nil {
		t.Fatal(err)
	}
	parts := filepath.Join(dir, "parts.csv")
	if err := os.Remove(parts); err != nil {
		t.Fatal(err)
	}
	o := Default()
	o.Dataset, o.MaxImages, o.Steps = dir, 4, 2
	r, err := Run(context.Background(), m, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Measure("pointing") != nil || r.Measure("insertion") == nil || r.Measure("single_deletion") != nil ||
		!slices.Equal(r.Methods, []Method{Heads, Random, Centre}) ||
		!strings.Contains(strings.Join(r.Notes, " "), "neither parts.csv nor boxes.csv") {
		t.Errorf("%v, %v, %q", r.Measure("pointing"), r.Methods, r.Notes)
	}
	var text strings.Builder
	text.WriteString("path,x,y,width,height\n")
	for _, split := range []string{"train", "val"} {
		s, err := datasets.OpenSplit(dir, split)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Len() {
			text.WriteString(s.Key(i) + ",0,0,96,96\n")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "boxes.csv"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err = Run(context.Background(), m, o, nil); err != nil {
		t.Fatal(err)
	}
	if r.Target != "whole animal" || r.Measure("pointing").Of(Heads).Mean != 1 ||
		math.Abs(r.Measure("energy").Of(Centre).Mean-1) > 1e-9 || r.Measure("pointing_whole") != nil {
		t.Errorf("%q, %+v, %+v", r.Target, r.Measure("pointing"), r.Measure("energy"))
	}
}
