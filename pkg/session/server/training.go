package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// training is one that runs. Who asks for it hears what comes, and the epochs
// that were made before.
type training struct {
	dir     string
	options string // as JSON
	end     context.CancelFunc
	done    chan struct{}
	summary *finetune.Summary
	err     error

	mu       sync.Mutex
	stopping bool          // somebody asked for it
	news     chan struct{} // closed, and another, when there is something to hear
	epochs   []finetune.Event
	latest   finetune.Event
	count    int // of events
}

// stop ends the training after its batch. Who asks for it from now on gets one that
// goes on where this one ends.
func (t *training) stop() {
	t.mu.Lock()
	t.stopping = true
	e := t.latest
	t.mu.Unlock()
	t.end()
	t.tell(finetune.Event{Phase: finetune.Stopping, Epoch: e.Epoch, Epochs: e.Epochs, Elapsed: e.Elapsed})
}

// state is whether the training is being stopped, and what it told last.
func (t *training) state() (stopping bool, latest finetune.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopping, t.latest
}

func (t *training) tell(e finetune.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping && e.Phase != finetune.Stopping && e.Line == nil && e.Note == "" {
		return // the batch that it ends with is no news
	}
	if e.Line != nil || e.Note != "" {
		t.epochs = append(t.epochs, e)
	} else {
		t.latest = e
		t.count++
	}
	close(t.news)
	t.news = make(chan struct{})
}

// hear passes on what is told from now on, until the training is over or ctx
// ends. A slow caller misses events, but no epoch and no note.
func (t *training) hear(ctx context.Context, out *reply) error {
	next, count := 0, 0
	for over := false; ; {
		t.mu.Lock()
		events := t.epochs[next:]
		if next = len(t.epochs); t.count > count {
			events = append(events[:len(events):len(events)], t.latest)
			count = t.count
		}
		news := t.news
		t.mu.Unlock()
		for _, e := range events {
			if err := out.event(e); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-news:
		case <-t.done:
			over = true // once more, for what was told last
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// fineTune serves a caller of a training. in says when it is to stop.
func (s *server) fineTune(ctx context.Context, r wire.Request, in *bufio.Reader, out *reply) error {
	gone, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	stopped, stop := context.WithCancel(context.Background())
	go func() {
		var second wire.Request
		for wire.Read(in, &second) == nil {
			if second.Do == wire.Stop {
				stop()
			}
		}
		leave(errors.New("the caller left; the training goes on"))
	}()
	t, err := s.train(gone, stopped, r, out)
	if err != nil {
		return err
	}
	defer context.AfterFunc(stopped, t.stop)()
	if err := t.hear(gone, out); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	return out.finish(t.summary)
}

// train is the training of a folder: the one that runs, or a new one. Of one that is
// being stopped it waits for the end, unless the caller leaves or stops it, too.
func (s *server) train(gone, stopped context.Context, r wire.Request, out *reply) (*training, error) {
	for {
		t, err := s.running(r)
		if err != nil {
			return nil, err
		}
		stopping, latest := t.state()
		if !stopping {
			return t, nil
		}
		if err := out.event(latest); err != nil {
			return nil, err
		}
		select {
		case <-t.done:
		case <-stopped.Done():
			return t, nil
		case <-gone.Done():
			return nil, context.Cause(gone)
		}
	}
}

// running is the training that runs in a folder, which may be about to stop, or a new one.
func (s *server) running(r wire.Request) (*training, error) {
	if !filepath.IsAbs(r.Run) {
		return nil, fmt.Errorf("the folder of a training must be given in full, not as %q", r.Run)
	}
	var o train.Options
	if err := json.Unmarshal(r.Options, &o.Options); err != nil {
		return nil, fmt.Errorf("the options of the training cannot be read: %w", err)
	}
	if o.From == finetune.Nothing {
		slim := train.Slim()
		o.Architecture = &slim
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trainings[r.Run]; t != nil {
		if stopping, _ := t.state(); t.options != string(r.Options) && !stopping {
			return nil, fmt.Errorf(
				"%s is being trained in with other options: interrupt that training first, or choose another folder",
				r.Run,
			)
		}
		return t, nil
	}
	ctx, end := context.WithCancel(s.life)
	t := &training{
		dir:     r.Run,
		options: string(r.Options),
		end:     end,
		done:    make(chan struct{}),
		news:    make(chan struct{}),
	}
	s.trainings[r.Run] = t
	s.working.Go(func() {
		s.enter(1)
		defer s.enter(-1)
		defer end()
		if lines, err := finetune.ReadLog(r.Run); err == nil {
			for _, line := range lines {
				t.tell(finetune.Event{Phase: finetune.Starting, Epoch: line.Epoch, Epochs: o.Epochs, Line: &line})
			}
		}
		t.summary, t.err = join(ctx, r.Run, o, t.tell)
		s.models.log.Info("training ended", "run", r.Run, "why", t.err)
		s.mu.Lock()
		delete(s.trainings, r.Run)
		s.mu.Unlock()
		close(t.done)
	})
	return t, nil
}

// join keeps a panic of a library from ending everybody's session.
func join(
	ctx context.Context,
	dir string,
	o train.Options,
	tell func(finetune.Event),
) (summary *finetune.Summary, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the training in %s came upon what it cannot do: %v", dir, p)
		}
	}()
	summary, err = train.Join(ctx, dir, o, tell)
	if errors.Is(err, context.Canceled) {
		err = finetune.ErrStoppedEarly
	}
	return summary, err
}

// statuses are the trainings that run. The caller holds s.mu.
func (s *server) statuses() []session.Training {
	all := []session.Training{}
	for _, t := range s.trainings {
		t.mu.Lock()
		all = append(all, session.Training{Run: t.dir, Event: t.latest})
		t.mu.Unlock()
	}
	return all
}
