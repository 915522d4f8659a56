// Package subject makes an INTR what package faithful measures.
package subject

import (
	"context"
	"slices"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// Small pictures are answered several at a time, always as many, because XLA
// compiles a graph for every number: of one picture of 128 by 128 pixels most of
// the time goes into the calls. Of large ones a batch is no faster.
const (
	together    = 8
	smallPixels = 256 * 256
)

// INTR is one that can be measured, with Grad-CAM, rollout and random weights. It
// stays its owner's to close.
type INTR struct {
	*intr.Model
	Names   []string // of the classes
	Upright bool     // turns the pictures of files as they say
}

// Of is a model as it is.
func Of(m *intr.Model) *INTR { return &INTR{m, m.Names, m.Config.Upright} }

// About is the model, so named and turning pictures or not.
func (m *INTR) About() model.About {
	about := m.Model.About()
	about.Names, about.Origin.Upright = m.Names, m.Upright
	return about
}

// Logits is for faithful.Subject.
func (m *INTR) Logits(ctx context.Context, pictures []*picture.Picture) ([][]float32, error) {
	var all [][]float32
	size := 1
	if len(pictures) > 1 && m.Engine.Kind != "go" && pictures[0].Width*pictures[0].Height <= smallPixels {
		size = together
	}
	for chunk := range slices.Chunk(pictures, size) {
		asked := slices.Clone(chunk)
		for len(asked) < size {
			asked = append(asked, chunk[0])
		}
		answers, _, err := m.Answer(ctx, false, asked...)
		if err != nil {
			return nil, err
		}
		for i := range chunk {
			all = append(all, answers[i].Logits)
		}
	}
	return all, nil
}

// Baselines is for faithful.Attributer.
func (m *INTR) Baselines(ctx context.Context, class int, p *picture.Picture,
) (gradCAM, rollout attention.Map, err error) {
	a, err := m.Attribute(ctx, class, p)
	if err != nil {
		return attention.Map{}, attention.Map{}, err
	}
	return a.GradCAM, a.Rollout, nil
}

// Randomised is for faithful.Randomiser.
func (m *INTR) Randomised(parts []faithful.Part, seed uint64) (faithful.Subject, func(), error) {
	other, err := Randomised(m.Model, parts, seed)
	if err != nil {
		return nil, nil, err
	}
	return Of(other), other.Close, nil
}

// Randomised is a model like m with PyTorch's initial random weights in some of
// its parts (intr.Initial), the same for the same seed. m stays as it is; the caller
// closes the new one.
func Randomised(m *intr.Model, parts []faithful.Part, seed uint64) (*intr.Model, error) {
	initial, values := intr.Initial(m.Config, int64(seed)), map[string][]float32{}
	for _, p := range intr.Params(m.Config) {
		if slices.Contains(parts, part(p)) {
			values[p.Key] = initial[p.Key]
		}
	}
	return m.With(values)
}

func part(p intr.Param) faithful.Part {
	switch p.Part() {
	case "stem", "layer1", "layer2", "layer3", "layer4":
		return faithful.Backbone
	case "decoder", "queries", "presence":
		return faithful.Decoder
	}
	return faithful.Encoder
}
