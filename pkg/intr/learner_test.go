package intr

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/internal/nn"
)

// Gradients on processors are those of the graph, of every kind of architecture, in
// padded batches, with dropout, and whatever is frozen.
func TestLearner(t *testing.T) {
	t.Logf("with %s", nn.Instructions())
	small := Config{Backbone: "resnet", Blocks: [4]int{1, 1, 2, 1}, Bottleneck: true, Width: 8, Positions: "sine",
		HiddenDim: 32, Heads: 4, EncoderLayers: 2, DecoderLayers: 2, FeedForward: 48, Classes: 7}
	for name, c := range map[string]struct {
		change  func(c *Config)
		dropout float64
		trained func(part string) bool
	}{
		"bottlenecks":  {dropout: 0.1},
		"no dropout":   {},
		"basic blocks": {change: func(c *Config) { c.Bottleneck = false }},
		"DC5":          {change: func(c *Config) { c.Dilation = true }},
		"pre-norm":     {change: func(c *Config) { c.PreNorm = true }, dropout: 0.3},
		"learned":      {change: func(c *Config) { c.Positions = "learned" }},
		"three layers": {change: func(c *Config) { c.Blocks = [4]int{2, 1, 1, 0} }},
		"no encoder":   {change: func(c *Config) { c.EncoderLayers = 0 }},
		"odd sizes": {change: func(c *Config) {
			c.Width, c.HiddenDim, c.Heads, c.FeedForward, c.Classes = 5, 12, 3, 9, 1
		}},
		// for Winograd's way
		"wide enough":  {change: func(c *Config) { c.Width, c.HiddenDim, c.FeedForward = 16, 64, 128 }},
		"as published": {trained: func(part string) bool { return part != "stem" && part != "layer1" }, dropout: 0.1},
		"from layer3": {trained: func(part string) bool {
			return part != "stem" && part != "layer1" && part != "layer2"
		}},
		"frozen between":   {trained: func(part string) bool { return part == "layer2" || part == "decoder" }},
		"projection":       {trained: func(part string) bool { return part == "input_proj" || part == "queries" }},
		"encoder":          {trained: func(part string) bool { return part == "encoder" }},
		"decoder, queries": {trained: func(part string) bool { return part == "decoder" || part == "queries" }},
		"the head alone":   {trained: func(part string) bool { return part == "presence" }},
		"the stem alone":   {trained: func(part string) bool { return part == "stem" }},
	} {
		t.Run(name, func(t *testing.T) {
			config := small
			if c.change != nil {
				c.change(&config)
			}
			m := random(t, config)
			defer m.Close()
			var keys []string
			for _, p := range Params(config) {
				if !p.BatchNorm() && (c.trained == nil || c.trained(p.Part())) {
					keys = append(keys, p.Key)
				}
			}
			compareGradients(t, m, keys, c.dropout)
		})
	}
}

func compareGradients(t *testing.T, m *Model, keys []string, dropout float64) {
	r := rand.New(rand.NewPCG(3, 3))
	b := noise(r)
	slopes := make([]float32, 2*m.Config.Classes)
	for i := range slopes {
		slopes[i] = float32(r.NormFloat64())
	}
	key := [2]uint32{r.Uint32(), r.Uint32()}
	l, err := m.NewLearner(keys)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stride := m.Config.Stride()
	rows, cols := b.Rows(stride), b.Cols(stride)
	exec, err := m.NewExec(func(in []*Node) []*Node {
		logits := m.ForwardTraining(in[0], in[1], nil, &Training{Dropout: dropout, Key: in[2], Stem: true})
		var weights []*Node
		for _, key := range keys {
			weights = append(weights, m.Weight(in[0].Graph(), key))
		}
		return append([]*Node{logits}, Gradient(ReduceAllSum(Mul(logits, in[3])), weights...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	results, err := exec.Call(tensors.FromFlatDataAndDimensions(b.Pixels, 2, b.Height, b.Width, 3),
		tensors.FromFlatDataAndDimensions(b.Cells(stride, b.Height, b.Width), 2, rows, cols),
		tensors.FromFlatDataAndDimensions(key[:], 2), tensors.FromFlatDataAndDimensions(slopes, 2, m.Config.Classes))
	if err != nil {
		t.Fatal(err)
	}
	var want [][]float32
	for _, result := range results {
		values, err := tensors.CopyFlatData[float32](result)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, values)
	}
	classes := m.Config.Classes
	larger := &Batch{Height: 200, Width: 230, Sizes: [][2]int{{200, 230}}, Pixels: make([]float32, 200*230*3)}
	for range 2 {
		l.Clear()
		for i := range b.Sizes {
			l.Learn(b, i, dropout, key, func(logits []float32) []float32 {
				for c, v := range logits {
					if d := math.Abs(float64(v - want[0][i*classes+c])); !(d < 2e-5) {
						t.Errorf("logit %d of picture %d is %v, the graph's %v", c, i, v, want[0][i*classes+c])
					}
				}
				return slopes[i*classes:][:classes]
			})
		}
		largest := 0.0
		for _, values := range want[1:] {
			for _, v := range values {
				largest = max(largest, math.Abs(float64(v)))
			}
		}
		// The second time with buffers that were used for more.
		l.Learn(larger, 0, dropout, key, func([]float32) []float32 { return make([]float32, classes) })
		for k, key := range keys {
			got, most, off := l.Gradient(key), 0.0, 0.0
			for i, v := range want[k+1] {
				most = max(most, math.Abs(float64(v)))
				if d := math.Abs(float64(got[i] - v)); !(d <= off) {
					off = d
				}
			}
			if !(off <= 2e-4*most+1e-6*largest) {
				t.Errorf("the gradient of %s is off by %.2g, of %.2g at most", key, off, most)
			}
		}
	}
}
