package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"os"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure/look"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// A Drawing is a figure or a page that the session draws (Draw), which has the fonts and what draws. Each type is one
// function of packages figure and chart, whose arguments it has.
type Drawing interface{ subjects() []*Subject }

// Subject is what was explained: the maps of a figure, and the photograph that they are drawn over.
type Subject struct {
	Explanation *attention.Explanation
	Photo       Photo
	Source      origin.Model
	// Answer is by what name the session knows the explanation; "" where it does not.
	Answer string
}

// Photo is a photograph by its pixels, or the file that has them. The zero Photo is none.
type Photo struct {
	Pixels  *picture.Picture
	Path    string // of the file, in full
	Upright bool   // turned as the file says
	Digest  string // of the pixels (Digest), which the file must still have
}

// PhotoOf is a photograph that is at hand, whose Digest is taken when it is drawn over; what is transparent becomes
// white. nil is none.
func PhotoOf(photo image.Image) Photo {
	if photo == nil {
		return Photo{}
	}
	p, ok := photo.(*picture.Picture)
	if !ok {
		b := photo.Bounds()
		flat := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Rect, photo, b.Min, draw.Over)
		p = picture.New(b.Dx(), b.Dy())
		for from, to := 0, 0; to < len(p.Pix); from, to = from+4, to+3 {
			copy(p.Pix[to:to+3], flat.Pix[from:])
		}
	}
	return Photo{Pixels: p}
}

// Digest tells the pixels of one picture from those of another.
func Digest(p *picture.Picture) string {
	h := sha256.New()
	fmt.Fprintln(h, p.Width, p.Height)
	h.Write(p.Pix)
	return hex.EncodeToString(h.Sum(nil))
}

// What can be drawn of explanations: see the functions of package figure, and chart.Change, which have these names.
type (
	HeadRow struct {
		Of           Subject
		Layer, Class int
		Look         look.Options
	}
	Layers struct {
		Of    Subject
		Class int
		Look  look.Options
	}
	Film struct {
		Of          Subject
		Class, Head int
		Look        look.Options
	}
	Compare struct {
		Of      Subject
		Layer   int
		Classes []int
		Look    look.Options
	}
	Difference struct {
		Of          Subject
		Layer, A, B int
		Look        look.Options
	}
	Change struct {
		Before, After Subject
		Classes       []int
	}
	Grid struct {
		Rows  []Row
		Layer int
		Heads []int
		Look  look.Options
	}
	Maps struct {
		Labels []string
		Maps   []attention.Map
		Of     Subject // its photo alone
		Look   look.Options
	}
	Explorer struct {
		Of           Subject
		Class, Layer int
		Look         look.Options
	}
	Data struct { // figure.WriteData
		Of    Subject
		Class int
	}
)

// Row is a row of a Grid; a class below 0 is the predicted one.
type Row struct {
	Of      Subject
	Class   int
	Heading string
}

func (d *HeadRow) subjects() []*Subject    { return []*Subject{&d.Of} }
func (d *Layers) subjects() []*Subject     { return []*Subject{&d.Of} }
func (d *Film) subjects() []*Subject       { return []*Subject{&d.Of} }
func (d *Compare) subjects() []*Subject    { return []*Subject{&d.Of} }
func (d *Difference) subjects() []*Subject { return []*Subject{&d.Of} }
func (d *Change) subjects() []*Subject     { return []*Subject{&d.Before, &d.After} }
func (d *Explorer) subjects() []*Subject   { return []*Subject{&d.Of} }
func (d *Data) subjects() []*Subject       { return []*Subject{&d.Of} }
func (d *Maps) subjects() []*Subject       { return []*Subject{&d.Of} }
func (d *Grid) subjects() (all []*Subject) {
	for i := range d.Rows {
		all = append(all, &d.Rows[i].Of)
	}
	return all
}

func init() {
	for _, d := range []Drawing{&HeadRow{}, &Layers{}, &Film{}, &Compare{}, &Difference{}, &Change{}, &Grid{}, &Maps{},
		&Explorer{}, &Data{}} {
		gob.Register(d)
	}
}

// Drawn is what the session drew.
type Drawn struct {
	Width   float64 // of a figure on paper, in points (1/72 inch)
	Caption string  // of a figure of maps, for LaTeX
	Missing string  // a sentence about letters that no font has; "" is none
	File    []byte  // in the form that was asked for
}

// errUnknown is that the session does not keep what it was told the name of only.
var errUnknown = errors.New("unknown")

// Draw has the session draw. form is how the name of a file in that form ends, which for a figure is what
// figure.Figure.Save takes and for a page ".html"; name is what the file is called, where that matters. Without a form
// nothing is written, but what cannot be drawn is an error. Errors are one sentence.
func Draw(ctx context.Context, d Drawing, name, form string) (*Drawn, error) {
	drawn, err := drawAs(ctx, d, name, form, false)
	if errors.Is(err, errUnknown) {
		drawn, err = drawAs(ctx, d, name, form, true)
	}
	return drawn, err
}

func drawAs(ctx context.Context, d Drawing, name, form string, whole bool) (*Drawn, error) {
	payload, err := encode(d, whole)
	if err != nil {
		return nil, fmt.Errorf("this cannot be sent to the session to be drawn: %w", err)
	}
	var result wire.Drawn
	file, err := ask(ctx, os.Stderr, wire.Request{Do: wire.Draw, Image: name, Form: form, Bytes: len(payload)}, payload,
		&result)
	if err != nil {
		return nil, err
	}
	return &Drawn{Width: result.Width, Caption: result.Caption, Missing: result.Missing, File: file}, nil
}

// encode is a drawing as it is sent. Of what the session may keep there is the name only, unless all is sent.
func encode(d Drawing, whole bool) ([]byte, error) {
	for _, s := range d.subjects() {
		if s.Photo.Pixels != nil && s.Photo.Digest == "" {
			s.Photo.Digest = Digest(s.Photo.Pixels)
		}
		if whole {
			s.Answer = ""
			continue
		}
		defer func(was Subject) { *s = was }(*s)
		if s.Answer != "" {
			lean := *s.Explanation
			lean.Weights, lean.Pooled = nil, nil
			s.Explanation = &lean
		}
		s.Photo.Pixels = nil
	}
	var out bytes.Buffer
	err := gob.NewEncoder(&out).Encode(&d)
	return out.Bytes(), err
}
