package album

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/page"
)

//go:embed page.html page.css page.js
var pageFiles embed.FS

var pageTemplate = page.Parse(pageFiles, "page")

const (
	// FilePage and NotebookPage are about how many bytes the pictures of a page may have, in a file and inside a
	// notebook.
	FilePage     = 8_000_000
	NotebookPage = 2_500_000

	photoSide   = 480 // pixels, the longer side of a picture in a page
	photoGuess  = 45_000
	mapLevels   = 255
	packedBytes = 1.1 // of a cell, in base64
)

// Page is one page of HTML to look through pictures, right and wrong apart: each with where all heads looked, and
// opening to each head for each similar class. Of more pictures than fit it shows some, evenly spaced. The zero Page is
// empty.
type Page struct {
	of     int // pictures of the subject
	most   int // of these fit; 0 when it is not known yet
	share  float64
	seen   int // of the subject
	groups []*group
	data   []pageData
}

// group is pictures below one heading.
type group struct {
	Heading string
	Of      int // with those that do not fit
	Cards   []card
	subject *interpret.Subject
}

// Count is how many pictures the group has.
func (g group) Count() string { return interpret.Counted(g.Of) }

type card struct {
	Place       int // in the script's pictures
	Label, Note string
	Photo       page.Picture
}

// Aspect is the picture's width by its height.
func (c card) Aspect() string {
	return fmt.Sprintf("%.3f", float64(c.Photo.Width)/float64(c.Photo.Height))
}

// pageData is what the script reads of one picture.
type pageData struct {
	Rows    int         `json:"rows"`
	Cols    int         `json:"cols"`
	Heads   int         `json:"heads"`
	First   int         `json:"first"` // place of the class whose mean of heads the card shows
	Classes []pageClass `json:"classes"`
	Maps    string      `json:"maps"` // packed: class by class, head by head
}

type pageClass struct {
	Name        string  `json:"name"`
	Probability float32 `json:"probability"`
	True        bool    `json:"true"`
	Predicted   bool    `json:"predicted"`
}

// Begin says that a subject's pictures come next; share is the part of the page's size that they may take.
func (g *Page) Begin(s *interpret.Subject, share float64) {
	g.of, g.seen, g.most, g.share = s.Pictures.Len(), 0, 0, share
	name := s.Name()
	if s.Taken < 0 {
		g.groups = append(g.groups,
			&group{Heading: "Right", subject: s}, &group{Heading: "Taken for another class", subject: s})
	} else {
		taken := letters.Isolate(attention.Plain(s.Dataset.Names[s.Taken]))
		g.groups = append(g.groups, &group{Heading: letters.Isolate(name) + " taken for " + taken, subject: s})
	}
}

// Add shows a picture of the subject that was begun.
func (g *Page) Add(p *interpret.Picture) error {
	if g.most == 0 {
		each := photoGuess + packedBytes*float64(len(p.Maps)*len(p.Maps[0])*p.Map[0]*p.Map[1])
		g.most = max(1, int(g.share*FilePage/each))
	}
	to := g.groups[len(g.groups)-1]
	if p.Right && to.subject.Taken < 0 {
		to = g.groups[len(g.groups)-2]
	}
	to.Of++
	i := g.seen
	g.seen++
	if !chosen(i, g.of, g.most) {
		return nil
	}
	photo, err := page.JPEG(page.Fit(p.Photo, photoSide), 78)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	maps, err := page.Pack(slices.Concat(p.Maps...), mapLevels)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	d := pageData{Rows: p.Map[0], Cols: p.Map[1], Heads: len(p.Maps[0]), First: p.True(), Maps: maps}
	for _, class := range p.Similar {
		d.Classes = append(d.Classes, pageClass{
			attention.Plain(class.Name), float32(class.Probability),
			class.Index == p.Class, class.Index == p.Predicted.Index,
		})
	}
	note := percent(p.Probability())
	if !p.Right {
		taken, name := letters.Isolate(attention.Plain(p.Predicted.Name)), letters.Isolate(attention.Plain(p.Name))
		note = fmt.Sprintf("%s, %s; %s %s", taken, percent(p.Predicted.Probability), name, note)
	}
	to.Cards = append(to.Cards, card{len(g.data), path.Base(p.Image), note, photo})
	g.data = append(g.data, d)
	return nil
}

func percent(part float64) string {
	switch {
	case part >= 0.9995:
		return "100 %"
	case part < 0.00005:
		return "< 0.01 %"
	case part < 0.0995:
		return fmt.Sprintf("%.2f %%", 100*part)
	}
	return fmt.Sprintf("%.1f %%", 100*part)
}

// fitting is the places of the pictures that fit into so many bytes.
func (g *Page) fitting(size int) map[int]bool {
	sum, n := 0, len(g.data)
	for _, group := range g.groups {
		for _, c := range group.Cards {
			sum += len(c.Photo.URI) + len(g.data[c.Place].Maps)
		}
	}
	fit := map[int]bool{}
	most := n
	if sum > size {
		most = max(1, n*size/sum)
	}
	for i := range n {
		if chosen(i, n, most) {
			fit[i] = true
		}
	}
	return fit
}

// chosen is whether the i-th of n is among most of them that are evenly spaced.
func chosen(i, n, most int) bool { return most >= n || i == 0 || i*most/n != (i-1)*most/n }

// pageBody is what page.html shows.
type pageBody struct {
	Title, Intro string
	Shown, Of    int // pictures
	Groups       []group
	Heads        *interpret.Heads
}

// HTML is the page of about so many bytes, with a title and a few sentences above; heads may be nil.
func (g *Page) HTML(title, intro string, from interpret.Provenance, heads *interpret.Heads, size int) ([]byte, error) {
	fit := g.fitting(size)
	body := pageBody{Title: title, Intro: intro, Shown: len(fit), Heads: heads}
	for _, all := range g.groups {
		body.Of += all.Of
		some := *all
		some.Cards = slices.DeleteFunc(slices.Clone(all.Cards), func(c card) bool { return !fit[c.Place] })
		body.Groups = append(body.Groups, some)
	}
	drawing, err := figure.Drawing(sheetLook, mapLevels)
	if err != nil {
		return nil, err
	}
	drawing.Colormap, drawing.Opacity = page.Fade, page.FadeOpacity
	data := struct {
		page.Drawing
		Pictures []*pageData `json:"pictures"` // null for those that do not fit
	}{drawing, make([]*pageData, len(g.data))}
	for i := range fit {
		data.Pictures[i] = &g.data[i]
	}
	var out bytes.Buffer
	err = pageTemplate.Write(&out, page.Content{
		Title: title, Body: body, Data: data,
		Model: origin.Model{Model: from.Model, Checkpoint: from.Checkpoint, SHA256: from.SHA256, Engine: from.Engine,
			Upright: from.Upright},
		Facts: []page.Fact{
			{"Pictures", fmt.Sprintf("%s of %s, digest %s", from.Split, from.Dataset, from.Digest)},
			{"Maps", fmt.Sprintf("decoder layer %d", from.Layer+1)},
		},
	})
	return out.Bytes(), err
}
