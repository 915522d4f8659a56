package figure

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/hex"
	"fmt"
	"image"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/page"
	"github.com/gointr/gointr/pkg/page/frame"
)

//go:embed explorer.html explorer.css explorer.js
var explorerFiles embed.FS

var explorerPage = page.Parse(explorerFiles, "explorer")

const (
	largestPage   = 2_000_000 // bytes, also when embedded in a notebook
	usualPage     = 1_200_000 // bytes, where enough classes have maps
	wellExplored  = 10        // classes with maps that may take a page beyond its usual size
	explorerPhoto = 900       // pixels, the longer side
	levels        = 510       // steps from a map's least to its greatest weight: within 0.1 % of the latter
)

// ExplorerOptions are what the explorer shows first.
type ExplorerOptions struct {
	Class int // index; a class below 0 is the predicted one
	Layer int // of the decoder, from 0; attention.Last is the last
	// its Colormap ("" dyes nothing, and fades), Opacity (0 is 0.6, faded 0.66), Cells as Smoothing, and SameScale
	Look Options
}

// explorerData is what the page's script reads.
type explorerData struct {
	page.Drawing
	Image         string    `json:"image"`
	Width         int       `json:"width"`
	Height        int       `json:"height"`
	Rows          int       `json:"rows"`
	Cols          int       `json:"cols"`
	Layers        int       `json:"layers"`
	Heads         int       `json:"heads"`
	Names         []string  `json:"names"`         // by class
	Probabilities []float32 `json:"probabilities"` // by class
	Order         []int     `json:"order"`         // classes, best first
	Kept          []int     `json:"kept"`          // the classes with maps, best first
	Maps          []string  `json:"maps"`          // of Kept, packed: layer by layer, head by head
	Class         int       `json:"class"`         // shown first
	Layer         int       `json:"layer"`         // shown first
	Photo         string    `json:"photo"`

	from origin.Model
}

// Explorer is an HTML page to look around in an explanation: every class by name, its maps by layer and head, two
// classes side by side, and which heads and classes look at a spot. It needs no network and no kernel, and has less
// than 2 MB: maps of the chosen class and of the best others as they fit, ten or more, every weight within 0.1 % of its
// map's greatest; of the rest the probabilities.
//
// It is an error when the explanation is broken (attention.Explanation.Check), the class, the layer or the colormap
// does not exist, there is no picture, or the maps of the one class fit no page.
func Explorer(e *attention.Explanation, photo image.Image, o ExplorerOptions) ([]byte, error) {
	if o.Layer == attention.Last {
		o.Layer = e.Layers - 1
	}
	if o.Class < 0 {
		o.Class = e.Best().Index
	}
	fade := o.Look.Colormap == ""
	if fade {
		o.Look.Opacity = cmp.Or(o.Look.Opacity, page.FadeOpacity)
	}
	o.Look.Opacity = cmp.Or(o.Look.Opacity, 0.6)
	drawing, err := Drawing(o.Look, levels)
	if err != nil {
		return nil, err
	}
	if fade {
		drawing.Colormap = page.Fade
	}
	if _, err := e.Map(o.Layer, 0, o.Class); err != nil {
		return nil, err
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	pixels, err := rgba(photo)
	if err != nil {
		return nil, err
	}
	picture, err := page.JPEG(page.Fit(pixels, explorerPhoto), 85)
	if err != nil {
		return nil, err
	}
	d := explorerData{
		Drawing: drawing, Width: e.Width, Height: e.Height, Rows: e.Rows, Cols: e.Cols,
		Layers: e.Layers, Heads: e.Heads, Probabilities: make([]float32, e.Classes()), Class: o.Class, Layer: o.Layer,
		Photo: picture.URI,
		from:  origin.Model(o.Look.Source),
	}
	if e.Image != "" {
		d.Image = filepath.Base(e.Image)
	}
	for class := range e.Classes() {
		d.Names = append(d.Names, named(e, class))
	}
	for _, c := range e.Top(-1) {
		d.Order = append(d.Order, c.Index)
		d.Probabilities[c.Index] = float32(c.Probability)
	}
	if err := d.fill(e); err != nil {
		return nil, err
	}
	return d.page()
}

// Drawing is what a page's script draws maps by, first as o says: its Colormap, Opacity, Smoothing (Cells or not) and
// SameScale. levels are those of page.Pack.
func Drawing(o Options, levels int) (page.Drawing, error) {
	look, err := filled(o)
	d := page.Drawing{
		Levels: levels, Flatness: attention.Flatness,
		Colormaps: map[string]string{}, Colormap: strings.ToLower(look.Colormap), Opacity: look.Opacity,
		Smooth: look.Smoothing != Cells, SameScale: look.SameScale,
	}
	for name, table := range allColormaps() {
		var all []byte
		for _, rgb := range table {
			all = append(all, rgb[:]...)
		}
		d.Colormaps[name] = hex.EncodeToString(all)
	}
	return d, err
}

// fill gives maps to the chosen class and to as many of the best as the page's size allows.
func (d *explorerData) fill(e *attention.Explanation) error {
	bare, err := d.page()
	if err != nil {
		return err
	}
	packed, size := map[int]string{}, len(frame.Embed("", bare))
	for _, class := range append([]int{d.Class}, d.Order...) {
		if _, ok := packed[class]; ok {
			continue
		}
		maps, err := pack(e, class)
		if err != nil {
			return err
		}
		const around = 40 // at most: its quotes in a frame, its place in Kept
		size += len(maps) + around
		if size > largestPage || size > usualPage && len(packed) >= wellExplored {
			break
		}
		packed[class] = maps
	}
	if len(packed) == 0 {
		return fmt.Errorf("%d layers of %d heads with maps of %d×%d cells, and %d names, are too much for a page: "+
			"keep the numbers in an .npz file", e.Layers, e.Heads, e.Rows, e.Cols, e.Classes())
	}
	for _, class := range d.Order { // the list beside the maps is in this order, too
		if maps, ok := packed[class]; ok {
			d.Kept, d.Maps = append(d.Kept, class), append(d.Maps, maps)
		}
	}
	return nil
}

func (d *explorerData) page() ([]byte, error) {
	c := page.Content{Title: "Attention", Data: d, Model: d.from}
	if d.Image != "" {
		c.Title += " in " + d.Image
		c.Facts = []page.Fact{{"Picture", d.Image}}
	}
	var out bytes.Buffer
	err := explorerPage.Write(&out, c)
	return out.Bytes(), err
}

// pack is the maps of a class: layer by layer, head by head.
func pack(e *attention.Explanation, class int) (string, error) {
	var maps []attention.Map
	for layer := range e.Layers {
		for head := range e.Heads {
			m, err := e.Map(layer, head, class)
			if err != nil {
				return "", err
			}
			maps = append(maps, m)
		}
	}
	return page.Pack(maps, levels)
}
