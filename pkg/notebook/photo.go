package notebook

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Photo is a picture as the model gets it. Edits give other photos (Paint, Blur,
// Replace, Without, With); a photo itself never changes.
type Photo struct {
	p        *picture.Picture
	name     string           // of the file, and what was done to it
	path     string           // of the file
	original *picture.Picture // as in the file
	bird     *bird            // how it is drawn now; nil until it was drawn again
	turned   picture.Orientation
}

// bird is one of package birds, which can be drawn again.
type bird struct {
	of      birds.Options
	species birds.Species
	scene   birds.Scene
}

// Picture reads a picture file, of any kind that Pillow reads for ImageFolder.
func Picture(path string) *Photo {
	p := must(picture.Open(path))
	picture.Lying() // Upright is the user's to ask for
	wholefile.Keep(path)
	whole, err := filepath.Abs(path)
	if err != nil {
		whole = path
	}
	return &Photo{p: p, name: filepath.Base(path), path: whole, original: p, turned: picture.AsItLies}
}

// Upright is the photo as it is in its file, turned as that says; edits come after it. Part knows where its parts are
// then. The published code takes pictures as they lie.
func (p *Photo) Upright() *Photo {
	if p.p != p.original {
		fail("%s has been edited: turn it first, notebook.Picture(path).Upright()", p.name)
	}
	pixels, o, err := picture.Read(p.path, true)
	Check(err)
	next := *p
	next.p, next.original, next.turned = pixels, pixels, o
	return &next
}

// String is the photo's name, what was done to it, and its size.
func (p *Photo) String() string {
	return fmt.Sprintf("%s, %d × %d pixels", p.name, p.p.Width, p.p.Height)
}

// Show shows the picture, large ones smaller.
func (p *Photo) Show() *Photo {
	output{
		text:  p.String(),
		forms: func() forms { return forms{protocol.MIMEImagePNG: encoded(shown(p.p))} },
	}.show()
	return p
}

// Save writes the picture's pixels as .png.
func (p *Photo) Save(path string) *Photo {
	saveAs(path, map[string]saver{".png": asBytes(encoded(p.p))})
	return p
}

// shown is a picture at a size for the page.
func shown(p *picture.Picture) image.Image {
	const longest = 1333 // pixels
	long := max(p.Width, p.Height)
	if long <= longest {
		return p
	}
	to := func(side int) int { return max(1, (side*longest+long/2)/long) }
	return p.Resize(to(p.Width), to(p.Height))
}

func encoded(img image.Image) []byte {
	var out bytes.Buffer
	Check(png.Encode(&out, img))
	return out.Bytes()
}

// edited is a photo with other pixels; p itself stays as it was.
func (p *Photo) edited(pixels *picture.Picture, err error, what string) *Photo {
	if err != nil {
		fail("%s: %w", p.name, err)
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
		kind := must(birds.KindOf(at.Name))
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
		fail("%s is no bird that can be drawn again with another part: Replace takes a rectangle from any other photo",
			p.name)
	}
	kind := must(birds.KindOf(p.part(part).Name))
	all := must(birds.First(d.of.Classes))
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	i, err := attention.Find(species, names, len(names))
	if err != nil {
		fail("%w: the species are %s", err, strings.Join(names, ", "))
	}
	next := *d
	next.species = d.species.With(kind, all[i])
	return p.drawnAgain(d, &next, fmt.Sprintf("with the %s of the %s", kind, all[i].Name))
}

// drawnAgain changes the pixels in which two drawings differ, so that other edits
// stay.
func (p *Photo) drawnAgain(before, after *bird, what string) *Photo {
	old, _ := birds.Draw(before.species, before.scene, before.of.Size)
	made, _ := birds.Draw(after.species, after.scene, after.of.Size)
	pixels := p.p.Copy()
	for i := 0; i < len(pixels.Pix); i += 3 {
		if !slices.Equal(old.Pix[i:i+3], made.Pix[i:i+3]) {
			copy(pixels.Pix[i:i+3], made.Pix[i:i+3])
		}
	}
	next := p.edited(pixels, nil, what)
	next.bird = after
	return next
}

// redrawn is how the photo was drawn; nil where it was not, by gointr birds.
func (p *Photo) redrawn() *bird {
	if p.bird != nil {
		return p.bird
	}
	root, key, ok := p.home("species.json")
	if !ok {
		return nil
	}
	o, err := birds.Open(root)
	if err != nil {
		return nil
	}
	d := &bird{of: o}
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
		fail("%s: where its parts lie is not known, as no folder above it has a parts.csv; "+
			"Paint, Blur and Replace take any rectangle", p.name)
	}
	all := must(datasets.ReadParts(filepath.Join(root, "parts.csv")))
	all[key] = datasets.Turned(all[key], p.turned, p.p)
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
		fail("%s has no parts of %s", filepath.Join(root, "parts.csv"), key)
	case len(hidden) > 0:
		fail("the %s cannot be seen in %s; its visible parts are %s", hidden[0], p.name, strings.Join(known, ", "))
	default:
		fail("%s has no part %q: its visible parts are %s", p.name, name, strings.Join(known, ", "))
	}
	return datasets.Part{}
}
