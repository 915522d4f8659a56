package faithful

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// data are the pictures that are measured, and what is known of them.
type data struct {
	split *datasets.Split
	*datasets.Labels
	drawn   *birds.Options // nil where the dataset is none of drawn birds
	minimal map[int][]kinds
	parts   map[string][]datasets.Part
	boxes   map[string]datasets.Box
	files   string // of parts and boxes
	target  string // what is to be pointed at, in words; empty where nothing is known
}

func open(o Options, about model.About) (*data, error) {
	d := &data{}
	var err error
	if d.split, err = datasets.OpenSplit(o.Dataset, o.Split); err != nil {
		return nil, err
	}
	if d.Labels, err = d.split.Labels(about.Classes, about.Names, o.ByOrder); err != nil {
		return nil, err
	}
	if err := d.openBoxes(o); err != nil {
		return nil, err
	}
	if set, err := birds.Open(o.Dataset); err == nil && !d.Some() { // species by species
		if _, _, err := set.Find(d.split.Key(0)); err == nil {
			d.drawn = &set
			species, err := birds.First(set.Classes)
			if err != nil {
				return nil, err
			}
			d.minimal = minimalSets(species)
		}
	}
	switch {
	case len(d.parts)+len(d.boxes) == 0:
	case d.drawn != nil:
		d.target = "telling part"
	default:
		d.target = "whole animal"
	}
	return d, nil
}

// openBoxes reads where parts and animals lie.
func (d *data) openBoxes(o Options) error {
	paths, named := []string{o.Parts}, o.Parts != ""
	if !named {
		paths = []string{filepath.Join(o.Dataset, "parts.csv"), filepath.Join(o.Dataset, "boxes.csv")}
	}
	var found []string
	for _, path := range paths {
		if _, err := os.Stat(path); !named && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		boxes, noBoxes := datasets.ReadBoxes(path)
		if noBoxes == nil {
			d.boxes = boxes
		} else if parts, err := datasets.ReadParts(path); err == nil {
			d.parts = parts
		} else if !named && filepath.Base(path) == "boxes.csv" {
			return noBoxes
		} else {
			return err
		}
		found = append(found, path)
	}
	d.files = strings.Join(found, " and ")
	return nil
}

// aim is what maps should point at in a picture.
type aim struct {
	box   datasets.Box // that counts: the telling part of a drawn bird, where that is seen, else the whole animal
	whole datasets.Box // the animal
}

// turned is where they are when the picture, as it is then, was turned.
func (a aim) turned(o picture.Orientation, p *picture.Picture) aim {
	return aim{a.box.Turned(o, p), a.whole.Turned(o, p)}
}

// targets are those of a picture as it lies in its file.
func (d *data) targets(split *datasets.Split, i int) aim {
	key := split.Key(i)
	var telling, union datasets.Box
	for _, p := range d.parts[key] {
		if p.Box == (datasets.Box{}) {
			continue
		}
		if d.drawn != nil && p.Visible && p.Name == birds.At(split.Class(i)).Telling.String() {
			telling = p.Box
		}
		if union == (datasets.Box{}) {
			union = p.Box
		}
		union = datasets.Box{X0: min(union.X0, p.Box.X0), Y0: min(union.Y0, p.Box.Y0), X1: max(union.X1, p.Box.X1),
			Y1: max(union.Y1, p.Box.Y1)}
	}
	whole := d.boxes[key]
	if whole == (datasets.Box{}) {
		whole = union
	}
	if d.drawn != nil {
		return aim{telling, whole}
	}
	return aim{whole, whole}
}

// first are at most n pictures, or all where n is 0: the first of every class, then the second.
func (d *data) first(n int) (all []int) {
	var round []int // by picture: how many of its class come before it
	seen := make([]int, len(d.split.Classes))
	for i := range d.split.Len() {
		class := d.split.Class(i)
		all, round = append(all, i), append(round, seen[class])
		seen[class]++
	}
	slices.SortStableFunc(all, func(a, b int) int { return round[a] - round[b] }) // classes are in order
	if n == 0 {
		return all
	}
	return all[:min(n, len(all))]
}

// training is the pictures that heads are chosen on, some of each class. Where heads cannot be chosen it says why.
func (d *data) training(o Options) (train *datasets.Split, pictures []int, why string) {
	if d.target == "" {
		return nil, nil, "Nothing was pointed at and no head chosen: there is neither parts.csv nor boxes.csv."
	}
	train, err := datasets.OpenSplit(o.Dataset, "train")
	if err != nil || !slices.Equal(train.Classes, d.split.Classes) {
		return nil, nil, fmt.Sprintf("No head was chosen: there are no training pictures of the same classes in %s.",
			filepath.Join(o.Dataset, "train"))
	}
	taken := make([]int, len(d.split.Classes))
	for i := range train.Len() {
		class := train.Class(i)
		if taken[class] < training && d.targets(train, i).box != (datasets.Box{}) {
			taken[class]++
			pictures = append(pictures, i)
		}
	}
	if none := slices.Index(taken, 0); none >= 0 {
		return nil, nil, fmt.Sprintf("No head was chosen: the training pictures of %s have no boxes.",
			d.split.Classes[none])
	}
	return train, pictures, ""
}

// pointing is how a head points at the targets of pictures.
type pointing struct {
	hits   int // the strongest cell touches it
	energy float64
}

func (t *pointing) add(e *attention.Explanation, head, class int, box datasets.Box, p *picture.Picture) error {
	m, err := e.Map(attention.Last, head, class)
	if err != nil {
		return err
	}
	hit, broken := Point(m, box, p.Width, p.Height)
	inside, _ := Energy(m, box, p.Width, p.Height)
	t.hits += int(count(hit.Cell))
	t.energy += inside
	return broken
}

// choose takes, for every class, the head of the last layer whose strongest cell most often touches the target in
// training pictures; of several the one with most of its weight in it.
func (r *runner) choose(ctx context.Context) error {
	train, pictures, why := r.training(r.Options)
	if why != "" {
		r.report.Notes = append(r.report.Notes, why)
		return nil
	}
	of := make([]int, len(r.Names))
	heads := make([][]pointing, len(r.Names))
	for n, i := range pictures {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.progress(Progress{"choosing heads", n, len(pictures)})
		p, at, e, err := r.explain(ctx, train, i)
		if err != nil {
			return err
		}
		class := r.Index[train.Class(i)]
		if heads[class] == nil {
			heads[class] = make([]pointing, e.Heads)
		}
		of[class]++
		for head := range heads[class] {
			if err := heads[class][head].add(e, head, class, at.box, p); err != nil {
				return err
			}
		}
	}
	r.heads = make([]int, len(r.Names))
	for class, list := range heads {
		if list == nil {
			continue // a class without pictures
		}
		best := 0
		for head, p := range list {
			if q := list[best]; p.hits > q.hits || p.hits == q.hits && p.energy > q.energy {
				best = head
			}
		}
		r.heads[class] = best
		r.report.Chosen = append(r.report.Chosen, Chosen{Class: class, Name: r.Names[class], Head: best,
			Hits: list[best].hits, Of: of[class]})
	}
	r.methods = slices.Insert(r.methods, 0, Head)
	return nil
}

// explain answers a picture of the dataset, which comes as the model reads it, with what is to be pointed at in it.
func (r *runner) explain(ctx context.Context, split *datasets.Split, i int) (*picture.Picture, aim,
	*attention.Explanation, error) {
	p, turned, err := r.about.Read(split.Path(i))
	if err != nil {
		return nil, aim{}, nil, err
	}
	e, err := r.m.Explain(ctx, split.Key(i), p)
	return p, r.targets(split, i).turned(turned, p), e, err
}
