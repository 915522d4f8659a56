package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/interpret/album"
	"github.com/gointr/gointr/pkg/model"
)

// interpreted is the line that interpret prints with --json, one a picture.
type interpreted struct {
	*interpret.Picture
	Out string `json:"out"`
}

type interpretFlags struct {
	modelFlags
	dataset, split, out, class, layout string
	index, confused                    int
	skipBad                            bool
	labels                             labelFlags
	options                            interpret.Options

	script                    scriptFlags
	heads, similar, batchSize int // of the published script
}

const (
	pageLayout      = "page"
	publishedLayout = "published"
)

func interpretCommand(c *common) *cobra.Command {
	f := interpretFlags{options: interpret.Defaults}
	cmd := &cobra.Command{
		Use:   "interpret --checkpoint C --dataset D --class-index K --out DIR",
		Short: "show every picture of a class: its heads, and the classes that look like it",
		Long: `Looks at every picture of one class in D/val, right and wrong ones apart: where
each head found the class, and where it found the --top-q classes that look most
alike to the model, the true one always among them. The model runs on no other
pictures. DIR gets

  index.html      one page to look through, by itself
  maps.npz        the raw maps: attention_N [similar, heads, rows, columns]
  interpret.csv   a line a picture
  heads.csv       on which part each head is how often, where D/parts.csv tells the parts
  interpret.json  where all this comes from, and sums

--layout published writes the folders of the published script in place of the page:
DIR/visualization/IMAGE/heads, head_avg, head_0 …

--confused N looks at the pictures that are taken for another class instead: the
whole of D/val is answered, and of the N pairs of classes that are confused most
often the maps for the true class are shown beside those for the other.

D may have the folders of some of the model's classes only.`,
		Args: exactly(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(cmd, c); err != nil {
				return err
			}
			return f.interpret(cmd, c)
		},
	}
	f.register(cmd)
	f.labels.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.dataset, "dataset", "", "folder with val/CLASS/*.jpg")
	flags.StringVar(&f.split, "split", "val", "folder of the dataset to look at")
	flags.IntVar(&f.index, "class-index", 0, "number of the class, from 0")
	flags.StringVar(&f.class, "class", "", "the class by name")
	flags.IntVar(&f.options.TopQ, "top-q", f.options.TopQ, "how many of the most similar classes")
	flags.IntVar(&f.options.Layer, "layer", f.options.Layer, "decoder layer, from 0; -1 is the last")
	flags.IntVar(&f.confused, "confused", 0, "look at this many pairs of confused classes")
	flags.StringVar(&f.layout, "layout", pageLayout, "page or published")
	flags.BoolVar(&f.skipBad, "skip-bad", false, "go on without the pictures that cannot be read")
	flags.StringVar(&f.out, "out", "", "folder to write to")

	// Spellings of the published script.
	flags.IntVar(&f.options.Layer, "dec-layer-index", f.options.Layer, "as --layer")
	flags.IntVar(&f.heads, "gt-query-heads", 1, "1 writes the folder heads of --layout published")
	flags.IntVar(&f.similar, "sim-query-heads", 1, "1 writes the folders of the similar classes")
	flags.IntVar(&f.batchSize, "batch-size", 1, "1")
	for _, name := range []string{"dec-layer-index", "gt-query-heads", "sim-query-heads", "batch-size"} {
		flags.Lookup(name).Hidden = true
	}
	f.script.register(cmd)
	return cmd
}

// complete brings the flags together, and says what is wrong with them.
func (f *interpretFlags) complete(cmd *cobra.Command, c *common) error {
	flags := cmd.Flags()
	if err := f.script.complete(cmd, c, &f.dataset); err != nil {
		return err
	}
	if flags.Changed("output-dir") {
		if flags.Changed("out") {
			return wrong("--output-dir and --out are the same: give one of them")
		}
		f.out = f.script.outputDir
	}
	if f.heads != 1 || f.similar != 1 {
		if f.layout != publishedLayout && flags.Changed("layout") {
			return wrong("--gt_query_heads and --sim_query_heads belong to --layout published: leave them out")
		}
		f.layout = publishedLayout
	}
	if f.script.eval { // which only the published call has
		if !flags.Changed("layout") {
			f.layout = publishedLayout
		}
		f.out = cmp.Or(f.out, "output")
	}
	if f.batchSize != 1 {
		return wrong("--batch_size is 1 here, as published: pictures are looked at one by one")
	}
	named := f.class != ""
	chosen := flags.Changed("class-index") || f.script.eval && !named && f.confused == 0
	switch {
	case f.dataset == "":
		return wrong("no dataset was named: give --dataset a folder with %s/CLASS/*.jpg", f.split)
	case f.out == "":
		return wrong("no folder to write to was named: give --out DIR")
	case f.layout != pageLayout && f.layout != publishedLayout:
		return wrong("--layout is page or published, not %s", f.layout)
	case cmd.Flags().Changed("confused") && f.confused < 1:
		return wrong("--confused needs at least 1 pair of classes, not %d", f.confused)
	case f.confused > 0 && (chosen || named):
		return wrong("--confused looks at pairs of classes: leave --class and --class-index out")
	case chosen && named:
		return wrong("--class and --class-index both choose the class: give one of them")
	case f.confused == 0 && !chosen && !named:
		return wrong("no class was named: give --class-index a number from 0, or --class a name")
	case f.options.TopQ < 1:
		return wrong("--top-q must be at least 1, not %d", f.options.TopQ)
	case f.options.Layer < attention.Last:
		return wrong("--layer counts from 0, and -1 is the last: %d is none", f.options.Layer)
	}
	if chosen {
		f.class = strconv.Itoa(f.index)
	}
	return f.agree(cmd)
}

func (f *interpretFlags) interpret(cmd *cobra.Command, c *common) error {
	split, err := datasets.OpenSplit(f.dataset, f.split)
	if err != nil {
		return err
	}
	m, close, err := f.open(cmd, c)
	if err != nil {
		return err
	}
	defer close()
	labels, err := f.labels.of(cmd, split, m.About())
	if err != nil {
		return err
	}
	d, err := interpret.New(split, labels)
	if err != nil {
		return err
	}
	subjects, err := f.subjects(cmd, m, d)
	if err != nil || len(subjects) == 0 {
		return err
	}
	if err := interpret.MakeFolder(f.out); err != nil { // before the minutes that answers may take
		return err
	}
	total := 0
	for _, s := range subjects {
		total += s.Pictures.Len()
	}
	folders := album.NewPublished(f.out)
	folders.Heads, folders.Similar = f.heads == 1, f.similar == 1
	bar := progress(cmd.ErrOrStderr(), total, "looking")
	study, err := album.New(cmd.Context(), m, subjects, f.options, func(p *interpret.Picture) error {
		if f.layout == publishedLayout {
			if err := folders.Add(p); err != nil {
				return err
			}
		}
		_ = bar.Add(1)
		if c.json {
			return printJSON(cmd, interpreted{p, f.out})
		}
		return nil
	})
	_ = bar.Clear()
	if err != nil {
		return err
	}
	defer study.Close()
	if f.layout == publishedLayout {
		err = study.SaveData(f.out)
	} else {
		err = study.Save(f.out)
	}
	if err != nil || c.json {
		return err
	}
	return f.print(cmd.OutOrStdout(), study)
}

// subjects are what is looked at: a class, or confusions, of which there may be
// none.
func (f *interpretFlags) subjects(cmd *cobra.Command, m model.Model, d *interpret.Dataset) ([]*interpret.Subject,
	error) {
	if f.confused > 0 {
		return f.confusions(cmd, m, d)
	}
	class, err := d.Class(f.class)
	if err != nil {
		return nil, err
	}
	class.Pictures, _, err = verify(cmd, class.Pictures, f.skipBad)
	return []*interpret.Subject{class}, err
}

// confusions answers the whole split to find what is confused.
func (f *interpretFlags) confusions(cmd *cobra.Command, m model.Model, d *interpret.Dataset) (_ []*interpret.Subject,
	err error) {
	if d.Split, _, err = verify(cmd, d.Split, f.skipBad); err != nil {
		return nil, err
	}
	tally := evaluation.New(d.Names)
	if err := tallied(cmd, tally, m, d.Split, d.Truth); err != nil {
		return nil, err
	}
	report, err := tally.Report()
	if err != nil {
		return nil, err
	}
	subjects, err := d.Confused(report, f.confused)
	if err == nil && len(subjects) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: all %d pictures of %s are right, so nothing is confused and nothing "+
			"was written\n", d.Split.Len(), filepath.Join(f.dataset, f.split))
	}
	return subjects, err
}

func (f *interpretFlags) print(w io.Writer, study *album.Album) error {
	fmt.Fprintf(w, "%s: %s\n", study.Title(), study)
	table := columns.New(w)
	for _, p := range study.Pictures {
		if !p.Right {
			fmt.Fprintf(table, "  %s\ttaken for %s\n", p.Image, attention.Plain(p.Predicted.Name))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if heads := study.Heads; heads != nil {
		for _, h := range heads.Rows {
			best := -1
			for i, p := range h.Parts {
				if p.Above && (best < 0 || p.Share-p.Chance > h.Parts[best].Share-h.Parts[best].Chance) {
					best = i
				}
			}
			if h.Head >= 0 && best >= 0 {
				p := h.Parts[best]
				fmt.Fprintf(table, "  head %d\tis on the %s in %d of %d pictures\t%.0f %%, 95 %% interval %.0f to "+
					"%.0f %%, %.0f %% by chance\n", h.Head, p.Part, p.Hits, p.Images, p.Share, p.Range[0],
					p.Range[1], p.Chance)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	what := "index.html"
	if f.layout == publishedLayout {
		what = "visualization/"
	}
	_, err := fmt.Fprintf(w, "Written to %s: %s and the numbers\n", f.out, what)
	return err
}
