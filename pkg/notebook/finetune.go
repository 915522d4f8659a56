package notebook

import (
	"context"
	"errors"
	"fmt"
	"html"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/session"
)

// FineTuneOptions are how a model is trained, by the names of the published scripts.
type FineTuneOptions = finetune.Options

// Run is a training: a folder with everything that came of it.
type Run struct {
	Dir     string
	Summary finetune.Summary
	Epochs  []finetune.Line // by epoch: loss, accuracy, learning rate

	backend string // as it was asked for
}

// FineTune trains a copy of the model on a dataset, a folder with train/CLASS/*
// and val/CLASS/*, in the folder run. The settings are those of the published
// scripts, unless options say otherwise:
//
//	run := model.FineTune("datasets/birds", "runs/birds", func(o *notebook.FineTuneOptions) {
//		o.Epochs = 12
//	})
//	run.Best().Explain("bird.jpg").Show()
//
// Below the cell stand a progress bar with the time that is left and the curves so
// far, both redrawn in place. The training is the session's: it goes on when the
// browser is closed or the kernel ended, and the cell, run again, joins it. The
// interrupt button stops it after its batch, and saves; the cell, run again, goes
// on with the very same batches. A training that is finished already is not made
// again.
func (m *Model) FineTune(dataset, run string, options ...func(*FineTuneOptions)) *Run {
	return fineTune(m.backend, m.m.About().Origin.Checkpoint, m.weights, dataset, run, options)
}

// FineTune is the same from a checkpoint by name: "detr-r50", which the published
// models began with, any path, or "nothing" for a small network with random
// weights (finetune.Slim), which has to learn everything.
func FineTune(checkpoint, dataset, run string, options ...func(*FineTuneOptions)) *Run {
	return fineTune("", checkpoint, "", dataset, run, options)
}

func fineTune(backend, checkpoint, weights, dataset, run string, options []func(*FineTuneOptions)) *Run {
	o := finetune.Default()
	if checkpoint == finetune.Nothing {
		o = finetune.FromNothing()
	}
	o.From, o.Weights, o.Dataset = checkpoint, weights, dataset
	if backend != "" {
		o.Engine = backend
	}
	o = with(o, options)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	over := make(chan struct{})
	deaf := context.AfterFunc(ctx, func() {
		stop() // a second one ends the cell at once
		fmt.Fprintln(os.Stderr, "stopping after this batch, saving …")
		// GoNB kills a cell five seconds after its interrupt. The session goes on with stopping.
		select {
		case <-over:
		case <-time.After(4 * time.Second):
			fail("the session is still at its batch, and saves after it: run the cell again, which waits for that " +
				"and goes on")
		}
	})
	r := &Run{Dir: run, backend: backend}
	view := newTrainingView(r)
	summary, err := session.FineTune(ctx, run, o, os.Stderr, view.tell)
	deaf()
	close(over)
	switch {
	case errors.Is(err, finetune.ErrStopped), errors.Is(err, finetune.ErrStoppedEarly):
		err = fmt.Errorf("%w: run the cell again to go on", err)
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted before the training began: run the cell again")
	}
	view.end()
	Check(err)
	r.Summary = *summary
	return r
}

// OpenRun is a training in a folder as far as it has come, without showing it or
// going on with it.
func OpenRun(dir string) *Run {
	epochs := must(finetune.ReadLog(dir))
	if len(epochs) == 0 {
		fail("%s holds no training that has finished an epoch: check the path, or train there first", dir)
	}
	return &Run{Dir: dir, Summary: finetune.Summarize(dir, epochs), Epochs: epochs}
}

// String is the training in a line.
func (r *Run) String() string {
	return fmt.Sprintf("%s: %d epochs, the best with acc1 %.1f %% in validation", r.Dir, len(r.Epochs),
		r.Summary.Best.TestAcc1)
}

// Best is the model of the best epoch, like any other.
func (r *Run) Best() *Model { return r.open(r.Summary.BestModel) }

// Last is the model of the last epoch.
func (r *Run) Last() *Model { return r.open(r.Summary.Checkpoint) }

func (r *Run) open(path string) *Model { return Open(path, Backend(r.backend)) }

// Curves is the figure of loss and accuracy by epoch.
func (r *Run) Curves() *Figure {
	f := draw(&session.TrainingCurves{Lines: r.Epochs})
	last := r.Epochs[len(r.Epochs)-1]
	return f.named("Curves of %d epochs; the last has loss %.4f and acc1 %.1f %% in validation",
		len(r.Epochs), last.TestLoss, last.TestAcc1)
}

// Show shows a table of the epochs.
func (r *Run) Show() *Run { r.table().Show(); return r }

// Save writes the table of the epochs as .csv; all else is in the run's folder.
func (r *Run) Save(path string) *Run { r.table().Save(path); return r }

func (r *Run) table() *Table {
	rows := make([][]string, len(r.Epochs))
	for i, l := range r.Epochs {
		best := ""
		if l.Epoch == r.Summary.Best.Epoch {
			best = "best"
		}
		rows[i] = []string{
			fmt.Sprint(l.Epoch + 1), fmt.Sprintf("%.4f", l.TrainLoss), fmt.Sprintf("%.1f %%", l.TrainAcc1),
			fmt.Sprintf("%.4f", l.TestLoss), fmt.Sprintf("%.1f %%", l.TestAcc1), fmt.Sprintf("%.1e", l.TrainLR), best,
		}
	}
	return newTable([]string{"Epoch", "Training loss", "acc1", "Validation loss", "acc1", "Learning rate", ""}, rows)
}

// trainingView shows how a training goes in two outputs that are redrawn in place;
// by hand it prints a line an epoch.
type trainingView struct {
	run              *Run
	at               time.Time // of the last drawing
	drawn            int       // epochs in the curves
	notes            []string
	progress, curves string // display ids
}

func newTrainingView(run *Run) *trainingView {
	v := &trainingView{run: run}
	if gonbui.IsNotebook {
		v.progress, v.curves = "gointr_training_"+gonbui.UniqueId(), "gointr_curves_"+gonbui.UniqueId()
		v.draw("", "asking the session")
	}
	return v
}

func (v *trainingView) tell(e finetune.Event) {
	if e.Note != "" {
		v.notes = append(v.notes, e.Note)
	}
	if e.Line != nil {
		v.run.Epochs = append(v.run.Epochs, *e.Line)
	}
	if gonbui.IsNotebook {
		if whole, text := stage(e); e.Line != nil || e.Phase == finetune.Stopping || time.Since(v.at) >= redraw {
			v.draw(progress("training", whole, 1), text)
		}
		v.drawCurves()
		return
	}
	if e.Note != "" {
		fmt.Println(e.Note)
	}
	if l := e.Line; l != nil {
		fmt.Printf("epoch %d of %d: loss %.4f, acc1 %.1f %%\n", l.Epoch+1, e.Epochs, l.TestLoss, l.TestAcc1)
	}
}

// stage is how much of the training is done, and what it does, in words.
func stage(e finetune.Event) (whole float64, text string) {
	part, epochs := 0.0, float64(e.Epochs)
	if e.Of > 0 {
		part = float64(e.Done) / float64(e.Of)
	}
	switch e.Phase {
	case finetune.Checking:
		return part, fmt.Sprintf("reading every picture once: %d of %d", e.Done, e.Of)
	case finetune.Training:
		text = fmt.Sprintf("epoch %d of %d, batch %d of %d: loss %.3f, acc1 %.1f %%",
			e.Epoch+1, e.Epochs, e.Done, e.Of, e.Loss, e.Acc1)
		if e.Left > 0 {
			text += ", " + left(e.Left) + " to go"
		}
		return (float64(e.Epoch) + part) / epochs, text
	case finetune.Evaluating:
		return float64(e.Epoch+1) / epochs, fmt.Sprintf("epoch %d of %d, validation", e.Epoch+1, e.Epochs)
	case finetune.Measuring:
		return 1, fmt.Sprintf("learning what its pictures are like: %d of %d", e.Done, e.Of)
	case finetune.Stopping:
		return float64(e.Epoch) / max(1, epochs), "stopping after this batch, and saving"
	case finetune.Finished:
		return 1, "done"
	}
	return 0, "loading the checkpoint, and compiling for its first batch"
}

// drawCurves draws what epochs there are, where there are new ones.
func (v *trainingView) drawCurves() {
	if len(v.run.Epochs) == v.drawn {
		return
	}
	v.drawn = len(v.run.Epochs)
	f := v.run.Curves()
	send(v.curves, f.forms(), f.text, f.width)
}

func (v *trainingView) end() {
	text := fmt.Sprintf("%s: %d epochs", filepath.Base(v.run.Dir), len(v.run.Epochs))
	best := math.Inf(-1)
	for _, l := range v.run.Epochs {
		best = math.Max(best, l.TestAcc1)
	}
	if len(v.run.Epochs) > 0 {
		text += fmt.Sprintf(", the best with acc1 %.1f %% in validation", best)
	}
	if !gonbui.IsNotebook {
		fmt.Println(text)
		return
	}
	v.drawCurves()
	v.draw("", text)
	gonbui.Sync()
}

func (v *trainingView) draw(bar, text string) {
	v.at = time.Now()
	markup, plain := bar+"<span>"+html.EscapeString(text)+"</span>", text
	for _, note := range v.notes {
		markup += "<br><strong>" + html.EscapeString(note) + "</strong>"
		plain += "\n" + note
	}
	send(v.progress, forms{protocol.MIMETextHTML: markup}, strings.TrimSpace(plain), 0)
}

// left is a time to wait in words.
func left(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return d.Round(10 * time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
