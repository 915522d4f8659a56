package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/fieldguide/book"
)

// guided is the line that fieldguide prints with --json.
type guided struct {
	Checkpoint string        `json:"checkpoint"`
	Dataset    string        `json:"dataset"`
	Split      string        `json:"split"`
	Classes    []guidedClass `json:"classes"`
	Out        guidedFiles   `json:"out"`
	Bytes      int64         `json:"bytes"` // of the page
	// Drawn is there where the birds are those of gointr birds.
	Drawn *fieldguide.Drawn `json:"drawn,omitempty"`
}

type guidedFiles struct {
	Page    string `json:"page"`
	Table   string `json:"table"`
	Numbers string `json:"numbers"`
}

// guidedClass is a class with its leading head.
type guidedClass struct {
	Class     int       `json:"class"`
	Name      string    `json:"name"`
	Pictures  int       `json:"pictures"`
	Right     int       `json:"right"`
	LookAlike int       `json:"look_alike"`
	Head      int       `json:"head"` // -1 where nothing was recognised
	Part      string    `json:"part"` // that it is on most often; "" where no parts are known
	Share     float64   `json:"share"`
	Range     []float64 `json:"share_95"`
	Summary   string    `json:"summary"`
}

func fieldguideCommand(c *common) *cobra.Command {
	var flags modelFlags
	var labels labelFlags
	var o fieldguide.Options
	var dataset, out string
	cmd := &cobra.Command{
		Use:   "fieldguide --checkpoint C --dataset D --out guide.html",
		Short: "show what each head looks for in each species, and in its look-alike",
		Long: `Answers the pictures in D/val/CLASS and makes a page for naturalists: for every
species, what each head of the last decoder layer attends to most, cut out of the
pictures that were recognised, beside the same head for the species that the model
finds nearest. Where D has a parts.csv, it says how often each head is on which part.

--out guide.html is the page, which needs nothing else; guide.csv (a line a class,
head and part) and guide.json (every number, the places of the patches, and where
they come from) come beside it. Heads and classes count from 0 there.

A dataset may have the folders of some of the model's classes only.`,
		Args: exactly(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case dataset == "":
				return wrong("no dataset was named: give --dataset a folder with %s/CLASS/*.jpg", o.Split)
			case out == "":
				return wrong("no page to write was named: give --out guide.html")
			}
			page, table, numbers, err := book.Files(out)
			if err != nil {
				return wrongCall{err}
			}
			m, close, err := flags.open(cmd, c)
			if err != nil {
				return err
			}
			defer close()
			if err := labels.tell(cmd, dataset, o.Split, m.About()); err != nil {
				return err
			}
			o.ByOrder = labels.byOrder
			at, end := phases(cmd.ErrOrStderr())
			g, err := fieldguide.Make(cmd.Context(), m, dataset, o, at)
			end()
			if err != nil {
				return err
			}
			if err := book.Save(cmd.Context(), g, out); err != nil {
				return err
			}
			result := guided{Checkpoint: flags.checkpoint, Dataset: dataset, Split: o.Split, Classes: []guidedClass{},
				Out: guidedFiles{page, table, numbers}}
			info, err := os.Stat(page)
			if err != nil {
				return fmt.Errorf("%s is gone again: %w", page, wholefile.Cause(err))
			}
			result.Bytes = info.Size()
			if drawn, ok := g.Judge(); ok {
				result.Drawn = &drawn
			}
			for _, s := range g.Species {
				line := guidedClass{Class: s.Index, Name: s.Name, Pictures: s.Pictures, Right: s.Right,
					LookAlike: s.LookAlike, Head: -1, Range: []float64{}, Summary: s.Says}
				if len(s.Heads) > 0 {
					line.Head = s.Heads[0].Index
					if top := s.Heads[0].Top(); top != nil {
						line.Part, line.Share, line.Range = top.Part, top.Share, top.Range[:]
					}
				}
				result.Classes = append(result.Classes, line)
			}
			return c.tell(cmd, result, result.print)
		},
	}
	flags.register(cmd)
	labels.register(cmd)
	cmd.Flags().StringVar(&dataset, "dataset", "", "folder with val/CLASS/*.jpg")
	cmd.Flags().StringVar(&o.Split, "split", "val", "folder of the dataset to look at")
	cmd.Flags().StringArrayVar(&o.Classes, "class", nil,
		"name or number of a class to have in the guide, may be repeated (default: all)")
	cmd.Flags().IntVar(&o.Patches, "patches", 5, "patches shown of each head, 1 to 12")
	cmd.Flags().StringVar(&out, "out", "", "page to write: .html; a .csv and a .json come beside it")
	return cmd
}

// classesSummed is of how many classes a person is told.
const classesSummed = 40

func (r *guided) print(w io.Writer) error {
	table := columns.New(w)
	for i, c := range r.Classes {
		if i == classesSummed {
			fmt.Fprintf(table, "and %d more\n", len(r.Classes)-i)
			break
		}
		fmt.Fprintf(table, "%s\t%s\n", attention.Plain(c.Name), c.Summary)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if d := r.Drawn; d != nil {
		fmt.Fprintf(w, "\nThe first head is most often on the part that was drawn different in %d of %d species (%d "+
			"with any part that differs from the look-alike)\n", d.Telling, d.Of, d.Shown)
	}
	_, err := fmt.Fprintf(w, "\n%s (%.1f MB), %s and %s written\n", r.Out.Page, float64(r.Bytes)/1e6, r.Out.Table,
		r.Out.Numbers)
	return err
}
