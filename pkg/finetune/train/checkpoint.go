package train

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Extra is what a checkpoint holds beside model, optimizer and schedule.
type Extra struct {
	Epoch int // the last that was finished, from 0; -1 before the first [epoch]
	// Args are options to keep under "args" beside those of the architecture and
	// of the settings, by their published names; nil for none.
	Args *torchfile.Dict
	// State is kept under "gointr": what only a training of ours goes on with,
	// such as its position in the epoch; nil for nothing.
	State *torchfile.Dict
	// ModelOnly leaves out optimizer, schedule and State: a third of the size.
	ModelOnly bool
}

const accumulated = "accumulated" // key under "gointr": the gradients of a step that is not complete

// Save writes a checkpoint as the published training does: {"model",
// "optimizer", "lr_scheduler", "epoch", "args"} with PyTorch's state_dicts, which
// torch.load(weights_only=True) opens and AdamW's and the schedule's
// load_state_dict take. The file appears whole or not at all.
func (t *Trainer) Save(path string, extra Extra) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.model.Exclusive(func() error {
		root, err := t.checkpoint(extra)
		if err != nil {
			return err
		}
		return torchfile.WritePTH(path, root)
	})
}

func (t *Trainer) checkpoint(extra Extra) (*torchfile.Dict, error) {
	weights := &torchfile.Dict{Ordered: true}
	for _, p := range intr.Params(t.model.Config) {
		v, err := lazy(p, t.variable(p.Key))
		if err != nil {
			return nil, err
		}
		weights.Set(p.Key, v)
	}
	if extra.ModelOnly {
		return dict("model", weights, "epoch", extra.Epoch, "args", t.args(extra.Args)), nil
	}
	optimizer, err := t.optimizerState()
	if err != nil {
		return nil, err
	}
	state := extend(&torchfile.Dict{}, extra.State)
	if t.batches > 0 {
		gradients := dict("batches", t.batches)
		for i, p := range t.params {
			v, err := torchfile.NewLazyTensor(p.Key, p.Shape, func() ([]float32, error) { return t.sum(i) })
			if err != nil {
				return nil, err
			}
			gradients.Set(p.Key, v)
		}
		state.Set(accumulated, gradients)
	}
	root := dict("model", weights, "optimizer", optimizer, "lr_scheduler", t.rates.state(), "epoch", extra.Epoch,
		"args", t.args(extra.Args))
	if state.Len() > 0 {
		root.Set("gointr", state)
	}
	return root, nil
}

func lazy(p intr.Param, v *model.Variable) (*torchfile.Tensor, error) {
	return torchfile.NewLazyTensor(p.Key, p.Shape, func() ([]float32, error) { return p.Values(v) })
}

// dict is a Python dict of keys and values in turn.
func dict(pairs ...any) *torchfile.Dict {
	d := &torchfile.Dict{}
	for i := 0; i < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// extend gives d what more has, which may be nil.
func extend(d, more *torchfile.Dict) *torchfile.Dict {
	if more != nil {
		for key, value := range more.All() {
			d.Set(key, value)
		}
	}
	return d
}

func list[T any](values []T) torchfile.List {
	l := make(torchfile.List, len(values))
	for i, v := range values {
		l[i] = v
	}
	return l
}

// args are the published options that the settings stand for.
func (t *Trainer) args(more *torchfile.Dict) *torchfile.Dict {
	s := t.settings
	return extend(extend(t.model.Config.Args(), dict(
		"lr", s.LR, "lr_backbone", s.LRBackbone, "weight_decay", s.WeightDecay, "clip_max_norm", s.ClipMaxNorm,
		"dropout", s.Dropout, "batch_size", s.BatchSize, "lr_scheduler", t.rates.Kind, "seed", s.Seed)), more)
}

// optimizerState is torch.optim.AdamW's state_dict: parameters are numbered
// through the groups.
func (t *Trainer) optimizerState() (*torchfile.Dict, error) {
	state, groups := &torchfile.Dict{}, torchfile.List{}
	for i := 0; i < len(t.params) && t.steps > 0; i++ {
		step, err := torchfile.NewTensor("step", nil, []float32{float32(t.steps)})
		if err != nil {
			return nil, err
		}
		m, s := t.moments(t.params[i])
		mean, err := lazy(t.params[i].Param, m)
		if err != nil {
			return nil, err
		}
		square, err := lazy(t.params[i].Param, s)
		if err != nil {
			return nil, err
		}
		state.Set(i, dict("step", step, "exp_avg", mean, "exp_avg_sq", square))
	}
	for group, lr := range t.rates.now {
		members := torchfile.List{}
		for i, p := range t.params {
			if p.group == group {
				members = append(members, i)
			}
		}
		d := dict("lr", lr, "betas", torchfile.Tuple{beta1, beta2}, "eps", eps, "weight_decay", t.settings.WeightDecay,
			"amsgrad", false, "maximize", false, "foreach", nil, "capturable", false, "differentiable", false, "fused",
			nil, "decoupled_weight_decay", true, "initial_lr", t.rates.base[group])
		if t.rates.Kind == finetune.OneCycleLR {
			d.Set("max_lr", t.rates.base[group]*cycleStart)
			d.Set("min_lr", t.rates.base[group]/cycleEnd)
		}
		d.Set("params", members)
		groups = append(groups, d)
	}
	return dict("state", state, "param_groups", groups), nil
}

// state is the state_dict of PyTorch's schedule.
func (r *rates) state() *torchfile.Dict {
	var d *torchfile.Dict
	switch r.Kind {
	case finetune.StepLR:
		d = dict("step_size", r.StepSize, "gamma", r.Gamma)
	case finetune.CosineAnnealingLR:
		d = dict("T_max", r.TMax, "eta_min", r.EtaMin)
	case finetune.OneCycleLR:
		phase := func(end float64, from, to, before, after string) *torchfile.Dict {
			return dict("end_step", end, "start_lr", from, "end_lr", to, "start_momentum", before,
				"end_momentum", after)
		}
		d = dict("total_steps", r.TotalSteps, "_schedule_phases", torchfile.List{
			phase(cycleUp*float64(r.TotalSteps)-1, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
			phase(float64(r.TotalSteps-1), "max_lr", "min_lr", "base_momentum", "max_momentum"),
		}, "_anneal_func_type", "cos", "cycle_momentum", false)
	default:
		d = dict("factor", 1.0, "total_iters", 0)
	}
	return extend(d, dict("base_lrs", list(r.base), "last_epoch", r.last, "_step_count", r.last+1,
		"_is_initial", false, "_get_lr_called_within_step", false, "_last_lr", list(r.now)))
}

// Resumed is what a checkpoint held beside what the trainer goes on with.
type Resumed struct {
	Epoch int             // the last that was finished
	State *torchfile.Dict // Extra.State; nil where the checkpoint is not ours
}

// Resume goes on with a training from its checkpoint, ours or the published
// code's. As there, learning rates, weight decay and the position in the
// schedule are those of the checkpoint, whatever s says; which parts are frozen,
// and all else, is what s says. asked is what is known of the architecture, as
// intr.InspectAs has it. The error says where the checkpoint does not fit.
func Resume(path string, asked intr.Config, s finetune.Settings) (*Trainer, *Resumed, error) {
	file, err := torchfile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	fail := func(err error) (*Trainer, *Resumed, error) {
		return nil, nil, fmt.Errorf("%s cannot be resumed: %w", path, err)
	}
	root, ok := file.Value().(*torchfile.Dict)
	if !ok {
		return fail(errors.New("it holds no training"))
	}
	start, err := readStart(file, asked, "")
	if err != nil {
		return fail(err)
	}
	start.Path = path
	optimizer, schedule := inner(root, "optimizer"), inner(root, "lr_scheduler")
	if optimizer == nil || schedule == nil {
		return fail(errors.New("it holds no optimizer and schedule: start a training from it instead"))
	}
	groups, err := groupsOf(optimizer)
	if err != nil {
		return fail(err)
	}
	rates, decay, err := readRates(groups, schedule)
	if err != nil {
		return fail(err)
	}
	s.Schedule, s.WeightDecay = rates.Schedule, decay
	t, err := NewTrainer(start, s)
	if err != nil {
		return fail(err)
	}
	t.rates = rates
	epoch, _ := get(root, "epoch").(int64)
	resumed := &Resumed{Epoch: int(epoch), State: inner(root, "gointr")}
	err = t.readOptimizer(groups, inner(optimizer, "state"))
	if err == nil {
		err = t.readAccumulated(inner(resumed.State, accumulated))
	}
	if err != nil {
		t.Close()
		return fail(err)
	}
	return t, resumed, nil
}

// HasOptimizer is whether a checkpoint has optimizer, schedule and epoch beside its weights, so that Resume goes on
// with its training.
func HasOptimizer(path string) (bool, error) {
	file, err := torchfile.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	root, _ := file.Value().(*torchfile.Dict)
	return get(root, "optimizer") != nil && get(root, "lr_scheduler") != nil && get(root, "epoch") != nil, nil
}

func get(d *torchfile.Dict, key any) any {
	if d == nil {
		return nil
	}
	value, _ := d.Get(key)
	return value
}

func inner(d *torchfile.Dict, key any) *torchfile.Dict {
	value, _ := get(d, key).(*torchfile.Dict)
	return value
}

// number is a Python float or int.
func number(d *torchfile.Dict, key string) (float64, error) {
	switch v := get(d, key).(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	}
	return 0, fmt.Errorf("%s is missing or not a number", key)
}

// groupsOf are the optimizer's parameter groups: all but the backbone, and the
// backbone.
func groupsOf(optimizer *torchfile.Dict) ([2]*torchfile.Dict, error) {
	var groups [2]*torchfile.Dict
	items, _ := get(optimizer, "param_groups").(torchfile.List)
	if len(items) != len(groups) {
		return groups, fmt.Errorf("its optimizer has %d groups of parameters, and INTR's has 2", len(items))
	}
	for i, item := range items {
		var ok bool
		if groups[i], ok = item.(*torchfile.Dict); !ok {
			return groups, errors.New("its optimizer's groups of parameters are not dicts")
		}
	}
	return groups, nil
}

// readRates gives the schedule and the weight decay.
func readRates(groups [2]*torchfile.Dict, schedule *torchfile.Dict) (*rates, float64, error) {
	r := &rates{Schedule: finetune.Schedule{Kind: finetune.ConstantLR}}
	var failed []error
	read := func(d *torchfile.Dict, key string) float64 {
		v, err := number(d, key)
		failed = append(failed, err)
		return v
	}
	has := func(key string) bool { _, ok := schedule.Get(key); return ok }
	switch {
	case has("step_size"):
		r.Kind, r.StepSize, r.Gamma = finetune.StepLR, int(read(schedule, "step_size")), read(schedule, "gamma")
	case has("T_max"):
		r.Kind, r.TMax, r.EtaMin = finetune.CosineAnnealingLR, int(read(schedule, "T_max")), read(schedule, "eta_min")
	case has("total_steps"):
		r.Kind, r.TotalSteps = finetune.OneCycleLR, int(read(schedule, "total_steps"))
	case !has("total_iters"):
		return nil, 0, errors.New("its schedule is none of StepLR, CosineAnnealingLR, OneCycleLR and ConstantLR")
	}
	r.last = int(read(schedule, "last_epoch"))
	bases, _ := get(schedule, "base_lrs").(torchfile.List)
	for _, base := range bases {
		r.base = append(r.base, read(dict("base_lrs", base), "base_lrs"))
	}
	if len(bases) != len(groups) {
		failed = append(failed, fmt.Errorf("its schedule is for %d groups of parameters, and INTR has 2", len(bases)))
	}
	decay := read(groups[0], "weight_decay")
	for _, group := range groups {
		r.now = append(r.now, read(group, "lr"))
		members, _ := get(group, "params").(torchfile.List)
		if v := read(group, "weight_decay"); v != decay && len(members) > 0 {
			failed = append(failed,
				errors.New("its groups of parameters have weight decays of their own, which are not supported"))
		}
		betas, _ := get(group, "betas").(torchfile.Tuple)
		if !slices.Equal(betas, torchfile.Tuple{beta1, beta2}) || get(group, "eps") != eps ||
			get(group, "amsgrad") == true || get(group, "maximize") == true {
			failed = append(failed, errors.New("its optimizer is not AdamW with PyTorch's betas and eps"))
		}
	}
	return r, decay, cmp.Or(append(failed, checkSchedule(r.Schedule))...)
}

// readOptimizer takes steps and moments over.
func (t *Trainer) readOptimizer(groups [2]*torchfile.Dict, state *torchfile.Dict) error {
	next, steps := 0, -1
	for group, d := range groups {
		members, _ := get(d, "params").(torchfile.List)
		mine := 0
		for _, p := range t.params {
			if p.group == group {
				mine++
			}
		}
		if len(members) != mine {
			return fmt.Errorf(
				"its optimizer trains %d tensors in group %d, and these settings train %d: freeze the same parts",
				len(members), group, mine)
		}
		for _, member := range members {
			p := t.params[next]
			next++
			entry := inner(state, member)
			if entry == nil {
				if state != nil && state.Len() > 0 {
					return fmt.Errorf("its optimizer has no state for %s", p.Key)
				}
				continue
			}
			step, err := stepOf(entry)
			if err != nil {
				return fmt.Errorf("the optimizer's state of %s: %w", p.Key, err)
			}
			if steps >= 0 && step != steps {
				return fmt.Errorf("%s has made %d steps and others %d, which is not supported", p.Key, step, steps)
			}
			steps = step
			mean, square := t.moments(p)
			err = cmp.Or(t.set(mean, p.Param, get(entry, "exp_avg")), t.set(square, p.Param, get(entry, "exp_avg_sq")))
			if err != nil {
				return err
			}
		}
	}
	t.steps = max(steps, 0)
	return nil
}

// stepOf is the number of steps, a tensor in today's PyTorch and a plain number
// in that of the published checkpoints.
func stepOf(entry *torchfile.Dict) (int, error) {
	switch v := get(entry, "step").(type) {
	case int64:
		return int(v), nil
	case *torchfile.Tensor:
		values, err := v.Float32s(nil)
		if err != nil {
			return 0, err
		}
		if len(values) == 1 {
			return int(values[0]), nil
		}
	}
	return 0, errors.New("step is missing or not a number")
}

func (t *Trainer) readAccumulated(gradients *torchfile.Dict) error {
	batches, ok := get(gradients, "batches").(int64)
	if !ok {
		return nil
	}
	for _, p := range t.params {
		sum, err := t.tensor(p.Param, get(gradients, p.Key))
		if err != nil {
			return err
		}
		if t.learner != nil {
			err := sum.ConstFlatData(func(flat any) { copy(t.learner.Gradient(p.Key), flat.([]float32)) })
			if err != nil {
				return err
			}
			continue
		}
		if t.mesh == nil {
			t.sums = append(t.sums, sum)
			continue
		}
		shared, err := dtensor.ShardTensor(distributed.NewReplicatedShardingSpec(t.mesh), sum)
		if err != nil {
			return err
		}
		t.sums = append(t.sums, shared)
	}
	t.batches = int(batches)
	return nil
}

// sum is the gradient of a trained tensor, added up so far, in PyTorch's layout.
func (t *Trainer) sum(i int) ([]float32, error) {
	values := make([]float32, t.params[i].Len())
	if t.learner != nil {
		t.params[i].ToTorch(values, t.learner.Gradient(t.params[i].Key))
		return values, nil
	}
	err := whole(t.sums[i]).ConstFlatData(func(flat any) { t.params[i].ToTorch(values, flat.([]float32)) })
	return values, err
}

// tensor is a tensor of a file on the engine.
func (t *Trainer) tensor(p intr.Param, value any) (*tensors.Tensor, error) {
	from, ok := value.(*torchfile.Tensor)
	if !ok || !slices.Equal(from.Shape, p.Shape) {
		return nil, fmt.Errorf("its optimizer's state of %s is missing or does not have the shape %v", p.Key, p.Shape)
	}
	values, err := from.Float32s(nil)
	if err != nil {
		return nil, err
	}
	return p.Tensor(t.engine, values)
}

// set gives a variable the numbers of a tensor in a file.
func (t *Trainer) set(v *model.Variable, p intr.Param, value any) error {
	tensor, err := t.tensor(p, value)
	if err != nil {
		return err
	}
	return v.SetValue(tensor)
}
