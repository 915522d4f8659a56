package parallel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAhead(t *testing.T) {
	odd := errors.New("odd")
	for _, c := range []struct{ workers, ready int }{{0, 0}, {1, 0}, {1, 3}, {4, 0}, {4, 9}} {
		synctest.Test(t, func(t *testing.T) {
			var begun, running, most atomic.Int64
			taken := 0
			for v, err := range Ahead(t.Context(), 20, c.workers, c.ready,
				func(_ context.Context, i int) (string, error) {
					begun.Add(1)
					most.Store(max(most.Load(), running.Add(1)))
					time.Sleep(time.Duration(20-i) * time.Second) // the first take longest
					running.Add(-1)
					if i%2 == 1 {
						return "", odd
					}
					return fmt.Sprint(i), nil
				}) {
				want, wantErr := fmt.Sprint(taken), error(nil)
				if taken%2 == 1 {
					want, wantErr = "", odd
				}
				if v != want || err != wantErr {
					t.Errorf("%+v: %d came as %q, %v", c, taken, v, err)
				}
				taken++
				time.Sleep(time.Hour)
				synctest.Wait()
				if ahead := int(begun.Load()) - taken; ahead > c.ready+1 {
					t.Errorf("%+v: %d were begun ahead", c, ahead)
				}
			}
			if taken != 20 || most.Load() > int64(max(1, c.workers)) {
				t.Errorf("%+v: %d came, %d were made at a time", c, taken, most.Load())
			}
		})
	}
}

// The end of the loop, a panic in it and the end of ctx end all work.
func TestAheadEnds(t *testing.T) {
	cause := errors.New("enough")
	for name, end := range map[string]func(cancel func()) bool{
		"break": func(func()) bool { return true },
		"panic": func(func()) bool { panic("in the loop") },
		"ctx":   func(cancel func()) bool { cancel(); return false },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			var running atomic.Int64
			var last error
			func() {
				defer func() { _ = recover() }()
				for _, err := range Ahead(ctx, 1000, 4, 4, func(ctx context.Context, i int) (int, error) {
					running.Add(1)
					defer running.Add(-1)
					if i > 0 {
						<-ctx.Done()
					}
					return i, nil
				}) {
					if last = err; err != nil {
						continue
					}
					if end(func() { cancel(cause) }) {
						break
					}
				}
			}()
			if running.Load() != 0 {
				t.Errorf("%d still run", running.Load())
			}
			if name == "ctx" && !errors.Is(last, cause) {
				t.Errorf("the last error was %v", last)
			}
		})
	}
}
