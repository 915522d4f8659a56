package session

import (
	"context"
	"iter"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Answer is what the session says of one picture.
type Answer struct {
	*attention.Explanation
	Took  Took
	Photo *picture.Picture // as read
}

// ahead is how many pictures are asked for before the first of them is taken:
// the next is read while one is computed, and a GPU gets several at once.
const ahead = 4

// Each answers many pictures, in the order of their paths; with maps or, for
// rankings, without. An error belongs to one picture, which it names; the others
// are still answered.
func (m *Model) Each(ctx context.Context, paths []string, maps bool) iter.Seq2[Answer, error] {
	type result struct {
		Answer
		err error
	}
	one := func(ctx context.Context, path string) (r result) {
		if r.Photo, r.err = picture.Open(path); r.err == nil {
			r.Explanation, r.Took, r.err = m.Answer(ctx, path, r.Photo, maps)
		}
		return r
	}
	return func(yield func(Answer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var asked []chan result
		for next := 0; next < len(paths) || len(asked) > 0; {
			for ; next < len(paths) && len(asked) < ahead; next++ {
				c, path := make(chan result, 1), paths[next]
				asked = append(asked, c)
				go func() { c <- one(ctx, path) }()
			}
			r := <-asked[0]
			asked = asked[1:]
			if !yield(r.Answer, r.err) {
				return
			}
		}
	}
}
