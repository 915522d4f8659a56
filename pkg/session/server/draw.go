package server

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/chart"
	evaluated "github.com/gointr/gointr/pkg/evaluation/plots"
	measured "github.com/gointr/gointr/pkg/faithful/plots"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/fieldguide/book"
	"github.com/gointr/gointr/pkg/figure"
	trained "github.com/gointr/gointr/pkg/finetune/plots"
	"github.com/gointr/gointr/pkg/interpret/album"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// figures keeps the last figures: one is made, shown and saved by three calls. The zero value is ready for use.
type figures struct {
	recent[drawingID, *plate]
	drawing sync.Mutex // one at a time, so that the letters that it lacks are its own
}

const mostFigures = 8

// plate is a figure or a page, with what was made of it already.
type plate struct {
	drawing
	about wire.Drawn
	png   []byte
}

// drawing is what packages figure and chart draw, and page.
type drawing interface {
	PNG() ([]byte, error)
	Save(path string) error
	Size() (width, height vg.Length)
}

// page is HTML, or another file that has one form only.
type page struct{ save func(path string) error }

func (p page) Save(path string) error          { return p.save(path) }
func (p page) PNG() ([]byte, error)            { return nil, errors.New("a page is no picture") }
func (p page) Size() (width, height vg.Length) { return 0, 0 }
func asPage(html []byte, err error) (drawing, error) {
	return page{func(path string) error { return wholefile.Bytes(path, html) }}, err
}

// drawingID tells one drawing from another.
type drawingID [sha256.Size]byte

// mostDrawing is more than any drawing takes: explanations of 200 classes in full, with large photographs.
const mostDrawing = 1 << 30

func readDrawing(in *bufio.Reader, bytes int) (d session.Drawing, asked drawingID, err error) {
	if bytes < 1 || bytes > mostDrawing {
		return nil, asked, fmt.Errorf("a drawing of %d bytes is none", bytes)
	}
	h := sha256.New()
	from := io.TeeReader(io.LimitReader(in, int64(bytes)), h)
	if err := gob.NewDecoder(from).Decode(&d); err != nil {
		return nil, asked, fmt.Errorf("what is to be drawn did not arrive: %w", err)
	}
	return d, drawingID(h.Sum(nil)), nil
}

func (s *server) draw(ctx context.Context, r wire.Request, what session.Drawing, asked drawingID, out *reply) error {
	var f *plate
	var err error
	figures, alone := &s.models.figures, true
	switch what.(type) {
	case *session.StudyPage, *session.StudyFolder, *session.GuidePage, *session.GuideFiles: // seconds, and in one form
		alone = false
		f, err = s.plate(what)
	default:
		figures.drawing.Lock()
		defer figures.drawing.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		there := false
		if f, there = figures.get(asked); !there {
			if f, err = s.plate(what); err == nil {
				figures.put(asked, f, 0, mostFigures, 0)
			}
		}
	}
	if err != nil {
		return err
	}
	file, err := f.file(r.Image, r.Form)
	if err != nil {
		return err
	}
	if alone {
		f.about.Missing = cmp.Or(letters.Missing(), f.about.Missing)
	}
	return out.finish(f.about, file)
}

// plate draws.
func (s *server) plate(what session.Drawing) (*plate, error) {
	d, err := s.make(what)
	if err != nil {
		return nil, err
	}
	width, _ := d.Size()
	f := &plate{drawing: d, about: wire.Drawn{Width: width.Points()}}
	if maps, ok := d.(*figure.Figure); ok {
		f.about.Caption = maps.Caption()
	}
	return f, nil
}

// file is the figure as a file of a name, in the form of its ending; nil without a form.
func (f *plate) file(name, form string) (data []byte, err error) {
	switch form {
	case "":
		return nil, nil
	case ".png":
		if f.png == nil {
			f.png, err = f.PNG()
		}
		return f.png, err
	case "/": // it is written where it is to be
		return nil, f.Save(name)
	}
	dir, err := os.MkdirTemp("", "gointr-figure-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(name))
	if err := f.Save(path); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), path, name))
	}
	return os.ReadFile(path)
}

// make calls what draws.
func (s *server) make(what session.Drawing) (drawing, error) {
	switch d := what.(type) {
	case *session.HeadRow:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.HeadRow(e.Explanation, d.Layer, d.Class, e.photo, d.Look)
		})
	case *session.Layers:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.Layers(e.Explanation, d.Class, e.photo, d.Look)
		})
	case *session.Film:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.Film(e.Explanation, d.Class, d.Head, e.photo, d.Look)
		})
	case *session.Compare:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.Compare(e.Explanation, d.Layer, d.Classes, e.photo, d.Look)
		})
	case *session.Difference:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.Difference(e.Explanation, d.Layer, d.A, d.B, e.photo, d.Look)
		})
	case *session.Explorer:
		return figureOf(s, d.Of, func(e *explained) (drawing, error) {
			return asPage(figure.Explorer(e.Explanation, e.photo,
				figure.ExplorerOptions{Class: d.Class, Layer: d.Layer, Look: d.Look}))
		})
	case *session.Data:
		return figureOf(s, d.Of, func(e *explained) (drawing, error) {
			return page{func(path string) error {
				return figure.WriteData(path, e.Explanation, d.Class, e.Source)
			}}, nil
		})
	case *session.Maps:
		return figureOf(s, d.Of, func(e *explained) (*figure.Figure, error) {
			return figure.Maps(d.Labels, d.Maps, e.photo, d.Look)
		})
	case *session.Grid:
		var rows []figure.Row
		for _, r := range d.Rows {
			e, err := s.explained(r.Of)
			if err != nil {
				return nil, err
			}
			rows = append(rows, figure.Row{Explanation: e.Explanation, Photo: e.photo, Class: r.Class,
				Heading: r.Heading, Source: e.Source})
		}
		return typed(figure.Grid(rows, d.Layer, d.Heads, d.Look))
	case *session.Change:
		before, err := s.explained(d.Before)
		if err != nil {
			return nil, err
		}
		after, err := s.explained(d.After)
		if err != nil {
			return nil, err
		}
		return typed(chart.Change(before.Explanation, after.Explanation, before.photo, after.photo, d.Classes))
	}
	return s.makeReport(what)
}

// makeReport draws what was counted, measured and looked at.
func (s *server) makeReport(what session.Drawing) (drawing, error) {
	switch d := what.(type) {
	case *session.Confusion:
		return typed(evaluated.Confusion(d.Report, d.Most))
	case *session.Calibration:
		return typed(evaluated.Calibration(d.Report))
	case *session.Measures:
		return typed(measured.Measures(d.Report))
	case *session.MeasureCurves:
		return typed(measured.Curves(d.Report))
	case *session.TrainingCurves:
		return typed(trained.Curves(d.Lines))
	case *session.Sheet:
		a, err := borrowed[*album.Album](s, d.Kept)
		if err != nil {
			return nil, err
		}
		return typed(a.Sheet())
	case *session.StudyPage:
		a, err := borrowed[*album.Album](s, d.Kept)
		if err != nil {
			return nil, err
		}
		return asPage(a.Page(album.NotebookPage))
	case *session.StudyFolder:
		a, err := borrowed[*album.Album](s, d.Kept)
		return page{func(dir string) error { return a.Save(dir) }}, err
	case *session.Plate:
		g, err := borrowed[*fieldguide.Guide](s, d.Kept)
		if err != nil {
			return nil, err
		}
		return typed(book.Plate(g, d.Class))
	case *session.GuidePage:
		g, err := borrowed[*fieldguide.Guide](s, d.Kept)
		return page{func(path string) error {
			return wholefile.Write(path, func(w io.Writer) error { return book.WriteHTML(context.Background(), g, w) })
		}}, err
	case *session.GuideFiles:
		g, err := borrowed[*fieldguide.Guide](s, d.Kept)
		return page{func(path string) error { return book.Save(context.Background(), g, path) }}, err
	}
	return nil, fmt.Errorf("this session does not know how to draw %T", what)
}

// explained is a subject in full.
type explained struct {
	session.Subject
	photo image.Image // nil without one
}

func (s *server) explained(asked session.Subject) (*explained, error) {
	e := &explained{Subject: asked}
	if asked.Answer != "" {
		kept := s.models.memo.named(asked.Answer)
		if kept == nil {
			return nil, errUnknown
		}
		e.Explanation.Weights, e.Explanation.Pooled = kept.Weights, kept.Pooled
	}
	photo, err := s.models.photos.find(asked.Photo)
	if err != nil {
		return nil, err
	}
	if photo != nil {
		e.photo = photo
	}
	return e, nil
}

// figureOf draws what is explained.
func figureOf[D drawing](s *server, of session.Subject, draw func(*explained) (D, error)) (drawing, error) {
	e, err := s.explained(of)
	if err != nil {
		return nil, err
	}
	return typed(draw(e))
}

// typed keeps a nil of a type from being a drawing.
func typed[D drawing](d D, err error) (drawing, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}
