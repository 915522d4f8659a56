package backend

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// OnDevice is the engine on one of its devices, from 0, as if it had no other: several models can so compute side by
// side, each on a device of its own. The error says how many devices there are.
func (e *Engine) OnDevice(number int) (*Engine, error) {
	if number == 0 {
		return e, nil
	}
	if have := e.NumDevices(); number < 0 || number >= have {
		devices := "1 device"
		if have != 1 {
			devices = fmt.Sprintf("%d devices", have)
		}
		return nil, fmt.Errorf("%s has %s here, so there is no device %d: they count from 0", e, devices, number)
	}
	return &Engine{Backend: &device{e.Backend, compute.DeviceNum(number)}, Kind: e.Kind, Plugin: e.Plugin}, nil
}

// device is a backend of which only one device is seen, as number 0. (GoMLX's
// model.Exec brings its inputs to device 0, wherever its graph is to run.)
type device struct {
	compute.Backend
	number compute.DeviceNum
}

func (d *device) NumDevices() int { return 1 }

func (d *device) DeviceDescription(compute.DeviceNum) string {
	return d.Backend.DeviceDescription(d.number)
}

func (d *device) BufferFromFlatData(_ compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	b, err := d.Backend.BufferFromFlatData(d.number, flat, shape)
	return d.own(b), err
}

func (d *device) NewSharedBuffer(_ compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	b, flat, err := d.Backend.NewSharedBuffer(d.number, shape)
	return d.own(b), flat, err
}

func (d *device) Builder(name string) compute.Builder { return &builder{d.Backend.Builder(name), d} }

func (d *device) own(b compute.Buffer) compute.Buffer {
	if b == nil {
		return nil
	}
	return &buffer{b, d}
}

type builder struct {
	compute.Builder
	on *device
}

func (b *builder) Compile() (compute.Executable, error) {
	e, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	return &executable{e, b.on}, nil
}

type executable struct {
	compute.Executable
	on *device
}

func (e *executable) Execute(inputs []compute.Buffer, donate []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	theirs := make([]compute.Buffer, len(inputs))
	for i, b := range inputs {
		theirs[i] = b.(*buffer).Buffer
	}
	outputs, err := e.Executable.Execute(theirs, donate, e.on.number)
	for i := range outputs {
		outputs[i] = e.on.own(outputs[i])
	}
	return outputs, err
}

type buffer struct {
	compute.Buffer
	on *device
}

func (b *buffer) Backend() compute.Backend { return b.on }

func (b *buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

func (b *buffer) CopyToDevice(compute.DeviceNum) (compute.Buffer, error) {
	copied, err := b.Buffer.CopyToDevice(b.on.number)
	return b.on.own(copied), err
}
