// Package session is INTR in a process that stays: one a user, which keeps
// models and their compiled graphs between the cells of notebooks and the calls
// of commands. The first who opens a model starts it; it ends by itself when
// nobody has called for half an hour, or with Stop.
//
//	m, err := session.Open(ctx, "cub", session.Options{})
//	p, err := picture.Open("bunting.jpg")
//	e, err := m.Explain(ctx, "bunting.jpg", p)
//
// The explanations are those of package intr, to the bit. This package links no
// compute engine, so that a cell that uses it is built in a blink. The process
// itself is package server; it listens on a Unix socket in a folder that only
// its user may enter: the one that GOINTR_RUNTIME_DIR names, else gointr in
// XDG_RUNTIME_DIR, else /tmp/gointr-UID.
package session

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// Options are choices for Open. The zero value is good.
type Options struct {
	Backend  string    // "auto" (also ""), "xla", "cuda" or "go"
	Progress io.Writer // where downloads, and a session that had to be started anew, are told; may be nil
	Names    []string  // of the classes, by index; nil has those that the checkpoint names, if it does
	Upright  bool      // turns the pictures of files as they say; a model that was trained so does it by itself
	Weights  string    // of a checkpoint that holds several: "plain", "ema" or where they stand; "" is the plain ones
}

// Model is a checkpoint that the session keeps. It is opened again by itself
// where the session had to let it go or was killed. Its methods may be called
// from several goroutines.
type Model struct {
	about    model.About
	backend  string
	weights  string
	progress io.Writer
}

// Took is where the time of an answer went.
type Took struct {
	Forward time.Duration // the forward pass
	Wait    time.Duration // for others' pictures, asked before
	Load    time.Duration // of the checkpoint, where it had been let go
	Compile time.Duration // of graphs, the first time at a size of canvas
	Total   time.Duration // from asking to having the numbers
	Kept    bool          // the picture had been answered before, and the session still knew
}

// String is Took in words: "1.17 s forward pass, 0.03 s around it".
func (t Took) String() string {
	if t.Kept {
		return fmt.Sprintf("no forward pass: answered before, %.2f s to fetch", t.Total.Seconds())
	}
	text := fmt.Sprintf("%.2f s forward pass", t.Forward.Seconds())
	rest := t.Total - t.Forward
	for _, part := range []struct {
		what string
		took time.Duration
	}{{"waiting for others", t.Wait}, {"loading", t.Load}, {"compiling", t.Compile}} {
		if part.took >= 10*time.Millisecond {
			text += fmt.Sprintf(", %.2f s %s", part.took.Seconds(), part.what)
			rest -= part.took
		}
	}
	return text + fmt.Sprintf(", %.2f s around it", max(0, rest).Seconds())
}

// Open has the session load a checkpoint, unless it is there: a path to a .pth
// or .safetensors file, the name of a published one ("cub", "bird",
// "butterfly") or "hf:OWNER/REPO/FILE". The session is started when there is
// none. Errors are one sentence.
func Open(ctx context.Context, checkpoint string, o Options) (*Model, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("the folder that this runs in is gone: %w", err)
	}
	return open(ctx, wire.Request{Do: wire.Open, Checkpoint: checkpoint, Folder: folder, Backend: o.Backend,
		Weights: o.Weights}, o)
}

func open(ctx context.Context, r wire.Request, o Options) (*Model, error) {
	var result wire.Opened
	if _, err := ask(ctx, o.Progress, r, nil, &result); err != nil {
		return nil, err
	}
	if o.Names != nil && len(o.Names) != result.Classes {
		return nil, fmt.Errorf("there are %d class names, but %s has %d classes: give the class file that belongs to "+
			"this checkpoint", len(o.Names), result.Path, result.Classes)
	}
	names := o.Names
	if names == nil {
		names = result.Names
	}
	return &Model{
		about: model.About{
			Origin: origin.Model{Model: result.Config, Checkpoint: result.Path, SHA256: result.Digest,
				Engine: result.Engine, Upright: o.Upright || result.Upright},
			Classes: result.Classes, Names: names, EvalSize: result.EvalSize,
		},
		backend: result.Backend, weights: r.Weights, progress: o.Progress,
	}, nil
}

// About says what the model is.
func (m *Model) About() model.About { return m.about }

// Explain answers one picture with its ranked classes and every attention map;
// image is what to call it. When ctx ends, the session stops working at it.
func (m *Model) Explain(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
	e, _, err := m.Answer(ctx, image, p, true)
	return e, err
}

// Answer is Explain with where the time went; without maps the explanation has
// logits only.
func (m *Model) Answer(ctx context.Context, image string, p *picture.Picture, maps bool) (*attention.Explanation,
	Took, error) {
	a, err := m.AnswerPhoto(ctx, image, p, maps)
	return a.Explanation, a.Took, err
}

// AnswerPhoto is Answer with what Draw takes: the photograph by its pixels.
func (m *Model) AnswerPhoto(ctx context.Context, image string, p *picture.Picture, maps bool) (Answered, error) {
	if err := p.Evaluable(m.about.EvalSize); err != nil {
		return Answered{}, fmt.Errorf("%s: %w", image, err)
	}
	input := p.Eval(m.about.EvalSize)
	a, err := m.answer(ctx, wire.Request{Maps: maps, Image: image, Height: input.Height, Width: input.Width}, input.Pix)
	if err != nil {
		return a, fmt.Errorf("%s: %w", image, err)
	}
	a.Explanation.Width, a.Explanation.Height = p.Width, p.Height
	a.Explanation.InputWidth, a.Explanation.InputHeight = input.Width, input.Height
	if maps {
		a.Photo = PhotoOf(p)
	}
	return a, nil
}

// AnswerFile is Answer for the picture of a file, which the session reads, as model.About.Read does.
func (m *Model) AnswerFile(ctx context.Context, path string, maps bool) (Answered, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return Answered{}, fmt.Errorf("%s: %w", path, err)
	}
	upright := m.about.Origin.Upright
	a, err := m.answer(ctx, wire.Request{Maps: maps, Image: path, File: file, Upright: upright}, nil)
	if err != nil {
		return a, err
	}
	if !upright {
		picture.CountLying(path, a.marked)
	}
	return a, nil
}

// answer asks for an answer and checks it.
func (m *Model) answer(ctx context.Context, r wire.Request, pixels []byte) (Answered, error) {
	from := m.about.Origin
	r.Do, r.Checkpoint, r.Digest, r.Backend, r.Weights = wire.Answer, from.Checkpoint, from.SHA256, m.backend, m.weights
	start := time.Now()
	var result wire.Answered
	behind, err := ask(ctx, m.progress, r, pixels, &result)
	a := Answered{Took: Took{Total: time.Since(start), Forward: time.Duration(result.Forward),
		Wait: time.Duration(result.Wait), Load: time.Duration(result.Load), Compile: time.Duration(result.Compile),
		Kept: result.Kept}}
	if err != nil {
		return a, err
	}
	classes, numbers := m.about.Classes, wire.Numbers(behind)
	if result.Classes != classes || result.Width < 0 || len(numbers)-classes < result.Width {
		return a, fmt.Errorf("the session answered for %d classes, not %d", result.Classes, classes)
	}
	e := &attention.Explanation{
		Image: r.Image, Width: result.Original[0], Height: result.Original[1],
		InputWidth: result.Input[0], InputHeight: result.Input[1], Names: m.about.Names,
		Logits: numbers[:classes:classes], Pooled: numbers[classes:][:result.Width:result.Width],
		Likeness: result.Likeness,
	}
	if r.Maps {
		e.Layers, e.Heads, e.Rows, e.Cols, e.Weights = result.Layers, result.Heads, result.Rows, result.Cols,
			numbers[classes+result.Width:]
		if err := e.Check(); err != nil {
			return a, err
		}
	}
	a.Explanation, a.Name, a.marked = e, result.Name, picture.Orientation(result.Marked)
	if r.File != "" {
		a.Photo = Photo{Path: r.File, Upright: r.Upright, Digest: result.Pixels}
	}
	return a, nil
}

// errLost is a session that ended in the middle of a call.
var errLost = errors.New("lost")

// ask calls the session, starting it when there is none. A session that is
// killed in the middle is replaced, once: the picture may be what kills it.
func ask(ctx context.Context, progress io.Writer, r wire.Request, payload []byte, result any) ([]byte, error) {
	if progress == nil {
		progress = io.Discard
	}
	for again := false; ; again = true {
		c, err := dial(ctx, progress)
		if err != nil {
			return nil, err
		}
		behind, err := c.ask(ctx, progress, r, payload, result)
		switch {
		case !errors.Is(err, errLost):
			return behind, err
		case again:
			return nil, fmt.Errorf("the session was ended twice in the middle of this; its log may say why: %s",
				c.place.Log())
		}
	}
}

// call is one connection to the session, greeted.
type call struct {
	place place.Place
	conn  *net.UnixConn
	in    *bufio.Reader
	pid   int
	hello wire.Hello
	tell  func(event json.RawMessage) // of a training or a measurement
}

// ask says what is wanted and waits for the last word. The connection is closed.
func (c *call) ask(ctx context.Context, progress io.Writer, r wire.Request, payload []byte,
	result any) ([]byte, error) {
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	behind, err := c.talk(progress, r, payload, result)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return behind, err
}

func (c *call) talk(progress io.Writer, r wire.Request, payload []byte, result any) ([]byte, error) {
	return c.hear(progress, c.say(r, payload), result)
}

// say says what is wanted. Where that fails it may have been answered all the same: a
// session that refuses a picture does not read all of it.
func (c *call) say(r wire.Request, payload []byte) error {
	c.conn.SetDeadline(time.Now().Add(patience))
	err := wire.Write(c.conn, r)
	if err == nil && len(payload) > 0 {
		_, err = c.conn.Write(payload)
	}
	return err
}

// hear waits for the last word and gives what comes behind it; failed is what say gave.
func (c *call) hear(progress io.Writer, failed error, result any) ([]byte, error) {
	for {
		var reply wire.Reply
		c.conn.SetReadDeadline(time.Now().Add(patience))
		if err := wire.Read(c.in, &reply); err != nil {
			return nil, c.silent(err)
		}
		switch {
		case reply.Progress != "":
			io.WriteString(progress, reply.Progress)
		case reply.Event != nil:
			c.tell(reply.Event)
		case reply.Stopped:
			return nil, finetune.ErrStopped
		case reply.Early:
			return nil, finetune.ErrStoppedEarly
		case reply.Unknown:
			return nil, errUnknown
		case reply.Error != "":
			return nil, errors.New(reply.Error)
		case reply.Done && failed != nil:
			return nil, errLost
		case reply.Done:
			if err := json.Unmarshal(reply.Result, result); err != nil {
				return nil, fmt.Errorf("the session answered with what is no answer: %w", err)
			}
			behind, err := wire.ReadBytes(c.in, reply.Bytes)
			if err != nil {
				return nil, c.silent(err)
			}
			return behind, nil
		}
	}
}

// silent is why a session can be heard no more: it hangs, or it has ended.
func (c *call) silent(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the session (process %d) does not answer: gointr session stop ends it, and the next call "+
			"starts a new one", c.pid)
	}
	return errLost
}
