package intr

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Predict ranks all classes for every picture, in the order given. Each is
// answered as if it were alone. The first picture that cannot be read ends it.
func (m *Model) Predict(paths ...string) ([]attention.Ranking, error) {
	var rankings []attention.Ranking
	for ranking, err := range m.PredictEach(paths) {
		if err != nil {
			return nil, err
		}
		rankings = append(rankings, ranking)
	}
	return rankings, nil
}

// PredictEach is Predict for many pictures: it hands out each ranking as soon
// as it is there and reads the next picture meanwhile. An error belongs to one
// picture, which its ranking names; the others are still answered.
func (m *Model) PredictEach(paths []string) iter.Seq2[attention.Ranking, error] {
	return func(yield func(attention.Ranking, error) bool) {
		for read := range m.ahead(paths) {
			ranking := attention.Ranking{Image: read.path}
			e, err := m.predict(read)
			if err == nil {
				ranking = e.Ranking(-1, true)
			}
			if !yield(ranking, err) {
				return
			}
		}
	}
}

func (m *Model) predict(read read) (*attention.Explanation, error) {
	if read.err != nil {
		return nil, read.err
	}
	return m.one(read.path, read.width, read.height, read.input, false)
}

// Explain answers one picture with its ranked classes and every attention map.
func (m *Model) Explain(path string) (*attention.Explanation, error) {
	p, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	return m.ExplainPicture(path, p)
}

// ExplainPicture is Explain for a picture at hand; image is what to call it.
func (m *Model) ExplainPicture(image string, p *picture.Picture) (*attention.Explanation, error) {
	return m.one(image, p.Width, p.Height, p.Eval(m.Config.EvalSize), true)
}

func (m *Model) one(image string, width, height int, input *picture.Picture, maps bool) (*attention.Explanation, error) {
	all, _, err := m.Answer(context.Background(), maps, input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	e := all[0]
	e.Image, e.Width, e.Height = image, width, height
	return e, nil
}

// Answer is what Predict and Explain rest on: it answers pictures already
// resized for the network (picture.Eval), each as if it were alone, with their
// logits and, where maps is set, with all attention maps. Several pictures must
// have the same Canvas. The explanations lack the name and size of the file.
// It gives up soon after ctx ends.
func (m *Model) Answer(ctx context.Context, maps bool, inputs ...*picture.Picture) ([]*attention.Explanation, Timing, error) {
	if len(inputs) == 0 {
		return nil, Timing{}, errors.New("there is no picture to answer")
	}
	h, w := m.Canvas(inputs[0].Height, inputs[0].Width)
	for _, p := range inputs {
		if h2, w2 := m.Canvas(p.Height, p.Width); h2 != h || w2 != w {
			return nil, Timing{}, fmt.Errorf("pictures of %d×%d and %d×%d pixels cannot be answered together: they need canvases of their own", inputs[0].Height, inputs[0].Width, p.Height, p.Width)
		}
	}
	b := newBatch(h, w, inputs...)
	b.Exact = true
	out, took, err := m.answer(ctx, b, maps)
	if err != nil {
		return nil, took, err
	}
	var all []*attention.Explanation
	for i, p := range inputs {
		e := &attention.Explanation{Names: m.Names, InputWidth: p.Width, InputHeight: p.Height, Logits: out.Logits[i*out.Classes:][:out.Classes:out.Classes]}
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
	size := len(out.Attention[0]) / out.Pictures
	e.Weights = make([]float32, 0, len(out.Attention)*size)
	for _, layer := range out.Attention {
		e.Weights = append(e.Weights, layer[i*size:(i+1)*size]...)
	}
	rows, cols := b.Region(i, stride)
	return e.Cut(rows, cols)
}

// canvasSteps is how many steps the short side of a resized picture has, 80 of
// 800 pixels, which the sides of a canvas are multiples of: XLA compiles a graph
// for every canvas (seconds), so pictures of nearly the same size share one.
const canvasSteps = 10

// Canvas is the size on which a picture of this size, resized for the network,
// is computed. Pictures of one canvas can be answered together. The pure-Go
// engine compiles nothing, so there the canvas is the picture.
func (m *Model) Canvas(height, width int) (h, w int) {
	if m.Engine.Kind == "go" {
		return height, width
	}
	short := m.Config.EvalSize
	if short == 0 {
		short = publishedEvalSize
	}
	side := func(pixels int) int {
		steps := (pixels*canvasSteps + short - 1) / short
		return (steps*short + canvasSteps - 1) / canvasSteps
	}
	return side(height), side(width)
}

// read is a picture that was read ahead of the model.
type read struct {
	path          string
	width, height int // of the file
	input         *picture.Picture
	err           error
}

// ahead reads and resizes pictures one ahead of who takes them.
func (m *Model) ahead(paths []string) iter.Seq[read] {
	return func(yield func(read) bool) {
		next := make(chan read, 1)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			defer close(next)
			for _, path := range paths {
				r := read{path: path}
				if p, err := picture.Open(path); err != nil {
					r.err = err
				} else {
					r.width, r.height, r.input = p.Width, p.Height, p.Eval(m.Config.EvalSize)
				}
				select {
				case next <- r:
				case <-stop:
					return
				}
			}
		}()
		for r := range next {
			if !yield(r) {
				return
			}
		}
	}
}
