package intr

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Param is one tensor of a checkpoint: its PyTorch key and shape. Its variable
// has the key's path ("/input_proj/weight") and the shape in our layout.
type Param struct {
	Key   string // as in the published state_dict
	Shape []int  // as PyTorch keeps it
}

// Params is every tensor of a model in the order PyTorch saves them. The names
// are those of the published checkpoints; nothing else in this package spells
// a layout.
func Params(c Config) []Param {
	var params []Param
	add := func(key string, shape ...int) { params = append(params, Param{key, shape}) }
	d := c.HiddenDim
	attention := func(key string) {
		add(key+".in_proj_weight", 3*d, d)
		add(key+".in_proj_bias", 3*d)
		add(key+".out_proj.weight", d, d)
		add(key+".out_proj.bias", d)
	}
	linear := func(key string, out, in int) {
		add(key+".weight", out, in)
		add(key+".bias", out)
	}
	norm := func(key string) {
		add(key+".weight", d)
		add(key+".bias", d)
	}
	stack := func(key string, layers int, decoder bool) {
		for i := range layers {
			layer := fmt.Sprintf("%s.layers.%d", key, i)
			attention(layer + ".self_attn")
			if decoder {
				attention(layer + ".multihead_attn")
			}
			linear(layer+".linear1", c.FeedForward, d)
			linear(layer+".linear2", d, c.FeedForward)
			norm(layer + ".norm1")
			norm(layer + ".norm2")
			if decoder {
				norm(layer + ".norm3")
			}
		}
		if decoder || c.PreNorm {
			norm(key + ".norm")
		}
	}
	stack("transformer.encoder", c.EncoderLayers, false)
	stack("transformer.decoder", c.DecoderLayers, true)
	linear("presence_vector", 1, d)
	add("query_embed.weight", c.Classes, d)
	add("input_proj.weight", d, c.channels(c.stages()-1), 1, 1)
	add("input_proj.bias", d)

	frozenBN := func(key string, channels int) {
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			add(key+"."+name, channels)
		}
	}
	convolution := func(conv, bn string, out, in, size int) {
		add(conv+".weight", out, in, size, size)
		frozenBN(bn, out)
	}
	body := "backbone.0.body"
	convolution(body+".conv1", body+".bn1", c.Width, 3, 7)
	in := c.Width
	for stage, blocks := range c.Blocks {
		p, out := c.planes(stage), c.channels(stage)
		for b := range blocks {
			key := fmt.Sprintf("%s.layer%d.%d", body, stage+1, b)
			if c.Bottleneck {
				convolution(key+".conv1", key+".bn1", p, in, 1)
				convolution(key+".conv2", key+".bn2", p, p, 3)
				convolution(key+".conv3", key+".bn3", out, p, 1)
			} else {
				convolution(key+".conv1", key+".bn1", p, in, 3)
				convolution(key+".conv2", key+".bn2", p, p, 3)
			}
			if b == 0 && (stage > 0 || in != out) {
				convolution(key+".downsample.0", key+".downsample.1", out, in, 1)
			}
			in = out
		}
	}
	if c.Positions == "learned" {
		add("backbone.1.row_embed.weight", 50, d/2)
		add("backbone.1.col_embed.weight", 50, d/2)
	}
	return params
}

// Path of the variable that holds a PyTorch key.
func Path(key string) string { return "/" + strings.ReplaceAll(key, ".", "/") }

// A layout says how a tensor moves between PyTorch and here: kernels from
// [out, in, h, w] to [h, w, in, out], matrices of linear layers from [out, in]
// to [in, out]. Embeddings and vectors stay.
func (p Param) axes() []int {
	switch {
	case len(p.Shape) == 4:
		return []int{2, 3, 1, 0}
	case len(p.Shape) == 2 && !strings.Contains(p.Key, "_embed."):
		return []int{1, 0}
	}
	return nil
}

// VariableShape is the tensor's shape in our layout.
func (p Param) VariableShape() []int {
	axes := p.axes()
	if axes == nil {
		return p.Shape
	}
	shape := make([]int, len(axes))
	for i, axis := range axes {
		shape[i] = p.Shape[axis]
	}
	return shape
}

// FromTorch puts values in PyTorch's layout into dst in ours; both hold the
// whole tensor.
func (p Param) FromTorch(dst, values []float32) {
	switch len(p.axes()) {
	case 0:
		copy(dst, values)
	case 2:
		transpose(dst, values, p.Shape[0], p.Shape[1], 1)
	default: // [out, in, h, w] -> [h, w, in, out]
		area := p.Shape[2] * p.Shape[3]
		transpose(dst, values, p.Shape[0], p.Shape[1]*area, area)
	}
}

// transpose copies src [rows, cols] into dst [cols, rows]. With area above 1 the
// columns are [cols/area, area], and become rows [area, cols/area].
func transpose(dst, src []float32, rows, cols, area int) {
	// A few rows at a time: the caches keep only some lines that lie a power of
	// two apart, as the rows of these matrices do.
	const tallest, widest = 8, 16
	for c0 := 0; c0 < cols; c0 += widest {
		c1 := min(c0+widest, cols)
		for r0 := 0; r0 < rows; r0 += tallest {
			n := min(tallest, rows-r0)
			for c := c0; c < c1; c++ {
				row := c
				if area > 1 {
					row = c%area*(cols/area) + c/area
				}
				to := dst[row*rows+r0:][:n]
				at := r0*cols + c
				for i := range to {
					to[i] = src[at]
					at += cols
				}
			}
		}
	}
}

// ToTorch is FromTorch's way back: values in our layout into dst in PyTorch's.
func (p Param) ToTorch(dst, values []float32) {
	switch len(p.axes()) {
	case 0:
		copy(dst, values)
	case 2:
		transpose(dst, values, p.Shape[1], p.Shape[0], 1)
	default:
		out, in, area := p.Shape[0], p.Shape[1], p.Shape[2]*p.Shape[3]
		for cell := range area {
			for i := range in {
				for o, v := range values[(cell*in+i)*out:][:out] {
					dst[(o*in+i)*area+cell] = v
				}
			}
		}
	}
}

// Len is the number of elements.
func (p Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// unused are keys that published and derived checkpoints may carry without
// harm: BatchNorm's counter, and the heads of the DETR that training began with.
func unused(key string) bool {
	return strings.HasSuffix(key, ".num_batches_tracked") ||
		strings.HasPrefix(key, "class_embed.") || strings.HasPrefix(key, "bbox_embed.")
}

// fits says whether the tensors of a checkpoint are those of an architecture. Missing,
// misshaped and left-over tensors are named in the error.
func fits(c Config, state map[string]*torchfile.Tensor) error {
	known := map[string]bool{}
	var missing, extra []string
	for _, p := range Params(c) {
		known[p.Key] = true
		t, ok := state[p.Key]
		switch {
		case !ok:
			missing = append(missing, p.Key)
		case t.Check() != nil:
			return t.Check()
		case !slices.Equal(t.Shape, p.Shape):
			return fmt.Errorf("tensor %s has shape %v, but %v is needed (%s)", p.Key, t.Shape, p.Shape, c)
		}
	}
	for key, t := range state {
		if !known[key] && !unused(key) && t.Check() == nil {
			extra = append(extra, key)
		}
	}
	slices.Sort(extra)
	if len(missing) > 0 {
		return fmt.Errorf("%s missing: %s", tensorsAre(len(missing)), some(missing))
	}
	if len(extra) > 0 {
		return fmt.Errorf("%s of no use in this architecture (%s): %s", tensorsAre(len(extra)), c, some(extra))
	}
	return nil
}

// source gives the values of a tensor in PyTorch's layout, which may lie in scratch.
type source func(p Param, scratch []float32) ([]float32, error)

// storeOf makes the variables of a model.
func storeOf(engine *backend.Engine, c Config, values source) (*model.Store, error) {
	params := Params(c)
	made, failed := make([]*tensors.Tensor, len(params)), make([]error, len(params))
	parallel.DoOn(maxReaders, len(params), func(next func() (int, bool)) {
		var scratch []float32
		for i, more := next(); more; i, more = next() {
			if scratch, failed[i] = values(params[i], scratch); failed[i] == nil {
				made[i], failed[i] = params[i].Tensor(engine, scratch)
			}
		}
	})
	if err := cmp.Or(failed...); err != nil {
		return nil, err
	}
	store := model.NewStore()
	for i, p := range params {
		if _, err := store.CreateVariable(Path(p.Key), made[i]); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// maxReaders is how many tensors are read at once: each has its scratch, and
// more than a few only wait for the memory.
const maxReaders = 4

// Tensor makes a tensor in our layout, where the engine reads it, of values in
// PyTorch's. (GoMLX's own way fills it with zeros first, which takes as long as reading
// it from the file.)
func (p Param) Tensor(engine *backend.Engine, values []float32) (*tensors.Tensor, error) {
	if err := p.check(values); err != nil {
		return nil, err
	}
	shape := shapes.Make(dtypes.Float32, p.VariableShape()...)
	if !engine.Backend.HasSharedBuffers() {
		tensor := tensors.FromShape(shape)
		return tensor, tensors.MutableFlatData(tensor, func(flat []float32) { p.FromTorch(flat, values) })
	}
	buffer, flat, err := engine.Backend.NewSharedBuffer(0, shape)
	if err != nil {
		return nil, err
	}
	p.FromTorch(flat.([]float32), values)
	return tensors.FromBuffer(buffer)
}

// check says what is wrong with the values of a tensor, or nil.
func (p Param) check(values []float32) error {
	if len(values) != p.Len() {
		return fmt.Errorf("tensor %s of shape %v cannot be made of %d values", p.Key, p.Shape, len(values))
	}
	const infinite = 0x7f800000 // and beyond are NaN and infinity, without their sign
	var a, b uint32
	for i := 0; i+2 <= len(values); i += 2 {
		a, b = max(a, math.Float32bits(values[i])&^(1<<31)), max(b, math.Float32bits(values[i+1])&^(1<<31))
	}
	if len(values)%2 == 1 {
		a = max(a, math.Float32bits(values[len(values)-1])&^(1<<31))
	}
	if max(a, b) >= infinite {
		i := slices.IndexFunc(values, func(v float32) bool { return v-v != 0 })
		return fmt.Errorf("tensor %s holds %v at position %d: the training that made it had diverged",
			p.Key, values[i], i)
	}
	if strings.HasSuffix(p.Key, ".running_var") {
		if i := slices.IndexFunc(values, func(v float32) bool { return v < -1e-5 }); i >= 0 { // NaN, in PyTorch too
			return fmt.Errorf("tensor %s holds %v at position %d, and no variance is negative: the file is damaged",
				p.Key,
				values[i], i)
		}
	}
	return nil
}

func tensorsAre(n int) string {
	if n == 1 {
		return "1 tensor is"
	}
	return fmt.Sprintf("%d tensors are", n)
}

// some names the first few and says how many more there are.
func some(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
