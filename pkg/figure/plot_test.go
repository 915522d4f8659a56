package figure

import (
	"bytes"
	"compress/zlib"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// line is a plot of a line that falls from 3 to -2.
func line(t *testing.T) *plot.Plot {
	t.Helper()
	l, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 3}, {X: 1, Y: -2}})
	if err != nil {
		t.Fatal(err)
	}
	p := plot.New()
	p.Title.Text = "Größe <µm>"
	p.Add(l)
	return p
}

func TestPlot(t *testing.T) {
	p, err := NewPlot(line(t), 4*vg.Inch, 3*vg.Inch)
	if err != nil {
		t.Fatal(err)
	}
	if w, h := p.Size(); w != 4*vg.Inch || h != 3*vg.Inch {
		t.Errorf("it is %v x %v", w, h)
	}
	dir := t.TempDir()
	file := func(name string) []byte {
		path := filepath.Join(dir, name)
		if err := p.Save(path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}

	data := file("a.png")
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 1200 || b.Dy() != 900 {
		t.Errorf("4 x 3 inches are %d x %d pixels", b.Dx(), b.Dy())
	}
	if !bytes.Contains(data[:64], []byte("pHYs\x00\x00\x2e\x23")) { // 11811 dots a metre
		t.Error("the PNG does not say its dots per metre")
	}
	dark := 0
	for y := range 900 {
		for x := range 1200 {
			if r, g, b, _ := img.At(x, y).RGBA(); r+g+b < 3*0x4000 {
				dark++
			}
		}
	}
	if dark < 5000 || dark > 100000 {
		t.Errorf("%d pixels are dark: that is no line with axes", dark)
	}

	if svg := string(file("a.svg")); !strings.Contains(svg, "Größe &lt;µm&gt;</text>") ||
		!strings.Contains(svg, `width="288pt"`) {
		t.Errorf("the SVG lacks its title or size: %.300s", svg)
	}
	// gonum alone would write the title as "GrÃ¶Ãe".
	if pdf := file("a.pdf"); bytes.Contains(inflated(t, pdf), []byte("Gr\xc3")) ||
		!bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Error("the PDF's title is garbled")
	}
}

// inflated is everything that a PDF has compressed.
func inflated(t *testing.T, pdf []byte) []byte {
	t.Helper()
	var all []byte
	for _, part := range bytes.Split(pdf, []byte("stream\n")) {
		if r, err := zlib.NewReader(bytes.NewReader(part)); err == nil {
			data, _ := io.ReadAll(r)
			all = append(all, data...)
		}
	}
	if len(all) == 0 {
		t.Fatal("the PDF is empty")
	}
	return all
}

func TestWrongPlots(t *testing.T) {
	logarithmic := line(t)
	logarithmic.Y.Scale = plot.LogScale{}
	for _, c := range []struct {
		want string
		call func() error
	}{
		{"no plot to draw", func() error { _, err := NewPlot(nil, vg.Inch, vg.Inch); return err }},
		{"0.1 x 3 inches is not possible", func() error {
			_, err := NewPlot(line(t), vg.Inch/10, 3*vg.Inch)
			return err
		}},
		{"the plot cannot be drawn: ", func() error { return saved(logarithmic, 4*vg.Inch, "a.png") }},
		{"the plot cannot be drawn: ", func() error { return saved(logarithmic, 4*vg.Inch, "a.svg") }},
		{"the plot cannot be drawn: ", func() error { return saved(logarithmic, 4*vg.Inch, "a.pdf") }},
		{"too large", func() error { return saved(line(t), 60*vg.Inch, "a.png") }},
		{"end the name with .png, .svg, .pdf or .eps", func() error { return saved(line(t), 4*vg.Inch, "a.doc") }},
	} {
		err := c.call()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want a sentence with %q", err, c.want)
		}
	}
}

func saved(d Drawer, side vg.Length, name string) error {
	p, err := NewPlot(d, side, side)
	if err != nil {
		return err
	}
	return p.Save(filepath.Join(os.DevNull, name))
}
