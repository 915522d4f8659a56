// Package train trains INTRs: from DETR, from an INTR of other classes or
// from nothing, with AdamW and the schedules of PyTorch, to the very numbers of
// the published scripts (Paul et al., ICLR 2024; github.com/Imageomics/INTR,
// main.py and engine.py) up to rounding. Checkpoints hold the optimizer and the
// schedule in PyTorch's own structure, so that a training begun here goes on
// there, and the other way round. A run is a folder that is stopped and gone on with
// (Train, Continue, Join).
//
//	start, err := train.FromCheckpoint(ctx, "detr-r50", train.StartOptions{Classes: 200, NoiseFrac: 0.1})
//	t, err := train.NewTrainer(start, finetune.DefaultSettings())
//	for batch := range batches {
//		result, err := t.Step(ctx, batch)
//	}
//	t.EndEpoch()
//	err = t.Save("checkpoint.pth", train.Extra{Epoch: 0})
package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
)

// Trainer is a model in training. Its methods may be called from several
// goroutines; they wait for each other.
type Trainer struct {
	settings finetune.Settings
	executor
	params  []param
	running []intr.Param // BatchNorm's running statistics, where they are trained
	rates   *rates

	mu      sync.Mutex
	steps   int           // of the optimizer
	batches int           // whose gradients are added up: in learner, or in sums
	learner *intr.Learner // computes steps on processors; nil where graphs do

	sums     []resident
	graphs   map[graphKind]*model.Exec
	updates  []*update
	pixels   []float32 // of the last batch on its canvas
	replaced int       // bytes of weights and moments since the last collection
}

// StepResult is what a step was like.
type StepResult struct {
	Loss     float64 // mean cross-entropy of the batch, before the step
	Acc1     float64 // percent of the pictures whose class came first [acc1]
	Acc5     float64 // among the first five [acc5]
	GradNorm float64 // of all gradients, before clipping; 0 where the step still accumulates
	LR       float64 // learning rate that the step took, of all but the backbone
	Updated  bool    // false where gradients were only added up
}

// NewTrainer begins a training. The values of start move to the engine: start
// cannot be used again.
func NewTrainer(start *Start, s finetune.Settings) (*Trainer, error) {
	s.Devices, s.Accumulate = max(s.Devices, 1), max(s.Accumulate, 1)
	if err := check(s); err != nil {
		return nil, err
	}
	params, err := trained(s, start.Config)
	if err != nil {
		return nil, err
	}
	open := backend.Gradients
	if learnable(s) {
		open = backend.Open
	}
	engine, err := open(s.Engine)
	if err != nil {
		return nil, err
	}
	t := &Trainer{
		settings: s, executor: executor{engine: engine, compiled: map[compiled]bool{}}, params: params,
		rates: newRates(s.Schedule, s.LR, s.LRBackbone), graphs: map[graphKind]*model.Exec{},
	}
	if s.Devices > 1 {
		if have := engine.NumDevices(); have < s.Devices {
			return nil, fmt.Errorf("%s has %d devices, and %d were asked for", engine, have, s.Devices)
		}
		if s.BatchSize%s.Devices != 0 {
			return nil, fmt.Errorf("%d devices cannot share a batch of %d pictures evenly: make batch_size a multiple",
				s.Devices, s.BatchSize)
		}
		if t.mesh, err = distributed.NewDeviceMesh([]int{s.Devices}, []string{dataAxis}); err != nil {
			return nil, err
		}
	}
	if t.model, err = intr.New(engine, start.Config, start.Values); err != nil {
		return nil, err
	}
	t.model.Path, start.Values = start.Path, nil
	if err = t.allocate(); err == nil && learnable(s) && engine.Kind == backend.Go {
		t.learner, err = t.newLearner()
	}
	if err != nil {
		t.model.Close()
		return nil, err
	}
	// What start leaves behind is as large as the model, and Go would not collect
	// it soon: nearly all else lies outside of its heap.
	backend.GiveBack()
	return t, nil
}

const dataAxis = "data"

// lrs are the rates that the next step takes, warm-up included: of all but the
// backbone, and of the backbone.
func (t *Trainer) lrs() [2]float64 {
	warm := 1.0
	if t.steps < t.settings.WarmUp {
		warm = float64(t.steps+1) / float64(t.settings.WarmUp)
	}
	return [2]float64{t.rates.now[0] * warm, t.rates.now[1] * warm}
}

// EndEpoch moves the schedules that go by epochs on.
func (t *Trainer) EndEpoch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.rates.perStep() {
		t.rates.step()
	}
}

// Close gives the memory of model and optimizer back.
func (t *Trainer) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, exec := range t.graphs {
		exec.Finalize()
	}
	for _, u := range t.updates {
		u.exec.Finalize()
	}
	t.forget()
	if t.learner != nil {
		t.learner.Close()
	}
	t.model.Close()
}

// NotFiniteError is the error of a step whose loss or gradient is NaN or
// infinite. The weights are those from before the step.
type NotFiniteError struct {
	Batch  string  // names the pictures
	Loss   float64 // of the batch
	Tensor string  // the first whose gradient is not finite; empty where only the loss is
	Step   int     // steps made before
}

func (e *NotFiniteError) Error() string {
	what := fmt.Sprintf("the loss of %s is %v", e.Batch, e.Loss)
	if e.Loss-e.Loss == 0 {
		what = fmt.Sprintf("the gradient of %s is not finite for %s (loss %.4g)", e.Tensor, e.Batch, e.Loss)
	}
	return fmt.Sprintf("%s after %d steps: the weights stay as they were before it; a lower learning rate, or a "+
		"look at these pictures, may help", what, e.Step)
}

// Step trains on one batch: loss, gradients and, after Accumulate batches, a
// step of the optimizer. A loss or gradient that is not finite is a
// *NotFiniteError and changes nothing, and so is the error of ctx, when it had ended
// before. Any other error is one sentence.
func (t *Trainer) Step(ctx context.Context, b *Batch) (StepResult, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var result StepResult
	lrs := t.lrs()
	result.LR = lrs[0]
	outputs, gradients, err := t.call(ctx, b, true)
	if err != nil {
		return result, err
	}
	t.forget()
	t.sums = gradients
	result.Loss = float64(outputs[0][0]) * float64(t.settings.Accumulate)
	result.Acc1 = 100 * float64(outputs[1][0]) / float64(len(b.Classes))
	result.Acc5 = 100 * float64(outputs[1][1]) / float64(len(b.Classes))
	total, bad := 0.0, ""
	for i, square := range outputs[2] {
		total += float64(square)
		if square-square != 0 && bad == "" {
			bad = t.params[i].Key
		}
	}
	if result.Loss-result.Loss != 0 || bad != "" {
		t.batches = 0 // what was added up is lost with it
		t.forget()
		return result, &NotFiniteError{Batch: b.String(), Loss: result.Loss, Tensor: bad, Step: t.steps}
	}
	if t.batches++; t.batches < t.settings.Accumulate {
		return result, nil
	}
	t.batches = 0
	result.GradNorm, result.Updated = math.Sqrt(total), true
	if err := t.apply(result.GradNorm, lrs); err != nil {
		return result, err
	}
	t.steps++
	if t.rates.perStep() {
		t.rates.step()
	}
	return result, nil
}

// forget gives the memory of the gradients back.
func (t *Trainer) forget() {
	for _, s := range t.sums {
		free(s)
	}
	t.sums = nil
}

// call runs the first graph, for training or for evaluation, on a batch.
func (t *Trainer) call(
	ctx context.Context, b *Batch, training bool,
) (numbers [][]float32, gradients []resident, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := b.check(t.model.Config, t.settings.BatchSize); err != nil {
		return nil, nil, err
	}
	if t.learner != nil {
		if training {
			return t.learn(b), nil, nil
		}
		return t.answer(b), nil, nil
	}
	room, height, width := t.room(b)
	kind := graphKind{
		training: training, padded: room > len(b.Classes) || height != b.Input.Height || width != b.Input.Width,
		dropout: training && t.settings.Dropout > 0, adds: training && t.batches > 0,
	}
	exec := t.graphs[kind]
	if exec == nil {
		var err error
		exec, err = t.model.NewExec(func(nodes []*graph.Node) []*graph.Node {
			in := kind.take(nodes)
			if training {
				return t.gradients(in)
			}
			logits := t.model.ForwardTraining(in.pixels, in.cells, in.canvas, nil)
			loss, _ := crossEntropy(logits, in, 0)
			return []*graph.Node{loss, logits}
		})
		if err != nil {
			return nil, nil, err
		}
		t.graphs[kind] = exec
	}
	fetched := 2
	if training {
		fetched = 3
	}
	return t.run(exec, t.arguments(b, kind, room, height, width), fetched)
}

// room is how many pictures of which size the graph for a batch takes.
func (t *Trainer) room(b *Batch) (pictures, height, width int) {
	pictures, height, width = len(b.Classes), b.Input.Height, b.Input.Width
	up := func(n, step int) int { return (n + step - 1) / step * step }
	if t.engine.Kind != backend.Go {
		pictures = t.settings.BatchSize
		if step := t.settings.Canvas; step > 0 {
			height, width = up(height, step), up(width, step)
		}
	}
	return up(pictures, t.settings.Devices), height, width
}

// arguments lays a batch out for its graph.
func (t *Trainer) arguments(b *Batch, kind graphKind, room, height, width int) []argument {
	in, n := b.Input, len(b.Classes)
	stride := t.model.Config.Stride()
	pixels := in.Pixels
	if kind.padded {
		t.pixels = in.Padded(t.pixels, room, height, width)
		pixels = t.pixels
	}
	cells := in.Cells(stride, height, width)
	for rest := room*len(cells)/n - len(cells); rest > 0; rest-- {
		cells = append(cells, true) // of pictures that are not there, whose answers nobody looks at
	}
	classes, shares, canvas := make([]int32, room), make([]float32, room), make([]int32, 2*room)
	for i, class := range b.Classes {
		classes[i], shares[i] = int32(class), 1/float32(n)
		canvas[2*i], canvas[2*i+1] = int32(in.Height), int32(in.Width)
	}
	rows, cols := (height+stride-1)/stride, (width+stride-1)/stride
	all := []argument{
		{value: tensors.FromFlatDataAndDimensions(pixels, room, height, width, 3), split: true},
		{value: tensors.FromFlatDataAndDimensions(cells, room, rows, cols), split: true},
		{value: tensors.FromFlatDataAndDimensions(classes, room), split: true},
		{value: tensors.FromFlatDataAndDimensions(shares, room), split: true},
	}
	if kind.padded {
		all = append(all, argument{value: tensors.FromFlatDataAndDimensions(canvas, room, 2), split: true})
	}
	if kind.dropout {
		key := t.key()
		all = append(all, argument{value: tensors.FromFlatDataAndDimensions(key[:], len(key))})
	}
	if kind.adds {
		for _, s := range t.sums[:len(t.params)] {
			all = append(all, argument{resident: s})
		}
	}
	return all
}

// key is that of the next batch's dropout.
func (t *Trainer) key() [2]uint32 {
	random := rand.New(rand.NewPCG(uint64(t.settings.Seed), uint64(t.steps*t.settings.Accumulate+t.batches)))
	return [2]uint32{random.Uint32(), random.Uint32()}
}

// EvalResult is how the model answers a batch.
type EvalResult struct {
	Loss   float64     // mean cross-entropy
	Logits [][]float32 // of each picture
}

// Evaluate answers a batch as the published evaluation does: pictures share the
// batch's canvas, and there is no dropout.
func (t *Trainer) Evaluate(ctx context.Context, b *Batch) (EvalResult, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	outputs, _, err := t.call(ctx, b, false)
	if err != nil {
		return EvalResult{}, err
	}
	result := EvalResult{Loss: float64(outputs[0][0])}
	for logits := range slices.Chunk(outputs[1], t.model.Config.Classes) {
		if len(result.Logits) < len(b.Classes) { // the rest is of no picture
			result.Logits = append(result.Logits, logits)
		}
	}
	return result, nil
}
