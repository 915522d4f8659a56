package figure

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gointr/gointr/internal/letters"
)

// lines are drawn one below the other, the last one turned to the left by a right angle.
type lines []string

func (l lines) Draw(c draw.Canvas) {
	last := len(l) - 1
	for i, s := range l[:last] {
		c.Canvas.FillString(face(12), vg.Point{X: 20, Y: vg.Length(260 - 20*i)}, s)
	}
	c.Push()
	defer c.Pop()
	c.Translate(vg.Point{X: 400, Y: 40})
	c.Rotate(math.Pi / 2)
	c.Scale(2, 2)
	c.Canvas.FillString(face(10), vg.Point{X: 1}, l[last])
}

var manyAlphabets = lines{"Indigo Bunting, layer 2", "Grünspecht − Чиж (98 %)", "翠鳥 − 鹡鸰, layer 6", "カワセミ と とり",
	"طائر الشمس", "A − " + letters.Isolate("طائر الشمس") + " − " + letters.Isolate("لا شَمْس") + ", layer 2",
	"क्षत्रिय पक्षी (98 %)", "👩‍🔬 🐦 ❤️", "שלום עולם", "นกกระเต็น", "물총새", "turned 𠮷鳥"}

func manyLines(t *testing.T) []byte {
	t.Helper()
	p, err := NewPlot(manyAlphabets, 7*vg.Inch, 4*vg.Inch)
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.PDF()
	if err != nil {
		t.Fatal(err)
	}
	letters.Missing() // it is all the same here
	return data
}

// TestUnseenText reads what stands in a PDF behind the letters that are curves: their text from left to right, where
// and as wide as they are drawn.
func TestUnseenText(t *testing.T) {
	data := string(inflated(t, manyLines(t)))
	stands, widths := map[string]string{}, map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^<([0-9A-F]{4})> <([0-9A-F]+)>$`).FindAllStringSubmatch(data, -1) {
		var units []uint16
		for from := 0; from < len(m[2]); from += 4 {
			unit, _ := strconv.ParseUint(m[2][from:from+4], 16, 16)
			units = append(units, uint16(unit))
		}
		stands[m[1]] = string(utf16.Decode(units))
	}
	listed := regexp.MustCompile(`/W \[1 \[([0-9 ]+)\]\]`).FindStringSubmatch(string(manyLines(t)))
	if listed == nil || len(stands) == 0 {
		t.Fatal("the document has no font of text that is not seen")
	}
	for i, width := range strings.Fields(listed[1]) {
		widths[fmt.Sprintf("%04X", i+1)], _ = strconv.ParseFloat(width, 64)
	}
	shown := regexp.MustCompile(`BT 3 Tr /Unseen (\S+) Tf (.+) Tm <([0-9A-F]+)> Tj ET`)
	written := shown.FindAllStringSubmatch(data, -1)
	if len(written) != len(manyAlphabets)-1 { // the first is real text
		t.Fatalf("%d lines are written", len(written))
	}
	for i, m := range written {
		line, size, text, width := manyAlphabets[i+1], 12.0, "", 0.0
		for at := 0; at < len(m[3]); at += 4 {
			text += stands[m[3][at:at+4]]
			width += widths[m[3][at:at+4]] / 1000
		}
		where := fmt.Sprintf("1.0000 0.0000 -0.0000 1.0000 20.000 %d.000", 260-20*(i+1))
		if i == len(written)-1 {
			size, where = 10, "0.0000 2.0000 -2.0000 0.0000 400.000 42.000"
		}
		where = strings.ReplaceAll(where, "-0.0000", "0.0000")
		if got := strings.ReplaceAll(m[2], "-0.0000", "0.0000"); got != where || m[1] != fmt.Sprintf("%.2f", size) {
			t.Errorf("%q stands at %s in %s points, not at %s", line, got, m[1], where)
		}
		if want := float64(letters.Width(face(1), line)); math.Abs(width-want) > 0.02 {
			t.Errorf("%q is %.3f ems wide, but drawn in %.3f", line, width, want)
		}
		if strings.ContainsFunc(line, isFromRight) {
			continue // TestArabic of package letters, and pdftotext
		}
		if text != line {
			t.Errorf("%q is written as %q", line, text)
		}
	}
}

func isFromRight(r rune) bool { return unicode.In(r, unicode.Arabic, unicode.Hebrew) }

// TestPDFToText gets the same letters back, in the order in which they are read.
func TestPDFToText(t *testing.T) {
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed (poppler-utils)")
	}
	path := filepath.Join(t.TempDir(), "lines.pdf")
	if err := os.WriteFile(path, manyLines(t), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(program, path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	// It adds marks of direction, and puts blanks beside a name from the right on either side of them.
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Bidi_Control, r) || unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	got := strings.Split(strings.TrimSpace(string(said)), "\n")
	for _, line := range manyAlphabets[:len(manyAlphabets)-1] {
		if !slices.ContainsFunc(got, func(s string) bool { return bare(s) == bare(line) }) {
			t.Errorf("%q is not among the lines %q", line, got)
		}
	}
}
