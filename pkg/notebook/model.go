package notebook

import (
	"fmt"
	"os"

	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// Model is a checkpoint, ready to look at pictures.
type Model struct{ m *intr.Model }

// Option is a choice for Open.
type Option func(*choices)

type choices struct{ backend, classFile string }

// ClassFile names the classes from a file: CUB's classes.txt, a name a line, or JSON.
func ClassFile(path string) Option { return func(c *choices) { c.classFile = path } }

// Backend chooses the engine: "auto" (the default), "xla", "cuda" or "go".
func Backend(kind string) Option { return func(c *choices) { c.backend = kind } }

// Open loads a checkpoint: a path to a .pth or .safetensors file, the name of a
// published one ("cub", "bird", "butterfly") or "hf:OWNER/REPO/FILE".
func Open(checkpoint string, options ...Option) *Model {
	var c choices
	for _, option := range options {
		option(&c)
	}
	with := []intr.Option{intr.Backend(c.backend), intr.Progress(os.Stderr)}
	if c.classFile != "" {
		with = append(with, intr.ClassFile(c.classFile))
	}
	m, err := intr.Open(checkpoint, with...)
	Check(err)
	return &Model{m}
}

// String says what the model is and which engine it runs on.
func (m *Model) String() string { return fmt.Sprintf("%v, on %v", m.m.Config, m.m.Engine) }

// Explain ranks the classes for one picture and keeps where each was seen.
func (m *Model) Explain(path string) *Explanation {
	photo, err := picture.Open(path)
	Check(err)
	e, err := m.m.ExplainPicture(path, photo)
	Check(err)
	return &Explanation{Numbers: e, photo: photo}
}
