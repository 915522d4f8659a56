package figure

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/origin"
)

// words are a piece of a caption: prose, or a name out of a file, which may hold anything.
type words struct {
	text string
	as   string // the LaTeX command around it; "" is none
}

// about is what a figure shows, for its caption.
type about []words

func (a *about) say(format string, args ...any) {
	*a = append(*a, words{text: fmt.Sprintf(format, args...)})
}

func (a *about) file(path string) { *a = append(*a, words{filepath.Base(path), "texttt"}) }

// class names a class, with how sure the model is of it.
func (a *about) class(e *attention.Explanation, class int, sure bool) {
	*a = append(*a, words{attention.Plain(e.Name(class)), "emph"})
	if sure {
		a.say(" (class index %d, %s)", class, percent(e, class))
	} else {
		a.say(" (class index %d)", class)
	}
}

// in names the picture, where it has a name.
func (a *about) in(image string) {
	if image != "" {
		a.say(" in ")
		a.file(image)
	}
}

// caption is all that a reader needs to know of a figure: where its maps come from and how they are shown.
func (f *Figure) caption() about {
	a := append(about{}, f.about...)
	o := f.look
	flat, rows, cols := 0, 0, 0
	for _, m := range f.maps {
		if m.Scale == nil {
			flat++
		}
		rows, cols = max(rows, m.Rows), max(cols, m.Cols)
	}
	a.say(" Colours (%s, opacity %.3g) ", strings.ToLower(o.Colormap), o.Opacity)
	if o.Limits != nil {
		a.say("run from %s to %s in all panels.", number(o.Limits.Low), number(o.Limits.High))
	} else {
		a.say("run from the least to the greatest value of each map.")
	}
	if flat == 1 {
		a.say(" One map is flat and left undyed.")
	} else if flat > 1 {
		a.say(" %d maps are flat and left undyed.", flat)
	}
	switch o.Smoothing {
	case Published:
		a.say(" Maps of up to %d × %d cells are enlarged by cubic interpolation, and their colours smoothed by a "+
			"median and a Gaussian filter of 15 × 15 pixels.", rows, cols)
	case Cubic:
		a.say(" Maps of up to %d × %d cells are enlarged by cubic interpolation.", rows, cols)
	case Cells:
		a.say(" Maps of up to %d × %d cells are shown cell by cell.", rows, cols)
	}
	s := o.Source
	if s.Model != "" || s.Checkpoint != "" {
		a.say(" Model: %s", s.Model)
	}
	if s.Checkpoint != "" {
		a.say("%s", one(s.Model != "", ", ", ""))
		a.file(s.Checkpoint)
	}
	if s.SHA256 != "" {
		a.say(" (SHA-256 %s…)", s.SHA256[:min(12, len(s.SHA256))])
	}
	if s.Model != "" || s.Checkpoint != "" {
		a.say(".")
	}
	if s.Upright {
		a.say(" Pictures are turned upright as their files say.")
	}
	a.say(" Drawn by GoINTR %s.", origin.Version())
	return a
}

// Caption is what a reader needs to know of the figure, for the braces of LaTeX's \caption, without a package (Save
// with a name in .tex writes a file to \input). Accents are written as commands; other letters beyond ASCII stand as
// they are for XeLaTeX and LuaLaTeX, and as their number for pdfLaTeX, whose fonts lack them.
func (f *Figure) Caption() string {
	var b strings.Builder
	for _, w := range f.caption() {
		text := latex(w.text)
		if w.as != "" {
			text = "\\" + w.as + "{" + text + "}"
		}
		b.WriteString(text)
	}
	return b.String()
}

// plain is the caption as plain text, on one line.
func (f *Figure) plain() string {
	var b strings.Builder
	for _, w := range f.caption() {
		b.WriteString(printable(w.text))
	}
	return b.String()
}

// printable is s on one line, with what cannot be shown as a space.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u200c' || r == '\u200d' || r == '\u2068' || r == '\u2069' { // joiners, isolates
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func (f *Figure) tex(path string) []byte {
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return fmt.Appendf(nil, "%% \\begin{figure}\\centering\\includegraphics{NAME}\\input{NAME}\\end{figure}, NAME "+
		"being the name of this file without .tex\n\\caption{%s}\n\\label{fig:%s}\n", f.Caption(),
		notLabel.ReplaceAllString(stem, "-"))
}

// notLabel is what \label does not take, or not always.
var notLabel = regexp.MustCompile(`[^a-zA-Z0-9]`)

// What LaTeX has its own words for; they work in every font encoding.
var commands = map[rune]string{
	'\\': `\textbackslash{}`, '{': `\{`, '}': `\}`, '$': `\$`, '&': `\&`, '#': `\#`, '%': `\%`, '_': `\_`,
	'~': `\textasciitilde{}`, '^': `\textasciicircum{}`, '<': `\textless{}`, '>': `\textgreater{}`, '|': `\textbar{}`,
	'"': `\textquotedblright{}`, '`': `\textquoteleft{}`, '\'': `\textquoteright{}`,
	'‘': `\textquoteleft{}`, '’': `\textquoteright{}`, '“': `\textquotedblleft{}`, '”': `\textquotedblright{}`,
	'–': `\textendash{}`, '—': `\textemdash{}`, '…': `\dots{}`, '−': `\ensuremath{-}`, '×': `\ensuremath{\times}`,
	'°': `\ensuremath{^\circ}`,
	'ß': `\ss{}`, 'æ': `\ae{}`, 'Æ': `\AE{}`, 'œ': `\oe{}`, 'Œ': `\OE{}`, 'ø': `\o{}`, 'Ø': `\O{}`, 'ł': `\l{}`,
	'Ł': `\L{}`, 'ı': `\i{}`, '\u00a0': `~`,
	'§': `\S{}`, '©': `\copyright{}`, '¡': `\textexclamdown{}`, '¿': `\textquestiondown{}`,
}

// accents by their combining characters.
var accents = map[rune]string{
	'\u0300': "`", '\u0301': "'", '\u0302': "^", '\u0303': "~", '\u0304': "=", '\u0306': "u", '\u0307': ".",
	'\u0308': `"`, '\u030a': "r", '\u030b': "H", '\u030c': "v", '\u0323': "d", '\u0327': "c", '\u0331': "b",
}

// latex is text that LaTeX sets as it stands.
func latex(s string) string {
	var b strings.Builder
	var beyond []rune // letters in a row that pdfLaTeX's fonts lack
	flush := func() {
		if len(beyond) == 0 {
			return
		}
		var numbers []string
		for _, r := range beyond {
			numbers = append(numbers, fmt.Sprintf("U+%04X", r))
		}
		// Only XeTeX and LuaTeX know \Umathcode.
		fmt.Fprintf(&b, `\ifdefined\Umathcode %s\else[%s]\fi{}`, string(beyond), strings.Join(numbers, " "))
		beyond = nil
	}
	last := rune(0)
	for _, r := range norm.NFC.String(printable(s)) {
		written := ""
		command, known := commands[r]
		switch parts := []rune(norm.NFD.String(string(r))); {
		case known:
			written = command
		case r < unicode.MaxASCII:
			written = string(r)
			if r == '-' && last == '-' || r == ',' && last == ',' {
				written = "{}" + written // no ligature
			}
		case len(parts) == 2 && parts[0] < unicode.MaxASCII && accents[parts[1]] != "":
			base := string(parts[0])
			if base == "i" || base == "j" {
				base = `\` + base
			}
			written = `\` + accents[parts[1]] + "{" + base + "}"
		}
		last = r
		if written == "" {
			beyond = append(beyond, r)
			continue
		}
		flush()
		b.WriteString(written)
	}
	flush()
	return b.String()
}
