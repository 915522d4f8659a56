package figure

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/origin"
)

// Figure is a drawing ready to be written: pictures, lines and text, in points (1/72 inch) from the bottom left.
type Figure struct {
	width, height vg.Length
	dpi           int
	pictures      []picture
	boxes         []box
	texts         []text

	maps  []Shown // that the panels show, in their order
	look  Options // that they were drawn with
	about about   // the beginning of the caption
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

// Maps are the maps that the figure shows, raw, in the order of its panels. The
// values share memory with those that it was drawn from.
func (f *Figure) Maps() []Shown { return f.maps }

// Save writes the figure as the path's extension says: a drawing (.png, .svg, .pdf, .eps), its caption (.tex, see
// Caption), or the numbers behind it (.npz, .csv, .json, see Maps). Drawings have their caption inside, too, except
// EPS. The file appears whole or not at all, and the same figure gives the same bytes.
//
// In a .csv each cell of each map is a line: image, label, layer, head, class, name, versus, versus_name, row, col, x,
// y, value, where x and y are the middle of the cell in pixels of the picture and -1 is None. A .json has the
// provenance and the maps as in Shown. A .npz has, for n maps,
//
//	maps                                float32 [n, rows, cols], NaN beyond a map's own size
//	rows, cols, layer, head, class, versus  int64 [n]
//	scale                               float32 [n, 2], of the colours; NaN where a map was not dyed
//	label, image, name, versus_name     text [n]
//	provenance                          text [], as JSON
func (f *Figure) Save(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tex":
		return wholefile.Bytes(path, f.tex(path))
	case ".npz", ".csv", ".json":
		return f.data().write(path)
	}
	return save(path, f, "end the name with .png, .svg, .pdf or .eps, with .tex for its caption, or with .npz, .csv "+
		"or .json for its numbers")
}

func save(path string, drawing interface {
	PNG() ([]byte, error)
	SVG() ([]byte, error)
	PDF() ([]byte, error)
	EPS() ([]byte, error)
}, endings string) error {
	var write func() ([]byte, error)
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		write = drawing.PNG
	case ".svg":
		write = drawing.SVG
	case ".pdf":
		write = drawing.PDF
	case ".eps":
		write = drawing.EPS
	default:
		return fmt.Errorf("a figure cannot be saved as %s: %s", path, endings)
	}
	data, err := write()
	if err != nil {
		return err
	}
	return wholefile.Bytes(path, data)
}

const largestPNG = 1 << 28 // pixels, 1 GB of memory

// PNG is the figure as pixels, at Options.DPI, with its printed size inside.
func (f *Figure) PNG() ([]byte, error) {
	dots := func(l vg.Length) int { return int(math.Round(l.Dots(float64(f.dpi)))) }
	// A whole number of dots high, so that pictures lie on them and stay sharp.
	height := vg.Length(dots(f.height)) / vg.Length(f.dpi) * vg.Inch
	if w, h := dots(f.width), dots(f.height); w > largestPNG/h {
		return nil, fmt.Errorf("a PNG of %d x %d pixels is too large: lower the dots per inch (%d) or the width",
			w, h, f.dpi)
	}
	ground := color.Color(color.White)
	if f.look.Transparent {
		ground = color.Transparent
	}
	canvas := vgimg.NewWith(vgimg.UseWH(f.width, height), vgimg.UseDPI(f.dpi), vgimg.UseBackgroundColor(ground))
	for _, p := range f.pictures {
		size := p.at.Size()
		left, top := dots(p.at.Min.X), dots(height-p.at.Max.Y)
		at := image.Rect(left, top, left+dots(size.X), top+dots(size.Y))
		xdraw.CatmullRom.Scale(canvas.Image(), at, p.pixels, p.pixels.Rect, xdraw.Src, nil)
	}
	f.vectors(letters.Canvas{Canvas: canvas})
	var out bytes.Buffer
	if err := png.Encode(&out, canvas.Image()); err != nil {
		return nil, err
	}
	return withChunks(out.Bytes(), resolution(f.dpi), saying("Description", f.plain()),
		saying("Software", "GoINTR "+origin.Version())), nil
}

// withChunks adds chunks, each with its name before it, behind the PNG's header.
func withChunks(data []byte, chunks ...[]byte) []byte {
	const header = 8 + 12 + 13
	out := append([]byte{}, data[:header]...)
	for _, chunk := range chunks {
		out = binary.BigEndian.AppendUint32(out, uint32(len(chunk)-4))
		out = append(out, chunk...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	}
	return append(out, data[header:]...)
}

// resolution is the chunk with the dots a metre.
func resolution(dpi int) []byte {
	perMetre := uint32(math.Round(float64(dpi) / 0.0254))
	chunk := binary.BigEndian.AppendUint32([]byte("pHYs"), perMetre)
	return append(binary.BigEndian.AppendUint32(chunk, perMetre), 1)
}

// saying is a chunk of text in UTF-8, not compressed.
func saying(keyword, words string) []byte {
	return []byte("iTXt" + keyword + "\x00\x00\x00\x00\x00" + words)
}

var svgText = regexp.MustCompile(`(?m)^<text x="[^"]*"`)

// SVG is the figure with its text as text, and the pictures inside. Where another font stands in for Liberation Sans,
// text keeps its middle, and its width too in what heeds textLength, as browsers do.
func (f *Figure) SVG() ([]byte, error) {
	svg, err := asSVG(f.width, f.height, f.draw)
	if err != nil {
		return nil, err
	}
	next := -1
	svg = svgText.ReplaceAllFunc(svg, func([]byte) []byte {
		next++
		t := f.texts[next]
		return fmt.Appendf(nil, `<text x="%.2f" text-anchor="middle" textLength="%.2f" lengthAdjust="spacingAndGlyphs"`,
			t.at.X+t.width()/2, t.width())
	})
	return described(svg, f.plain()), nil
}

// described is an SVG with words about it inside.
func described(svg []byte, words string) []byte {
	var text bytes.Buffer
	xml.EscapeText(&text, []byte(words))
	start := bytes.Index(svg, []byte("<svg "))
	end := start + bytes.IndexByte(svg[start:], '>') + 1
	return slices.Concat(svg[:end], fmt.Appendf(nil, "\n<desc>%s</desc>", text.Bytes()), svg[end:])
}

// asSVG is a drawing without the faults of gonum's canvas.
func asSVG(width, height vg.Length, draw func(vg.Canvas) error) ([]byte, error) {
	canvas := vgsvg.New(width, height)
	if err := draw(canvas); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	svg := out.Bytes()
	for _, fix := range [][2]string{
		{"data:image/jpg;base64,", "data:image/png;base64,"}, // what the canvas embeds is PNG
		{"<image ", `<image preserveAspectRatio="none" `},
		{"font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;"},
	} {
		svg = bytes.ReplaceAll(svg, []byte(fix[0]), []byte(fix[1]))
	}
	return svg, nil
}

// draw draws the page, its pictures with no more pixels than twice Options.DPI.
func (f *Figure) draw(c vg.Canvas) error {
	if !f.look.Transparent {
		c.SetColor(color.White)
		c.Fill(rectangle(0, 0, f.width, f.height).Path())
	}
	for _, p := range f.pictures {
		most := int(math.Ceil(p.at.Size().X.Dots(2 * float64(f.dpi))))
		pixels := p.pixels
		if w, h := pixels.Rect.Dx(), pixels.Rect.Dy(); w > most {
			pixels = image.NewRGBA(image.Rect(0, 0, most, max(1, (h*most+w/2)/w)))
			xdraw.CatmullRom.Scale(pixels, pixels.Rect, p.pixels, p.pixels.Rect, xdraw.Src, nil)
		}
		c.DrawImage(p.at, pixels)
	}
	f.vectors(c)
	return nil
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
