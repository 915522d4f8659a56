package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/interpret/album"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// lent are the albums and field guides of callers that are still there, by name.
type lent struct{ sync.Map }

// look studies a class or makes a field guide, and keeps it until its caller leaves. Its pictures stand in line as all
// others do.
func (s *server) look(ctx context.Context, r wire.Request, out *reply) error {
	var o wire.Looked
	if err := json.Unmarshal(r.Options, &o); err != nil {
		return fmt.Errorf("what is to be looked at cannot be read: %w", err)
	}
	tell := func(doing string, done, of int) { _ = out.event(wire.Progress{Doing: doing, Done: done, Of: of}) }
	m, name := session.Of(o.About, r.Backend, r.Weights), rand.Text()
	var kept, result any
	var err error
	switch {
	case o.Study != nil:
		var a *album.Album
		var answered int
		a, answered, err = study(ctx, m, o, tell)
		numbers := session.Study{Answered: answered, Kept: name}
		if a != nil {
			defer a.Close()
			kept, numbers.Study = a, a.Study
		}
		result = numbers
	case o.Guide != nil:
		var g *fieldguide.Guide
		g, err = guide(ctx, m, o, tell)
		kept, result = g, session.Guide{Guide: g, Kept: name}
	default:
		err = errors.New("this session does not know what to look at")
	}
	if err != nil {
		// said of the dataset as the caller calls it
		return errors.New(strings.ReplaceAll(err.Error(), o.Dataset, o.Named))
	}
	s.lent.Store(name, kept)
	defer s.lent.Delete(name)
	if err := out.finish(result); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// study answers the pictures of a class, or of the confusions; nil where there are none.
func study(ctx context.Context, m *session.Model, looked wire.Looked, tell func(string, int, int)) (
	a *album.Album, answered int, err error) {
	var o session.StudyOptions
	if err := json.Unmarshal(looked.Study, &o); err != nil {
		return nil, 0, err
	}
	pictures, err := datasets.OpenSplit(looked.Dataset, o.Split)
	if err != nil {
		return nil, 0, err
	}
	about := m.About()
	labels, err := pictures.Labels(about.Classes, about.Names, o.ByOrder)
	if err != nil {
		return nil, 0, err
	}
	d, err := interpret.New(pictures, labels)
	if err != nil {
		return nil, 0, err
	}
	if !o.Confusions {
		class, err := d.Class(o.Class)
		if err != nil {
			return nil, 0, err
		}
		if err := readable(ctx, class.Pictures, tell); err != nil {
			return nil, 0, err
		}
		a, err = gather(ctx, m, []*interpret.Subject{class}, looked, o.Options, "", tell)
		return a, 0, err
	}
	if err := readable(ctx, d.Split, tell); err != nil {
		return nil, 0, err
	}
	tally, answers := evaluation.New(d.Names), m.Each(ctx, d.Split.Paths())
	err = tally.Count(d.Split.Key, d.Truth, answers, func(done int) { tell("answering ", done, d.Split.Len()) })
	if err != nil {
		return nil, 0, err
	}
	report, err := tally.Report()
	if err != nil {
		return nil, 0, err
	}
	subjects, err := d.Confused(report, o.Pairs)
	if err != nil || len(subjects) == 0 {
		return nil, report.Images, err
	}
	a, err = gather(ctx, m, subjects, looked, o.Options, "looking at what is confused ", tell)
	return a, report.Images, err
}

// readable reads all pictures; bad ones are the error.
func readable(ctx context.Context, pictures *datasets.Split, tell func(string, int, int)) error {
	_, bad, err := pictures.Readable(ctx, false, func(done int) { tell("reading ", done, pictures.Len()) })
	if len(bad) > 0 {
		return fmt.Errorf("%w; remove them, or have gointr interpret --skip-bad leave them out", err)
	}
	return err
}

func gather(ctx context.Context, m *session.Model, subjects []*interpret.Subject, looked wire.Looked,
	o interpret.Options, doing string, tell func(string, int, int)) (*album.Album, error) {
	done, of := 0, 0
	for _, s := range subjects {
		of += s.Pictures.Len()
	}
	tell(doing, 0, of)
	a, err := album.New(ctx, m, subjects, o, func(*interpret.Picture) error {
		done++
		tell(doing, done, of)
		return nil
	})
	if err == nil {
		a.Provenance.Dataset = looked.Named
	}
	return a, err
}

func guide(ctx context.Context, m *session.Model, looked wire.Looked, tell func(string, int, int)) (
	*fieldguide.Guide, error) {
	var o fieldguide.Options
	if err := json.Unmarshal(looked.Guide, &o); err != nil {
		return nil, err
	}
	g, err := fieldguide.Make(ctx, m, looked.Dataset, o,
		func(doing string, done, of int) { tell(doing+" ", done, of) })
	if err == nil {
		g.About.Dataset = looked.Named
	}
	return g, err
}

// borrowed is what a caller was lent.
func borrowed[T any](s *server, name string) (T, error) {
	kept, _ := s.lent.Load(name)
	of, ok := kept.(T)
	if !ok {
		return of, errors.New("the session that looked at this has ended: run the cell again")
	}
	return of, nil
}
