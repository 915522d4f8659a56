package notebook

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/picture"
)

// drawn is a bird of package birds, which can be drawn again.
type drawn struct {
	of      birds.Options
	species birds.Species
	scene   birds.Scene
}

// edited is a photo with other pixels; p itself stays as it was.
func (p *Photo) edited(pixels *picture.Picture, err error, what string) *Photo {
	if err != nil {
		Check(fmt.Errorf("%s: %w", p.name, err))
	}
	next := *p
	next.p, next.name = pixels, p.name+", "+what
	return &next
}

// Paint is the photo with a rectangle in one colour, in pixels from its upper left
// corner: photo.Paint(image.Rect(10, 20, 60, 70), color.White). As all edits it
// gives another photo; this one stays as it was.
func (p *Photo) Paint(r image.Rectangle, c color.Color) *Photo {
	pixels, err := p.p.Paint(r, c)
	return p.edited(pixels, err, "painted over")
}

// Blur is the photo with a rectangle blurred beyond recognition (picture.Picture.Blur).
func (p *Photo) Blur(r image.Rectangle) *Photo {
	pixels, err := p.p.Blur(r)
	return p.edited(pixels, err, "blurred")
}

// Replace is the photo with a rectangle replaced by a part of another photo, or of
// the same, resized to fit.
func (p *Photo) Replace(r image.Rectangle, from *Photo, part image.Rectangle) *Photo {
	pixels, err := p.p.Paste(r, from.p, part)
	return p.edited(pixels, err, "pasted into")
}

// Part is where a part lies, from the parts.csv of the dataset that the picture is
// in: its box or, where only a point is known, as for CUB-200-2011, a square around
// it, a fifth of the picture's shorter side wide.
func (p *Photo) Part(name string) image.Rectangle {
	part := p.part(name)
	bounds := p.p.Bounds()
	if b := part.Box; b != (datasets.Box{}) {
		return image.Rect(int(b.X0), int(b.Y0), int(b.X1+0.999), int(b.Y1+0.999)).Intersect(bounds)
	}
	half := max(4, min(bounds.Dx(), bounds.Dy())/10)
	x, y := int(part.X), int(part.Y)
	return image.Rect(x-half, y-half, x+half, y+half).Intersect(bounds)
}

// Without is the photo without a part that is known from the dataset's parts.csv. A
// bird of gointr birds is drawn again without it, so that all other pixels stay; of
// any other picture the part is blurred (Part says where).
func (p *Photo) Without(part string) *Photo {
	at := p.part(part)
	if d := p.redrawn(); d != nil {
		kind, err := birds.KindOf(at.Name)
		Check(err)
		next := *d
		next.scene = d.scene.Without(kind)
		return p.drawnAgain(d, &next, "without "+at.Name)
	}
	pixels, err := p.p.Blur(p.Part(part))
	return p.edited(pixels, err, at.Name+" blurred")
}

// With is the photo of a bird of gointr birds with a part of another of the
// species, drawn again: photo.With("beak", "Hook-billed Bunting").
func (p *Photo) With(part, species string) *Photo {
	d := p.redrawn()
	if d == nil {
		Check(fmt.Errorf("%s is no bird that can be drawn again with another part: Replace takes a rectangle from any other photo", p.name))
	}
	kind, err := birds.KindOf(p.part(part).Name)
	Check(err)
	all, err := birds.First(d.of.Classes)
	Check(err)
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	i, err := attention.Find(species, names, len(names))
	if err != nil {
		Check(fmt.Errorf("%w: the species are %s", err, strings.Join(names, ", ")))
	}
	next := *d
	next.species = d.species.With(kind, all[i])
	return p.drawnAgain(d, &next, fmt.Sprintf("with the %s of the %s", kind, all[i].Name))
}

// drawnAgain changes the pixels in which two drawings differ, so that other edits
// stay.
func (p *Photo) drawnAgain(before, after *drawn, what string) *Photo {
	old, _ := birds.Draw(before.species, before.scene, before.of.Size)
	made, _ := birds.Draw(after.species, after.scene, after.of.Size)
	pixels := p.p.Copy()
	for i := 0; i < len(pixels.Pix); i += 3 {
		if !slices.Equal(old.Pix[i:i+3], made.Pix[i:i+3]) {
			copy(pixels.Pix[i:i+3], made.Pix[i:i+3])
		}
	}
	next := p.edited(pixels, nil, what)
	next.drawn = after
	return next
}

// redrawn is how the photo was drawn; nil where it was not, by gointr birds.
func (p *Photo) redrawn() *drawn {
	if p.drawn != nil {
		return p.drawn
	}
	root, key, ok := p.home("species.json")
	if !ok {
		return nil
	}
	o, err := birds.Open(root)
	if err != nil {
		return nil
	}
	d := &drawn{of: o}
	if d.species, d.scene, err = o.Find(key); err != nil {
		return nil
	}
	// The file may have been changed since.
	if same, _ := birds.Draw(d.species, d.scene, o.Size); !slices.Equal(same.Pix, p.original.Pix) {
		return nil
	}
	return d
}

// home is the nearest folder above the picture that has a file, and where the
// picture lies in it.
func (p *Photo) home(file string) (root, key string, ok bool) {
	for root = filepath.Dir(p.path); ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, file)); err == nil {
			key, err = filepath.Rel(root, p.path)
			return root, filepath.ToSlash(key), err == nil
		} else if !errors.Is(err, fs.ErrNotExist) || root == filepath.Dir(root) {
			return "", "", false
		}
	}
}

// part is what is known of a part of the picture.
func (p *Photo) part(name string) datasets.Part {
	root, key, ok := p.home("parts.csv")
	if !ok {
		Check(fmt.Errorf("%s: where its parts lie is not known, as no folder above it has a parts.csv; Paint, Blur and Replace take any rectangle", p.name))
	}
	all, err := datasets.ReadParts(filepath.Join(root, "parts.csv"))
	Check(err)
	var known, hidden []string
	for _, part := range all[key] {
		there := strings.EqualFold(part.Name, name)
		switch {
		case there && part.Visible:
			return part
		case part.Visible:
			known = append(known, part.Name)
		case there:
			hidden = append(hidden, part.Name)
		}
	}
	switch {
	case len(all[key]) == 0:
		err = fmt.Errorf("%s has no parts of %s", filepath.Join(root, "parts.csv"), key)
	case len(hidden) > 0:
		err = fmt.Errorf("the %s cannot be seen in %s; its visible parts are %s", hidden[0], p.name, strings.Join(known, ", "))
	default:
		err = fmt.Errorf("%s has no part %q: its visible parts are %s", p.name, name, strings.Join(known, ", "))
	}
	Check(err)
	return datasets.Part{}
}

// ExplainPhoto is Explain for a photo at hand, as it is after edits:
//
//	photo := notebook.Picture("bird.png")
//	before, after := model.ExplainPhoto(photo), model.ExplainPhoto(photo.Without("beak"))
//	before.Versus(after)
func (m *Model) ExplainPhoto(photo *Photo) *Explanation {
	numbers, took, err := m.m.Answer(context.Background(), photo.name, photo.p, true)
	Check(err)
	return &Explanation{Numbers: numbers, Took: took, photo: photo.p, source: m.source()}
}

// Versus shows what a change of the picture changed: both pictures, where each head
// of the last decoder layer looked in them (the two maps of a head have one colour
// scale), and how the probabilities of the first classes moved. Maps are those of
// the class predicted before and, where it is another, after; or of the classes named.
func (e *Explanation) Versus(after *Explanation, classes ...string) *Figure {
	indices := []int{e.Best().Index}
	if best := after.Best().Index; best != indices[0] {
		indices = append(indices, best)
	}
	if len(classes) > 0 {
		indices = nil
	}
	for _, class := range classes {
		index, err := e.Numbers.Find(class)
		Check(err)
		indices = append(indices, index)
	}
	f, err := chart.Change(e.Numbers, after.Numbers, e.photo, after.photo, indices)
	Check(err)
	name := func(x *Explanation) string {
		best := x.Best()
		return fmt.Sprintf("%s (%.1f %%)", attention.Plain(best.Name), 100*best.Probability)
	}
	shown := &Figure{f, fmt.Sprintf("Before: %s; after: %s", name(e), name(after))}
	shown.Show()
	return shown
}
