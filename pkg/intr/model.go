// Package intr is INTR (Paul et al., ICLR 2024, "A Simple Interpretable
// Transformer for Fine-Grained Image Classification and Analysis"): a DETR in
// which every class is a query, so that the query's cross-attention shows where
// the class found itself in the picture.
//
//	m, err := intr.Open("cub", intr.ClassFile("classes.txt"))
//	bird, err := m.Explain("bunting.jpg")
//	fmt.Println(bird.Best().Name)
//
// Two levels: Open, Predict and Explain for who wants answers; Forward, with
// every intermediate named, for who builds graphs of their own.
//
// Arrays are float32 with channels last. PyTorch's layouts end in params.go.
package intr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Model is one checkpoint on one engine, ready to answer. Its methods may be
// called from several goroutines; the engine takes one batch at a time.
type Model struct {
	Config Config
	Path   string   // of the checkpoint
	Names  []string // of the classes, by index; nil when none were given
	Engine *backend.Engine

	store *model.Store
	run   sync.Mutex
	exec  map[want]*model.Exec
}

// want says which results a graph gives: a graph that need not hand out 32 MB
// of attention is the faster one.
type want struct{ attention, exact bool }

type options struct {
	engine    string
	classFile string
	names     []string
	progress  io.Writer
	ctx       context.Context
}

// Option is a choice for Open.
type Option func(*options)

// Backend chooses the engine: "auto" (the default), "xla", "cuda" or "go".
func Backend(kind string) Option { return func(o *options) { o.engine = kind } }

// ClassFile names the classes from a file: CUB's classes.txt, a name a line, or JSON.
func ClassFile(path string) Option { return func(o *options) { o.classFile = path } }

// ClassNames names the classes, by index.
func ClassNames(names []string) Option { return func(o *options) { o.names = names } }

// Progress is where a download tells how far it is; nothing is said without it.
func Progress(w io.Writer) Option { return func(o *options) { o.progress = w } }

// Context ends a download early.
func Context(ctx context.Context) Option { return func(o *options) { o.ctx = ctx } }

// Open loads a checkpoint: a path to a .pth or .safetensors file, the name of a
// published one ("cub", "bird", "butterfly") or "hf:OWNER/REPO/FILE". Errors are
// one sentence that names the file and, where one is wrong, the tensor.
func Open(checkpoint string, opts ...Option) (*Model, error) {
	o := options{ctx: context.Background()}
	for _, opt := range opts {
		opt(&o)
	}
	if o.classFile != "" {
		names, err := datasets.ReadClasses(o.classFile)
		if err != nil {
			return nil, err
		}
		o.names = names
	}
	path, err := hub.Find(o.ctx, checkpoint, o.progress)
	if err != nil {
		return nil, err
	}
	file, err := torchfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	state, config, err := Inspect(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	if o.names != nil && len(o.names) != config.Classes {
		from := "the list of class names"
		if o.classFile != "" {
			from = o.classFile
		}
		return nil, fmt.Errorf("%s has %d names, but %s has %d classes: give the class file that belongs to this checkpoint", from, len(o.names), path, config.Classes)
	}
	engine, err := backend.Open(o.engine)
	if err != nil {
		return nil, err
	}
	store, err := load(engine.Backend, config, state)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return &Model{Config: config, Path: path, Names: o.names, Engine: engine, store: store, exec: map[want]*model.Exec{}}, nil
}

// Inspect finds the model in an open checkpoint: its tensors by PyTorch key and
// the architecture they have. The tensors live as long as the file is open.
func Inspect(file *torchfile.File) (map[string]*torchfile.Tensor, Config, error) {
	state := stateOf(file)
	if state == nil {
		return nil, Config{}, errors.New("it holds no INTR: there are no class queries (query_embed.weight) in it")
	}
	config, err := configOf(state, argsOf(file))
	return state, config, err
}

// Close gives the model's memory back. The model must not be used afterwards.
func (m *Model) Close() {
	m.run.Lock()
	defer m.run.Unlock()
	for _, e := range m.exec {
		e.Finalize()
	}
	m.store.Finalize()
}

// Nodes are the results of Forward, and what was passed on the way.
// b pictures, q classes, d the transformer's width.
type Nodes struct {
	Stages    map[string]*Node // "stem", "layer1" … "layer4" of the ResNet: [b, rows, cols, channels]
	Projected *Node            // the feature map at the transformer's width: [b, rows, cols, d]
	Memory    *Node            // what the encoder makes of it: [b, rows, cols, d]
	States    []*Node          // of every decoder layer, normed: [b, q, d]
	Attention []*Node          // cross-attention of every decoder layer: [b, heads, q, rows, cols]
	Logits    *Node            // one a class: [b, q]
}

// Forward builds the whole INTR in a graph: pixels [b, height, width, 3] as
// picture.Normalized gives them, cells [b, rows, cols] bool, true where a
// picture is (nil where pictures fill the canvas), and the pictures' sizes
// [b, 2] int32 to have each answered as if alone (nil for the published way).
func (m *Model) Forward(pixels, cells, sizes *Node) Nodes {
	n := &net{Config: m.Config, store: m.store, g: pixels.Graph(), asProducts: m.Engine.Kind == "go", sizes: sizes}
	// The pure-Go engine (compute v0.1.4) fails when a variable is first used
	// after the last output, as happens to who asks for an early layer only.
	for _, p := range Params(m.Config) {
		n.weight(p.Key)
	}
	out := Nodes{Stages: map[string]*Node{}}
	features := n.body(pixels, out.Stages)
	b, rows, cols := features.Shape().Dim(0), features.Shape().Dim(1), features.Shape().Dim(2)
	projection := Reshape(n.weight("input_proj.weight"), features.Shape().Dim(3), n.HiddenDim)
	out.Projected = dense(features, projection, n.weight("input_proj.bias"), activation.TypeNone)

	var mask *Node // [b, rows*cols]
	if cells != nil {
		mask = Reshape(cells, b, rows*cols)
	} else {
		cells = Const(n.g, tensors.FromScalarAndDimensions(true, b, rows, cols))
	}
	flat := func(x *Node) *Node { return Reshape(x, b, rows*cols, n.HiddenDim) }
	memory := n.encode(flat(out.Projected), flat(n.positions(cells)), mask)
	out.Memory = Reshape(memory, b, rows, cols, n.HiddenDim)
	var attention []*Node
	out.States, attention = n.decode(memory, mask)
	for _, a := range attention {
		out.Attention = append(out.Attention, Reshape(a, b, n.Heads, n.Classes, rows, cols))
	}
	last := out.States[len(out.States)-1]
	presence := dense(last, n.weight("presence_vector.weight"), n.weight("presence_vector.bias"), activation.TypeNone)
	out.Logits = Reshape(presence, b, n.Classes)
	return out
}

// NewExec compiles a graph of one's own that uses the model's weights: build
// gets the inputs of each call, and may call Forward.
func (m *Model) NewExec(build func(inputs []*Node) []*Node) (*model.Exec, error) {
	return model.NewExec(m.Engine.Backend, m.store, func(_ *model.Scope, inputs []*Node) []*Node { return build(inputs) })
}

// Output is what a batch was answered, as numbers. Rows and Cols are those of
// the canvas: a smaller picture has the top left of them.
type Output struct {
	Pictures, Classes, Heads, Width int
	Rows, Cols                      int
	Logits                          []float32   // [pictures, classes]
	Attention                       [][]float32 // a decoder layer: [pictures, heads, classes, rows, cols]
	Memory                          []float32   // [pictures, rows, cols, width]
	States                          [][]float32 // a decoder layer: [pictures, classes, width]
}

// Run answers a batch with everything: logits, attention, memory and states.
func (m *Model) Run(b *Batch) (*Output, error) { return m.answer(b, true) }

func (m *Model) answer(b *Batch, attention bool) (*Output, error) {
	if err := m.check(b); err != nil {
		return nil, err
	}
	m.run.Lock()
	defer m.run.Unlock()
	want := want{attention: attention, exact: b.Exact && !b.full()}
	exec := m.exec[want]
	if exec == nil {
		var err error
		exec, err = m.NewExec(m.graph(want))
		if err != nil {
			return nil, err
		}
		exec.SetMaxCache(-1)
		m.exec[want] = exec
	}
	n, rows, cols := len(b.Sizes), b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	inputs := []any{
		tensors.FromFlatDataAndDimensions(b.Pixels, n, b.Height, b.Width, 3),
		tensors.FromFlatDataAndDimensions(b.cells(m.Config.Stride()), n, rows, cols),
	}
	if want.exact {
		sizes := make([]int32, 0, 2*n)
		for _, s := range b.Sizes {
			sizes = append(sizes, int32(s[0]), int32(s[1]))
		}
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(sizes, n, 2))
	}
	results, err := exec.Call(inputs...)
	if err != nil {
		return nil, fmt.Errorf("%s could not compute this: %w", m.Engine, err)
	}
	out := &Output{Pictures: n, Classes: m.Config.Classes, Heads: m.Config.Heads, Width: m.Config.HiddenDim, Rows: rows, Cols: cols}
	values := make([][]float32, len(results))
	for i, t := range results {
		if values[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return nil, err
		}
		if err = t.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	out.Logits = values[0]
	for i, v := range out.Logits {
		if v-v != 0 { // NaN or infinite
			return nil, fmt.Errorf("the logit of class %d came out as %v: the weights of %s are too large to compute with", i%out.Classes, v, m.Path)
		}
	}
	if attention {
		layers := m.Config.DecoderLayers
		out.Memory = values[1]
		out.Attention = values[2 : 2+layers]
		out.States = values[2+layers:]
	}
	return out, nil
}

func (m *Model) graph(want want) func([]*Node) []*Node {
	return func(inputs []*Node) []*Node {
		var sizes *Node
		if want.exact {
			sizes = inputs[2]
		}
		out := m.Forward(inputs[0], inputs[1], sizes)
		results := []*Node{out.Logits}
		if want.attention {
			results = append(results, out.Memory)
			results = append(results, out.Attention...)
			results = append(results, out.States...)
		}
		return results
	}
}

// check refuses a batch that no graph can be built for.
func (m *Model) check(b *Batch) error {
	if len(b.Sizes) == 0 || len(b.Pixels) != len(b.Sizes)*b.Height*b.Width*3 {
		return fmt.Errorf("a batch of %d pictures of %d×%d pixels needs %d numbers, and it has %d", len(b.Sizes), b.Height, b.Width, len(b.Sizes)*b.Height*b.Width*3, len(b.Pixels))
	}
	rows, cols := b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	if m.Config.Positions == "learned" && max(rows, cols) > maxLearned {
		return fmt.Errorf("a picture of %d×%d pixels has %d×%d cells, but this checkpoint learned positions for %d×%d at most: make the picture smaller", b.Height, b.Width, rows, cols, maxLearned, maxLearned)
	}
	return nil
}
