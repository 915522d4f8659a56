// Package album draws what package interpret finds: a page of HTML to look through, a contact sheet, and the folders of
// the published script.
package album

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/model"
)

// Album is a study with its pictures.
type Album struct {
	*interpret.Study

	page  Page
	sheet sheet
}

// New is interpret.NewStudy with the pictures gathered. An album must be closed.
func New(ctx context.Context, m model.Model, subjects []*interpret.Subject, o interpret.Options,
	each func(*interpret.Picture) error) (_ *Album, err error) {
	a := &Album{}
	for _, s := range subjects {
		a.sheet.of += s.Pictures.Len()
	}
	var begun *interpret.Subject
	a.Study, err = interpret.NewStudy(ctx, m, subjects, o, func(p *interpret.Picture, s *interpret.Subject) error {
		if s != begun {
			begun = s
			a.page.Begin(s, float64(s.Pictures.Len())/float64(a.sheet.of))
		}
		if each != nil {
			if err := each(p); err != nil {
				return err
			}
		}
		if err := a.page.Add(p); err != nil {
			return err
		}
		if err := a.sheet.add(p, s); err != nil {
			return fmt.Errorf("%s: %w", p.Image, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Page is the page of HTML; size is FilePage or NotebookPage.
func (a *Album) Page(size int) ([]byte, error) {
	sought, opens := "its true class", "the true class and for the one it was taken for"
	if a.Heads != nil {
		sought, opens = "the class", "the classes that look most alike to the model"
	}
	intro := fmt.Sprintf("%s. Each picture shows where all heads of decoder layer %d together looked for %s; "+
		"it opens to every head, for %s.", a, a.Provenance.Layer+1, sought, opens)
	return a.page.HTML(a.Title(), intro, a.Provenance, a.Heads, size)
}

// Sheet is a contact sheet: some of the pictures, evenly spaced, right ones first, each with all heads for its true
// class; of confusions also for the class that it was taken for. It is a page wide at most.
func (a *Album) Sheet() (*figure.Plot, error) { return a.sheet.plot(a.Title()) }

// Save writes to a folder, which is made when there is none:
//
//	index.html      the page
//	maps.npz        the raw maps (interpret.Maps)
//	interpret.csv   a line a picture
//	heads.csv       a line a head and part (interpret.Heads.WriteCSV); of a class only
//	interpret.json  where all this comes from, and sums
//
// Each file appears whole or not at all, interpret.json last.
func (a *Album) Save(dir string) error {
	if err := interpret.MakeFolder(dir); err != nil {
		return err
	}
	page, err := a.Page(FilePage)
	if err == nil {
		err = wholefile.Bytes(filepath.Join(dir, "index.html"), page)
	}
	if err != nil {
		return err
	}
	return a.SaveData(dir)
}
