package interpret

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Model answers one picture with its logits and every attention map. image is
// what to call the picture in errors.
type Model func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error)

// Options say what is looked at.
type Options struct {
	Layer int // of the decoder, from 0; attention.Last is the last
	TopQ  int // how many of the most similar classes
}

// Defaults are the options of the published script: the last of six layers, and
// five classes.
var Defaults = Options{Layer: attention.Last, TopQ: 5}

// Picture is one picture as a model sees it. Its maps are copies: it keeps
// nothing of the explanation, of which an INTR-R50's has 32 MB.
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
	// Peaks is where each head looked most for the true class, x and y in pixels of
	// the picture: the centre of its greatest weight; null for a flat map.
	Peaks []*[2]float64 `json:"peaks"`

	// Maps [Similar][head] is where each head looked for the similar classes, and
	// Averages [Similar] the mean of all heads. Of a subject that is taken for
	// another class, Similar is the true class and the other.
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

// Verify reads the subject's pictures, on all cores, and gives those that cannot
// be read, in order. Progress, which may be nil, is told how many are done.
func (s *Subject) Verify(ctx context.Context, progress func(done int)) ([]datasets.Bad, error) {
	var bad []datasets.Bad
	var lock sync.Mutex
	done := 0
	parallel.Do(len(s.Images), func(next func() (int, bool)) {
		for i, ok := next(); ok && ctx.Err() == nil; i, ok = next() {
			_, err := picture.Open(s.Dataset.Split.Path(s.Images[i]))
			lock.Lock()
			if err != nil {
				bad = append(bad, datasets.Bad{Index: s.Images[i], Err: err})
			}
			if done++; progress != nil {
				progress(done)
			}
			lock.Unlock()
		}
	})
	slices.SortFunc(bad, func(a, b datasets.Bad) int { return a.Index - b.Index })
	return bad, ctx.Err()
}

// Unreadable is the error for pictures that Verify found: one sentence.
func (s *Subject) Unreadable(bad []datasets.Bad) error {
	reasons := make([]string, len(bad))
	for i, b := range bad {
		reasons[i] = b.Err.Error()
	}
	return fmt.Errorf("%d of the %d pictures of %s cannot be read: %s", len(bad), len(s.Images), s.Name(), strings.Join(reasons, "; "))
}

// Without is the subject without these pictures. It is an error when none is
// left.
func (s *Subject) Without(bad []datasets.Bad) (*Subject, error) {
	left := *s
	left.Images = slices.DeleteFunc(slices.Clone(s.Images), func(i int) bool {
		return slices.ContainsFunc(bad, func(b datasets.Bad) bool { return b.Index == i })
	})
	if len(left.Images) == 0 {
		return nil, errors.New("no picture of " + s.Name() + " can be read")
	}
	return &left, nil
}

// Each is the subject's pictures, one after the other, in order; the model never
// runs on others. While one is made use of the next is answered, and no more
// than these two are in memory. The first error ends it.
func (s *Subject) Each(ctx context.Context, model Model, o Options) iter.Seq2[*Picture, error] {
	return func(yield func(*Picture, error) bool) {
		if o.TopQ < 1 {
			yield(nil, fmt.Errorf("at least 1 similar class must be asked for, not %d", o.TopQ))
			return
		}
		type answer struct {
			*Picture
			err error
		}
		ctx, cancel := context.WithCancel(ctx)
		answers := make(chan answer)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() {
			defer close(answers)
			for _, i := range s.Images {
				var a answer
				a.Picture, a.err = s.look(ctx, model, i, o)
				select {
				case answers <- a:
				case <-ctx.Done():
					return
				}
				if a.err != nil {
					return
				}
			}
		})
		for range s.Images {
			a, more := <-answers
			if !more {
				yield(nil, context.Cause(ctx))
				return
			}
			if !yield(a.Picture, a.err) || a.err != nil {
				return
			}
		}
	}
}

func (s *Subject) look(ctx context.Context, model Model, i int, o Options) (*Picture, error) {
	d := s.Dataset
	path := d.Split.Path(i)
	photo, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	answered, err := model(ctx, path, photo)
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
		Image: d.Split.Key(i), Class: s.Class, Name: e.Name(s.Class), Predicted: e.Best(), Layer: o.Layer, Map: [2]int{e.Rows, e.Cols},
		Logits: slices.Clone(e.Logits), Photo: photo, Parts: d.Parts[d.Split.Key(i)],
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
			p.Similar = append(p.Similar, all[slices.IndexFunc(all, func(c attention.Class) bool { return c.Index == class })])
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
