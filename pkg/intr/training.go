package intr

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/backend"
)

// Training is what a forward pass does in training only.
type Training struct {
	// Dropout is the fraction of numbers that are left out where PyTorch's DETR
	// does: of the attention weights, inside the feed-forward blocks, and of what
	// each block adds [dropout].
	Dropout float64
	// Key decides which numbers those are: a parameter of the graph [2] uint32,
	// another one for every step. nil where Dropout is 0.
	Key *Node
	// Stem says that the stem is trained, so that gradients go that far.
	Stem bool
	// BFloat16 has matrices multiplied, and pictures convolved, in bfloat16; the
	// rest, and the weights, stay float32, as with torch.autocast.
	BFloat16 bool
	// Recompute has the gradient compute again what a layer computed on the way,
	// instead of keeping it.
	Recompute bool
	// Statistics has every BatchNorm normalise with the mean and variance of the
	// batch, and is given them, the variance as PyTorch keeps it (of n-1), with
	// the key of the BatchNorm. nil has the frozen ones used.
	Statistics func(bn string, mean, variance *Node)
}

// bf16 is what a product is given.
func (n *net) bf16(x *Node) *Node {
	if n.training == nil || !n.training.BFloat16 {
		return x
	}
	return ConvertDType(x, dtypes.BFloat16)
}

// f32 is what a product gives.
func f32(x *Node) *Node { return ConvertDType(x, dtypes.Float32) }

// ForwardTraining is Forward as training needs it: every operation has a
// gradient on every engine, and dropout is in it. pixels [b, height, width, 3],
// cells [b, rows, cols] true where a picture is, canvas [b, 2] int32 the height
// and width of the canvas that the batch would have by itself, where pixels lie
// on a larger one (nil where they do not): what lies outside of it has then no
// influence. It gives the logits [b, q]. The nodes of the weights are those that
// Weight gives. Without t it is the evaluation of such a batch.
func (m *Model) ForwardTraining(pixels, cells, canvas *Node, t *Training) *Node {
	n := m.net(pixels.Graph(), canvas)
	n.training = t
	features := pixels
	for _, s := range n.steps() {
		features = n.checkpoint(s.apply(n, features))
	}
	n.cells = numbered(n.g, features.Shape().Dim(1), features.Shape().Dim(2))
	_, memory := n.encode(features, cells)
	_, _, logits := n.decode(memory, cells)
	return logits
}

// checkpoint marks where what comes is computed again by the gradient.
func (n *net) checkpoint(x *Node) *Node {
	if n.training == nil || !n.training.Recompute {
		return x
	}
	return x.Checkpoint()
}

// normalized is convolved x [batch, rows, cols, channels] normalised with the
// statistics of the batch, those outside of the canvas left out.
func (n *net) normalized(x *Node, bn string, stride int) *Node {
	// [batch, rows, cols, 1]
	within := n.mask(OnesLike(Slice(x, AxisRange(), AxisRange(), AxisRange(), AxisElem(0))), stride)
	count := ReduceAllSum(within)
	mean := Div(ReduceSum(Mul(x, within), 0, 1, 2), count)
	centered := Mul(Sub(x, ExpandLeftToRank(mean, 4)), within)
	variance := Div(ReduceSum(Square(centered), 0, 1, 2), count)
	n.training.Statistics(bn, StopGradient(mean), StopGradient(Mul(variance, Div(count, AddScalar(count, -1)))))
	scale := Div(n.weight(bn+".weight"), Sqrt(AddScalar(variance, 1e-5)))
	return Add(Mul(centered, ExpandLeftToRank(scale, 4)), ExpandLeftToRank(n.weight(bn+".bias"), 4))
}

// Weight is the node, in a graph that NewExec builds, of the tensor with a
// PyTorch key.
func (m *Model) Weight(g *Graph, key string) *Node {
	n := net{store: m.store, g: g}
	return n.weight(key)
}

// Store holds the variables of a model that New made, one at the Path of every PyTorch
// key. Who changes them does it within Exclusive.
func (m *Model) Store() *model.Store { return m.store }

// Exclusive runs f, which may change the weights, while no answer is computed.
func (m *Model) Exclusive(f func() error) error {
	m.run.Lock()
	defer m.run.Unlock()
	m.making.Lock()
	defer m.making.Unlock()
	if m.network != nil {
		m.network.free()
		m.network = nil
	}
	return f()
}

// New makes a model of tensors at hand: one for every key of Params(c), in
// PyTorch's layout. The values are copied.
func New(engine *backend.Engine, c Config, values map[string][]float32) (*Model, error) {
	m, err := newOf(engine, c, values)
	if err != nil {
		return nil, err
	}
	if err := m.build(); err != nil {
		return nil, err
	}
	m.source = func(p Param, _ []float32) ([]float32, error) { return p.Values(m.store.GetVariable(Path(p.Key))) }
	return m, nil
}

// newOf is a model of tensors that it keeps.
func newOf(engine *backend.Engine, c Config, values map[string][]float32) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return newModel(engine, c, func(p Param, _ []float32) ([]float32, error) { return values[p.Key], nil }), nil
}

// Values copies the tensor of a key out of the model, in PyTorch's layout.
func (m *Model) Values(p Param) ([]float32, error) {
	if !slices.ContainsFunc(Params(m.Config), func(own Param) bool { return own.Key == p.Key }) {
		return nil, fmt.Errorf("the model has no tensor %s", p.Key)
	}
	values, err := m.source(p, nil)
	return slices.Clone(values), err
}

// Values copies a variable of p's shape in our layout out, in PyTorch's.
func (p Param) Values(v *model.Variable) ([]float32, error) {
	t, err := v.Value()
	if err != nil {
		return nil, err
	}
	values := make([]float32, p.Len())
	err = t.ConstFlatData(func(flat any) { p.ToTorch(values, flat.([]float32)) })
	return values, err
}
