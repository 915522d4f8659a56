package finetune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Start is where a training begins: an architecture and a tensor for each of
// its keys, in PyTorch's layout.
type Start struct {
	Config intr.Config
	From   string // what it was made of: "DETR", "INTR" or "nothing"
	Path   string // of the checkpoint it was made of
	Values map[string][]float32
}

// StartOptions are what a checkpoint is started from with.
type StartOptions struct {
	Classes int // of the model to be [num_queries]
	// NoiseFrac is the deviation of the normal noise on queries that are copies
	// of others [noise_frac]; 0.1 as published.
	NoiseFrac float64
	// Asked is what is known of the architecture, as intr.InspectAs has it.
	Asked    intr.Config
	Seed     int64     // of the noise and of what is initialised anew [seed]
	Progress io.Writer // is told how far a download is; nil for silence
}

// FromCheckpoint starts from a DETR or an INTR: a path, the name of a published
// checkpoint or "hf:OWNER/REPO/FILE". As in the published code the queries are
// cut to the number of classes, or repeated, the copies with noise, where there
// are fewer; the heads of a DETR are dropped, and it gets a presence vector by
// Xavier's uniform distribution with a bias of zero. An INTR of as many classes
// is taken as it is, one of other classes keeps its presence vector.
func FromCheckpoint(ctx context.Context, checkpoint string, o StartOptions) (*Start, error) {
	if o.Classes < 1 {
		return nil, fmt.Errorf("a model of %d classes cannot be trained: the dataset needs 1 at least", o.Classes)
	}
	path, err := hub.Find(ctx, checkpoint, o.Progress)
	if err != nil {
		return nil, err
	}
	file, err := torchfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	start, err := o.read(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started from: %w", path, err)
	}
	start.Path = path
	return start, nil
}

func (o StartOptions) read(file *torchfile.File) (*Start, error) {
	start, err := readStart(file, o.Asked)
	if err != nil {
		return nil, err
	}
	c := &start.Config
	start.Values["query_embed.weight"] = o.queries(start.Values["query_embed.weight"], c.Classes, c.HiddenDim)
	c.Classes = o.Classes
	if start.From == "DETR" {
		random := rand.New(rand.NewPCG(uint64(o.Seed), 'p'))
		start.Values["presence_vector.weight"] = uniform(random, c.HiddenDim, xavier(1, c.HiddenDim))
		start.Values["presence_vector.bias"] = []float32{0}
	}
	return start, c.Check()
}

// readStart reads the model of a checkpoint; that of a DETR lacks the presence
// vector.
func readStart(file *torchfile.File, asked intr.Config) (*Start, error) {
	state, config, err := intr.InspectAs(file, asked)
	start := &Start{Config: config, From: "INTR", Values: map[string][]float32{}}
	if errors.Is(err, intr.ErrDETR) {
		start.From, err = "DETR", nil
	}
	if err != nil {
		return nil, err
	}
	for _, p := range intr.Params(start.Config) {
		if start.From == "DETR" && partOf(p.Key) == "presence" {
			continue
		}
		t := state[p.Key]
		if t == nil {
			return nil, fmt.Errorf("tensor %s is missing", p.Key)
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("tensor %s has shape %v, but %v is needed (%s)", p.Key, t.Shape, p.Shape, start.Config)
		}
		if start.Values[p.Key], err = t.Float32s(nil); err != nil {
			return nil, err
		}
	}
	return start, nil
}

// queries [classes, width] of had [had, width].
func (o StartOptions) queries(had []float32, n, width int) []float32 {
	if o.Classes <= n {
		return had[:o.Classes*width]
	}
	random := rand.New(rand.NewPCG(uint64(o.Seed), 'q'))
	all := make([]float32, o.Classes*width)
	for i := copy(all, had); i < len(all); i++ {
		all[i] = had[i%len(had)] + float32(random.NormFloat64()*o.NoiseFrac)
	}
	return all
}

// FromNothing starts with PyTorch's initial weights: Kaiming's normal
// distribution for the ResNet's convolutions, Xavier's uniform one for the
// matrices of the transformer as in DETR, torch.nn's defaults for the rest. The
// BatchNorms are the identity: Calibrate them on a batch, or train them.
func FromNothing(c intr.Config, seed int64) (*Start, error) {
	c.EvalSize = cmp.Or(c.EvalSize, 800)
	if err := c.Check(); err != nil {
		return nil, err
	}
	start := &Start{Config: c, From: "nothing", Values: map[string][]float32{}}
	random := rand.New(rand.NewPCG(uint64(seed), 'n'))
	fanIn := 0 // of the weight that a bias comes after
	for _, p := range intr.Params(c) {
		if strings.HasSuffix(p.Key, "weight") {
			fanIn = p.Len() / p.Shape[0]
		}
		start.Values[p.Key] = initialise(p, fanIn, random)
	}
	return start, nil
}

func initialise(p intr.Param, fanIn int, random *rand.Rand) []float32 {
	bias := strings.HasSuffix(p.Key, "bias")
	switch part := partOf(p.Key); {
	case isBatchNorm(p.Key):
		return constant(p.Len(), strings.HasSuffix(p.Key, ".weight") || strings.HasSuffix(p.Key, ".running_var"))
	case strings.Contains(p.Key, "norm"): // LayerNorm
		return constant(p.Len(), !bias)
	case strings.Contains(p.Key, "_attn.") && bias:
		return constant(p.Len(), false)
	case strings.HasPrefix(p.Key, "backbone.0."): // kaiming_normal_ by what a convolution puts out
		return normal(random, p.Len(), math.Sqrt(2/float64(p.Shape[0]*p.Shape[2]*p.Shape[3])))
	case part == "queries":
		return normal(random, p.Len(), 1)
	case part == "positions":
		values := uniform(random, p.Len(), 0.5)
		for i := range values {
			values[i] += 0.5
		}
		return values
	case bias, part == "input_proj", part == "presence": // as torch.nn.Linear and Conv2d
		return uniform(random, p.Len(), 1/math.Sqrt(float64(fanIn)))
	}
	return uniform(random, p.Len(), xavier(p.Shape[0], p.Shape[1]))
}

// xavier is the bound of the uniform distribution for a matrix [out, in].
func xavier(out, in int) float64 { return math.Sqrt(6 / float64(out+in)) }

func constant(n int, one bool) []float32 {
	values := make([]float32, n)
	if one {
		for i := range values {
			values[i] = 1
		}
	}
	return values
}

func uniform(random *rand.Rand, n int, bound float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32((2*random.Float64() - 1) * bound)
	}
	return values
}

func normal(random *rand.Rand, n int, deviation float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(random.NormFloat64() * deviation)
	}
	return values
}
