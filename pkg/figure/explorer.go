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
	usualPage     = 1_200_000 // bytes, where enough classes have maps
	wellExplored  = 10        // classes with maps that may take a page beyond its usual size
	explorerPhoto = 900       // pixels, the longer side
	levels        = 510       // steps from a map's least to its greatest weight: within 0.1 % of the latter
)

// ExplorerOptions are what the explorer shows first.
type ExplorerOptions struct {
	Class int     // index; a class below 0 is the predicted one
	Layer int     // of the decoder, from 0; attention.Last is the last
	Look  Options // its Colormap ("" is viridis), Opacity (0 is 0.6), Cells as Smoothing, and SameScale
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
	Kept          []int             `json:"kept"`          // the classes with maps, best first
	Maps          []string          `json:"maps"`          // of Kept, packed
	Levels        int               `json:"levels"`
	Flatness      float64           `json:"flatness"`
	Class         int               `json:"class"` // shown first, as are those below
	Layer         int               `json:"layer"`
	Colormap      string            `json:"colormap"`
	Opacity       float64           `json:"opacity"`
	Smooth        bool              `json:"smooth"`
	SameScale     bool              `json:"sameScale"`
	Colormaps     map[string]string `json:"colormaps"` // 256 colours in hexadecimal
	Photo         string            `json:"photo"`
}

// Explorer is an HTML page to look around in an explanation: every class by
// name, its maps by layer and head, two classes side by side, and which heads
// and classes look at a spot. The page needs nothing else, no network and no
// kernel, and has less than 2 MB. The chosen class and the best others have all
// their maps in it, ten classes or more as they fit, with every weight within
// 0.1 % of its map's greatest. The page names the rest with their probabilities
// and says that their maps are not there.
//
// It is an error when the explanation is broken (attention.Explanation.Check),
// the class, the layer or the colormap does not exist, there is no picture, or
// the maps of the one class fit no page.
func Explorer(e *attention.Explanation, photo image.Image, o ExplorerOptions) ([]byte, error) {
	if o.Layer == attention.Last {
		o.Layer = e.Layers - 1
	}
	if o.Class < 0 {
		o.Class = e.Best().Index
	}
	if o.Look.Colormap == "" {
		o.Look.Colormap = "viridis"
	}
	if o.Look.Opacity == 0 {
		o.Look.Opacity = 0.6
	}
	look, err := o.Look.filled()
	if err != nil {
		return nil, err
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
		Width: e.Width, Height: e.Height, Rows: e.Rows, Cols: e.Cols, Layers: e.Layers, Heads: e.Heads,
		Probabilities: make([]float32, e.Classes()), Levels: levels, Flatness: attention.Flatness, Class: o.Class, Layer: o.Layer,
		Colormap: strings.ToLower(look.Colormap), Opacity: look.Opacity, Smooth: look.Smoothing != Cells, SameScale: look.SameScale,
		Colormaps: map[string]string{}, Photo: picture,
	}
	if e.Image != "" {
		d.Image = filepath.Base(e.Image)
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
	if err := d.fill(e); err != nil {
		return nil, err
	}
	return d.page()
}

// fill gives maps to the chosen class and to as many of the best as the page's
// size allows.
func (d *explorerData) fill(e *attention.Explanation) error {
	bare, err := d.page()
	if err != nil {
		return err
	}
	packed, size := map[int]string{}, len(Embed(bare))
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
		return fmt.Errorf("%d layers of %d heads with maps of %d×%d cells, and %d names, are too much for a page: keep the numbers in an .npz file",
			e.Layers, e.Heads, e.Rows, e.Cols, e.Classes())
	}
	for _, class := range d.Order { // the list beside the maps is in this order, too
		if maps, ok := packed[class]; ok {
			d.Kept, d.Maps = append(d.Kept, class), append(d.Maps, maps)
		}
	}
	return nil
}

func (d *explorerData) page() ([]byte, error) {
	encoded, err := json.Marshal(d) // with <, > and & as \u003c and so on
	if err != nil {
		return nil, err
	}
	title := "Attention"
	if d.Image != "" {
		title += " in " + d.Image
	}
	whole := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{css}}", explorerCSS, "{{script}}", explorerJS, "{{data}}", string(encoded)).Replace(explorerHTML)
	return []byte(whole), nil
}

// pack is what the script unpacks, for one class: the ends of every map [layer,
// head], then of all weights [layer, head, row, column] how many steps from the
// lower end they are, the low bytes before the high bytes, which gzip makes small.
func pack(e *attention.Explanation, class int) (string, error) {
	var ends, low, high []byte
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
					step = int(math.Round(levels * (float64(v) - float64(from)) / (float64(to) - float64(from))))
				}
				low, high = append(low, byte(step)), append(high, byte(step>>8))
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
// say: a frame that takes the height it needs. Where the notebook is not
// trusted Jupyter leaves the frame out and keeps the words of the template.
func Embed(page []byte) string {
	return `<template>The explorer is shown once this notebook is trusted.</template>` +
		`<iframe title="Attention explorer" style="width:100%;height:720px;border:0" srcdoc="` + html.EscapeString(string(page)) + `"></iframe>`
}
