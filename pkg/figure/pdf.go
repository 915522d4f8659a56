package figure

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/origin"
)

// PDF is the figure as one page of its own size, with its font inside.
func (f *Figure) PDF() ([]byte, error) {
	return asPDF(f.width, f.height, f.plain(), f.draw)
}

// One at a time: the order of a document's parts is a setting of all documents.
var pdfs sync.Mutex

// asPDF draws a page. words are about it, for the document's properties.
func asPDF(width, height vg.Length, words string, draw func(vg.Canvas) error) ([]byte, error) {
	pdfs.Lock()
	fpdf.SetDefaultCatalogSort(true)
	fpdf.SetDefaultCreationDate(time.Unix(0, 0)) // gonum lets nobody set it later; it is replaced below
	canvas := vgpdf.New(width, height)
	fpdf.SetDefaultCatalogSort(false)
	fpdf.SetDefaultCreationDate(time.Time{})
	pdfs.Unlock()
	c := &pdfCanvas{Canvas: canvas, by: []transformation{{1, 0, 0, 1, 0, 0}}}
	if err := draw(c); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	return settled(out.Bytes(), words, &c.curves)
}

// pdfCanvas mends what gonum's PDF canvas does not do.
type pdfCanvas struct {
	*vgpdf.Canvas
	by     []transformation // the last is in force; of what is drawn to the page
	curves written
}

func (c *pdfCanvas) in(t transformation) { c.by[len(c.by)-1] = t }

func (c *pdfCanvas) now() transformation { return c.by[len(c.by)-1] }

// Push is of vg.Canvas, as are the others.
func (c *pdfCanvas) Push() { c.Canvas.Push(); c.by = append(c.by, c.now()) }

// Pop undoes what was changed since Push.
func (c *pdfCanvas) Pop() { c.Canvas.Pop(); c.by = c.by[:len(c.by)-1] }

// Translate moves the origin.
func (c *pdfCanvas) Translate(to vg.Point) { c.Canvas.Translate(to); c.in(c.now().translated(to)) }

// Scale makes all that follows larger.
func (c *pdfCanvas) Scale(x, y float64) { c.Canvas.Scale(x, y); c.in(c.now().scaled(x, y)) }

// Rotate turns all that follows to the left, by radians.
func (c *pdfCanvas) Rotate(angle float64) { c.Canvas.Rotate(angle); c.in(c.now().rotated(angle)) }

// DrawImage turns a picture upright: the canvas has its first row at the bottom.
func (c *pdfCanvas) DrawImage(at vg.Rectangle, img image.Image) {
	c.Push()
	c.Translate(vg.Point{Y: at.Min.Y + at.Max.Y})
	c.Scale(1, -1)
	c.Canvas.DrawImage(at, img)
	c.Pop()
}

// FillString draws the letters as curves, and writes them as text that is not seen, where the canvas would garble them:
// it writes code page 1252 and takes UTF-8 for that.
func (c *pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	for i := range len(s) {
		if s[i] >= 0x7f {
			if f.Font.Size > 0 {
				letters.Draw(c, f, at, s)
				c.curves.line(c.now(), f, at, s)
			}
			return
		}
	}
	c.Canvas.FillString(f, at, s)
}

var (
	pdfObject   = regexp.MustCompile(`^(\d+) 0 obj\n`)
	pdfImage    = regexp.MustCompile(`(?m)^/I[0-9a-f]+ (\d+) 0 R$`)
	pdfContents = regexp.MustCompile(`/Contents (\d+ 0 R)>>`)
	pdfRoot     = regexp.MustCompile(`/Root (\d+) 0 R`)
	pdfInfo     = regexp.MustCompile(`/Info (\d+) 0 R`)
	pdfStart    = regexp.MustCompile(`startxref\n(\d+)\n`)
)

// pdfObj is one object of a document.
type pdfObj struct {
	number, from int
	body         []byte // what follows "obj"
}

// pdfFile is a document taken apart.
type pdfFile struct {
	head       []byte // before the first object
	objects    []pdfObj
	root, info string // numbers of objects
}

// parsePDF takes apart what the writer of PDF makes.
func parsePDF(data []byte) (*pdfFile, error) {
	damaged := func(what string) error { return fmt.Errorf("the PDF writer made a file without %s", what) }
	at := pdfStart.FindSubmatch(data)
	if at == nil {
		return nil, damaged("startxref")
	}
	xref, _ := strconv.Atoi(string(at[1]))
	if xref > len(data) || !bytes.HasPrefix(data[xref:], []byte("xref\n0 ")) {
		return nil, damaged("xref")
	}
	trailer := data[xref:]
	root, info := pdfRoot.FindSubmatch(trailer), pdfInfo.FindSubmatch(trailer)
	if root == nil || info == nil {
		return nil, damaged("a trailer")
	}
	f := &pdfFile{root: string(root[1]), info: string(info[1])}
	table := bytes.Split(trailer, []byte("\n"))
	count, _ := strconv.Atoi(string(bytes.TrimPrefix(table[1], []byte("0 "))))
	for number := 1; number < count; number++ {
		from, err := strconv.Atoi(string(bytes.Fields(table[2+number])[0]))
		if err != nil || from > xref {
			return nil, damaged("offsets")
		}
		f.objects = append(f.objects, pdfObj{number: number, from: from})
	}
	slices.SortFunc(f.objects, func(a, b pdfObj) int { return cmp.Compare(a.from, b.from) })
	end := xref
	for i, o := range slices.Backward(f.objects) {
		whole := data[o.from:end]
		head := pdfObject.FindIndex(whole)
		if head == nil {
			return nil, damaged("objects")
		}
		f.objects[i].body, end = whole[head[1]:], o.from
	}
	f.head = data[:end]
	return f, nil
}

// settled puts a document's pictures, which its writer orders by chance, into the order of their content, and writes
// its properties: words about it and what made it, without a date. Lines that were drawn as curves are added as text.
func settled(data []byte, words string, curves *written) ([]byte, error) {
	f, err := parsePDF(data)
	if err != nil {
		return nil, err
	}
	if err := curves.into(f); err != nil {
		return nil, err
	}
	var images, numbers []int
	for i, o := range f.objects {
		if bytes.HasPrefix(o.body, []byte("<</Type /XObject\n/Subtype /Image")) {
			images, numbers = append(images, i), append(numbers, o.number)
		}
	}
	slices.SortFunc(images, func(a, b int) int { return bytes.Compare(f.objects[a].body, f.objects[b].body) })
	renamed := map[int]int{}
	for k, i := range images {
		renamed[f.objects[i].number] = numbers[k]
		f.objects[i].number = numbers[k]
	}
	for i, o := range f.objects {
		switch {
		case strconv.Itoa(o.number) == f.info:
			f.objects[i].body = fmt.Appendf(nil, "<<\n/Producer %s\n/Subject %s\n>>\nendobj\n",
				pdfString("GoINTR "+origin.Version()), pdfString(words))
		case bytes.Contains(o.body, []byte("/XObject <<")):
			f.objects[i].body = pdfImage.ReplaceAllFunc(o.body, func(line []byte) []byte {
				name, rest, _ := bytes.Cut(line, []byte(" "))
				old, _ := strconv.Atoi(string(bytes.Fields(rest)[0]))
				return fmt.Appendf(nil, "%s %d 0 R", name, renamed[old])
			})
		}
	}
	return f.bytes(), nil
}

// add is the number of one more object.
func (f *pdfFile) add(format string, args ...any) int {
	number := len(f.objects) + 1
	f.objects = append(f.objects, pdfObj{number: number, body: fmt.Appendf(nil, format+"\nendobj\n", args...)})
	return number
}

// bytes is the document, its objects by number.
func (f *pdfFile) bytes() []byte {
	slices.SortFunc(f.objects, func(a, b pdfObj) int { return cmp.Compare(a.number, b.number) })
	out := bytes.NewBuffer(slices.Clone(f.head))
	var offsets []int
	for _, o := range f.objects {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(out, "%d 0 obj\n%s", o.number, o.body)
	}
	start, count := out.Len(), len(offsets)+1
	fmt.Fprintf(out, "xref\n0 %d\n0000000000 65535 f \n", count)
	for _, offset := range offsets {
		fmt.Fprintf(out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(out, "trailer\n<<\n/Size %d\n/Root %s 0 R\n/Info %s 0 R\n>>\nstartxref\n%d\n%%%%EOF\n", count, f.root,
		f.info, start)
	return out.Bytes()
}

// pdfString is text as PDF has it: UTF-16 in hexadecimal.
func pdfString(s string) []byte {
	out := []byte("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		out = fmt.Appendf(out, "%04X", unit)
	}
	return append(out, '>')
}
