package intr

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gointr/gointr/internal/nn"
	"github.com/gointr/gointr/internal/parallel"
)

// network is an INTR laid out for package nn: what answers on processors. It computes
// what the graph of Forward computes, one picture at a time, without gradients. The
// order in this file is that of a forward pass: backbone, encoder, decoder.
//
// n are a picture's cells, q the queries (one a class), d the transformer's width.
type network struct {
	Config
	stem       *nn.Stem
	blocks     []*block
	projection *nn.Matrix // the last feature map to width d
	columns    []float32  // learned positions: [50, d/2] of columns and of rows
	rows       []float32
	encoder    []*encoderLayer
	encoded    *nn.Norm // nil unless pre-norm
	queries    []float32
	decoder    []*decoderLayer
	decoded    *nn.Norm
	presence   []float32 // [d], and its bias
	bias       float32
}

// block is a residual block of the ResNet: two convolutions or three.
type block struct {
	stage      string
	convs      []*nn.Conv
	downsample *nn.Conv // nil where the identity fits
}

// attention is torch.nn.MultiheadAttention: query is divided by √(d/heads) already.
type attentionBlock struct {
	query, key, value, out *nn.Matrix
}

type encoderLayer struct {
	attention        attentionBlock
	linear1, linear2 *nn.Matrix
	norm1, norm2     *nn.Norm
}

type decoderLayer struct {
	self, cross         attentionBlock
	linear1, linear2    *nn.Matrix
	norm1, norm2, norm3 *nn.Norm
}

// newNetwork lays weights out. The error names the tensor that cannot be used.
func newNetwork(c Config, of source) (*network, error) {
	n := &network{Config: c}
	l := layout{of: of, params: map[string]Param{}}
	for _, p := range Params(c) {
		l.params[p.Key] = p
	}
	n.layBackbone(&l)
	n.layTransformer(&l)
	failed := make([]error, len(l.tasks))
	parallel.DoOn(maxReaders, len(l.tasks), func(next func() (int, bool)) {
		var scratch []float32
		for i, more := next(); more; i, more = next() {
			scratch, failed[i] = l.tasks[i](scratch)
		}
	})
	return n, cmp.Or(failed...)
}

// free gives the memory of a desk back.
func (s *desk) free() {
	for _, m := range []*nn.Map{&s.pooled, &s.inner, &s.outer, &s.x} {
		m.Free()
	}
	s.work.Free()
}

// free gives the memory of the weights back.
func (n *network) free() {
	n.stem.Free()
	for _, b := range n.blocks {
		for _, c := range b.convs {
			c.Free()
		}
		if b.downsample != nil {
			b.downsample.Free()
		}
	}
}

// layout reads tensors and lays them out, all side by side.
type layout struct {
	of     source
	params map[string]Param
	tasks  []func(scratch []float32) ([]float32, error)
}

// read gives some tensors to lay, later. The first is lent, the others may be kept.
func (l *layout) read(lay func(values [][]float32), keys ...string) {
	l.tasks = append(l.tasks, func(scratch []float32) ([]float32, error) {
		var all [][]float32
		for i, key := range keys {
			p, ok := l.params[key]
			if !ok {
				return scratch, fmt.Errorf("tensor %s is missing", key)
			}
			var room []float32
			if i == 0 {
				room = scratch
			}
			values, err := l.of(p, room)
			if err == nil {
				err = p.check(values)
			}
			if err != nil {
				return scratch, err
			}
			all = append(all, values)
		}
		lay(all)
		return all[0], nil
	})
}

func (l *layout) linear(to **nn.Matrix, key string, in, out int) {
	l.read(func(v [][]float32) { *to = nn.PackRows(in, out, v[0], nil, v[1]) }, key+".weight", key+".bias")
}

func (l *layout) norm(to **nn.Norm, key string) {
	l.read(func(v [][]float32) {
		*to = &nn.Norm{Scale: slices.Clone(v[0]), Bias: slices.Clone(v[1]), Epsilon: 1e-5}
	}, key+".weight", key+".bias")
}

func (l *layout) vector(to *[]float32, key string) {
	l.read(func(v [][]float32) { *to = slices.Clone(v[0]) }, key)
}

func (l *layout) attention(to *attentionBlock, key string, d, heads int) {
	scales := make([]float32, d)
	for i := range scales {
		scales[i] = float32(math.Sqrt(1 / float64(d/heads)))
	}
	l.read(func(v [][]float32) {
		part := func(third int, scale []float32) *nn.Matrix {
			bias := slices.Clone(v[1][third*d:][:d])
			for i := range scale {
				bias[i] *= scale[i]
			}
			return nn.PackRows(d, d, v[0][third*d*d:][:d*d], scale, bias)
		}
		to.query, to.key, to.value = part(0, scales), part(1, nil), part(2, nil)
	}, key+".in_proj_weight", key+".in_proj_bias")
	l.linear(&to.out, key+".out_proj", d, d)
}

// convolution gives weights [k, k, in, out] and bias of a convolution with its frozen
// BatchNorm folded in, or, of a 1×1 one, PyTorch's rows with their scales.
func (l *layout) convolution(conv, bn string, make func(p Param, weights, scale, bias []float32)) {
	l.read(func(v [][]float32) {
		scale, bias := batchNorm(v[1], v[2], v[3], v[4])
		p := l.params[conv+".weight"]
		if p.Shape[2] == 1 {
			make(p, v[0], scale, bias)
			return
		}
		make(p, folded(p, v[0], scale), nil, bias)
	}, conv+".weight", bn+".weight", bn+".bias", bn+".running_mean", bn+".running_var")
}

// batchNorm is what a frozen BatchNorm multiplies with and what it adds.
func batchNorm(weight, bias, mean, variance []float32) (scale, shift []float32) {
	scale, shift = slices.Clone(weight), slices.Clone(bias)
	for i, variance := range variance {
		scale[i] *= float32(1 / math.Sqrt(float64(variance+1e-5)))
		shift[i] -= mean[i] * scale[i]
	}
	return scale, shift
}

// folded are weights [out, in, k, k] as [k, k, in, out], times a scale [out].
func folded(p Param, values, scale []float32) []float32 {
	out, in, area := p.Shape[0], p.Shape[1], p.Shape[2]*p.Shape[3]
	columns := nn.Allocate(len(values))
	defer nn.Free(columns)
	nn.Transpose(columns, values, out, in*area)
	weights := nn.Allocate(len(values))
	for i := range in * area {
		to, from := weights[(i%area*in+i/area)*out:][:out], columns[i*out:][:out]
		for j, s := range scale {
			to[j] = from[j] * s
		}
	}
	return weights
}

func (n *network) layBackbone(l *layout) {
	const body = "backbone.0.body"
	l.convolution(body+".conv1", body+".bn1", func(p Param, weights, _, bias []float32) {
		n.stem = nn.NewStem(p.Shape[1], p.Shape[0], p.Shape[2], weights, bias)
		nn.Free(weights)
	})
	conv := func(to **nn.Conv, conv, bn string, stride, dilation int) {
		l.convolution(conv, bn, func(p Param, weights, scale, bias []float32) {
			out, in, k := p.Shape[0], p.Shape[1], p.Shape[2]
			if k == 1 {
				*to = nn.Pointwise(stride, nn.PackRows(in, out, weights, scale, bias))
			} else {
				*to = nn.NewConv(in, out, k, stride, dilation, weights, bias)
			}
		})
	}
	for stage, blocks := range n.Blocks {
		for i := range blocks {
			step, dilation := n.strides(stage, i)
			b := &block{stage: fmt.Sprintf("layer%d", stage+1), convs: make([]*nn.Conv, 2)}
			n.blocks = append(n.blocks, b)
			key := fmt.Sprintf("%s.layer%d.%d", body, stage+1, i)
			if n.Bottleneck {
				b.convs = make([]*nn.Conv, 3)
				conv(&b.convs[0], key+".conv1", key+".bn1", 1, 1)
				conv(&b.convs[1], key+".conv2", key+".bn2", step, dilation)
				conv(&b.convs[2], key+".conv3", key+".bn3", 1, 1)
			} else {
				conv(&b.convs[0], key+".conv1", key+".bn1", step, dilation)
				conv(&b.convs[1], key+".conv2", key+".bn2", 1, dilation)
			}
			if _, ok := l.params[key+".downsample.0.weight"]; ok {
				conv(&b.downsample, key+".downsample.0", key+".downsample.1", step, 1)
			}
		}
	}
}

func (n *network) layTransformer(l *layout) {
	d := n.HiddenDim
	l.linear(&n.projection, "input_proj", n.channels(n.stages()-1), d)
	if n.Positions == "learned" {
		l.vector(&n.columns, "backbone.1.col_embed.weight")
		l.vector(&n.rows, "backbone.1.row_embed.weight")
	}
	const encoder, decoder = "transformer.encoder", "transformer.decoder"
	for i := range n.EncoderLayers {
		e, key := &encoderLayer{}, fmt.Sprintf("%s.layers.%d", encoder, i)
		n.encoder = append(n.encoder, e)
		l.attention(&e.attention, key+".self_attn", d, n.Heads)
		l.linear(&e.linear1, key+".linear1", d, n.FeedForward)
		l.linear(&e.linear2, key+".linear2", n.FeedForward, d)
		l.norm(&e.norm1, key+".norm1")
		l.norm(&e.norm2, key+".norm2")
	}
	if n.PreNorm {
		l.norm(&n.encoded, encoder+".norm")
	}
	l.vector(&n.queries, "query_embed.weight")
	for i := range n.DecoderLayers {
		e, key := &decoderLayer{}, fmt.Sprintf("%s.layers.%d", decoder, i)
		n.decoder = append(n.decoder, e)
		l.attention(&e.self, key+".self_attn", d, n.Heads)
		l.attention(&e.cross, key+".multihead_attn", d, n.Heads)
		l.linear(&e.linear1, key+".linear1", d, n.FeedForward)
		l.linear(&e.linear2, key+".linear2", n.FeedForward, d)
		l.norm(&e.norm1, key+".norm1")
		l.norm(&e.norm2, key+".norm2")
		l.norm(&e.norm3, key+".norm3")
	}
	l.norm(&n.decoded, decoder+".norm")
	l.vector(&n.presence, "presence_vector.weight")
	l.read(func(v [][]float32) { n.bias = v[0][0] }, "presence_vector.bias")
}

// prepare makes ready what pictures of a size need, or some of it, where ctx ends.
func (n *network) prepare(ctx context.Context, height, width int) {
	type task struct {
		conv       *nn.Conv
		rows, cols int
	}
	var tasks []task
	rows, cols := (height+3)/4, (width+3)/4
	for _, b := range n.blocks {
		for _, c := range b.convs {
			tasks = append(tasks, task{c, rows, cols})
			rows, cols = c.Sized(rows, cols)
		}
	}
	parallel.Each(len(tasks), func(i int) { // the last are the largest
		if t := tasks[len(tasks)-1-i]; ctx.Err() == nil {
			t.conv.Prepare(t.rows, t.cols)
		}
	})
}

// desk is the room that one picture at a time is computed in.
type desk struct {
	work                        *nn.Work
	threads                     int // of the work
	pooled, inner, outer, x     nn.Map
	positions, placed, kept     []float32 // [n or q, d]
	query, key, value, attended []float32
	hidden                      []float32 // [n or q, feed-forward]
	own, encoding, asking       nn.Attention
	told                        func(stage string, m nn.Map) // for tests: what is passed on
	backbone, transformer       time.Duration                // that the last picture took
}

// room is x with room for n numbers, whatever they are.
func room(x *[]float32, n int) []float32 {
	if cap(*x) < n {
		*x = nn.Aligned(n)
	}
	return (*x)[:n]
}

// given is what a picture is computed from: its pixels, and how many rows and columns of
// its feature map may be seen (all, but of a padded batch as published).
type given struct {
	pixels     nn.Map
	rows, cols int
}

// unseen is true for the cells of a feature map that may not be seen; nil where all may.
func (g given) unseen(features nn.Map) []bool {
	if g.rows >= features.Rows && g.cols >= features.Cols {
		return nil
	}
	unseen := make([]bool, features.Rows*features.Cols)
	for i := range unseen {
		unseen[i] = i/features.Cols >= g.rows || i%features.Cols >= g.cols
	}
	return unseen
}

// taken is where results go: nil where they are not wanted.
type taken struct {
	logits    []float32   // [q]
	pooled    []float32   // [d]
	attention [][]float32 // by decoder layer: [heads, q, n]
	memory    []float32   // [n, d]
	states    [][]float32 // by decoder layer: [q, d]
}

// run computes one picture. It gives up soon after ctx ends.
func (n *network) run(ctx context.Context, s *desk, g given, to taken) error {
	s.work.Context = ctx
	start := time.Now()
	features := n.backbone(s, g.pixels)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.backbone = time.Since(start)
	unseen := g.unseen(features)
	memory := n.encode(s, features, g, unseen)
	copy(to.memory, memory)
	pooled(to.pooled, memory, features.Cols, g)
	n.decode(s, memory, unseen, to)
	s.transformer = time.Since(start) - s.backbone
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// pooled is the mean of the memory [n, d] over the picture's cells.
func pooled(to, memory []float32, cols int, g given) {
	sums := make([]float64, len(to))
	for y := range g.rows {
		for x := range g.cols {
			for k, v := range memory[(y*cols+x)*len(to):][:len(to)] {
				sums[k] += float64(v)
			}
		}
	}
	for k, sum := range sums {
		to[k] = float32(sum / float64(g.rows*g.cols))
	}
}

func (s *desk) tell(stage string, m nn.Map) {
	if s.told != nil {
		s.told(stage, m)
	}
}

// backbone is the ResNet: pixels [height, width, 3] to the last feature map.
func (n *network) backbone(s *desk, pixels nn.Map) nn.Map {
	w := s.work
	n.stem.Apply(w, &s.x, pixels)
	s.tell("stem", s.x)
	nn.MaxPool(w, &s.pooled, s.x)
	at, other := &s.pooled, &s.x
	for i, b := range n.blocks {
		identity := at
		if b.downsample != nil {
			b.downsample.Apply(w, other, *at, nn.After{})
			identity = other
		}
		b.convs[0].Apply(w, &s.inner, *at, nn.After{ReLU: true})
		last := s.inner
		if len(b.convs) == 3 {
			b.convs[1].Apply(w, &s.outer, s.inner, nn.After{ReLU: true})
			last = s.outer
		}
		b.convs[len(b.convs)-1].Apply(w, identity, last, nn.After{Residual: identity.Data, ReLU: true})
		if identity != at {
			at, other = identity, at
		}
		if i == len(n.blocks)-1 || n.blocks[i+1].stage != b.stage {
			s.tell(b.stage, *at)
		}
	}
	return *at
}

// encode is the first half of the transformer: features to the encoder's memory [n, d].
func (n *network) encode(s *desk, features nn.Map, g given, unseen []bool) []float32 {
	w, d := s.work, n.HiddenDim
	cells := features.Rows * features.Cols
	x := room(&s.kept, cells*d)
	n.projection.Times(w, x, features.Data, nn.After{})
	s.tell("projected", nn.Map{Rows: features.Rows, Cols: features.Cols, Channels: d, Data: x})
	positions := room(&s.positions, cells*d)
	n.place(positions, features.Rows, features.Cols, g)
	placed := room(&s.placed, cells*d)
	s.encoding.Heads, s.encoding.Width, s.encoding.Unseen = n.Heads, d, unseen
	for _, l := range n.encoder {
		n.residual(s, x, l.norm1, func(t []float32, after nn.After) {
			nn.Add(w, placed, t, positions)
			n.attend(s, &l.attention, &s.encoding, x, placed, placed, t, nil, after)
		})
		n.residual(s, x, l.norm2, func(t []float32, after nn.After) {
			n.feedForward(s, x, t, l.linear1, l.linear2, after)
		})
	}
	if n.encoded != nil {
		n.encoded.Apply(w, x, x)
	}
	return x
}

// residual is one step of a layer on x [·, d], in place: block puts x + f(t) into x, as
// after says, where t is x, normed before where the network is pre-norm; else x is
// normed after it.
func (n *network) residual(s *desk, x []float32, norm *nn.Norm, block func(t []float32, after nn.After)) {
	after := nn.After{Residual: x}
	if !n.PreNorm {
		block(x, after)
		norm.Apply(s.work, x, x)
		return
	}
	t := room(&s.attended, len(x))
	norm.Apply(s.work, t, x)
	block(t, after)
}

// attend is torch.nn.MultiheadAttention: to [q, d] from what asks, what is asked and
// what is told.
func (n *network) attend(s *desk, a *attentionBlock, how *nn.Attention, to, query, key, value, weights []float32,
	after nn.After) {
	w := s.work
	q, k, v := room(&s.query, len(query)), room(&s.key, len(key)), room(&s.value, len(value))
	a.query.Times(w, q, query, nn.After{})
	a.key.Times(w, k, key, nn.After{})
	a.value.Times(w, v, value, nn.After{})
	result := room(&s.hidden, len(query))
	how.Attend(w, result, q, k, v, weights)
	a.out.Times(w, to, result, after)
}

func (n *network) feedForward(s *desk, to, t []float32, linear1, linear2 *nn.Matrix, after nn.After) {
	hidden := room(&s.hidden, len(t)/n.HiddenDim*n.FeedForward)
	linear1.Times(s.work, hidden, t, nn.After{ReLU: true})
	linear2.Times(s.work, to, hidden, after)
}

// decode is the second half: every class asks the memory [n, d]. Unlike in DETR the
// memory gets no positions here.
func (n *network) decode(s *desk, memory []float32, unseen []bool, to taken) {
	w, d := s.work, n.HiddenDim
	s.own.Heads, s.own.Width = n.Heads, d
	s.asking.Heads, s.asking.Width, s.asking.Unseen = n.Heads, d, unseen
	x := room(&s.positions, n.Classes*d) // the encoder's are done with
	clear(x)
	placed := room(&s.placed, n.Classes*d)
	var state []float32
	for i, l := range n.decoder {
		n.residual(s, x, l.norm1, func(t []float32, after nn.After) {
			nn.Add(w, placed, t, n.queries)
			n.attend(s, &l.self, &s.own, x, placed, placed, t, nil, after)
		})
		n.residual(s, x, l.norm2, func(t []float32, after nn.After) {
			nn.Add(w, placed, t, n.queries)
			var weights []float32
			if to.attention != nil {
				weights = to.attention[i]
			}
			n.attend(s, &l.cross, &s.asking, x, placed, memory, memory, weights, after)
		})
		n.residual(s, x, l.norm3, func(t []float32, after nn.After) {
			n.feedForward(s, x, t, l.linear1, l.linear2, after)
		})
		state = placed
		if to.states != nil {
			state = to.states[i]
		} else if i < len(n.decoder)-1 {
			continue
		}
		n.decoded.Apply(w, state, x)
	}
	for class := range to.logits {
		sum := n.bias
		for i, v := range state[class*d:][:d] {
			sum += v * n.presence[i]
		}
		to.logits[class] = sum
	}
}

// place gives every cell its position [rows, cols, d], as net.positions does.
func (n *network) place(to []float32, rows, cols int, g given) {
	d := n.HiddenDim
	half := d / 2
	if n.Positions == "learned" {
		for cell := range rows * cols {
			copy(to[cell*d:], n.columns[cell%cols*half:][:half])
			copy(to[cell*d+half:], n.rows[cell/cols*half:][:half])
		}
		return
	}
	waves := func(i, seen int) []float32 { // of place i, from 1, of those that are seen; 0 where none is
		place := float32(i) / (float32(seen) + 1e-6) * (2 * math.Pi)
		wave := make([]float32, half)
		for k := 0; k < half; k += 2 {
			angle := float64(place / float32(math.Pow(10000, float64(float32(k)/float32(half)))))
			wave[k], wave[k+1] = float32(math.Sin(angle)), float32(math.Cos(angle))
		}
		return wave
	}
	down, across := make([][]float32, rows), make([][]float32, cols)
	for y := range down {
		down[y] = waves(min(y+1, g.rows), g.rows)
	}
	for x := range across {
		across[x] = waves(min(x+1, g.cols), g.cols)
	}
	nowhere := waves(0, 0)
	for y := range rows {
		for x := range cols {
			first, second := down[y], across[x]
			if x >= g.cols {
				first = nowhere
			}
			if y >= g.rows {
				second = nowhere
			}
			copy(to[(y*cols+x)*d:], first)
			copy(to[(y*cols+x)*d+half:], second)
		}
	}
}
