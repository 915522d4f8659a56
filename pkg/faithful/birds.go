package faithful

import (
	"context"
	"fmt"
	"math"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Logits answers a picture of any size with a logit a class.
type Logits func(ctx context.Context, p *picture.Picture) ([]float32, error)

// MapOf is where a method says that a class was seen in a picture of any size:
// a map that lies over all of it, of numbers that are larger where more was seen.
type MapOf func(ctx context.Context, p *picture.Picture, class int) (attention.Map, error)

// Protocol is what FunnyBirds' protocol (Hesse, Schaub-Meyer and Roth, ICCV 2023)
// says of a map of one drawn picture, for the class that the model predicts. All
// but Importance lie between 0 and 1, and more is better; NaN stands for what
// this picture cannot tell.
//
// The importance of a part, to the map, is the share of the map's weight in the
// part's box. Where the protocol asks which parts are important, those are meant
// whose share among all parts is at least a threshold, and the number is the mean
// over the thresholds 0.05, 0.10 … 0.50. The paper takes such means for some of
// its scores and the best threshold for others.
type Protocol struct {
	// Importance is Spearman's rank correlation, over the parts, of their
	// importance with how far the class's logit drops when the part is not there
	// (the paper's single deletion), -1 to 1.
	Importance float64 `json:"importance"`
	// Deletion is whether the class is no longer predicted without the important
	// parts; Preservation, whether it is still with them alone.
	Deletion     float64 `json:"deletion"`
	Preservation float64 `json:"preservation"`
	// Distractibility is the part of the parts without effect that the map does
	// not call important: those without which the logit drops by at most 5 % of
	// what it stands above the mean of all logits.
	Distractibility float64 `json:"distractibility"`
	// Sensitivity (target sensitivity): a bird is drawn with the telling parts of
	// two species. The map for each gives its own telling part more importance
	// than the map for the other does. Mean over the two and up to three such
	// birds.
	Sensitivity float64 `json:"sensitivity"`
}

// Removed is a drawn picture whose bird is drawn again without some of its parts,
// and what the model says to it.
type Removed struct {
	Class int // the predicted one
	Right bool
	// Drops is how far the class's logit drops without each part.
	Drops [birds.Kinds]float64
	// Background is the part of four other backgrounds before which the class's
	// logit drops by at most 5 % of what it stands above the mean of all logits
	// (the paper's background independence, where objects are removed instead). It
	// is the model's, not a map's.
	Background float64

	options birds.Options
	species birds.Species
	scene   birds.Scene
	photo   *picture.Picture
	parts   []datasets.Part
	logits  Logits
	without map[uint][]float32 // by the parts that are missing
	others  []double
}

// A double is a bird with the telling parts of two species.
type double struct {
	a, b  birds.Species
	photo *picture.Picture
	parts []datasets.Part
}

const (
	slight     = 0.05 // of the lead of a logit: a change that counts for nothing
	grounds    = 4
	mostOthers = 3
)

var thresholds = []float64{0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50}

// Remove answers a drawn picture, named as in parts.csv, with each of its parts
// removed and before other backgrounds. What is drawn is the same for all
// methods that Judge is asked of.
func Remove(ctx context.Context, o birds.Options, key string, logits Logits) (*Removed, error) {
	species, scene, err := o.Find(key)
	if err != nil {
		return nil, err
	}
	r := &Removed{options: o, species: species, scene: scene, logits: logits, without: map[uint][]float32{}}
	r.photo, r.parts = birds.Draw(species, scene, o.Size)
	whole, err := r.missing(ctx, 0)
	if err != nil {
		return nil, err
	}
	if len(whole) != o.Classes {
		return nil, fmt.Errorf("the model has %d classes, and there are %d species in this dataset: only a model of all of them can be asked what a part does", len(whole), o.Classes)
	}
	r.Class = best(whole)
	r.Right = r.Class == species.Index
	for k := range birds.Kinds {
		less, err := r.missing(ctx, 1<<k)
		if err != nil {
			return nil, err
		}
		r.Drops[k] = float64(whole[r.Class]) - float64(less[r.Class])
	}
	lead := r.lead()
	for i := range grounds {
		// Scenes of a split that no dataset has: nobody learned them.
		other := birds.NewScene(o.Seed, "background", species.Index, i)
		p, _ := birds.Draw(species, scene.Before(other), o.Size)
		there, err := logits(ctx, p)
		if err != nil {
			return nil, err
		}
		if float64(whole[r.Class])-float64(there[r.Class]) <= slight*lead {
			r.Background++
		}
	}
	r.Background /= grounds
	all, err := birds.First(o.Classes)
	if err != nil {
		return nil, err
	}
	for step := 1; step < len(all) && len(r.others) < mostOthers; step++ {
		// From the species on, one of each pair, so that all serve about as often.
		other := all[(species.Index+step)%len(all)]
		if other.Family != species.Family || other.Telling == species.Telling || step%2 == 0 {
			continue
		}
		d := double{a: species, b: other}
		d.photo, d.parts = birds.Draw(species.With(other.Telling, other), scene, o.Size)
		r.others = append(r.others, d)
	}
	return r, nil
}

// missing are the logits without a set of parts, a bit each.
func (r *Removed) missing(ctx context.Context, parts uint) ([]float32, error) {
	if known := r.without[parts]; known != nil {
		return known, nil
	}
	var kinds []birds.Kind
	for k := range birds.Kinds {
		if parts>>k&1 == 1 {
			kinds = append(kinds, birds.Kind(k))
		}
	}
	p := r.photo
	if len(kinds) > 0 {
		p, _ = birds.Draw(r.species, r.scene.Without(kinds...), r.options.Size)
	}
	logits, err := r.logits(ctx, p)
	if err == nil {
		r.without[parts] = logits
	}
	return logits, err
}

// lead is how far the class's logit stands above the mean of all.
func (r *Removed) lead() float64 {
	whole := r.without[0]
	mean := 0.0
	for _, v := range whole {
		mean += float64(v) / float64(len(whole))
	}
	return float64(whole[r.Class]) - mean
}

// Judge is what the protocol says of a method's map of this picture. A map that
// says nothing (flat, or not a number) is an error, ErrDegenerate.
func (r *Removed) Judge(ctx context.Context, mapOf MapOf) (Protocol, error) {
	none := Protocol{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	m, err := mapOf(ctx, r.photo, r.Class)
	if err != nil {
		return none, err
	}
	shares, err := r.shares(m, r.parts)
	if err != nil {
		return none, err
	}
	result := none
	result.Importance = Spearman(shares[:], r.Drops[:])
	total := 0.0
	for _, s := range shares {
		total += s
	}
	lead := r.lead()
	var idle uint
	for k, drop := range r.Drops {
		if drop <= slight*lead {
			idle |= 1 << k
		}
	}
	const all = 1<<birds.Kinds - 1
	result.Deletion, result.Preservation = 0, 0
	spared := 0.0
	for _, t := range thresholds {
		var important uint
		for k, s := range shares {
			if total > 0 && s >= t*total {
				important |= 1 << k
			}
		}
		deleted, err := r.missing(ctx, important)
		if err != nil {
			return none, err
		}
		kept, err := r.missing(ctx, all&^important)
		if err != nil {
			return none, err
		}
		if best(deleted) != r.Class {
			result.Deletion++
		}
		if best(kept) == r.Class {
			result.Preservation++
		}
		if idle != 0 {
			spared += count(idle&^important) / count(idle)
		}
	}
	n := float64(len(thresholds))
	result.Deletion /= n
	result.Preservation /= n
	if idle != 0 {
		result.Distractibility = spared / n
	}
	result.Sensitivity, err = r.sensitivity(ctx, mapOf)
	return result, err
}

func (r *Removed) sensitivity(ctx context.Context, mapOf MapOf) (float64, error) {
	won, of := 0.0, 0.0
	for _, d := range r.others {
		var shares [2][birds.Kinds]float64
		for i, species := range []birds.Species{d.a, d.b} {
			m, err := mapOf(ctx, d.photo, species.Index)
			if err != nil {
				return math.NaN(), err
			}
			if shares[i], err = r.shares(m, d.parts); err != nil {
				return math.NaN(), err
			}
		}
		of += 2
		if shares[0][d.a.Telling] > shares[1][d.a.Telling] {
			won++
		}
		if shares[1][d.b.Telling] > shares[0][d.b.Telling] {
			won++
		}
	}
	return won / of, nil // NaN without others
}

// shares is the part of a map's weight in the box of each part.
func (r *Removed) shares(m attention.Map, parts []datasets.Part) (shares [birds.Kinds]float64, err error) {
	for _, part := range parts {
		k, err := birds.KindOf(part.Name)
		if err != nil {
			return shares, err
		}
		if shares[k], err = Energy(m, part.Box, r.options.Size, r.options.Size); err != nil {
			return shares, err
		}
	}
	return shares, nil
}

func best(logits []float32) int {
	first := 0
	for i, v := range logits {
		if v > logits[first] {
			first = i
		}
	}
	return first
}

func count(bits uint) (n float64) {
	for ; bits != 0; bits &= bits - 1 {
		n++
	}
	return n
}
