package intr

import (
	"context"
	"fmt"
	"iter"
	"runtime"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

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
		idle := make(chan *Model, len(models))
		for _, m := range models {
			idle <- m
		}
		answer := func(ctx context.Context, i int) ([]*attention.Explanation, error) {
			inputs, err := models[0].read(paths[i*batch : min((i+1)*batch, len(paths))])
			if err != nil {
				return nil, err
			}
			m := <-idle
			defer func() { idle <- m }()
			if len(inputs) == 1 {
				all, _, err := m.Answer(ctx, false, inputs...)
				return all, err
			}
			return m.Logits(ctx, NewBatch(inputs...))
		}
		// While the models answer, as many pictures are read as there are cores.
		ahead := len(models) + (runtime.GOMAXPROCS(0)+batch-1)/batch
		done := 0
		for all, err := range parallel.Ahead(ctx, (len(paths)+batch-1)/batch, ahead, ahead, answer) {
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
	parallel.Do(len(paths), func(next func() (int, bool)) {
		for i, ok := next(); ok; i, ok = next() {
			p, err := picture.Open(paths[i])
			if errs[i] = err; err == nil {
				inputs[i] = p.Eval(m.Config.EvalSize)
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return inputs, nil
}
