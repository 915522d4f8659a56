package session

import (
	"context"
	"iter"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Answered is what the session says of one picture.
type Answered struct {
	*attention.Explanation
	Took  Took
	Photo *picture.Picture // as read, upright where the model turns pictures
}

// together is how many pictures the session is asked for at a time: the next is
// read while one is computed, and a GPU gets several at once.
const together = 4

// Answers answers the pictures of files, in the order of their paths; with maps or,
// for rankings, without. Errors are as model.Model has them.
func (m *Model) Answers(ctx context.Context, paths []string, maps bool) iter.Seq2[Answered, error] {
	return parallel.Ahead(ctx, len(paths), together, together-1,
		func(ctx context.Context, i int) (a Answered, err error) {
			if a.Photo, _, err = m.about.Read(paths[i]); err == nil {
				a.Explanation, a.Took, err = m.Answer(ctx, paths[i], a.Photo, maps)
			}
			return a, err
		})
}

// Each is Answers without maps, as model.Model has it.
func (m *Model) Each(ctx context.Context, paths []string) iter.Seq2[*attention.Explanation, error] {
	return func(yield func(*attention.Explanation, error) bool) {
		for a, err := range m.Answers(ctx, paths, false) {
			if !yield(a.Explanation, err) {
				return
			}
		}
	}
}
