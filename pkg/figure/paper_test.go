package figure

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
)

var somewhere = origin.Model{Model: "INTR-R50, 200 classes", Checkpoint: "/runs/a_b/best.pth",
	SHA256: strings.Repeat("0123456789abcdef", 4), Engine: "XLA on the CPU"}

// every figure of maps, of the same explanation.
func everyFigure(t *testing.T, e *attention.Explanation, photo image.Image, o Options) map[string]*Figure {
	t.Helper()
	m, err := e.Map(0, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*Figure{}
	for name, draw := range map[string]func() (*Figure, error){
		"headrow":    func() (*Figure, error) { return HeadRow(e, attention.Last, 1, photo, o) },
		"compare":    func() (*Figure, error) { return Compare(e, 0, []int{1, 2}, photo, o) },
		"layers":     func() (*Figure, error) { return Layers(e, 1, photo, o) },
		"film":       func() (*Figure, error) { return Film(e, 1, Mean, photo, o) },
		"maps":       func() (*Figure, error) { return Maps([]string{"own"}, []attention.Map{m}, photo, o) },
		"difference": func() (*Figure, error) { return Difference(e, 0, 1, 2, photo, o) },
		"grid": func() (*Figure, error) {
			return Grid([]Row{{Explanation: e, Photo: photo, Class: 1}, {Explanation: e, Photo: scene(60, 90),
				Class: 2}}, 0, []int{Mean, 0, 3}, o)
		},
		"strip": func() (*Figure, error) {
			return Grid([]Row{{Explanation: e, Photo: photo, Class: 1}, {Explanation: e, Photo: scene(60, 90),
				Class: -1}}, 0, []int{3}, o)
		},
	} {
		f, err := draw()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = f
	}
	return all
}

func TestGrid(t *testing.T) {
	a, b := layered(4), layered(4)
	a.Image, b.Image = "birds/a.png", "birds/b.png"
	photo, tall := scene(80, 60), scene(40, 60)
	for _, o := range []Options{{}, {ColorBar: true}, {ColorBar: true, SameScale: true},
		{SameScale: true, ColorBar: true, Width: 3.25 * vg.Inch, Letters: true}} {
		o.Smoothing = Cells
		f, err := Grid([]Row{{Explanation: a, Photo: photo, Class: 1}, {Explanation: b, Photo: tall, Class: 1}},
			attention.Last, []int{Mean, 3}, o)
		if err != nil {
			t.Fatal(err)
		}
		headings := []string{"a.png (82.1 %)", "b.png (82.1 %)"}
		if o.Letters {
			headings = []string{"(a) a.png (82.1 %)", "(b) b.png (82.1 %)"}
		}
		checkRows(t, fmt.Sprintf("grid %+v", o), f, headings, 2*3)
		if title := f.texts[0].string; title != "Painted Bunting, layer 2" {
			t.Errorf("the title is %q", title)
		}
		maps := f.Maps()
		if len(maps) != 4 || maps[0].Head != None || maps[1].Head != 3 || maps[2].Image != "birds/b.png" ||
			maps[1].Layer != 1 || maps[1].Class != 1 || maps[1].Width != 80 || maps[3].Width != 40 {
			t.Errorf("the maps are %+v", maps)
		}
		least, most := float32(math.Inf(1)), float32(0)
		for _, m := range maps {
			low, high := m.Map().Range()
			least, most = min(least, low), max(most, high)
		}
		for _, m := range maps {
			if m.Scale == nil {
				t.Fatal("a panel is not dyed")
			}
			want := [2]float32{least, most}
			if !o.SameScale {
				want[0], want[1] = m.Map().Range()
			}
			if *m.Scale != want {
				t.Errorf("same scale %v: a panel is dyed from %v, want %v", o.SameScale, *m.Scale, want)
			}
		}
	}
	// What rows are called.
	for _, c := range []struct {
		rows []Row
		want string
	}{
		{[]Row{{Explanation: a, Photo: photo, Class: 1}, {Explanation: a, Photo: photo, Class: 2}},
			"Decoder layer 1|Painted Bunting (82.1 %)|Grey Crow (11.1 %)"},
		{[]Row{{Explanation: a, Photo: photo, Class: -1}, {Explanation: b, Photo: tall, Class: 2}},
			"Decoder layer 1|Painted Bunting (82.1 %), a.png|Grey Crow (11.1 %), b.png"},
		{[]Row{{Explanation: a, Photo: photo, Class: 1, Heading: "mine"}, {Explanation: b, Photo: tall, Class: 1}},
			"Painted Bunting, layer 1|mine|b.png (82.1 %)"},
	} {
		f, err := Grid(c.rows, 0, nil, Options{Smoothing: Cells})
		if err != nil {
			t.Fatal(err)
		}
		said := []string{f.texts[0].string}
		for _, line := range f.texts[1:] {
			if line.at.X == margin && line.size > noteSize {
				said = append(said, line.string)
			}
		}
		if got := strings.Join(said, "|"); got != c.want {
			t.Errorf("the title and the headings are %q, want %q", got, c.want)
		}
	}
	// One head in many pictures.
	var rows []Row
	for i := range 7 {
		e := layered(4)
		e.Image = fmt.Sprintf("bird%d.png", i)
		rows = append(rows, Row{Explanation: e, Photo: photo, Class: 1, Source: somewhere})
	}
	f, err := Grid(rows, 0, []int{3}, Options{Smoothing: Cells, Letters: true, SameScale: true, ColorBar: true,
		Width: 3.25 * vg.Inch})
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "strip", f, nil, 7)
	var said []string
	for _, line := range f.texts {
		said = append(said, line.string)
	}
	for _, want := range []string{"Painted Bunting, layer 1, head 4", "(a) bird0.png", "(g) bird6.png"} {
		if !slices.Contains(said, want) {
			t.Errorf("%q are the words, %q is missing", said, want)
		}
	}
	if !strings.Contains(f.Caption(), `\texttt{best.pth} (SHA-256 0123456789ab\dots{})`) {
		t.Errorf("the rows' source is not in the caption: %s", f.Caption())
	}
}

func TestDifference(t *testing.T) {
	e, photo := layered(4), scene(80, 60)
	f, err := Difference(e, attention.Last, 1, 2, photo, Options{Width: 3.25 * vg.Inch})
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "difference", f, nil, 5)
	most := float32(0)
	for head, m := range f.Maps() {
		a, _ := e.Map(1, head, 1)
		b, _ := e.Map(1, head, 2)
		for i, v := range m.Values {
			if want := a.Values[i] - b.Values[i]; v != want {
				t.Fatalf("head %d, cell %d is %v, want %v", head, i, v, want)
			}
			most = max(most, v, -v)
		}
		if m.Class != 1 || m.Versus != 2 || m.VersusName != "003.Grey_Crow" || m.Layer != 1 || m.Head != head {
			t.Errorf("head %d is said to be %+v", head, m)
		}
	}
	for _, m := range f.Maps() {
		if m.Scale == nil || *m.Scale != [2]float32{-most, most} {
			t.Errorf("the scale is %v, want ±%v", m.Scale, most)
		}
	}
	var said []string
	for _, line := range f.texts {
		said = append(said, line.string)
	}
	for _, want := range []string{"Painted Bunting − Grey Crow, layer 2", "← Grey Crow more", "Painted Bunting more →",
		number(-most), number(most), "no difference"} {
		if !slices.Contains(said, want) {
			t.Errorf("%q are the words, %q is missing", said, want)
		}
	}
	// The other way round it is the same with the other sign.
	back, err := Difference(e, attention.Last, 2, 1, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for head, m := range back.Maps() {
		for i, v := range m.Values {
			if v != -f.Maps()[head].Values[i] {
				t.Fatalf("head %d, cell %d is %v and %v", head, i, v, f.Maps()[head].Values[i])
			}
		}
	}
	// Heads that hardly differ beside the others have no signs.
	d := attention.Map{Rows: 1, Cols: 3, Values: []float32{0.2, -0.02, 0}}
	for least, want := range map[float32][]mark{
		0.01: {{true, 1. / 6, 0.5}, {false, 0.5, 0.5}}, 0.02: {{true, 1. / 6, 0.5}, {false, 0.5, 0.5}},
		0.03: {{true, 1. / 6, 0.5}}, 0.3: nil,
	} {
		got := extremes(d, least)
		if !slices.EqualFunc(got, want, func(a, b mark) bool {
			return a.plus == b.plus && math.Abs(a.x-b.x) < 1e-5 && math.Abs(a.y-b.y) < 1e-5
		}) {
			t.Errorf("from %v the signs are %v, want %v", least, got, want)
		}
	}
	faint := layered(2)
	for i := range 3 * 48 {
		faint.Weights[(1*2+1)*3*48+i] = 1./48 + float32(i%7)*1e-5 // layer 1, head 1
	}
	if f, err := Difference(faint, 1, 1, 2, photo, Options{}); err != nil {
		t.Fatal(err)
	} else if black := slices.DeleteFunc(slices.Clone(f.boxes), func(b box) bool {
		return b.color != color.Black
	}); len(black) != 3+1 {
		t.Errorf("%d strokes in black, want + and − on one head, and the middle of the bar", len(black))
	}
	// Colours under the sign: purple for what a sees, orange for what b does.
	one := lit(t, 1, 1)
	colours, err := Difference(one, 0, 1, 2, image.NewGray(image.Rect(0, 0, litWidth, litHeight)),
		Options{Smoothing: Cells, Opacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := colours.pictures[1].pixels
	if got := p.RGBAAt(p.Rect.Dx()*3/12, p.Rect.Dy()*3/8); got != (color.RGBA{45, 0, 75, 255}) {
		t.Errorf("where class 1 looks the colour is %v", got)
	}
	if got := p.RGBAAt(p.Rect.Dx()*9/12, p.Rect.Dy()*5/8); got != (color.RGBA{127, 59, 8, 255}) {
		t.Errorf("where class 2 looks the colour is %v", got)
	}

	same := layered(4)
	for i := range same.Weights {
		same.Weights[i] = 1. / 48
	}
	for want, call := range map[string]func() (*Figure, error){
		"no difference from itself": func() (*Figure, error) { return Difference(e, 0, 1, 1, photo, Options{}) },
		"differ by rounding only":   func() (*Figure, error) { return Difference(same, 0, 1, 2, photo, Options{}) },
		"class 9 does not exist":    func() (*Figure, error) { return Difference(e, 0, 1, 9, photo, Options{}) },
		"layer 9 does not exist":    func() (*Figure, error) { return Difference(e, 9, 1, 2, photo, Options{}) },
		"no picture":                func() (*Figure, error) { return Difference(e, 0, 1, 2, nil, Options{}) },
		"a picture at least":        func() (*Figure, error) { return Grid(nil, 0, nil, Options{}) },
		"row 0 of the grid: head 9": func() (*Figure, error) {
			return Grid([]Row{{Explanation: e, Photo: photo}}, 0, []int{9}, Options{})
		},
		"row 1 of the grid has no": func() (*Figure, error) {
			return Grid([]Row{{Explanation: e, Photo: photo}, {}}, 0, nil, Options{})
		},
		"Wren, a.png: there is no pi": func() (*Figure, error) {
			return Grid([]Row{{Explanation: e, Heading: "Wren, a.png"}}, 0, nil, Options{})
		},
		"rows do not fit on a page": func() (*Figure, error) {
			return Grid(slices.Repeat([]Row{{Explanation: e, Photo: photo}}, 13), 0, nil, Options{})
		},
	} {
		_, err := call()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want a sentence with %q", err, want)
		}
	}
}

func TestFilm(t *testing.T) {
	e, photo := layered(4), scene(80, 60)
	f, err := Film(e, 2, 3, photo, Options{Width: 3.25 * vg.Inch, ColorBar: true, SameScale: true, Smoothing: Cells})
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "film", f, nil, 3)
	for layer, m := range f.Maps() {
		want, _ := e.Map(layer, 3, 2)
		if !slices.Equal(m.Values, want.Values) || m.Label != fmt.Sprintf("Layer %d", layer+1) || m.Layer != layer ||
			m.Head != 3 || m.Class != 2 {
			t.Errorf("frame %d is %+v", layer, m)
		}
	}
	if title := f.texts[0].string; title != "Grey Crow (11.1 %), head 4" {
		t.Errorf("the title is %q", title)
	}
	for _, wrong := range [][2]int{{9, 0}, {1, 9}, {1, -2}} {
		if _, err := Film(e, wrong[0], wrong[1], photo, Options{}); err == nil ||
			!strings.Contains(err.Error(), "does not exist") {
			t.Errorf("class %d, head %d: got %v", wrong[0], wrong[1], err)
		}
	}
}

func TestWidth(t *testing.T) {
	for name, inches := range map[string]float64{
		"cvpr": 3.28125, "CVPR-double": 6.875, "neurips": 5.5, "nature": 89 / 25.4, "nature-double": 183 / 25.4,
		"springer": 84 / 25.4, "3.25": 3.25, " 3.25in": 3.25, "89 mm": 89 / 25.4, "8.9cm": 89 / 25.4, "252pt": 3.5,
	} {
		if got, err := Width(name); err != nil || math.Abs(float64(got/vg.Inch)-inches) > 1e-9 {
			t.Errorf("%q is %v inches (%v), want %v", name, got/vg.Inch, err, inches)
		}
	}
	for name, want := range map[string]string{"": "no width is named", "wide": "no width is named",
		"mm": "no width is named", "1in": "2 to 60 inches", "NaN": "2 to 60", "-3": "2 to 60", "1e9mm": "2 to 60"} {
		if _, err := Width(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	for _, name := range Widths() {
		w, err := Width(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := HeadRow(explanation(8), 0, 1, scene(80, 60),
			Options{Width: w, ColorBar: true, Smoothing: Cells}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var latexCommand = regexp.MustCompile(`^\\(?:[a-zA-Z]+|.)`)

// checkLaTeX reads a caption as TeX would: every command must be one of LaTeX's
// kernel, braces must pair, and nothing else may have a meaning of its own.
func checkLaTeX(t *testing.T, s string) {
	t.Helper()
	const known = ` \emph \texttt \textbackslash \{ \} \$ \& \# \% \_ \textasciitilde \textasciicircum \textless ` +
		`\textgreater \textbar \textquotedblright \textquotedblleft` +
		` \textquoteleft \textquoteright \textendash \textemdash \dots \ensuremath \times \circ \ss \ae \AE \oe \OE ` +
		`\o \O \l \L \i \j \S \copyright \textexclamdown \textquestiondown` +
		" \\` \\' \\^ \\~ \\= \\u \\. \\\" \\r \\H \\v \\d \\c \\b "
	depth := 0
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\':
			command := latexCommand.FindString(s[i:])
			if command == `\ifdefined` { // ASCII in the half that pdfLaTeX reads
				branch := regexp.MustCompile(`^\\ifdefined\\Umathcode [^\\{}$&#%_^~]*\\else\[(U\+[0-9A-F ]+)+( ` +
					`U\+[0-9A-F]+)*\]\\fi\{\}`).FindString(s[i:])
				if branch == "" {
					t.Fatalf("at %d of %q a choice is not whole", i, s)
				}
				i += len(branch)
				continue
			}
			if !strings.Contains(known, " "+command+" ") {
				t.Errorf("the command %s at %d of %q is not LaTeX's", command, i, s)
			}
			i += max(1, len(command))
			if command == `\ensuremath` { // mathematics may hold ^ and commands
				end := strings.IndexByte(s[i:], '}')
				if !regexp.MustCompile(`^\{(-|\\times|\^\\circ)$`).MatchString(s[i : i+end]) {
					t.Errorf("%q is no mathematics of ours", s[i:i+end])
				}
				i += end + 1
			}
			continue
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth < 0 {
				t.Errorf("a brace too many at %d of %q", i, s)
			}
		case strings.IndexByte("$&#%_^<>|\"`'", c) >= 0, c < ' ', c >= 0x7f:
			t.Errorf("%q at %d of %q is not escaped", c, i, s)
		}
		i++
	}
	if depth != 0 {
		t.Errorf("%d braces are open at the end of %q", depth, s)
	}
	for _, ligature := range []string{"--", "``", "''", ",,", "?`", "!`"} {
		if strings.Contains(s, ligature) {
			t.Errorf("%q has the ligature %s", s, ligature)
		}
	}
}

func TestCaptionIsLaTeX(t *testing.T) {
	for name, want := range map[string]string{
		"Œil d’Ökozaunkönig": `\OE{}il d\textquoteright{}\"{O}kozaunk\"{o}nig`, "a_b%c$d&e#f": `a\_b\%c\$d\&e\#f`,
		`{\input{/etc/passwd}}`: `\{\textbackslash{}input\{/etc/passwd\}\}`, "a--b": "a-{}-b",
		"~^<>|": `\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}`,
		"鳥 x":   `\ifdefined\Umathcode 鳥\else[U+9CE5]\fi{} x`, "Señor ï": `Se\~{n}or \"{\i}`, "e\u0301": `\'{e}`,
		"\x00\xff\n": "  ", "`'\"": `\textquoteleft{}\textquoteright{}\textquotedblright{}`,
	} {
		got := latex(name)
		if name != "\x00\xff\n" && got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
		checkLaTeX(t, got)
	}
	everything := ""
	for r := rune(1); r < 0x2100; r++ {
		everything += string(r)
	}
	checkLaTeX(t, latex(everything))

	for _, name := range []string{"002.Painted_Bunting", `\end{figure}%$_^~#&{`, "Σπίνος ‘x’ — Чиж 鳥", "",
		"a\nb\x00\xff"} {
		e := layered(4)
		e.Names[1], e.Image = name, "some folder/"+name+"_1.png"
		source := somewhere
		source.Checkpoint = "/runs/" + name + ".pth"
		for kind, f := range everyFigure(t, e, scene(80, 60), Options{Smoothing: Cells, Source: source, Title: name}) {
			c := f.Caption()
			checkLaTeX(t, c)
			for _, want := range []string{"SHA-256 0123456789ab", "INTR-R50, 200 classes", "opacity 0.",
				"Maps of up to 6 ", "GoINTR"} {
				if !strings.Contains(c, want) {
					t.Errorf("%s: the caption %q lacks %q", kind, c, want)
				}
			}
			if kind != "maps" && (!strings.Contains(c, "layer") || !strings.Contains(c, "class index")) {
				t.Errorf("%s: the caption %q lacks the layer or the class", kind, c)
			}
			if strings.ContainsAny(c, "\n\r") {
				t.Errorf("%s: the caption has several lines", kind)
			}
		}
	}
	f, err := HeadRow(explanation(8), 0, 1, scene(80, 60), Options{Smoothing: Cells, Limits: &Limits{Low: 0, High: 0.5},
		Source: somewhere})
	if err != nil {
		t.Fatal(err)
	}
	want := `Where the 8 heads of decoder layer 1 look for \emph{Painted Bunting} (class index 1, 82.1 \%). Colours ` +
		`(jet, opacity 0.5) run from 0.0 to 0.50 in all panels. ` +
		`Maps of up to 6 \ensuremath{\times} 8 cells are shown cell by cell. Model: INTR-R50, 200 classes, ` +
		`\texttt{best.pth} (SHA-256 0123456789ab\dots{}). Drawn by GoINTR ` + latex(origin.Version()) + `.`
	if got := f.Caption(); got != want {
		t.Errorf("the caption is\n%s\nwant\n%s", got, want)
	}
	path := filepath.Join(t.TempDir(), "Fig 1_b.tex")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); !strings.HasSuffix(string(data), "\n\\caption{"+want+"}\n\\label{fig:Fig-1-b}\n") {
		t.Errorf("the file holds %s", data)
	}
}

// Figures say what they are inside of their files, too.
func TestMetadata(t *testing.T) {
	e := layered(4)
	e.Names[1] = `<b>"Zaunkönig" & 鳥`
	for kind, f := range everyFigure(t, e, scene(80, 60), Options{Smoothing: Cells, Source: somewhere, DPI: 50}) {
		words := f.plain()
		p, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(p, []byte("iTXtDescription\x00\x00\x00\x00\x00"+words)) {
			t.Errorf("%s: the PNG does not say %q", kind, words)
		}
		s, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`<desc>(.*?)</desc>`).FindSubmatch(s); found == nil ||
			!bytes.Contains(found[1], []byte("SHA-256 0123456789ab")) || bytes.Contains(found[1], []byte("<b>")) {
			t.Errorf("%s: the SVG says %q", kind, found)
		}
		d, err := f.PDF()
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`/Subject <FEFF([0-9A-F]+)>`).FindSubmatch(d)
		if found == nil {
			t.Fatalf("%s: the PDF says nothing", kind)
		}
		var units []uint16
		for i := 0; i < len(found[1]); i += 4 {
			v, _ := strconv.ParseUint(string(found[1][i:i+4]), 16, 16)
			units = append(units, uint16(v))
		}
		if got := string(utf16.Decode(units)); got != words {
			t.Errorf("%s: the PDF says %q, want %q", kind, got, words)
		}
	}
}

// The table of a PDF leads to its objects, its font is inside, and it has no date.
func TestPDFIsWhole(t *testing.T) {
	for kind, f := range everyFigure(t, layered(8), scene(80, 60), Options{Smoothing: Cells}) {
		data, err := f.PDF()
		if err != nil {
			t.Fatal(err)
		}
		at := pdfStart.FindSubmatch(data)
		start, _ := strconv.Atoi(string(at[1]))
		table := strings.Split(string(data[start:]), "\n")
		count, _ := strconv.Atoi(strings.TrimPrefix(table[1], "0 "))
		for i := 1; i < count; i++ {
			offset, _ := strconv.Atoi(table[2+i][:10])
			if want := fmt.Sprintf("%d 0 obj\n", i); !bytes.HasPrefix(data[offset:], []byte(want)) {
				t.Errorf("%s: object %d is not where the table says", kind, i)
			}
		}
		if !bytes.Contains(data, []byte("/FontFile2 ")) || bytes.Contains(data, []byte("Date")) {
			t.Errorf("%s: the font is not inside, or a date is", kind)
		}
	}
	if program, err := exec.LookPath("pdffonts"); err == nil {
		f, _ := Difference(layered(8), 0, 1, 2, scene(80, 60), Options{})
		path := filepath.Join(t.TempDir(), "d.pdf")
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, path).CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || len(lines) < 3 {
			t.Fatalf("pdffonts: %v\n%s", err, out)
		}
		for _, line := range lines[2:] {
			if words := strings.Fields(line); len(words) < 4 || words[len(words)-5] != "yes" {
				t.Errorf("a font is not embedded:\n%s", out)
			}
		}
	}
}

// An EPS needs no font, has the pictures' very pixels inside, and a box of whole points.
func TestEPS(t *testing.T) {
	e := explanation(8)
	e.Names[1] = "Ökozaunkönig (1)\\"
	f, err := HeadRow(e, 0, 1, scene(80, 60), Options{Smoothing: Cells})
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.EPS()
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if !strings.HasPrefix(text, "%!PS-Adobe-3.0 EPSF-3.0\n") || !strings.HasSuffix(text, "%%EOF\n") ||
		!strings.Contains(text, fmt.Sprintf("\n%%%%BoundingBox: 0 0 504 %.0f\n", math.Ceil(float64(f.height)))) {
		t.Errorf("it begins %.200q", text)
	}
	streams := regexp.MustCompile(`(?s)>> image\n(.*?)~>\n`).FindAllStringSubmatch(text, -1)
	rest := regexp.MustCompile(`(?s)>> image\n(.*?)~>\n`).ReplaceAllString(text, "")
	for _, word := range []string{"findfont", "show\n(", ") show", "Picture"} {
		if strings.Contains(rest, word) {
			t.Errorf("it has %q", word)
		}
	}
	if n := strings.Count(rest, "curveto"); n < 50 {
		t.Errorf("its letters are %d curves", n)
	}
	if len(streams) != len(f.pictures) {
		t.Fatalf("%d pictures, want %d", len(streams), len(f.pictures))
	}
	for i, stream := range streams {
		if regexp.MustCompile(`(?m)^%`).MatchString(stream[1]) {
			t.Errorf("picture %d has a line that is a comment", i)
		}
		z, err := zlib.NewReader(ascii85.NewDecoder(strings.NewReader(stream[1])))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for k, v := range f.pictures[i].pixels.Pix {
			if k%4 < 3 {
				want = append(want, v)
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("picture %d has %d bytes, and not those of its panel (%d)", i, len(got), len(want))
		}
	}
}

func TestTransparent(t *testing.T) {
	for _, transparent := range []bool{false, true} {
		f, err := HeadRow(explanation(8), 0, 1, scene(80, 60),
			Options{Smoothing: Cells, Transparent: transparent, DPI: 72})
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
		_, _, _, alpha := img.At(0, 0).RGBA()
		if alpha == 0 != transparent {
			t.Errorf("transparent %v: the corner of the PNG has alpha %d", transparent, alpha)
		}
		p := f.pictures[1].at
		if _, _, _, alpha := img.At(int(p.Min.X)+3, int(f.height-p.Max.Y)+3).RGBA(); alpha != 0xffff {
			t.Errorf("transparent %v: a panel has alpha %d", transparent, alpha)
		}
		for kind, write := range map[string]func() ([]byte, error){"SVG": f.SVG, "EPS": f.EPS} {
			data, err := write()
			if err != nil {
				t.Fatal(err)
			}
			white := regexp.MustCompile(`fill:#FFFFFF|\n1 1 1 setrgbcolor\n`)
			if white.Match(data) == transparent {
				t.Errorf("transparent %v: the %s has a white page: %v", transparent, kind, !transparent)
			}
		}
	}
}

// The numbers go out as they are, whatever the names.
func TestData(t *testing.T) {
	e := layered(4)
	e.Names[1], e.Image = "002.Zaunkönig, \"鳥\"\n<&>", "a,b.png"
	dir := t.TempDir()
	python := os.Getenv("GOINTR_ORACLE")
	for kind, f := range everyFigure(t, e, scene(80, 60), Options{Smoothing: Cells, Source: somewhere}) {
		want := f.Maps()
		for _, ext := range []string{".npz", ".csv", ".json"} {
			if err := f.Save(filepath.Join(dir, kind+ext)); err != nil {
				t.Fatal(err)
			}
			first, _ := os.ReadFile(filepath.Join(dir, kind+ext))
			f.Save(filepath.Join(dir, kind+ext))
			if second, _ := os.ReadFile(filepath.Join(dir, kind+ext)); !bytes.Equal(first, second) {
				t.Errorf("%s%s: the same maps give other bytes", kind, ext)
			}
		}
		var d struct {
			Provenance Provenance
			Maps       []Shown
		}
		text, _ := os.ReadFile(filepath.Join(dir, kind+".json"))
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if d.Provenance.Model != somewhere || d.Provenance.Version != origin.Version() ||
			d.Provenance.Caption != f.plain() || d.Provenance.Smoothing != f.look.Smoothing.String() {
			t.Errorf("%s: the provenance is %+v", kind, d.Provenance)
		}
		if !slices.EqualFunc(d.Maps, want, func(a, b Shown) bool {
			return a.Label == b.Label && a.Name == b.Name && a.Head == b.Head && a.Layer == b.Layer &&
				a.Class == b.Class && a.Versus == b.Versus && slices.Equal(a.Values, b.Values) &&
				(a.Scale == nil) == (b.Scale == nil)
		}) {
			t.Errorf("%s: the maps of the .json are not the figure's", kind)
		}

		text, _ = os.ReadFile(filepath.Join(dir, kind+".csv"))
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		next := 1
		for _, m := range want {
			for i, v := range m.Values {
				line := lines[next]
				next++
				got, _ := strconv.ParseFloat(line[12], 32)
				x, _ := strconv.ParseFloat(line[10], 64)
				if float32(got) != v || line[8] != strconv.Itoa(i/m.Cols) || line[9] != strconv.Itoa(i%m.Cols) ||
					line[5] != m.Name || line[3] != strconv.Itoa(m.Head) ||
					math.Abs(x-(float64(i%m.Cols)+0.5)*float64(m.Width)/float64(m.Cols)) > 0.005 {
					t.Fatalf("%s: line %d of the .csv is %q, want %v", kind, next, line, v)
				}
			}
		}
		if next != len(lines) {
			t.Errorf("%s: %d lines, want %d", kind, len(lines), next)
		}

		all := readNPZ(t, filepath.Join(dir, kind+".npz"))
		if !slices.Equal(all["maps"].shape, []int{len(want), 6, 8}) ||
			!slices.Equal(all["scale"].shape, []int{len(want), 2}) {
			t.Errorf("%s: the shapes are %v and %v", kind, all["maps"].shape, all["scale"].shape)
		}
		for i, m := range want {
			if !slices.Equal(all["maps"].reals[i*48:][:48], m.Values) {
				t.Errorf("%s: map %d of the .npz is not the figure's", kind, i)
			}
		}
	}
	for _, name := range []string{"e.npz", "e.csv", "e.json"} {
		if err := WriteData(filepath.Join(dir, name), e, 1, somewhere); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteData(filepath.Join(dir, "e.xml"), e, 1, somewhere); err == nil ||
		!strings.Contains(err.Error(), ".npz, .csv or .json") {
		t.Errorf("got %v", err)
	}
	if python == "" {
		t.Log("NumPy does not look at the .npz files: GOINTR_ORACLE names no Python")
		return
	}
	const look = `
import csv, json, sys
import numpy as np
for kind in sys.argv[2:]:
    z, j = np.load(f"{sys.argv[1]}/{kind}.npz"), json.load(open(f"{sys.argv[1]}/{kind}.json", encoding="utf-8"))
    assert json.loads(str(z["provenance"])) == j["provenance"], kind
    lines = list(csv.DictReader(open(f"{sys.argv[1]}/{kind}.csv", encoding="utf-8", newline="")))
    values = np.concatenate([np.float32(m["values"]) for m in j["maps"]])
    assert np.array_equal(np.float32([l["value"] for l in lines]), values), kind
    if kind == "e":
        assert np.array_equal(z["attention"].ravel(), values) and z["class"] == 1 and z["logits"].dtype == np.float32
        assert list(z["names"]) == ["001.Plain_Tit", "002.Zaunkönig, \"鳥\"\n<&>", "003.Grey_Crow"]
        assert z["image"] == "a,b.png"
        assert sorted(z.files) == ["attention", "class", "image", "logits", "names", "provenance"]
        continue
    for i, m in enumerate(j["maps"]):
        own = z["maps"][i, :z["rows"][i], :z["cols"][i]]
        assert np.array_equal(own.ravel(), np.float32(m["values"])), kind
        for key in ("label", "image", "name", "versus_name", "layer", "head", "class", "versus", "rows", "cols"):
            assert z[key][i] == m[key], (kind, key, z[key][i], m[key])
        scale = z["scale"][i]
        assert np.isnan(scale).all() if m["scale"] is None else np.array_equal(scale, np.float32(m["scale"])), kind
`
	out, err := exec.Command(python, "-c", look, dir, "headrow", "compare", "layers", "film", "maps", "difference",
		"grid", "strip", "e").CombinedOutput()
	if err != nil {
		t.Errorf("NumPy: %v\n%s", err, out)
	}
}

// Maps of several sizes lie in one array, and what is beyond them is no number.
func TestNPZOfSeveralSizes(t *testing.T) {
	small := attention.Map{Rows: 1, Cols: 3, Values: []float32{1, 2, 3}}
	tall := attention.Map{Rows: 2, Cols: 1, Values: []float32{4, 5}}
	f, err := Maps([]string{"a", "bc"}, []attention.Map{small, tall}, scene(40, 30), Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.npz")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	got := readNPZ(t, path)["maps"]
	nan := float32(math.NaN())
	want := []float32{1, 2, 3, nan, nan, nan, 4, nan, nan, 5, nan, nan}
	if !slices.Equal(got.shape, []int{2, 2, 3}) ||
		!slices.EqualFunc(got.reals, want, func(a, b float32) bool { return a == b || a != a && b != b }) {
		t.Errorf("%v: %v, want %v", got.shape, got.reals, want)
	}
}
