package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/origin"
)

// learnLikeness has a model learn what the pictures are like that it was trained on.
func learnLikeness(cmd *cobra.Command, m model.Model, training, heldOut *datasets.Split) (*intr.Likeness, error) {
	if classes := m.About().Classes; len(training.Classes) != classes {
		return nil, fmt.Errorf("%s has %d classes and the model %d, so it is not the dataset that it was trained on",
			training.Root, len(training.Classes), classes)
	}
	bar := progress(cmd.ErrOrStderr(), 0, "learning what its pictures are like")
	defer func() { _ = bar.Clear() }()
	return intr.Measure(cmd.Context(), m, training.Paths(), heldOut.Paths(), func(n, of int) {
		bar.ChangeMax(of)
		_ = bar.Set(n)
	})
}

// likenessFrom is the likeness of a checkpoint's pictures: from a dataset that it was trained on, or a likeness.json.
func likenessFrom(cmd *cobra.Command, c *common, checkpoint, from string) (*intr.Likeness, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", from, wholefile.Cause(err))
	}
	if !info.IsDir() {
		l, err := intr.ReadLikeness(from)
		if err != nil || l.Checkpoint == "" {
			return l, err
		}
		digest, err := origin.Digest(checkpoint)
		if err == nil && digest != l.Checkpoint {
			err = fmt.Errorf("%s was measured of another checkpoint than %s (SHA-256 %.12s…, not %.12s…)", from,
				checkpoint, l.Checkpoint, digest)
		}
		l.Checkpoint = ""
		return l, err
	}
	training, heldOut, err := datasets.Open(from)
	if err != nil {
		return nil, err
	}
	m, err := intr.Open(cmd.Context(), checkpoint, intr.Backend(c.backend))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return learnLikeness(cmd, m, training, heldOut)
}

// likeness is, of a checkpoint that has none, what its pictures are like.
func (f *evalFlags) likeness(cmd *cobra.Command, m model.Model, heldOut *datasets.Split) (*intr.Likeness, error) {
	if b, ok := m.(*batched); ok {
		m = b.Model // every picture alone
	}
	if f.split == "train" {
		return nil, errors.New("the pictures of train are not held out")
	}
	training, err := datasets.OpenSplit(f.dataset, "train")
	if err != nil {
		return nil, err
	}
	l, err := learnLikeness(cmd, m, training, heldOut)
	if err == nil {
		l.Checkpoint = m.About().Origin.SHA256
	}
	return l, err
}
