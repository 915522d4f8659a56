package train_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

// A fixtureRun is one of the oracle's trainings in testdata/training.json.
type fixtureRun struct {
	Start          string
	Frozen         []string
	Schedule       string
	Accumulate     int
	LabelSmoothing float64 `json:"label_smoothing"`
	ClipMaxNorm    float64 `json:"clip_max_norm"`
	TrainBatchNorm bool    `json:"train_batchnorm"`
	Steps          []struct {
		Batches [][]int
		Losses  []float64
		Norm    float64
		LR      []float64
	}
	Final map[string]float64
}

type fixture struct {
	LR          float64
	LRBackbone  float64 `json:"lr_backbone"`
	WeightDecay float64 `json:"weight_decay"`
	Runs        map[string]fixtureRun
	pictures    []*picture.Picture
}

func readFixture(t *testing.T) fixture {
	t.Helper()
	var f fixture
	readJSON(t, "testdata/training.json", &f)
	images := openNPZ(t, "testdata/training.npz")
	for i := range 6 {
		key := fmt.Sprintf("picture%d", i)
		shape := images.r.Header(key + ".npy").Descr.Shape
		var pix []uint8
		if err := images.r.Read(key+".npy", &pix); err != nil {
			t.Fatal(err)
		}
		f.pictures = append(f.pictures, &picture.Picture{Height: shape[0], Width: shape[1], Pix: pix})
	}
	return f
}

func (f fixture) batch(pick []int, classes int) *train.Batch {
	var pictures []*picture.Picture
	var labels []int
	for _, i := range pick {
		pictures = append(pictures, f.pictures[i])
		labels = append(labels, i%classes)
	}
	return train.NewBatch(pictures, labels, pick)
}

func (f fixture) settings(r fixtureRun, engine string) finetune.Settings {
	s := finetune.DefaultSettings()
	s.Engine, s.LR, s.LRBackbone, s.WeightDecay, s.Dropout, s.BatchSize, s.Canvas = engine, f.LR, f.LRBackbone,
		f.WeightDecay, 0, 3, 96
	s.Frozen, s.Accumulate, s.LabelSmoothing, s.ClipMaxNorm, s.TrainBatchNorm = r.Frozen, r.Accumulate,
		r.LabelSmoothing, r.ClipMaxNorm, r.TrainBatchNorm
	s.Schedule = finetune.Schedule{
		Kind:       r.Schedule,
		StepSize:   2,
		Gamma:      0.1,
		TMax:       4,
		EtaMin:     1e-5,
		TotalSteps: len(r.Steps),
	}
	return s
}

func startFrom(t *testing.T, name string, classes int) *train.Start {
	t.Helper()
	start, err := train.FromCheckpoint(context.Background(), filepath.Join("..", "..", "intr", "testdata", name+".pth"),
		train.StartOptions{Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	return start
}

var classesOf = map[string]int{"basic": 5, "prenorm_learned": 3, "dc5": 4}

// newTrainer begins run r of the fixture.
func (f fixture) newTrainer(t *testing.T, r fixtureRun, s finetune.Settings) *train.Trainer {
	t.Helper()
	tr, err := train.NewTrainer(startFrom(t, r.Start, classesOf[r.Start]), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// Five small trainings, of every kind of model, frozen part and schedule, step by
// step beside PyTorch.
func TestSmallTraining(t *testing.T) {
	f := readFixture(t)
	enginetest.Each(t, func(t *testing.T, engine string) {
		for name, r := range f.Runs {
			if engine != "go" && name != "batchnorm" {
				continue // each takes XLA seconds to compile
			}
			t.Run(name, func(t *testing.T) {
				tr := f.newTrainer(t, r, f.settings(r, engine))
				far, worst := float32s(t, name), [3]float64{}
				for i, step := range r.Steps {
					lr, lrBackbone := tr.LR()
					near(t, fmt.Sprintf("learning rate %d", i), lr, step.LR[0], -1e-14)
					near(t, fmt.Sprintf("learning rate %d of the backbone", i), lrBackbone, step.LR[1], -1e-14)
					var got train.StepResult
					for j, pick := range step.Batches {
						var err error
						if got, err = tr.Step(t.Context(), f.batch(pick, classesOf[r.Start])); err != nil {
							t.Fatal(err)
						}
						near(t, fmt.Sprintf("loss %d.%d", i, j), got.Loss, step.Losses[j], far.Within(t, "loss", 1e-4))
						worst[0] = max(worst[0], math.Abs(got.Loss-step.Losses[j]))
					}
					if !got.Updated {
						t.Fatalf("after %d batches no step was made", len(step.Batches))
					}
					near(t, fmt.Sprintf("gradient norm %d", i), got.GradNorm, step.Norm, -far.Within(t, "norm", 1e-3))
					worst[1] = max(worst[1], math.Abs(got.GradNorm/step.Norm-1))
					tr.EndEpoch()
				}
				for _, p := range intr.Params(tr.Model().Config) {
					want, norm := r.Final[p.Key], norm(t, tr, p)
					within := far.Within(t, "final", 5e-5) * max(want, 1)
					if noise[p.Key] || strings.HasSuffix(p.Key, "in_proj_bias") {
						within = f.LR * float64(len(r.Steps)) * math.Sqrt(float64(p.Len()))
					}
					near(t, "the norm of "+p.Key, norm, want, within)
				}
				t.Logf("losses within %.2g, gradient norms within %.2g", worst[0], worst[1])
			})
		}
	})
}

// In bfloat16 a model learns as well, with losses that are rounded to two or three
// digits.
func TestBFloat16(t *testing.T) {
	f := readFixture(t)
	c := train.Slim()
	c.Width, c.HiddenDim, c.FeedForward, c.Classes = 8, 32, 48, 6
	batch := f.batch([]int{0, 1, 2, 3, 4, 5}, 6)
	enginetest.Each(t, func(t *testing.T, engine string) {
		var first, last [2]float64
		for i, short := range []bool{false, true} {
			start, err := train.FromNothing(c, 1)
			if err != nil {
				t.Fatal(err)
			}
			s := finetune.DefaultSettings()
			s.Engine, s.Frozen, s.TrainBatchNorm, s.LR, s.LRBackbone, s.BatchSize, s.Dropout, s.BFloat16 = engine, nil,
				true, 2e-3, 2e-3, 6, 0, short
			s.Schedule = finetune.Schedule{Kind: finetune.OneCycleLR, TotalSteps: 25}
			tr, err := train.NewTrainer(start, s)
			if err != nil {
				t.Fatal(err)
			}
			for step := range 25 {
				got, err := tr.Step(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				if step == 0 {
					first[i] = got.Loss
				}
				last[i] = got.Loss
			}
			tr.Close()
		}
		t.Logf("the first loss is %.4f, in bfloat16 %.4f; the last %.4f, %.4f", first[0], first[1], last[0], last[1])
		if apart := math.Abs(first[1] - first[0]); apart > 0.05 || apart < 1e-6 {
			t.Errorf("the first loss is %g apart: either it is wrong, or nothing was rounded", apart)
		}
		if last[1] > first[1]/4 || last[0] > first[0]/4 {
			t.Errorf("it does not learn: %g, in bfloat16 %g", last[0], last[1])
		}
	})
}

func norm(t *testing.T, tr *train.Trainer, p intr.Param) float64 {
	t.Helper()
	values, err := tr.Model().Values(p)
	if err != nil {
		t.Fatal(err)
	}
	square := 0.0
	for _, v := range values {
		square += float64(v) * float64(v)
	}
	return math.Sqrt(square)
}

// Four devices make the step of one.
func TestDevices(t *testing.T) {
	engine, err := backend.Open(backend.XLA)
	if err != nil || engine.NumDevices() < 4 {
		t.Skipf("skipped: there are no four devices of XLA here (%v)", err)
	}
	f := readFixture(t)
	r := f.Runs["published"]
	one := f.settings(r, backend.XLA)
	one.BatchSize = 4
	four := one
	four.Devices = 4
	a, b := f.newTrainer(t, r, one), f.newTrainer(t, r, four)
	for i := range 3 {
		batch := f.batch([]int{i, i + 1, i + 2}, 5) // of a room of four
		x, y := step(t, a, batch), step(t, b, batch)
		if math.Abs(x.Loss-y.Loss) > 1e-4 || math.Abs(x.GradNorm/y.GradNorm-1) > 1e-4 || x.Acc1 != y.Acc1 {
			t.Errorf("step %d: %+v on one device, %+v on four", i, x, y)
		}
		t.Logf("losses %.2g apart, norms %.2g", math.Abs(x.Loss-y.Loss), math.Abs(x.GradNorm/y.GradNorm-1))
	}
	path := filepath.Join(t.TempDir(), "checkpoint.pth")
	if err := b.Save(path, train.Extra{}); err != nil {
		t.Fatal(err)
	}
	again, _, err := train.Resume(path, intr.Config{}, one)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, p := range intr.Params(a.Model().Config) {
		near(t, "the norm of "+p.Key+" on four devices", norm(t, again, p), norm(t, a, p), 1e-3)
	}
}

// A model from nothing learns six pictures, and a backbone that ends with layer3 has a
// stride of 16.
func TestFromNothing(t *testing.T) {
	f := readFixture(t)
	start, err := train.FromNothing(intr.Config{
		Backbone: "resnet", Blocks: [4]int{1, 1, 1}, Width: 8, Positions: "sine", HiddenDim: 32, Heads: 4,
		EncoderLayers: 1, DecoderLayers: 2, FeedForward: 48, Classes: 6,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if start.Config.Stride() != 16 {
		t.Errorf("the stride is %d", start.Config.Stride())
	}
	batch := f.batch([]int{0, 1, 2, 3, 4, 5}, 6)
	s := finetune.DefaultSettings()
	s.Engine, s.Frozen, s.LR, s.LRBackbone, s.BatchSize, s.Dropout = "go", nil, 5e-4, 5e-4, 6, 0
	s.TrainBatchNorm, s.Schedule = true, finetune.Schedule{Kind: finetune.OneCycleLR, TotalSteps: 60}
	tr, err := train.NewTrainer(start, s)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	before, err := tr.Evaluate(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, err := tr.Step(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	after, err := tr.Evaluate(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	tally := evaluation.New(make([]string, 6))
	for i, logits := range after.Logits {
		if err := tally.Add(fmt.Sprint(i), batch.Classes[i], logits); err != nil {
			t.Fatal(err)
		}
	}
	report, err := tally.Report()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loss %.3f → %.3f, %.0f %% right", before.Loss, after.Loss, report.Acc1)
	near(t, "the loss", report.Loss, after.Loss, 1e-5)
	if before.Loss > 3 || after.Loss > 0.3 || report.Acc1 != 100 || report.Acc5 != 100 {
		t.Errorf("six pictures are not learned: loss %.3f, then %.3f with %.0f %% right", before.Loss, after.Loss,
			report.Acc1)
	}
	path := filepath.Join(t.TempDir(), "slim.pth")
	if err := tr.Save(path, train.Extra{}); err != nil {
		t.Fatal(err)
	}
	m, err := intr.Open(t.Context(), path, intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config != start.Config {
		t.Errorf("%+v became %+v", start.Config, m.Config)
	}
	for _, answers := range []*intr.Model{m, tr.Model()} {
		out, err := answers.Run(t.Context(), batch.Input)
		if err != nil {
			t.Fatal(err)
		}
		for i, logits := range after.Logits {
			for j, logit := range logits {
				near(t, "a logit", float64(out.Logits[i*6+j]), float64(logit), 1e-4)
			}
		}
	}
	if python := os.Getenv("GOINTR_ORACLE"); python != "" {
		const script = `
import sys, torch
sys.path[:0] = ["testdata"]
import generate as g
saved = torch.load(sys.argv[1], weights_only=True)
c = g.ref.config(**saved["args"])
m = g.ref.INTR(c).eval()
m.load_state_dict(saved["model"])
images = g.images_of(list(g.pictures()))
with torch.no_grad():
    loss = torch.nn.functional.cross_entropy(m(*g.ref.batch(images))[0], torch.arange(6)).item()
assert abs(loss - float(sys.argv[2])) < 1e-5, (loss, sys.argv[2])
`
		if message, err := exec.Command(python, "-c", script, path, fmt.Sprint(after.Loss)).
			CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, message)
		}
	}
}

// What the queries of a start are, by the published rule.
func TestQueries(t *testing.T) {
	had := startFrom(t, "basic", 5).Values["query_embed.weight"]
	few := startFrom(t, "basic", 3).Values["query_embed.weight"]
	if !slices.Equal(few, had[:3*16]) {
		t.Error("fewer queries are not the first ones")
	}
	start, err := train.FromCheckpoint(context.Background(), "../../intr/testdata/basic.pth",
		train.StartOptions{Classes: 12, NoiseFrac: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	more := start.Values["query_embed.weight"]
	if len(more) != 12*16 || !slices.Equal(more[:len(had)], had) {
		t.Fatal("more queries do not begin with those there were")
	}
	square := 0.0
	for i, v := range more[len(had):] {
		d := float64(v - had[i%len(had)])
		square += d * d
	}
	if deviation := math.Sqrt(square / float64(len(more)-len(had))); math.Abs(deviation-0.1) > 0.03 {
		t.Errorf("the noise on copies has a deviation of %.3f, and 0.1 was asked for", deviation)
	}
}

// A DETR, made of a small INTR by taking its presence vector and giving it the
// heads that find boxes, starts a training: the heads are dropped, the queries
// cut, everything else is kept, and the new presence vector learns.
func TestFromDETR(t *testing.T) {
	path, config := writeDETR(t, true)
	width := config.HiddenDim
	const classes = 3
	start, err := train.FromCheckpoint(t.Context(), path, train.StartOptions{Classes: classes, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	if start.From != "DETR" || start.Config.Classes != classes {
		t.Fatalf("the start is an %s of %d classes", start.From, start.Config.Classes)
	}
	intrStart := startFrom(t, "basic", classes)
	for _, p := range intr.Params(start.Config) {
		had, has := intrStart.Values[p.Key], start.Values[p.Key]
		if new := strings.HasPrefix(p.Key, "presence_vector"); new == slices.Equal(had, has) {
			t.Errorf("%s: that it is the DETR's own is %v", p.Key, !new)
		}
	}
	// Xavier's uniform distribution on [1, width].
	bound := math.Sqrt(6 / float64(1+width))
	for _, v := range start.Values["presence_vector.weight"] {
		if math.Abs(float64(v)) > bound {
			t.Errorf("the presence vector has a weight of %v, above Xavier's bound of %v", v, bound)
		}
	}
	f := readFixture(t)
	tr, err := train.NewTrainer(start, f.settings(f.Runs["published"], "go"))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	batch := f.batch([]int{0, 1, 2}, classes)
	first, err := tr.Step(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	var last train.StepResult
	for range 10 {
		if last, err = tr.Step(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if !(last.Loss < first.Loss) {
		t.Errorf("after ten steps on one batch the loss is %v, and it was %v", last.Loss, first.Loss)
	}
}

// writeDETR writes a DETR that is made of a small INTR, with its args or without.
func writeDETR(t *testing.T, args bool) (path string, config intr.Config) {
	t.Helper()
	file, err := torchfile.Open("../../intr/testdata/basic.pth")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	state, config, err := intr.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	model := &torchfile.Dict{Ordered: true}
	for _, p := range intr.Params(config) {
		if !strings.HasPrefix(p.Key, "presence_vector") {
			model.Set(p.Key, state[p.Key])
		}
	}
	width := config.HiddenDim
	for key, shape := range map[string][]int{
		"class_embed.weight": {92, width}, "class_embed.bias": {92},
		"bbox_embed.layers.0.weight": {width, width}, "bbox_embed.layers.0.bias": {width},
		"bbox_embed.layers.1.weight": {width, width}, "bbox_embed.layers.1.bias": {width},
		"bbox_embed.layers.2.weight": {4, width}, "bbox_embed.layers.2.bias": {4},
	} {
		n := shape[0]
		if len(shape) == 2 {
			n *= shape[1]
		}
		head, err := torchfile.NewTensor(key, shape, make([]float32, n))
		if err != nil {
			t.Fatal(err)
		}
		model.Set(key, head)
	}
	whole := &torchfile.Dict{}
	whole.Set("model", model)
	if args {
		whole.Set("args", config.Args())
	}
	path = filepath.Join(t.TempDir(), "detr.pth")
	if err := torchfile.WritePTH(path, whole); err != nil {
		t.Fatal(err)
	}
	return path, config
}

// What is known of a checkpoint's architecture is used where weights and args leave
// it open, and refused by name where they say otherwise.
func TestAsked(t *testing.T) {
	silent, config := writeDETR(t, false)
	says, _ := writeDETR(t, true)
	for _, heads := range []int{0, 4} {
		start, err := train.FromCheckpoint(t.Context(), silent,
			train.StartOptions{Classes: 3, Asked: intr.Config{Heads: heads}})
		if err != nil || start.Config.Heads != cmp.Or(heads, 8) {
			t.Errorf("%d heads become %d (%v)", heads, start.Config.Heads, err)
		}
	}
	same := config
	same.Classes = 3
	if start, err := train.FromCheckpoint(t.Context(), says, train.StartOptions{Classes: 3, Asked: same}); err != nil ||
		start.Config != same {
		t.Errorf("what it is becomes %+v (%v)", start, err)
	}
	for name, asked := range map[string]intr.Config{
		"nheads 4": {Heads: 4}, "enc_layers 3": {EncoderLayers: 3}, "dec_layers 7": {DecoderLayers: 7},
		"width 64": {Width: 64}, "hidden_dim 256": {HiddenDim: 256}, "dim_feedforward 9": {FeedForward: 9},
		"blocks [3 4 6 3]": {Blocks: [4]int{3, 4, 6, 3}}, "dilation true": {Dilation: true},
		"pre_norm true": {PreNorm: true}, "position_embedding learned": {Positions: "learned"},
	} {
		for _, path := range []string{says, silent} {
			if _, err := train.FromCheckpoint(t.Context(), path, train.StartOptions{Classes: 3, Asked: asked}); path ==
				silent &&
				asked.Heads > 0 {
				continue
			} else if what, _, _ := strings.Cut(name, " "); err == nil || !strings.Contains(err.Error(), what) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%s is answered with %v", name, err)
			}
		}
	}
}

// What cannot be trained is refused in one sentence.
func TestRefusals(t *testing.T) {
	f := readFixture(t)
	r := f.Runs["published"]
	for says, change := range map[string]func(*finetune.Settings){
		"tail":       func(s *finetune.Settings) { s.Frozen = []string{"tail"} },
		"every part": func(s *finetune.Settings) { s.Frozen = finetune.Parts },
		"dropout":    func(s *finetune.Settings) { s.Dropout = 1 },
		"batch_size": func(s *finetune.Settings) { s.BatchSize = 0 },
		"cosine": func(s *finetune.Settings) {
			s.Schedule = finetune.Schedule{Kind: finetune.CosineAnnealingLR}
		},
		"Sometimes":     func(s *finetune.Settings) { s.Schedule.Kind = "Sometimes" },
		"1000 were ask": func(s *finetune.Settings) { s.Devices, s.BatchSize = 1000, 1000 },
	} {
		s := f.settings(r, "go")
		change(&s)
		tr, err := train.NewTrainer(startFrom(t, "basic", 5), s)
		if err == nil {
			tr.Close()
			t.Errorf("nothing is said of %q", says)
		} else if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("says %q, which does not name %q in one line", err, says)
		}
	}
	tr := f.newTrainer(t, r, f.settings(r, "go"))
	if _, err := tr.Step(t.Context(), f.batch([]int{0, 1, 2, 3}, 5)); err == nil ||
		!strings.Contains(err.Error(), "batch_size") {
		t.Errorf("a batch that is too large is answered with %v", err)
	}
	if _, err := tr.Step(t.Context(), f.batch([]int{5}, 6)); err == nil || !strings.Contains(err.Error(), "class 5") {
		t.Errorf("a class that the model lacks is answered with %v", err)
	}
	s := f.settings(r, "go")
	path := filepath.Join(t.TempDir(), "checkpoint.pth")
	if _, err := tr.Step(t.Context(), f.batch([]int{0, 1}, 5)); err != nil {
		t.Fatal(err)
	}
	if err := tr.Save(path, train.Extra{}); err != nil {
		t.Fatal(err)
	}
	s.Frozen = nil
	if _, _, err := train.Resume(path, intr.Config{}, s); err == nil ||
		!strings.Contains(err.Error(), "freeze the same parts") {
		t.Errorf("other frozen parts are answered with %v", err)
	}
	if _, _, err := train.Resume("../../intr/testdata/basic.pth", intr.Config{}, s); err == nil ||
		!strings.Contains(err.Error(), "no optimizer") {
		t.Errorf("a checkpoint without optimizer is answered with %v", err)
	}
}

// However large the canvas and the room for pictures, the step is that of the
// batch by itself.
func TestCanvas(t *testing.T) {
	f := readFixture(t)
	r := f.Runs["batchnorm"]
	r.Start = "prenorm_learned"
	if _, err := backend.Open(backend.XLA); err != nil {
		t.Skipf("skipped: the pure-Go engine takes every batch as it is, and there is no other (%v)", err)
	}
	alone := f.settings(r, backend.XLA)
	alone.Canvas = 0
	large := alone
	large.Canvas, large.BatchSize = 144, 5
	a, b := f.newTrainer(t, r, alone), f.newTrainer(t, r, large)
	for i := range 2 {
		batch := f.batch([]int{0, 1, 3}, classesOf[r.Start]) // 96×96 pixels together, on 144×144
		x, y := step(t, a, batch), step(t, b, batch)
		if math.Abs(x.Loss-y.Loss) > 2e-5 || math.Abs(x.GradNorm/y.GradNorm-1) > 1e-4 || x.Acc1 != y.Acc1 {
			t.Errorf("step %d: %+v on the batch's own canvas, %+v on a larger one", i, x, y)
		}
		t.Logf("losses %.2g apart, norms %.2g", math.Abs(x.Loss-y.Loss), math.Abs(x.GradNorm/y.GradNorm-1))
	}
}

// What is computed again is what was kept.
func TestRecompute(t *testing.T) {
	f := readFixture(t)
	for _, name := range []string{"published", "whole", "batchnorm"} {
		r := f.Runs[name]
		s := f.settings(r, "go")
		s.Dropout = 0.1
		again := s
		again.Recompute = true
		a, b := f.newTrainer(t, r, s), f.newTrainer(t, r, again)
		for i := range 2 {
			batch := f.batch([]int{0, 1, 2}, classesOf[r.Start])
			x, y := step(t, a, batch), step(t, b, batch)
			if math.Abs(x.Loss-y.Loss) > 1e-5 || math.Abs(x.GradNorm/y.GradNorm-1) > 1e-4 {
				t.Errorf("%s, step %d: %+v kept, %+v computed again", name, i, x, y)
			}
		}
	}
}

// A loss that is not finite names the pictures and leaves the weights alone.
func TestNotFinite(t *testing.T) {
	f := readFixture(t)
	r := f.Runs["published"]
	enginetest.Each(t, func(t *testing.T, engine string) {
		tr := f.newTrainer(t, r, f.settings(r, engine))
		good := f.batch([]int{0, 1, 2}, 5)
		if _, err := tr.Step(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		values := func() (all []float32) {
			for _, p := range intr.Params(tr.Model().Config) {
				v, err := tr.Model().Values(p)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, v...)
			}
			return all
		}
		before := values()
		bad := f.batch([]int{3, 4, 5}, 5)
		bad.Input.Pixels[100] = float32(math.Inf(1))
		_, err := tr.Step(t.Context(), bad)
		var notFinite *train.NotFiniteError
		if !errors.As(err, &notFinite) || !strings.Contains(err.Error(), "[3 4 5]") ||
			strings.Contains(err.Error(), "\n") {
			t.Fatalf("is answered with %v", err)
		}
		t.Log(err)
		if !slices.Equal(before, values()) || tr.Steps() != 1 {
			t.Error("the weights have changed")
		}
		if _, err := tr.Step(t.Context(), good); err != nil {
			t.Errorf("cannot go on: %v", err)
		}
	})
}

// A training that goes on from its checkpoint makes the very same steps, wherever
// it was saved, dropout included.
func TestResume(t *testing.T) {
	f := readFixture(t)
	enginetest.Each(t, func(t *testing.T, engine string) {
		names := []string{"published", "whole", "accumulated", "batchnorm", "dc5"}
		if engine != "go" {
			names = names[:1] // it takes XLA seconds to compile each
		}
		for _, name := range names {
			r := f.Runs[name]
			s := f.settings(r, engine)
			s.Dropout, s.WarmUp = 0.1, 3
			tr := f.newTrainer(t, r, s)
			path := filepath.Join(t.TempDir(), "checkpoint.pth")
			var losses []float64
			step := func(tr *train.Trainer, i int) float64 {
				got, err := tr.Step(t.Context(), f.batch([]int{i % 6, (i + 1) % 6, (i + 3) % 6}, classesOf[r.Start]))
				if err != nil {
					t.Fatal(err)
				}
				if got.Updated {
					tr.EndEpoch()
				}
				return got.Loss
			}
			for i := range 6 {
				losses = append(losses, step(tr, i))
				if i == 2 {
					if err := tr.Save(path, train.Extra{Epoch: 3}); err != nil {
						t.Fatal(err)
					}
				}
			}
			s.LR, s.Schedule = 17, finetune.Schedule{} // of no influence
			again, resumed, err := train.Resume(path, intr.Config{}, s)
			if err != nil {
				t.Fatal(err)
			}
			if resumed.Epoch != 3 {
				t.Errorf("%s resumes after epoch %d", name, resumed.Epoch)
			}
			for i := 3; i < 6; i++ {
				if loss := step(again, i); loss != losses[i] {
					t.Errorf("%s: loss %d is %v, and %v without an interruption", name, i, loss, losses[i])
				}
			}
			again.Close()
		}
	})
}

// PyTorch goes on with what is saved here, and the losses are those of going on here.
func TestResumeInPyTorch(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with PyTorch (see internal/oracle/README.md)")
	}
	f := readFixture(t)
	for _, name := range []string{"published", "whole", "accumulated", "batchnorm", "dc5"} {
		r := f.Runs[name]
		s := f.settings(r, "go")
		s.Accumulate = 1
		tr := f.newTrainer(t, r, s)
		path := filepath.Join(t.TempDir(), "checkpoint.pth")
		arguments := []string{
			"testdata/resume.py",
			path,
			r.Schedule,
			strings.Join(r.Frozen, " "),
			fmt.Sprint(r.LabelSmoothing),
			fmt.Sprint(r.ClipMaxNorm),
			fmt.Sprint(r.TrainBatchNorm),
		}
		for i := range 5 {
			if i == 2 {
				if err := tr.Save(path, train.Extra{Epoch: 1}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := tr.Step(t.Context(), f.batch([]int{i % 6, (i + 1) % 6, (i + 2) % 6}, classesOf[r.Start]))
			if err != nil {
				t.Fatal(err)
			}
			tr.EndEpoch()
			if i >= 2 {
				arguments = append(arguments, fmt.Sprint(got.Loss))
			}
		}
		if message, err := exec.Command(python, arguments...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, message)
		} else {
			t.Logf("%s: %s", name, strings.TrimSpace(string(message)))
		}
	}
}

// step makes a step that must succeed.
func step(t *testing.T, tr *train.Trainer, batch *train.Batch) train.StepResult {
	t.Helper()
	result, err := tr.Step(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A training begins from the weights that are chosen.
func TestStartsFromAnAverage(t *testing.T) {
	root := &torchfile.Dict{}
	file, err := torchfile.Open("../../intr/testdata/basic.pth")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, ema := &torchfile.Dict{}, &torchfile.Dict{}
	for _, tensor := range file.Tensors() {
		name := strings.TrimPrefix(tensor.Name, "model.")
		half := make([]float32, tensor.Len())
		average, err := torchfile.NewTensor(name, tensor.Shape, half)
		if err != nil {
			t.Fatal(err)
		}
		plain.Set(name, tensor)
		ema.Set(name, average)
	}
	root.Set("model", plain)
	root.Set("ema", ema)
	path := filepath.Join(t.TempDir(), "both.pth")
	if err := torchfile.WritePTH(path, root); err != nil {
		t.Fatal(err)
	}
	for weights, zero := range map[string]bool{"": false, "plain": false, "ema": true} {
		start, err := train.FromCheckpoint(t.Context(), path, train.StartOptions{Classes: 5, Weights: weights})
		if err != nil {
			t.Fatal(err)
		}
		if got := start.Values["input_proj.weight"][0]; (got == 0) != zero {
			t.Errorf("from %q weights the first number is %v", weights, got)
		}
	}
	if _, err := train.FromCheckpoint(t.Context(), path, train.StartOptions{Classes: 5, Weights: "best"}); err == nil ||
		!strings.Contains(err.Error(), "plain (model), ema (ema)") {
		t.Errorf("best weights are answered with %v", err)
	}
}
