package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html/template"
	"image"
	"image/draw"
	"image/jpeg"
	"math"

	xdraw "golang.org/x/image/draw"

	"github.com/gointr/gointr/pkg/attention"
)

// Picture is a picture inside a page.
type Picture struct {
	URI           string // that holds all of it
	Width, Height int    // in pixels
}

// JPEG is a picture for a page in a quality from 1 to 100.
func JPEG(pixels image.Image, quality int) (Picture, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, pixels, &jpeg.Options{Quality: quality})
	size := pixels.Bounds().Size()
	return Picture{"data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), size.X, size.Y}, err
}

// As is the picture with its size as attributes: {{.As "src"}} of an img, {{.As "href"}} of an SVG's image.
func (p Picture) As(attribute string) template.HTMLAttr {
	return template.HTMLAttr(fmt.Sprintf(`%s="%s" width="%d" height="%d"`, attribute, p.URI, p.Width, p.Height))
}

// Fit is a picture no longer than long pixels a side. What is transparent becomes white.
func Fit(photo image.Image, long int) *image.RGBA {
	b := photo.Bounds()
	w, h := b.Dx(), b.Dy()
	if side := max(w, h); side > long {
		w, h = max(1, (w*long+side/2)/side), max(1, (h*long+side/2)/side)
	}
	fit := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(fit, fit.Rect, image.White, image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(fit, fit.Rect, photo, b, xdraw.Over, nil)
	return fit
}

// Fade is the way of showing maps that dyes nothing: a picture is the paler the less weight there is. FadeOpacity is
// how pale it becomes where there is none.
const (
	Fade        = "fade"
	FadeOpacity = 0.66
)

// Drawing is what the script draws maps by: a part of a page's Data.
type Drawing struct {
	Levels    int               `json:"levels"`    // that Pack had
	Flatness  float64           `json:"flatness"`  // attention.Flatness
	Colormaps map[string]string `json:"colormaps"` // 256 colours of each, in hexadecimal
	Colormap  string            `json:"colormap"`  // shown first, as is what is below; or Fade
	Opacity   float64           `json:"opacity"`
	Smooth    bool              `json:"smooth"`
	SameScale bool              `json:"sameScale"`
}

// Pack is maps of one size for the script's unpack: the ends of every map, then of all weights how many of so many
// levels (65535 at most) they are above the lower end, gzip, base64. More than 255 levels take two bytes, all low ones
// before all high ones, which gzip makes small.
func Pack(maps []attention.Map, levels int) (string, error) {
	var ends, low, high []byte
	for _, m := range maps {
		from, to := m.Range()
		ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(from))
		ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(to))
		for _, v := range m.Values {
			step := 0
			if to > from {
				step = int(math.Round(float64(levels) * (float64(v) - float64(from)) / (float64(to) - float64(from))))
			}
			low = append(low, byte(step))
			if levels > math.MaxUint8 {
				high = append(high, byte(step>>8))
			}
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, part := range [][]byte{ends, low, high} {
		if _, err := w.Write(part); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}
