package session

import (
	"context"
	"iter"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
)

// Answered is what the session says of one picture.
type Answered struct {
	*attention.Explanation
	Took  Took
	Photo Photo  // upright where the model turns pictures
	Name  string // by which the session knows the explanation, for Subject

	marked picture.Orientation
}

// Subject is the answer for Draw, from the model that gave it.
func (a Answered) Subject(from origin.Model) Subject {
	return Subject{Explanation: a.Explanation, Photo: a.Photo, Source: from, Answer: a.Name}
}

// together is how many pictures the session is asked for at a time: the next is
// read while one is computed, and a GPU gets several at once.
const together = 4

// Answers answers the pictures of files, in the order of their paths; with maps or,
// for rankings, without. Errors are as model.Model has them.
func (m *Model) Answers(ctx context.Context, paths []string, maps bool) iter.Seq2[Answered, error] {
	return parallel.Ahead(ctx, len(paths), together, together-1,
		func(ctx context.Context, i int) (Answered, error) { return m.AnswerFile(ctx, paths[i], maps) })
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
