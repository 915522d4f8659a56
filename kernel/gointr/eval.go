package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/evaluation/plots"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
)

// evaluated is the line that eval prints with --json, and report.json.
type evaluated struct {
	Checkpoint string `json:"checkpoint"`
	Weights    string `json:"weights,omitempty"` // those of several that were chosen
	Dataset    string `json:"dataset"`
	Split      string `json:"split"`
	ClassesBy  string `json:"classes_by"`        // what told the folders' classes: name, number or order
	Upright    bool   `json:"upright,omitempty"` // pictures were turned as their files say
	BatchSize  int    `json:"batch_size"`
	*evaluation.Report
	// BatchMean is as the published loop averages: over the batches, so that the
	// pictures of a smaller last one count for more.
	BatchMean *averages `json:"batch_mean,omitempty"`
	Skipped   []string  `json:"skipped,omitempty"` // pictures that could not be read
	Seconds   float64   `json:"seconds"`           // of computing
	Out       string    `json:"out,omitempty"`
	Likeness  string    `json:"likeness,omitempty"` // likeness.json, where the checkpoint has none
	// NoLikeness says why there is none, either.
	NoLikeness string `json:"no_likeness,omitempty"`

	likeness *intr.Likeness
}

type averages struct {
	Acc1 float64 `json:"acc1"`
	Acc5 float64 `json:"acc5"`
	Loss float64 `json:"loss"`
}

// evalFlags are those of eval beside the model's.
type evalFlags struct {
	dataset, split, out string
	batchSize, devices  int
	skipBad             bool
	labels              labelFlags
	script              scriptFlags
	log                 string // folder of log.txt, as the published script has it
}

func evalCommand(c *common) *cobra.Command {
	var m modelFlags
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval --checkpoint C --dataset D",
		Short: "say how good a model is on the pictures of a dataset",
		Long: `Answers every picture in D/val/CLASS and counts: accuracy with its 95 % interval,
loss, every class by itself, which look-alikes are taken for each other, and whether
the probabilities can be believed. The classes are the folders in order of their
names, as in training.

Every picture is answered as if it were alone. --batch-size above 1 is the published
way: batches in order, each padded to its largest picture, which changes the answers
for the smaller ones a little; so published numbers are repeated.

--out DIR keeps report.json, answers.csv (a line a picture), classes.csv, and
confusion and calibration as .png and .pdf. Of a checkpoint that does not know what
the pictures are like that it was trained on, likeness.json, too, which convert
--likeness puts into a copy of it: D/train is answered for that, 2000 pictures at most.`,
		Args: exactly(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(cmd, c, &m); err != nil {
				return err
			}
			result, tally, err := f.evaluate(cmd, c, &m)
			if err != nil {
				return err
			}
			if f.out != "" {
				if err := result.write(tally); err != nil {
					return err
				}
			}
			if f.log != "" {
				if err := result.log(f.log); err != nil {
					return err
				}
			}
			return c.tell(cmd, result, result.print)
		},
	}
	m.register(cmd)
	cmd.Flags().StringVar(&f.dataset, "dataset", "", "folder with val/CLASS/*.jpg")
	cmd.Flags().StringVar(&f.split, "split", "val", "folder of the dataset to evaluate")
	cmd.Flags().IntVar(&f.batchSize, "batch-size", 1, "pictures that are padded and answered together, as published")
	cmd.Flags().IntVar(&f.devices, "devices", 1, "how many devices of the engine share the work")
	cmd.Flags().BoolVar(&f.skipBad, "skip-bad", false, "go on without the pictures that cannot be read")
	cmd.Flags().StringVar(&f.out, "out", "", "folder to write report, tables and figures to")
	f.labels.register(cmd)
	f.script.register(cmd)
	return cmd
}

// publishedBatch is the published main.py's --batch_size.
const publishedBatch = 12

// complete brings the flags together. --eval, which only the published call has, brings the published batches.
func (f *evalFlags) complete(cmd *cobra.Command, c *common, m *modelFlags) error {
	if err := f.script.complete(cmd, c, &f.dataset); err != nil {
		return err
	}
	if f.script.eval && !cmd.Flags().Changed("batch-size") {
		f.batchSize = publishedBatch
	}
	if err := f.check(); err != nil {
		return err
	}
	if f.log = f.script.folder(cmd, f.dataset); f.log == "" {
		f.log = f.out
	}
	return m.agree(cmd)
}

func (f *evalFlags) check() error {
	switch {
	case f.dataset == "":
		return wrong("no dataset was named: give --dataset a folder with %s/CLASS/*.jpg", f.split)
	case f.batchSize < 1:
		return wrong("--batch-size must be at least 1, not %d", f.batchSize)
	case f.devices < 1:
		return wrong("--devices must be at least 1, not %d", f.devices)
	}
	return nil
}

func (f *evalFlags) evaluate(cmd *cobra.Command, c *common, flags *modelFlags) (*evaluated, *evaluation.Tally, error) {
	split, err := datasets.OpenSplit(f.dataset, f.split)
	if err != nil {
		return nil, nil, err
	}
	m, close, err := f.open(cmd, c, flags)
	if err != nil {
		return nil, nil, err
	}
	defer close()
	labels, err := f.labels.of(cmd, split, m.About())
	if err != nil {
		return nil, nil, err
	}
	for _, dir := range []string{f.out, f.log} { // before the hours that answers may take
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, nil, fmt.Errorf("%s cannot be written to: %w", dir, wholefile.Cause(err))
		}
	}
	result := &evaluated{Checkpoint: flags.checkpoint, Weights: flags.weights, Dataset: f.dataset, Split: f.split,
		ClassesBy: labels.By, BatchSize: f.batchSize, Out: f.out, Upright: m.About().Origin.Upright}
	readable, bad, err := verify(cmd, split, f.skipBad)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range bad {
		result.Skipped = append(result.Skipped, split.Key(b.Index))
	}
	start, tally := time.Now(), evaluation.New(labels.Names)
	truth := func(i int) int { return labels.Index[readable.Class(i)] }
	if err := tallied(cmd, tally, m, readable, truth); err != nil {
		return nil, nil, err
	}
	result.Seconds = time.Since(start).Seconds()
	if result.Report, err = tally.Report(); err != nil {
		return nil, nil, err
	}
	if f.out != "" && result.Unlike == nil {
		if result.likeness, err = f.likeness(cmd, m, readable); err == nil {
			result.Likeness = filepath.Join(f.out, "likeness.json")
		} else if cmd.Context().Err() != nil {
			return nil, nil, err
		} else {
			result.NoLikeness = oneSentence(err)
		}
	}
	if f.batchSize > 1 {
		result.BatchMean = batchMean(result.Answers, f.batchSize)
	}
	return result, tally, nil
}

// verify is the split's pictures that can be read, and, where they are skipped, those
// that cannot. All are read before any is answered: of an INTR-R50 on a CPU that is a
// hundredth of the time, and nobody learns after hours that a file is damaged.
func verify(cmd *cobra.Command, split *datasets.Split, skip bool) (*datasets.Split, []datasets.Bad, error) {
	bar := progress(cmd.ErrOrStderr(), split.Len(), "reading")
	left, bad, err := split.Readable(cmd.Context(), skip, func(done int) { _ = bar.Set(done) })
	_ = bar.Clear()
	if err != nil && len(bad) > 0 {
		return nil, nil, fmt.Errorf("%w; --skip-bad goes on without them", err)
	}
	for _, b := range bad {
		fmt.Fprintln(cmd.ErrOrStderr(), "gointr: skipped "+oneSentence(b.Err))
	}
	return left, bad, err
}

// tallied has a model answer all pictures of a split, and counts.
func tallied(cmd *cobra.Command, t *evaluation.Tally, m model.Model, split *datasets.Split,
	truth func(i int) int) error {
	bar := progress(cmd.ErrOrStderr(), split.Len(), "answering")
	err := t.Count(split.Key, truth, m.Each(cmd.Context(), split.Paths()), func(n int) { _ = bar.Set(n) })
	_ = bar.Clear()
	return err
}

// batched is a model that answers in batches, on one device or several.
type batched struct {
	*intr.Model
	size   int
	others []*intr.Model // on further devices
}

// open opens the model as predict does, but batches and further devices are of
// this process.
func (f *evalFlags) open(cmd *cobra.Command, c *common, flags *modelFlags) (model.Model, func(), error) {
	if f.batchSize == 1 && f.devices == 1 {
		return flags.open(cmd, c)
	}
	all := &batched{size: f.batchSize}
	for device := range f.devices {
		one, err := flags.load(cmd, c, intr.Device(device))
		switch {
		case err != nil:
			all.close()
			return nil, nil, err
		case device == 0:
			all.Model = one
		default:
			all.others = append(all.others, one)
		}
	}
	return all, all.close, nil
}

func (b *batched) close() {
	for _, one := range b.all() {
		one.Close()
	}
}

func (b *batched) all() []*intr.Model {
	if b.Model == nil {
		return nil
	}
	return append([]*intr.Model{b.Model}, b.others...)
}

// Each answers in batches.
func (b *batched) Each(ctx context.Context, paths []string) iter.Seq2[*attention.Explanation, error] {
	return intr.LogitsEach(ctx, paths, b.size, b.all()...)
}

func batchMean(answers []evaluation.Answer, size int) *averages {
	var mean averages
	batches := 0.0
	for batch := range slices.Chunk(answers, size) {
		var sum averages
		for _, a := range batch {
			sum.Loss += a.Loss
			if a.Rank == 1 {
				sum.Acc1 += 100
			}
			if a.Rank <= 5 {
				sum.Acc5 += 100
			}
		}
		n := float64(len(batch))
		mean.Loss, mean.Acc1, mean.Acc5 = mean.Loss+sum.Loss/n, mean.Acc1+sum.Acc1/n, mean.Acc5+sum.Acc5/n
		batches++
	}
	mean.Loss, mean.Acc1, mean.Acc5 = mean.Loss/batches, mean.Acc1/batches, mean.Acc5/batches
	return &mean
}

const (
	pairsTold    = 5
	classesTold  = 5
	classesDrawn = 12 // in the confusion matrix
)

func (r *evaluated) print(w io.Writer) error {
	fmt.Fprintf(w, "%s of %s: %d pictures of %d classes in %.1f s\n", r.Split, r.Dataset, r.Images,
		len(r.Classes), r.Seconds)
	table := columns.New(w)
	fmt.Fprintf(table, "  acc1\t%.2f %%\tthe class comes first; 95 %% interval %.1f to %.1f %%\n", r.Acc1,
		r.Range[0], r.Range[1])
	fmt.Fprintf(table, "  acc5\t%.2f %%\tit is among the first five\n", r.Acc5)
	fmt.Fprintf(table, "  loss\t%.4f\tmean cross-entropy\n", r.Loss)
	fmt.Fprintf(table, "  mean\t%.2f %%\tof the classes' own acc1\n", r.Mean)
	fmt.Fprintf(table, "  ECE\t%.2f %%\tso far are the probabilities from how often they are right\n", r.ECE)
	if err := table.Flush(); err != nil {
		return err
	}
	if b := r.BatchMean; b != nil {
		fmt.Fprintf(w, "As the published loop averages, over batches of %d: acc1 %.2f %%, acc5 %.2f %%, loss %.4f\n",
			r.BatchSize, b.Acc1, b.Acc5, b.Loss)
	}
	if len(r.Confused) > 0 {
		fmt.Fprintln(w, "Most often confused:")
		table = columns.New(w)
		for _, p := range r.Confused[:min(pairsTold, len(r.Confused))] {
			a, b := r.Classes[p.A].Name, r.Classes[p.B].Name
			fmt.Fprintf(table, "  %s and %s\t%d of %d pictures\t%d taken for %s, %d for %s\n", a, b, p.AasB+p.BasA,
				p.Images, p.AasB, b, p.BasA, a)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w, "Worst classes:")
		table = columns.New(w)
		for _, class := range r.Worst(classesTold) {
			if class.Taken < 0 {
				continue
			}
			fmt.Fprintf(table, "  %s\t%.1f %% of %d\tmost often taken for %s\n", class.Name, class.Acc1, class.Images,
				r.Classes[class.Taken].Name)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if r.Unlike != nil {
		fmt.Fprintf(w, "%d of %d pictures are unlike those that it was trained on\n", *r.Unlike, r.Images)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(w, "%d pictures could not be read and were left out\n", len(r.Skipped))
	}
	if r.Out != "" {
		fmt.Fprintf(w, "Written to %s\n", r.Out)
	}
	if r.NoLikeness != "" {
		fmt.Fprintf(w, "No likeness.json: %s\n", r.NoLikeness)
	}
	if r.Likeness != "" {
		fmt.Fprintf(w, "To be told of pictures unlike those that it was trained on:\n\n  gointr convert %s NEW.pth "+
			"--likeness %s\n", r.Checkpoint, r.Likeness)
	}
	return nil
}

// write writes the files of --out.
func (r *evaluated) write(tally *evaluation.Tally) error {
	path := func(name string) string { return filepath.Join(r.Out, name) }
	if err := tally.WriteCSV(path("answers.csv")); err != nil {
		return err
	}
	if err := r.WriteClasses(path("classes.csv")); err != nil {
		return err
	}
	if err := savePlots(r.Out, map[string]func() (*figure.Plot, error){
		"confusion":   func() (*figure.Plot, error) { return plots.Confusion(r.Report, classesDrawn) },
		"calibration": func() (*figure.Plot, error) { return plots.Calibration(r.Report) },
	}); err != nil {
		return err
	}
	if r.likeness != nil {
		if err := r.likeness.Write(r.Likeness); err != nil {
			return err
		}
	}
	return wholefile.JSON(path("report.json"), r) // last: when it is there, all is
}

// log adds the line of the published script to log.txt in a folder: means over the batches.
func (r *evaluated) log(dir string) error {
	path, mean := filepath.Join(dir, finetune.LogFile), batchMean(r.Answers, r.BatchSize)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		_, err = fmt.Fprintf(file, "{\"loss\": %v, \"acc1\": %v, \"acc5\": %v}\n", mean.Loss, mean.Acc1, mean.Acc5)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, wholefile.Cause(err))
	}
	return nil
}

// savePlots writes plots to a folder, as .png and .pdf.
func savePlots(dir string, plots map[string]func() (*figure.Plot, error)) error {
	for name, draw := range plots {
		plot, err := draw()
		if err != nil {
			return err
		}
		for _, kind := range []string{".png", ".pdf"} {
			if err := plot.Save(filepath.Join(dir, name+kind)); err != nil {
				return err
			}
		}
	}
	return nil
}
