package figure

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"image"
	"image/draw"
	"math"
	"regexp"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgeps"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/origin"
)

// EPS is the figure as PostScript (level 3), for workflows that take no PDF. Its
// letters are curves, so that it needs no font; it has no transparency.
func (f *Figure) EPS() ([]byte, error) {
	return asEPS(f.width, f.height, f.draw)
}

var epsPicture = regexp.MustCompile(`(?m)^/Picture\S* findfont .*\n.* moveto\n\(picture (\d+)\) show\n`)

var epsHead = regexp.MustCompile(`(?s)^.*?%%EndComments\n`)

func asEPS(width, height vg.Length, draw func(vg.Canvas) error) ([]byte, error) {
	canvas := &epsCanvas{Canvas: vgeps.New(width, height)}
	if err := draw(canvas); err != nil {
		return nil, err
	}
	var drawn bytes.Buffer
	if _, err := canvas.WriteTo(&drawn); err != nil {
		return nil, err
	}
	// The canvas writes a head that is none (it begins with two signs, has a box of fractions) and the time.
	head := fmt.Appendf(nil, "%%!PS-Adobe-3.0 EPSF-3.0\n%%%%Creator: GoINTR %s\n%%%%BoundingBox: 0 0 %.0f %.0f\n"+
		"%%%%HiResBoundingBox: 0 0 %.3f %.3f\n%%%%LanguageLevel: 3\n%%%%Pages: 1\n%%%%EndComments\n",
		origin.Version(), math.Ceil(float64(width)), math.Ceil(float64(height)), float64(width), float64(height))
	if !epsHead.Match(drawn.Bytes()) {
		return nil, fmt.Errorf("the EPS writer made a file without a head")
	}
	data := append(head, epsHead.ReplaceAll(drawn.Bytes(), nil)...)
	next := 0
	data = epsPicture.ReplaceAllFunc(data, func([]byte) []byte {
		next++
		return canvas.pictures[next-1]
	})
	if next != len(canvas.pictures) {
		return nil, fmt.Errorf("the EPS writer lost %d of %d pictures", len(canvas.pictures)-next, len(canvas.pictures))
	}
	return append(data, "%%EOF\n"...), nil
}

// epsCanvas mends what gonum's EPS canvas does not do.
type epsCanvas struct {
	*vgeps.Canvas
	pictures [][]byte
}

// FillString draws the letters as curves: the canvas would only name the font,
// and write what is not ASCII as it stands.
func (c *epsCanvas) FillString(f font.Face, at vg.Point, s string) { letters.Draw(c, f, at, s) }

// DrawImage leaves a mark, which asEPS replaces: the canvas takes no pictures.
func (c *epsCanvas) DrawImage(at vg.Rectangle, img image.Image) {
	c.Canvas.FillString(font.Face{Font: font.Font{Typeface: "Picture", Size: vg.Length(len(c.pictures) + 1)}},
		vg.Point{}, fmt.Sprintf("picture %d", len(c.pictures)))
	c.pictures = append(c.pictures, epsImage(at, img))
}

// epsImage is a picture as PostScript: its red, green and blue bytes, compressed and in base 85.
func epsImage(at vg.Rectangle, img image.Image) []byte {
	b := img.Bounds()
	pixels := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(pixels, pixels.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(pixels, pixels.Rect, img, b.Min, draw.Over)
	colours := make([]byte, 0, 3*b.Dx()*b.Dy())
	for i := 0; i < len(pixels.Pix); i += 4 {
		colours = append(colours, pixels.Pix[i:i+3]...)
	}
	var packed, text bytes.Buffer
	z, _ := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	z.Write(colours) // into memory: no error
	z.Close()
	e := ascii85.NewEncoder(&text)
	e.Write(packed.Bytes())
	e.Close()

	size := at.Size()
	var out bytes.Buffer
	fmt.Fprintf(&out, "gsave\n%.4f %.4f translate\n%.4f %.4f scale\n/DeviceRGB setcolorspace\n", float64(at.Min.X),
		float64(at.Min.Y), float64(size.X), float64(size.Y))
	fmt.Fprintf(&out, "<< /ImageType 1 /Width %[1]d /Height %[2]d /BitsPerComponent 8 /Decode [0 1 0 1 0 1] "+
		"/Interpolate false\n/ImageMatrix [%[1]d 0 0 -%[2]d 0 %[2]d]\n/DataSource currentfile /ASCII85Decode filter "+
		"/FlateDecode filter >> image\n", b.Dx(), b.Dy())
	const line = 80
	for data := text.Bytes(); len(data) > 0; {
		n := min(line, len(data))
		if data[0] == '%' { // no comment
			out.WriteByte(' ')
		}
		out.Write(data[:n])
		out.WriteByte('\n')
		data = data[n:]
	}
	out.WriteString("~>\ngrestore\n")
	return out.Bytes()
}
