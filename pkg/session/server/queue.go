package server

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// A job is one picture to answer.
type job struct {
	ctx     context.Context
	entry   *entry
	input   *picture.Picture
	maps    bool
	image   string
	caller  int // process
	arrived time.Time
	begun   time.Time

	done   chan struct{}
	answer *attention.Explanation
	took   intr.Timing
	err    error
}

// queue is what one engine has to do: one batch at a time, in order of arrival.
type queue struct {
	mu      sync.Mutex
	waiting []*job
	running []*job
	awake   bool // a worker is at it
}

// do waits for its turn and for the answer. A caller that left is skipped.
func (q *queue) do(j *job) error {
	j.arrived = time.Now()
	j.done = make(chan struct{})
	q.mu.Lock()
	q.waiting = append(q.waiting, j)
	if !q.awake {
		q.awake = true
		go q.work()
	}
	q.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-j.ctx.Done():
		q.leave(j)
		return context.Cause(j.ctx)
	}
}

// leave takes a job out of the line; one that is being computed gives up by
// itself, and its model is in use until it has.
func (q *queue) leave(j *job) {
	q.mu.Lock()
	i := slices.Index(q.waiting, j)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 {
		<-j.done
	}
}

func (q *queue) work() {
	for {
		batch := q.next()
		if len(batch) == 0 {
			return
		}
		run(batch)
		q.mu.Lock()
		q.running = nil
		q.mu.Unlock()
		for _, j := range batch {
			close(j.done)
		}
	}
}

// together is how many pictures an engine answers at once. On a CPU a batch is no
// faster a picture.
func together(kind string) int {
	if kind == "cuda" {
		return 8
	}
	return 1
}

// next takes the head of the line and those right behind it that can be
// answered with it: same model, same canvas, same results.
func (q *queue) next() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	if len(q.waiting) > 0 {
		n = alike(q.waiting, together(q.waiting[0].entry.backend))
	} else {
		q.awake = false
	}
	q.running = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	for _, j := range q.running {
		j.begun = time.Now()
	}
	return q.running
}

// alike counts the jobs at the head that go together, in a power of two: XLA
// compiles a graph for every size of a batch.
func alike(jobs []*job, most int) int {
	model := jobs[0].entry.model
	h, w := model.Canvas(jobs[0].input.Height, jobs[0].input.Width)
	n := 1
	for n < min(most, len(jobs)) {
		j := jobs[n]
		if j.entry != jobs[0].entry || j.maps != jobs[0].maps {
			break
		}
		if h2, w2 := model.Canvas(j.input.Height, j.input.Width); h2 != h || w2 != w {
			break
		}
		n++
	}
	power := 1
	for power*2 <= n {
		power *= 2
	}
	return power
}

// run answers a batch. It gives up when nobody waits for any of it any more.
func run(batch []*job) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var left sync.WaitGroup
	finished := make(chan struct{})
	defer close(finished)
	for _, j := range batch {
		left.Go(func() {
			select {
			case <-j.ctx.Done():
			case <-finished:
			}
		})
	}
	go func() {
		left.Wait()
		cancel(context.Cause(batch[0].ctx))
	}()
	var inputs []*picture.Picture
	for _, j := range batch {
		inputs = append(inputs, j.input)
	}
	answers, took, err := answer(ctx, batch[0], inputs)
	for i, j := range batch {
		j.took, j.err = took, err
		if err == nil {
			j.answer = answers[i]
		}
	}
}

// answer keeps a panic of a library from ending everybody's session.
func answer(ctx context.Context, j *job, inputs []*picture.Picture) (all []*attention.Explanation, took intr.Timing,
	err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v could not compute this: %v", j.entry.model.Engine, p)
		}
	}()
	return j.entry.model.Answer(ctx, j.maps, inputs...)
}
