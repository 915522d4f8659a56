package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// inspected is the line that inspect prints with --json.
type inspected struct {
	Checkpoint string       `json:"checkpoint"`
	Format     string       `json:"format"`
	Config     *intr.Config `json:"config"` // null where the file holds no INTR
	Problem    string       `json:"problem,omitempty"`
	Weights    *string      `json:"weights"` // what stands before the names of the tensors taken; null: none
	// of all weights, first those that are taken unless --weights says more
	Places   []intr.Place      `json:"places"`
	Likeness *inspectedLike    `json:"likeness"` // by which it tells unlike pictures; null: none
	Others   []inspectedOther  `json:"others"`   // what is not loaded
	Tensors  []inspectedTensor `json:"tensors"`
	// with --verify: how many tensors have a checksum, which is right
	Verified *int `json:"verified,omitempty"`

	numbers int // of all tensors
}

type inspectedLike struct {
	Pictures int    `json:"pictures"` // of training
	HeldOut  int    `json:"held_out"`
	Problem  string `json:"problem,omitempty"` // why it is left out
}

type inspectedTensor struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	DType string `json:"dtype"`
}

type inspectedOther struct {
	Name  string `json:"name"`
	Class string `json:"class"`
}

func inspectCommand(c *common) *cobra.Command {
	var weights string
	var verify bool
	cmd := &cobra.Command{
		Use:   "inspect C",
		Short: "say what a checkpoint holds",
		Long: "Says what a checkpoint holds: the architecture and every tensor. Works on any .pth or " +
			".safetensors file.",
		Args: exactly(1, "one checkpoint"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := hub.Find(cmd.Context(), args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			file, err := torchfile.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			var verified *int
			if verify {
				n, err := file.Verify()
				if err != nil {
					return err
				}
				verified = &n
			}
			result := inspected{Checkpoint: path, Verified: verified, Format: fmt.Sprint(file.Format),
				Tensors: []inspectedTensor{},
				Others:  []inspectedOther{}, Places: append([]intr.Place{}, intr.Places(file)...)}
			if _, config, err := intr.InspectAs(file, intr.Config{}, weights); err != nil {
				result.Problem = oneSentence(err)
			} else {
				result.Config = &config
				result.Likeness = likenessIn(file, config)
			}
			if p, err := intr.PlaceOf(file, weights); err == nil {
				result.Weights = &p.At
			} else if len(result.Places) > 0 {
				return fmt.Errorf("%s: %w", path, err)
			}
			for _, o := range file.Others() {
				result.Others = append(result.Others, inspectedOther(o))
			}
			for _, t := range file.Tensors() {
				result.Tensors = append(result.Tensors, inspectedTensor{t.Name, t.Shape, fmt.Sprint(t.DType)})
				result.numbers += t.Len()
			}
			return c.tell(cmd, result, result.print)
		},
	}
	registerWeights(cmd.Flags(), &weights)
	cmd.Flags().BoolVar(&verify, "verify", false, "reads every number and compares the checksums that the file has")
	return cmd
}

func likenessIn(file *torchfile.File, config intr.Config) *inspectedLike {
	l, err := intr.LikenessOf(file, config)
	switch {
	case err != nil:
		return &inspectedLike{Problem: oneSentence(err)}
	case l != nil:
		return &inspectedLike{Pictures: l.Pictures, HeldOut: len(l.Distances)}
	}
	return nil
}

func (r inspected) print(w io.Writer) error {
	if r.Config != nil {
		fmt.Fprintf(w, "%s (%s)\n%s\n", r.Checkpoint, r.Format, r.Config)
	} else {
		fmt.Fprintf(w, "%s (%s)\nNot an INTR: %s.\n", r.Checkpoint, r.Format, r.Problem)
	}
	if r.Weights != nil {
		fmt.Fprintf(w, "Its weights are %squery_embed.weight and those beside it.\n", *r.Weights)
	}
	if l := r.Likeness; l != nil && l.Problem != "" {
		fmt.Fprintf(w, "Left out: %s.\n", l.Problem)
	} else if l != nil {
		fmt.Fprintf(w, "It tells pictures unlike those that it was trained on, by %d of them and %d held out.\n",
			l.Pictures, l.HeldOut)
	}
	for _, p := range r.Places {
		if p.At != *r.Weights {
			fmt.Fprintf(w, "Other weights, which --weights chooses: %s.\n", p)
		}
	}
	if r.Verified != nil {
		fmt.Fprintf(w, "All is read; %d of %d tensors have a checksum, and it is right.\n", *r.Verified, len(r.Tensors))
	}
	modules := 0
	for _, o := range r.Others {
		if strings.HasPrefix(o.Class, "torch.nn.") || slices.ContainsFunc(r.Tensors, func(t inspectedTensor) bool {
			return o.Name == "" || strings.HasPrefix(t.Name, o.Name+".")
		}) {
			modules++
			continue
		}
		fmt.Fprintf(w, "Not loaded: %.200q, a %.200q.\n", o.Name, o.Class)
	}
	if modules > 0 {
		fmt.Fprintf(w, "Not loaded: the code of %d modules, whose tensors are there.\n", modules)
	}
	fmt.Fprintf(w, "%d tensors, %d numbers\n\n", len(r.Tensors), r.numbers)
	table := columns.New(w)
	for _, t := range r.Tensors {
		fmt.Fprintf(table, "%s\t%s\t%v\n", t.Name, t.DType, t.Shape)
	}
	return table.Flush()
}

func convertCommand(c *common) *cobra.Command {
	var likeness, weights string
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "turn a .pth into a .safetensors file, or back",
		Long: `Writes the weights of a checkpoint in the format that OUT's name says (.pth or
.safetensors), exactly as they are. The architecture goes with them; an optimizer
and a schedule inside do not.

With --likeness OUT also knows what the pictures are like that the model was trained
on, so that predict can say of others that they are unlike them. D is that dataset
(train and val are answered, 2000 and 1000 pictures at most), or the likeness.json
that eval --out wrote.`,
		Args: exactly(2, "two files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := hub.Find(cmd.Context(), args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			wholefile.Keep(in, likeness)
			if err := wholefile.Spare(args[1]); err != nil {
				return err
			}
			var known *intr.Likeness
			if likeness != "" {
				if known, err = likenessFrom(cmd, c, in, likeness); err != nil {
					return err
				}
			}
			result, err := intr.Convert(cmd.Context(), in, args[1], intr.Like(known), intr.Weights(weights))
			if err != nil {
				return err
			}
			what := "a DETR to start training from"
			if result.Config != nil {
				what = result.Config.String()
			}
			if result.LeftOut != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "gointr: left out, so that a training goes on from %s only: %s\n",
					args[0],
					strings.Join(result.LeftOut, ", "))
			}
			return c.tell(cmd, result, line("%s written: %s, %d tensors", args[1], what, result.Tensors))
		},
	}
	cmd.Flags().StringVar(&likeness, "likeness", "", "dataset that IN was trained on, or a likeness.json of eval")
	registerWeights(cmd.Flags(), &weights)
	return cmd
}
