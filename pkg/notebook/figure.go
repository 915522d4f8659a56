package notebook

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"path/filepath"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/picture"
)

// Figure is a drawing that a cell can show and save.
type Figure struct {
	f    drawing
	text string // where no picture can be shown
}

// drawing is what packages figure and gonum/plot draw.
type drawing interface {
	PNG() ([]byte, error)
	Save(path string) error
	Size() (width, height vg.Length)
}

// pageInch is an inch of a figure on the page, in CSS pixels: a figure made for
// the 7 inches of a printed page fills the width of a notebook.
const pageInch = 140

// Show shows the figure as a PNG.
func (f *Figure) Show() {
	if !gonbui.IsNotebook {
		fmt.Printf("%s (Save keeps it as a .png, .svg, .pdf or .eps file)\n", f.text)
		return
	}
	data, err := f.f.PNG()
	Check(err)
	width, _ := f.f.Size()
	showPNG(data, f.text, int(width/vg.Inch*pageInch))
}

// Save writes the figure as the path's ending says: .png, .svg, .pdf or .eps; of
// maps also their caption for LaTeX (.tex) and the numbers behind them (.npz, .csv
// or .json), as figure.Figure.Save describes.
func (f *Figure) Save(path string) { Check(f.f.Save(path)) }

// Caption is what a reader needs to know of a figure of maps, for LaTeX; "" for
// plots.
func (f *Figure) Caption() string {
	if maps, ok := f.f.(*figure.Figure); ok {
		return maps.Caption()
	}
	return ""
}

// Width is the width of a figure by the name of a template ("cvpr",
// "nature-double") or as a length ("89mm"), for figure.Options; figure.Width lists
// them.
func Width(name string) vg.Length {
	width, err := figure.Width(name)
	Check(err)
	return width
}

// Photo is a picture as the model gets it. Edits give other photos (Paint, Blur,
// Replace, Without, With); a photo itself never changes.
type Photo struct {
	p        *picture.Picture
	name     string           // of the file, and what was done to it
	path     string           // of the file
	original *picture.Picture // as in the file
	drawn    *drawn           // how it is drawn now; nil until it was drawn again
}

// Picture reads a picture file, of any kind that Pillow reads for ImageFolder.
func Picture(path string) *Photo {
	p, err := picture.Open(path)
	Check(err)
	whole, err := filepath.Abs(path)
	if err != nil {
		whole = path
	}
	return &Photo{p: p, name: filepath.Base(path), path: whole, original: p}
}

// Show shows the picture.
func (p *Photo) Show() {
	text := fmt.Sprintf("%s, %d × %d pixels", p.name, p.p.Width, p.p.Height)
	if !gonbui.IsNotebook {
		fmt.Println(text)
		return
	}
	small, err := figure.Shrink(p.p)
	Check(err)
	data, err := encode(small)
	Check(err)
	showPNG(data, text, 0)
}

func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

func showPNG(data []byte, text string, width int) {
	display(map[protocol.MIMEType]any{protocol.MIMEImagePNG: data, protocol.MIMETextPlain: text}, width)
}
