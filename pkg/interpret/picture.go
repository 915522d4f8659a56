package interpret

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// Options say what is looked at.
type Options struct {
	Layer int // of the decoder, from 0; attention.Last is the last
	TopQ  int // how many of the most similar classes
}

// Defaults are the options of the published script: the last of six layers, and five classes.
var Defaults = Options{Layer: attention.Last, TopQ: 5}

// Picture is one picture as a model sees it. Its maps are copies: it keeps nothing of the explanation, of which an
// INTR-R50's has 32 MB.
type Picture struct {
	Image     string            `json:"image"` // its place in the dataset, with slashes
	Class     int               `json:"class"` // the true one
	Name      string            `json:"name"`
	Right     bool              `json:"right"` // the true class comes first
	Predicted attention.Class   `json:"predicted"`
	Rank      int               `json:"rank"` // of the true class, from 1
	Similar   []attention.Class `json:"similar"`
	Layer     int               `json:"layer"`       // of the decoder, from 0
	Map       [2]int            `json:"feature_map"` // rows and columns of the maps
	// Peaks is where each head looked most for the true class, x and y in pixels of the picture: the centre of its
	// greatest weight; null for a flat map.
	Peaks []*[2]float64 `json:"peaks"`

	// Maps [Similar][head] is where each head looked for the similar classes, and Averages [Similar] the mean of all
	// heads. Of a subject that is taken for another class, Similar is the true class and the other.
	Maps     [][]attention.Map `json:"-"`
	Averages []attention.Map   `json:"-"`
	Logits   []float32         `json:"-"` // by class
	Photo    *picture.Picture  `json:"-"` // as the file has it
	Parts    []datasets.Part   `json:"-"` // where they are known
}

// True is the place of the true class in Similar.
func (p *Picture) True() int {
	return slices.IndexFunc(p.Similar, func(c attention.Class) bool { return c.Index == p.Class })
}

// Probability is that of the true class.
func (p *Picture) Probability() float64 { return p.Similar[p.True()].Probability }

// Each is the subject's pictures, one after the other, in order; the model never runs on others. While one is made use
// of the next is answered, and no more than these two are in memory. The first error ends it.
func (s *Subject) Each(ctx context.Context, m model.Model, o Options) iter.Seq2[*Picture, error] {
	return func(yield func(*Picture, error) bool) {
		if o.TopQ < 1 {
			yield(nil, fmt.Errorf("at least 1 similar class must be asked for, not %d", o.TopQ))
			return
		}
		look := func(ctx context.Context, i int) (*Picture, error) { return s.look(ctx, m, i, o) }
		for p, err := range parallel.Ahead(ctx, s.Pictures.Len(), 1, 0, look) {
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

func (s *Subject) look(ctx context.Context, m model.Model, i int, o Options) (*Picture, error) {
	d := s.Dataset
	path, key := s.Pictures.Path(i), s.Pictures.Key(i)
	photo, turned, err := m.About().Read(path)
	if err != nil {
		return nil, err
	}
	answered, err := m.Explain(ctx, path, photo)
	if err != nil {
		return nil, err
	}
	e := *answered // which may be kept by others
	e.Names = d.Names
	if e.Classes() != len(d.Names) {
		return nil, fmt.Errorf("%s: the model answered for %d classes, not %d", path, e.Classes(), len(d.Names))
	}
	if err := e.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if o.Layer == attention.Last {
		o.Layer = e.Layers - 1
	}
	p := &Picture{
		Image: key, Class: s.Class, Name: e.Name(s.Class), Predicted: e.Best(), Layer: o.Layer,
		Map: [2]int{e.Rows, e.Cols}, Logits: slices.Clone(e.Logits), Photo: photo,
		Parts: datasets.Turned(d.Parts[key], turned, photo),
	}
	all := e.Top(-1)
	p.Rank = 1 + slices.IndexFunc(all, func(c attention.Class) bool { return c.Index == s.Class })
	p.Right = p.Rank == 1
	if s.Taken < 0 {
		if p.Similar, err = e.Similar(o.TopQ, s.Class); err != nil {
			return nil, err
		}
		p.Similar = slices.Clone(p.Similar)
	} else {
		for _, class := range []int{s.Class, s.Taken} {
			at := slices.IndexFunc(all, func(c attention.Class) bool { return c.Index == class })
			p.Similar = append(p.Similar, all[at])
		}
	}
	for _, class := range p.Similar {
		var heads []attention.Map
		for head := range e.Heads {
			m, err := e.Map(o.Layer, head, class.Index)
			if err != nil {
				return nil, err
			}
			m.Values = slices.Clone(m.Values)
			heads = append(heads, m)
		}
		mean, err := e.Average(o.Layer, class.Index)
		if err != nil {
			return nil, err
		}
		p.Maps, p.Averages = append(p.Maps, heads), append(p.Averages, mean)
	}
	for _, m := range p.Maps[p.True()] {
		var peak *[2]float64
		if !m.Flat() {
			x, y := m.Peak(photo.Width, photo.Height)
			peak = &[2]float64{math.Round(10*x) / 10, math.Round(10*y) / 10}
		}
		p.Peaks = append(p.Peaks, peak)
	}
	return p, nil
}
