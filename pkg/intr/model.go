// Package intr is INTR (Paul et al., ICLR 2024, "A Simple Interpretable
// Transformer for Fine-Grained Image Classification and Analysis"): a DETR in
// which every class is a query, so that the query's cross-attention shows where
// the class found itself in the picture.
//
//	m, err := intr.Open(ctx, "cub", intr.ClassFile("classes.txt"))
//	birds, err := m.Predict(ctx, "bunting.jpg")
//	fmt.Println(birds[0].Top[0].Name)
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
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Model is one checkpoint on one engine, ready to answer. Its methods may be
// called from several goroutines; the engine takes one batch at a time.
type Model struct {
	Config Config
	Path   string   // of the checkpoint
	Names  []string // of the classes, by index; those of the checkpoint when none were given, nil where it has none
	Engine *backend.Engine

	weights string // those of a checkpoint with several, as Weights chose them

	digest   func() string // of the checkpoint; computed when it is first asked for
	source   source        // of the weights
	likeness *Likeness     // that the checkpoint holds; nil where it holds none
	file     io.Closer     // that they are read from; nil where they are not
	run      sync.RWMutex  // to read: pictures are computed side by side
	making   sync.Mutex    // of what follows

	// Of answers on processors.
	network *network
	desks   desks

	// Of graphs: answers elsewhere, training and gradients.
	kind   string // of engine, as it was asked for
	graphs *backend.Engine
	store  *model.Store
	plans  map[want]*plan

	attributing *model.Exec // Attribute's; nil until it is asked
}

type options struct {
	engine    string
	classFile string
	progress  io.Writer
	device    int
	asked     Config
	likeness  *Likeness
	upright   bool
	weights   string
}

// Option is a choice for Open.
type Option func(*options)

// Backend chooses the engine: "auto" (the default), "xla", "cuda" or "go".
func Backend(kind string) Option { return func(o *options) { o.engine = kind } }

// ClassFile names the classes from a file: CUB's classes.txt, a name a line, or JSON.
func ClassFile(path string) Option { return func(o *options) { o.classFile = path } }

// Progress is where a download tells how far it is; nothing is said without it.
func Progress(w io.Writer) Option { return func(o *options) { o.progress = w } }

// Device chooses one of the engine's devices, from 0.
func Device(number int) Option { return func(o *options) { o.device = number } }

// Upright turns the pictures of files as they say (Config.Upright).
func Upright() Option { return func(o *options) { o.upright = true } }

// As says what is known of the architecture, as InspectAs has it.
func As(asked Config) Option { return func(o *options) { o.asked = asked } }

// Like says, of what is converted, what the pictures are like that it was trained on.
func Like(l *Likeness) Option { return func(o *options) { o.likeness = l } }

// Weights chooses among those of a checkpoint that holds several: Plain, EMA, or where they stand, as Places has it; ""
// is the first of these. A key that EMA weights lack, as those of buffers, is taken from the plain ones.
func Weights(which string) Option { return func(o *options) { o.weights = which } }

// Open loads a checkpoint: a path to a .pth or .safetensors file, the name of a
// published one ("cub", "bird", "butterfly") or "hf:OWNER/REPO/FILE". Errors are
// one sentence that names the file and, where one is wrong, the tensor. The end of
// ctx ends a download.
func Open(ctx context.Context, checkpoint string, opts ...Option) (*Model, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	var names []string
	if o.classFile != "" {
		var err error
		if names, err = datasets.ReadClasses(o.classFile); err != nil {
			return nil, err
		}
	}
	path, err := hub.Find(ctx, checkpoint, o.progress)
	if err != nil {
		return nil, err
	}
	file, err := torchfile.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := openModel(file, path, names, o)
	if err != nil {
		file.Close()
	}
	return m, err
}

func openModel(file *torchfile.File, path string, names []string, o options) (*Model, error) {
	o.asked.Upright = o.asked.Upright || o.upright
	state, config, err := InspectAs(file, o.asked, o.weights)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	if o.classFile == "" {
		names = classNames(argsOf(file), config.Classes)
	} else if len(names) != config.Classes {
		return nil, fmt.Errorf("%s has %d names, but %s has %d classes: give the class file that belongs to "+
			"this checkpoint", o.classFile, len(names), path, config.Classes)
	}
	engine, err := backend.Open(o.engine)
	if err != nil {
		return nil, err
	}
	if engine, err = engine.OnDevice(o.device); err != nil {
		return nil, err
	}
	m := newModel(engine, config, func(p Param, scratch []float32) ([]float32, error) {
		return state[p.Key].Float32s(scratch[:0])
	})
	m.Path, m.Names, m.file, m.kind, m.weights = path, names, file, o.engine, o.weights
	if o.weights == "" || o.weights == Plain { // a model needs none, and other weights see pictures otherwise
		m.likeness, _ = LikenessOf(file, config)
	}
	if err = fits(config, state); err == nil {
		err = m.lay()
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return m, nil
}

func newModel(engine *backend.Engine, c Config, weights source) *Model {
	m := &Model{Config: c, Engine: engine, kind: engine.Kind, source: weights, plans: map[want]*plan{}}
	m.digest = sync.OnceValue(func() string {
		files, err := torchfile.Files(m.Path)
		if err != nil { // a file that is gone has none to tell
			return ""
		}
		digest, _ := origin.Digest(files...)
		return digest
	})
	return m
}

// lay puts the weights where answers are computed.
func (m *Model) lay() error {
	if m.Engine.Kind == backend.Go {
		_, err := m.laid()
		return err
	}
	return m.build()
}

// build puts the weights where graphs find them, unless they are there: on the model's
// engine, or, of a model that answers on processors, on one that has gradients.
func (m *Model) build() error {
	m.making.Lock()
	defer m.making.Unlock()
	if m.store != nil {
		return nil
	}
	m.graphs = m.Engine
	if m.Engine.Kind == backend.Go {
		var err error
		if m.graphs, err = backend.Gradients(m.kind); err != nil {
			return err
		}
	}
	var err error
	m.store, err = storeOf(m.graphs, m.Config, m.source)
	return err
}

// Inspect finds the model in an open checkpoint: its tensors by PyTorch key and
// the architecture they have. The tensors live as long as the file is open.
func Inspect(file *torchfile.File) (map[string]*torchfile.Tensor, Config, error) {
	return InspectAs(file, Config{}, "")
}

// InspectAs is Inspect for who asks for an architecture: for what is not zero in
// asked. EvalSize is then what was asked for, and so
// are Heads and Dilation where the checkpoint has no word of them; where weights or
// args say otherwise, the error names what. weights are those of several, as Weights chooses.
func InspectAs(file *torchfile.File, asked Config, weights string) (map[string]*torchfile.Tensor, Config, error) {
	state, _, err := weightsOf(file, weights)
	if err != nil {
		for _, o := range file.Others() {
			if o.Name == "" && errors.Is(err, errNone) {
				err = fmt.Errorf("its weights are a %.100q, which is not loaded because a checkpoint must not bring "+
					"code: save the model's state_dict() with torch.save", o.Class)
			}
		}
		return nil, Config{}, err
	}
	config, err := configOf(state, argsOf(file), asked)
	if _, heads := state["class_embed.weight"]; err == nil && heads && state["presence_vector.weight"] == nil {
		err = ErrDETR
	}
	return state, config, err
}

// Close gives the model's memory back. The model must not be used afterwards.
func (m *Model) Close() {
	m.run.Lock()
	defer m.run.Unlock()
	for _, p := range m.plans {
		for _, piece := range p.pieces {
			piece.exec.Finalize()
		}
	}
	if m.attributing != nil {
		m.attributing.Finalize()
	}
	if m.store != nil {
		m.store.Finalize()
	}
	m.desks.free()
	if m.network != nil {
		m.network.free()
	}
	if m.file != nil {
		m.file.Close()
	}
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
	n := m.net(pixels.Graph(), sizes)
	n.mention()
	out := Nodes{Stages: map[string]*Node{}}
	x := pixels
	for _, s := range m.Config.steps() {
		x = s.apply(n, x)
		out.Stages[s.stage] = x
	}
	if cells == nil {
		cells = Const(n.g, tensors.FromScalarAndDimensions(true, x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)))
	}
	out.Projected, out.Memory = n.encode(x, cells)
	out.States, out.Attention, out.Logits = n.decode(out.Memory, cells)
	return out
}

// mention uses every variable. The pure-Go engine (compute v0.1.4) fails when one
// is first used after the last output, as happens to who asks for an early layer
// only.
func (n *net) mention() {
	for _, p := range Params(n.Config) {
		n.weight(p.Key)
	}
}

func (m *Model) net(g *Graph, sizes *Node) *net {
	return &net{Config: m.Config, store: m.store, g: g, asProducts: m.graphs.Kind == backend.Go, sizes: sizes}
}

// NewExec compiles a graph of one's own that uses the model's weights: build gets the
// inputs of each call, and may call Forward. A model that answers on processors has its
// graphs on the engine that backend.Gradients gives.
func (m *Model) NewExec(build func(inputs []*Node) []*Node) (*model.Exec, error) {
	if err := m.build(); err != nil {
		return nil, err
	}
	exec, err := model.NewExec(m.graphs.Backend, m.store, func(_ *model.Scope, inputs []*Node) []*Node {
		return build(inputs)
	})
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1) // a graph for every size of canvas
	return exec, nil
}
