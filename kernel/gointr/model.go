package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/session"
)

// modelFlags are those of every command that opens a checkpoint.
type modelFlags struct {
	checkpoint, weights, classes string

	upright bool
	asked   intr.Config // what flags of the published scripts say of it
	told    bool        // that the sample was taken
}

func (m *modelFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.checkpoint, "checkpoint", hub.Sample, "a path, a published name, or hf:OWNER/REPO/FILE")
	registerWeights(cmd.Flags(), &m.weights)
	cmd.Flags().StringVar(&m.classes, "classes", "", "file with the names of the classes")
	uprightFlag(cmd.Flags(), &m.upright)
}

// uprightFlag turns pictures as their files say. A model that was trained so does it by itself, so that it cannot be
// switched off.
func uprightFlag(flags *pflag.FlagSet, upright *bool) {
	const name = "upright"
	flags.BoolFunc(name, "turn pictures as their orientation tags say (the published code does not)",
		func(text string) error {
			yes, err := strconv.ParseBool(text)
			if err == nil && !yes {
				err = errors.New("pictures are taken as they lie without it: leave it out")
			}
			*upright = yes
			return err
		})
}

func registerWeights(flags *pflag.FlagSet, weights *string) {
	flags.StringVar(weights, "weights", "",
		"of a checkpoint that holds several: plain (as if nothing was said), ema, or where inspect says that they are")
}

// open is the model that the flags name, and how it is closed. It answers in the
// user's session, where one is running, and else in this process: to load a model for
// one call, no session need be started.
func (m *modelFlags) open(cmd *cobra.Command, c *common) (model.Model, func(), error) {
	// A session knows no more than the checkpoint says.
	if _, err := session.Now(cmd.Context()); err != nil || m.asked.Heads != 0 || m.asked.Dilation {
		here, err := m.load(cmd, c)
		if err != nil {
			return nil, nil, err
		}
		return here, here.Close, nil
	}
	if err := m.check(cmd); err != nil {
		return nil, nil, err
	}
	o := session.Options{Backend: c.backend, Weights: m.weights, Progress: cmd.ErrOrStderr(), Upright: m.upright}
	if m.classes != "" {
		var err error
		if o.Names, err = datasets.ReadClasses(m.classes); err != nil {
			return nil, nil, err
		}
	}
	warm, err := session.Open(cmd.Context(), m.checkpoint, o)
	return warm, func() {}, err
}

// load is the model that the flags name, in this process.
func (m *modelFlags) load(cmd *cobra.Command, c *common, more ...intr.Option) (*intr.Model, error) {
	if err := m.check(cmd); err != nil {
		return nil, err
	}
	options := []intr.Option{intr.Backend(c.backend), intr.Progress(cmd.ErrOrStderr()), intr.As(m.asked),
		intr.Weights(m.weights)}
	if m.classes != "" {
		options = append(options, intr.ClassFile(m.classes))
	}
	if m.upright {
		options = append(options, intr.Upright())
	}
	return intr.Open(cmd.Context(), m.checkpoint, append(options, more...)...)
}

// check says, once, what the sample knows where nobody named a checkpoint.
func (m *modelFlags) check(cmd *cobra.Command) error {
	if m.checkpoint == "" {
		return wrong("no checkpoint was named: give --checkpoint a path, or sample, cub, bird or butterfly")
	}
	wholefile.Keep(m.checkpoint, m.classes)
	if !m.told && !cmd.Flags().Changed("checkpoint") {
		m.told = true
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %s: --checkpoint chooses\n", hub.SampleKnows)
	}
	return nil
}
