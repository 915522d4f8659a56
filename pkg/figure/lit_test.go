package figure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
)

// TestMain ends the browsers that tests leave.
func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// The picture of these tests is not square, its cells are not either, and the
// feature map came out of a batch whose other pictures were larger: three rows
// and two columns of it are padding.
const litRows, litCols, litWidth, litHeight = 4, 6, 240, 130

// lit is an explanation in which all heads of all layers look at one cell only:
// those of class 1 at the given one, and those of class 2 at the one opposite.
func lit(t *testing.T, row, col int) *attention.Explanation {
	t.Helper()
	e := &attention.Explanation{
		Image: "lit.png", Width: litWidth, Height: litHeight, InputWidth: 2 * litWidth, InputHeight: 2 * litHeight,
		Names: []string{"Wren", "Rook", "Crow"}, Logits: []float32{0, 2, 1}, Layers: 2, Heads: 2, Rows: litRows + 3,
		Cols: litCols + 2,
	}
	for range e.Layers * e.Heads {
		for class := range 3 {
			m := make([]float32, e.Rows*e.Cols)
			at := image.Pt(col, row)
			if class == 2 {
				at = opposite(at)
			}
			m[at.Y*e.Cols+at.X] = 1
			e.Weights = append(e.Weights, m...)
		}
	}
	cut, err := e.Cut(litRows, litCols)
	if err != nil {
		t.Fatal(err)
	}
	return cut
}

func opposite(cell image.Point) image.Point {
	return image.Pt(litCols-1-cell.X, litRows-1-cell.Y)
}

// brightest is the middle of the brightest pixels in a part of a picture, as
// parts of its width and height.
func brightest(img *image.RGBA, within image.Rectangle) (x, y float64) {
	most, n := uint8(0), 0.
	for py := within.Min.Y; py < within.Max.Y; py++ {
		for px := within.Min.X; px < within.Max.X; px++ {
			v := img.RGBAAt(px, py).R
			if v > most {
				most, n, x, y = v, 0, 0, 0
			}
			if v == most {
				n, x, y = n+1, x+float64(px-within.Min.X)+0.5, y+float64(py-within.Min.Y)+0.5
			}
		}
	}
	return x / n / float64(within.Dx()), y / n / float64(within.Dy())
}

// inCell says whether a place is in a cell, and not further from its middle than
// near, in cells. Towards the picture's edge the interpolation stays as bright or
// becomes brighter, as borders are repeated: there all of the cell will do.
func inCell(x, y float64, cell image.Point, near float64) bool {
	inside := func(at float64, i, n int) bool {
		low, high := float64(i)+0.5-near, float64(i)+0.5+near
		if i == 0 {
			low = 0
		}
		if i == n-1 {
			high = float64(n)
		}
		return low <= at && at <= high
	}
	return inside(x*litCols, cell.X, litCols) && inside(y*litRows, cell.Y, litRows)
}

// Whichever cell is lit, it lies on its own pixels of every panel of every figure
// and, after the figure has been written as PNG, of the page.
func TestLitCellLandsOnItsPixels(t *testing.T) {
	photo := image.NewRGBA(image.Rect(0, 0, litWidth, litHeight)) // transparent, so white
	wide := image.NewRGBA(image.Rect(0, 0, 2*litWidth, litHeight))
	begun := time.Now()
	for row := range litRows {
		for col := range litCols {
			e, cell := lit(t, row, col), image.Pt(col, row)
			name := fmt.Sprintf("row %d, column %d", row, col)
			m, err := e.Map(attention.Last, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Colormap: "gray", Opacity: 1, DPI: 72}
			for _, o.Smoothing = range []Smoothing{Published, Cubic, Cells} {
				img, err := Overlay(m, photo, o)
				if err != nil {
					t.Fatal(err)
				}
				if img.Rect != photo.Rect {
					t.Fatalf("an overlay has %v pixels", img.Rect)
				}
				if x, y := brightest(img, img.Rect); !inCell(x, y, cell, 0.1) {
					t.Errorf("%s, overlay, %v: the brightest pixels are at %.2f, %.2f", name, o.Smoothing,
						x*litCols, y*litRows)
				}
				if o.Smoothing == Cells {
					for py := range litHeight {
						for px := range litWidth {
							want := uint8(0)
							if px*litCols/litWidth == col && py*litRows/litHeight == row {
								want = 255
							}
							if got := img.RGBAAt(px, py).R; got != want {
								t.Fatalf("%s: pixel %d, %d is %d, want %d", name, px, py, got, want)
							}
						}
					}
				}
			}
			o.Smoothing = []Smoothing{Published, Cubic, Cells}[(row+col)%3]
			other := opposite(cell)
			for figure, c := range map[string]struct {
				draw func() (*Figure, error)
				want []image.Point // of the panels with maps
			}{
				"head row": {func() (*Figure, error) { return HeadRow(e, 0, 1, photo, o) }, []image.Point{cell, cell}},
				"compare": {func() (*Figure, error) { return Compare(e, attention.Last, []int{2, 1}, photo, o) },
					[]image.Point{other, other, cell, cell}},
				"layers": {func() (*Figure, error) { return Layers(e, 1, photo, o) },
					[]image.Point{cell, cell, cell, cell, cell, cell}},
				"maps": {func() (*Figure, error) { return Maps([]string{"own"}, []attention.Map{m}, photo, o) },
					[]image.Point{cell}},
				"grid": {func() (*Figure, error) {
					return Grid([]Row{{Explanation: e, Photo: photo, Class: 1},
						{Explanation: e, Photo: wide, Class: 2}}, 0, []int{Mean, 1}, o)
				}, []image.Point{cell, cell, other, other}},
				"strip": {func() (*Figure, error) {
					return Grid([]Row{{Explanation: e, Photo: wide, Class: 1},
						{Explanation: e, Photo: photo, Class: 2}}, 0, []int{1}, o)
				}, []image.Point{cell, other}},
				"difference": {func() (*Figure, error) { return Difference(e, 1, 1, 2, photo, o) },
					[]image.Point{cell, cell}},
			} {
				if figure == "difference" && cell == other {
					continue
				}
				f, err := c.draw()
				if err != nil {
					t.Fatalf("%s, %s: %v", name, figure, err)
				}
				litPanels(t, name+", "+figure, f, c.want, figure != "difference")
				if figure == "difference" {
					litMarks(t, name, f, cell, other)
				}
			}
		}
	}
	t.Logf("%.1f s", time.Since(begun).Seconds())
}

// litPanels looks for the lit cell in the panels' pixels and on the page.
func litPanels(t *testing.T, name string, f *Figure, want []image.Point, page bool) {
	t.Helper()
	data, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	sheet, _ := rgba(decoded)
	next := 0
	for _, p := range f.pictures {
		if p.pixels.Rect.Dx() == 256 || p.pixels.RGBAAt(0, 0).R == 255 && p.pixels.RGBAAt(p.pixels.Rect.Dx()-1,
			p.pixels.Rect.Dy()-1).R == 255 {
			continue // a colour bar, the white picture
		}
		if next == len(want) {
			t.Fatalf("%s: more panels than %d", name, len(want))
		}
		if x, y := brightest(p.pixels, p.pixels.Rect); !inCell(x, y, want[next], 0.1) {
			t.Errorf("%s: panel %d is brightest in column %.2f, row %.2f, want the middle of %v", name, next, x*litCols,
				y*litRows, want[next])
		}
		if page {
			at := image.Rect(int(p.at.Min.X+0.5), int(f.height-p.at.Max.Y+0.5), int(p.at.Max.X+0.5),
				int(f.height-p.at.Min.Y+0.5))
			if x, y := brightest(sheet, at.Inset(1)); !inCell(x, y, want[next], 0.35) {
				// a dot is up to a tenth of a cell
				t.Errorf("%s: on the page panel %d is brightest in column %.2f, row %.2f, want the middle of %v", name,
					next, x*litCols, y*litRows, want[next])
			}
		}
		next++
	}
	if next != len(want) {
		t.Errorf("%s: %d panels, want %d", name, next, len(want))
	}
	shown := f.Maps()
	if len(shown) != len(want) {
		t.Fatalf("%s: %d maps behind %d panels", name, len(shown), len(want))
	}
	for i, m := range shown {
		if x, y := m.Map().Peak(litCols, litRows); image.Pt(int(x), int(y)) != want[i] {
			t.Errorf("%s: the numbers of panel %d are greatest at %v, %v, want %v", name, i, x, y, want[i])
		}
	}
}

// litMarks looks for the signs of a difference: strokes in black, of which + has two.
func litMarks(t *testing.T, name string, f *Figure, plus, minus image.Point) {
	t.Helper()
	strokes := map[vg.Point]int{}
	for _, b := range f.boxes {
		if size := b.at.Size(); b.color == color.Black && max(size.X, size.Y) > 3 && max(size.X, size.Y) < 5 {
			middle := b.at.Min.Add(size.Scale(0.5))
			strokes[vg.Point{X: vg.Length(math.Round(float64(100 * middle.X))),
				Y: vg.Length(math.Round(float64(100 * middle.Y)))}]++
		}
	}
	found := 0
	for middle, n := range strokes {
		want := minus
		if n == 2 {
			want = plus
		}
		for _, p := range f.pictures {
			x, y := float64((middle.X/100-p.at.Min.X)/p.at.Size().X), float64((p.at.Max.Y-middle.Y/100)/p.at.Size().Y)
			if x > 0 && x < 1 && y > 0 && y < 1 {
				found++
				if !inCell(x, y, want, 0.2) {
					t.Errorf("%s: a sign of %d strokes stands in column %.2f, row %.2f, want the middle of %v", name, n,
						x*litCols, y*litRows, want)
				}
			}
		}
	}
	if found != 4 {
		t.Errorf("%s: %d signs, want + and − on each of two heads", name, found)
	}
}

// Every map lies on its own panel: each head of each layer looks for each class at
// another cell, so that one shown for another would be seen.
func TestEachMapHasItsOwnPanel(t *testing.T) {
	e := lit(t, 0, 0)
	clear(e.Weights)
	own := func(layer, head, class int) int { return 2*(3*(2*layer+head)+class) + layer }
	for layer := range e.Layers {
		for head := range e.Heads {
			for class := range e.Classes() {
				e.Weights[((layer*e.Heads+head)*e.Classes()+class)*litRows*litCols+own(layer, head, class)] = 1
			}
		}
	}
	photo := image.NewRGBA(image.Rect(0, 0, litWidth, litHeight))
	o := Options{Colormap: "gray", Opacity: 1, DPI: 72, Smoothing: Cells}
	rows := []Row{{Explanation: e, Photo: photo, Class: 2}, {Explanation: e, Photo: photo, Class: 0}}
	for name, c := range map[string]struct {
		draw func() (*Figure, error)
		want [][3]int // layer, head, class
	}{
		"head row": {func() (*Figure, error) { return HeadRow(e, 0, 2, photo, o) }, [][3]int{{0, 0, 2}, {0, 1, 2}}},
		"compare": {func() (*Figure, error) { return Compare(e, 1, []int{2, 0}, photo, o) },
			[][3]int{{1, 0, 2}, {1, 1, 2}, {1, 0, 0}, {1, 1, 0}}},
		"layers": {func() (*Figure, error) { return Layers(e, 1, photo, o) },
			[][3]int{{0, Mean, 1}, {0, 0, 1}, {0, 1, 1}, {1, Mean, 1}, {1, 0, 1}, {1, 1, 1}}},
		"grid": {func() (*Figure, error) { return Grid(rows, 1, []int{1, Mean, 0}, o) },
			[][3]int{{1, 1, 2}, {1, Mean, 2}, {1, 0, 2}, {1, 1, 0}, {1, Mean, 0}, {1, 0, 0}}},
		"strip": {func() (*Figure, error) { return Grid(rows, 0, []int{1}, o) }, [][3]int{{0, 1, 2}, {0, 1, 0}}},
		"difference": {func() (*Figure, error) { return Difference(e, 0, 2, 1, photo, o) },
			[][3]int{{0, 0, 2}, {0, 1, 2}}},
	} {
		f, err := c.draw()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var panels []*image.RGBA
		for _, p := range f.pictures {
			if p.pixels.Rect.Dx() != 256 && slices.ContainsFunc(p.pixels.Pix, func(v uint8) bool { return v < 255 }) {
				// neither a colour bar nor the white picture
				panels = append(panels, p.pixels)
			}
		}
		if len(panels) != len(c.want) || len(f.Maps()) != len(c.want) {
			t.Fatalf("%s: %d panels and %d maps, want %d", name, len(panels), len(f.Maps()), len(c.want))
		}
		for i, want := range c.want {
			m := f.Maps()[i]
			if got := [3]int{m.Layer, m.Head, m.Class}; got != want {
				t.Errorf("%s: panel %d is said to show layer, head and class %v, want %v", name, i, got, want)
			}
			for head := range e.Heads {
				if want[1] != head && want[1] != Mean {
					continue
				}
				cell := own(want[0], head, want[2])
				x, y := (2*(cell%litCols)+1)*panels[i].Rect.Dx()/(2*litCols),
					(2*(cell/litCols)+1)*panels[i].Rect.Dy()/(2*litRows)
				if v := panels[i].RGBAAt(x, y).R; v != 255 || m.Values[cell] <= 0 {
					t.Errorf("%s: panel %d is %d bright at cell %d, whose weight is %v", name, i, v, cell,
						m.Values[cell])
				}
			}
		}
	}
}

// litClasses has a class for each cell, which looks there only.
func litClasses() *attention.Explanation {
	n := litRows * litCols
	e := &attention.Explanation{Image: "lit.png", Width: litWidth, Height: litHeight, Logits: make([]float32, n),
		Layers: 2, Heads: 2, Rows: litRows, Cols: litCols}
	for range e.Layers * e.Heads {
		for class := range n {
			m := make([]float32, n)
			m[class] = 1
			e.Weights = append(e.Weights, m...)
		}
	}
	return e
}

func TestLitCellInTheExplorersData(t *testing.T) {
	page, err := Explorer(litClasses(), image.NewGray(image.Rect(0, 0, litWidth, litHeight)), ExplorerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, maps := pageData(t, page)
	if d.Rows != litRows || d.Cols != litCols || len(d.Kept) != litRows*litCols {
		t.Fatalf("the page has %d rows, %d columns and %d classes", d.Rows, d.Cols, len(d.Kept))
	}
	for k, class := range d.Kept {
		for layer := range maps[k] {
			for head := range maps[k][layer] {
				for i, v := range maps[k][layer][head] {
					if (i == class) != (v == 1) || (i != class) != (v == 0) {
						t.Errorf("class %d, layer %d, head %d, cell %d is %v", class, layer, head, i, v)
					}
				}
			}
		}
	}
}

// litProbe chooses each class on the page, smooth and by cells, and writes down
// where the brightest pixel on the picture is then.
const litProbe = `<script>
addEventListener("load", async () => {
	while (!document.querySelector("#views figure")) await new Promise(done => setTimeout(done, 10));
	const found = [], choose = document.getElementById("class"), smooth = document.getElementById("smooth");
	for (const on of [true, false]) {
		if (smooth.checked !== on) smooth.click();
		for (let k = 0; k < choose.options.length; k++) {
			choose.selectedIndex = k;
			for (const kind of ["input", "change"]) choose.dispatchEvent(new Event(kind, { bubbles: true }));
			await new Promise(done => setTimeout(done, 0));
			const box = document.querySelector(".picture"), canvas = box.querySelector("canvas");
			const image = box.querySelector("img").getBoundingClientRect(), over = canvas.getBoundingClientRect();
			const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
			let most = -1, n = 0, x = 0, y = 0;
			for (let i = 0; i < pixels.length / 4; i++) {
				const v = pixels[4 * i];
				if (v > most) [most, n, x, y] = [v, 0, 0, 0];
				if (v === most) [n, x, y] = [n + 1, x + i % canvas.width + 0.5, y + Math.floor(i / canvas.width) + 0.5];
			}
			found.push([choose.options[k].textContent,
				(over.x + x / n / canvas.width * over.width - image.x) / image.width,
				(over.y + y / n / canvas.height * over.height - image.y) / image.height]);
		}
	}
	const pre = document.createElement("pre");
	document.body.append(Object.assign(pre, { id: "found", textContent: JSON.stringify(found) }));
});
</script>`

func TestLitCellInTheExplorersPixels(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("skipped: Chromium is not installed, so no page is looked at")
	}
	page, err := Explorer(litClasses(), image.NewGray(image.Rect(0, 0, litWidth, litHeight)),
		ExplorerOptions{Look: Options{Colormap: "gray", Opacity: 1}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lit.html")
	if err := os.WriteFile(path, bytes.Replace(page, []byte("</body>"), []byte(litProbe+"</body>"), 1),
		0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--window-size=1200,900", "--virtual-time-budget=60000", "--user-data-dir="+t.TempDir(), "--dump-dom",
		"file://"+path)
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", browser, err)
	}
	text := regexp.MustCompile(`(?s)<pre id="found">(.*?)</pre>`).FindSubmatch(dom)
	if text == nil {
		t.Fatalf("the page did not come to its end (%d bytes)", len(dom))
	}
	var found [][3]any
	if err := json.Unmarshal(text[1], &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2*litRows*litCols {
		t.Fatalf("%d classes were chosen", len(found))
	}
	for i, f := range found {
		class := 0
		label := fmt.Sprint(f[0])
		if _, err := fmt.Sscanf(label[max(0, strings.Index(label, "class ")):], "class %d", &class); err != nil {
			t.Fatalf("a class is called %q", label)
		}
		x, y := f[1].(float64), f[2].(float64)
		if cell := image.Pt(class%litCols, class/litCols); !inCell(x, y, cell, 0.1) {
			t.Errorf("choice %d, %s, is brightest in column %.2f, row %.2f, want the middle of %v", i, label, x*litCols,
				y*litRows, cell)
		}
	}
}
