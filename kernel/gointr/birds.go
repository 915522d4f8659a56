package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/internal/columns"
)

// drawn is the line that birds prints with --json.
type drawn struct {
	Dir     string              `json:"dir"`
	Classes int                 `json:"classes"`
	Train   int                 `json:"train"` // pictures
	Val     int                 `json:"val"`
	Size    int                 `json:"size"`
	Seed    uint64              `json:"seed"`
	Species []birds.Description `json:"species"`
}

func birdsCommand(c *common) *cobra.Command {
	o := birds.Defaults
	cmd := &cobra.Command{
		Use:   "birds DIR",
		Short: "draw a dataset of invented birds whose telling parts are known",
		Long: `Draws species that differ in one or two parts only (beak, breast, tail, crest, wing
bar, feet, eye), under changing pose, size, background, light and leaves in front.

DIR, which must be new or empty, becomes a dataset: train/CLASS/*.png, val/CLASS/*.png
(a third as many), parts.csv (where each part lies) and species.json (how each
species looks, and what tells it from its look-alike). The same flags draw the same
pictures on every machine.`,
		Args: exactly(1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Check(); err != nil {
				return wrongCall{err}
			}
			bar := progress(cmd.ErrOrStderr(), o.Pictures(), "drawing")
			err := birds.Write(cmd.Context(), args[0], o, func() { _ = bar.Add(1) })
			_ = bar.Clear()
			if err != nil {
				return err
			}
			result := drawn{args[0], o.Classes, o.Classes * o.PerClass, o.Classes * o.ValPerClass(), o.Size,
				o.Seed, o.Describe()}
			return c.tell(cmd, result, result.print)
		},
	}
	cmd.Flags().IntVar(&o.Classes, "classes", o.Classes, fmt.Sprintf("how many species, 2 to %d", birds.MaxSpecies))
	cmd.Flags().IntVar(&o.PerClass, "per-class", o.PerClass, "pictures of each in train; val has a third as many")
	cmd.Flags().IntVar(&o.Size, "size", o.Size, fmt.Sprintf("pixels a side, %d to %d", birds.MinSize, birds.MaxSize))
	cmd.Flags().Uint64Var(&o.Seed, "seed", o.Seed, "another number gives other pictures of the same species")
	return cmd
}

func (d drawn) print(w io.Writer) error {
	fmt.Fprintf(w, "%s written: %d species, %d pictures in train and %d in val\n\n", d.Dir, d.Classes, d.Train, d.Val)
	table := columns.New(w)
	for _, s := range d.Species {
		fmt.Fprintf(table, "%s\ttold by its %s: %s\tlook-alike %s (%s)\n", s.Class, s.Telling, s.Parts[s.Telling],
			s.LookAlike, strings.Join(s.Differs, ", "))
	}
	return table.Flush()
}
