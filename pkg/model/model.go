// Package model is what every room asks of an INTR, wherever it runs: intr.Model
// answers in this process, session.Model in the one that stays. It links no engine.
package model

import (
	"context"
	"iter"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
)

// Model is an INTR that answers pictures, each as if it were alone. Its methods may
// be called from several goroutines. Errors are one sentence that names the picture.
type Model interface {
	// About says what it is.
	About() About
	// Explain answers a picture with its ranked classes and every attention map;
	// image is what to call it. It gives up soon after ctx ends.
	Explain(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error)
	// Each answers the pictures of files (About.Read) with their logits, without maps,
	// in the order of their paths, and reads ahead. An error belongs to one picture; the
	// others are still answered, unless ctx has ended: that error is the last.
	Each(ctx context.Context, paths []string) iter.Seq2[*attention.Explanation, error]
}

// About is what a model is.
type About struct {
	Origin   origin.Model
	Classes  int      // how many
	Names    []string // of the classes, by index; nil where none are known
	EvalSize int      // short side, in pixels, that pictures are resized to; 0 is the published 800
}

// Read is picture.Read for the model: the picture of a file, and how it was turned where Origin.Upright is set.
func (a About) Read(path string) (*picture.Picture, picture.Orientation, error) {
	return picture.Read(path, a.Origin.Upright)
}
