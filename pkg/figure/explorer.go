package figure

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/jpeg"
	"math"
	"path/filepath"
	"slices"
	"strings"

	xdraw "golang.org/x/image/draw"

	"github.com/gointr/gointr/pkg/attention"
)

var (
	//go:embed explorer.html
	explorerHTML string
	//go:embed explorer.css
	explorerCSS string
	//go:embed explorer.js
	explorerJS string
)

const (
	largestPage   = 2_000_000 // bytes, also when embedded in a notebook
	usualPage     = 1_200_000 // bytes, where more than the best class has maps
	mostExplored  = 16        // classes with maps
	explorerPhoto = 900       // pixels, the longer side
	levels        = 1000      // of a map from its least to its greatest weight
)

// ExplorerOptions are what the explorer shows first.
type ExplorerOptions struct {
	Class int // index; a class below 0 is the predicted one
	Layer int // of the decoder, from 0; attention.Last is the last
}

// explorerData is what the page's script reads.
type explorerData struct {
	Image         string            `json:"image"`
	Width         int               `json:"width"`
	Height        int               `json:"height"`
	Rows          int               `json:"rows"`
	Cols          int               `json:"cols"`
	Layers        int               `json:"layers"`
	Heads         int               `json:"heads"`
	Names         []string          `json:"names"`         // by class
	Probabilities []float32         `json:"probabilities"` // by class
	Order         []int             `json:"order"`         // classes, best first
	Kept          []int             `json:"kept"`          // the classes with maps
	First         int               `json:"first"`         // which of Kept is shown first
	Layer         int               `json:"layer"`         // shown first
	Levels        int               `json:"levels"`
	Flatness      float64           `json:"flatness"`
	Colormap      string            `json:"colormap"` // shown first
	Colormaps     map[string]string `json:"colormaps"`
	Photo         string            `json:"photo"`
	Maps          string            `json:"maps"`
}

// Explorer is an HTML page to look around in an explanation: every class by
// name, its maps by layer and head, two classes side by side, and which heads
// and classes look at a spot. The page needs nothing else, no network and no
// kernel, and has less than 2 MB. The chosen class and the best others, up to
// 16 of them as they fit, have all their maps in it, with every weight within
// 0.05 % of the map's range; the page names the others with their probabilities
// and says that their maps are not there.
func Explorer(e *attention.Explanation, photo image.Image, o ExplorerOptions) ([]byte, error) {
	if o.Layer == attention.Last {
		o.Layer = e.Layers - 1
	}
	if o.Class < 0 {
		o.Class = e.Best().Index
	}
	if _, err := e.Map(o.Layer, 0, o.Class); err != nil {
		return nil, err
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	picture, err := photoURI(photo)
	if err != nil {
		return nil, err
	}
	d := explorerData{
		Image: filepath.Base(e.Image), Width: e.Width, Height: e.Height, Rows: e.Rows, Cols: e.Cols, Layers: e.Layers, Heads: e.Heads,
		Probabilities: make([]float32, e.Classes()), Layer: o.Layer, Levels: levels, Flatness: attention.Flatness,
		Colormap: "viridis", Colormaps: map[string]string{}, Photo: picture,
	}
	if e.Image == "" {
		d.Image = ""
	}
	for class := range e.Classes() {
		d.Names = append(d.Names, attention.Plain(e.Name(class)))
	}
	for _, c := range e.Top(-1) {
		d.Order = append(d.Order, c.Index)
		d.Probabilities[c.Index] = float32(c.Probability)
	}
	for name, table := range allColormaps() {
		var all []byte
		for _, rgb := range table {
			all = append(all, rgb[:]...)
		}
		d.Colormaps[name] = hex.EncodeToString(all)
	}
	// The chosen class first, so that it stays whatever has to go.
	d.Kept = append([]int{o.Class}, slices.DeleteFunc(slices.Clone(d.Order), func(c int) bool { return c == o.Class })...)
	d.Kept = d.Kept[:min(len(d.Kept), mostExplored)]
	return d.fit(e)
}

// fit writes the page with as many classes as its size allows.
func (d explorerData) fit(e *attention.Explanation) ([]byte, error) {
	for {
		page, maps, err := d.page(e)
		if err != nil {
			return nil, err
		}
		size := len(Embed(page))
		switch {
		case size <= usualPage, size <= largestPage && len(d.Kept) == 1:
			return page, nil
		case len(d.Kept) == 1:
			return nil, fmt.Errorf("%d layers of %d heads with maps of %d×%d cells are too much for a page: keep the numbers in an .npz file", e.Layers, e.Heads, e.Rows, e.Cols)
		}
		each := maps / len(d.Kept)
		d.Kept = d.Kept[:max(1, min(len(d.Kept)-1, len(d.Kept)-(size-usualPage)/max(1, each)-1))]
	}
}

// page is the page, and how many bytes of it are maps.
func (d explorerData) page(e *attention.Explanation) (page []byte, maps int, err error) {
	// In the order of the ranking, as the list beside them is.
	chosen := d.Kept[0]
	d.Kept = slices.DeleteFunc(slices.Clone(d.Order), func(c int) bool { return !slices.Contains(d.Kept, c) })
	d.First = slices.Index(d.Kept, chosen)
	if d.Maps, err = packMaps(e, d.Kept); err != nil {
		return nil, 0, err
	}
	encoded, err := json.Marshal(d) // with <, > and & as \u003c and so on
	if err != nil {
		return nil, 0, err
	}
	title := "Attention"
	if d.Image != "" {
		title += " in " + d.Image
	}
	whole := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{css}}", explorerCSS, "{{script}}", explorerJS, "{{data}}", string(encoded)).Replace(explorerHTML)
	return []byte(whole), len(d.Maps), nil
}

// packMaps is what the script unpacks: the ends of every map [class, layer,
// head], the low bytes of all weights [class, layer, head, row, column], and
// their high bytes.
func packMaps(e *attention.Explanation, classes []int) (string, error) {
	var ends, low, high []byte
	for _, class := range classes {
		for layer := range e.Layers {
			for head := range e.Heads {
				m, err := e.Map(layer, head, class)
				if err != nil {
					return "", err
				}
				from, to := m.Range()
				ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(from))
				ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(to))
				for _, v := range m.Values {
					step := 0
					if to > from {
						step = int(math.Round(levels * float64(v-from) / float64(to-from)))
					}
					low, high = append(low, byte(step)), append(high, byte(step>>8))
				}
			}
		}
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	for _, part := range [][]byte{ends, low, high} {
		w.Write(part)
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// photoURI is the picture in a size for the page.
func photoURI(photo image.Image) (string, error) {
	pixels, err := rgba(photo)
	if err != nil {
		return "", err
	}
	if long := max(pixels.Rect.Dx(), pixels.Rect.Dy()); long > explorerPhoto {
		to := func(side int) int { return max(1, (side*explorerPhoto+long/2)/long) }
		small := image.NewRGBA(image.Rect(0, 0, to(pixels.Rect.Dx()), to(pixels.Rect.Dy())))
		xdraw.CatmullRom.Scale(small, small.Rect, pixels, pixels.Rect, xdraw.Src, nil)
		pixels = small
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, pixels, &jpeg.Options{Quality: 85}); err != nil {
		return "", err
	}
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

// Embed is an explorer's page as HTML inside another page, a notebook's output,
// say: a frame that takes the height it needs.
func Embed(page []byte) string {
	return `<iframe title="Attention explorer" style="width:100%;height:720px;border:0" srcdoc="` + html.EscapeString(string(page)) + `"></iframe>`
}
