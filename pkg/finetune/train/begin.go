package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Train begins a training in a new folder and sees it through. When ctx ends it
// stops after the batch that it is at, saves, and gives ErrStopped. tell, which may
// be nil, hears how it goes. The folder gets
//
//	config.json      the options
//	provenance.json  digests of the pictures and of the checkpoint it began from, versions, engine
//	classes.txt      the names of the classes, in the model's order
//	log.txt          an epoch a line, steps.txt a batch a line (JSON)
//	checkpoint.pth   model, optimizer, schedule and position, at every epoch and every ten minutes
//	checkpointNNNN.pth  the same without position, every Options.KeepEvery epochs and at the end
//	best.pth         the model of the best epoch
//	curves.png       loss and accuracy by epoch
//
// each whole at all times. Errors are one sentence: among them those of
// datasets.Open, of the checkpoint, a folder that is in use, a loss that is not
// finite, no memory, no room on the disk.
func Train(ctx context.Context, dir string, o Options, tell func(finetune.Event)) (*finetune.Summary, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o, err := o.absolute()
	if err != nil {
		return nil, err
	}
	if fileIs(filepath.Join(dir, configFile)) {
		return nil, fmt.Errorf("%s holds a training already: go on with that one (gointr finetune --resume %[1]s), or "+
			"choose another folder", dir)
	}
	if entries, err := os.ReadDir(dir); err == nil &&
		slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !ours(e.Name()) }) {
		return nil, fmt.Errorf("%s is not empty: choose another folder for the training", dir)
	}
	r, err := newRun(dir, o, tell)
	if err != nil {
		return nil, err
	}
	if n := len(r.train.Classes); o.Queries != 0 && o.Queries != n {
		return nil, fmt.Errorf(
			"%d queries were asked for, and %s has %d classes: INTR has one query a class, so leave num_queries out",
			o.Queries, o.Dataset, n)
	}
	provenance, err := r.provenance(ctx)
	if err != nil {
		return nil, err
	}
	skipped, err := r.verify(ctx)
	if err != nil {
		return nil, err
	}
	r.report(finetune.Event{Phase: finetune.Starting})
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.trainer.Close()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("%s cannot be made: %w", dir, wholefile.Cause(err))
	}
	unlock, err := lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	provenance.Engine = r.trainer.engine.String()
	err = errors.Join(
		writeText(filepath.Join(dir, classesFile), r.train.Classes),
		writeText(filepath.Join(dir, skippedFile), skipped),
		wholefile.JSON(filepath.Join(dir, provenanceFile), provenance),
		// Last: a folder with this file is a run.
		wholefile.JSON(filepath.Join(dir, configFile), o),
	)
	if err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// Change is what may be another when a run goes on. Zero values leave it.
type Change struct {
	Epochs  int    // more of them than the run was for
	Engine  string // as Settings has it
	Devices int
	Workers int
}

// Continue goes on with a run where its checkpoint is, with the very batches
// that were to come. Its errors are those of Train, and that the folder holds no
// run or that the pictures are not the same any more. A run that is finished is
// no error: nothing happens.
func Continue(ctx context.Context, dir string, c Change, tell func(finetune.Event)) (*finetune.Summary, error) {
	o, err := ReadOptions(dir)
	if err != nil {
		return nil, err
	}
	o.Engine, o.Devices = cmp.Or(c.Engine, o.Engine), cmp.Or(c.Devices, o.Devices)
	o.Workers = cmp.Or(c.Workers, o.Workers)
	if c.Epochs != 0 && c.Epochs < o.Epochs {
		return nil, fmt.Errorf("%s is a training of %d epochs, and cannot go on for %d: give more, or leave it", dir,
			o.Epochs, c.Epochs)
	}
	longer := c.Epochs > o.Epochs
	if longer && o.Schedule.Kind != finetune.ConstantLR && o.Schedule.Kind != finetune.StepLR {
		return nil, fmt.Errorf("the schedule of %s (%s) ends with its %d epochs: train longer in a new run, from %s",
			dir, o.Schedule.Kind, o.Epochs, filepath.Join(dir, checkpointFile))
	}
	o.Epochs = max(c.Epochs, o.Epochs)
	unlock, err := lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := newRun(dir, o, tell)
	if err != nil {
		return nil, err
	}
	if err := r.samePictures(ctx); err != nil {
		return nil, err
	}
	r.skip()
	r.report(finetune.Event{Phase: finetune.Starting})
	if err := r.reopen(ctx); err != nil {
		return nil, err
	}
	defer r.trainer.Close()
	err = errors.Join(keepLines(filepath.Join(dir, stepsFile), func(s step) bool { return s.Step < r.at.Batches }),
		keepLines(filepath.Join(dir, logFile), func(l finetune.Line) bool { return l.Epoch < r.at.Epoch }))
	if err == nil && longer {
		err = wholefile.JSON(filepath.Join(dir, configFile), o)
	}
	if err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// Join trains in a folder: it begins a run where there is none, goes on with one of
// the same options, and refuses one of others, which it names.
func Join(ctx context.Context, dir string, o Options, tell func(finetune.Event)) (*finetune.Summary, error) {
	if !fileIs(filepath.Join(dir, configFile)) {
		return Train(ctx, dir, o, tell)
	}
	there, err := ReadOptions(dir)
	if err != nil {
		return nil, err
	}
	if o, err = o.absolute(); err != nil {
		return nil, err
	}
	if names := there.Differences(o); len(names) > 0 {
		return nil, fmt.Errorf("%s holds another training: it differs in %s; choose another folder, or ask for the "+
			"same", dir, strings.Join(names, ", "))
	}
	epochs := max(o.Epochs, there.Epochs)
	return Continue(ctx, dir, Change{Epochs: epochs, Engine: o.Engine, Devices: o.Devices, Workers: o.Workers}, tell)
}

func newRun(dir string, o Options, tell func(finetune.Event)) (*run, error) {
	r := &run{Options: o, dir: dir, tell: tell, began: time.Now()}
	var err error
	r.train, r.val, err = datasets.OpenWith(o.Dataset, cmp.Or(o.Validation, "val"))
	return r, err
}

// verify reads every picture once, so that no training ends at night over one
// that is broken. It gives the keys of those that are left out.
func (r *run) verify(ctx context.Context) ([]string, error) {
	skipped := []string{}
	all, before := r.train.Len()+r.val.Len(), 0
	var unreadable []error
	for _, split := range []**datasets.Split{&r.train, &r.val} {
		s := *split
		left, bad, err := s.Readable(ctx, r.SkipBad,
			func(done int) { r.often(finetune.Event{Phase: finetune.Checking, Done: before + done, Of: all}) })
		before += s.Len()
		switch {
		case err != nil && len(bad) > 0:
			unreadable = append(unreadable, err)
			continue
		case err != nil:
			return nil, err
		case len(bad) == 0:
			continue
		}
		*split = left
		for _, b := range bad {
			skipped = append(skipped, s.Key(b.Index))
		}
		note := fmt.Sprintf("%d pictures of %s cannot be read and are left out", len(bad), s.Name)
		r.report(finetune.Event{Phase: finetune.Checking, Done: before, Of: all, Note: note})
	}
	if len(unreadable) > 0 {
		return nil, fmt.Errorf("%w (skip_bad leaves them out)", errors.Join(unreadable...))
	}
	return skipped, nil
}

// skip leaves out the pictures that were left out when the run began.
func (r *run) skip() {
	data, _ := os.ReadFile(filepath.Join(r.dir, skippedFile))
	if len(data) == 0 {
		return
	}
	skipped := map[string]bool{}
	for key := range strings.Lines(string(data)) {
		skipped[strings.TrimSuffix(key, "\n")] = true
	}
	for _, split := range []**datasets.Split{&r.train, &r.val} {
		s := *split
		*split = s.Only(func(i int) bool { return !skipped[s.Key(i)] })
	}
}

// begin makes the model that the run starts from.
func (r *run) begin(ctx context.Context) error {
	if r.train.Len() < r.BatchSize {
		return fmt.Errorf("%s has %d training pictures, which do not fill a batch of %d: make batch_size smaller",
			r.Dataset, r.train.Len(), r.BatchSize)
	}
	s := r.Settings
	s.Schedule = r.schedule(max(1, r.train.Len()/r.BatchSize/max(1, r.Accumulate)))
	classes := len(r.train.Classes)
	if r.Options.Resume != "" {
		whole, err := HasOptimizer(r.Options.Resume)
		if err != nil {
			return err
		}
		if !whole {
			return r.trainOn(s)
		}
		resumed, err := r.resume(r.Options.Resume, s)
		if err != nil {
			return err
		}
		if have := r.trainer.model.Config.Classes; have != classes {
			r.trainer.Close()
			return fmt.Errorf("%s is a training of %d classes, and %s has %d: start from it instead", r.Options.Resume,
				have, r.Dataset, classes)
		}
		r.at.Epoch = resumed.Epoch + 1
		return nil
	}
	var start *Start
	var err error
	if r.From == finetune.Nothing {
		config := *r.Architecture
		config.Classes = classes
		config.EvalSize, config.Upright = cmp.Or(r.Size, config.EvalSize), r.Upright
		start, err = FromNothing(config, r.Seed)
	} else {
		options := StartOptions{Classes: classes, NoiseFrac: r.NoiseFrac, Asked: r.asked(), Weights: r.Weights,
			Seed: r.Seed}
		start, err = FromCheckpoint(ctx, r.From, options)
	}
	if err != nil {
		return err
	}
	r.at.Epoch = r.StartEpoch
	s.Canvas = r.canvas(start.Config)
	r.trainer, err = NewTrainer(start, s)
	return err
}

// trainOn begins with the weights of a checkpoint that holds no training, as the published code does with one that it
// is to resume.
func (r *run) trainOn(s finetune.Settings) error {
	path := r.Options.Resume
	file, err := torchfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	start, err := readStart(file, r.asked(), r.Options.Weights)
	switch classes := len(r.train.Classes); {
	case err != nil:
		return fmt.Errorf("%s cannot be resumed: %w", path, err)
	case start.From == "DETR":
		return fmt.Errorf("%s cannot be resumed: it is a DETR: start from it instead", path)
	case start.Config.Classes != classes:
		return fmt.Errorf("%s is a model of %d classes, and %s has %d: start from it instead", path,
			start.Config.Classes, r.Dataset, classes)
	}
	start.Path = path
	s.Canvas = r.canvas(start.Config)
	if r.trainer, err = NewTrainer(start, s); err != nil {
		return err
	}
	r.at.Epoch = r.StartEpoch
	note := fmt.Sprintf("%s holds no optimizer and schedule: its weights are trained on with new ones, as published",
		path)
	r.report(finetune.Event{Phase: finetune.Starting, Note: note})
	return nil
}

// asked is what the options say of a checkpoint's architecture.
func (r *run) asked() intr.Config {
	var c intr.Config
	if r.Architecture != nil && r.From != finetune.Nothing {
		c = *r.Architecture
	}
	c.EvalSize, c.Upright = r.Size, r.Upright
	return c
}

// canvas is what sides of canvases are multiples of: unless it was asked for, 128
// pixels for the published 800, in proportion for less.
func (r *run) canvas(c intr.Config) int {
	return cmp.Or(r.Canvas, max(1, (c.EvalSize*128/800+16)/32)*32)
}

// reopen goes to where the run was: to its checkpoint or, where it ended before the
// first, to its beginning. It changes nothing in the folder.
func (r *run) reopen(ctx context.Context) error {
	path := filepath.Join(r.dir, checkpointFile)
	instead := "put a whole one back, or begin a new run"
	if best := filepath.Join(r.dir, bestFile); fileIs(best) {
		instead += ", from " + best
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		lines, err := finetune.ReadLog(r.dir)
		if n := len(lines); err == nil && n > 0 { // the first checkpoint is older than the first line
			err = fmt.Errorf("%s is gone, though %s tells of epoch %d: %s", path, logFile, lines[n-1].Epoch, instead)
		}
		if err != nil {
			return err
		}
		return r.begin(ctx)
	}
	resumed, err := r.resume(path, r.Settings)
	if err != nil {
		return fmt.Errorf("%w; %s", err, instead)
	}
	text, _ := get(resumed.State, "position").(string)
	if err := json.Unmarshal([]byte(text), &r.at); err != nil || min(r.at.Epoch, r.at.Batch, r.at.Batches) < 0 {
		r.trainer.Close()
		return fmt.Errorf("%s does not say where its training was, so it is not of this run; %s", path, instead)
	}
	return nil
}

// resume goes on with a checkpoint.
func (r *run) resume(path string, s finetune.Settings) (*Resumed, error) {
	trainer, resumed, err := Resume(path, r.asked(), s)
	if err != nil {
		return nil, err
	}
	trainer.settings.Canvas = r.canvas(trainer.model.Config)
	r.trainer = trainer
	return resumed, nil
}
