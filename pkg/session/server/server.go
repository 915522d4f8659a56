// Package server is the session itself: one process of a user that keeps models
// and their compiled graphs, and answers cells, notebooks and commands. Package
// session is how they call it.
package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// Options are how a session behaves. Zero values are the defaults.
type Options struct {
	Idle   time.Duration // it ends when nobody called for so long: 30 minutes
	Memory uint64        // bytes it may hold before models are closed: half of the machine's
}

// server is one running session.
type server struct {
	Options
	place   place.Place
	program string
	hello   wire.Hello
	started time.Time
	models  models
	ready   func(after string)

	lent lent

	mu        sync.Mutex
	queues    map[string]*queue    // by kind of engine
	calls     int                  // open just now
	last      time.Time            // when the last one ended
	trainings map[string]*training // by folder
	tidy      *time.Timer          // gives memory back
	life      context.Context      // of the session
	working   sync.WaitGroup       // trainings
	end       context.CancelCauseFunc
}

var errStopped = errors.New("the session was stopped")

func fileID(info os.FileInfo) [2]uint64 { return place.FileID(info) }

// Serve is the session, until ctx ends, it is stopped, or nobody has called for
// the idle time. ready is called once it can be called; its argument is set when
// the session before this one was killed: its process. What it does is logged on
// standard error. A second session of a user is
// session.ErrRunning. Errors are a sentence.
func Serve(ctx context.Context, o Options, ready func(after string)) error {
	where, err := place.Find()
	if err != nil {
		return err
	}
	lock, err := place.Lock(where.Session())
	if errors.Is(err, place.ErrTaken) {
		return session.ErrRunning
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Memory == 0 {
		o.Memory = halfOfMemory()
	}
	s := &server{Options: o, place: where, started: time.Now(), last: time.Now(), queues: map[string]*queue{},
		trainings: map[string]*training{}, ready: ready}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("pid", os.Getpid())
	s.models = models{entries: map[key]*entry{}, files: map[string]file{}, budget: o.Memory, log: log}
	if s.program, err = os.Executable(); err == nil {
		s.hello = wire.Hello{Protocol: wire.Protocol, Program: s.program, Built: session.Built(s.program)}
	}
	err = s.serve(ctx)
	log.Info("ended", "why", err)
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

func (s *server) serve(ctx context.Context) error {
	// Whoever has the lock is the only session: a socket that is there is stale.
	killed, _ := os.ReadFile(s.place.Alive())
	os.Remove(s.place.Socket())
	listener, err := place.Listen(s.place.Socket())
	if err != nil {
		return fmt.Errorf("the session cannot listen in %s (%s): free some space, or name another folder in %s",
			s.place, place.Reason(err), place.Variable)
	}
	defer os.Remove(s.place.Alive())
	defer listener.Close() // and the socket with it
	_ = os.WriteFile(s.place.Alive(), fmt.Appendln(nil, os.Getpid()), 0o600)
	own, err := os.Lstat(s.place.Socket())
	if err != nil {
		return err
	}
	ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	s.life = ctx
	s.tidy = time.AfterFunc(tidyAfter, giveBack)
	defer s.tidy.Stop()
	s.models.log.Info("started", "program", s.program, "memory", Bytes(s.Memory), "idle", s.Idle)
	s.ready(string(killed))
	go s.watch(ctx, own)
	context.AfterFunc(ctx, func() { listener.Close() })
	var calls sync.WaitGroup
	full := false // the system gives no more files
	for {
		conn, err := listener.Accept()
		if ctx.Err() == nil && (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
			errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ECONNABORTED)) {
			if !full {
				s.models.log.Warn("callers wait", "why", err)
			}
			full = true
			time.Sleep(fullWait)
			continue
		}
		full = false
		if err != nil {
			if ctx.Err() == nil {
				s.end(fmt.Errorf("the session's socket broke: %w", err))
			}
			break
		}
		calls.Go(func() { s.call(ctx, conn.(*net.UnixConn)) })
	}
	s.working.Wait() // they save
	left := make(chan struct{})
	go func() { calls.Wait(); close(left) }()
	select {
	case <-left:
	case <-time.After(leaving): // what hangs in the system, as a dead network mount does, hears of no end
		s.models.log.Warn("calls hang, and are left behind")
	}
	return context.Cause(ctx)
}

const (
	fullWait = 100 * time.Millisecond // before the system is asked again for a file
	leaving  = 3 * time.Second        // that calls have to come to an end
)

// watch ends the session after its idle time, and when its socket is no longer
// the one that callers find: someone emptied the folder.
func (s *server) watch(ctx context.Context, own os.FileInfo) {
	tick := time.NewTicker(min(s.Idle/4+time.Millisecond, 30*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		idle := s.calls == 0 && time.Since(s.last) > s.Idle
		s.mu.Unlock()
		shorten(os.Stderr)
		if idle {
			s.end(fmt.Errorf("nobody called for %v: %w", s.Idle, errStopped))
		}
		if now, err := os.Lstat(s.place.Socket()); err != nil || !os.SameFile(own, now) {
			s.end(fmt.Errorf("its socket is gone: %w", errStopped))
		}
	}
}

// longestLog is how many bytes the log may have before it is begun anew.
const longestLog = 8 << 20

// shorten empties the log where it has grown too long: a session may live for months.
func shorten(log *os.File) {
	if info, err := log.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > longestLog {
		_ = log.Truncate(0)
	}
}

// greeting is how long a caller may take to say what it wants.
const greeting = 10 * time.Second

// call serves one connection.
func (s *server) call(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	caller, err := place.Peer(conn)
	if err != nil {
		s.models.log.Warn("refused a caller", "why", err)
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if wire.Write(conn, s.hello) != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(greeting))
	in := wire.Reader(conn)
	var request wire.Request
	if wire.Read(in, &request) != nil {
		return
	}
	out := &reply{conn: conn}
	var input *picture.Picture
	var drawing session.Drawing
	var asked drawingID
	switch {
	case request.Do == wire.Answer && request.File == "":
		input, err = readPicture(in, request)
	case request.Do == wire.Draw:
		drawing, asked, err = readDrawing(in, request.Bytes)
	}
	if err != nil {
		out.fail(err)
		return
	}
	conn.SetReadDeadline(time.Time{})
	if request.Do != wire.FineTune {
		// A caller has nothing more to say: when reading ends, it has left.
		go func() {
			io.Copy(io.Discard, in)
			cancel(errors.New("the caller left"))
		}()
	}
	defer out.beat()()
	// A caller that hears nothing is not waited for when the session ends.
	defer context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Now().Add(time.Second)) })()
	if request.Do != wire.Status {
		s.enter(1)
		defer s.enter(-1)
	}
	switch request.Do {
	case wire.Open:
		err = s.open(ctx, request, out)
	case wire.Answer:
		err = s.answer(ctx, request, input, caller, out)
	case wire.Draw:
		err = guarded("drawn", func() error { return s.draw(ctx, request, drawing, asked, out) })
	case wire.FineTune:
		err = s.fineTune(ctx, request, in, out)
	case wire.Look:
		err = guarded("looked at", func() error { return s.look(ctx, request, out) })
	case wire.Faithful:
		err = s.faithful(ctx, request, out)
	case wire.Status:
		err = out.finish(s.status())
	case wire.Stop:
		err = s.stop(request, out)
	default:
		err = fmt.Errorf("this session does not know how to %q", request.Do)
	}
	if err != nil {
		s.models.log.Warn("failed", "do", request.Do, "checkpoint", request.Checkpoint, "image", request.Image,
			"caller", caller, "why", err)
		out.fail(err)
	}
}

// guarded keeps a panic of what draws from ending everybody's session.
func guarded(what string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this could not be %s: %v", what, p)
		}
	}()
	return do()
}

func (s *server) enter(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls += by
	s.last = time.Now()
	if s.calls > 0 {
		s.tidy.Stop()
	} else {
		s.tidy.Reset(tidyAfter)
	}
}

// tidyAfter is how long nobody calls before memory that only waits to be used
// again goes back to the system: the collector would keep as much as is in use.
const tidyAfter = time.Second

// maxPixels is more than picture.EvalSize ever gives.
const maxPixels = 4 << 20

func readPicture(in *bufio.Reader, r wire.Request) (*picture.Picture, error) {
	if r.Height < 1 || r.Width < 1 || r.Height > maxPixels/r.Width {
		return nil, fmt.Errorf("a picture of %d×%d pixels is none that a network is given", r.Height, r.Width)
	}
	p := picture.New(r.Width, r.Height)
	if _, err := io.ReadFull(in, p.Pix); err != nil {
		return nil, fmt.Errorf("the picture did not arrive: %w", err)
	}
	return p, nil
}

func (s *server) open(ctx context.Context, r wire.Request, out *reply) error {
	path, err := find(ctx, r.Checkpoint, r.Folder, out)
	if err != nil {
		return err
	}
	e, err := s.models.borrow(ctx, path, r.Backend, "", r.Weights)
	if err != nil {
		return err
	}
	defer s.models.release(e)
	return out.finish(wire.Opened{
		Path: path, Digest: e.digest, Config: e.model.About().Origin.Model, Classes: e.model.Config.Classes,
		EvalSize: e.model.Config.EvalSize, Names: e.model.Names, Engine: e.model.Engine.String(), Backend: e.backend,
		Upright: e.model.Config.Upright,
	})
}

func (s *server) answer(ctx context.Context, r wire.Request, input *picture.Picture, caller int, out *reply) error {
	start := time.Now()
	e, err := s.models.borrow(ctx, r.Checkpoint, r.Backend, r.Digest, r.Weights)
	if err != nil {
		return err
	}
	told := wire.Answered{Load: int64(time.Since(start))}
	if r.File != "" {
		if input, err = s.readFile(r, e.model.Config.EvalSize, &told); err != nil {
			s.models.release(e)
			return err
		}
	}
	q := asked(e.key, r.Maps, input)
	a := s.models.memo.get(q)
	if told.Kept = a != nil; !told.Kept {
		j := &job{ctx: ctx, entry: e, input: input, maps: r.Maps, image: r.Image, caller: caller}
		err = s.queue(e.backend).do(j)
		a, told.Wait, told.Compile, told.Forward = j.answer, int64(j.begun.Sub(j.arrived)), int64(j.took.Compile),
			int64(j.took.Forward)
		if err == nil {
			s.models.memo.put(q, a)
		} else if r.File != "" {
			err = fmt.Errorf("%s: %w", r.Image, err)
		}
	}
	told.Name = q.name()
	s.models.release(e) // before the numbers are taken: a caller may be slow
	if err != nil {
		return err
	}
	s.models.mu.Lock()
	s.models.answered++
	e.answered++
	s.models.mu.Unlock()
	return out.answered(a, told)
}

// readFile reads the picture that a caller named, and gives it as the network is to see it.
func (s *server) readFile(r wire.Request, size int, told *wire.Answered) (*picture.Picture, error) {
	photo, o, err := picture.ReadFor(r.File, r.Upright)
	if err != nil {
		// said of the file as the caller calls it
		return nil, errors.New(strings.ReplaceAll(err.Error(), r.File, r.Image))
	}
	if err := photo.Evaluable(size); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Image, err)
	}
	input := photo.Eval(size)
	told.Original, told.Input = [2]int{photo.Width, photo.Height}, [2]int{input.Width, input.Height}
	told.Marked = int(o)
	if r.Maps {
		told.Pixels = s.models.photos.keep(photo)
	}
	return input, nil
}

func (s *server) queue(kind string) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[kind]
	if q == nil {
		q = &queue{}
		s.queues[kind] = q
	}
	return q
}

func (s *server) stop(r wire.Request, out *reply) error {
	s.mu.Lock()
	busy, trainings := s.calls > 1, len(s.trainings) // this is a call
	s.mu.Unlock()
	if r.IfIdle && busy {
		return errors.New("the session is at work")
	}
	err := out.finish(wire.Stopping{Trainings: trainings})
	s.end(errStopped)
	return err
}

// status is the session as `gointr session status` tells it.
func (s *server) status() session.Status {
	s.mu.Lock()
	queues := make(map[string]*queue, len(s.queues))
	for kind, q := range s.queues {
		queues[kind] = q
	}
	status := session.Status{
		PID: os.Getpid(), Program: s.program, Folder: string(s.place), Log: s.place.Log(), Started: s.started,
		Memory: resident(), Budget: s.Memory, Idle: s.Idle.Seconds(),
		Models: []session.ModelStatus{}, Jobs: []session.Job{},
	}
	status.Trainings = s.statuses()
	s.mu.Unlock()
	for _, q := range queues {
		q.mu.Lock()
		for i, j := range slices.Concat(q.running, q.waiting) {
			status.Jobs = append(status.Jobs, session.Job{
				Image: j.image, Checkpoint: filepath.Base(j.entry.path), Caller: j.caller,
				Running: i < len(q.running), Seconds: time.Since(j.arrived).Seconds(),
			})
		}
		q.mu.Unlock()
	}
	s.models.mu.Lock()
	defer s.models.mu.Unlock()
	status.Answered = s.models.answered
	for _, e := range s.models.entries {
		m := session.ModelStatus{Path: e.path, Digest: e.digest, Backend: e.backend, Answered: e.answered,
			InUse: e.users, Unused: time.Since(e.used).Seconds()}
		select {
		case <-e.loaded:
			m.Loaded = true
		default:
		}
		status.Models = append(status.Models, m)
	}
	slices.SortFunc(status.Models, func(a, b session.ModelStatus) int { return int(a.Unused - b.Unused) })
	return status
}

// reply is who is answered: lines of progress, then one result.
type reply struct {
	mu       sync.Mutex
	conn     net.Conn
	finished bool
}

// Write tells progress.
func (c *reply) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(p), wire.Write(c.conn, wire.Reply{Progress: string(p)})
}

// event tells how something goes: a training, or a measurement.
func (c *reply) event(e any) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.Write(c.conn, wire.Reply{Event: text})
}

// beat tells that the session lives, until its result is called.
func (c *reply) beat() (end func()) {
	tick, done := time.NewTicker(wire.Beat), make(chan struct{})
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				c.mu.Lock()
				if !c.finished {
					_ = wire.Write(c.conn, wire.Reply{}) // one that left is noticed by its reader
				}
				c.mu.Unlock()
			}
		}
	}()
	return func() { close(done) }
}

// finish says the result and what goes with it, once.
func (r *reply) finish(result any, parts ...[]byte) error {
	encoded, err := json.Marshal(result)
	if err != nil {
		return err
	}
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	return r.end(wire.Reply{Done: true, Result: encoded, Bytes: n}, parts...)
}

// answered says what a picture was answered, and where the time went.
func (r *reply) answered(a *attention.Explanation, told wire.Answered) error {
	told.Classes, told.Layers, told.Heads, told.Rows, told.Cols = a.Classes(), a.Layers, a.Heads, a.Rows, a.Cols
	told.Width, told.Likeness = len(a.Pooled), a.Likeness
	return r.finish(told, wire.Bytes(a.Logits), wire.Bytes(a.Pooled), wire.Bytes(a.Weights))
}

// fail says what went wrong, unless the result was said already.
func (r *reply) fail(err error) {
	_ = r.end(wire.Reply{Done: true, Error: strings.Join(strings.Fields(err.Error()), " "),
		Gone: errors.Is(err, errStopped), Stopped: errors.Is(err, finetune.ErrStopped),
		Unknown: errors.Is(err, errUnknown),
		Early:   errors.Is(err, finetune.ErrStoppedEarly)})
}

func (r *reply) end(last wire.Reply, parts ...[]byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return nil
	}
	r.finished = true
	if err := wire.Write(r.conn, last); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := r.conn.Write(part); err != nil {
			return err
		}
	}
	return nil
}
