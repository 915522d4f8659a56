// Package letters draws and measures lines of text in any alphabet: shaped by HarfBuzz (go-text), in both directions,
// with the fonts of the system for letters that the line's own font lacks. A line that its own font can write letter by
// letter (Latin, Greek, Cyrillic) is left to the canvas, and costs nothing here.
package letters

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/di"
	otfont "github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/bidi"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// Simple says whether the font writes the line letter by letter, from left to right.
func Simple(f font.Face, s string) bool {
	var buf sfnt.Buffer
	for _, r := range s {
		if r < 0x7f && r >= ' ' {
			continue
		}
		if !unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Common) ||
			unicode.In(r, unicode.Cc, unicode.Cf, unicode.M) {
			return false
		}
		if glyph, err := f.Face.GlyphIndex(&buf, r); err != nil || glyph == 0 {
			return false
		}
	}
	return true
}

// Width is how wide the line is.
func Width(f font.Face, s string) vg.Length {
	if Simple(f, s) {
		return f.Width(s)
	}
	return shaped(f, s).width * f.Font.Size
}

// Draw draws a line as curves (and emoji as pictures, where their font has such), its base line beginning at a point,
// in the canvas's colour.
func Draw(c vg.Canvas, f font.Face, at vg.Point, s string) {
	var path vg.Path
	size := f.Font.Size
	for _, g := range shaped(f, s).glyphs {
		for _, p := range g.path {
			p.Pos = vg.Point{X: at.X + (g.at.X+p.Pos.X)*size, Y: at.Y + (g.at.Y+p.Pos.Y)*size}
			control := make([]vg.Point, len(p.Control))
			for i, q := range p.Control {
				control[i] = vg.Point{X: at.X + (g.at.X+q.X)*size, Y: at.Y + (g.at.Y+q.Y)*size}
			}
			p.Control = control
			path = append(path, p)
		}
		if g.picture != nil {
			low, high := g.at.Add(g.box.Min), g.at.Add(g.box.Max)
			c.DrawImage(vg.Rectangle{Min: at.Add(low.Scale(size)), Max: at.Add(high.Scale(size))}, g.picture)
		}
	}
	if len(path) > 0 {
		c.Fill(path)
	}
}

// A Letter is one of a line, and how far it advances, in ems. What is drawn as one (a ligature, a letter with its
// marks) is shared by its letters in equal parts.
type Letter struct {
	Rune    rune
	Advance float64
}

// Letters are those of a line, from left to right.
func Letters(f font.Face, s string) []Letter { return shaped(f, s).letters }

// Canvas is a canvas that writes all alphabets.
type Canvas struct{ vg.Canvas }

// FillString is of vg.Canvas.
func (c Canvas) FillString(f font.Face, at vg.Point, s string) {
	if Simple(f, s) {
		c.Canvas.FillString(f, at, s)
	} else if f.Font.Size > 0 {
		Draw(c.Canvas, f, at, s)
	}
}

// Isolate keeps a name that is read from the right from reordering what stands around it.
func Isolate(name string) string {
	for _, r := range name {
		p, _ := bidi.LookupRune(r)
		if class := p.Class(); class == bidi.R || class == bidi.AL {
			return "\u2068" + name + "\u2069"
		}
	}
	return name
}

// Powers is a number as people write it, where it is written as programs do: 2×10⁻⁶ for 2e-06, with minus signs.
func Powers(number string) string {
	mantissa, exponent, small := strings.Cut(number, "e")
	mantissa = strings.Replace(mantissa, "-", "−", 1)
	if !small {
		return mantissa
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return number
	}
	return mantissa + "×10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵",
		"6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}

// Closed is a text that was cut, with the isolates that are open at its end closed, so that they do not take in what
// follows.
func Closed(s string) string {
	open := 0
	for _, r := range s {
		switch {
		case r >= 0x2066 && r <= 0x2068:
			open++
		case r == 0x2069 && open > 0:
			open--
		}
	}
	return s + strings.Repeat("\u2069", open)
}

// Lines breaks a text into lines that fit: at blanks, and in words of scripts that write none between them, Chinese and
// Japanese, where these allow it (Unicode Standard Annex 14). What fits nowhere stands alone.
func Lines(s string, fits func(line string) bool) (lines []string) {
	for _, word := range strings.Fields(s) {
		for i, part := range parts(word) {
			blank := " "
			if i > 0 {
				blank = ""
			}
			if last := len(lines) - 1; last >= 0 && fits(lines[last]+blank+part) {
				lines[last] += blank + part
			} else {
				lines = append(lines, part)
			}
		}
	}
	return lines
}

// parts are what a word may be broken into.
func parts(word string) (all []string) {
	if !strings.ContainsFunc(word, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
	}) {
		return []string{word}
	}
	var seg segmenter.Segmenter
	seg.Init([]rune(word))
	for it := seg.LineIterator(); it.Next(); {
		all = append(all, string(it.Line().Text))
	}
	return all
}

// Shorten is the line if it fits, else as many of its first letters, whole ones, as fit with an ellipsis.
func Shorten(s string, fits func(string) bool) string {
	if fits(s) {
		return s
	}
	s = strings.TrimSuffix(s, "…")
	ends := []int{0} // bytes
	var seg segmenter.Segmenter
	runes := []rune(s)
	runes = runes[:min(len(runes), most)]
	seg.Init(runes)
	for it := seg.GraphemeIterator(); it.Next(); {
		ends = append(ends, ends[len(ends)-1]+len(string(it.Grapheme().Text)))
	}
	cut := func(n int) string { return Closed(strings.TrimRight(s[:min(ends[n], len(s))], " ") + "…") }
	low, _ := slices.BinarySearchFunc(ends, true, func(end int, _ bool) int {
		if fits(strings.TrimRight(s[:min(end, len(s))], " ") + "…") {
			return -1
		}
		return 1
	})
	return cut(max(0, low-1))
}

const (
	em   = 1000 // units that are shaped in
	most = 4096 // letters of a line; the rest is cut off
	kept = 512  // lines
)

type glyph struct {
	path    vg.Path // ems
	picture image.Image
	box     vg.Rectangle // of the picture
	at      vg.Point
}

type line struct {
	width   vg.Length // ems
	glyphs  []glyph
	letters []Letter
}

type key struct {
	font *opentype.Font
	text string
}

var (
	one   sync.Mutex // shapers and font maps are not for several at once
	lines = map[key]*line{}
)

func shaped(f font.Face, s string) *line {
	one.Lock()
	defer one.Unlock()
	k := key{f.Face, s}
	if l := lines[k]; l != nil {
		return l
	}
	if len(lines) >= kept {
		clear(lines)
	}
	l := shape(f, s)
	lines[k] = l
	return l
}

func shape(f font.Face, s string) *line {
	l := &line{}
	own := parsed(f.Face)
	if own == nil || s == "" {
		return l
	}
	runes := []rune(s)
	if len(runes) > most {
		runes = append(runes[:most:most], '…')
	}
	if Simple(f, string(runes)) { // without ligatures, as the canvas writes them
		var before []byte
		for _, r := range runes {
			id, _ := own.NominalGlyph(r)
			at := f.Width(string(before)) / f.Font.Size
			l.glyphs = append(l.glyphs, outlined(own, id, vg.Point{X: at}))
			before = append(before, string(r)...)
			l.width = f.Width(string(before)) / f.Font.Size
			l.letters = append(l.letters, Letter{r, float64(l.width - at)})
		}
		return l
	}
	fonts := &fallback{own: own}
	fonts.choose(s)
	var shaper shaping.HarfbuzzShaper
	var segments shaping.Segmenter
	var runs []shaping.Output
	for _, in := range segments.Split(shaping.Input{Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR,
		Size: fixed.I(em), Language: fonts.language}, fonts) {
		runs = append(runs, shaper.Shape(in))
	}
	var wrapper shaping.LineWrapper
	config := shaping.WrapConfig{Direction: di.DirectionLTR, DisableTrailingWhitespaceTrim: true}
	wrapped, _ := wrapper.WrapParagraph(config, 1<<24, runes, shaping.NewSliceIterator(runs))
	missing := map[rune]bool{}
	for _, part := range wrapped {
		slices.SortStableFunc(part, func(a, b shaping.Output) int { return cmp.Compare(a.VisualIndex, b.VisualIndex) })
		for _, run := range part {
			l.add(run, runes, own, missing)
		}
	}
	if len(missing) > 0 {
		tell(runes, missing)
	}
	return l
}

// add puts a run to the right end of a line.
func (l *line) add(run shaping.Output, runes []rune, own *otfont.Face, missing map[rune]bool) {
	unit := func(v fixed.Int26_6) vg.Length { return vg.Length(v) / 64 / em }
	for i := 0; i < len(run.Glyphs); {
		first, n := run.Glyphs[i].TextIndex(), run.Glyphs[i].RunesCount()
		from, text := l.width, []rune(nil)
		for _, r := range runes[first:min(first+n, len(runes))] {
			if !unicode.Is(unicode.Bidi_Control, r) {
				text = append(text, r)
			}
		}
		boxed := false
		for ; i < len(run.Glyphs) && run.Glyphs[i].TextIndex() == first; i++ {
			g := run.Glyphs[i]
			drawn := outlined(run.Face, g.GlyphID, vg.Point{X: l.width + unit(g.XOffset), Y: unit(g.YOffset)})
			empty := drawn.picture == nil && len(drawn.path) == 0
			if code, lacks := lacking(text); lacks && !boxed && (g.GlyphID == 0 || empty && g.Advance > 0) {
				var advance vg.Length
				drawn.path, advance = codeBox(own, code)
				drawn.picture, drawn.at = nil, vg.Point{X: l.width}
				missing[code], boxed = true, true
				l.glyphs, l.width = append(l.glyphs, drawn), l.width+advance
				continue
			}
			if g.GlyphID != 0 {
				l.glyphs, l.width = append(l.glyphs, drawn), l.width+unit(g.Advance)
			}
		}
		if string(text) == " " { // as wide as in the line's own font, also beside an emoji
			space, _ := own.NominalGlyph(' ')
			l.width = from + vg.Length(own.HorizontalAdvance(space))/vg.Length(own.Upem())
		}
		if run.Direction == di.DirectionRTL {
			slices.Reverse(text)
		}
		for _, r := range text {
			l.letters = append(l.letters, Letter{r, float64(l.width-from) / float64(len(text))})
		}
	}
}

// lacking is the letter to be boxed where a font draws nothing for a cluster.
func lacking(text []rune) (rune, bool) {
	for _, r := range text {
		if !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf, unicode.M) {
			return r, true
		}
	}
	return 0, false
}

// outlined is a glyph of a font, in ems.
func outlined(face *otfont.Face, id otfont.GID, at vg.Point) glyph {
	g := glyph{at: at}
	unit := 1 / vg.Length(face.Upem())
	data := face.GlyphData(id)
	if bitmap, ok := data.(otfont.GlyphBitmap); ok {
		box, there := face.GlyphExtents(id)
		if img, err := png.Decode(bytes.NewReader(bitmap.Data)); err == nil && there && bitmap.Format == otfont.PNG {
			left, top := vg.Length(box.XBearing)*unit, vg.Length(box.YBearing)*unit
			g.picture = img
			g.box = vg.Rectangle{Min: vg.Point{X: left, Y: top + vg.Length(box.Height)*unit},
				Max: vg.Point{X: left + vg.Length(box.Width)*unit, Y: top}}
			return g
		}
	}
	outline, ok := face.GlyphDataOutline(id)
	if !ok {
		return g
	}
	point := func(p ot.SegmentPoint) vg.Point { return vg.Point{X: vg.Length(p.X) * unit, Y: vg.Length(p.Y) * unit} }
	for n, s := range outline.Segments {
		switch a := s.Args; s.Op {
		case ot.SegmentOpMoveTo:
			if n > 0 {
				g.path.Close()
			}
			g.path.Move(point(a[0]))
		case ot.SegmentOpLineTo:
			g.path.Line(point(a[0]))
		case ot.SegmentOpQuadTo:
			g.path.QuadTo(point(a[0]), point(a[1]))
		case ot.SegmentOpCubeTo:
			g.path.CubeTo(point(a[0]), point(a[1]), point(a[2]))
		}
	}
	if len(g.path) > 0 {
		g.path.Close()
	}
	return g
}

// codeBox stands for a letter that no font has: its number in a frame, and how far it advances.
func codeBox(own *otfont.Face, r rune) (path vg.Path, advance vg.Length) {
	const small, line, side, low, high = 0.42, 0.03, 0.06, -0.06, 0.78
	code := fmt.Sprintf("%04X", r)
	if len(code)%2 == 1 {
		code = "0" + code
	}
	columns := len(code) / 2
	advance = vg.Length(columns)*0.28 + 0.1 + 2*side
	corners := func(x0, y0, x1, y1 vg.Length, turned bool) {
		all := []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
		if turned {
			slices.Reverse(all)
		}
		path.Move(all[0])
		for _, p := range all[1:] {
			path.Line(p)
		}
		path.Close()
	}
	corners(side, low, advance-side, high, false)
	corners(side+line, low+line, advance-side-line, high-line, true)
	for i, digit := range code {
		id, _ := own.NominalGlyph(digit)
		x := side + 0.07 + vg.Length(i%columns)*0.28
		y := vg.Length(high - 0.1 - 0.3)
		if i >= columns {
			y = low + 0.07
		}
		for _, p := range outlined(own, id, vg.Point{}).path {
			p.Pos = vg.Point{X: x, Y: y}.Add(p.Pos.Scale(small))
			for k := range p.Control {
				p.Control[k] = vg.Point{X: x, Y: y}.Add(p.Control[k].Scale(small))
			}
			path = append(path, p)
		}
	}
	return path, advance
}

// parsed are the fonts of canvases.
var parsedFonts = map[*opentype.Font]*otfont.Face{}

func parsed(f *opentype.Font) *otfont.Face {
	if face, ok := parsedFonts[f]; ok {
		return face
	}
	var raw bytes.Buffer
	var face *otfont.Face
	if _, err := f.WriteSourceTo(nil, &raw); err == nil {
		face, _ = otfont.ParseTTF(bytes.NewReader(raw.Bytes()))
	}
	parsedFonts[f] = face
	return face
}
