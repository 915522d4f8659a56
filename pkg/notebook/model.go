package notebook

import (
	"context"
	"fmt"
	"os"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// Model is a checkpoint, ready to look at pictures. It lives in the session, a
// process that stays between cells (package session).
type Model struct {
	m       *session.Model
	backend string // as it was asked for
}

// Option is a choice for Open.
type Option func(*choices)

type choices struct{ backend, classFile string }

// ClassFile names the classes from a file: CUB's classes.txt, a name a line, or JSON.
func ClassFile(path string) Option { return func(c *choices) { c.classFile = path } }

// Backend chooses the engine: "auto" (the default), "xla", "cuda" or "go".
func Backend(kind string) Option { return func(c *choices) { c.backend = kind } }

// Open gives a checkpoint: a path to a .pth or .safetensors file, the name of a
// published one ("cub", "bird", "butterfly") or "hf:OWNER/REPO/FILE". The first
// cell that opens it has the session load it; in later cells, and other
// notebooks, it costs about a millisecond, so that
//
//	var model = notebook.Open("cub")
//
// can stand at the top of a notebook.
func Open(checkpoint string, options ...Option) *Model {
	var c choices
	for _, option := range options {
		option(&c)
	}
	o := session.Options{Backend: c.backend, Progress: os.Stderr}
	if c.classFile != "" {
		names, err := datasets.ReadClasses(c.classFile)
		Check(err)
		o.Names = names
	}
	m, err := session.Open(context.Background(), checkpoint, o)
	if err != nil && c.classFile != "" {
		err = fmt.Errorf("%w (the names are those of %s)", err, c.classFile)
	}
	Check(err)
	return &Model{m, c.backend}
}

// String says what the model is and which engine it runs on.
func (m *Model) String() string {
	from := m.m.About().Origin
	return from.Model + ", on " + from.Engine
}

// Explain ranks the classes for one picture and keeps where each was seen.
func (m *Model) Explain(path string) *Explanation {
	photo, err := picture.Open(path)
	Check(err)
	numbers, took, err := m.m.Answer(context.Background(), path, photo, true)
	Check(err)
	return &Explanation{Numbers: numbers, Took: took, photo: photo, source: m.source()}
}

// source is what the model is, for captions and data.
func (m *Model) source() figure.Source {
	return figure.Source(m.m.About().Origin)
}
