package parallel

import (
	"context"
	"iter"
	"sync"
)

// Ahead hands out work(0) to work(n-1), in order, made ahead of who takes them: on a number of workers, and at most
// ready of them done, or begun, besides the one whose turn is next. An error belongs to one of them; the others still
// come. When ctx ends its cause comes as the last error. The end of the loop, however it comes, ends all work, and
// waits for it.
func Ahead[T any](
	ctx context.Context, n, workers, ready int, work func(ctx context.Context, i int) (T, error),
) iter.Seq2[T, error] {
	type result struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		free, ordered := make(chan struct{}, max(1, workers)), make(chan chan result, ready)
		group.Go(func() {
			for i := range n {
				select {
				case free <- struct{}{}:
				case <-ctx.Done():
					return
				}
				made := make(chan result, 1)
				group.Go(func() {
					value, err := work(ctx, i)
					made <- result{value, err}
					<-free
				})
				select {
				case ordered <- made:
				case <-ctx.Done():
					return
				}
			}
		})
		for range n {
			var r result
			select {
			case made := <-ordered:
				select {
				case r = <-made:
				case <-ctx.Done():
				}
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				r.err = context.Cause(ctx)
				yield(r.value, r.err)
				return
			}
			if !yield(r.value, r.err) {
				return
			}
		}
	}
}
