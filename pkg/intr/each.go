package intr

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/gointr/gointr/pkg/picture"
)

// LogitsEach answers many pictures, each with its logits, in the order of their
// paths. With a batch of 1 each is answered as if it were alone; with more they
// are answered in batches as the published code does, the last as small as it
// comes. The models, of which there is at least one, are the same on several
// devices (Device) and share the batches, which changes no number. Pictures are
// read ahead on all cores. The first error ends it; that of a picture names it.
func LogitsEach(ctx context.Context, paths []string, batch int, models ...*Model) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		if batch < 1 {
			yield(nil, fmt.Errorf("a batch has at least one picture, not %d", batch))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		cores := make(chan struct{}, runtime.GOMAXPROCS(0))
		ahead := len(models) + (cap(cores)+batch-1)/batch
		todo, ordered := make(chan *share, ahead), make(chan *share, ahead)
		group.Go(func() {
			defer close(todo)
			for chunk := range slices.Chunk(paths, batch) {
				s := &share{inputs: make([]*picture.Picture, len(chunk)), errs: make([]error, len(chunk)), done: make(chan struct{})}
				for i, path := range chunk {
					select {
					case cores <- struct{}{}:
					case <-ctx.Done():
						return
					}
					s.reading.Add(1)
					group.Go(func() {
						defer func() { <-cores; s.reading.Done() }()
						s.inputs[i], s.errs[i] = models[0].input(path)
					})
				}
				for _, to := range []chan *share{ordered, todo} {
					select {
					case to <- s:
					case <-ctx.Done():
						return
					}
				}
			}
		})
		for _, m := range models {
			group.Go(func() {
				for s := range todo {
					s.reading.Wait()
					s.answer(ctx, m)
					close(s.done)
				}
			})
		}
		for answered := 0; answered < len(paths); {
			var s *share
			select {
			case s = <-ordered:
				select {
				case <-s.done:
				case <-ctx.Done():
				}
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			if s.err != nil {
				yield(nil, s.err)
				return
			}
			for _, logits := range s.logits {
				if !yield(logits, nil) {
					return
				}
			}
			answered += len(s.logits)
		}
	}
}

// share is a batch on its way.
type share struct {
	inputs  []*picture.Picture
	errs    []error
	reading sync.WaitGroup
	done    chan struct{}
	logits  [][]float32
	err     error
}

func (s *share) answer(ctx context.Context, m *Model) {
	for _, err := range s.errs {
		if err != nil {
			s.err = err
			return
		}
	}
	if len(s.inputs) > 1 {
		s.logits, s.err = m.Logits(ctx, NewBatch(s.inputs...))
		return
	}
	all, _, err := m.Answer(ctx, false, s.inputs...)
	if s.err = err; err == nil {
		s.logits = [][]float32{all[0].Logits}
	}
}

// input reads a picture and resizes it for the network.
func (m *Model) input(path string) (*picture.Picture, error) {
	p, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	return p.Eval(m.Config.EvalSize), nil
}
