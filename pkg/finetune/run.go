package finetune

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/finetune/plan"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

// run is a training in a folder.
type run struct {
	Options
	dir        string
	tell       func(Event)
	began      time.Time
	train, val *datasets.Split
	trainer    *Trainer
	at         position
	loader     datasets.Loader
	saved      time.Time
	told       time.Time
	spent      time.Duration // on batches, by this process
	batches    int           // made by this process
	parameters int
}

// position is where a run is, kept in its checkpoint.
type position struct {
	Epoch   int     `json:"epoch"` // that is being made
	Batch   int     `json:"batch"` // of it, the next one
	Ended   bool    `json:"ended"` // all its batches are made, and the schedule has moved on
	Batches int     `json:"batches"`
	Loss    float64 `json:"loss"` // sums over the epoch so far
	Acc1    float64 `json:"acc1"`
	Acc5    float64 `json:"acc5"`
	Norm    float64 `json:"norm"`
	Norms   int     `json:"norms"`
	LR      float64 `json:"lr"`
	Seconds float64 `json:"seconds"`
	Best    *Line   `json:"best,omitempty"`
}

// saveEvery is how often a run is saved in the middle of an epoch.
const saveEvery = 10 * time.Minute

// Train begins a training in a new folder and sees it through. When ctx ends it
// stops after the batch that it is at, saves, and gives ErrStopped. tell, which may
// be nil, hears how it goes. The folder gets
//
//	config.json      the options
//	provenance.json  digests of the pictures and of the checkpoint it began from, versions, engine
//	classes.txt      the names of the classes, in the model's order
//	log.txt          an epoch a line, steps.txt a batch a line (JSON)
//	checkpoint.pth   model, optimizer, schedule and position, at every epoch and every ten minutes
//	best.pth         the model of the best epoch
//	curves.png       loss and accuracy by epoch
//
// each whole at all times. Errors are one sentence: among them those of
// datasets.Open, of the checkpoint, a folder that is in use, a loss that is not
// finite, no memory, no room on the disk.
func Train(ctx context.Context, dir string, o Options, tell func(Event)) (*Summary, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o, err := o.absolute()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return nil, fmt.Errorf("%s holds a training already: go on with that one (gointr finetune --resume %[1]s), or choose another folder", dir)
	}
	if entries, err := os.ReadDir(dir); err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !ours(e.Name()) }) {
		return nil, fmt.Errorf("%s is not empty: choose another folder for the training", dir)
	}
	r := &run{Options: o, dir: dir, tell: tell, began: time.Now()}
	if r.train, r.val, err = datasets.Open(o.Dataset); err != nil {
		return nil, err
	}
	if n := len(r.train.Classes); o.Queries != 0 && o.Queries != n {
		return nil, fmt.Errorf("%d queries were asked for, and %s has %d classes: INTR has one query a class, so leave num_queries out", o.Queries, o.Dataset, n)
	}
	provenance, err := r.provenance(ctx)
	if err != nil {
		return nil, err
	}
	skipped, err := r.verify(ctx)
	if err != nil {
		return nil, err
	}
	r.report(Event{Phase: Starting})
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.trainer.Close()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("%s cannot be made: %w", dir, wholefile.Cause(err))
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	provenance.Engine = r.trainer.engine.String()
	err = errors.Join(
		writeText(filepath.Join(dir, classesFile), r.train.Classes),
		writeText(filepath.Join(dir, skippedFile), skipped),
		writeJSON(filepath.Join(dir, provenanceFile), provenance),
		// Last: a folder with this file is a run.
		writeJSON(filepath.Join(dir, configFile), o),
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
func Continue(ctx context.Context, dir string, c Change, tell func(Event)) (*Summary, error) {
	o, err := ReadOptions(dir)
	if err != nil {
		return nil, err
	}
	o.Engine, o.Devices, o.Workers = cmp.Or(c.Engine, o.Engine), cmp.Or(c.Devices, o.Devices), cmp.Or(c.Workers, o.Workers)
	if c.Epochs != 0 && c.Epochs < o.Epochs {
		return nil, fmt.Errorf("%s is a training of %d epochs, and cannot go on for %d: give more, or leave it", dir, o.Epochs, c.Epochs)
	}
	if c.Epochs > o.Epochs && o.Schedule.Kind != ConstantLR && o.Schedule.Kind != StepLR {
		return nil, fmt.Errorf("the schedule of %s (%s) ends with its %d epochs: train longer in a new run, from %s", dir, o.Schedule.Kind, o.Epochs, filepath.Join(dir, checkpointFile))
	}
	longer := c.Epochs > o.Epochs
	o.Epochs = max(c.Epochs, o.Epochs)
	r := &run{Options: o, dir: dir, tell: tell, began: time.Now()}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if r.train, r.val, err = datasets.Open(o.Dataset); err != nil {
		return nil, err
	}
	if err := r.samePictures(ctx); err != nil {
		return nil, err
	}
	if err := r.skip(); err != nil {
		return nil, err
	}
	r.report(Event{Phase: Starting})
	if err := r.reopen(ctx); err != nil {
		return nil, err
	}
	defer r.trainer.Close()
	err = errors.Join(
		keepLines(filepath.Join(dir, stepsFile), func(s step) bool { return s.Step < r.at.Batches }),
		keepLines(filepath.Join(dir, logFile), func(l Line) bool { return l.Epoch < r.at.Epoch }),
	)
	if err == nil && longer {
		err = writeJSON(filepath.Join(dir, configFile), o)
	}
	if err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// ReadOptions are the options of the run in a folder.
func ReadOptions(dir string) (Options, error) {
	var o Options
	data, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return o, fmt.Errorf("%s holds no training: there is no %s in it", dir, configFile)
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("%s cannot be read: %w", filepath.Join(dir, configFile), err)
	}
	return o, nil
}

// Join trains in a folder: it begins a run where there is none, goes on with one of
// the same options, and refuses one of others, which it names.
func Join(ctx context.Context, dir string, o Options, tell func(Event)) (*Summary, error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err != nil {
		return Train(ctx, dir, o, tell)
	}
	there, err := ReadOptions(dir)
	if err != nil {
		return nil, err
	}
	if o, err = o.absolute(); err != nil {
		return nil, err
	}
	if names := there.differences(o); len(names) > 0 {
		return nil, fmt.Errorf("%s holds another training: it differs in %s; choose another folder, or ask for the same", dir, strings.Join(names, ", "))
	}
	change := Change{Engine: o.Engine, Devices: o.Devices, Workers: o.Workers}
	if o.Epochs > there.Epochs {
		change.Epochs = o.Epochs
	}
	return Continue(ctx, dir, change, tell)
}

// ours says whether a file is one that a run puts into its folder, half-written
// ones, which start with a dot, included.
func ours(name string) bool {
	for _, file := range []string{provenanceFile, classesFile, skippedFile, logFile, stepsFile, checkpointFile, bestFile, curvesFile, eventsFile, lockFile, configFile} {
		if name == file || strings.HasPrefix(name, "."+file+".") {
			return true
		}
	}
	return false
}

// lock keeps a second process out of a run, and clears away what one that was
// killed was writing. The system lets go of it however a process ends.
func lock(dir string) (unlock func(), err error) {
	l := flock.New(filepath.Join(dir, lockFile))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be written: %w", dir, wholefile.Cause(err))
	case !ok:
		return nil, fmt.Errorf("another process is training in %s: wait for it, or stop it", dir)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && ours(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return func() { l.Unlock() }, nil
}

// verify reads every picture once, so that no training ends at night over one
// that is broken. It gives the keys of those that are left out.
func (r *run) verify(ctx context.Context) ([]string, error) {
	skipped := []string{}
	all, before := r.train.Len()+r.val.Len(), 0
	var unreadable []error
	for _, split := range []**datasets.Split{&r.train, &r.val} {
		s := *split
		left, bad, err := s.Readable(ctx, r.SkipBad, func(done int) { r.often(Event{Phase: Checking, Done: before + done, Of: all}) })
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
		r.report(Event{Phase: Checking, Done: before, Of: all, Note: fmt.Sprintf("%d pictures of %s cannot be read and are left out", len(bad), s.Name)})
	}
	if len(unreadable) > 0 {
		return nil, fmt.Errorf("%w (skip_bad leaves them out)", errors.Join(unreadable...))
	}
	return skipped, nil
}

// skip leaves out the pictures that were left out when the run began.
func (r *run) skip() error {
	data, err := os.ReadFile(filepath.Join(r.dir, skippedFile))
	if err != nil || len(data) == 0 {
		return nil
	}
	skipped := map[string]bool{}
	for key := range strings.Lines(string(data)) {
		skipped[strings.TrimSuffix(key, "\n")] = true
	}
	for _, split := range []**datasets.Split{&r.train, &r.val} {
		s := *split
		*split = s.Only(func(i int) bool { return !skipped[s.Key(i)] })
	}
	return nil
}

// begin makes the model that the run starts from.
func (r *run) begin(ctx context.Context) error {
	s := r.Settings
	steps := r.train.Len() / r.BatchSize / max(1, r.Accumulate)
	if r.train.Len() < r.BatchSize {
		return fmt.Errorf("%s has %d training pictures, which do not fill a batch of %d: make batch_size smaller", r.Dataset, r.train.Len(), r.BatchSize)
	}
	s.Schedule = r.schedule(max(1, steps))
	classes := len(r.train.Classes)
	if r.Options.Resume != "" {
		resumed, err := r.resume(r.Options.Resume, s)
		if err != nil {
			return err
		}
		if have := r.trainer.model.Config.Classes; have != classes {
			r.trainer.Close()
			return fmt.Errorf("%s is a training of %d classes, and %s has %d: start from it instead", r.Options.Resume, have, r.Dataset, classes)
		}
		r.at.Epoch = resumed.Epoch + 1
		return nil
	}
	var start *Start
	var err error
	if r.From == Nothing {
		config := *r.Architecture
		config.Classes = classes
		config.EvalSize = cmp.Or(r.Size, config.EvalSize)
		start, err = FromNothing(config, r.Seed)
	} else {
		start, err = FromCheckpoint(ctx, r.From, StartOptions{Classes: classes, NoiseFrac: r.NoiseFrac, Asked: r.asked(), Seed: r.Seed})
	}
	if err != nil {
		return err
	}
	s.Canvas = r.canvas(start.Config)
	r.trainer, err = NewTrainer(start, s)
	return err
}

// asked is what the options say of a checkpoint's architecture.
func (r *run) asked() intr.Config {
	var c intr.Config
	if r.Architecture != nil && r.From != Nothing {
		c = *r.Architecture
	}
	c.EvalSize = r.Size
	return c
}

// canvas is what sides of canvases are multiples of where nothing was asked for:
// 128 pixels for the published 800, in proportion for less.
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
		lines, err := ReadLog(r.dir)
		if err == nil && len(lines) > 0 { // the first checkpoint is older than the first line
			err = fmt.Errorf("%s is gone, though %s tells of epoch %d: %s", path, logFile, lines[len(lines)-1].Epoch, instead)
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

func fileIs(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// resume goes on with a checkpoint.
func (r *run) resume(path string, s Settings) (*Resumed, error) {
	trainer, resumed, err := Resume(path, r.asked(), s)
	if err != nil {
		return nil, err
	}
	trainer.settings.Canvas = r.canvas(trainer.model.Config)
	r.trainer = trainer
	return resumed, nil
}

// finish makes the epochs that are missing.
func (r *run) finish(ctx context.Context) (*Summary, error) {
	r.loader = datasets.Loader{Split: r.train, BatchSize: r.BatchSize, Transform: r.transform(r.trainer.model.Config.EvalSize), Train: true, Seed: uint64(r.Seed), Workers: r.Workers}
	for _, p := range r.trainer.params {
		r.parameters += p.Len()
	}
	r.saved = time.Now()
	for r.at.Epoch < r.Epochs {
		if err := r.epoch(ctx); err != nil {
			return nil, r.ended(ctx, err)
		}
	}
	lines, err := ReadLog(r.dir)
	if err != nil || len(lines) == 0 {
		return nil, cmp.Or(err, fmt.Errorf("%s holds no epochs", r.dir))
	}
	summary := plan.Summarize(r.dir, lines)
	r.report(Event{Phase: Finished, Epoch: r.Epochs - 1})
	return &summary, nil
}

// ended saves what there is where a run cannot go on, and says why it cannot.
func (r *run) ended(ctx context.Context, err error) error {
	var notFinite *NotFiniteError
	switch {
	case ctx.Err() != nil:
		if err := r.save(); err != nil {
			return err
		}
		return ErrStopped
	case errors.As(err, &notFinite):
		if saving := r.save(); saving != nil {
			return fmt.Errorf("%w; and %w", err, saving)
		}
		return fmt.Errorf("%w; %s has the weights from before", err, filepath.Join(r.dir, checkpointFile))
	case noMemory(err):
		fits := max(1, r.BatchSize/2)
		return fmt.Errorf("a batch of %d pictures does not fit into the memory of %s: batch_size %d with accumulate %d is the same training in less, and so is recompute (%w)",
			r.BatchSize, r.trainer.engine, fits, max(1, r.Accumulate)*(r.BatchSize/fits), err)
	}
	return err
}

// noMemory tells by the words of XLA.
func noMemory(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "resource_exhausted") || strings.Contains(text, "out of memory")
}

// epoch makes what is missing of one.
func (r *run) epoch(ctx context.Context) error {
	begun := time.Now()
	before := r.at.Seconds
	for batch, err := range r.loader.Epoch(ctx, r.at.Epoch, r.at.Batch) {
		if err != nil {
			return err
		}
		if err := r.step(batch); err != nil {
			return err
		}
		r.at.Seconds = before + time.Since(begun).Seconds()
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(r.saved) > saveEvery {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	if !r.at.Ended {
		r.trainer.EndEpoch()
		r.at.Ended = true
		// No epoch is told of before there is a checkpoint.
		if !fileIs(filepath.Join(r.dir, checkpointFile)) {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	report, err := r.evaluate(ctx)
	if err != nil {
		return err
	}
	n := float64(r.at.Batch)
	line := Line{
		TrainLR: r.at.LR / n, TrainLoss: r.at.Loss / n, TrainAcc1: r.at.Acc1 / n, TrainAcc5: r.at.Acc5 / n,
		TestLoss: report.Loss, TestAcc1: report.Acc1, TestAcc5: report.Acc5, TestMean: report.Mean, TestECE: report.ECE,
		Epoch: r.at.Epoch, NParameters: r.parameters, TrainGradNorm: r.at.Norm / math.Max(1, float64(r.at.Norms)),
		Seconds: before + time.Since(begun).Seconds(),
	}
	if r.at.Best == nil || line.Better(*r.at.Best) {
		if err := r.trainer.Save(filepath.Join(r.dir, bestFile), Extra{Epoch: r.at.Epoch, Args: r.args(), ModelOnly: true}); err != nil {
			return err
		}
		r.at.Best = &line
	}
	if err := appendLine(filepath.Join(r.dir, logFile), line); err != nil {
		return err
	}
	if err := r.curves(); err != nil {
		return err
	}
	if r.TensorBoard {
		if err := appendEvents(r.dir, line); err != nil {
			return err
		}
	}
	r.at = position{Epoch: r.at.Epoch + 1, Batches: r.at.Batches, Best: r.at.Best}
	if err := r.save(); err != nil {
		return err
	}
	r.report(Event{Phase: Evaluating, Epoch: line.Epoch, Line: &line, Note: r.advice(line)})
	return nil
}

func (r *run) step(batch *datasets.Batch) error {
	begun := time.Now()
	result, err := r.trainer.Step(NewBatch(batch.Pictures, batch.Classes, batch.Indices))
	var notFinite *NotFiniteError
	if errors.As(err, &notFinite) {
		var names []string
		for _, i := range batch.Indices {
			names = append(names, r.train.Key(i))
		}
		notFinite.Batch = "the batch of " + strings.Join(names, ", ")
	}
	if err != nil {
		return err
	}
	at := &r.at
	at.Loss, at.Acc1, at.Acc5, at.LR = at.Loss+result.Loss, at.Acc1+result.Acc1, at.Acc5+result.Acc5, at.LR+result.LR
	if result.Updated {
		at.Norm, at.Norms = at.Norm+result.GradNorm, at.Norms+1
	}
	line := step{Step: at.Batches, Epoch: at.Epoch, Loss: result.Loss, Acc1: result.Acc1, GradNorm: result.GradNorm, LR: result.LR}
	if err := appendLine(filepath.Join(r.dir, stepsFile), line); err != nil {
		return err
	}
	at.Batch++
	at.Batches++
	r.spent += time.Since(begun)
	r.batches++
	n, of := float64(at.Batch), r.loader.Batches()
	missing := (r.Epochs-at.Epoch-1)*of + of - at.Batch
	r.often(Event{
		Phase: Training, Done: at.Batch, Of: of, Epoch: at.Epoch, Loss: at.Loss / n, Acc1: at.Acc1 / n, LR: result.LR,
		Left: time.Since(r.began).Seconds() / float64(r.batches) * float64(missing),
	})
	return nil
}

// evaluate answers the validation pictures as the published evaluation does.
func (r *run) evaluate(ctx context.Context) (*evaluation.Report, error) {
	loader := datasets.Loader{Split: r.val, BatchSize: r.BatchSize, Transform: picture.EvalTransform(r.trainer.model.Config.EvalSize), Workers: r.Workers}
	tally := evaluation.New(r.val.Classes)
	done := 0
	for batch, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		result, err := r.trainer.Evaluate(NewBatch(batch.Pictures, batch.Classes, batch.Indices))
		if err != nil {
			return nil, err
		}
		for i, logits := range result.Logits {
			if err := tally.Add(r.val.Key(batch.Indices[i]), batch.Classes[i], logits); err != nil {
				return nil, err
			}
		}
		done++
		r.often(Event{Phase: Evaluating, Done: done, Of: loader.Batches(), Epoch: r.at.Epoch})
	}
	return tally.Report()
}

// curves draws the epochs so far.
func (r *run) curves() error {
	lines, err := ReadLog(r.dir)
	if err != nil {
		return err
	}
	c, err := plan.PlotCurves(lines)
	if err != nil {
		return err
	}
	return c.Save(filepath.Join(r.dir, curvesFile))
}

// args are the published options that belong to the run.
func (r *run) args() *torchfile.Dict {
	return dict("dataset_path", filepath.Dir(r.Dataset), "dataset_name", filepath.Base(r.Dataset), "output_dir", r.dir,
		"epochs", r.Epochs, "lr_drop", max(1, r.Schedule.StepSize), "min_lr", r.Schedule.EtaMin, "noise_frac", r.NoiseFrac,
		"finetune", r.From, intr.ClassNamesArg, names(r.train.Classes))
}

func names(classes []string) torchfile.List {
	l := make(torchfile.List, len(classes))
	for i, name := range classes {
		l[i] = name
	}
	return l
}

func (r *run) save() error {
	at, err := json.Marshal(r.at)
	if err != nil {
		return err
	}
	err = r.trainer.Save(filepath.Join(r.dir, checkpointFile), Extra{Epoch: r.at.Epoch - 1, Args: r.args(), State: dict("position", string(at))})
	r.saved = time.Now()
	return err
}

// advice is a sentence where a training does not learn, once.
func (r *run) advice(line Line) string {
	const epochs, steps = 5, 100
	chance := math.Log(float64(len(r.train.Classes)))
	if line.Epoch+1 != epochs && line.Epoch+1 != 4*epochs || r.at.Batches < steps || line.TrainLoss < 0.97*chance {
		return ""
	}
	what := "a higher learning rate with warm-up or OneCycleLR"
	switch {
	case r.From == Nothing && !r.TrainBatchNorm:
		what = "starting from a trained checkpoint (detr-r50), or training BatchNorm too (train_batchnorm)"
	case r.From == Nothing:
		what = "starting from a trained checkpoint (detr-r50), or OneCycleLR with a rate of 5e-4"
	}
	return fmt.Sprintf("after %d epochs the loss is still that of guessing among %d classes (%.2f): the training does not learn yet; try %s, and look whether the folders hold what their names say",
		line.Epoch+1, len(r.train.Classes), chance, what)
}

// often tells an event unless one was told just now.
func (r *run) often(e Event) {
	if time.Since(r.told) > 200*time.Millisecond || e.Done == e.Of {
		r.report(e)
	}
}

func (r *run) report(e Event) {
	r.told = time.Now()
	if r.tell != nil {
		e.Epochs, e.Elapsed = r.Epochs, time.Since(r.began).Seconds()
		r.tell(e)
	}
}

// Provenance is where the numbers of a run come from.
type Provenance struct {
	Began      time.Time `json:"began"`
	Version    string    `json:"version"` // of GoINTR
	Go         string    `json:"go"`
	Platform   string    `json:"platform"`
	Engine     string    `json:"engine"`
	Train      string    `json:"train_digest"` // of the pictures: datasets.Split.Digest
	Val        string    `json:"val_digest"`
	Images     [2]int    `json:"images"`                 // in train and val
	Checkpoint string    `json:"start_digest,omitempty"` // SHA-256 of the file that it began from
}

func (r *run) provenance(ctx context.Context) (Provenance, error) {
	p := Provenance{
		Began: r.began.UTC().Truncate(time.Second), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Version: version(), Images: [2]int{r.train.Len(), r.val.Len()},
	}
	var err error
	if p.Train, err = r.train.Digest(ctx); err != nil {
		return p, err
	}
	if p.Val, err = r.val.Digest(ctx); err != nil {
		return p, err
	}
	for _, path := range []string{r.From, r.Options.Resume} {
		if file, err := os.Open(path); err == nil {
			hash := sha256.New()
			_, err = io.Copy(hash, file)
			file.Close()
			if err != nil {
				return p, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
			}
			p.Checkpoint = hex.EncodeToString(hash.Sum(nil))
		}
	}
	return p, nil
}

// version is that of the module, with the commit where it was built in a clone.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
		if s.Key == "vcs.modified" && s.Value == "true" {
			text += " (changed)"
		}
	}
	return text
}

// samePictures says whether the pictures are those that the run began with.
func (r *run) samePictures(ctx context.Context) error {
	var before Provenance
	path := filepath.Join(r.dir, provenanceFile)
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	for _, split := range []struct {
		*datasets.Split
		before string
	}{{r.train, before.Train}, {r.val, before.Val}} {
		now, err := split.Digest(ctx)
		if err != nil {
			return err
		}
		if now != split.before {
			return fmt.Errorf("the pictures in %s are not those that %s began with: put them back, or begin a new run from %s",
				filepath.Join(r.Dataset, split.Name), r.dir, filepath.Join(r.dir, checkpointFile))
		}
	}
	return nil
}

func writeText(path string, lines []string) error {
	return wholefile.Write(path, func(w io.Writer) error {
		for _, line := range lines {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
}
