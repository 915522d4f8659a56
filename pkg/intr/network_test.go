package intr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/internal/nn"
	"github.com/gointr/gointr/pkg/backend"
)

// What processors compute is what the graph computes, stage by stage, of every kind of
// architecture: in a padded batch as published, and as if alone.
func TestForwards(t *testing.T) {
	small := Config{Backbone: "resnet", Blocks: [4]int{1, 1, 2, 2}, Bottleneck: true, Width: 8, Positions: "sine",
		HiddenDim: 32, Heads: 4, EncoderLayers: 2, DecoderLayers: 2, FeedForward: 48, Classes: 7}
	for name, change := range map[string]func(c *Config){
		"bottlenecks":     func(*Config) {},
		"basic blocks":    func(c *Config) { c.Bottleneck = false },
		"wide enough":     func(c *Config) { c.Width, c.HiddenDim, c.FeedForward = 16, 64, 128 }, // for Winograd's way
		"DC5":             func(c *Config) { c.Dilation = true },
		"pre-norm":        func(c *Config) { c.PreNorm = true },
		"learned":         func(c *Config) { c.Positions = "learned" },
		"three layers":    func(c *Config) { c.Blocks = [4]int{2, 1, 1, 0} },
		"no encoder":      func(c *Config) { c.EncoderLayers = 0 },
		"odd sizes":       func(c *Config) { c.Width, c.HiddenDim, c.Heads, c.FeedForward, c.Classes = 5, 12, 3, 9, 1 },
		"one head, basic": func(c *Config) { c.Heads, c.Bottleneck, c.PreNorm = 1, false, true },
	} {
		t.Run(name, func(t *testing.T) {
			c := small
			change(&c)
			m := random(t, c)
			defer m.Close()
			b := noise(rand.New(rand.NewPCG(3, 3)))
			compareForwards(t, m, b)
			b.Exact = true
			compareForwards(t, m, b)
		})
	}
}

// noise is a batch of two pictures, neither of which fills the canvas.
func noise(r *rand.Rand) *Batch {
	b := &Batch{Height: 161, Width: 190, Sizes: [][2]int{{161, 133}, {97, 190}}}
	b.Pixels = make([]float32, 2*b.Height*b.Width*3)
	for i, size := range b.Sizes {
		for y := range size[0] {
			for x := range 3 * size[1] {
				b.Pixels[(i*b.Height+y)*b.Width*3+x] = float32(r.NormFloat64())
			}
		}
	}
	return b
}

// random is a model with initial weights and BatchNorms that do something.
func random(t *testing.T, c Config) *Model {
	t.Helper()
	values := Initial(c, 11)
	r := rand.New(rand.NewPCG(7, 7))
	for _, p := range Params(c) {
		if p.BatchNorm() || strings.HasSuffix(p.Key, "bias") || strings.Contains(p.Key, "norm") {
			for i := range values[p.Key] {
				values[p.Key][i] += float32(0.2 * r.Float64())
			}
		}
	}
	engine, err := backend.Open(backend.Go)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(engine, c, values)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compareForwards(t *testing.T, m *Model, b *Batch) {
	t.Helper()
	stride := m.Config.Stride()
	rows, cols := b.Rows(stride), b.Cols(stride)
	names := []string{}
	exec, err := m.NewExec(func(inputs []*Node) []*Node {
		sizes := inputs[2]
		if !b.Exact {
			sizes = nil
		}
		out := m.Forward(inputs[0], inputs[1], sizes)
		var all []*Node
		names = names[:0]
		for _, s := range m.Config.steps() {
			if !slices.Contains(names, s.stage) {
				names, all = append(names, s.stage), append(all, out.Stages[s.stage])
			}
		}
		names = append(names, "projected")
		all = append(all, out.Projected, out.Memory, out.Logits)
		return append(append(all, out.Attention...), out.States...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	var sizes []int32
	for _, s := range b.Sizes {
		sizes = append(sizes, int32(s[0]), int32(s[1]))
	}
	n := len(b.Sizes)
	results, err := exec.Call(tensors.FromFlatDataAndDimensions(b.Pixels, n, b.Height, b.Width, 3),
		tensors.FromFlatDataAndDimensions(b.Cells(stride, b.Height, b.Width), n, rows, cols),
		tensors.FromFlatDataAndDimensions(sizes, n, 2))
	if err != nil {
		t.Fatal(err)
	}
	graph, err := fetch(results)
	if err != nil {
		t.Fatal(err)
	}

	told := map[string][]nn.Map{}
	s := m.desks.take(1)
	s.told = func(stage string, x nn.Map) {
		x.Data = slices.Clone(x.Data)
		told[stage] = append(told[stage], x)
	}
	network, err := m.laid()
	if err != nil {
		t.Fatal(err)
	}
	out := m.room(b, true)
	for i := range n {
		if err := out.compute(t.Context(), network, s, b, i); err != nil {
			t.Fatal(err)
		}
	}
	for stage, name := range names {
		for i, x := range told[name] { // of a picture alone, the top left of the canvas
			of := graph[stage][i*len(graph[stage])/n:][:len(graph[stage])/n]
			canvas := len(of) / x.Channels
			wide := canvasCols(b, canvas)
			same(t, fmt.Sprintf("%s of picture %d", name, i), x.Data,
				cutRows(of, wide*x.Channels, x.Rows, x.Cols*x.Channels))
		}
	}
	rest := graph[len(names):]
	layers := m.Config.DecoderLayers
	for i := range n { // the graph's memory outside of a picture alone is nobody's
		r, c := rows, cols
		if b.Exact {
			r, c = b.Region(i, stride)
		}
		d := m.Config.HiddenDim
		half := func(x []float32) []float32 { return x[i*len(x)/n:][:len(x)/n] }
		same(t, "memory", cutRows(half(out.Memory), cols*d, r, c*d), cutRows(half(rest[0]), cols*d, r, c*d))
	}
	same(t, "logits", out.Logits, rest[1])
	pooling, err := m.NewExec(func(inputs []*Node) []*Node { return []*Node{pool(inputs[0], inputs[1])} })
	if err != nil {
		t.Fatal(err)
	}
	defer pooling.Finalize()
	means, err := pooling.Call(tensors.FromFlatDataAndDimensions(rest[0], n, rows, cols, m.Config.HiddenDim),
		tensors.FromFlatDataAndDimensions(b.Cells(stride, b.Height, b.Width), n, rows, cols))
	if err != nil {
		t.Fatal(err)
	}
	pooled, err := fetch(means)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "pooled", out.Pooled, pooled[0])
	for layer := range layers {
		same(t, fmt.Sprintf("attention %d", layer), out.Attention[layer], rest[2+layer])
		same(t, fmt.Sprintf("states %d", layer), out.States[layer], rest[2+layers+layer])
	}
}

// canvasCols is how many columns the canvas has in a stage of that many cells.
func canvasCols(b *Batch, cells int) int {
	for stride := 2; ; stride *= 2 {
		if b.Rows(stride)*b.Cols(stride) == cells {
			return b.Cols(stride)
		}
	}
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d numbers, of the graph %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, v := range want {
		scale = max(scale, math.Abs(float64(v)))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= 2e-5*scale) {
			t.Fatalf("the first that diverges is %s: number %d is %v, of the graph %v", what, i, got[i], want[i])
		}
	}
}
