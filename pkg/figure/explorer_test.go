package figure

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"image"
	_ "image/jpeg"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/page"
	"github.com/gointr/gointr/pkg/page/frame"
)

type drawing = page.Drawing

func framed(html []byte) string { return frame.Embed("Attention explorer", html) }

// pageData is what the script of a page reads, and its maps as it unpacks them:
// [class of Kept, layer, head, cell].
func pageData(t *testing.T, page []byte) (explorerData, [][][][]float32) {
	t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindSubmatch(page)
	if found == nil {
		t.Fatal("the page has no data")
	}
	var d explorerData
	if err := json.Unmarshal(found[1], &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Maps) != len(d.Kept) {
		t.Fatalf("%d classes are said to have maps, and %d have", len(d.Kept), len(d.Maps))
	}
	var maps [][][][]float32
	for _, packed := range d.Maps {
		maps = append(maps, unpack(t, d, packed))
	}
	return d, maps
}

func unpack(t *testing.T, d explorerData, text string) [][][]float32 {
	t.Helper()
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	count, cells := d.Layers*d.Heads, d.Rows*d.Cols
	if len(all) != count*(8+2*cells) {
		t.Fatalf("the maps of a class have %d bytes, want %d", len(all), count*(8+2*cells))
	}
	end := func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(all[4*i:])) }
	low, high := all[8*count:], all[(8+cells)*count:]
	maps := make([][][]float32, d.Layers)
	for at := range count {
		values := make([]float32, cells)
		for i := range values {
			step := float32(low[at*cells+i]) + 256*float32(high[at*cells+i])
			values[i] = end(2*at) + (end(2*at+1)-end(2*at))/float32(d.Levels)*step
		}
		maps[at/d.Heads] = append(maps[at/d.Heads], values)
	}
	return maps
}

// large is an explanation as large as the published ones, or larger.
func large(classes, layers, heads, rows, cols int) *attention.Explanation {
	e := &attention.Explanation{Image: "folder/bird.jpg", Width: 640, Height: 480, Layers: layers, Heads: heads,
		Rows: rows, Cols: cols}
	random := rand.New(rand.NewPCG(1, 2))
	for range classes {
		e.Logits = append(e.Logits, float32(random.NormFloat64()))
	}
	e.Weights = make([]float32, layers*heads*classes*rows*cols)
	for i := range e.Weights {
		e.Weights[i] = random.Float32() / float32(rows*cols)
	}
	return e
}

func TestExplorerNumbers(t *testing.T) {
	e, photo := large(30, 3, 4, 9, 7), scene(120, 90)
	page, err := Explorer(e, photo, ExplorerOptions{Class: 5, Layer: 1})
	if err != nil {
		t.Fatal(err)
	}
	d, maps := pageData(t, page)
	if !slices.Equal(d.Kept, d.Order) || d.Class != 5 || d.Layer != 1 {
		t.Errorf("classes %v are kept, class %d, layer %d are first", d.Kept, d.Class, d.Layer)
	}
	for k, class := range d.Kept {
		for l := range e.Layers {
			for h := range e.Heads {
				m, _ := e.Map(l, h, class)
				_, high := m.Range()
				for i, v := range m.Values {
					if diff := math.Abs(float64(maps[k][l][h][i] - v)); diff > 0.001*float64(high) {
						t.Fatalf("class %d, layer %d, head %d, cell %d is %v, not %v", class, l, h, i,
							maps[k][l][h][i], v)
					}
				}
			}
		}
	}
	for i, c := range e.Top(-1) {
		if d.Order[i] != c.Index || math.Abs(float64(d.Probabilities[c.Index])-c.Probability) > 1e-6 {
			t.Errorf("place %d is class %d with %v, want %+v", i, d.Order[i], d.Probabilities[d.Order[i]], c)
		}
	}
	if d.Image != "bird.jpg" || d.Width != 640 || d.Height != 480 || d.Rows != 9 || d.Cols != 7 {
		t.Errorf("the page is told %+v", d)
	}
	data, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(d.Photo, "data:image/jpeg;base64,"))
	if img, _, err := image.Decode(bytes.NewReader(data)); err != nil || img.Bounds() != image.Rect(0, 0, 120, 90) {
		t.Errorf("the photo is no picture of 120x90 (%v)", err)
	}
}

// Weights that differ by many orders of magnitude, and some that do not at all.
func TestExplorerExtremes(t *testing.T) {
	e := large(3, 1, 2, 2, 2)
	copy(e.Weights, []float32{1, 0, 0, 0, 1e-38, 3e-38, 2e-38, 1e-45, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 1, 0.9999999,
		1, 0.9999999, 0.999, 1e-9, 1e-3, 0})
	page, err := Explorer(e, scene(20, 20), ExplorerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, maps := pageData(t, page)
	for k, class := range d.Kept {
		for h := range 2 {
			m, _ := e.Map(0, h, class)
			_, high := m.Range()
			for i, v := range m.Values {
				if diff := math.Abs(float64(maps[k][0][h][i]) - float64(v)); diff > 0.001*float64(high) {
					t.Errorf("class %d, head %d, cell %d is %v, not %v", class, h, i, maps[k][0][h][i], v)
				}
			}
		}
	}
}

func TestExplorerFirst(t *testing.T) {
	e := large(30, 3, 4, 9, 7)
	for _, c := range []struct {
		o    ExplorerOptions
		want explorerData
	}{
		{ExplorerOptions{Class: -1, Layer: attention.Last}, explorerData{Class: e.Best().Index, Layer: 2,
			Drawing: drawing{Colormap: "fade", Opacity: 0.66, Smooth: true}}},
		{ExplorerOptions{Class: 7, Layer: 1, Look: Options{Smoothing: Cells, Colormap: "Cividis", Opacity: 0.25,
			SameScale: true}}, explorerData{Class: 7, Layer: 1, Drawing: drawing{Colormap: "cividis", Opacity: 0.25,
			SameScale: true}}},
		{ExplorerOptions{Look: Options{Smoothing: Cubic, Colormap: "jet", Opacity: 1}},
			explorerData{Drawing: drawing{Colormap: "jet", Opacity: 1, Smooth: true}}},
	} {
		page, err := Explorer(e, scene(120, 90), c.o)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := pageData(t, page)
		got := explorerData{Class: d.Class, Layer: d.Layer, Drawing: drawing{Colormap: d.Colormap, Opacity: d.Opacity,
			Smooth: d.Smooth, SameScale: d.SameScale}}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: first shown is %+v, want %+v", c.o, got, c.want)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(d.Colormaps)), slices.Sorted(slices.Values(Colormaps()))) ||
			d.Colormap != "fade" && len(d.Colormaps[d.Colormap]) != 256*6 {
			t.Errorf("the page has the colormaps %v", slices.Sorted(maps.Keys(d.Colormaps)))
		}
	}
}

// However large the model and the picture, a page in a notebook has less than
// 2 MB, with at least ten classes where they fit, and the chosen one always.
func TestExplorerSize(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 2000, 1500))
	random := rand.New(rand.NewPCG(3, 4))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32()) | 255*uint8(i%4/3)
	}
	for _, c := range []struct{ classes, layers, heads, rows, cols, least, most int }{
		{1, 1, 1, 1, 1, 1, 1},
		{525, 1, 2, 5, 5, 525, 525},
		{525, 6, 8, 25, 34, 10, 30},
		{525, 6, 8, 38, 42, 10, 12}, // more than the usual size, for ten classes
		{20, 12, 16, 50, 50, 1, 5},
	} {
		e := large(c.classes, c.layers, c.heads, c.rows, c.cols)
		last := e.Top(-1)[c.classes-1].Index
		page, err := Explorer(e, noise, ExplorerOptions{Class: last, Layer: attention.Last})
		if err != nil {
			t.Fatal(err)
		}
		n := len(framed(page))
		if n >= 2_000_000 {
			t.Errorf("%v: the page has %d bytes", c, n)
		}
		d, _ := pageData(t, page)
		if len(d.Kept) < c.least || len(d.Kept) > c.most || !slices.Contains(d.Kept, last) {
			t.Errorf("%v: %d bytes with the classes %v", c, n, d.Kept)
		}
		if best := d.Order[:len(d.Kept)-1]; c.classes > 1 && !slices.Equal(d.Kept[:len(best)], best) {
			t.Errorf("%v: the classes %v, want the best, %v, and %d", c, d.Kept, best, last)
		}
	}
	if _, err := Explorer(large(2, 24, 32, 60, 60), noise, ExplorerOptions{}); err == nil ||
		!strings.Contains(err.Error(), "too much for a page") {
		t.Errorf("maps that fit no page are answered with %v", err)
	}
}

// Names are text, whatever is in them, and nothing is fetched from elsewhere.
func TestExplorerHostile(t *testing.T) {
	e := explanation(2)
	e.Image = `"<script>alert(1)<!--.jpg`
	e.Names = []string{`</script><script>alert(1)</script>`, "\u2028\"'`${1}", "<!--<script>"}
	page, err := Explorer(e, scene(40, 30), ExplorerOptions{Class: 1})
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]int{"<script": 2, "</script": 2, "<!--": 0} {
		if n := strings.Count(string(page), part); n != want {
			t.Errorf("the page has %d of %s, want %d", n, part, want)
		}
	}
	d, _ := pageData(t, page)
	for i, name := range e.Names {
		if d.Names[i] != attention.Plain(name) {
			t.Errorf("the name %q became %q", name, d.Names[i])
		}
	}
	for _, fetched := range []string{"http://", "https://", "src=", "@import", "innerHTML"} {
		if strings.Contains(string(page), fetched) {
			t.Errorf("the page has %s in it", fetched)
		}
	}
	embedded := framed(page)
	if n := strings.Count(embedded, "<"); n != 4 { // the template and the frame, begun and ended
		t.Errorf("the frame's HTML has %d tags, want 4", n)
	}
	inside := embedded[strings.Index(embedded, `srcdoc="`)+8 : len(embedded)-len(`"></iframe>`)]
	if strings.Contains(inside, `"`) || html.UnescapeString(inside) != string(page) {
		t.Error("the frame does not hold the page")
	}
}

func TestExplorerMistakes(t *testing.T) {
	for want, call := range map[string]func() ([]byte, error){
		"class 9 does not exist": func() ([]byte, error) {
			return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Class: 9})
		},
		"layer 9 does not exist": func() ([]byte, error) {
			return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Layer: 9})
		},
		"no picture": func() ([]byte, error) { return Explorer(explanation(2), nil, ExplorerOptions{}) },
		"no colormap is named": func() ([]byte, error) {
			return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Look: Options{Colormap: "rainbow"}})
		},
		"an opacity of 2": func() ([]byte, error) {
			return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Look: Options{Opacity: 2}})
		},
		"do not fit": func() ([]byte, error) {
			e := explanation(2)
			e.Weights = e.Weights[:len(e.Weights)-1]
			return Explorer(e, scene(40, 30), ExplorerOptions{})
		},
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
