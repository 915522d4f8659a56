package fieldguide_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/attention"
	. "github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/fieldguide/book"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/model/modeltest"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/page/frame"
	"github.com/gointr/gointr/pkg/picture"
)

// The planted dataset: pictures of 90 by 60 pixels, on which a map has 4 rows of 6
// cells, 15 pixels each. The beak is in cell (1, 1), the tail in (2, 4), the eye in
// (0, 3), but not to be seen in the first picture of every class.
const (
	rows, cols = 4, 6
	width      = 90
	height     = 60
	perClass   = 6
)

var (
	beak, tail, eye = [2]int{1, 1}, [2]int{2, 4}, [2]int{0, 3}
	nowhere         = [2]int{3, 0}
)

func plant(t *testing.T, classes []string, more map[string]int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	parts := map[string][]datasets.Part{}
	for c, class := range classes {
		folder := filepath.Join(dir, "val", class)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range perClass {
			p := picture.New(width, height)
			for k := range p.Pix {
				p.Pix[k] = uint8(k*(c+2)*(i+3) + k/270*i*40)
			}
			key := fmt.Sprintf("val/%s/%d.png", class, i)
			write(t, filepath.Join(dir, key), p)
			box := func(cell [2]int) datasets.Box {
				return datasets.Box{X0: float64(cell[1]*15 + 3), Y0: float64(cell[0]*15 + 3),
					X1: float64(cell[1]*15 + 12), Y1: float64(cell[0]*15 + 12)}
			}
			for name, cell := range map[string][2]int{"beak": beak, "tail": tail, "eye": eye} {
				b := box(cell)
				parts[key] = append(parts[key], datasets.Part{Name: name, X: (b.X0 + b.X1) / 2, Y: (b.Y0 + b.Y1) / 2,
					Visible: name != "eye" || i > 0, Box: b})
			}
		}
	}
	if more == nil {
		if err := datasets.WriteParts(filepath.Join(dir, "parts.csv"), parts); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, path string, p image.Image) {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// planted answers by a picture's path: logits and, for head and class, the cell that
// it looks at and how strongly.
func planted(classes []string,
	looks func(class, picture, head, query int) (cell [2]int, weight float64)) modeltest.Model {
	return modeltest.Model{
		It: model.About{Origin: origin.Model{Checkpoint: "planted.pth", SHA256: strings.Repeat("ab", 32)},
			Classes: len(classes), Names: classes},
		Answer: func(_ context.Context, path string, p *picture.Picture) (*attention.Explanation, error) {
			class := slices.Index(classes, filepath.Base(filepath.Dir(path)))
			var number int
			fmt.Sscanf(filepath.Base(path), "%d", &number)
			const heads, layers = 3, 2
			e := &attention.Explanation{Image: path, Names: classes, Width: p.Width, Height: p.Height,
				Logits: make([]float32, len(classes)), Layers: layers, Heads: heads, Rows: rows, Cols: cols}
			e.Logits[class] = 5
			e.Logits[(class+1)%len(classes)] = 3 // so the next class is the look-alike
			if number == 5 {
				e.Logits[(class+1)%len(classes)] = 6 // and the last picture is taken for it
			}
			for layer := range layers {
				for head := range heads {
					for query := range classes {
						cell, weight := looks(class, number, head, query)
						if layer == 0 {
							cell, weight = nowhere, 0.9 // which nobody is to look at
						}
						for i := range rows * cols {
							v := (1 - weight) / (rows*cols - 1)
							if i == cell[0]*cols+cell[1] {
								v = weight
							}
							e.Weights = append(e.Weights, float32(v))
						}
					}
				}
			}
			return e, nil
		}}
}

var species = []string{"001.Wren", "002.Red_<b>_Rook", "003.Owl"}

// looks: head 0 is diffuse; head 1 looks at the beak for class 0, at the tail for
// others, but in one picture nowhere; head 2 at the eye in half of the pictures.
func looks(class, picture, head, query int) ([2]int, float64) {
	switch {
	case head == 0:
		return beak, 1.0 / (rows * cols)
	case head == 1 && picture == 2:
		return nowhere, 0.5
	case head == 1 && query == 0:
		return beak, 0.6 + 0.05*float64(picture)
	case head == 1:
		return tail, 0.8
	case picture%2 == 0:
		return eye, 0.7
	}
	return nowhere, 0.7
}

func TestMake(t *testing.T) {
	dir := plant(t, species, nil)
	told := map[string]int{}
	g, err := Make(context.Background(), planted(species, looks), dir, Options{Patches: 3},
		func(doing string, done, of int) {
			if done > of || done < told[doing] {
				t.Errorf("%s: %d of %d after %d", doing, done, of, told[doing])
			}
			told[doing] = done
		})
	if err != nil {
		t.Fatal(err)
	}
	if told["reading"] != 18 || told["looking"] != 18+3 {
		t.Errorf("progress ended at %v", told)
	}
	if len(g.Species) != 3 || g.About.Heads != 3 || g.About.Layer != 1 || g.About.Cells != 3 || g.About.Points ||
		!slices.Equal(g.About.Parts, []string{"beak", "eye", "tail"}) {
		t.Fatalf("the guide is about %+v", g.About)
	}
	s := g.Species[0]
	if s.Pictures != 6 || s.Right != 5 || s.LookAlike != 1 || s.Taken != 1 ||
		math.Abs(s.Margin-(6*5-(5*3+6))/6.0) > 1e-9 || s.Nearer != "" {
		t.Errorf("the first class is %+v", s)
	}
	// Head 1 first, head 2 (the eye, by chance in more than chance) next, the diffuse last.
	if order := []int{s.Heads[0].Index, s.Heads[1].Index, s.Heads[2].Index}; !slices.Equal(order, []int{1, 2, 0}) {
		t.Errorf("heads are in the order %v", order)
	}
	h := s.Heads[0]
	top := h.Top()
	if top.Part != "beak" || top.Hits != 4 || top.Of != 5 || top.Share != 80 || top.Range != stats.Wilson(4, 5) ||
		math.Abs(top.Chance-100.0/24) > 1e-9 {
		t.Errorf("head 1 is on %+v", top)
	}
	if eyes := s.Heads[1].Share("eye"); eyes.Hits != 2-0 || eyes.Of != 4 { // pictures 2 and 4; in 0 it is hidden
		t.Errorf("head 2 is on the eye %+v", eyes)
	}
	// Entropy by hand: one cell of w, 23 that share the rest.
	want := 0.0
	for _, i := range []int{0, 1, 2, 3, 4} {
		_, w := looks(0, i, 1, 0)
		want -= (w*math.Log(w) + (1-w)*math.Log((1-w)/23)) / 5
	}
	if math.Abs(h.Entropy-want) > 1e-5 || h.Diffuse || !s.Heads[2].Diffuse || math.Abs(s.Heads[2].Spread-1) > 1e-5 {
		t.Errorf("entropy %v (want %v), spread of the diffuse head %v", h.Entropy, want, s.Heads[2].Spread)
	}
	// The strongest patches, each of another picture: 4 (0.8), 3 (0.75), 1 (0.65).
	for i, want := range []struct {
		image  string
		weight float64
	}{{"val/001.Wren/4.png", 0.8}, {"val/001.Wren/3.png", 0.75}, {"val/001.Wren/1.png", 0.65}} {
		p := h.Patches[i]
		// Three cells of 15 pixels around the middle of cell (1, 1).
		if p.Image != want.image || p.Square != image.Rect(0, 0, 45, 45) || p.On != "beak" ||
			math.Abs(p.Weight-want.weight) > 1e-6 ||
			math.Abs(p.Strength-(want.weight+8*(1-want.weight)/23)) > 1e-5 {
			t.Errorf("patch %d is %+v", i, p)
		}
	}
	if want := "Told from the Red <b> Rook by the beak: head 2, in 80 % of pictures (95 %: 37 to 97 %). For the Red " +
		"<b> Rook it looks at the tail (80 %)."; s.Says != want {
		t.Errorf("it says %q", s.Says)
	}
	// The whole picture that is shown has the class's own map and the look-alike's.
	x := s.Examples
	if x.Patch.Image != "val/001.Wren/4.png" || x.Own.At(1, 1) != 0.8 || x.Like.At(2, 4) != 0.8 ||
		x.BesideMap.At(2, 4) != 0.8 || !strings.HasPrefix(x.Beside.Image, "val/002") {
		t.Errorf("the examples are %+v", x)
	}
}

// A picture that is there twice is shown once.
func TestVaried(t *testing.T) {
	dir := plant(t, species, nil)
	data, err := os.ReadFile(filepath.Join(dir, "val", species[0], "4.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "val", species[0], "3.png"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := Make(context.Background(), planted(species, looks), dir, Options{Classes: []string{"wren"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, p := range g.Species[0].Heads[0].Patches {
		shown = append(shown, filepath.Base(p.Image))
	}
	slices.Sort(shown)
	if len(g.Species) != 1 || !slices.Equal(shown, []string{"0.png", "1.png", "2.png", "4.png"}) {
		t.Errorf("%d classes; patches are of %v", len(g.Species), shown)
	}
	// The look-alike was looked at, too, though nobody asked for it.
	if like := g.At(1); like == nil || like.Right != 5 || !strings.HasPrefix(g.Species[0].Says,
		"Told from the Red <b> Rook") {
		t.Errorf("the look-alike is %+v, and the guide says %q", like, g.Species[0].Says)
	}
}

func framed(html []byte) string { return frame.Embed("Field guide", html) }

func TestSave(t *testing.T) {
	dir := plant(t, species, nil)
	g, err := Make(context.Background(), planted(species, looks), dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "guide.html")
	if err := book.Save(t.Context(), g, out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	// The page needs nothing from elsewhere, and no name breaks it.
	if found := regexp.MustCompile(`(?i)https?:|src="[^d]|url\(|@import|<b>_|<b> Rook`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
	for _, want := range []string{
		`<h2 dir="auto">Red &lt;b&gt; Rook</h2>`, `<a href="#c2" dir="auto">Owl</a>`, `id="c0"`, `id="s2"`,
		`aria-label="5 patches of Wren that head 2 attended to most: 4 on the beak"`, "15 of 18",
		strings.Repeat("ab", 32), g.About.DatasetDigest, "Told from the Owl by the tail", "beak 80\u00a0% (37–97)",
		"diffuse: spread over 100\u00a0% of the picture", "5 of 6 pictures recognised. Look-alike: Red &lt;b&gt; " +
			"Rook, whose score comes nearest on average (1.5 below); one was taken for it.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if n := strings.Count(page, "<img "); n != 9 || strings.Count(page, "<use ") != 3*3*2 ||
		strings.Count(page, "<image ") != 3 {
		t.Errorf("the page has %d pictures, %d strips and %d sheets", n, strings.Count(page, "<use "),
			strings.Count(page, "<image "))
	}
	if bare := regexp.MustCompile(`<img [^>]*>`).FindAllString(page, -1); slices.ContainsFunc(bare,
		func(tag string) bool { return !strings.Contains(tag, `alt="`) || strings.Contains(tag, `alt=""`) }) {
		t.Error("a picture has no words")
	}
	if embedded := framed(data); !strings.Contains(embedded, "&lt;!DOCTYPE html&gt;") ||
		strings.Contains(embedded, `srcdoc="<`) {
		t.Error("the page is not embedded")
	}
	// The table has the guide's numbers.
	file, err := os.Open(strings.TrimSuffix(out, ".html") + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) != 1+3*3*3 {
		t.Fatalf("the table has %d lines (%v)", len(lines), err)
	}
	first := map[string]string{}
	for i, name := range lines[0] {
		first[name] = lines[1][i]
	}
	for name, want := range map[string]string{
		"class": "0", "name": "001.Wren", "pictures": "6", "right": "5", "look_alike": "1", "taken_for_it": "1",
		"head": "1", "place": "1", "diffuse": "false", "part": "beak", "hits": "4", "of": "5", "share": "80.00",
		"low": "37.55", "high": "96.38", "chance": "4.17", "look_alike_hits": "0", "look_alike_of": "5",
		"checkpoint_sha256": "abababababab", "dataset_digest": g.About.DatasetDigest[:12],
	} {
		if first[name] != want {
			t.Errorf("%s is %q in the table, not %q", name, first[name], want)
		}
	}
	// And the JSON has all of them.
	data, err = os.ReadFile(strings.TrimSuffix(out, ".html") + ".json")
	var again Guide
	if err == nil {
		err = json.Unmarshal(data, &again)
	}
	if err != nil || again.About.PartsDigest != g.About.PartsDigest || len(again.About.PartsDigest) != 64 ||
		again.Species[1].Heads[0].Patches[0].Square != g.Species[1].Heads[0].Patches[0].Square {
		t.Errorf("the numbers are %+v (%v)", again.About, err)
	}
	// The same guide gives the same page.
	var twice bytes.Buffer
	if err := book.WriteHTML(t.Context(), g, &twice); err != nil || twice.String() != page {
		t.Errorf("the page is another one the second time (%v)", err)
	}
	plate, err := book.Plate(g, "red <b> rook")
	if err != nil {
		t.Fatal(err)
	}
	svg, err := plate.SVG()
	if err != nil || bytes.Count(svg, []byte("<image ")) != 3+2*3 || !bytes.Contains(svg, []byte("Head 2")) ||
		!bytes.Contains(svg, []byte("tail 80")) {
		t.Errorf("the plate has %d pictures (%v)", bytes.Count(svg, []byte("<image ")), err)
	}
	// A picture that is gone leaves no half page.
	if err := os.Remove(filepath.Join(dir, "val", species[2], "0.png")); err != nil {
		t.Fatal(err)
	}
	if err := book.Save(t.Context(), g, filepath.Join(t.TempDir(), "a.html")); err == nil ||
		!strings.Contains(err.Error(), "the guide was made with it") {
		t.Errorf("without a picture: %v", err)
	}
}

// What people call classes and folders stays words.
func TestHostile(t *testing.T) {
	names := []string{"001.Wren", `002."><img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`}
	g, err := Make(context.Background(), planted(names, looks), plant(t, names[:2], nil), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := book.WriteHTML(t.Context(), g, &page); err != nil ||
		!strings.Contains(page.String(), "&lt;/script&gt;&lt;script&gt;alert(1)") ||
		strings.Count(page.String(), "</script") != 1 || strings.Contains(page.String(), "<img src=x") {
		t.Errorf("a name breaks the page (%v)", err)
	}
}

// Where no parts are known the guide is of where attention is closest.
func TestWithoutParts(t *testing.T) {
	dir := plant(t, species, map[string]int{"none": 1})
	g, err := Make(context.Background(), planted(species, looks), dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := g.Species[1]
	if g.About.Parts != nil || s.Heads[0].Top() != nil || s.Heads[0].Index != 1 || s.Heads[2].Index != 0 ||
		!strings.HasPrefix(s.Says, "Head 2 looks the closest: ") {
		t.Errorf("heads %d, %d, %d; it says %q", s.Heads[0].Index, s.Heads[1].Index, s.Heads[2].Index, s.Says)
	}
	var table bytes.Buffer
	if err := g.WriteCSV(&table); err != nil || strings.Count(table.String(), "\n") != 1+3*3 {
		t.Errorf("the table is %s (%v)", table.String(), err)
	}
	if _, ok := g.Judge(); ok {
		t.Error("these are no drawn birds")
	}
}

// A class of which nothing is recognised, and a dataset of some of the classes.
func TestFewRight(t *testing.T) {
	dir := plant(t, species[:2], nil)
	m := planted(species, looks)
	explain := m.Answer
	m.Answer = func(ctx context.Context, path string, p *picture.Picture) (*attention.Explanation, error) {
		e, err := explain(ctx, path, p)
		if strings.Contains(path, "Rook") {
			e.Logits[2] = 9
		}
		return e, err
	}
	g, err := Make(context.Background(), m, dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wren, rook := g.Species[0], g.Species[1]
	if rook.Right != 0 || rook.LookAlike != 0 || rook.Nearer != "003.Owl" ||
		rook.Says != "Of its 6 pictures none was recognised, so there is nothing to show." {
		t.Errorf("the rook is %+v", rook)
	}
	if !strings.HasPrefix(wren.Says, "Told from the Red <b> Rook by the beak") {
		t.Errorf("of the wren it says %q", wren.Says)
	}
	var page bytes.Buffer
	if err := book.WriteHTML(t.Context(), g, &page); err != nil || !strings.Contains(page.String(),
		"None of its pictures was recognised.") || !strings.Contains(page.String(), "Owl comes nearer still") {
		t.Errorf("the page does not tell (%v)", err)
	}
	for _, class := range []string{"wren", "1"} {
		if plate, err := book.Plate(g, class); err != nil {
			t.Error(err)
		} else if svg, err := plate.SVG(); err != nil || !bytes.Contains(svg, []byte("none was recognised")) &&
			class == "1" {
			t.Errorf("the plate of %s does not tell (%v)", class, err)
		}
	}
}

// What chance can do is not told as a finding.
func TestMistakes(t *testing.T) {
	dir := plant(t, species, nil)
	good := planted(species, looks)
	answers := func(change func(e *attention.Explanation)) modeltest.Model {
		m := good
		m.Answer = func(ctx context.Context, path string, p *picture.Picture) (*attention.Explanation, error) {
			e, err := good.Explain(ctx, path, p)
			change(e)
			return e, err
		}
		return m
	}
	other := good
	other.It.Names, other.It.Classes = []string{"a", "b", "c", "d"}, 4
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, c := range []struct {
		m    model.Model
		dir  string
		o    Options
		want string
	}{
		{good, dir, Options{Patches: 13}, "1 to 12 patches of a head, not 13"},
		{good, dir, Options{Patches: -1}, "not -1"},
		{good, dir, Options{Split: "train"}, "there is no folder train"},
		{good, dir + "x", Options{}, "x"},
		{good, dir, Options{Classes: []string{"Robin"}}, `no class is named "Robin"`},
		{other, dir, Options{}, "the folder 001.Wren"},
		{answers(func(e *attention.Explanation) { e.Weights[5] = float32(math.NaN()) }), dir, Options{}, "NaN"},
		{answers(func(e *attention.Explanation) { e.Weights = e.Weights[1:] }), dir, Options{}, "do not fit"},
		{answers(func(e *attention.Explanation) { e.Layers, e.Heads = 3, 2 }), dir, Options{}, ""},
	} {
		_, err := Make(context.Background(), c.m, c.dir, c.o, nil)
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
	if _, err := Make(stopped, good, dir, Options{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	g, err := Make(context.Background(), good, dir, Options{Classes: []string{"Owl"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range map[string]string{"Robin": `no class is named "Robin": the guide has Owl`,
		"1": "class 1 is not in this guide", "": "no class is named"} {
		if _, err := book.Plate(g, class); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", class, err)
		}
	}
	if err := book.Save(t.Context(), g, filepath.Join(t.TempDir(), "guide.png")); err == nil ||
		!strings.Contains(err.Error(), "end its name with .html") {
		t.Errorf("as PNG: %v", err)
	}
	bad := filepath.Join(dir, "val", species[0], "1.png")
	if err := os.WriteFile(bad, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(context.Background(), good, dir, Options{}, nil); err == nil ||
		!strings.Contains(err.Error(), "1.png") {
		t.Errorf("a damaged picture: %v", err)
	}
}
