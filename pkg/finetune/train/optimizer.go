package train

import (
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/intr"
)

// Names of the optimizer's variables; the rest of the path is the tensor's.
const (
	meanScope   = "/exp_avg"
	squareScope = "/exp_avg_sq"
)

// allocate makes the optimizer's variables, all zero.
func (t *Trainer) allocate() error {
	for _, p := range t.params {
		for _, scope := range []string{meanScope, squareScope} {
			value, err := tensors.FromShapeForBackend(t.engine.Backend, 0,
				shapes.Make(dtypes.Float32, p.VariableShape()...))
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
		exec, err := t.model.NewExec(build)
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
		step := func(nodes []*graph.Node) []*graph.Node { return t.adamW(nodes[0], first, nodes[1:]) }
		if err := add(from, to, changes, step); err != nil {
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
	clip := 1.0
	if t.settings.ClipMaxNorm > 0 { // torch.nn.utils.clip_grad_norm_
		clip = min(1, t.settings.ClipMaxNorm/(norm+1e-6))
	}
	step := float64(t.steps + 1)
	numbers := []float32{float32(clip), float32(math.Sqrt(1 - math.Pow(beta2, step)))}
	for _, lr := range lrs {
		numbers = append(numbers, float32(lr/(1-math.Pow(beta1, step))), float32(1-lr*t.settings.WeightDecay))
	}
	if t.learner != nil {
		return t.model.Exclusive(func() error { return t.update(numbers) })
	}
	if t.updates == nil {
		if err := t.newUpdates(); err != nil {
			return err
		}
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
	if one, ok := value.(*tensors.Tensor); ok {
		return v.SetValue(one)
	}
	return v.SetDistributedValue(value.(*dtensor.Tensor))
}
