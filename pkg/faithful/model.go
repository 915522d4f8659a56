package faithful

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// Subject is what is measured: a model that also answers changed pictures. One that is an Attributer, too, is compared
// with Grad-CAM and attention rollout, and one that is a Randomiser passes the sanity checks. faithful/subject makes
// one of an intr.Model.
type Subject interface {
	model.Model
	// Logits answers pictures of one size that are resized for the network already: [pictures][classes].
	Logits(ctx context.Context, pictures []*picture.Picture) ([][]float32, error)
}

// Attributer is a Subject of which maps can be computed in other ways.
type Attributer interface {
	// Baselines are Grad-CAM and attention rollout for a class of a picture that is resized for the network already.
	Baselines(ctx context.Context, class int, p *picture.Picture) (gradCAM, rollout attention.Map, err error)
}

// Randomiser is a Subject that can be had with other weights.
type Randomiser interface {
	// Randomised is a model with initial random weights in some Parts, the same for the same seed, and how it is
	// closed.
	Randomised(parts []Part, seed uint64) (Subject, func(), error)
}

// A Part of a model can be given random weights.
type Part string

// The parts, from the logits to the pixels.
const (
	Decoder  Part = "decoder"  // with the class queries and the presence vector
	Encoder  Part = "encoder"  // with the projection before it, and learned positions
	Backbone Part = "backbone" // its BatchNorms become the identity
)

// Method is one kind of map.
type Method string

// The kinds of maps, in the order of the tables.
const (
	Head    Method = "head"    // INTR: the head of the last layer that was chosen for the class
	Heads   Method = "mean"    // INTR: the mean of the heads of the last layer
	GradCAM Method = "gradcam" // Selvaraju et al., ICCV 2017
	Rollout Method = "rollout" // Abnar and Zuidema, ACL 2020
	Random  Method = "random"  // independent weights from 0 to 1
	Centre  Method = "centre"  // a Gaussian at the centre, with a deviation of a quarter of each side
)

var titles = map[Method]string{
	Head: "INTR, chosen head", Heads: "INTR, mean of heads", GradCAM: "Grad-CAM", Rollout: "attention rollout",
	Random: "random map", Centre: "centre map",
}

// Title is the method in words.
func (m Method) Title() string { return cmp.Or(titles[m], string(m)) }

// INTR is whether the map is one of the model's own attention.
func (m Method) INTR() bool { return m == Head || m == Heads }

// RandomMap is a map of independent weights from 0 to 1, the same for one seed.
func RandomMap(rows, cols int, seed uint64) attention.Map {
	r := rand.New(rand.NewPCG(seed, 0x6d6170))
	m := attention.Map{Rows: rows, Cols: cols, Values: make([]float32, rows*cols)}
	for i := range m.Values {
		m.Values[i] = r.Float32()
	}
	return m
}

// CentreMap is a Gaussian at the picture's centre; its deviation is a quarter of each side.
func CentreMap(rows, cols int) attention.Map {
	m := attention.Map{Rows: rows, Cols: cols}
	away := func(i, n int) float64 { return ((float64(i)+0.5)/float64(n) - 0.5) / 0.25 }
	for row := range rows {
		for col := range cols {
			y, x := away(row, rows), away(col, cols)
			m.Values = append(m.Values, float32(math.Exp(-(x*x+y*y)/2)))
		}
	}
	return m
}

// mapsOf are the methods' maps of a class of a picture that a model explained. input is the picture, resized for the
// network.
func (r *runner) mapsOf(ctx context.Context, m Subject, e *attention.Explanation, input *picture.Picture, class int,
	seed uint64) (map[Method]attention.Map, error) {
	all := map[Method]attention.Map{}
	var err error
	for _, method := range r.methods {
		switch method {
		case Head:
			var m attention.Map
			m, err = e.Map(attention.Last, r.heads[class], class)
			m.Values = slices.Clone(m.Values) // which lets go of all other heads and classes
			all[method] = m
		case Heads:
			all[method], err = e.Average(attention.Last, class)
		case GradCAM:
			all[GradCAM], all[Rollout], err = m.(Attributer).Baselines(ctx, class, input)
		case Random:
			all[method] = RandomMap(e.Rows, e.Cols, scramble(seed, uint64(class)))
		case Centre:
			all[method] = CentreMap(e.Rows, e.Cols)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Image, err)
		}
	}
	return all, nil
}
