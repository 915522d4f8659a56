package notebook

import (
	"bytes"
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
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/session"
)

// Options are how a model is trained, by the names of the published scripts.
type Options = finetune.Options

// Run is a training: a folder with everything that came of it.
type Run struct {
	Dir     string
	Summary finetune.Summary
	Epochs  []finetune.Line // by epoch: loss, accuracy, learning rate

	model *Model
}

// FineTune trains a copy of the model on a dataset, a folder with train/CLASS/*
// and val/CLASS/*, in the folder run. The settings are those of the published
// scripts, unless change says otherwise:
//
//	run := model.FineTune("datasets/birds", "runs/birds", func(o *notebook.Options) {
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
func (m *Model) FineTune(dataset, run string, change ...func(*Options)) *Run {
	return fineTune(m, m.m.About().Origin.Checkpoint, dataset, run, change)
}

// FineTune is the same from a checkpoint by name: "detr-r50", which the published
// models began with, any path, or "nothing" for a small network with random
// weights (finetune.Slim), which has to learn everything.
func FineTune(checkpoint, dataset, run string, change ...func(*Options)) *Run {
	return fineTune(nil, checkpoint, dataset, run, change)
}

func fineTune(from *Model, checkpoint, dataset, run string, change []func(*Options)) *Run {
	o := finetune.Default()
	if checkpoint == finetune.Nothing {
		o = finetune.FromNothing()
	}
	o.From, o.Dataset = checkpoint, dataset
	if from != nil {
		o.Engine = from.backend
	}
	for _, c := range change {
		c(&o)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	show := newTrainingView(run)
	r := &Run{Dir: run, model: from}
	summary, err := session.FineTune(ctx, run, o, os.Stderr, func(e finetune.Event) {
		if e.Line != nil {
			r.Epochs = append(r.Epochs, *e.Line)
		}
		show.tell(e, r.Epochs)
	})
	switch {
	case errors.Is(err, finetune.ErrStopped):
		err = fmt.Errorf("%w: run the cell again to go on", err)
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted before the training began: run the cell again")
	}
	show.end(err, r.Epochs)
	Check(err)
	r.Summary = *summary
	return r
}

// OpenRun is a training in a folder as far as it has come, without showing it or
// going on with it.
func OpenRun(dir string) *Run {
	epochs, err := finetune.ReadLog(dir)
	Check(err)
	if len(epochs) == 0 {
		Check(fmt.Errorf("%s holds no training that has finished an epoch: check the path, or train there first", dir))
	}
	return &Run{Dir: dir, Summary: finetune.Summarize(dir, epochs), Epochs: epochs}
}

// Best is the model of the best epoch, like any other.
func (r *Run) Best() *Model { return r.open(r.Summary.BestModel) }

// Last is the model of the last epoch.
func (r *Run) Last() *Model { return r.open(r.Summary.Checkpoint) }

func (r *Run) open(path string) *Model {
	var options []Option
	if r.model != nil && r.model.backend != "" {
		options = append(options, Backend(r.model.backend))
	}
	return Open(path, options...)
}

// Curves is the figure of loss and accuracy by epoch, to show again or to save.
func (r *Run) Curves() *Figure {
	c, err := finetune.PlotCurves(r.Epochs)
	Check(err)
	return &Figure{c, fmt.Sprintf("Loss and accuracy of %d epochs", len(r.Epochs))}
}

// Show shows a table of the epochs.
func (r *Run) Show() {
	rows := make([][]string, len(r.Epochs))
	for i, l := range r.Epochs {
		best := ""
		if l.Epoch == r.Summary.Best.Epoch {
			best = "best"
		}
		rows[i] = []string{fmt.Sprint(l.Epoch + 1), fmt.Sprintf("%.4f", l.TrainLoss), fmt.Sprintf("%.1f %%", l.TrainAcc1),
			fmt.Sprintf("%.4f", l.TestLoss), fmt.Sprintf("%.1f %%", l.TestAcc1), fmt.Sprintf("%.1e", l.TrainLR), best}
	}
	table([]string{"Epoch", "Training loss", "acc1", "Validation loss", "acc1", "Learning rate", ""}, rows)
}

// trainingView shows how a training goes in two outputs that are redrawn in place.
type trainingView struct {
	run      string
	at       time.Time // of the last drawing
	drawn    int       // epochs in the curves
	notes    []string
	progress string
	curves   string // display ids
}

func newTrainingView(run string) *trainingView {
	v := &trainingView{run: filepath.Base(run)}
	if gonbui.IsNotebook {
		v.progress, v.curves = "gointr_training_"+gonbui.UniqueID(), "gointr_curves_"+gonbui.UniqueID()
		v.draw("", "asking the session")
	}
	return v
}

func (v *trainingView) tell(e finetune.Event, epochs []finetune.Line) {
	if e.Note != "" {
		v.notes = append(v.notes, e.Note)
		if v.progress == "" {
			fmt.Println(e.Note)
		}
	}
	if v.progress == "" {
		if e.Line != nil {
			fmt.Printf("epoch %d of %d: loss %.4f, acc1 %.1f %%\n", e.Line.Epoch+1, e.Epochs, e.Line.TestLoss, e.Line.TestAcc1)
		}
		return
	}
	part, text := 0.0, ""
	if e.Of > 0 {
		part = float64(e.Done) / float64(e.Of)
	}
	whole := 0.0
	switch e.Phase {
	case finetune.Checking:
		text = fmt.Sprintf("reading every picture once: %d of %d", e.Done, e.Of)
		whole = part
	case finetune.Training:
		text = fmt.Sprintf("epoch %d of %d, batch %d of %d: loss %.3f, acc1 %.1f %%, %s to go", e.Epoch+1, e.Epochs, e.Done, e.Of, e.Loss, e.Acc1, left(e.Left))
		whole = (float64(e.Epoch) + part) / float64(e.Epochs)
	case finetune.Evaluating:
		text = fmt.Sprintf("epoch %d of %d, validation", e.Epoch+1, e.Epochs)
		whole = float64(e.Epoch+1) / float64(e.Epochs)
	case finetune.Finished:
		whole, text = 1, "done"
	default:
		text = "loading the checkpoint, and compiling for its first batch"
	}
	if e.Line != nil || time.Since(v.at) >= redraw {
		v.draw(fmt.Sprintf(`<progress max="1" value="%.4f" aria-label="training" style="width:20em;vertical-align:middle"></progress> `, whole), text)
	}
	v.drawCurves(epochs)
}

// drawCurves draws what epochs there are, where there are new ones.
func (v *trainingView) drawCurves(epochs []finetune.Line) {
	if v.curves == "" || len(epochs) == v.drawn {
		return
	}
	c, err := finetune.PlotCurves(epochs)
	if err != nil {
		return
	}
	png, err := c.PNG()
	if err != nil {
		return
	}
	v.drawn = len(epochs)
	width, _ := c.Size()
	last := epochs[len(epochs)-1]
	updateSized(v.curves, map[protocol.MIMEType]any{
		protocol.MIMEImagePNG:  bytes.Clone(png),
		protocol.MIMETextPlain: fmt.Sprintf("Curves of %d epochs; the last has loss %.4f and acc1 %.1f %% in validation", len(epochs), last.TestLoss, last.TestAcc1),
	}, int(width/vg.Inch*pageInch))
}

func (v *trainingView) end(err error, epochs []finetune.Line) {
	text := fmt.Sprintf("%s: %d epochs", v.run, len(epochs))
	best := math.Inf(-1)
	for _, l := range epochs {
		best = math.Max(best, l.TestAcc1)
	}
	if len(epochs) > 0 {
		text += fmt.Sprintf(", the best with acc1 %.1f %% in validation", best)
	}
	if v.progress == "" {
		fmt.Println(text)
		return
	}
	v.drawCurves(epochs)
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
	update(v.progress, map[protocol.MIMEType]any{protocol.MIMETextHTML: markup, protocol.MIMETextPlain: strings.TrimSpace(plain)})
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
