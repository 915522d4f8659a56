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
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
)

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
	packed, err := base64.StdEncoding.DecodeString(d.Maps)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	count, cells := len(d.Kept)*d.Layers*d.Heads, d.Rows*d.Cols
	if len(all) != count*(8+2*cells) {
		t.Fatalf("the maps have %d bytes, want %d", len(all), count*(8+2*cells))
	}
	end := func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(all[4*i:])) }
	low, high := all[8*count:], all[(8+cells)*count:]
	var maps [][][][]float32
	for k := range d.Kept {
		maps = append(maps, nil)
		for l := range d.Layers {
			maps[k] = append(maps[k], nil)
			for h := range d.Heads {
				at := (k*d.Layers+l)*d.Heads + h
				values := make([]float32, cells)
				for i := range values {
					step := float32(low[at*cells+i]) + 256*float32(high[at*cells+i])
					values[i] = end(2*at) + (end(2*at+1)-end(2*at))/float32(d.Levels)*step
				}
				maps[k][l] = append(maps[k][l], values)
			}
		}
	}
	return d, maps
}

// large is an explanation as large as the published ones, or larger.
func large(classes, layers, heads, rows, cols int) *attention.Explanation {
	e := &attention.Explanation{Image: "folder/bird.jpg", Width: 640, Height: 480, Layers: layers, Heads: heads, Rows: rows, Cols: cols}
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
	if len(d.Kept) != mostExplored || d.Kept[d.First] != 5 || d.Layer != 1 {
		t.Errorf("classes %v are kept, first number %d, layer %d", d.Kept, d.First, d.Layer)
	}
	for k, class := range d.Kept {
		for l := range e.Layers {
			for h := range e.Heads {
				m, _ := e.Map(l, h, class)
				low, high := m.Range()
				for i, v := range m.Values {
					if diff := math.Abs(float64(maps[k][l][h][i] - v)); diff > 0.00051*float64(high-low)+1e-9 {
						t.Fatalf("class %d, layer %d, head %d, cell %d is %v, not %v", class, l, h, i, maps[k][l][h][i], v)
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
	predicted, err := Explorer(e, photo, ExplorerOptions{Class: -1, Layer: attention.Last})
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := pageData(t, predicted); d.Kept[d.First] != e.Best().Index || d.Layer != 2 {
		t.Errorf("by default class %d, layer %d is shown", d.Kept[d.First], d.Layer)
	}
}

// However large the model and the picture, a page in a notebook has less than 2 MB.
func TestExplorerSize(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 2000, 1500))
	random := rand.New(rand.NewPCG(3, 4))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32()) | 255*uint8(i%4/3)
	}
	for _, size := range [][5]int{{1, 1, 1, 1, 1}, {525, 6, 8, 25, 34}, {20, 12, 16, 50, 50}} {
		page, err := Explorer(large(size[0], size[1], size[2], size[3], size[4]), noise, ExplorerOptions{Class: -1, Layer: attention.Last})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(Embed(page)); n > largestPage {
			t.Errorf("%v: the page has %d bytes", size, n)
		}
		if d, _ := pageData(t, page); len(d.Kept) < 1 {
			t.Errorf("%v: no class has maps", size)
		}
	}
	if _, err := Explorer(large(2, 24, 32, 60, 60), noise, ExplorerOptions{}); err == nil || !strings.Contains(err.Error(), "too much for a page") {
		t.Errorf("maps that fit no page are answered with %v", err)
	}
}

// Names are text, whatever is in them, and nothing is fetched from elsewhere.
func TestExplorerHostile(t *testing.T) {
	e := explanation(2)
	e.Image = `a"</script><script>alert(1)</script>.jpg`
	e.Names = []string{`</script><script>alert(1)</script>`, "\u2028\"'`${1}", "<!--<script>"}
	page, err := Explorer(e, scene(40, 30), ExplorerOptions{Class: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "</script"); n != 2 {
		t.Errorf("the page has %d ends of scripts, want 2", n)
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
	embedded := Embed(page)
	inside := embedded[strings.Index(embedded, `srcdoc="`)+8 : len(embedded)-len(`"></iframe>`)]
	if strings.Contains(inside, `"`) || html.UnescapeString(inside) != string(page) {
		t.Error("the frame does not hold the page")
	}
}

func TestExplorerMistakes(t *testing.T) {
	for want, call := range map[string]func() ([]byte, error){
		"class 9 does not exist": func() ([]byte, error) { return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Class: 9}) },
		"layer 9 does not exist": func() ([]byte, error) { return Explorer(explanation(2), scene(40, 30), ExplorerOptions{Layer: 9}) },
		"no picture":             func() ([]byte, error) { return Explorer(explanation(2), nil, ExplorerOptions{}) },
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
