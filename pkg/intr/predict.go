package intr

import (
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
		for read := range ahead(paths) {
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
	b := m.alone(read.input)
	out, err := m.answer(b, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", read.path, err)
	}
	e := m.explanation(read.path, read.width, read.height, read.input)
	e.Logits = out.Logits
	return e, nil
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
	input := p.Eval()
	b := m.alone(input)
	out, err := m.answer(b, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	e := m.explanation(image, p.Width, p.Height, input)
	e.Logits = out.Logits
	e.Layers, e.Heads, e.Rows, e.Cols = len(out.Attention), out.Heads, out.Rows, out.Cols
	e.Weights = make([]float32, 0, len(out.Attention)*len(out.Attention[0]))
	for _, layer := range out.Attention {
		e.Weights = append(e.Weights, layer...)
	}
	rows, cols := b.Region(0, m.Config.Stride())
	if e, err = e.Cut(rows, cols); err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	return e, nil
}

func (m *Model) explanation(image string, width, height int, input *picture.Picture) *attention.Explanation {
	return &attention.Explanation{
		Image: image, Names: m.Names,
		Width: width, Height: height,
		InputWidth: input.Width, InputHeight: input.Height,
	}
}

// canvasStep is what the sides of a canvas are multiples of: XLA compiles a
// graph for every canvas (seconds), so pictures of nearly the same size share
// one. The short side of a resized picture, 800 pixels, is such a multiple.
const canvasStep = 80

// alone puts one picture on its canvas. The pure-Go engine compiles nothing, so
// there the canvas is the picture.
func (m *Model) alone(input *picture.Picture) *Batch {
	h, w := input.Height, input.Width
	if m.Engine.Kind != "go" {
		h, w = (h+canvasStep-1)/canvasStep*canvasStep, (w+canvasStep-1)/canvasStep*canvasStep
	}
	b := newBatch(h, w, input)
	b.Exact = true
	return b
}

// read is a picture that was read ahead of the model.
type read struct {
	path          string
	width, height int // of the file
	input         *picture.Picture
	err           error
}

// ahead reads and resizes pictures one ahead of who takes them.
func ahead(paths []string) iter.Seq[read] {
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
					r.width, r.height, r.input = p.Width, p.Height, p.Eval()
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
