package intr

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/gointr/gointr/internal/nn"
	"github.com/gointr/gointr/internal/parallel"
)

// Learner computes the gradients of a model's weights on processors, one picture at a
// time: what the gradient of ForwardTraining's graph is, of frozen BatchNorm and in
// float32. It serves one goroutine at a time.
//
// A picture's way there is that of network.go; the way back stands below each step of
// it. What the way back needs stays in the steps.
type Learner struct {
	Config
	model     *Model
	gradients map[string][]float32 // of what is trained, in our layout; nil for others

	work  *nn.Work
	lay   []func() // lays weights out that may have changed
	frees []func()
	from  reach
	first int // of blocks: the first that something is trained in

	stem        *convolution
	patterns    *nn.Stem
	seen        nn.Map // the stem's result
	pooled      nn.Map
	blocks      []*learning
	passing     [2]nn.Map // what blocks give of which no gradient is asked for
	inner       nn.Map
	outer       nn.Map
	slopes      [2]nn.Map // gradients of what blocks are given
	slopesInner nn.Map
	slopesOuter nn.Map

	projection *dense
	places     network // for its positions
	encoder    []*learningLayer
	encoded    *normed
	queries    []float32
	decoder    []*learningLayer
	decoded    *normed
	presence   *dense
	dropout    dropping
	cells      []uint32 // their numbers for dropout

	positions, projected, memory, nothing, state []float32
	// gradients on the way back
	gradient, dropped, given, asked, hidden, memorySlopes, placeSlopes []float32
	rooms                                                              [4][]float32
}

// reach is how far back gradients are asked for.
type reach int

const (
	fromDecoder reach = iota
	fromEncoder
	fromProjection
	fromBackbone
	fromStem
)

// convolution is a convolution of the backbone with its BatchNorm, as training has it.
type convolution struct {
	conv, bn string
	frozen   *nn.Conv
	trained  *nn.Trained
	scale    []float32 // of BatchNorm, which is frozen
	bias     []float32
	gradient []float32 // nil where it is not trained
}

// learning is a residual block.
type learning struct {
	convs        []*convolution
	downsample   *convolution
	x            nn.Map // what it was given
	inner, outer *nn.Map
	out          *nn.Map
	rooms        [3]nn.Map
}

// dense is a linear layer, or a third of one.
type dense struct {
	in, out, stride int
	*nn.Trained
	weightGradient, biasGradient []float32
}

// normed is a LayerNorm.
type normed struct {
	nn.Norm
	scale, bias []float32 // gradients
	x           []float32 // what it was given
}

// attending is an attention.
type attending struct {
	query, key, value, out *dense
	how                    nn.TrainedAttention
	asks                   []float32 // what queries are made of
	q, k, v, attended      []float32
}

// learningLayer is a layer of the transformer: steps of attention, one or two, and the
// feed-forward block.
type learningLayer struct {
	self, cross      *attending
	linear1, linear2 *dense
	hidden           []float32
	steps            []*learningStep
}

// learningStep is a block and what adds its result to what it was given.
type learningStep struct {
	norm     *normed
	t        []float32 // what the block was given
	out, sum []float32
	dropout  uint32 // its number
}

// NewLearner prepares the gradients of tensors, by their PyTorch keys. BatchNorm's are
// none of them.
func (m *Model) NewLearner(keys []string) (*Learner, error) {
	if err := m.build(); err != nil {
		return nil, err
	}
	l := &Learner{Config: m.Config, model: m, gradients: map[string][]float32{}, work: nn.NewWork(0)}
	for _, p := range Params(m.Config) {
		for _, key := range keys {
			if key == p.Key {
				g := nn.Allocate(p.Len())
				l.gradients[key] = g
				l.frees = append(l.frees, func() { nn.Free(g) })
			}
		}
	}
	l.extent()
	l.layBackbone()
	l.layTransformer()
	for _, m := range []*nn.Map{&l.seen, &l.pooled, &l.passing[0], &l.passing[1], &l.inner, &l.outer, &l.slopes[0],
		&l.slopes[1], &l.slopesInner, &l.slopesOuter} {
		l.frees = append(l.frees, m.Free)
	}
	l.frees = append(l.frees, l.work.Free)
	if err := l.Changed(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Gradient is that of a tensor, added up since Clear, in the shape of its variable.
func (l *Learner) Gradient(key string) []float32 { return l.gradients[key] }

// Clear sets all gradients to zero.
func (l *Learner) Clear() {
	for _, g := range l.gradients {
		clear(g)
	}
}

// Close gives the learner's memory back.
func (l *Learner) Close() {
	for _, free := range l.frees {
		free()
	}
}

// Changed is to be called when the weights have changed.
func (l *Learner) Changed() error {
	failed := make([]error, len(l.lay))
	parallel.Each(len(l.lay), func(i int) {
		defer func() {
			if r := recover(); r != nil {
				failed[i] = fmt.Errorf("weights cannot be laid out: %v", r)
			}
		}()
		l.lay[i]()
	})
	return cmp.Or(failed...)
}

// values are the numbers of a variable, as they are now.
func (l *Learner) values(key string) (values []float32) {
	v := l.model.store.GetVariable(Path(key))
	if v == nil {
		panic("there is no tensor " + key)
	}
	t, err := v.Value()
	if err == nil {
		err = t.ConstFlatData(func(flat any) { values = flat.([]float32) })
	}
	if err != nil {
		panic(err)
	}
	return values
}

// extent finds out how far back gradients go.
func (l *Learner) extent() {
	l.first = math.MaxInt
	at := 0
	for stage, blocks := range l.Blocks {
		for i := range blocks {
			for key := range l.gradients {
				if strings.HasPrefix(key, fmt.Sprintf("backbone.0.body.layer%d.%d.", stage+1, i)) {
					l.first = min(l.first, at)
				}
			}
			at++
		}
	}
	for key := range l.gradients {
		part := fromDecoder
		switch {
		case strings.HasPrefix(key, "backbone.0.body.conv1."):
			part = fromStem
			l.first = 0
		case strings.HasPrefix(key, "backbone.0."):
			part = fromBackbone
		case strings.HasPrefix(key, "input_proj."):
			part = fromProjection
		case strings.HasPrefix(key, "backbone.1."), strings.HasPrefix(key, "transformer.encoder."):
			part = fromEncoder
		}
		l.from = max(l.from, part)
	}
}

func (l *Learner) layBackbone() {
	const body = "backbone.0.body"
	params := map[string]Param{}
	for _, p := range Params(l.Config) {
		params[p.Key] = p
	}
	l.stem = &convolution{conv: body + ".conv1", bn: body + ".bn1", gradient: l.gradients[body+".conv1.weight"]}
	stem := params[body+".conv1.weight"].Shape
	if l.from == fromStem {
		l.stem.trained = nn.NewTrained(stem[1], stem[0], stem[2], 2, 1)
		l.frees = append(l.frees, l.stem.trained.Free)
	}
	l.frees = append(l.frees, func() {
		if l.patterns != nil {
			l.patterns.Free()
		}
	})
	l.lay = append(l.lay, func() {
		if !l.stale(l.stem) {
			return
		}
		if l.patterns != nil {
			l.patterns.Free()
		}
		weights := l.folded(l.stem)
		l.patterns = nn.NewStem(stem[1], stem[0], stem[2], weights, l.stem.bias)
		nn.Free(weights)
	})
	at := 0
	for stage, blocks := range l.Blocks {
		for i := range blocks {
			step, dilation := l.strides(stage, i)
			key := fmt.Sprintf("%s.layer%d.%d", body, stage+1, i)
			learns := at >= l.first
			add := func(conv, bn string, stride, dilation int) *convolution {
				c := &convolution{conv: key + conv, bn: key + bn, gradient: l.gradients[key+conv+".weight"]}
				shape := params[c.conv+".weight"].Shape
				out, in, k := shape[0], shape[1], shape[2]
				if learns {
					c.trained = nn.NewTrained(in, out, k, stride, dilation)
				}
				l.frees = append(l.frees, func() { c.free() })
				l.lay = append(l.lay, func() { l.layConvolution(c, in, out, k, stride, dilation) })
				return c
			}
			b := &learning{}
			if l.Bottleneck {
				b.convs = append(b.convs, add(".conv1", ".bn1", 1, 1), add(".conv2", ".bn2", step, dilation),
					add(".conv3", ".bn3", 1, 1))
			} else {
				b.convs = append(b.convs, add(".conv1", ".bn1", step, dilation), add(".conv2", ".bn2", 1, dilation))
			}
			if _, ok := params[key+".downsample.0.weight"]; ok {
				b.downsample = add(".downsample.0", ".downsample.1", step, 1)
			}
			b.inner, b.outer, b.out = &l.inner, &l.outer, &l.passing[at%2]
			if learns {
				b.inner, b.outer, b.out = &b.rooms[0], &b.rooms[1], &b.rooms[2]
				l.frees = append(l.frees, b.inner.Free, b.outer.Free, b.out.Free)
			}
			l.blocks = append(l.blocks, b)
			at++
		}
	}
	l.first = min(l.first, at)
}

func (c *convolution) free() {
	if c.frozen != nil {
		c.frozen.Free()
	}
	if c.trained != nil {
		c.trained.Free()
	}
}

// folded are the weights of a convolution, times those of BatchNorm.
func (l *Learner) folded(c *convolution) []float32 {
	values := l.values(c.conv + ".weight")
	weights := nn.Allocate(len(values))
	for i := 0; i < len(values); i += len(c.scale) {
		to, from := weights[i:][:len(c.scale)], values[i:]
		for k, s := range c.scale {
			to[k] = from[k] * s
		}
	}
	return weights
}

// stale says whether a convolution is to be laid out: at first, when it reads its
// BatchNorm, and where its weights change.
func (l *Learner) stale(c *convolution) bool {
	if c.scale != nil {
		return c.gradient != nil
	}
	c.scale, c.bias = batchNorm(l.values(c.bn+".weight"), l.values(c.bn+".bias"), l.values(c.bn+".running_mean"),
		l.values(c.bn+".running_var"))
	return true
}

func (l *Learner) layConvolution(c *convolution, in, out, k, stride, dilation int) {
	switch {
	case !l.stale(c):
	case c.trained != nil:
		c.trained.Set(l.values(c.conv+".weight"), out, c.scale, c.bias)
	case k > 1:
		c.frozen = nn.NewConv(in, out, k, stride, dilation, l.folded(c), c.bias)
	default:
		weights := l.folded(c)
		c.frozen = nn.Pointwise(stride, nn.Pack(in, out, weights, c.bias))
		nn.Free(weights)
	}
}

func (l *Learner) dense(key string, in, out int) *dense {
	return l.part(key+".weight", key+".bias", in, out, 0, 1)
}

// part is one of several linear layers that lie side by side.
func (l *Learner) part(weight, bias string, in, out, part, of int) *dense {
	d := &dense{in: in, out: out, stride: of * out, Trained: nn.NewTrained(in, out, 1, 1, 1)}
	l.frees = append(l.frees, d.Free)
	if g := l.gradients[weight]; g != nil {
		d.weightGradient = g[part*out:]
	}
	if g := l.gradients[bias]; g != nil {
		d.biasGradient = g[part*out:][:out]
	}
	laid := false
	l.lay = append(l.lay, func() {
		if !laid || d.weightGradient != nil || d.biasGradient != nil {
			d.Set(l.values(weight)[part*out:], d.stride, nil, l.values(bias)[part*out:][:out])
		}
		laid = true
	})
	return d
}

func (l *Learner) normed(key string) *normed {
	n := &normed{scale: l.gradients[key+".weight"], bias: l.gradients[key+".bias"]}
	l.lay = append(l.lay, func() {
		n.Norm = nn.Norm{Scale: l.values(key + ".weight"), Bias: l.values(key + ".bias"), Epsilon: 1e-5}
	})
	return n
}

func (l *Learner) attending(key string) *attending {
	part := func(i int) *dense {
		return l.part(key+".in_proj_weight", key+".in_proj_bias", l.HiddenDim, l.HiddenDim, i, 3)
	}
	return &attending{query: part(0), key: part(1), value: part(2),
		out: l.dense(key+".out_proj", l.HiddenDim, l.HiddenDim),
		how: nn.TrainedAttention{Heads: l.Heads, Width: l.HiddenDim}}
}

func (l *Learner) layTransformer() {
	d := l.HiddenDim
	l.projection = l.dense("input_proj", l.channels(l.stages()-1), d)
	l.places.Config = l.Config
	if l.Positions == "learned" {
		l.lay = append(l.lay, func() {
			l.places.columns = l.values("backbone.1.col_embed.weight")
			l.places.rows = l.values("backbone.1.row_embed.weight")
		})
	}
	layer := func(key string, decoder bool) *learningLayer {
		e := &learningLayer{self: l.attending(key + ".self_attn"), linear1: l.dense(key+".linear1", d, l.FeedForward),
			linear2: l.dense(key+".linear2", l.FeedForward, d)}
		e.steps = []*learningStep{{norm: l.normed(key + ".norm1")}, {norm: l.normed(key + ".norm2")}}
		if decoder {
			e.cross = l.attending(key + ".multihead_attn")
			e.steps = append(e.steps, &learningStep{norm: l.normed(key + ".norm3")})
		}
		return e
	}
	const encoder, decoder = "transformer.encoder", "transformer.decoder"
	for i := range l.EncoderLayers {
		l.encoder = append(l.encoder, layer(fmt.Sprintf("%s.layers.%d", encoder, i), false))
	}
	if l.PreNorm {
		l.encoded = l.normed(encoder + ".norm")
	}
	l.lay = append(l.lay, func() { l.queries = l.values("query_embed.weight") })
	for i := range l.DecoderLayers {
		l.decoder = append(l.decoder, layer(fmt.Sprintf("%s.layers.%d", decoder, i), true))
	}
	l.decoded = l.normed(decoder + ".norm")
	l.presence = l.dense("presence_vector", d, 1)
}

// Learn adds the gradients of picture i of a batch, answered on its canvas as
// published: slopes is given its logits [q], which it may keep, and gives the loss's
// gradient of these. dropout and key are those of Training.
func (l *Learner) Learn(b *Batch, i int, dropout float64, key [2]uint32, slopes func(logits []float32) []float32) {
	g := b.picture(i, l.Stride())
	d := &l.dropout
	d.part, d.first, d.picture = dropout, scrambled(key[0]), uint32(i)
	second := scrambled(key[1])
	d.places = along(d.places, second, nil, max(l.HiddenDim, l.FeedForward, l.Classes))
	l.number(g)
	d.cells = along(d.cells, second, l.cells, len(l.cells))
	features, logits := l.forward(g)
	l.backDecode(slopes(logits))
	if l.from == fromDecoder {
		return
	}
	l.backEncode(features)
	if l.from >= fromBackbone {
		l.backBackbone(g.pixels)
	}
}

// Logits [q] are those of picture i of a batch, without dropout.
func (l *Learner) Logits(b *Batch, i int) []float32 {
	g := b.picture(i, l.Stride())
	l.dropout.part = 0
	l.number(g)
	_, logits := l.forward(g)
	return logits
}

// number gives the cells their numbers.
func (l *Learner) number(g given) {
	l.cells = l.cells[:0]
	for row := range cellsOf(g.pixels.Rows, l.Stride()) {
		for col := range cellsOf(g.pixels.Cols, l.Stride()) {
			l.cells = append(l.cells, uint32(row*widest+col))
		}
	}
}

func (l *Learner) forward(g given) (features nn.Map, logits []float32) {
	features = l.backbone(g.pixels)
	unseen := g.unseen(features)
	l.dropout.count = 0
	l.encode(features, g, unseen)
	return features, l.decode(unseen)
}

func (c *convolution) apply(w *nn.Work, to *nn.Map, x nn.Map, after nn.After) {
	if c.trained != nil {
		c.trained.Apply(w, to, x, after)
	} else {
		c.frozen.Apply(w, to, x, after)
	}
}

// back adds the gradient of the weights and, with to, gives that of what was convolved.
func (c *convolution) back(w *nn.Work, to *nn.Map, x, gradient nn.Map, add bool) {
	if c.gradient != nil {
		c.trained.Weights(w, c.gradient, c.trained.Out, c.scale, x, gradient)
	}
	if to != nil {
		to.Resize(x.Rows, x.Cols, x.Channels)
		c.trained.Inputs(w, *to, gradient, add)
	}
}

func (l *Learner) backbone(pixels nn.Map) nn.Map {
	w := l.work
	l.patterns.Apply(w, &l.seen, pixels)
	nn.MaxPool(w, &l.pooled, l.seen)
	x := l.pooled
	for _, b := range l.blocks {
		b.x = x
		residual := x.Data
		if b.downsample != nil {
			b.downsample.apply(w, b.out, x, nn.After{})
			residual = b.out.Data
		}
		b.convs[0].apply(w, b.inner, x, nn.After{ReLU: true})
		last := *b.inner
		if len(b.convs) == 3 {
			b.convs[1].apply(w, b.outer, last, nn.After{ReLU: true})
			last = *b.outer
		}
		b.convs[len(b.convs)-1].apply(w, b.out, last, nn.After{Residual: residual, ReLU: true})
		x = *b.out
	}
	return x
}

// backBackbone goes on with l.slopes[0], the gradient of the features.
func (l *Learner) backBackbone(pixels nn.Map) {
	w := l.work
	at, other := &l.slopes[0], &l.slopes[1]
	for i := len(l.blocks) - 1; i >= l.first; i-- {
		b := l.blocks[i]
		nn.Rectified(w, at.Data, b.out.Data)
		last := *at
		if len(b.convs) == 3 {
			b.convs[2].back(w, &l.slopesOuter, *b.outer, last, false)
			nn.Rectified(w, l.slopesOuter.Data, b.outer.Data)
			last = l.slopesOuter
		}
		b.convs[1].back(w, &l.slopesInner, *b.inner, last, false)
		nn.Rectified(w, l.slopesInner.Data, b.inner.Data)
		var to *nn.Map
		if i > l.first || l.from == fromStem {
			to = at
		}
		if b.downsample != nil {
			if to != nil {
				to = other
			}
			b.downsample.back(w, to, b.x, *at, false)
			at, other = other, at
		}
		b.convs[0].back(w, to, b.x, l.slopesInner, true)
	}
	if l.from == fromStem {
		other.Resize(l.seen.Rows, l.seen.Cols, l.seen.Channels)
		nn.MaxPooled(w, *other, l.seen, l.pooled, *at)
		nn.Rectified(w, other.Data, l.seen.Data)
		l.stem.trained.Weights(w, l.stem.gradient, other.Channels, l.stem.scale, pixels, *other)
	}
}

func (l *Learner) encode(features nn.Map, g given, unseen []bool) {
	w, cells := l.work, features.Rows*features.Cols
	x := sized(&l.projected, cells*l.HiddenDim)
	l.projection.Times(w, x, features.Data, nn.After{})
	positions := sized(&l.positions, len(x))
	l.places.place(positions, features.Rows, features.Cols, g)
	for _, e := range l.encoder {
		x = l.step(e.steps[0], x, l.cells, func(to, t []float32) {
			asks := sized(&e.self.asks, len(t))
			nn.Add(w, asks, t, positions)
			e.self.how.Unseen = unseen
			l.attend(e.self, to, asks, asks, t, l.cells, l.dropout.cells)
		})
		x = l.step(e.steps[1], x, l.cells, func(to, t []float32) { l.feedForward(e, to, t, l.cells) })
	}
	if l.encoded != nil {
		x = l.encoded.apply(w, &l.memory, x)
	}
	l.memory = x
}

// backEncode goes on with l.memorySlopes, the gradient of the memory.
func (l *Learner) backEncode(features nn.Map) {
	w, g := l.work, l.memorySlopes
	if l.encoded != nil {
		l.encoded.Gradient(w, g, l.encoded.x, g, l.encoded.scale, l.encoded.bias)
	}
	placed := sized(&l.placeSlopes, len(g))
	clear(placed)
	for i := len(l.encoder) - 1; i >= 0; i-- {
		e := l.encoder[i]
		l.backStep(e.steps[1], g, l.cells, func(to, t, g []float32) { l.backFeedForward(e, to, t, g) })
		l.backStep(e.steps[0], g, l.cells, func(to, t, g []float32) {
			asks := sized(&l.asked, len(t))
			l.backAttend(e.self, g, asks, asks, to, e.self.asks, t)
			nn.Add(w, to, to, asks)
			nn.Add(w, placed, placed, asks)
		})
	}
	half := l.HiddenDim / 2
	for i, key := range []string{"backbone.1.col_embed.weight", "backbone.1.row_embed.weight"} {
		if to := l.gradients[key]; to != nil {
			for cell := range features.Rows * features.Cols {
				place := [2]int{cell % features.Cols, cell / features.Cols}[i]
				nn.Sum(w, to[place*half:][:half], placed[cell*l.HiddenDim+i*half:][:half])
			}
		}
	}
	if l.from < fromProjection {
		return
	}
	var to []float32
	if l.from >= fromBackbone {
		l.slopes[0].Resize(features.Rows, features.Cols, features.Channels)
		to = l.slopes[0].Data
	}
	l.projection.back(w, to, features.Data, g, false)
}

func (l *Learner) decode(unseen []bool) []float32 {
	w := l.work
	x := sized(&l.nothing, l.Classes*l.HiddenDim)
	for _, e := range l.decoder {
		x = l.step(e.steps[0], x, nil, func(to, t []float32) {
			asks := sized(&e.self.asks, len(t))
			nn.Add(w, asks, t, l.queries)
			l.attend(e.self, to, asks, asks, t, nil, l.dropout.places)
		})
		x = l.step(e.steps[1], x, nil, func(to, t []float32) {
			asks := sized(&e.cross.asks, len(t))
			nn.Add(w, asks, t, l.queries)
			e.cross.how.Unseen = unseen
			l.attend(e.cross, to, asks, l.memory, l.memory, nil, l.dropout.cells)
		})
		x = l.step(e.steps[2], x, nil, func(to, t []float32) { l.feedForward(e, to, t, nil) })
	}
	state := l.decoded.apply(w, &l.state, x)
	logits := make([]float32, l.Classes)
	l.presence.Times(w, logits, state, nn.After{})
	return logits
}

// backDecode begins the way back with the gradient of the logits.
func (l *Learner) backDecode(slopes []float32) {
	w := l.work
	g := sized(&l.gradient, len(l.state))
	l.presence.back(w, g, l.state, slopes, false)
	l.decoded.Gradient(w, g, l.decoded.x, g, l.decoded.scale, l.decoded.bias)
	memory := sized(&l.memorySlopes, len(l.memory))
	clear(memory)
	if l.from == fromDecoder {
		memory = nil
	}
	ask := func(asks []float32) {
		if to := l.gradients["query_embed.weight"]; to != nil {
			nn.Add(w, to, to, asks)
		}
	}
	for i := len(l.decoder) - 1; i >= 0; i-- {
		e := l.decoder[i]
		l.backStep(e.steps[2], g, nil, func(to, t, g []float32) { l.backFeedForward(e, to, t, g) })
		l.backStep(e.steps[1], g, nil, func(to, t, g []float32) {
			asks := sized(&l.asked, len(t))
			l.backAttend(e.cross, g, asks, memory, memory, l.memory, l.memory)
			nn.Add(w, to, to, asks)
			ask(asks)
		})
		l.backStep(e.steps[0], g, nil, func(to, t, g []float32) {
			asks := sized(&l.asked, len(t))
			l.backAttend(e.self, g, asks, asks, to, e.self.asks, t)
			nn.Add(w, to, to, asks)
			ask(asks)
		})
	}
}

// step is x + drop(block(x)), normed before the block or after all. tokens are the
// numbers of x's rows; nil counts them.
func (l *Learner) step(s *learningStep, x []float32, tokens []uint32, block func(to, t []float32)) []float32 {
	w := l.work
	out := sized(&s.out, len(x))
	s.t = x
	if l.PreNorm {
		s.t = s.norm.apply(w, &s.sum, x)
	}
	block(out, s.t)
	s.dropout = l.dropout.next()
	l.drop(s.dropout, out, l.HiddenDim, tokens)
	nn.Add(w, out, out, x)
	if l.PreNorm {
		return out
	}
	return s.norm.apply(w, &s.sum, out)
}

// backStep turns g, the gradient of a step's result, into that of x, which it was
// given. block adds the gradient of t, which the block was given, to to.
func (l *Learner) backStep(s *learningStep, g []float32, tokens []uint32, block func(to, t, g []float32)) {
	if !l.PreNorm {
		s.norm.Gradient(l.work, g, s.norm.x, g, s.norm.scale, s.norm.bias)
	}
	dropped := sized(&l.dropped, len(g))
	copy(dropped, g)
	l.drop(s.dropout, dropped, l.HiddenDim, tokens)
	if !l.PreNorm {
		block(g, s.t, dropped)
		return
	}
	to := sized(&l.given, len(g))
	clear(to)
	block(to, s.t, dropped)
	s.norm.Gradient(l.work, to, s.norm.x, to, s.norm.scale, s.norm.bias)
	nn.Add(l.work, g, g, to)
}

// apply keeps x.
func (n *normed) apply(w *nn.Work, to *[]float32, x []float32) []float32 {
	n.x = x
	result := room(to, len(x))
	n.Apply(w, result, x)
	return result
}

// attend is torch.nn.MultiheadAttention; for dropout, tokens are the numbers of what
// asks, and places the hashes of those of what is asked.
func (l *Learner) attend(a *attending, to, asks, keys, values []float32, tokens, places []uint32) {
	w := l.work
	q, k, v := sized(&a.q, len(asks)), sized(&a.k, len(keys)), sized(&a.v, len(values))
	a.query.Times(w, q, asks, nn.After{})
	l.scale(q)
	a.key.Times(w, k, keys, nn.After{})
	a.value.Times(w, v, values, nn.After{})
	var drop func(head, query int, x []float32)
	if dropout := l.dropout.next(); l.dropout.part > 0 {
		drop = func(head, query int, x []float32) {
			l.dropout.row(x, scrambled(l.dropout.base(dropout)^uint32(head)), query, tokens, places)
		}
	}
	attended := sized(&a.attended, len(asks))
	a.how.Attend(w, attended, q, k, v, drop)
	a.out.Times(w, to, attended, nn.After{})
}

// scale divides queries, or their gradient, by √(d/heads).
func (l *Learner) scale(q []float32) {
	nn.Scale(l.work, q, float32(math.Sqrt(1/float64(l.HiddenDim/l.Heads))))
}

// backAttend gives the gradient of what asks, and adds those of keys and values to
// toKeys and toValues, where these are not nil: g is that of the result.
func (l *Learner) backAttend(a *attending, g, toAsks, toKeys, toValues, keys, values []float32) {
	w := l.work
	attended := sized(&l.rooms[0], len(a.attended))
	q, k, v := sized(&l.rooms[1], len(a.q)), sized(&l.rooms[2], len(a.k)), sized(&l.rooms[3], len(a.v))
	a.out.back(w, attended, a.attended, g, false)
	a.how.Gradient(w, q, k, v, a.q, a.k, a.v, attended)
	l.scale(q)
	a.query.back(w, toAsks, a.asks, q, false)
	a.key.back(w, toKeys, keys, k, true)
	a.value.back(w, toValues, values, v, true)
}

func (l *Learner) feedForward(e *learningLayer, to, t []float32, tokens []uint32) {
	hidden := sized(&e.hidden, len(t)/l.HiddenDim*l.FeedForward)
	e.linear1.Times(l.work, hidden, t, nn.After{ReLU: true})
	l.drop(l.dropout.next(), hidden, l.FeedForward, tokens)
	e.linear2.Times(l.work, to, hidden, nn.After{})
}

func (l *Learner) backFeedForward(e *learningLayer, to, t, g []float32) {
	hidden := sized(&l.hidden, len(e.hidden))
	e.linear2.back(l.work, hidden, e.hidden, g, false)
	nn.Rectified(l.work, hidden, e.hidden) // what dropout left out is 0, too
	if l.dropout.part > 0 {
		nn.Scale(l.work, hidden, l.dropout.kept())
	}
	e.linear1.back(l.work, to, t, hidden, true)
}

// back adds the gradients of weights and bias and, with to, gives that of x [n, in],
// or adds it to what to holds.
func (d *dense) back(w *nn.Work, to, x, g []float32, add bool) {
	n := len(g) / d.out
	result := nn.Map{Rows: n, Cols: 1, Channels: d.out, Data: g}
	if d.weightGradient != nil {
		d.Weights(w, d.weightGradient, d.stride, nil, nn.Map{Rows: n, Cols: 1, Channels: d.in, Data: x}, result)
	}
	if d.biasGradient != nil {
		nn.Sum(w, d.biasGradient, g)
	}
	if to != nil {
		d.Inputs(w, nn.Map{Rows: n, Cols: 1, Channels: d.in, Data: to}, result, add)
	}
}

// dropping is dropout as dropout.go has it in graphs.
type dropping struct {
	part    float64 // that is left out
	first   uint32  // of the key
	picture uint32
	count   uint32
	// hashes of the numbers of places along the last axis: from 0, and of cells
	places, cells []uint32
}

// along gives the hashes of numbers; nil counts n of them.
func along(to []uint32, second uint32, numbers []uint32, n int) []uint32 {
	to = to[:0]
	for i := range n {
		number := uint32(i)
		if numbers != nil {
			number = numbers[i]
		}
		to = append(to, scrambled(second^number))
	}
	return to
}

// next is the number of the next dropout of the network.
func (d *dropping) next() uint32 {
	d.count++
	return d.count
}

// kept is what numbers that are left are multiplied with.
func (d *dropping) kept() float32 { return float32(1 / (1 - d.part)) }

func (d *dropping) base(dropout uint32) uint32 {
	return scrambled(scrambled(d.first^dropout) ^ d.picture)
}

// row leaves out numbers of one row, whose hash is base but for its token.
func (d *dropping) row(x []float32, base uint32, row int, tokens, places []uint32) {
	token := uint32(row)
	if tokens != nil {
		token = tokens[row]
	}
	base = scrambled(base ^ token)
	limit, kept := uint32(min(d.part*(1<<32), math.MaxUint32)), d.kept()
	for i, place := range places[:len(x)] { // without a branch, which nobody can foretell
		left := uint32((int64(scrambled(base^place)) - int64(limit)) >> 63) // all ones where it is left out
		x[i] = math.Float32frombits(math.Float32bits(x[i]*kept) &^ left)
	}
}

// drop leaves out numbers of rows of width.
func (l *Learner) drop(dropout uint32, x []float32, width int, tokens []uint32) {
	if l.dropout.part == 0 {
		return
	}
	const some = 32
	rows, base := len(x)/width, l.dropout.base(dropout)
	parallel.Each((rows+some-1)/some, func(i int) {
		for row := i * some; row < min(rows, (i+1)*some); row++ {
			l.dropout.row(x[row*width:][:width], base, row, tokens, l.dropout.places)
		}
	})
}

// sized gives x the length n, with whatever numbers.
func sized(x *[]float32, n int) []float32 {
	*x = room(x, n)
	return *x
}

// scrambled is scramble of a number.
func scrambled(x uint32) uint32 {
	x = (x ^ x>>16) * 0x85ebca6b
	x = (x ^ x>>13) * 0xc2b2ae35
	return x ^ x>>16
}
