package intr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/internal/nn"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/picture"
)

// Attribution is where two methods that know nothing of INTR's promise see a class in a
// picture. Both maps have the picture's own cells, as an explanation's maps have.
type Attribution struct {
	Class  int
	Logits []float32 // [classes]
	// GradCAM (Selvaraju et al., ICCV 2017) is of the backbone's last feature map, the
	// gradient's mean being over the picture's own cells. It may be 0 everywhere.
	GradCAM attention.Map
	// Rollout is attention rollout (Abnar and Zuidema, ACL 2020): the class's
	// cross-attention in the last decoder layer times every encoder layer, each the mean
	// of its heads and half the identity for the residual connection. It sums to 1.
	Rollout attention.Map
}

// Attribute gives both maps for a class (by index) of a picture already resized
// for the network (picture.Eval), computed as if the picture were alone. It gives
// up soon after ctx ends. Errors are one sentence.
func (m *Model) Attribute(ctx context.Context, class int, input *picture.Picture) (*Attribution, error) {
	if class < 0 || class >= m.Config.Classes {
		return nil, fmt.Errorf("there is no class %d: the model has classes 0 to %d", class, m.Config.Classes-1)
	}
	if input == nil || input.Width < 1 || input.Height < 1 {
		return nil, errors.New("there is no picture to look at")
	}
	h, w := input.Height, input.Width
	if err := m.build(); err != nil {
		return nil, err
	}
	if m.graphs.Kind != backend.Go { // which compiles for every size
		h, w = m.canvas(h, w)
	}
	b := newBatch(h, w, input)
	b.Exact = true
	if err := m.check(b); err != nil {
		return nil, err
	}
	m.run.Lock()
	defer m.run.Unlock()
	results, err := m.attribute(ctx, b, class)
	if err != nil {
		return nil, m.failure(ctx, err)
	}
	out, err := m.fetchAttribution(b, results)
	if err != nil {
		return nil, err
	}
	out.Class = class
	return out, nil
}

// attribute runs the backbone, and then one graph of its own: no gradient goes further
// than its result.
func (m *Model) attribute(ctx context.Context, b *Batch, class int) ([]*tensors.Tensor, error) {
	if m.attributing == nil {
		var err error
		if m.attributing, err = m.NewExec(func(inputs []*Node) []*Node {
			return m.net(inputs[0].Graph(), nil).attribution(inputs[0], inputs[1], inputs[2])
		}); err != nil {
			return nil, err
		}
	}
	features, err := m.features(ctx, b)
	if err != nil {
		return nil, err
	}
	defer features.FinalizeAll()
	rows, cols := b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	cells := tensors.FromFlatDataAndDimensions(b.Cells(m.Config.Stride(), b.Height, b.Width), 1, rows, cols)
	defer cells.FinalizeAll()
	one := make([]float32, m.Config.Classes)
	one[class] = 1
	chosen := tensors.FromFlatDataAndDimensions(one, 1, len(one))
	defer chosen.FinalizeAll()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.attributing.Call(features, cells, chosen)
}

// features is the last feature map [1, rows, cols, channels] of the one picture of b.
func (m *Model) features(ctx context.Context, b *Batch) (*tensors.Tensor, error) {
	if m.Engine.Kind == backend.Go {
		return m.computeFeatures(ctx, b)
	}
	// In the pieces that answers have compiled already.
	want := want{blank: !b.full()}
	p, err := m.plan(want)
	if err != nil {
		return nil, err
	}
	backbone := &plan{pieces: p.pieces[:len(p.pieces)-2], compiled: map[[3]int]bool{}}
	if p.compiled[[3]int{1, b.Height, b.Width}] {
		backbone.compiled = p.compiled
	}
	if err := m.compile(ctx, backbone, b, want); err != nil {
		return nil, err
	}
	features, err := m.pass(ctx, backbone, b, want)
	if err != nil {
		return nil, err
	}
	return features[0], nil
}

// computeFeatures is features on processors; the caller has m.run.
func (m *Model) computeFeatures(ctx context.Context, b *Batch) (*tensors.Tensor, error) {
	n, err := m.laid()
	if err != nil {
		return nil, err
	}
	height, width := b.Sizes[0][0], b.Sizes[0][1]
	n.prepare(ctx, height, width)
	s := m.desks.take(alone)
	defer m.desks.put(s)
	s.work.Context = ctx
	f := n.backbone(s, nn.Map{Rows: height, Cols: width, Channels: 3,
		Data: cutRows(b.Pixels, b.Width*3, height, width*3)})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	rows, cols := b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	all := make([]float32, rows*cols*f.Channels)
	lay(all, f.Data, cols*f.Channels, f.Cols*f.Channels)
	return tensors.FromFlatDataAndDimensions(all, 1, rows, cols, f.Channels), nil
}

// attribution is, of features [1, rows, cols, channels], cells [1, rows, cols] and
// chosen [1, q], 1 for the class and 0 else: logits [q], Grad-CAM [rows, cols] and
// rollout [rows, cols].
func (n *net) attribution(features, cells, chosen *Node) []*Node {
	n.training = &Training{} // every operation has a gradient
	n.mention()
	rows, cols := features.Shape().Dim(1), features.Shape().Dim(2)
	_, memory := n.encode(features, cells)
	_, attention, logits := n.decode(memory, cells)

	gradient := Gradient(ReduceAllSum(Mul(logits, chosen)), features)[0]
	own := ConvertDType(Reshape(cells, 1, rows, cols, 1), gradient.DType())
	weights := Div(ReduceSum(Mul(gradient, own), 1, 2), ReduceAllSum(own)) // [1, channels]
	cam := relu(ReduceSum(Mul(Mul(features, own), Reshape(weights, 1, 1, 1, -1)), -1))

	last := ReduceMean(attention[len(attention)-1], 1) // [1, q, rows, cols]
	seen := ReduceSum(Mul(last, Reshape(chosen, 1, -1, 1, 1)), 1)
	seen = Reshape(seen, 1, rows*cols)
	for i := len(n.mixing) - 1; i >= 0; i-- {
		mixed := Dot(seen, Reshape(ReduceMean(n.mixing[i], 1), rows*cols, rows*cols)).Product()
		seen = MulScalar(Add(seen, mixed), 0.5)
	}
	return []*Node{Reshape(logits, -1), Reshape(cam, rows, cols), Reshape(seen, rows, cols)}
}

func (m *Model) fetchAttribution(b *Batch, results []*tensors.Tensor) (*Attribution, error) {
	values, err := fetch(results)
	if err != nil {
		return nil, err
	}
	stride := m.Config.Stride()
	rows, cols := b.Region(0, stride)
	own := func(values []float32) attention.Map {
		cut := attention.Map{Rows: rows, Cols: cols}
		for row := range rows {
			cut.Values = append(cut.Values, values[row*b.Cols(stride):][:cols]...)
		}
		return cut
	}
	out := &Attribution{Logits: values[0], GradCAM: own(values[1]), Rollout: own(values[2])}
	if out.GradCAM.Check() != nil || out.Rollout.Check() != nil {
		return nil, errors.New("Grad-CAM or rollout came out as NaN or infinite: the weights of this model are too " +
			"large to compute with")
	}
	return out, nil
}

// With is a model like m on the same engine with other values for some tensors,
// by PyTorch key and in PyTorch's layout. m stays as it is; both are closed by
// their owners. It is what sanity checks by random weights need (Adebayo et al.,
// NeurIPS 2018), with the values of finetune.FromNothing.
func (m *Model) With(values map[string][]float32) (*Model, error) {
	all := maps.Clone(values)
	for _, p := range Params(m.Config) {
		if values[p.Key] != nil {
			continue
		}
		var err error
		if all[p.Key], err = m.Values(p); err != nil {
			return nil, err
		}
	}
	if len(all) != len(Params(m.Config)) {
		for key := range values {
			if !slices.ContainsFunc(Params(m.Config), func(p Param) bool { return p.Key == key }) {
				return nil, fmt.Errorf("the model has no tensor %s", key)
			}
		}
	}
	other, err := newOf(m.Engine, m.Config, all)
	if err != nil {
		return nil, err
	}
	if err := other.lay(); err != nil {
		return nil, err
	}
	other.kind = m.kind
	other.Path, other.Names = m.Path, m.Names
	return other, nil
}
