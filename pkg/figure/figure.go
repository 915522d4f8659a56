package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gointr/gointr/internal/wholefile"
)

// Figure is a drawing ready to be written: pictures, and lines and text as
// vectors. Lengths are points (1/72 inch) from the bottom left.
type Figure struct {
	width, height vg.Length
	dpi           int
	pictures      []picture
	boxes         []box
	texts         []text
}

type picture struct {
	at     vg.Rectangle
	pixels *image.RGBA
}

type box struct {
	at    vg.Rectangle
	color color.Color
}

// Size is the width and height of the figure.
func (f *Figure) Size() (width, height vg.Length) { return f.width, f.height }

// Save writes the figure as .png, .svg or .pdf, as the path's extension says.
// The file appears whole or not at all. The same figure gives the same bytes as
// PNG and as SVG; a PDF holds the date.
func (f *Figure) Save(path string) error { return save(path, f) }

func save(path string, drawing interface {
	PNG() ([]byte, error)
	SVG() ([]byte, error)
	PDF() ([]byte, error)
}) error {
	var write func() ([]byte, error)
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		write = drawing.PNG
	case ".svg":
		write = drawing.SVG
	case ".pdf":
		write = drawing.PDF
	default:
		return fmt.Errorf("a figure cannot be saved as %s: end the name with .png, .svg or .pdf", path)
	}
	data, err := write()
	if err != nil {
		return err
	}
	return wholefile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

const largestPNG = 1 << 28 // pixels, 1 GB of memory

// PNG is the figure as pixels, at Options.DPI, with its printed size inside.
func (f *Figure) PNG() ([]byte, error) {
	dots := func(l vg.Length) int { return int(math.Round(l.Dots(float64(f.dpi)))) }
	// A whole number of dots high, so that pictures lie on them and stay sharp.
	height := vg.Length(dots(f.height)) / vg.Length(f.dpi) * vg.Inch
	if w, h := dots(f.width), dots(f.height); w > largestPNG/h {
		return nil, fmt.Errorf("a PNG of %d x %d pixels is too large: lower the dots per inch (%d) or the width", w, h, f.dpi)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(f.width, height), vgimg.UseDPI(f.dpi))
	for _, p := range f.pictures {
		size := p.at.Size()
		left, top := dots(p.at.Min.X), dots(height-p.at.Max.Y)
		at := image.Rect(left, top, left+dots(size.X), top+dots(size.Y))
		xdraw.CatmullRom.Scale(canvas.Image(), at, p.pixels, p.pixels.Rect, xdraw.Src, nil)
	}
	f.vectors(canvas)
	var out bytes.Buffer
	if err := png.Encode(&out, canvas.Image()); err != nil {
		return nil, err
	}
	return withResolution(out.Bytes(), f.dpi), nil
}

// withResolution adds the pHYs chunk (dots a metre) behind the PNG's header.
func withResolution(data []byte, dpi int) []byte {
	const header = 8 + 12 + 13
	perMetre := uint32(math.Round(float64(dpi) / 0.0254))
	chunk := binary.BigEndian.AppendUint32([]byte("pHYs"), perMetre)
	chunk = append(binary.BigEndian.AppendUint32(chunk, perMetre), 1)
	out := append([]byte{}, data[:header]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(chunk)-4))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	return append(out, data[header:]...)
}

var svgText = regexp.MustCompile(`(?m)^<text x="[^"]*"`)

// SVG is the figure with its text as text, and the pictures inside. Where
// another font has to stand in for Liberation Sans, text keeps its middle, and
// its width too in what heeds textLength, as browsers do.
func (f *Figure) SVG() ([]byte, error) {
	canvas := vgsvg.New(f.width, f.height)
	f.embed(canvas)
	f.vectors(canvas)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	next := -1
	svg := svgText.ReplaceAllFunc(out.Bytes(), func([]byte) []byte {
		next++
		t := f.texts[next]
		return fmt.Appendf(nil, `<text x="%.2f" text-anchor="middle" textLength="%.2f" lengthAdjust="spacingAndGlyphs"`, t.at.X+t.width()/2, t.width())
	})
	return mended(svg), nil
}

// mended is an SVG without the faults of gonum's canvas.
func mended(svg []byte) []byte {
	for _, fix := range [][2]string{
		{"data:image/jpg;base64,", "data:image/png;base64,"}, // what the canvas embeds is PNG
		{"<image ", `<image preserveAspectRatio="none" `},
		{"font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;"},
	} {
		svg = bytes.ReplaceAll(svg, []byte(fix[0]), []byte(fix[1]))
	}
	return svg
}

// PDF is the figure as one page of its own size.
func (f *Figure) PDF() ([]byte, error) {
	canvas := vgpdf.New(f.width, f.height)
	f.embed(pdfCanvas{canvas})
	f.vectors(pdfCanvas{canvas})
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// pdfCanvas mends what gonum's PDF canvas does not do.
type pdfCanvas struct{ *vgpdf.Canvas }

// DrawImage turns a picture upright: the canvas has its first row at the bottom.
func (c pdfCanvas) DrawImage(at vg.Rectangle, img image.Image) {
	c.Push()
	c.Translate(vg.Point{Y: at.Min.Y + at.Max.Y})
	c.Scale(1, -1)
	c.Canvas.DrawImage(at, img)
	c.Pop()
}

// FillString draws the letters as curves where the canvas would garble them:
// it writes code page 1252 and takes UTF-8 for that.
func (c pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	for i := range len(s) {
		if s[i] >= 0x7f {
			c.Fill(outline(f, at, s))
			return
		}
	}
	c.Canvas.FillString(f, at, s)
}

// embed draws the pictures, with no more pixels than twice Options.DPI.
func (f *Figure) embed(c vg.Canvas) {
	for _, p := range f.pictures {
		most := int(math.Ceil(p.at.Size().X.Dots(2 * float64(f.dpi))))
		pixels := p.pixels
		if w, h := pixels.Rect.Dx(), pixels.Rect.Dy(); w > most {
			pixels = image.NewRGBA(image.Rect(0, 0, most, max(1, (h*most+w/2)/w)))
			xdraw.CatmullRom.Scale(pixels, pixels.Rect, p.pixels, p.pixels.Rect, xdraw.Src, nil)
		}
		c.DrawImage(p.at, pixels)
	}
}

func (f *Figure) vectors(c vg.Canvas) {
	for _, b := range f.boxes {
		c.SetColor(b.color)
		c.Fill(b.at.Path())
	}
	c.SetColor(color.Black)
	for _, t := range f.texts {
		c.FillString(face(t.size), t.at, t.string)
	}
}
