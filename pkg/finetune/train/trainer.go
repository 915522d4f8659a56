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
//		result, err := t.Step(batch)
//	}
//	t.EndEpoch()
//	err = t.Save("checkpoint.pth", train.Extra{Epoch: 0})
package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/intr"

	"github.com/gointr/gointr/pkg/finetune"
)

// Trainer is a model in training. Its methods may be called from several
// goroutines; they wait for each other.
type Trainer struct {
	settings finetune.Settings
	engine   *backend.Engine
	model    *intr.Model
	params   []param
	running  []intr.Param // BatchNorm's running statistics, where they are trained
	rates    *rates

	mu       sync.Mutex
	steps    int // of the optimizer
	batches  int // whose gradients are in sums
	sums     []resident
	graphs   map[graphKind]*model.Exec
	compiled map[compiled]bool
	updates  []*update
	mesh     *distributed.DeviceMesh // nil on one device
	pixels   []float32               // of the last batch on its canvas
	replaced int                     // bytes of weights and moments since the last collection
}

// StepResult is what a step was like.
type StepResult struct {
	Loss     float64 // mean cross-entropy of the batch, before the step
	Acc1     float64 // percent of the pictures whose class came first [acc1]
	Acc5     float64 // among the first five [acc5]
	GradNorm float64 // of all gradients, before clipping; 0 where the step still accumulates
	LR       float64 // learning rate that the step took; of the backbone: LRBackbone
	// LRBackbone is that of the second group.
	LRBackbone float64
	// Updated is false where gradients were only added up.
	Updated bool
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
	engine, err := backend.Open(s.Engine)
	if err != nil {
		return nil, err
	}
	t := &Trainer{settings: s, engine: engine, params: params, rates: newRates(s.Schedule, s.LR, s.LRBackbone), graphs: map[graphKind]*model.Exec{}, compiled: map[compiled]bool{}}
	if s.Devices > 1 {
		if have := engine.NumDevices(); have < s.Devices {
			return nil, fmt.Errorf("%s has %d devices, and %d were asked for", engine, have, s.Devices)
		}
		if s.BatchSize%s.Devices != 0 {
			return nil, fmt.Errorf("%d devices cannot share a batch of %d pictures evenly: make batch_size a multiple", s.Devices, s.BatchSize)
		}
		if t.mesh, err = distributed.NewDeviceMesh([]int{s.Devices}, []string{dataAxis}); err != nil {
			return nil, err
		}
	}
	if t.model, err = intr.New(engine, start.Config, start.Values); err != nil {
		return nil, err
	}
	t.model.Path, start.Values = start.Path, nil
	if err := t.allocate(); err != nil {
		t.model.Close()
		return nil, err
	}
	// What start leaves behind is as large as the model, and Go would not collect
	// it soon: nearly all else lies outside of its heap.
	backend.GiveBack()
	return t, nil
}

const dataAxis = "data"

// Names of the optimizer's variables; the rest of the path is the tensor's.
const (
	meanScope   = "/exp_avg"
	squareScope = "/exp_avg_sq"
)

// allocate makes the optimizer's variables, all zero.
func (t *Trainer) allocate() error {
	for _, p := range t.params {
		for _, scope := range []string{meanScope, squareScope} {
			value, err := tensors.FromShapeForBackend(t.engine.Backend, 0, shapes.Make(dtypes.Float32, p.VariableShape()...))
			if err != nil {
				return err
			}
			if _, err = t.model.Store().CreateVariable(scope+intr.Path(p.Key), value); err != nil {
				return err
			}
		}
	}
	if t.settings.TrainBatchNorm {
		for _, p := range intr.Params(t.model.Config) {
			if p.BatchNorm() && strings.Contains(p.Key, ".running_") {
				t.running = append(t.running, p)
			}
		}
	}
	return nil
}

func (t *Trainer) moments(p param) (mean, square *model.Variable) {
	path := intr.Path(p.Key)
	return t.model.Store().GetVariable(meanScope + path), t.model.Store().GetVariable(squareScope + path)
}

// Model is the model in training, to be evaluated between two steps. It shares
// the trainer's weights: it changes with every step and ends with Close.
func (t *Trainer) Model() *intr.Model { return t.model }

// Steps is how many steps the optimizer has made.
func (t *Trainer) Steps() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.steps
}

// LR are the learning rates that the next step takes: of all but the backbone,
// and of the backbone.
func (t *Trainer) LR() (lr, lrBackbone float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.lrs()
	return now[0], now[1]
}

// lrs are the schedule's rates, warm-up included.
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
	return fmt.Sprintf("%s after %d steps: the weights stay as they were before it; a lower learning rate, or a look at these pictures, may help", what, e.Step)
}

// Step trains on one batch: loss, gradients and, after Accumulate batches, a
// step of the optimizer. A loss or gradient that is not finite is a
// *NotFiniteError and changes nothing. Any other error is one sentence.
func (t *Trainer) Step(b *Batch) (StepResult, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var result StepResult
	lrs := t.lrs()
	result.LR, result.LRBackbone = lrs[0], lrs[1]
	outputs, gradients, err := t.call(b, true)
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

// update is the optimizer's graph for some of the gradients and statistics: a
// part at a time, because old and new weights and moments lie side by side.
// (GoMLX would donate the old ones to the graph. XLA on the CPU does not use their
// memory, and go-xla v0.4.2 gives it back when Go's garbage is next collected,
// which is some steps later.)
type update struct {
	from, to int // of Trainer.sums
	changes  []*model.Variable
	exec     *model.Exec
}

// largestUpdate is the number of weights of one update, if its first tensor does
// not have more.
const largestUpdate = 4 << 20

// newUpdates splits the optimizer's step.
func (t *Trainer) newUpdates() error {
	add := func(from, to int, changes []*model.Variable, build func(nodes []*graph.Node) []*graph.Node) error {
		exec, err := t.exec(build)
		if err == nil {
			t.updates = append(t.updates, &update{from, to, changes, exec})
		}
		return err
	}
	for from := 0; from < len(t.params); {
		var changes []*model.Variable
		to, size := from, 0
		for ; to < len(t.params) && (to == from || size+t.params[to].Len() <= largestUpdate); to++ {
			size += t.params[to].Len()
			mean, square := t.moments(t.params[to])
			changes = append(changes, t.variable(t.params[to].Key), mean, square)
		}
		first := from
		if err := add(from, to, changes, func(nodes []*graph.Node) []*graph.Node { return t.adamW(nodes[0], first, nodes[1:]) }); err != nil {
			return err
		}
		from = to
	}
	if len(t.running) == 0 {
		return nil
	}
	var changes []*model.Variable
	for _, p := range t.running {
		changes = append(changes, t.variable(p.Key))
	}
	n := len(t.params)
	return add(n, n+len(t.running), changes, func(nodes []*graph.Node) []*graph.Node { return t.follow(nodes[1:]) })
}

// apply makes the optimizer's step.
func (t *Trainer) apply(norm float64, lrs [2]float64) error {
	if t.updates == nil {
		if err := t.newUpdates(); err != nil {
			return err
		}
	}
	clip := 1.0
	if t.settings.ClipMaxNorm > 0 { // torch.nn.utils.clip_grad_norm_
		clip = min(1, t.settings.ClipMaxNorm/(norm+1e-6))
	}
	step := float64(t.steps + 1)
	numbers := []float32{float32(clip), float32(math.Sqrt(1 - math.Pow(beta2, step)))}
	for _, lr := range lrs {
		numbers = append(numbers, float32(lr/(1-math.Pow(beta1, step))), float32(1-lr*t.settings.WeightDecay))
	}
	defer t.forget()
	return t.model.Exclusive(func() error {
		for _, u := range t.updates {
			arguments := []argument{{value: tensors.FromFlatDataAndDimensions(numbers, len(numbers))}}
			for _, s := range t.sums[u.from:u.to] {
				arguments = append(arguments, argument{resident: s})
			}
			_, results, err := t.run(u.exec, arguments, 0)
			if err != nil {
				return err
			}
			for _, s := range t.sums[u.from:u.to] {
				free(s)
			}
			for i, v := range u.changes {
				if err := change(v, results[i]); err != nil {
					return err
				}
				t.replaced += 4 * v.Shape().Size()
			}
		}
		if t.replaced > collectAfter {
			t.replaced = 0
			backend.GiveBack()
		}
		return nil
	})
}

// collectAfter is how many bytes of old weights and moments may wait for Go's
// next collection, which would come after gigabytes of them: they lie outside of
// its heap.
const collectAfter = 256 << 20

// change gives a variable its new value and frees the old one.
func change(v *model.Variable, value resident) error {
	if whole, ok := value.(*tensors.Tensor); ok {
		return v.SetValue(whole)
	}
	return v.SetDistributedValue(value.(*dtensor.Tensor))
}

// exec compiles a graph of the model, on all devices of the training.
func (t *Trainer) exec(build func([]*graph.Node) []*graph.Node) (*model.Exec, error) {
	exec, err := t.model.NewExec(build)
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1)
	return exec, nil
}

// resident is a result that stays on the engine, whole on every device.
type resident interface{ FinalizeAll() error }

func free(r resident) { _ = r.FinalizeAll() }

// argument is an input of a graph: a resident one, or a value, of which split
// ones are shared out to the devices by their first axis.
type argument struct {
	value    *tensors.Tensor
	split    bool
	resident resident
}

// run calls a graph. It gives the first results as numbers and leaves the others
// on the engine.
func (t *Trainer) run(exec *model.Exec, arguments []argument, fetched int) ([][]float32, []resident, error) {
	results, err := t.execute(exec, arguments)
	if err != nil {
		return nil, nil, fmt.Errorf("%s could not compute a training step: %w", t.engine, firstLine(err))
	}
	values := make([][]float32, fetched)
	for i, r := range results[:fetched] {
		first, ok := r.(*tensors.Tensor)
		if !ok {
			first = r.(*dtensor.Tensor).Shards()[0]
		}
		if values[i], err = tensors.CopyFlatData[float32](first); err != nil {
			return nil, nil, err
		}
		if err := r.FinalizeAll(); err != nil {
			return nil, nil, err
		}
	}
	return values, results[fetched:], nil
}

// execute calls a graph on all devices of the training. On several GoMLX has XLA
// share the work out by what is said of inputs, variables and results: pictures
// are split, all else is whole on every device.
func (t *Trainer) execute(exec *model.Exec, arguments []argument) ([]resident, error) {
	var args []any
	var results []resident
	if t.mesh == nil {
		var inputs []shapes.Shape
		for _, a := range arguments {
			if a.resident != nil {
				args = append(args, a.resident)
				inputs = append(inputs, a.resident.(*tensors.Tensor).Shape())
				continue
			}
			args = append(args, a.value)
			inputs = append(inputs, a.value.Shape())
			defer a.value.FinalizeAll()
		}
		if err := t.compile(exec, inputs); err != nil {
			return nil, err
		}
		outputs, err := exec.Call(args...)
		for _, o := range outputs {
			results = append(results, o)
		}
		return results, err
	}
	whole := distributed.NewReplicatedShardingSpec(t.mesh)
	split, err := distributed.BuildSpec(t.mesh).S(dataAxis).Done()
	if err != nil {
		return nil, err
	}
	var specs []*distributed.ShardingSpec
	for _, a := range arguments {
		spec := whole
		if a.split {
			spec = split
		}
		specs = append(specs, spec)
		if a.resident != nil {
			args = append(args, a.resident)
			continue
		}
		shards, err := dtensor.ShardTensor(spec, a.value)
		if err != nil {
			return nil, err
		}
		defer shards.FinalizeAll()
		args = append(args, shards)
	}
	if exec.NumDevices() == 1 {
		exec.AutoSharding(t.mesh).WithInputShardingSpecs(specs...).WithOutputShardingSpecs(whole)
	}
	outputs, err := exec.DistributedExec(args...)
	for _, o := range outputs {
		results = append(results, o)
	}
	return results, err
}

// compiled is a graph for arguments of which the first has a shape; it decides
// those of the others.
type compiled struct {
	exec  *model.Exec
	first string
}

// compile compiles a graph where that has not been done. What compiling leaves
// behind is given back before the graph takes its own memory.
func (t *Trainer) compile(exec *model.Exec, inputs []shapes.Shape) error {
	key := compiled{exec, inputs[0].String()}
	if t.compiled[key] {
		return nil
	}
	if _, err := exec.Compile(inputs...); err != nil {
		return err
	}
	t.compiled[key] = true
	backend.GiveBack()
	return nil
}

// firstLine drops the stack that libraries print with their errors.
func firstLine(err error) error {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(line)
}

// call runs the first graph, for training or for evaluation, on a batch.
func (t *Trainer) call(b *Batch, training bool) (numbers [][]float32, gradients []resident, err error) {
	if err := b.check(t.model.Config, t.settings.BatchSize); err != nil {
		return nil, nil, err
	}
	room, height, width := t.room(b)
	kind := graphKind{
		training: training, padded: room > len(b.Classes) || height != b.Input.Height || width != b.Input.Width,
		dropout: training && t.settings.Dropout > 0, adds: training && t.batches > 0,
	}
	exec := t.graphs[kind]
	if exec == nil {
		var err error
		exec, err = t.exec(func(nodes []*graph.Node) []*graph.Node {
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
		size := room * height * width * 3
		if cap(t.pixels) < size {
			t.pixels = make([]float32, size)
		}
		pixels = t.pixels[:size]
		clear(pixels)
		for i := range n {
			for y := range in.Height {
				row := in.Pixels[(i*in.Height+y)*in.Width*3:][:in.Width*3]
				copy(pixels[(i*height+y)*width*3:], row)
			}
		}
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
		random := rand.New(rand.NewPCG(uint64(t.settings.Seed), uint64(t.steps*t.settings.Accumulate+t.batches)))
		key := []uint32{random.Uint32(), random.Uint32()}
		all = append(all, argument{value: tensors.FromFlatDataAndDimensions(key, len(key))})
	}
	if kind.adds {
		for _, s := range t.sums[:len(t.params)] {
			all = append(all, argument{resident: s})
		}
	}
	return all
}

// EvalResult is how the model answers a batch.
type EvalResult struct {
	Loss       float64     // mean cross-entropy
	Acc1, Acc5 float64     // percent of the pictures whose class is first, among the first five [acc1, acc5]
	Logits     [][]float32 // of each picture
}

// Evaluate answers a batch as the published evaluation does: pictures share the
// batch's canvas, and there is no dropout.
func (t *Trainer) Evaluate(b *Batch) (EvalResult, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var result EvalResult
	outputs, _, err := t.call(b, false)
	if err != nil {
		return result, err
	}
	result.Loss = float64(outputs[0][0])
	for i, class := range b.Classes {
		logits := outputs[1][i*t.model.Config.Classes:][:t.model.Config.Classes:t.model.Config.Classes]
		result.Logits = append(result.Logits, logits)
		place := 0
		for other, logit := range logits {
			if logit > logits[class] || logit == logits[class] && other < class {
				place++
			}
		}
		if place < 1 {
			result.Acc1++
		}
		if place < 5 {
			result.Acc5++
		}
	}
	result.Acc1 = 100 * result.Acc1 / float64(len(b.Classes))
	result.Acc5 = 100 * result.Acc5 / float64(len(b.Classes))
	return result, nil
}
