package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

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
	// deviation of the normal noise on queries that are copies of others [noise_frac]; 0.1 as published
	NoiseFrac float64
	Asked     intr.Config // what is known of the architecture, as intr.InspectAs has it
	Weights   string      // of a checkpoint that holds several, as intr.Weights has it
	Seed      int64       // of the noise and of what is initialised anew [seed]
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
	path, err := hub.Find(ctx, checkpoint, nil)
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
	o.Asked.Classes = 0 // those of the model to be, not of the file
	start, err := readStart(file, o.Asked, o.Weights)
	if err != nil {
		return nil, err
	}
	c := &start.Config
	start.Values["query_embed.weight"] = o.queries(start.Values["query_embed.weight"], c.Classes, c.HiddenDim)
	c.Classes = o.Classes
	if start.From == "DETR" {
		random := rand.New(rand.NewPCG(uint64(o.Seed), 'p'))
		bound := math.Sqrt(6 / float64(1+c.HiddenDim)) // Xavier's
		vector := make([]float32, c.HiddenDim)
		for i := range vector {
			vector[i] = float32((2*random.Float64() - 1) * bound)
		}
		start.Values["presence_vector.weight"] = vector
		start.Values["presence_vector.bias"] = []float32{0}
	}
	return start, c.Check()
}

// readStart reads the model of a checkpoint; that of a DETR lacks the presence
// vector.
func readStart(file *torchfile.File, asked intr.Config, weights string) (*Start, error) {
	state, config, err := intr.InspectAs(file, asked, weights)
	start := &Start{Config: config, From: "INTR", Values: map[string][]float32{}}
	if errors.Is(err, intr.ErrDETR) {
		start.From, err = "DETR", nil
	}
	if err != nil {
		return nil, err
	}
	for _, p := range intr.Params(start.Config) {
		if start.From == "DETR" && p.Part() == "presence" {
			continue
		}
		t := state[p.Key]
		if t == nil {
			return nil, fmt.Errorf("tensor %s is missing", p.Key)
		}
		if err := t.Check(); err != nil {
			return nil, err
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("tensor %s has shape %v, but %v is needed (%s)", p.Key, t.Shape, p.Shape,
				start.Config)
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

// FromNothing starts with PyTorch's initial weights (intr.Initial). The BatchNorms are
// the identity, and are to be trained.
func FromNothing(c intr.Config, seed int64) (*Start, error) {
	c.EvalSize = cmp.Or(c.EvalSize, 800)
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &Start{Config: c, From: "nothing", Values: intr.Initial(c, seed)}, nil
}
