package figure

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf16"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/internal/letters"
)

// written are the lines of a page that are drawn as curves, once more as text that is not seen (text rendering mode 3
// of ISO 32000-1, 9.3.6), so that they can be searched for and copied. The font of it is blank: each letter is a glyph
// of it, as wide as it is drawn, that stands for the letter (ToUnicode, 9.10.3).
type written struct {
	content bytes.Buffer
	glyphs  map[blank]int
	order   []blank // the first is glyph 1
}

// blank is a glyph of the unseen font.
type blank struct {
	letter rune
	width  int // thousandths of an em
}

// line adds a line that begins at a point under a transformation to the page.
func (w *written) line(by transformation, f font.Face, at vg.Point, s string) {
	codes := ""
	for _, l := range letters.Letters(f, s) {
		b := blank{l.Rune, int(math.Round(1000 * l.Advance))}
		if w.glyphs[b] == 0 {
			if len(w.order) == math.MaxUint16 {
				break // codes have two bytes
			}
			if w.glyphs == nil {
				w.glyphs = map[blank]int{}
			}
			w.order = append(w.order, b)
			w.glyphs[b] = len(w.order)
		}
		codes += fmt.Sprintf("%04X", w.glyphs[b])
	}
	by = by.translated(at)
	fmt.Fprintf(&w.content, "BT 3 Tr /Unseen %.2f Tf %.4f %.4f %.4f %.4f %.3f %.3f Tm <%s> Tj ET\n",
		f.Font.Size.Points(), by[0], by[1], by[2], by[3], by[4], by[5], codes)
}

// into puts the lines into a document of one page.
func (w *written) into(f *pdfFile) error {
	if len(w.order) == 0 {
		return nil
	}
	next := len(f.objects)
	stream := func(more string, data []byte) int {
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		z.Write(data)
		z.Close()
		return f.add("<</Filter /FlateDecode /Length %d%s>>\nstream\n%s\nendstream", packed.Len(), more, packed.Bytes())
	}
	content := stream("", w.content.Bytes())
	file := stream(fmt.Sprintf(" /Length1 %d", len(blankFont())), blankFont())
	unicode := stream("", w.unicode())
	same := stream("", bytes.Repeat([]byte{0, 1}, len(w.order)+1))
	descriptor := f.add("<</Type /FontDescriptor /FontName /Unseen /Flags 4 /FontBBox [0 -200 1000 800] "+
		"/ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 /FontFile2 %d 0 R>>", file)
	var widths bytes.Buffer
	for _, b := range w.order {
		fmt.Fprintf(&widths, "%d ", b.width)
	}
	glyphs := f.add("<</Type /Font /Subtype /CIDFontType2 /BaseFont /Unseen /CIDSystemInfo <</Registry (Adobe) "+
		"/Ordering (Identity) /Supplement 0>> /FontDescriptor %d 0 R /CIDToGIDMap %d 0 R /W [1 [%s]]>>",
		descriptor, same, widths.Bytes())
	whole := f.add("<</Type /Font /Subtype /Type0 /BaseFont /Unseen /Encoding /Identity-H /DescendantFonts [%d 0 R] "+
		"/ToUnicode %d 0 R>>", glyphs, unicode)

	replaced := 0
	for i := range f.objects[:next] {
		body := &f.objects[i].body
		if at := pdfContents.FindSubmatchIndex(*body); at != nil && bytes.HasPrefix(*body, []byte("<</Type /Page\n")) {
			*body = fmt.Appendf(nil, "%s[%s %d 0 R]%s", (*body)[:at[2]], (*body)[at[2]:at[3]], content, (*body)[at[3]:])
			replaced++
		}
		if before, after, found := bytes.Cut(*body, []byte("/Font <<\n")); found {
			*body = fmt.Appendf(nil, "%s/Font <<\n/Unseen %d 0 R\n%s", before, whole, after)
			replaced++
		}
	}
	if replaced != 2 {
		return fmt.Errorf("the PDF writer made a file without a page")
	}
	return nil
}

// unicode is what each glyph stands for.
func (w *written) unicode() []byte {
	var out bytes.Buffer
	out.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for from := 0; from < len(w.order); from += 100 { // more are not allowed in one list
		part := w.order[from:min(from+100, len(w.order))]
		fmt.Fprintf(&out, "%d beginbfchar\n", len(part))
		for i, b := range part {
			fmt.Fprintf(&out, "<%04X> <", from+i+1)
			for _, unit := range utf16.AppendRune(nil, b.letter) {
				fmt.Fprintf(&out, "%04X", unit)
			}
			out.WriteString(">\n")
		}
		out.WriteString("endbfchar\n")
	}
	out.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return out.Bytes()
}

// blankFont is a TrueType font of two glyphs without outlines (OpenType 1.9, "Organization of an OpenType Font").
func blankFont() []byte {
	put := binary.BigEndian.AppendUint16
	words := func(all ...uint16) (data []byte) {
		for _, word := range all {
			data = put(data, word)
		}
		return data
	}
	const units, glyphs = 1000, 2
	tables := []struct {
		name string
		data []byte
	}{
		{"glyf", words(0)},
		// version, revision, checksum, magic number, flags, units an em, two dates, bounds, style, least size,
		// direction, short offsets of glyphs
		{"head", words(1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, units, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, units, 0, 0, 8, 2,
			0, 0)},
		// version, ascender, descender, gap, greatest width, …, how many widths
		{"hhea", words(1, 0, 800, 0xff38, 0, units, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)},
		{"hmtx", words(units, 0, 0)}, // width and bearing of both, bearing of the second
		{"loca", words(0, 0, 0)},
		{"maxp", words(1, 0, glyphs, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0)},
	}
	font := words(0, 0x0100, uint16(len(tables)), 64, 2, 32)
	font = append(words(1, 0), font[4:]...)
	at := len(font) + 16*len(tables)
	var body []byte
	for _, t := range tables {
		length := len(t.data)
		for len(t.data)%4 != 0 {
			t.data = append(t.data, 0)
		}
		sum := uint32(0)
		for i := 0; i < len(t.data); i += 4 {
			sum += binary.BigEndian.Uint32(t.data[i:])
		}
		font = append(font, t.name...)
		for _, number := range []uint32{sum, uint32(at + len(body)), uint32(length)} {
			font = binary.BigEndian.AppendUint32(font, number)
		}
		body = append(body, t.data...)
	}
	return append(font, body...)
}

// transformation is that of PDF's cm: x' = t[0]x + t[2]y + t[4], y' = t[1]x + t[3]y + t[5].
type transformation [6]float64

func (t transformation) translated(by vg.Point) transformation {
	x, y := by.X.Points(), by.Y.Points()
	t[4], t[5] = t[0]*x+t[2]*y+t[4], t[1]*x+t[3]*y+t[5]
	return t
}

func (t transformation) scaled(x, y float64) transformation {
	return transformation{t[0] * x, t[1] * x, t[2] * y, t[3] * y, t[4], t[5]}
}

func (t transformation) rotated(angle float64) transformation {
	sin, cos := math.Sincos(angle)
	return transformation{t[0]*cos + t[2]*sin, t[1]*cos + t[3]*sin, t[2]*cos - t[0]*sin, t[3]*cos - t[1]*sin,
		t[4], t[5]}
}
