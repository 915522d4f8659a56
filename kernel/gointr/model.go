package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// modelFlags are those of every command that opens a checkpoint.
type modelFlags struct{ checkpoint, classes string }

func (m *modelFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.checkpoint, "checkpoint", hub.Sample, "a path, a published name, or hf:OWNER/REPO/FILE")
	cmd.Flags().StringVar(&m.classes, "classes", "", "file with the names of the classes")
}

// A model answers in the user's session, where one is running, and else in this
// process: to load a model for one call, no session need be started.
type model struct {
	here    *intr.Model
	warm    *session.Model
	names   []string
	classes int
}

// open is the model that the flags name.
func (m *modelFlags) open(cmd *cobra.Command, c *common) (*model, error) {
	if _, err := session.Now(cmd.Context()); err != nil {
		here, err := m.load(cmd, c)
		if err != nil {
			return nil, err
		}
		return &model{here: here, names: here.Names, classes: here.Config.Classes}, nil
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	o := session.Options{Backend: c.backend, Progress: cmd.ErrOrStderr()}
	if m.classes != "" {
		var err error
		if o.Names, err = datasets.ReadClasses(m.classes); err != nil {
			return nil, err
		}
	}
	warm, err := session.Open(cmd.Context(), m.checkpoint, o)
	if err != nil {
		return nil, err
	}
	return &model{warm: warm, names: warm.Names, classes: warm.Classes}, nil
}

// load is the model that the flags name, in this process.
func (m *modelFlags) load(cmd *cobra.Command, c *common, more ...intr.Option) (*intr.Model, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	options := []intr.Option{intr.Backend(c.backend), intr.Progress(cmd.ErrOrStderr()), intr.Context(cmd.Context())}
	if m.classes != "" {
		options = append(options, intr.ClassFile(m.classes))
	}
	return intr.Open(m.checkpoint, append(options, more...)...)
}

func (m *modelFlags) check() error {
	if m.checkpoint == "" {
		return wrong("no checkpoint was named: give --checkpoint a path, or sample, cub, bird or butterfly")
	}
	return nil
}

// source is what the model is, for captions and data.
func (m *model) source() (origin.Model, error) {
	if m.warm != nil {
		return origin.Model{Model: m.warm.Config, Checkpoint: m.warm.Path, SHA256: m.warm.Digest, Engine: m.warm.Engine}, nil
	}
	s := origin.Model{Model: m.here.Config.String(), Checkpoint: m.here.Path, Engine: m.here.Engine.String()}
	file, err := os.Open(s.Checkpoint)
	if err != nil {
		return s, fmt.Errorf("%s cannot be read: %w", s.Checkpoint, wholefile.Cause(err))
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return s, fmt.Errorf("%s cannot be read: %w", s.Checkpoint, wholefile.Cause(err))
	}
	s.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return s, nil
}

func (m *model) close() {
	if m.here != nil {
		m.here.Close()
	}
}

func (m *model) explain(ctx context.Context, image string, photo *picture.Picture) (*attention.Explanation, error) {
	if m.here != nil {
		return m.here.ExplainPicture(image, photo)
	}
	e, _, err := m.warm.Answer(ctx, image, photo, true)
	return e, err
}

// predictEach ranks the classes for pictures, as intr.Model.PredictEach does.
func (m *model) predictEach(ctx context.Context, paths []string) iter.Seq2[attention.Ranking, error] {
	if m.here != nil {
		return m.here.PredictEach(paths)
	}
	return func(yield func(attention.Ranking, error) bool) {
		for a, err := range m.warm.Each(ctx, paths, false) {
			var ranking attention.Ranking
			if err == nil {
				ranking = a.Ranking(-1, true)
			}
			if !yield(ranking, err) {
				return
			}
		}
	}
}
