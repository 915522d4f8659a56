package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/faithful/plots"
	"github.com/gointr/gointr/pkg/faithful/subject"
	"github.com/gointr/gointr/pkg/figure"
)

func faithfulCommand(c *common) *cobra.Command {
	var m modelFlags
	var labels labelFlags
	var out string
	var insertion, deletion []string
	o := faithful.Default()
	cmd := &cobra.Command{
		Use:   "faithful --checkpoint C --dataset D",
		Short: "measure whether the maps tell the truth",
		Long: `Measures INTR's maps (the mean of the heads of the last layer, and the head chosen for
each class on training pictures) beside Grad-CAM, attention rollout, a random map
and a map of the centre: insertion and deletion curves, the pointing game, the
energy inside the telling part or the animal, what happens when parts are really
taken away (drawn birds only), and whether random weights change the maps. Every
number has a 95 % interval. docs/faithful.md says exactly what is done.

Where the parts lie is read from D/parts.csv, the animals' boxes from D/boxes.csv, or
either from --parts. Heads are chosen on D/train.

--out DIR keeps report.json, table.csv, table.md, curves.csv, pictures.csv, and curves and
measures as .png and .pdf.`,
		Args: exactly(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Insertion, o.Deletion = fills(insertion), fills(deletion)
			if err := o.Check(); err != nil {
				return wrongCall{err}
			}
			if out != "" { // before the hours that this may take
				if err := os.MkdirAll(out, 0o777); err != nil {
					return fmt.Errorf("%s cannot be written to: %w", out, wholefile.Cause(err))
				}
			}
			model, err := m.load(cmd, c) // gradients are this process's
			if err != nil {
				return err
			}
			defer model.Close()
			if err := labels.tell(cmd, o.Dataset, o.Split, model.About()); err != nil {
				return err
			}
			o.ByOrder = labels.byOrder
			at, end := phases(cmd.ErrOrStderr())
			report, err := faithful.Run(cmd.Context(), subject.Of(model), o, func(p faithful.Progress) {
				at(p.Doing, p.Done, p.Of)
			})
			end()
			if err != nil {
				return err
			}
			report.Checkpoint = m.checkpoint
			if out != "" {
				if err := writeFaithful(report, out); err != nil {
					return err
				}
			}
			if c.json {
				return printJSON(cmd, report)
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), report.String()); err != nil || out == "" {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Written to %s\n", out)
			return err
		},
	}
	m.register(cmd)
	labels.register(cmd)
	cmd.Flags().StringVar(&o.Dataset, "dataset", "", "folder with val/CLASS/*.jpg")
	cmd.Flags().StringVar(&o.Split, "split", o.Split, "folder of the dataset to measure on")
	cmd.Flags().StringVar(&o.Parts, "parts", "", "parts.csv or boxes.csv (default: those in the dataset's folder)")
	cmd.Flags().IntVar(&o.MaxImages, "max-images", 0,
		"how many pictures to measure, the first of each class in turn (default: all)")
	cmd.Flags().IntVar(&o.Steps, "steps", o.Steps, "of the insertion and deletion curves")
	cmd.Flags().StringSliceVar(&insertion, "insertion", []string{"blur"},
		"what insertion begins with: blur, mean, or both with a comma")
	cmd.Flags().StringSliceVar(&deletion, "deletion", []string{"mean"}, "what deletion ends with: mean, blur, or both")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of everything random")
	cmd.Flags().StringVar(&out, "out", "", "folder to write report, tables and figures to")
	return cmd
}

func fills(names []string) (all []faithful.Fill) {
	for _, name := range names {
		all = append(all, faithful.Fill(name))
	}
	return all
}

// writeFaithful writes the files of --out.
func writeFaithful(r *faithful.Report, dir string) error {
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, write := range map[string]func(string) error{"table.csv": r.WriteTable, "curves.csv": r.WriteCurves,
		"pictures.csv": r.WritePictures, "table.md": r.WriteMarkdown} {
		if err := write(path(name)); err != nil {
			return err
		}
	}
	if err := savePlots(dir, map[string]func() (*figure.Plot, error){
		"curves":   func() (*figure.Plot, error) { return plots.Curves(r) },
		"measures": func() (*figure.Plot, error) { return plots.Measures(r) },
	}); err != nil {
		return err
	}
	return wholefile.JSON(path("report.json"), r) // last: when it is there, all is
}
