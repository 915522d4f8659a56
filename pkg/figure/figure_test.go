package figure

import (
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/sbinet/npyio/npz"
	"gonum.org/v1/plot/vg"
)

var regen = flag.Bool("regen", false, "draw the golden pictures in testdata anew")

// explanation has one bump a head, each in its own place; head 3 is flat.
func explanation(heads int) *attention.Explanation {
	e := &attention.Explanation{
		Names:  []string{"001.Plain_Tit", "002.Painted_Bunting", "003.Grey_Crow"},
		Logits: []float32{0.5, 3, 1}, Layers: 2, Heads: heads, Rows: 6, Cols: 8,
	}
	for layer := range e.Layers {
		for head := range heads {
			for class := range e.Classes() {
				x, y := float64((head*3+layer+class)%8), float64((head*2+class)%6)
				sum, at := 0.0, len(e.Weights)
				for i := range 48 {
					dx, dy := float64(i%8)-x, float64(i/8)-y
					v := math.Exp(-(dx*dx + dy*dy) / 3)
					if head == 2 {
						v = 1
					}
					sum += v
					e.Weights = append(e.Weights, float32(v))
				}
				for i := range 48 {
					e.Weights[at+i] /= float32(sum)
				}
			}
		}
	}
	return e
}

// scene is a sky above grass, with a sun at the top left.
func scene(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(150 + 60*y/h), 190, 230, 255}
			if y > h*2/3 {
				c = color.RGBA{90, uint8(120 + 40*x/w), 60, 255}
			}
			if dx, dy := x-w/4, y-h/4; dx*dx+dy*dy < min(w, h)*min(w, h)/50 {
				c = color.RGBA{250, 220, 80, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func ExampleHeadRow() {
	e := explanation(8) // Model.Explain gives one
	row, err := HeadRow(e, attention.Last, e.Best().Index, scene(160, 120), Options{ColorBar: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	width, height := row.Size()
	fmt.Printf("%.1f x %.1f inches\n", width/vg.Inch, height/vg.Inch)
	// row.Save("bunting.pdf") writes it for print.

	// Output: 7.0 x 1.1 inches
}

func TestGoldenFigures(t *testing.T) {
	for name, o := range map[string]Options{
		"headrow": {ColorBar: true, DPI: 150},
		"viridis": {ColorBar: true, DPI: 150, SameScale: true, Colormap: "viridis", Smoothing: Cubic,
			Title: "Œil d’Ökozaunkönig, Чиж, Σπίνος"},
		"portrait": {DPI: 150, Width: 3.5 * vg.Inch, Columns: 5, Smoothing: Cells, Colormap: "gray", Opacity: 0.8},
	} {
		size := image.Pt(160, 120)
		if name == "portrait" {
			size = image.Pt(60, 100)
		}
		f, err := HeadRow(explanation(8), attention.Last, 1, scene(size.X, size.Y), o)
		if err != nil {
			t.Fatal(err)
		}
		data, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + name + ".png"
		if *regen {
			if err := os.WriteFile(golden, data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := rgba(img)
		// Other processors may round a letter's edge otherwise.
		if worst, mean := difference(got, readPNG(t, golden)); worst > 64 || mean > 0.02 {
			bad := filepath.Join(os.TempDir(), name+".png")
			os.WriteFile(bad, data, 0o666)
			t.Errorf("%s differs from %s by up to %d levels, mean %.4f; look at both, and run the test with -regen "+
				"if the new one is right", bad, golden, worst, mean)
		}
	}
}

// Whatever is asked for, nothing leaves the page, no text lies on another, and
// pictures keep their shape.
func TestLayout(t *testing.T) {
	long := strings.Repeat("Very long-named black-throated warbler ", 9)
	for _, heads := range []int{1, 4, 8, 16} {
		for _, size := range []image.Point{{160, 120}, {60, 100}, {300, 60}, {12, 200}, {200, 6}} {
			for _, name := range []string{"002.Painted_Bunting", long, strings.Repeat("W", 200), "\x00\xff<&>",
				"Σπίνος", ""} {
				for _, o := range []Options{{}, {ColorBar: true}, {ColorBar: true, SameScale: true},
					{Width: 3 * vg.Inch, Columns: 3, ColorBar: true}, {Width: 2 * vg.Inch},
					{Width: 2 * vg.Inch, ColorBar: true, SameScale: true}} {
					o.Smoothing = Cells
					e := explanation(heads)
					e.Names[1] = name
					f, err := HeadRow(e, 0, 1, scene(size.X, size.Y), o)
					if err != nil {
						t.Fatalf("%d heads, %v: %v", heads, size, err)
					}
					checkLayout(t, fmt.Sprintf("%d heads, %v, %.9q, %+v", heads, size, name, o), f, heads, size)
				}
			}
		}
	}
}

func checkLayout(t *testing.T, name string, f *Figure, heads int, size image.Point) {
	t.Helper()
	page := rectangle(0, 0, f.width, f.height)
	inside := func(r vg.Rectangle) bool {
		return r.Min.X >= -0.01 && r.Min.Y >= -0.01 && r.Max.X <= page.Max.X+0.01 && r.Max.Y <= page.Max.Y+0.01
	}
	var labels []string
	var taken []vg.Rectangle
	for _, line := range f.texts {
		r := rectangle(line.at.X, line.at.Y-line.size*0.22, line.width(), line.size*0.95)
		if !inside(r) {
			t.Errorf("%s: %q at %v leaves the page of %v", name, line.string, r, page.Max)
		}
		if line.size < 6 {
			t.Errorf("%s: %q is set in %v points", name, line.string, line.size)
		}
		for i, other := range taken {
			if r.Min.X < other.Max.X && other.Min.X < r.Max.X && r.Min.Y < other.Max.Y-0.2 &&
				other.Min.Y < r.Max.Y-0.2 {
				t.Errorf("%s: %q lies on %q", name, line.string, f.texts[i].string)
			}
		}
		taken = append(taken, r)
		if strings.HasPrefix(line.string, "Head ") || line.string == "Input" {
			labels = append(labels, line.string)
		}
	}
	if len(labels) != heads+1 || labels[0] != "Input" ||
		!strings.HasPrefix(labels[heads], fmt.Sprintf("Head %d", heads)) {
		t.Errorf("%s: the labels are %q", name, labels)
	}
	panels := 0
	for _, p := range f.pictures {
		if !inside(p.at) {
			t.Errorf("%s: a picture at %v leaves the page of %v", name, p.at, page.Max)
		}
		if p.pixels.Rect.Dx() == 256 { // a colour bar
			continue
		}
		panels++
		shape := float64(p.pixels.Rect.Dx()) / float64(p.pixels.Rect.Dy())
		if got := float64(p.at.Size().X / p.at.Size().Y); math.Abs(got/shape-1) > 1e-6 {
			t.Errorf("%s: a picture of shape %v is drawn in shape %v", name, shape, got)
		}
	}
	if panels != heads+1 {
		t.Errorf("%s: %d panels for %d heads", name, panels, heads)
	}
}

func TestTitlesAreBrokenEvenly(t *testing.T) {
	const words = "one two three four five six seven eight nine"
	whole := text{string: words, size: 9}.width()
	lines, size := fit(words, 9, 7, whole*0.9, 2)
	if want := []string{"one two three four five", "six seven eight nine"}; !slices.Equal(lines, want) || size != 9 {
		t.Errorf("broken into %q in %v points", lines, size)
	}
	lines, size = fit(words, 9, 7, whole*0.3, 2)
	if len(lines) != 2 || !strings.HasSuffix(lines[1], "…") || size != 7 || widest(lines, size) > whole*0.3 {
		t.Errorf("what does not fit becomes %q in %v points", lines, size)
	}
}

func TestFlatMaps(t *testing.T) {
	photo := scene(64, 48)
	flat := attention.Map{Rows: 2, Cols: 2, Values: []float32{0.25, 0.25, 0.25, 0.25}}
	got, err := Overlay(flat, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a flat map leaves the picture as it is", got, photo, 0)

	got, err = Overlay(flat, photo, Options{Colormap: "gray", Opacity: 1, Limits: &Limits{Low: 0, High: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.RGBAAt(30, 20); c != (color.RGBA{63, 63, 63, 255}) {
		t.Errorf("a flat map of 0.25 on a scale from 0 to 1 is %v, want level 63", c)
	}

	for _, o := range []Options{{}, {ColorBar: true}, {ColorBar: true, SameScale: true}} {
		e := explanation(8)
		for i := range e.Weights {
			e.Weights[i] = 1. / 48
		}
		for _, flatHeads := range []int{8, 1} {
			f, err := HeadRow(e, 0, 1, photo, o)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, line := range f.texts {
				words = append(words, line.string)
			}
			if n := strings.Count(strings.Join(words, " "), "flat: every cell 0.021"); n != flatHeads {
				t.Errorf("%d panels say that they are flat, want %d: %q", n, flatHeads, words)
			}
			e = explanation(8)
		}
	}
}

func TestOptionsDo(t *testing.T) {
	photo := scene(80, 60)
	m, _ := explanation(8).Map(0, 0, 1)
	published, err := Overlay(m, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"cubic": {Smoothing: Cubic}, "cells": {Smoothing: Cells}, "viridis": {Colormap: "viridis"},
		"opacity": {Opacity: 0.2}, "limits": {Limits: &Limits{Low: 0, High: 1}},
	} {
		got, err := Overlay(m, photo, o)
		if err != nil {
			t.Fatal(err)
		}
		if worst, _ := difference(got, published); worst < 10 {
			t.Errorf("%s changes at most %d levels of the published panel", name, worst)
		}
	}
	cells, _ := Overlay(m, photo, Options{Smoothing: Cells, Colormap: "gray", Opacity: 1})
	low, high := m.Range()
	for _, at := range []image.Point{{0, 0}, {9, 9}, {10, 9}, {79, 59}} {
		want := uint8((m.At(at.Y/10, at.X/10) - low) / (high - low) * 255)
		if got := cells.RGBAAt(at.X, at.Y).R; got != want {
			t.Errorf("the cell at pixel %v is level %d, want %d", at, got, want)
		}
	}
}

func TestColormaps(t *testing.T) {
	want := map[string][3][3]uint8{ // first, middle and last colours as published
		"viridis": {{68, 1, 84}, {33, 144, 140}, {253, 231, 36}}, "cividis": {{0, 34, 77}, {124, 123, 120},
			{253, 231, 55}},
		"magma": {{0, 0, 3}, {182, 54, 121}, {251, 252, 191}}, "inferno": {{0, 0, 3}, {187, 55, 84}, {252, 254, 164}},
		"jet": {{0, 0, 128}, {130, 255, 126}, {128, 0, 0}}, "gray": {{0, 0, 0}, {128, 128, 128}, {255, 255, 255}},
		"puor": {{127, 59, 8}, {246, 246, 246}, {45, 0, 75}},
	}
	names := Colormaps()
	if len(names) != len(want) || names[0] != "jet" {
		t.Errorf("the colormaps are %v", names)
	}
	for _, name := range names {
		table, err := colors(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range []int{0, 128, 255} {
			for k := range 3 {
				if d := int(table[at][k]) - int(want[name][i][k]); d < -1 || d > 1 {
					t.Errorf("%s at %d is %v, want %v", name, at, table[at], want[name][i])
				}
			}
		}
	}
}

func TestWrongCallsSaySo(t *testing.T) {
	e, photo := explanation(8), scene(40, 30)
	broken := explanation(8)
	broken.Weights[1*48+3] = float32(math.NaN())
	for _, c := range []struct {
		want    string
		e       *attention.Explanation
		layer   int
		class   int
		picture image.Image
		o       Options
	}{
		{"no colormap is named", e, 0, 1, photo, Options{Colormap: "rainbow"}},
		{"opacity of 1.5", e, 0, 1, photo, Options{Opacity: 1.5}},
		{"opacity of NaN", e, 0, 1, photo, Options{Opacity: math.NaN()}},
		{"from 1 to 0", e, 0, 1, photo, Options{Limits: &Limits{Low: 1, High: 0}}},
		{"not both", e, 0, 1, photo, Options{Limits: &Limits{Low: 0, High: 1}, SameScale: true}},
		{"smoothing 9", e, 0, 1, photo, Options{Smoothing: 9}},
		{"-1 columns", e, 0, 1, photo, Options{Columns: -1}},
		{"9 panels do not fit", e, 0, 1, photo, Options{Width: 2 * vg.Inch, Columns: 9}},
		{"inches wide", e, 0, 1, photo, Options{Width: -1}},
		{"5 dots per inch", e, 0, 1, photo, Options{DPI: 5}},
		{"layer 7 does not exist", e, 7, 1, photo, Options{}},
		{"class 3 does not exist", e, 0, 3, photo, Options{}},
		{"no picture", e, 0, 1, nil, Options{}},
		{"empty (0 x 0", e, 0, 1, image.NewRGBA(image.Rectangle{}), Options{}},
		{"head 1: the attention map is NaN at row 0, column 3", broken, 0, 1, photo, Options{}},
	} {
		_, err := HeadRow(c.e, c.layer, c.class, c.picture, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want a sentence with %q", err, c.want)
		}
	}
	f, err := HeadRow(e, 0, 1, photo, Options{DPI: 2400, Width: 60 * vg.Inch})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.PNG(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a PNG 144000 pixels wide: %v", err)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	draw := func() [4][]byte {
		f, err := HeadRow(explanation(8), 0, 1, scene(160, 120), Options{ColorBar: true, DPI: 100})
		if err != nil {
			t.Fatal(err)
		}
		p, err1 := f.PNG()
		s, err2 := f.SVG()
		d, err3 := f.PDF()
		e, err4 := f.EPS()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		return [4][]byte{p, s, d, e}
	}
	first := draw()
	for range 4 { // what is left to chance differs once in 9!
		again := draw()
		for i, kind := range []string{"PNG", "SVG", "PDF", "EPS"} {
			if !bytes.Equal(first[i], again[i]) {
				t.Errorf("two %s of the same figure differ", kind)
			}
		}
	}
}

func TestSmoothingByName(t *testing.T) {
	for want, name := range []string{"published", "cubic", "cells"} {
		s := Smoothing(-1)
		if err := s.Set(name); err != nil || s != Smoothing(want) || s.String() != name {
			t.Errorf("%q sets %d, %q (%v)", name, s, s, err)
		}
	}
	s := Cubic
	if err := s.Set("blurry"); err == nil ||
		err.Error() != `no smoothing is named "blurry": use one of published, cubic, cells` || s != Cubic {
		t.Errorf("got %v and %v", err, s)
	}
	if s := Smoothing(9).String(); s != "Smoothing(9)" {
		t.Errorf("a smoothing that does not exist is called %q", s)
	}
}

func TestPNGHasItsPrintedSize(t *testing.T) {
	f, err := HeadRow(explanation(8), 0, 1, scene(160, 120), Options{DPI: 200, Width: 18 * vg.Centimeter})
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != 1417 {
		t.Errorf("18 cm at 200 dots per inch are %d pixels wide, want 1417", got)
	}
	// 200 dots an inch are 7874 a metre.
	if want := "\x00\x00\x00\x09pHYs\x00\x00\x1e\xc2\x00\x00\x1e\xc2\x01"; !bytes.Contains(data[:64], []byte(want)) {
		t.Error("the PNG does not say its dots per metre")
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	for _, name := range []string{"a<b>&\"c\"\x00\xff", "Œil d’Ökozaunkönig, Чиж, Σπίνος, 鳥"} {
		e := explanation(8)
		e.Names[1] = name
		f, err := HeadRow(e, 0, 1, scene(80, 60), Options{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		images := 0
		for d := xml.NewDecoder(bytes.NewReader(data)); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			switch token := token.(type) {
			case xml.CharData:
				words = append(words, string(token))
			case xml.StartElement:
				for _, a := range token.Attr {
					if a.Name.Local == "href" && strings.HasPrefix(a.Value, "data:image/png;base64,iVBOR") {
						images++
					}
				}
			}
		}
		if !slices.Contains(words, f.texts[0].string) || images != 9 {
			t.Errorf("the SVG has %d pictures and the words %q", images, words)
		}
	}
}

// Follows the PDF's drawing commands: pictures must stand upright, and letters
// that are not ASCII must be curves.
func TestPDF(t *testing.T) {
	e := explanation(8)
	e.Names[1] = "Ökozaunkönig"
	f, err := HeadRow(e, 0, 1, scene(80, 60), Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.PDF()
	if err != nil {
		t.Fatal(err)
	}
	page := ""
	for _, part := range bytes.Split(data, []byte("stream\n")) {
		if r, err := zlib.NewReader(bytes.NewReader(part)); err == nil {
			if text, err := io.ReadAll(r); err == nil && bytes.Contains(text, []byte(" Do")) {
				page = string(text)
			}
		}
	}
	type matrix struct{ a, b, c, d, e, f float64 }
	now, stack, pictures := matrix{a: 1, d: 1}, []matrix{}, 0
	var numbers []float64
	for _, word := range strings.Fields(page) {
		if v, err := strconv.ParseFloat(word, 64); err == nil {
			numbers = append(numbers, v)
			continue
		}
		switch word {
		case "q":
			stack = append(stack, now)
		case "Q":
			now, stack = stack[len(stack)-1], stack[:len(stack)-1]
		case "cm":
			m := numbers[len(numbers)-6:]
			now = matrix{
				m[0]*now.a + m[1]*now.c, m[0]*now.b + m[1]*now.d, m[2]*now.a + m[3]*now.c, m[2]*now.b + m[3]*now.d,
				m[4]*now.a + m[5]*now.c + now.e, m[4]*now.b + m[5]*now.d + now.f,
			}
		case "Do":
			at := f.pictures[pictures].at
			pictures++
			got := [4]float64{now.e, now.f, now.e + now.a, now.f + now.d}
			for i, want := range []vg.Length{at.Min.X, at.Min.Y, at.Max.X, at.Max.Y} {
				if math.Abs(got[i]-float64(want)) > 0.02 {
					t.Errorf("picture %d lies at %v, want upright at %v", pictures, got, at)
					break
				}
			}
		}
		numbers = numbers[:0]
	}
	if pictures != 9 {
		t.Errorf("the PDF draws %d pictures, want 9", pictures)
	}
	if !strings.Contains(page, "(Head 1)") || strings.Contains(page, "kozaunk") {
		t.Error("the PDF's labels must be text and its title curves")
	}
	if n := len(regexp.MustCompile(` c\b`).FindAllString(page, -1)) +
		len(regexp.MustCompile(` v\b`).FindAllString(page, -1)); n < 50 {
		t.Errorf("the title has only %d curves", n)
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f, err := HeadRow(explanation(8), 0, 1, scene(40, 30), Options{DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	magic := map[string]string{"a.png": "\x89PNG", "b.SVG": "<?xml", "c.pdf": "%PDF-",
		"d.eps": "%!PS-Adobe-3.0 EPSF-3.0\n", "e.tex": "% \\begin{figure}", "f.npz": "PK", "g.csv": "image,label,",
		"h.json": "{"}
	for name, start := range magic {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(path); !strings.HasPrefix(string(data), start) {
			t.Errorf("%s starts with %.8q", name, data)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.png"), 0o777); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.bmp": ".png, .svg, .pdf or .eps", "a": ".png, .svg, .pdf or .eps", "none/a.png": "none does not exist",
		"folder.png": "it is a folder", "a.png/b.png": "cannot be written",
	} {
		err := f.Save(filepath.Join(dir, path))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want a sentence with %q", path, err, want)
		}
	}
	left, _ := os.ReadDir(dir)
	if len(left) != len(magic)+1 {
		t.Errorf("something was left behind: %v", left)
	}
}

func TestWriteFileLeavesTheOldOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	os.WriteFile(path, []byte("old"), 0o666)
	err := wholefile.Write(path, func(w io.Writer) error {
		w.Write([]byte("half"))
		return errors.New("the disk is full")
	})
	if err == nil || err.Error() != path+" cannot be written: the disk is full" {
		t.Errorf("got %v", err)
	}
	files, _ := os.ReadDir(filepath.Dir(path))
	if data, _ := os.ReadFile(path); string(data) != "old" || len(files) != 1 {
		t.Errorf("the file holds %q beside %v", data, files)
	}
}

func TestWriteData(t *testing.T) {
	e := explanation(4)
	path := filepath.Join(t.TempDir(), "maps.npz")
	if err := WriteData(path, e, 2, origin.Model{}); err != nil {
		t.Fatal(err)
	}
	all := readNPZ(t, path)
	maps, logits := all["attention"], all["logits"]
	if !slices.Equal(maps.shape, []int{2, 4, 6, 8}) || !slices.Equal(logits.shape, []int{3}) ||
		!slices.Equal(logits.reals, e.Logits) {
		t.Errorf("attention %v, logits %v = %v", maps.shape, logits.shape, logits.reals)
	}
	for layer := range 2 {
		for head := range 4 {
			want, _ := e.Map(layer, head, 2)
			if got := maps.reals[(layer*4+head)*48:][:48]; !slices.Equal(got, want.Values) {
				t.Errorf("layer %d, head %d is %v, want %v", layer, head, got, want.Values)
			}
		}
	}
	r, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var class int64
	if err := r.Read("class.npy", &class); err != nil || class != 2 {
		t.Errorf("class is %d (%v), want 2", class, err)
	}

	first, _ := os.ReadFile(path)
	WriteData(path, e, 2, origin.Model{})
	if second, _ := os.ReadFile(path); !bytes.Equal(first, second) {
		t.Error("the same maps give other bytes")
	}
	if err := WriteData(path, e, 3, origin.Model{}); err == nil {
		t.Error("class 3 of 3 was written")
	}
	if err := WriteData(filepath.Join(path, "no", "x.npz"), e, 1, origin.Model{}); err == nil {
		t.Error("a file was written into a folder that does not exist")
	}
}

func TestShrink(t *testing.T) {
	for _, c := range []struct{ w, h, toW, toH int }{
		{500, 389, 400, 311}, {1, 1, 1, 1}, {1666, 20, 1333, 16}, {4000, 3000, 1333, 1000}, {30, 9000, 4, 1333},
	} {
		got, err := Shrink(image.NewGray(image.Rect(5, 5, 5+c.w, 5+c.h)))
		if err != nil || got.Rect != image.Rect(0, 0, c.toW, c.toH) {
			t.Errorf("%d x %d became %v (%v), want %d x %d", c.w, c.h, got.Rect, err, c.toW, c.toH)
		}
	}
	glass := image.NewNRGBA(image.Rect(0, 0, 10, 10)) // transparent black
	if got, _ := Shrink(glass); got.RGBAAt(3, 3) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("what is transparent became %v, want white", got.RGBAAt(3, 3))
	}
}

func BenchmarkHeadRow(b *testing.B) {
	e, photo := explanation(8), scene(1028, 800)
	for b.Loop() {
		if _, err := HeadRow(e, 0, 1, photo, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
