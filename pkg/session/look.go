package session

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// StudyOptions are what Study looks at: a class of a dataset, or its confusions.
type StudyOptions struct {
	Dataset, Split string
	Class          string // by name or number
	Confusions     bool   // looks at confusions instead
	Pairs          int    // of classes that are confused most often
	ByOrder        bool   // takes the folders in their order for the model's first classes, whatever their names
	interpret.Options
}

// Study is what was found. Its Sheet, StudyPage and StudyFolder can be drawn as long as the process lives.
type Study struct {
	*interpret.Study        // nil where nothing is confused
	Answered         int    // pictures, where confusions were looked for
	Kept             string // by which the session knows it
}

// Guide is a field guide, whose Plate, GuidePage and GuideFiles can be drawn as long as the process lives.
type Guide struct {
	*fieldguide.Guide
	Kept string
}

// Study has the session answer the pictures of a class, or all of a split and then those that are taken for another
// class, as interpret.NewStudy does; tell hears how far it is. All pictures are read before the first is answered:
// damaged ones are the error. When ctx ends, the session stops.
func (m *Model) Study(ctx context.Context, o StudyOptions, tell func(doing string, done, of int)) (*Study, error) {
	var s Study
	return &s, m.look(ctx, o.Dataset, wire.Looked{Study: encoded(o)}, tell, &s)
}

// FieldGuide has the session make a field guide, as fieldguide.Make does.
func (m *Model) FieldGuide(ctx context.Context, dataset string, o fieldguide.Options,
	tell func(doing string, done, of int)) (*Guide, error) {
	var g Guide
	return &g, m.look(ctx, dataset, wire.Looked{Guide: encoded(o)}, tell, &g)
}

// kept are the calls whose results the session keeps until they, or the process, end.
var kept []*call

func (m *Model) look(ctx context.Context, dataset string, o wire.Looked, tell func(string, int, int),
	result any) error {
	var err error
	if o.Dataset, err = filepath.Abs(dataset); err != nil {
		return err
	}
	o.Named, o.About = dataset, m.about
	progress := m.progress
	if progress == nil {
		progress = io.Discard
	}
	c, err := dial(ctx, progress)
	if err != nil {
		return err
	}
	c.tell = func(text json.RawMessage) {
		var p wire.Progress
		if json.Unmarshal(text, &p) == nil {
			tell(p.Doing, p.Done, p.Of)
		}
	}
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	_, err = c.talk(progress, wire.Request{Do: wire.Look, Backend: m.backend, Weights: m.weights, Options: encoded(o)},
		nil, result)
	if err == nil {
		kept = append(kept, c)
		return nil
	}
	c.conn.Close()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errLost):
		return fmt.Errorf("the session was ended in the middle of this; its log may say why: %s", c.place.Log())
	}
	return err
}

// encoded is what has a form in JSON.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Of is a model that is open, by what it is, its engine and its weights: in the session itself, for its callers.
func Of(about model.About, backend, weights string) *Model {
	return &Model{about: about, backend: backend, weights: weights}
}

// What can be drawn of reports, trainings, studies and field guides: see the functions of packages plots, album and
// book.
type (
	Confusion struct {
		Report *evaluation.Report
		Most   int // classes
	}
	Calibration    struct{ Report *evaluation.Report }
	Measures       struct{ Report *faithful.Report }
	MeasureCurves  struct{ Report *faithful.Report }
	TrainingCurves struct{ Lines []finetune.Line }
	Sheet          struct{ Kept string }
	StudyPage      struct{ Kept string } // of the size of a notebook's
	StudyFolder    struct{ Kept string } // in the form "/": the name is that of the folder, in full
	Plate          struct{ Kept, Class string }
	GuidePage      struct{ Kept string }
	GuideFiles     struct{ Kept string } // in the form "/": the name is that of the page, in full
)

func (*Confusion) subjects() []*Subject      { return nil }
func (*Calibration) subjects() []*Subject    { return nil }
func (*Measures) subjects() []*Subject       { return nil }
func (*MeasureCurves) subjects() []*Subject  { return nil }
func (*TrainingCurves) subjects() []*Subject { return nil }
func (*Sheet) subjects() []*Subject          { return nil }
func (*StudyPage) subjects() []*Subject      { return nil }
func (*StudyFolder) subjects() []*Subject    { return nil }
func (*Plate) subjects() []*Subject          { return nil }
func (*GuidePage) subjects() []*Subject      { return nil }
func (*GuideFiles) subjects() []*Subject     { return nil }

func init() {
	for _, d := range []Drawing{&Confusion{}, &Calibration{}, &Measures{}, &MeasureCurves{}, &TrainingCurves{},
		&Sheet{},
		&StudyPage{}, &StudyFolder{}, &Plate{}, &GuidePage{}, &GuideFiles{}} {
		gob.Register(d)
	}
}
