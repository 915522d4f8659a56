package page_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/color"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/page"
	"github.com/gointr/gointr/pkg/page/frame"
)

var files = fstest.MapFS{
	"birds.html": {Data: []byte(`<main>{{range .}}<p title='{{.}}' style="color: {{.}}"><a href="{{.}}">{{.}}</a></p>
{{end}}</main>`)},
	"birds.css": {Data: []byte("main { --tallest: 10px }")},
	"birds.js":  {Data: []byte("for (const name of data) element('li', name, document.body);\n")},
}

var hostile = []string{
	`</script><script>document.body.dataset.broken = 1</script>`,
	`"><img src=x onerror=document.body.dataset.broken=1>`,
	`javascript:alert(1)`, "<!--<script>", "'\u2028`${1}`", "}</style>",
}

func write(t *testing.T, c page.Content) string {
	t.Helper()
	var out bytes.Buffer
	if err := page.Parse(files, "birds").Write(&out, c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What people wrote stays words: in the title, the body, the script's data, the footer and the frame.
func TestHostile(t *testing.T) {
	for _, name := range hostile {
		text := write(t, page.Content{
			Title: name, Body: hostile, Data: hostile,
			Model: origin.Model{Checkpoint: name, Engine: name}, Facts: []page.Fact{{name, name}},
		})
		for part, want := range map[string]int{
			"<script": 2, "</script": 2, "<style": 1, "</style": 1, "<!--": 0, "<img": 0, `="javascript`: 0,
		} {
			if n := strings.Count(text, part); n != want {
				t.Errorf("%q: the page has %d of %s, want %d", name, n, part, want)
			}
		}
		var data []string
		found := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindStringSubmatch(text)
		if err := json.Unmarshal([]byte(found[1]), &data); err != nil || fmt.Sprint(data) != fmt.Sprint(hostile) {
			t.Errorf("the script reads %q (%v)", data, err)
		}
		framed := frame.Embed(name, []byte(text))
		inside := framed[strings.Index(framed, `srcdoc="`)+8 : len(framed)-len(`"></iframe>`)]
		if strings.Count(framed, "<") != 4 || strings.Contains(inside, `"`) || html.UnescapeString(inside) != text {
			t.Errorf("%q breaks the frame", name)
		}
	}
}

// Chromium finds nothing in such a page that was not in its template.
func TestHostileInABrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: Chromium is not installed, so no page is looked at")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	text := write(t, page.Content{Title: hostile[0], Body: hostile, Data: hostile, Facts: []page.Fact{{hostile[1]}}})
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--virtual-time-budget=5000", "--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+path).Output()
	if err != nil {
		t.Fatal(err)
	}
	text = string(dom)
	body := regexp.MustCompile(`<body[^>]*>`).FindString(text)
	if body != "<body>" || strings.Count(text, "<li>") != len(hostile) || strings.Count(text, "<script") != 2 ||
		strings.Contains(text, "<img") {
		t.Errorf("a name broke the page: %s, %d names", body, strings.Count(text, "<li>"))
	}
}

func TestFooter(t *testing.T) {
	text := write(t, page.Content{
		Title: "T",
		Model: origin.Model{Model: "INTR-R50", Checkpoint: "/home/me/best.pth", SHA256: "0123", Engine: "pure Go"},
		Facts: []page.Fact{{"Pictures", "val of birds"}},
	})
	for _, want := range []string{
		"<dt>Model</dt><dd>best.pth; SHA-256 0123; INTR-R50; pure Go</dd>", "<dt>Pictures</dt><dd>val of birds</dd>",
		"<dt>Made with</dt><dd>GoINTR " + html.EscapeString(origin.Version()) + "</dd>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text[strings.Index(text, "<footer"):strings.Index(text, "</footer")])
		}
	}
	if strings.Contains(text, `id="data"`) {
		t.Error("there is data that nobody gave")
	}
	err := page.Parse(files, "birds").Write(io.Discard, page.Content{Title: "T", Data: math.NaN()})
	if err == nil || !strings.Contains(err.Error(), `the page "T" cannot be written`) {
		t.Errorf("NaN is written with %v", err)
	}
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "fish.html") {
			t.Errorf("a template that is not there: %s", said)
		}
	}()
	page.Parse(files, "fish")
}

// Of few levels a weight takes a byte, of many two; flat maps have no steps.
func TestPack(t *testing.T) {
	maps := []attention.Map{
		{Rows: 1, Cols: 3, Values: []float32{0.25, 0.75, 0.5}}, {Rows: 1, Cols: 3, Values: []float32{2, 2, 2}},
	}
	for levels, want := range map[int][]byte{
		4:   {0, 4, 2, 0, 0, 0},
		512: {0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0},
	} {
		text, err := page.Pack(maps, levels)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || len(got) != 16+len(want) || !bytes.Equal(got[16:], want) {
			t.Errorf("%d levels: the steps are %v (%v)", levels, got, err)
		}
		for i, end := range []float32{0.25, 0.75, 2, 2} {
			if math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:])) != end {
				t.Errorf("%d levels: end %d is not %v", levels, i, end)
			}
		}
	}
}

func TestPictures(t *testing.T) {
	photo := image.NewNRGBA(image.Rect(10, 10, 60, 30)) // transparent
	photo.Set(10, 10, color.Black)
	if got := page.Fit(photo, 50); got.Rect != image.Rect(0, 0, 50, 20) ||
		got.RGBAAt(0, 0) != (color.RGBA{A: 255}) || got.RGBAAt(9, 9) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("a picture that fits becomes %v, %v", got.Rect, got.RGBAAt(0, 0))
	}
	p, err := page.JPEG(page.Fit(photo, 25), 80)
	if err != nil || p.Width != 25 || p.Height != 10 {
		t.Fatalf("%+v, %v", p, err)
	}
	if tag := string(p.As("src")); !strings.HasPrefix(tag, `src="data:image/jpeg;base64,`) ||
		!strings.HasSuffix(tag, `" width="25" height="10"`) {
		t.Error(tag)
	}
}

func Example() {
	files := fstest.MapFS{
		"list.html": {Data: []byte(`<h1>Birds</h1><ul>{{range .}}<li>{{.}}</li>{{end}}</ul>`)},
		"list.css":  {Data: []byte(`ul { columns: 3 }`)},
	}
	list := page.Parse(files, "list")
	var out bytes.Buffer
	err := list.Write(&out, page.Content{
		Title: "Birds", Body: []string{"Wren", "<b>Rook</b>"}, Facts: []page.Fact{{"Pictures", "val of birds"}},
	})
	fmt.Println(err, regexp.MustCompile(`<ul>.*</ul>`).FindString(out.String()))
	// Output: <nil> <ul><li>Wren</li><li>&lt;b&gt;Rook&lt;/b&gt;</li></ul>
}
