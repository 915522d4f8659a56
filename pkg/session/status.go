package session

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// Status is what a session is at.
type Status struct {
	PID      int           `json:"pid"`
	Program  string        `json:"program"`
	Folder   string        `json:"folder"` // with its socket
	Log      string        `json:"log"`
	Started  time.Time     `json:"started"`
	Idle     float64       `json:"idle"`     // it ends after so many seconds without a call
	Memory   uint64        `json:"memory"`   // bytes held now
	Budget   uint64        `json:"budget"`   // bytes above which unused models are closed
	Answered int           `json:"answered"` // pictures
	Models   []ModelStatus `json:"models"`   // last used first
	Jobs     []Job         `json:"jobs"`     // running, then waiting in order

	Trainings []Training `json:"trainings"` // that run
}

// Training is one that a session is at.
type Training struct {
	Run string `json:"run"` // folder
	finetune.Event
}

// ModelStatus is one model that a session keeps.
type ModelStatus struct {
	Path     string  `json:"path"`
	Digest   string  `json:"digest"`
	Backend  string  `json:"backend"`
	Loaded   bool    `json:"loaded"` // false while it is being loaded
	Answered int     `json:"answered"`
	InUse    int     `json:"in_use"` // calls
	Unused   float64 `json:"unused"` // seconds since it was last used
}

// Job is one picture that is answered or waits for it.
type Job struct {
	Image      string  `json:"image"`
	Checkpoint string  `json:"checkpoint"`
	Caller     int     `json:"caller"` // process
	Running    bool    `json:"running"`
	Seconds    float64 `json:"seconds"` // since it was asked for
}

// Now is the status of the user's session; ErrNone when there is none.
func Now(ctx context.Context) (Status, error) {
	var s Status
	where, err := place.Find()
	if err != nil {
		return s, err
	}
	c, err := connect(ctx, where, patience)
	if err != nil {
		return s, err
	}
	_, err = c.ask(ctx, io.Discard, wire.Request{Do: wire.Status}, nil, &s)
	if errors.Is(err, errLost) {
		err = ErrNone
	}
	return s, err
}

// Start starts a session with flags of `gointr session start`; ErrRunning when
// there is one.
func Start(ctx context.Context, progress io.Writer, flags ...string) error {
	where, err := place.Find()
	if err != nil {
		return err
	}
	c, err := greet(ctx, where)
	if err == nil {
		c.conn.Close()
		return ErrRunning
	}
	if !errors.Is(err, ErrNone) {
		return err
	}
	c, err = start(ctx, where, flags, progress)
	if err == nil {
		c.conn.Close()
	}
	return err
}

// saving is how long a session that was told to stop may take to save its
// trainings.
const saving = 2 * time.Minute

// Stop ends the session and what it is doing; ErrNone when there is none. One that does not listen, or does not come to
// an end, is killed.
func Stop(ctx context.Context) error {
	where, err := place.Find()
	if err != nil {
		return err
	}
	c, err := connect(ctx, where, patience/4)
	if errors.Is(err, ErrNone) {
		return finish(ctx, where)
	}
	pid := 0
	if err == nil {
		pid = c.pid
		var stopping wire.Stopping
		_, err = c.ask(ctx, io.Discard, wire.Request{Do: wire.Stop}, nil, &stopping)
		wait := patience
		if stopping.Trainings > 0 {
			wait = saving
		}
		if (err == nil || errors.Is(err, errLost)) && ended(ctx, where, wait) == nil {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if pid == 0 {
		if pid, err = listener(where); err != nil {
			return err
		}
	}
	return kill(ctx, where, pid)
}

// finish ends a session that has stopped listening and hangs in what it did last; ErrNone when there is none.
func finish(ctx context.Context, where place.Place) error {
	if ended(ctx, where, 0) == nil {
		return ErrNone
	}
	text, _ := os.ReadFile(where.Alive())
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if ended(ctx, where, patience/2) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return errors.New("the session does not end, and which process it is cannot be told")
	}
	return kill(ctx, where, pid)
}

// kill ends the process of the session.
func kill(ctx context.Context, where place.Place, pid int) error {
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		return errors.New("the session cannot be ended: " + strings.TrimSpace(err.Error()))
	}
	return ended(ctx, where, patience)
}
