package letters

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

var liberation = func() *opentype.Font {
	f, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		panic(err)
	}
	return f
}()

func face(size vg.Length) font.Face {
	return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, Face: liberation}
}

func only(t *testing.T, files ...string) {
	t.Helper()
	if err := Only(files...); err != nil {
		t.Fatal(err)
	}
	Missing()
}

// TestSimple leaves lines that their own font can write to the canvas.
func TestSimple(t *testing.T) {
	only(t)
	for line, want := range map[string]bool{"Indigo Bunting": true, "γλάρος − é": true, "Чиж": true, "طائر": false,
		"翠鳥": false, "e\u0301": false, "\u2068a\u2069": false} {
		if Simple(face(8), line) != want {
			t.Errorf("Simple(%q) is not %v", line, want)
		}
		if got, plain := Width(face(8), line), face(8); want && got != plain.Width(line) {
			t.Errorf("%q is %v wide, not %v", line, got, plain.Width(line))
		}
	}
}

// TestArabic shapes a name read from the right: joined, its last letter leftmost, and what stands around it in place.
func TestArabic(t *testing.T) {
	only(t, "testdata/arabic.ttf")
	f := face(10)
	joined, apart := Width(f, "شمس"), vg.Length(0)
	for _, letter := range "شمس" {
		apart += Width(f, string(letter))
	}
	if !(joined < apart*0.95) {
		t.Errorf("joined letters are %v wide, single ones %v", joined, apart)
	}
	text := ""
	for _, c := range Letters(f, "A − "+Isolate("شمس")+" − "+Isolate("طائر")+", layer 2") {
		text += string(c.Rune)
	}
	if want := "A − سمش − رئاط, layer 2"; text != want {
		t.Errorf("from left to right it reads %q, not %q", text, want)
	}
	if said := Missing(); said != "" {
		t.Error(said)
	}
	if Isolate("Wren") != "Wren" {
		t.Error("a name read from the left is isolated")
	}
}

// TestMissing boxes letters that no font has, and says once what to install.
func TestMissing(t *testing.T) {
	only(t)
	canvas := &recorder.Canvas{}
	Canvas{canvas}.FillString(face(10), vg.Point{}, "翠鳥 − Wren")
	subpaths := 0
	for _, action := range canvas.Actions {
		if fill, ok := action.(*recorder.Fill); ok {
			for _, p := range fill.Path {
				if p.Type == vg.MoveComp {
					subpaths++
				}
			}
		}
	}
	if subpaths < 2*(2+4) {
		t.Errorf("%d outlines cannot be two boxes of four digits", subpaths)
	}
	want := "no font here has the letters of 翠鳥: install Noto Sans CJK (fonts-noto-cjk)"
	if said := Missing(); said != want {
		t.Errorf("it said %q, not %q", said, want)
	}
	if said := Missing(); said != "" {
		t.Errorf("it said %q again", said)
	}
}

// TestShorten cuts whole letters, as few as can be.
func TestShorten(t *testing.T) {
	fits := func(most int) func(string) bool {
		return func(s string) bool { return len([]rune(s)) <= most }
	}
	for _, c := range []struct {
		line string
		most int
		want string
	}{{"Wren", 4, "Wren"}, {"Indigo Bunting", 8, "Indigo…"}, {"cafe\u0301s", 5, "caf…"}, {"翠鳥翠鳥", 3, "翠鳥…"},
		{"👩‍🔬👩‍🔬", 4, "👩‍🔬…"}, {"Wren", 0, "…"}} {
		if got := Shorten(c.line, fits(c.most)); got != c.want {
			t.Errorf("%q of %d letters is %q, not %q", c.line, c.most, got, c.want)
		}
	}
}

// TestLong bounds what a stranger's name costs.
func TestLong(t *testing.T) {
	only(t)
	if w := Width(face(8), strings.Repeat("翠", 1<<20)); math.IsInf(float64(w), 0) || w > 8*2*most {
		t.Errorf("it is %v wide", w)
	}
}

// A line is broken at blanks, and within Chinese and Japanese where these allow it: not before a full stop.
func TestLines(t *testing.T) {
	fits := func(n int) func(string) bool {
		return func(s string) bool { return utf8.RuneCountInString(s) <= n }
	}
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"Painted Bunting of the south", 10, "Painted|Bunting of|the south"},
		{"red-winged blackbird", 12, "red-winged|blackbird"}, // a hyphen is part of a name
		{"翠鸟栖息在水边的树枝上。", 6, "翠鸟栖息在水|边的树枝上。"},
		{"カワセミは川の近くに住む。", 7, "カワセミは川の|近くに住む。"},
		{"翠鸟 kingfisher", 8, "翠鸟|kingfisher"},
		{"ab 翠鸟栖息", 5, "ab 翠鸟|栖息"},
		{"", 5, ""},
		{"longer than it may be", 3, "longer|than|it|may|be"},
	} {
		if got := strings.Join(Lines(c.in, fits(c.width)), "|"); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// What is cut off takes no isolate's end along.
func TestClosed(t *testing.T) {
	for in, want := range map[string]string{"plain": "plain", "\u2068طا": "\u2068طا\u2069",
		"\u2068ط\u2069 −": "\u2068ط\u2069 −",
		"a\u2069b":        "a\u2069b", "\u2068a\u2068b\u2069": "\u2068a\u2068b\u2069\u2069"} {
		if got := Closed(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	short := Shorten("\u2068طائر الدرسة\u2069 (93 %)", func(s string) bool { return utf8.RuneCountInString(s) <= 8 })
	if !strings.HasSuffix(short, "…\u2069") {
		t.Errorf("cut short it is %q", short)
	}
}

func TestPowers(t *testing.T) {
	for in, want := range map[string]string{"2e-06": "2×10⁻⁶", "-1.5e+20": "−1.5×10²⁰", "0.25": "0.25",
		"-3": "−3", "1e-10": "1×10⁻¹⁰", "NaN": "NaN"} {
		if got := Powers(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
