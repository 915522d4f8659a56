package interpret

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/jpeg"
	"math"
	"path"
	"strings"

	xdraw "golang.org/x/image/draw"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

const (
	// FilePage and NotebookPage are about how many bytes the pictures of a page may
	// have, in a file and inside a notebook.
	FilePage     = 8_000_000
	NotebookPage = 2_500_000

	photoSide   = 480 // pixels, the longer side of a picture in a page
	photoGuess  = 45_000
	mapLevels   = 255
	packedBytes = 1.1 // of a cell, in base64
)

// Page is one page of HTML to look through pictures: every picture with where all
// heads looked, right and wrong apart; one opens to each head for each similar
// class. It needs nothing else, no network and no server, and prints.
//
// Where there are more pictures than fit, it shows some of them, evenly spaced,
// and says so. The zero Page is empty.
type Page struct {
	of     int // pictures of the subject
	most   int // of these fit; 0 when it is not known yet
	share  float64
	seen   int // of the subject
	groups []*group
	data   []pageData
}

// group is pictures below one heading.
type group struct {
	heading string
	right   bool
	subject *Subject
	of      int // with those that do not fit
	cards   []card
}

type card struct {
	place int // in data
	label string
	note  string
	photo string
	size  image.Point
}

// pageData is what the script reads of one picture.
type pageData struct {
	Rows    int         `json:"rows"`
	Cols    int         `json:"cols"`
	Heads   int         `json:"heads"`
	First   int         `json:"first"` // place of the class whose mean of heads the card shows
	Classes []pageClass `json:"classes"`
	Maps    string      `json:"maps"` // packed: see pack
}

type pageClass struct {
	Name        string  `json:"name"`
	Probability float32 `json:"probability"`
	True        bool    `json:"true"`
	Predicted   bool    `json:"predicted"`
}

// Begin says that a subject's pictures come next, so that a page knows how many
// of how many it can show: share is the part of the page's size that they may
// take.
func (g *Page) Begin(s *Subject, share float64) {
	g.of, g.seen, g.most, g.share = s.Pictures.Len(), 0, 0, share
	name := s.Name()
	if s.Taken < 0 {
		g.groups = append(g.groups, &group{heading: "Right", right: true, subject: s}, &group{heading: "Taken for another class", subject: s})
	} else {
		g.groups = append(g.groups, &group{heading: name + " taken for " + attention.Plain(s.Dataset.Names[s.Taken]), subject: s})
	}
}

// Add shows a picture of the subject that was begun.
func (g *Page) Add(p *Picture) error {
	if g.most == 0 {
		each := photoGuess + packedBytes*float64(len(p.Maps)*len(p.Maps[0])*p.Map[0]*p.Map[1])
		g.most = max(1, int(g.share*FilePage/each))
	}
	to := g.groups[len(g.groups)-1]
	if p.Right && to.subject.Taken < 0 {
		to = g.groups[len(g.groups)-2]
	}
	to.of++
	i := g.seen
	g.seen++
	if !chosen(i, g.of, g.most) {
		return nil
	}
	photo, size, err := encodePhoto(p.Photo)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	maps, err := pack(p)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	d := pageData{Rows: p.Map[0], Cols: p.Map[1], Heads: len(p.Maps[0]), First: p.True(), Maps: maps}
	for _, class := range p.Similar {
		d.Classes = append(d.Classes, pageClass{attention.Plain(class.Name), float32(class.Probability), class.Index == p.Class, class.Index == p.Predicted.Index})
	}
	note := percent(p.probability())
	if !p.Right {
		note = fmt.Sprintf("%s, %s; %s %s", attention.Plain(p.Predicted.Name), percent(p.Predicted.Probability), attention.Plain(p.Name), percent(p.probability()))
	}
	to.cards = append(to.cards, card{len(g.data), path.Base(p.Image), note, photo, size})
	g.data = append(g.data, d)
	return nil
}

// probability of the true class.
func (p *Picture) probability() float64 { return p.Similar[p.True()].Probability }

func percent(part float64) string {
	switch {
	case part >= 0.9995:
		return "100 %"
	case part < 0.00005:
		return "< 0.01 %"
	case part < 0.0995:
		return fmt.Sprintf("%.2f %%", 100*part)
	}
	return fmt.Sprintf("%.1f %%", 100*part)
}

// pack is the maps of a picture for the script: the ends of every map [class,
// head], then of all weights [class, head, row, column] how many of 255 steps from
// the lower end they are; gzip, base64.
func pack(p *Picture) (string, error) {
	var ends, steps []byte
	for _, heads := range p.Maps {
		for _, m := range heads {
			from, to := m.Range()
			ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(from))
			ends = binary.LittleEndian.AppendUint32(ends, math.Float32bits(to))
			for _, v := range m.Values {
				step := 0.0
				if to > from {
					step = math.Round(mapLevels * (float64(v) - float64(from)) / (float64(to) - float64(from)))
				}
				steps = append(steps, byte(step))
			}
		}
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(append(ends, steps...)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// encodePhoto is a picture in a size for the page.
func encodePhoto(photo image.Image) (uri string, size image.Point, err error) {
	b := photo.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > photoSide {
		w, h = max(1, (w*photoSide+long/2)/long), max(1, (h*photoSide+long/2)/long)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.CatmullRom.Scale(small, small.Rect, photo, b, xdraw.Src, nil)
	var out bytes.Buffer
	err = jpeg.Encode(&out, small, &jpeg.Options{Quality: 78})
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), image.Pt(w, h), err
}

// fitting is the places of the pictures that fit into so many bytes.
func (g *Page) fitting(size int) map[int]bool {
	sum, n := 0, len(g.data)
	for _, group := range g.groups {
		for _, c := range group.cards {
			sum += len(c.photo) + len(g.data[c.place].Maps)
		}
	}
	fit := map[int]bool{}
	most := n
	if sum > size {
		most = max(1, n*size/sum)
	}
	for i := range n {
		if chosen(i, n, most) {
			fit[i] = true
		}
	}
	return fit
}

// chosen is whether the i-th of n is among most of them that are evenly spaced.
func chosen(i, n, most int) bool { return most >= n || i == 0 || i*most/n != (i-1)*most/n }

// HTML is the page of about so many bytes, with a title and a few sentences
// above; heads may be nil.
func (g *Page) HTML(title, intro string, from Provenance, heads *Heads, size int) ([]byte, error) {
	var body strings.Builder
	e := html.EscapeString
	fit := g.fitting(size)
	total := 0
	for _, group := range g.groups {
		total += group.of
	}
	fmt.Fprintf(&body, "<header>\n<h1>%s</h1>\n<p>%s</p>\n", e(title), e(intro))
	if len(fit) < total {
		fmt.Fprintf(&body, "<p>%d of %d pictures are in this page, evenly spaced in the order of their names; the tables are of all.</p>\n", len(fit), total)
	}
	body.WriteString("</header>\n")
	if heads != nil && len(heads.Parts) > 0 {
		heads.partsHTML(&body)
	}
	body.WriteString(pageControls)
	for i, group := range g.groups {
		if group.of == 0 {
			continue
		}
		fmt.Fprintf(&body, "<section aria-labelledby=\"g%d\">\n<h2 id=\"g%d\">%s <span class=\"count\">%s</span></h2>\n<div class=\"cards\">\n", i, i, e(group.heading), pictures(group.of))
		for _, c := range group.cards {
			if !fit[c.place] {
				continue
			}
			fmt.Fprintf(&body, `<details class="card" data-place="%d"><summary><span class="over" style="aspect-ratio:%d/%d;--aspect:%.3f"><img src="%s" alt="%s" width="%d" height="%d"><canvas></canvas></span><span class="label">%s</span><span class="note">%s</span></summary><div class="inside"></div></details>`+"\n",
				c.place, c.size.X, c.size.Y, float64(c.size.X)/float64(c.size.Y), c.photo, e("Picture "+c.label), c.size.X, c.size.Y, e(c.label), e(c.note))
		}
		body.WriteString("</div>\n</section>\n")
	}
	if heads != nil && heads.Images > 0 {
		heads.steadyHTML(&body)
	}
	fmt.Fprintf(&body, "<footer>%s</footer>\n", e(from.String()))

	maps := map[string]string{}
	for _, name := range figure.Colormaps() {
		table, err := figure.Palette(name)
		if err != nil {
			return nil, err
		}
		var all []byte
		for _, rgb := range table {
			all = append(all, rgb[:]...)
		}
		maps[name] = hex.EncodeToString(all)
	}
	data := make([]*pageData, len(g.data))
	for i := range g.data {
		if fit[i] {
			data[i] = &g.data[i]
		}
	}
	encoded, err := json.Marshal(map[string]any{"pictures": data, "colormaps": maps, "levels": mapLevels, "flatness": attention.Flatness})
	if err != nil {
		return nil, err
	}
	whole := strings.NewReplacer("{{title}}", e(title), "{{css}}", pageCSS, "{{script}}", pageJS, "{{data}}", string(encoded), "{{body}}", body.String()).Replace(pageHTML)
	return []byte(whole), nil
}

func pictures(n int) string {
	if n == 1 {
		return "1 picture"
	}
	return fmt.Sprintf("%d pictures", n)
}

const pageControls = `<form id="look" class="look" aria-label="How maps are shown">
<label>Colours <select id="colours"></select></label>
<label>Opacity <input id="opacity" type="range" min="0" max="100" value="50"></label>
<label><input id="smooth" type="checkbox" checked> smooth between cells</label>
<label><input id="same" type="checkbox"> one scale for all maps of a picture</label>
<button type="button" id="all">Open all</button>
</form>
`

func (h Head) title() string {
	if h.Head < 0 {
		return "Mean of all"
	}
	return fmt.Sprintf("Head %d", h.Head+1)
}

// partsHTML is the table of heads and parts.
func (r *Heads) partsHTML(w *strings.Builder) {
	e := html.EscapeString
	w.WriteString("<section aria-labelledby=\"parts\">\n<h2 id=\"parts\">On which part is each head?</h2>\n")
	fmt.Fprintf(w, "<p class=\"small\">In how many of the pictures that show a part the head’s strongest cell, for the true class, lies on it; below, the 95 %% interval. Bold: more often than a cell chosen by chance, whose share stands below the heads (binomial test, 5 %% shared among the whole table).</p>\n")
	w.WriteString("<div class=\"scroll\"><table class=\"grid\"><thead><tr><th></th>")
	for _, part := range r.Parts {
		fmt.Fprintf(w, "<th scope=\"col\">%s</th>", e(part))
	}
	w.WriteString("</tr></thead><tbody>\n")
	for _, h := range r.Rows {
		fmt.Fprintf(w, "<tr><th scope=\"row\">%s</th>", h.title())
		for _, p := range h.Parts {
			if p.Images == 0 {
				w.WriteString("<td>–</td>")
				continue
			}
			class := ""
			if p.Above {
				class = " class=\"above\""
			}
			fmt.Fprintf(w, "<td%s style=\"--part:%.0f%%\">%.0f %%<small>%.0f–%.0f</small></td>", class, p.Share, p.Share, p.Range[0], p.Range[1])
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("<tr class=\"dim\"><th scope=\"row\">By chance</th>")
	for part := range r.Parts {
		if p := r.Rows[0].Parts[part]; p.Images > 0 {
			fmt.Fprintf(w, "<td>%.0f %%</td>", p.Chance)
		} else {
			w.WriteString("<td>–</td>")
		}
	}
	w.WriteString("</tr>\n<tr class=\"dim\"><th scope=\"row\">Pictures that show it</th>")
	for part := range r.Parts {
		fmt.Fprintf(w, "<td>%d</td>", r.Rows[0].Parts[part].Images)
	}
	w.WriteString("</tr>\n</tbody></table></div>\n</section>\n")
}

// steadyHTML is the table of what each head does, parts or not.
func (r *Heads) steadyHTML(w *strings.Builder) {
	w.WriteString("<section aria-labelledby=\"steady\">\n<h2 id=\"steady\">How steady is each head?</h2>\n<div class=\"scroll\"><table class=\"grid lines\"><thead><tr><th></th>" +
		"<th scope=\"col\">Colour at its peak</th><th scope=\"col\">Half of its weight in</th><th scope=\"col\">Shared with the nearest look-alike</th></tr></thead><tbody>\n")
	for _, h := range r.Rows {
		fmt.Fprintf(w, "<tr><th scope=\"row\">%s</th>", h.title())
		if h.Spread != nil && h.Spread95 != nil {
			fmt.Fprintf(w, "<td>%.0f %%<small>%.0f–%.0f</small></td>", *h.Spread, h.Spread95[0], h.Spread95[1])
		} else {
			w.WriteString("<td>–</td>")
		}
		fmt.Fprintf(w, "<td>%.1f %% of the picture</td>", h.Focus)
		if h.Shared != nil {
			fmt.Fprintf(w, "<td>%.0f %%</td>", *h.Shared)
		} else {
			w.WriteString("<td>–</td>")
		}
		w.WriteString("</tr>\n")
	}
	fmt.Fprintf(w, "</tbody></table></div>\n<p class=\"small\">Over %s, for the true class. Colour at its peak: how much the colours there differ from picture to picture, in percent of what they would "+
		"at places chosen by chance; 0 is always the same colour, 100 is no steadier than chance; with its 95 %% interval. It knows colour only. "+
		"Half of its weight: 50 %% would be looking everywhere alike. Shared: how much of the weight lies on the cells where the same head looks for the class that looks most alike.</p>\n</section>\n", pictures(r.Images))
}
