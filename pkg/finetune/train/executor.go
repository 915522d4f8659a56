package train

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/intr"
)

// executor runs graphs of a model, on one device or on several.
type executor struct {
	engine   *backend.Engine
	model    *intr.Model
	mesh     *distributed.DeviceMesh // nil on one device
	compiled map[compiled]bool
}

// resident is a result that stays on the engine, whole on every device.
type resident interface{ FinalizeAll() error }

func free(r resident) { _ = r.FinalizeAll() }

// whole is the result on the first device.
func whole(r resident) *tensors.Tensor {
	if one, ok := r.(*tensors.Tensor); ok {
		return one
	}
	return r.(*dtensor.Tensor).Shards()[0]
}

// argument is an input of a graph: a resident one, or a value, of which split
// ones are shared out to the devices by their first axis.
type argument struct {
	value    *tensors.Tensor
	split    bool
	resident resident
}

// run calls a graph. It gives the first results as numbers and leaves the others
// on the engine.
func (x *executor) run(exec *model.Exec, arguments []argument, fetched int) ([][]float32, []resident, error) {
	results, err := x.execute(exec, arguments)
	if err != nil {
		return nil, nil, fmt.Errorf("%s could not compute a training step: %w", x.engine, firstLine(err))
	}
	values := make([][]float32, fetched)
	for i, r := range results[:fetched] {
		if values[i], err = tensors.CopyFlatData[float32](whole(r)); err != nil {
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
func (x *executor) execute(exec *model.Exec, arguments []argument) ([]resident, error) {
	var args []any
	var results []resident
	if x.mesh == nil {
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
		if err := x.compile(exec, inputs); err != nil {
			return nil, err
		}
		outputs, err := exec.Call(args...)
		for _, o := range outputs {
			results = append(results, o)
		}
		return results, err
	}
	replicated := distributed.NewReplicatedShardingSpec(x.mesh)
	split, err := distributed.BuildSpec(x.mesh).S(dataAxis).Done()
	if err != nil {
		return nil, err
	}
	var specs []*distributed.ShardingSpec
	for _, a := range arguments {
		spec := replicated
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
		exec.AutoSharding(x.mesh).WithInputShardingSpecs(specs...).WithOutputShardingSpecs(replicated)
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
func (x *executor) compile(exec *model.Exec, inputs []shapes.Shape) error {
	key := compiled{exec, inputs[0].String()}
	if x.compiled[key] {
		return nil
	}
	if _, err := exec.Compile(inputs...); err != nil {
		return err
	}
	x.compiled[key] = true
	backend.GiveBack()
	return nil
}

// firstLine drops the stack that libraries print with their errors.
func firstLine(err error) error {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(line)
}
