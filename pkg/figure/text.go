package figure

import (
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/attention"
)

// Liberation Sans has the widths of Arial and Helvetica, so an SVG keeps its layout where those are installed instead.
// It covers Latin, Greek and Cyrillic; package letters finds what it lacks.
var liberation = sync.OnceValue(func() *opentype.Font {
	parsed, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		panic("figure: the embedded font is damaged: " + err.Error())
	}
	return parsed
})

func face(size vg.Length) font.Face {
	return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, Face: liberation()}
}

// text is one line of text on a figure; At is the left end of its base line.
type text struct {
	string
	size vg.Length
	at   vg.Point
}

func (t text) width() vg.Length {
	return letters.Width(face(t.size), t.string)
}

// centred puts a line of text so that its middle is at x.
func centred(s string, size, x, y vg.Length) text {
	t := text{s, size, vg.Point{Y: y}}
	t.at.X = x - t.width()/2
	return t
}

// fit breaks a text into at most `most` lines no wider than width, in the largest size from `size` down to `least` that
// allows it, and ends it with an ellipsis when none does.
func fit(s string, size, least, width vg.Length, most int) ([]string, vg.Length) {
	s = printable(s)
	for ; size > least; size -= 0.5 {
		if lines := wrap(s, size, width); len(lines) <= most && widest(lines, size) <= width {
			return balance(lines, s, size), size
		}
	}
	lines := wrap(s, least, width)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += "…"
	}
	for i := range lines {
		lines[i] = shorten(lines[i], least, width)
	}
	return lines, least
}

// balance breaks a text into as many lines as there are, but as equal as can be, so that no line holds a lone word.
func balance(lines []string, s string, size vg.Length) []string {
	for len(lines) > 1 {
		narrower := wrap(s, size, widest(lines, size)-0.01)
		if len(narrower) > len(lines) || widest(narrower, size) >= widest(lines, size) {
			break
		}
		lines = narrower
	}
	return lines
}

func wrap(s string, size, width vg.Length) []string {
	return letters.Lines(s, func(line string) bool { return text{string: line, size: size}.width() <= width })
}

// named is a class's name for a line that has more in it.
func named(e *attention.Explanation, class int) string {
	return letters.Isolate(attention.Plain(e.Name(class)))
}

func widest(lines []string, size vg.Length) vg.Length {
	most := vg.Length(0)
	for _, line := range lines {
		most = max(most, text{string: line, size: size}.width())
	}
	return most
}

// shorten takes letters off a line until it fits with an ellipsis.
func shorten(line string, size, width vg.Length) string {
	return letters.Shorten(line, func(s string) bool { return text{string: s, size: size}.width() <= width })
}
