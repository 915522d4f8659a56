package intr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
)

// About says what the model is. The digest is that of the checkpoint's file when it
// is first asked for, and missing where that is gone.
func (m *Model) About() model.About {
	words := m.Config.String()
	if m.weights != "" {
		words += ", " + m.weights + " weights"
	}
	return model.About{
		Origin: origin.Model{Model: words, Checkpoint: m.Path, SHA256: m.digest(),
			Engine: m.Engine.String(), Upright: m.Config.Upright},
		Classes: m.Config.Classes, Names: m.Names, EvalSize: m.Config.EvalSize,
	}
}

// Predict ranks all classes for every picture, in the order given. Each is
// answered as if it were alone. The first picture that cannot be read ends it.
func (m *Model) Predict(ctx context.Context, paths ...string) ([]attention.Ranking, error) {
	var rankings []attention.Ranking
	for e, err := range m.Each(ctx, paths) {
		if err != nil {
			return nil, err
		}
		rankings = append(rankings, e.Ranking(-1, true))
	}
	return rankings, nil
}

// Each answers the pictures of files, as model.Model has it.
func (m *Model) Each(ctx context.Context, paths []string) iter.Seq2[*attention.Explanation, error] {
	side, threads := m.sideBySide(len(paths))
	places := make(chan struct{}, side)
	workers := side + runtime.GOMAXPROCS(0) // some have the engine, the others read
	return parallel.Ahead(ctx, len(paths), workers, workers,
		func(ctx context.Context, i int) (*attention.Explanation, error) {
			p, _, err := picture.Read(paths[i], m.Config.Upright)
			if err != nil {
				return nil, err
			}
			if err := p.Evaluable(m.Config.EvalSize); err != nil {
				return nil, fmt.Errorf("%s: %w", paths[i], err)
			}
			input := p.Eval(m.Config.EvalSize)
			places <- struct{}{}
			defer func() { <-places }()
			return m.one(ctx, paths[i], p, input, false, threads)
		})
}

// sideBySide is how many of n pictures are best answered at once, and by how many cores
// each: on processors one core for each leaves none waiting for another.
func (m *Model) sideBySide(n int) (side, threads int) {
	if m.Engine.Kind != backend.Go || n < 2 {
		return 1, alone
	}
	side = min(n, mostDesks())
	return side, max(1, runtime.GOMAXPROCS(0)/side)
}

// LogitsEach answers many pictures, each with its logits, in the order of their
// paths. With a batch of 1 each is answered as if it were alone; with more they
// are answered in batches as the published code does, the last as small as it
// comes. The models, of which there is at least one, are the same on several
// devices (Device) and share the batches, which changes no number. Pictures are
// read ahead on all cores. The first error ends it; that of a picture names it.
func LogitsEach(ctx context.Context, paths []string, batch int,
	models ...*Model) iter.Seq2[*attention.Explanation, error] {
	return func(yield func(*attention.Explanation, error) bool) {
		if batch < 1 {
			yield(nil, fmt.Errorf("a batch has at least one picture, not %d", batch))
			return
		}
		batches := (len(paths) + batch - 1) / batch
		side, threads := 1, alone
		if len(models) == 1 && batch == 1 {
			side, threads = models[0].sideBySide(batches)
		}
		idle := make(chan *Model, side*len(models))
		for range side {
			for _, m := range models {
				idle <- m
			}
		}
		answer := func(ctx context.Context, i int) ([]*attention.Explanation, error) {
			inputs, err := models[0].read(paths[i*batch : min((i+1)*batch, len(paths))])
			if err != nil {
				return nil, err
			}
			m := <-idle
			defer func() { idle <- m }()
			if len(inputs) == 1 {
				all, _, err := m.answer(ctx, false, threads, inputs...)
				return all, err
			}
			return m.Logits(ctx, NewBatch(inputs...))
		}
		// While the models answer, as many pictures are read as there are cores.
		ahead := cap(idle) + (runtime.GOMAXPROCS(0)+batch-1)/batch
		done := 0
		for all, err := range parallel.Ahead(ctx, batches, ahead, ahead, answer) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range all {
				e.Image = paths[done]
				done++
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// read reads pictures on all cores and resizes them for the network. The error is
// that of the first that cannot be read.
func (m *Model) read(paths []string) ([]*picture.Picture, error) {
	inputs, errs := make([]*picture.Picture, len(paths)), make([]error, len(paths))
	parallel.Each(len(paths), func(i int) {
		p, _, err := picture.Read(paths[i], m.Config.Upright)
		if err == nil {
			if err = p.Evaluable(m.Config.EvalSize); err != nil {
				err = fmt.Errorf("%s: %w", paths[i], err)
			}
		}
		if errs[i] = err; err == nil {
			inputs[i] = p.Eval(m.Config.EvalSize)
		}
	})
	return inputs, cmp.Or(errs...)
}

// Explain answers one picture with its ranked classes and every attention map;
// image is what to call it. It gives up soon after ctx ends.
func (m *Model) Explain(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
	if err := p.Evaluable(m.Config.EvalSize); err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	return m.one(ctx, image, p, p.Eval(m.Config.EvalSize), true, alone)
}

// one answers a picture p, which input is resized from.
func (m *Model) one(ctx context.Context, image string, p, input *picture.Picture, maps bool, threads int) (
	*attention.Explanation, error) {
	all, _, err := m.answer(ctx, maps, threads, input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	e := all[0]
	e.Image, e.Width, e.Height = image, p.Width, p.Height
	return e, nil
}

// Answer is what Predict and Explain rest on: it answers pictures already
// resized for the network (picture.Eval), each as if it were alone, with their
// logits and, where maps is set, with all attention maps. Several pictures must
// have the same Canvas. The explanations lack the name and size of the file.
// It gives up soon after ctx ends.
func (m *Model) Answer(ctx context.Context, maps bool, inputs ...*picture.Picture) ([]*attention.Explanation,
	Timing, error) {
	return m.answer(ctx, maps, alone, inputs...)
}

func (m *Model) answer(ctx context.Context, maps bool, threads int, inputs ...*picture.Picture) (
	[]*attention.Explanation, Timing, error) {
	if len(inputs) == 0 {
		return nil, Timing{}, errors.New("there is no picture to answer")
	}
	h, w := m.Canvas(inputs[0].Height, inputs[0].Width)
	for _, p := range inputs {
		if h2, w2 := m.Canvas(p.Height, p.Width); h2 != h || w2 != w {
			return nil, Timing{}, fmt.Errorf("pictures of %d×%d and %d×%d pixels cannot be answered together: they "+
				"need canvases of their own", inputs[0].Height, inputs[0].Width, p.Height, p.Width)
		}
	}
	b := newBatch(h, w, inputs...)
	b.Exact = true
	out, took, err := m.forward(ctx, b, maps, threads)
	if err != nil {
		return nil, took, err
	}
	var all []*attention.Explanation
	for i, p := range inputs {
		e := m.explanation(out, i)
		e.InputWidth, e.InputHeight = p.Width, p.Height
		if maps {
			if e, err = out.maps(e, i, b, m.Config.Stride()); err != nil {
				return nil, took, err
			}
		}
		all = append(all, e)
	}
	return all, took, nil
}

// maps is e with the attention maps of picture i, padding cut off.
func (out *Output) maps(e *attention.Explanation, i int, b *Batch, stride int) (*attention.Explanation, error) {
	e.Layers, e.Heads, e.Rows, e.Cols = len(out.Attention), out.Heads, out.Rows, out.Cols
	if e.Weights = out.weights; e.Weights == nil || out.Pictures > 1 {
		size := len(out.Attention[0]) / out.Pictures
		e.Weights = make([]float32, 0, len(out.Attention)*size)
		for _, layer := range out.Attention {
			e.Weights = append(e.Weights, layer[i*size:(i+1)*size]...)
		}
	}
	rows, cols := b.Region(i, stride)
	return e.Cut(rows, cols)
}

// canvasSteps is how many steps the short side of a resized picture has, 80 of
// 800 pixels, which the sides of a canvas are multiples of: XLA compiles a graph
// for every canvas (seconds), so pictures of nearly the same size share one.
const canvasSteps = 10

// Canvas is the size on which a picture of this size, resized for the network,
// is computed. Pictures of one canvas can be answered together. Pure Go compiles
// nothing, so there the canvas is the picture.
func (m *Model) Canvas(height, width int) (h, w int) {
	if m.Engine.Kind == backend.Go {
		return height, width
	}
	return m.canvas(height, width)
}

// canvas is Canvas for graphs.
func (m *Model) canvas(height, width int) (h, w int) {
	short := cmp.Or(m.Config.EvalSize, publishedEvalSize)
	side := func(pixels int) int {
		steps := (pixels*canvasSteps + short - 1) / short
		return (steps*short + canvasSteps - 1) / canvasSteps
	}
	return side(height), side(width)
}
