package intr

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend"
)

// Output is what a batch was answered, as numbers. Rows and Cols are those of
// the canvas: a smaller picture has the top left of them.
type Output struct {
	Pictures, Classes, Heads, Width int
	Rows, Cols                      int
	Logits                          []float32   // [pictures, classes]
	Attention                       [][]float32 // a decoder layer: [pictures, heads, classes, rows, cols]
	Memory                          []float32   // [pictures, rows, cols, width]
	States                          [][]float32 // a decoder layer: [pictures, classes, width]
	Pooled                          []float32   // mean of Memory over each picture's cells: [pictures, width]

	weights []float32 // Attention, where its layers lie one after the other
}

// Timing is how long an answer took.
type Timing struct {
	Compile time.Duration // of the graphs, once for every size of canvas
	Forward time.Duration // the forward pass, with the results fetched
	// Of Forward, of one picture on a processor; zero elsewhere.
	Backbone, Transformer time.Duration
}

// Run answers a batch with everything: logits, attention, memory and states. It
// gives up soon after ctx ends.
func (m *Model) Run(ctx context.Context, b *Batch) (*Output, error) {
	out, _, err := m.forward(ctx, b, true, alone)
	return out, err
}

// Logits answers a batch as Run does, with the logits of each picture alone: the
// explanations lack all else but the classes' names. It gives up soon after ctx
// ends.
func (m *Model) Logits(ctx context.Context, b *Batch) ([]*attention.Explanation, error) {
	if err := m.check(b); err != nil {
		return nil, err
	}
	// Few canvases mean few graphs to compile.
	out, _, err := m.forward(ctx, b.on(m.Canvas(b.Height, b.Width)), false, alone)
	if err != nil {
		return nil, err
	}
	all := make([]*attention.Explanation, out.Pictures)
	for i := range all {
		all[i] = m.explanation(out, i)
	}
	return all, nil
}

// explanation is what picture i was answered, without maps.
func (m *Model) explanation(out *Output, i int) *attention.Explanation {
	e := &attention.Explanation{Names: m.Names, Logits: out.Logits[i*out.Classes:][:out.Classes:out.Classes],
		Pooled: out.Pooled[i*out.Width:][:out.Width:out.Width]}
	e.Likeness = m.likeness.of(e)
	return e
}

// want says which results are handed out (who does not ask for 32 MB of
// attention is answered sooner), and whether there is canvas to be kept at zero.
type want struct{ attention, blank bool }

// A piece of the model is compiled and run by itself: XLA compiles the pieces
// side by side, and who no longer waits for an answer is noticed between two.
type piece struct {
	in    func(b *Batch) []int // the shape of what it is given
	cells bool                 // whether it is given the cells, too
	build func(n *net, x, cells *Node) []*Node
	exec  *model.Exec
}

// plan is the whole model in pieces.
type plan struct {
	pieces   []*piece
	compiled map[[3]int]bool // by pictures, height and width
}

func (m *Model) plan(want want) (*plan, error) {
	if p := m.plans[want]; p != nil {
		return p, nil
	}
	p := &plan{pieces: m.pieces(want), compiled: map[[3]int]bool{}}
	for _, piece := range p.pieces {
		var err error
		piece.exec, err = m.NewExec(func(inputs []*Node) []*Node {
			var cells, sizes *Node
			if piece.cells {
				cells = inputs[1]
			}
			if want.blank {
				sizes = inputs[len(inputs)-1]
			}
			return piece.build(m.net(inputs[0].Graph(), sizes), inputs[0], cells)
		})
		if err != nil {
			return nil, err
		}
	}
	m.plans[want] = p
	return p, nil
}

// pieces are the backbone's stages, the encoder and the decoder.
func (m *Model) pieces(want want) []*piece {
	in := func(b *Batch) []int { return []int{len(b.Sizes), b.Height, b.Width, 3} }
	var all []*piece
	steps := m.Config.steps()
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].stage == steps[0].stage {
			n++
		}
		these, last := steps[:n], steps[n-1]
		all = append(all, &piece{in: in, build: func(n *net, x, _ *Node) []*Node {
			for _, s := range these {
				x = s.apply(n, x)
			}
			return []*Node{x}
		}})
		in = func(b *Batch) []int {
			return []int{len(b.Sizes), b.Rows(last.stride), b.Cols(last.stride), last.channels}
		}
		steps = steps[n:]
	}
	stride, width := m.Config.Stride(), m.Config.HiddenDim
	memory := func(b *Batch) []int { return []int{len(b.Sizes), b.Rows(stride), b.Cols(stride), width} }
	encoder := func(n *net, x, cells *Node) []*Node {
		_, memory := n.encode(x, cells)
		return []*Node{memory}
	}
	decoder := func(n *net, memory, cells *Node) []*Node {
		states, attention, logits := n.decode(memory, cells)
		results := []*Node{logits, pool(memory, cells)}
		if want.attention {
			results = append(results, memory)
			results = append(results, attention...)
			results = append(results, states...)
		}
		return results
	}
	return append(all, &piece{in: in, cells: true, build: encoder}, &piece{in: memory, cells: true, build: decoder})
}

// compile compiles the graphs for batches like b, where there are none yet.
func (m *Model) compile(ctx context.Context, p *plan, b *Batch, want want) error {
	n, rows, cols := len(b.Sizes), b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	key := [3]int{n, b.Height, b.Width}
	if p.compiled[key] {
		return nil
	}
	var lock sync.Mutex
	var failed error
	parallel.Do(len(p.pieces), func(next func() (int, bool)) {
		for i, ok := next(); ok && ctx.Err() == nil; i, ok = next() {
			piece := p.pieces[len(p.pieces)-1-i] // the decoder, which takes longest, first
			inputs := []shapes.Shape{shapes.Make(dtypes.Float32, piece.in(b)...)}
			if piece.cells {
				inputs = append(inputs, shapes.Make(dtypes.Bool, n, rows, cols))
			}
			if want.blank {
				inputs = append(inputs, shapes.Make(dtypes.Int32, n, 2))
			}
			if _, err := piece.exec.Compile(inputs...); err != nil {
				lock.Lock()
				failed = err
				lock.Unlock()
				return
			}
		}
	})
	if err := errors.Join(failed, ctx.Err()); err != nil {
		return err
	}
	p.compiled[key] = true
	return nil
}

// forward answers a batch: on processors by package nn, as compute has it, else by the
// graph of Forward, which is compiled for every size of batch.
func (m *Model) forward(ctx context.Context, b *Batch, attention bool, threads int) (*Output, Timing, error) {
	var took Timing
	if err := m.check(b); err != nil {
		return nil, took, err
	}
	if m.Engine.Kind == backend.Go {
		return m.compute(ctx, b, attention, threads)
	}
	m.run.Lock()
	defer m.run.Unlock()
	want := want{attention: attention, blank: b.Exact && !b.full() || b.own != [2]int{}}
	p, err := m.plan(want)
	if err != nil {
		return nil, took, err
	}
	start := time.Now()
	if err := m.compile(ctx, p, b, want); err != nil {
		return nil, took, m.failure(ctx, err)
	}
	took.Compile = time.Since(start)
	start = time.Now()
	results, err := m.pass(ctx, p, b, want)
	if err != nil {
		return nil, took, m.failure(ctx, err)
	}
	out, err := m.output(b, results)
	took.Forward = time.Since(start)
	return out, took, err
}

// failure is err as a person is told it.
func (m *Model) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s could not compute this: %w", m.Engine, err)
}

// pass runs the pieces one after the other. What passes between them stays on
// the engine's device.
func (m *Model) pass(ctx context.Context, p *plan, b *Batch, want want) ([]*tensors.Tensor, error) {
	n, rows, cols := len(b.Sizes), b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	cells := tensors.FromFlatDataAndDimensions(b.Cells(m.Config.Stride(), b.Height, b.Width), n, rows, cols)
	defer cells.FinalizeAll()
	numbers := make([]int32, 0, 2*n)
	for _, s := range b.Sizes {
		if b.own != [2]int{} {
			s = b.own
		}
		numbers = append(numbers, int32(s[0]), int32(s[1]))
	}
	sizes := tensors.FromFlatDataAndDimensions(numbers, n, 2)
	defer sizes.FinalizeAll()

	results := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(b.Pixels, n, b.Height, b.Width, 3)}
	for _, piece := range p.pieces {
		inputs := []any{results[0]}
		if piece.cells {
			inputs = append(inputs, cells)
		}
		if want.blank {
			inputs = append(inputs, sizes)
		}
		next, err := []*tensors.Tensor(nil), ctx.Err()
		if err == nil {
			next, err = piece.exec.Call(inputs...)
		}
		if err := errors.Join(err, results[0].FinalizeAll()); err != nil {
			return nil, err
		}
		results = next
	}
	return results, nil
}

// fetch copies results out of the engine and gives its memory back.
func fetch(results []*tensors.Tensor) ([][]float32, error) {
	values := make([][]float32, len(results))
	for i, t := range results {
		var err error
		if values[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return nil, err
		}
		if err = t.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (m *Model) output(b *Batch, results []*tensors.Tensor) (*Output, error) {
	values, err := fetch(results)
	if err != nil {
		return nil, err
	}
	stride, layers := m.Config.Stride(), m.Config.DecoderLayers
	out := &Output{
		Pictures: len(b.Sizes), Classes: m.Config.Classes, Heads: m.Config.Heads, Width: m.Config.HiddenDim,
		Rows: b.Rows(stride), Cols: b.Cols(stride), Logits: values[0], Pooled: values[1],
	}
	if rest := values[2:]; len(rest) > 0 {
		out.Memory, out.Attention, out.States = rest[0], rest[1:1+layers], rest[1+layers:]
	}
	return out, out.check(m)
}

// check says which logit is no number, or nil.
func (out *Output) check(m *Model) error {
	for i, v := range out.Logits {
		if v-v != 0 { // NaN or infinite
			return fmt.Errorf("the logit of class %d came out as %v: the weights of %s are too large to "+
				"compute with", i%out.Classes, v, m.Path)
		}
	}
	return nil
}

// check refuses a batch that no graph can be built for.
func (m *Model) check(b *Batch) error {
	if len(b.Sizes) == 0 || len(b.Pixels) != len(b.Sizes)*b.Height*b.Width*3 {
		return fmt.Errorf("a batch of %d pictures of %d×%d pixels needs %d numbers, and it has %d", len(b.Sizes),
			b.Height, b.Width, len(b.Sizes)*b.Height*b.Width*3, len(b.Pixels))
	}
	rows, cols := b.Rows(m.Config.Stride()), b.Cols(m.Config.Stride())
	if m.Config.Positions == "learned" && max(rows, cols) > maxLearned {
		return fmt.Errorf("a picture of %d×%d pixels has %d×%d cells, but this checkpoint learned positions for "+
			"%d×%d at most: make the picture smaller", b.Height, b.Width, rows, cols, maxLearned, maxLearned)
	}
	return nil
}
