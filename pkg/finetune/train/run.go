package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/plots"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

// run is a training in a folder.
type run struct {
	Options
	dir         string
	tell        func(finetune.Event) // nil where nobody listens
	began, told time.Time            // the process's work, and the last event
	train, val  *datasets.Split
	trainer     *Trainer
	at          position
	loader      datasets.Loader
	saved       time.Time
	pace        pace
	parameters  int
}

// often tells an event unless one was told just now.
func (r *run) often(e finetune.Event) {
	if time.Since(r.told) > 200*time.Millisecond || e.Done == e.Of {
		r.report(e)
	}
}

func (r *run) report(e finetune.Event) {
	r.told = time.Now()
	if r.tell != nil {
		e.Epochs, e.Elapsed = r.Epochs, time.Since(r.began).Seconds()
		r.tell(e)
	}
}

// position is where a run is, kept in its checkpoint.
type position struct {
	Epoch   int            `json:"epoch"` // that is being made
	Batch   int            `json:"batch"` // of it, the next one
	Ended   bool           `json:"ended"` // all its batches are made, and the schedule has moved on
	Batches int            `json:"batches"`
	Loss    float64        `json:"loss"` // sums over the epoch so far
	Acc1    float64        `json:"acc1"`
	Acc5    float64        `json:"acc5"`
	Norm    float64        `json:"norm"`
	Norms   int            `json:"norms"`
	LR      float64        `json:"lr"`
	Seconds float64        `json:"seconds"`
	Best    *finetune.Line `json:"best,omitempty"`
}

// saveEvery is how often a run is saved in the middle of an epoch.
const saveEvery = 10 * time.Minute

// finish makes the epochs that are missing.
func (r *run) finish(ctx context.Context) (*finetune.Summary, error) {
	r.loader = datasets.Loader{
		Split: r.train, BatchSize: r.BatchSize, Transform: r.transform(r.trainer.model.Config.EvalSize),
		Train: true, Seed: uint64(r.Seed), Workers: r.Workers, Upright: r.trainer.model.Config.Upright,
	}
	for _, p := range r.trainer.params {
		r.parameters += p.Len()
	}
	r.saved = time.Now()
	if note := slow(r.trainer.engine.Kind, r.Engine, r.trainer.learner != nil); note != "" {
		r.report(finetune.Event{Phase: finetune.Starting, Note: note})
	}
	for r.at.Epoch < r.Epochs {
		if err := r.epoch(ctx); err != nil {
			return nil, r.ended(ctx, err)
		}
	}
	if err := r.likeness(ctx); err != nil {
		return nil, r.ended(ctx, err)
	}
	lines, err := finetune.ReadLog(r.dir)
	if err != nil || len(lines) == 0 {
		return nil, cmp.Or(err, fmt.Errorf("%s holds no epochs", r.dir))
	}
	summary := finetune.Summarize(r.dir, lines)
	r.report(finetune.Event{Phase: finetune.Finished, Epoch: r.Epochs - 1})
	return &summary, nil
}

// slow says so where a training has an engine that nobody would choose.
func slow(kind, asked string, learns bool) string {
	if kind != backend.Go || asked == backend.Go || learns {
		return ""
	}
	return "XLA is not here, which trains BatchNorm's statistics, computes in bfloat16 and recomputes several times " +
		"as fast: gointr setup fetches it, and a run that was stopped goes on with it"
}

// ended saves what there is where a run cannot go on, and says why it cannot.
func (r *run) ended(ctx context.Context, err error) error {
	var notFinite *NotFiniteError
	switch {
	case ctx.Err() != nil:
		if err := r.save(); err != nil {
			return err
		}
		return finetune.ErrStopped
	case errors.As(err, &notFinite):
		if saving := r.save(); saving != nil {
			return fmt.Errorf("%w; and %w", err, saving)
		}
		return fmt.Errorf("%w; %s has the weights from before", err, filepath.Join(r.dir, checkpointFile))
	case noMemory(err):
		fits := max(1, r.BatchSize/2)
		return fmt.Errorf("a batch of %d pictures does not fit into the memory of %s: batch_size %d with accumulate "+
			"%d is the same training in less, and so is recompute (%w)",
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
	begun, before := time.Now(), r.at.Seconds
	if err := r.batchesOf(ctx, begun); err != nil {
		return err
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
	trained := time.Now()
	report, err := r.evaluate(ctx)
	if err != nil {
		return err
	}
	line := r.line(report)
	line.Seconds = before + time.Since(begun).Seconds()
	if err := r.record(line); err != nil {
		return err
	}
	if done := line.Epoch + 1; r.KeepEvery > 0 && (done%r.KeepEvery == 0 || done == r.Epochs) {
		path := filepath.Join(r.dir, fmt.Sprintf("checkpoint%04d.pth", line.Epoch))
		if err := r.trainer.Save(path, Extra{Epoch: line.Epoch, Args: r.args()}); err != nil {
			return err
		}
	}
	r.at = position{Epoch: r.at.Epoch + 1, Batches: r.at.Batches, Best: r.at.Best}
	if err := r.save(); err != nil {
		return err
	}
	r.pace.epoch(time.Since(trained))
	r.report(finetune.Event{Phase: finetune.Evaluating, Epoch: line.Epoch, Line: &line, Note: r.advice(line)})
	return nil
}

// batchesOf makes the batches of an epoch that are missing.
func (r *run) batchesOf(ctx context.Context, begun time.Time) error {
	before := r.at.Seconds
	for batch, err := range r.loader.Epoch(ctx, r.at.Epoch, r.at.Batch) {
		if err == nil {
			err = r.step(ctx, batch)
		}
		if err != nil {
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
	return nil
}

// line is an epoch that was made.
func (r *run) line(report *evaluation.Report) finetune.Line {
	at, n := r.at, float64(r.at.Batch)
	return finetune.Line{
		TrainLR: at.LR / n, TrainLoss: at.Loss / n, TrainAcc1: at.Acc1 / n, TrainAcc5: at.Acc5 / n,
		TestLoss: report.Loss, TestAcc1: report.Acc1, TestAcc5: report.Acc5, TestMean: report.Mean, TestECE: report.ECE,
		Epoch: at.Epoch, NParameters: r.parameters, TrainGradNorm: at.Norm / math.Max(1, float64(at.Norms)),
	}
}

// record keeps the best model, and writes an epoch down.
func (r *run) record(line finetune.Line) error {
	if r.at.Best == nil || line.Better(*r.at.Best) {
		extra := Extra{Epoch: line.Epoch, Args: r.args(), ModelOnly: true}
		if err := r.trainer.Save(filepath.Join(r.dir, bestFile), extra); err != nil {
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
		return appendEvents(r.dir, line)
	}
	return nil
}

func (r *run) step(ctx context.Context, batch *datasets.Batch) error {
	result, err := r.trainer.Step(ctx, NewBatch(batch.Pictures, batch.Classes, batch.Indices))
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
	line := step{Step: at.Batches, Epoch: at.Epoch, Loss: result.Loss, Acc1: result.Acc1, GradNorm: result.GradNorm,
		LR: result.LR}
	if err := appendLine(filepath.Join(r.dir, stepsFile), line); err != nil {
		return err
	}
	at.Batch++
	at.Batches++
	r.pace.batch(time.Now())
	n, of := float64(at.Batch), r.loader.Batches()
	missing := (r.Epochs-at.Epoch-1)*of + of - at.Batch
	r.often(finetune.Event{
		Phase: finetune.Training, Done: at.Batch, Of: of, Epoch: at.Epoch, Loss: at.Loss / n,
		Acc1: at.Acc1 / n, LR: result.LR,
		Left: r.pace.left(missing, r.Epochs-at.Epoch, float64(r.val.Len())/float64(r.BatchSize)),
	})
	return nil
}

// evaluate answers the validation pictures as the published evaluation does.
func (r *run) evaluate(ctx context.Context) (*evaluation.Report, error) {
	loader := datasets.Loader{
		Split: r.val, BatchSize: r.BatchSize, Workers: r.Workers,
		Transform: picture.EvalTransform(r.trainer.model.Config.EvalSize), Upright: r.trainer.model.Config.Upright,
	}
	answers := func(yield func(*attention.Explanation, error) bool) {
		done := 0
		for batch, err := range loader.Epoch(ctx, 0, 0) {
			var result EvalResult
			if err == nil {
				result, err = r.trainer.Evaluate(ctx, NewBatch(batch.Pictures, batch.Classes, batch.Indices))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, logits := range result.Logits {
				if !yield(&attention.Explanation{Logits: logits}, nil) {
					return
				}
			}
			done++
			r.often(finetune.Event{Phase: finetune.Evaluating, Done: done, Of: loader.Batches(), Epoch: r.at.Epoch})
		}
	}
	tally := evaluation.New(r.val.Classes)
	if err := tally.Count(r.val.Key, r.val.Class, answers, nil); err != nil {
		return nil, err
	}
	return tally.Report()
}

// curves draws the epochs so far.
func (r *run) curves() error {
	lines, err := finetune.ReadLog(r.dir)
	if err != nil {
		return err
	}
	c, err := plots.Curves(lines)
	if err != nil {
		return err
	}
	return c.Save(filepath.Join(r.dir, curvesFile))
}

// args are the published options that belong to the run.
func (r *run) args() *torchfile.Dict {
	return dict("dataset_path", filepath.Dir(r.Dataset), "dataset_name", filepath.Base(r.Dataset), "output_dir", r.dir,
		"epochs", r.Epochs, "lr_drop", max(1, r.Schedule.StepSize), "min_lr", r.Schedule.EtaMin, "noise_frac",
		r.NoiseFrac, "finetune", r.From, intr.ClassNamesArg, list(r.train.Classes))
}

func (r *run) save() error {
	at, err := json.Marshal(r.at)
	if err != nil {
		return err
	}
	err = r.trainer.Save(filepath.Join(r.dir, checkpointFile),
		Extra{Epoch: r.at.Epoch - 1, Args: r.args(), State: dict("position", string(at))})
	r.saved = time.Now()
	return err
}

// advice is a sentence where a training does not learn, once.
func (r *run) advice(line finetune.Line) string {
	const epochs, steps = 5, 100
	chance := math.Log(float64(len(r.train.Classes)))
	if line.Epoch+1 != epochs && line.Epoch+1 != 4*epochs || r.at.Batches < steps || line.TrainLoss < 0.97*chance {
		return ""
	}
	what := "a higher learning rate with warm-up or OneCycleLR"
	switch {
	case r.From == finetune.Nothing && !r.TrainBatchNorm:
		what = "starting from a trained checkpoint (detr-r50), or training BatchNorm too (train_batchnorm)"
	case r.From == finetune.Nothing:
		what = "starting from a trained checkpoint (detr-r50), or OneCycleLR with a rate of 5e-4"
	}
	return fmt.Sprintf("after %d epochs the loss is still that of guessing among %d classes (%.2f): the training does "+
		"not learn yet; try %s, and look whether the folders hold what their names say",
		line.Epoch+1, len(r.train.Classes), chance, what)
}
