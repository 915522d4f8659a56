package figure

import (
	"os"
	"testing"
	"time"
	"image"
	"image/jpeg"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
	"gonum.org/v1/plot/vg"
)

func golden(t testing.TB, heads int) *attention.Explanation {
	m := readNPZ(t, shared.Golden(t, "intr_r50_200.npz"))
	e := &attention.Explanation{Names: []string{"016.Painted_Bunting"}, Logits: []float32{1}, Layers: 1, Heads: heads, Rows: 25, Cols: 33}
	for h := range heads {
		e.Weights = append(e.Weights, m["predicted_attention"].reals[h%8*825:][:825]...)
	}
	e.Layers = 6
	w := e.Weights
	for range 5 { e.Weights = append(e.Weights, w...) }
	return e
}
func crop(img image.Image, r image.Rectangle) image.Image {
	return img.(interface{ SubImage(image.Rectangle) image.Image }).SubImage(r)
}

func TestLook(t *testing.T) {
	f, err := os.Open(shared.Dir(t) + "/images/Painted_Bunting_0004_16641.jpg")
	if err != nil { t.Fatal(err) }
	photo, err := jpeg.Decode(f)
	if err != nil { t.Fatal(err) }
	dir := "/tmp/w/figure/look/"
	os.MkdirAll(dir, 0o755)
	flat := golden(t, 8)
	for l := range 6 { for i := range 825 { flat.Weights[(l*8+2)*825+i] = 1.0/825 } }
	long := golden(t, 8)
	long.Names = []string{"Setophaga caerulescens (Black-throated Blue Warbler, Gmelin 1789), adult male in breeding plumage, Paruline bleue à gorge noire"}
	uni := golden(t, 8)
	uni.Names = []string{"Œil-blanc d’Amérique, Ökozaunkönig, Чиж, Σπίνος"}
	all := []struct{ name string; e *attention.Explanation; img image.Image; o Options }{
		{"row", golden(t, 8), photo, Options{}},
		{"bars", flat, photo, Options{ColorBar: true}},
		{"shared", golden(t, 8), photo, Options{ColorBar: true, SameScale: true, Colormap: "viridis"}},
		{"cells", flat, photo, Options{ColorBar: true, SameScale: true, Colormap: "inferno", Smoothing: Cells, Opacity: 0.7}},
		{"sixteen", golden(t, 16), photo, Options{}},
		{"four", golden(t, 4), photo, Options{Width: 3.5 * vg.Inch, ColorBar: true}},
		{"column", long, photo, Options{Width: 3.5 * vg.Inch, Columns: 3, ColorBar: true}},
		{"portrait", uni, crop(photo, image.Rect(150, 20, 350, 389)), Options{ColorBar: true}},
		{"panorama", uni, crop(photo, image.Rect(0, 120, 500, 220)), Options{ColorBar: true}},
		{"long", long, photo, Options{Colormap: "cividis", Smoothing: Cubic}},
	}
	for _, c := range all {
		start := time.Now()
		fig, err := HeadRow(c.e, attention.Last, 0, c.img, c.o)
		if err != nil { t.Fatal(c.name, err) }
		took := time.Since(start)
		for _, ext := range []string{".png", ".svg", ".pdf"} {
			start := time.Now()
			if err := fig.Save(dir + c.name + ext); err != nil { t.Fatal(err) }
			i, _ := os.Stat(dir + c.name + ext)
			t.Log(c.name, took, ext, time.Since(start), i.Size())
		}
	}
}
