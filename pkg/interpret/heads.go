package interpret

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// Head is what one head does over many pictures, for their true class.
type Head struct {
	Head   int `json:"head"`   // from 0; -1 is the mean of all heads
	Images int `json:"images"` //
	Flat   int `json:"flat"`   // of these, maps that show nothing (attention.Map.Flat): they have no peak
	// Focus is the percent of the picture that has half of the weight, mean: 50 where a head looks everywhere.
	Focus float64 `json:"focus"`
	// Shared is how much of the weight lies where the same head also looks for the class that looks most alike, in
	// percent, mean: 100 where it looks for both in the same way. Null where no other class was looked at.
	Shared *float64 `json:"shared"`
	// Spread is how much the colours (CIELAB, means over a cell) at the head's peak differ from picture to picture, in
	// percent of what they would at a place chosen by chance in each: 0 where the head is always on one colour. Null
	// below 5 pictures with a peak. Spread95 is its interval, by bootstrap over pictures.
	Spread   *float64    `json:"spread"`
	Spread95 *[2]float64 `json:"spread_95"`
	Parts    []OnPart    `json:"parts"` // in the order of Heads.Parts
}

// OnPart is how often a head's peak lies on a part.
//
// It does when the strongest cell of the map touches the part's box or, where a part is known as a point, when the
// point lies in that cell or one beside it.
type OnPart struct {
	Part   string     `json:"part"`
	Images int        `json:"images"` // on which the part is visible
	Hits   int        `json:"hits"`
	Share  float64    `json:"share"`    // percent of Images
	Range  [2]float64 `json:"share_95"` // Wilson's interval
	Chance float64    `json:"chance"`   // percent that a cell chosen by chance would hit, mean
	// Above is whether this is more often than chance: binomial test, 5 % shared among all heads and parts
	// (Bonferroni).
	Above bool `json:"above_chance"`
}

// level of the tests of a whole table.
const level = 0.05

// Heads is what every head does over many pictures.
type Heads struct {
	Images int      `json:"images"`
	Parts  []string `json:"parts"` // none where they are not known
	Rows   []Head   `json:"heads"` // by head, then the mean of all
}

// HeadTally counts, for Heads, picture by picture. It keeps some 200 bytes of each.
type HeadTally struct {
	heads []oneHead
	parts []string
	seen  map[string]int
	n     int
	cells []lab // of a place chosen by chance in each picture: the mean colour …
	vary  []float64
}

type oneHead struct {
	flat, shared   int
	focus, overlap float64
	peaks          []lab
	of             []int // the picture of each peak
	parts          []partTally
}

type partTally struct {
	images, hits int
	chance       float64 // sum over the images
}

// lab is a colour, CIELAB with white D65.
type lab [3]float64

// Add counts a picture.
func (t *HeadTally) Add(p *Picture) {
	truth := p.True()
	heads := append(slices.Clone(p.Maps[truth]), p.Averages[truth])
	if t.heads == nil {
		t.heads, t.seen = make([]oneHead, len(heads)), map[string]int{}
	}
	var rivals []attention.Map // of the class that looks most alike
	if len(p.Similar) > 1 {
		other := 0
		if truth == 0 {
			other = 1
		}
		rivals = append(slices.Clone(p.Maps[other]), p.Averages[other])
	}
	colours := cellColours(p.Photo, p.Map[0], p.Map[1])
	mean, vary := spread(colours)
	t.cells, t.vary = append(t.cells, mean), append(t.vary, vary)
	on := t.cellsOn(p)
	for head, m := range heads {
		h := &t.heads[head]
		h.focus += focus(m)
		if rivals != nil {
			h.shared++
			h.overlap += overlap(m, rivals[head])
		}
		peak := -1
		if m.Flat() {
			h.flat++
		} else {
			_, highest := m.Range()
			peak = slices.Index(m.Values, highest)
			h.peaks, h.of = append(h.peaks, colours[peak]), append(h.of, t.n)
		}
		for len(h.parts) < len(t.parts) {
			h.parts = append(h.parts, partTally{})
		}
		for part, cells := range on {
			p := &h.parts[part]
			p.images++
			p.chance += float64(len(cells)) / float64(len(m.Values))
			if slices.Contains(cells, peak) {
				p.hits++
			}
		}
	}
	t.n++
}

// cellsOn is which cells count as on each visible part, by its place in t.parts.
func (t *HeadTally) cellsOn(p *Picture) map[int][]int {
	on := map[int][]int{}
	for _, part := range p.Parts {
		at, known := t.seen[part.Name]
		if !known {
			at = len(t.parts)
			t.seen[part.Name], t.parts = at, append(t.parts, part.Name)
		}
		if part.Visible {
			if cells := cellsOf(part, p.Photo.Width, p.Photo.Height, p.Map[0], p.Map[1]); len(cells) > 0 {
				on[at] = cells
			}
		}
	}
	return on
}

// cellsOf is the cells that touch a part's box, or those around its point.
func cellsOf(part datasets.Part, width, height, rows, cols int) (cells []int) {
	w, h := float64(width)/float64(cols), float64(height)/float64(rows)
	box := part.Box
	if box == (datasets.Box{}) {
		if part.X < 0 || part.Y < 0 || part.X >= float64(width) || part.Y >= float64(height) {
			return nil
		}
		col, row := math.Floor(part.X/w), math.Floor(part.Y/h)
		// Half a cell short of the second neighbours.
		box = datasets.Box{X0: (col - 0.5) * w, Y0: (row - 0.5) * h, X1: (col + 1.5) * w, Y1: (row + 1.5) * h}
	}
	for row := range rows {
		for col := range cols {
			x, y := float64(col)*w, float64(row)*h
			if x < box.X1 && x+w > box.X0 && y < box.Y1 && y+h > box.Y0 {
				cells = append(cells, row*cols+col)
			}
		}
	}
	return cells
}

// focus is the least share of the cells, in percent, that has half of the weight; of the last cell needed only the part
// that is needed.
func focus(m attention.Map) float64 {
	values := slices.Clone(m.Values)
	slices.Sort(values)
	total := 0.0
	for _, v := range values {
		total += float64(v)
	}
	sum, cells := 0.0, 0.0
	for _, v := range slices.Backward(values) {
		if sum+float64(v) >= total/2 {
			cells += (total/2 - sum) / float64(v)
			break
		}
		sum += float64(v)
		cells++
	}
	return 100 * cells / float64(len(values))
}

// overlap is how much of two maps lies on the same cells, in percent.
func overlap(a, b attention.Map) float64 {
	sum := 0.0
	for i, v := range a.Values {
		sum += float64(min(v, b.Values[i]))
	}
	return 100 * sum
}

// cellColours is the mean colour of the picture under each cell of a map.
func cellColours(p *picture.Picture, rows, cols int) []lab {
	all := make([]lab, 0, rows*cols)
	for row := range rows {
		y0, y1 := row*p.Height/rows, max((row+1)*p.Height/rows, row*p.Height/rows+1)
		for col := range cols {
			x0, x1 := col*p.Width/cols, max((col+1)*p.Width/cols, col*p.Width/cols+1)
			var sum [3]float64
			for y := y0; y < y1; y++ {
				line := p.Pix[3*(y*p.Width+x0) : 3*(y*p.Width+x1)]
				for i := 0; i < len(line); i += 3 {
					for k := range 3 {
						sum[k] += linear[line[i+k]]
					}
				}
			}
			n := float64((y1 - y0) * (x1 - x0))
			all = append(all, toLab(sum[0]/n, sum[1]/n, sum[2]/n))
		}
	}
	return all
}

// linear is the light of each level of sRGB.
var linear = func() (table [256]float64) {
	for i := range table {
		v := float64(i) / 255
		if v <= 0.04045 {
			table[i] = v / 12.92
		} else {
			table[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return table
}()

func toLab(r, g, b float64) lab {
	f := func(t float64) float64 {
		const d = 6.0 / 29
		if t > d*d*d {
			return math.Cbrt(t)
		}
		return t/(3*d*d) + 4.0/29
	}
	x := f((0.4124564*r + 0.3575761*g + 0.1804375*b) / 0.95047)
	y := f(0.2126729*r + 0.7151522*g + 0.0721750*b)
	z := f((0.0193339*r + 0.1191920*g + 0.9503041*b) / 1.08883)
	return lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// spread is the mean of colours and the mean squared distance from it.
func spread(colours []lab) (mean lab, vary float64) {
	for _, c := range colours {
		for k := range 3 {
			mean[k] += c[k] / float64(len(colours))
		}
	}
	for _, c := range colours {
		vary += distance2(c, mean) / float64(len(colours))
	}
	return mean, vary
}

func distance2(a, b lab) (sum float64) {
	for k := range 3 {
		sum += (a[k] - b[k]) * (a[k] - b[k])
	}
	return sum
}

const (
	fewest    = 5    // peaks that tell a spread
	resamples = 1000 // of the bootstrap
)

// spreadOf is how much colours at peaks differ, in percent of what those of a cell chosen by chance in each of the same
// pictures would, in expectation. pick gives the n peaks that count; unbiased is what makes a variance of them one
// without bias.
func (t *HeadTally) spreadOf(h *oneHead, n int, unbiased float64, pick func(i int) int) float64 {
	peaks, means, within := make([]lab, n), make([]lab, n), 0.0
	for i := range n {
		j := pick(i)
		peaks[i], means[i] = h.peaks[j], t.cells[h.of[j]]
		within += t.vary[h.of[j]] / float64(n)
	}
	_, atPeaks := spread(peaks)
	_, between := spread(means)
	return 100 * atPeaks * unbiased / (within + between*unbiased)
}

// Report is what was counted. It is empty when nothing was.
func (t *HeadTally) Report() *Heads {
	r := &Heads{Images: t.n, Parts: append([]string{}, t.parts...)}
	for head := range t.heads {
		h := &t.heads[head]
		row := Head{Head: head, Images: t.n, Flat: h.flat, Focus: h.focus / float64(t.n), Parts: []OnPart{}}
		if head == len(t.heads)-1 {
			row.Head = -1
		}
		if h.shared > 0 {
			mean := h.overlap / float64(h.shared)
			row.Shared = &mean
		}
		if n := len(h.peaks); n >= fewest {
			if share := t.spreadOf(h, n, float64(n)/float64(n-1), func(i int) int { return i }); share-share == 0 {
				row.Spread, row.Spread95 = &share, t.bootstrap(h)
			}
		}
		for part, name := range t.parts {
			on := OnPart{Part: name, Range: stats.Wilson(0, 0)}
			if part < len(h.parts) && h.parts[part].images > 0 {
				on.Images, on.Hits = h.parts[part].images, h.parts[part].hits
				n := float64(on.Images)
				on.Share, on.Chance = 100*float64(on.Hits)/n, 100*h.parts[part].chance/n
				on.Range = stats.Wilson(on.Hits, on.Images)
				on.Above = stats.AtLeast(on.Hits, on.Images, on.Chance/100) < level/float64(len(t.heads)*len(t.parts))
			}
			row.Parts = append(row.Parts, on)
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

func (t *HeadTally) bootstrap(h *oneHead) *[2]float64 {
	n := len(h.peaks)
	unbiased := float64(n) / float64(n-1) // once for the sample, once for drawing from it
	all := stats.Bootstrap(resamples, n, 1, 1, func(drawn []int) float64 {
		return t.spreadOf(h, n, unbiased*unbiased, func(i int) int { return drawn[i] })
	})
	if len(all) == 0 {
		return nil
	}
	at := func(part float64) float64 { return all[min(len(all)-1, int(part*float64(len(all))))] }
	return &[2]float64{at(0.025), at(0.975)}
}

// WriteCSV writes a line a head and part, or a line a head without parts: head ("mean" is that of all), part, images,
// hits, then in percent share, low_95, high_95 and chance, above_chance (OnPart.Above), and the head's focus, shared,
// spread, spread_low_95, spread_high_95 and flat. The file appears whole or not at all.
func (r *Heads) WriteCSV(path string) error {
	rows := [][]string{{"head", "part", "images", "hits", "share", "low_95", "high_95", "chance", "above_chance",
		"focus", "shared", "spread", "spread_low_95", "spread_high_95", "flat"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	maybe := func(v *float64) string {
		if v == nil {
			return ""
		}
		return number(*v)
	}
	for _, h := range r.Rows {
		name := strconv.Itoa(h.Head)
		if h.Head < 0 {
			name = "mean"
		}
		low, high := "", ""
		if h.Spread95 != nil {
			low, high = number(h.Spread95[0]), number(h.Spread95[1])
		}
		tail := []string{number(h.Focus), maybe(h.Shared), maybe(h.Spread), low, high, strconv.Itoa(h.Flat)}
		if len(h.Parts) == 0 {
			rows = append(rows, append([]string{name, "", strconv.Itoa(h.Images), "", "", "", "", "", ""}, tail...))
		}
		for _, p := range h.Parts {
			rows = append(rows, append([]string{name, p.Part, strconv.Itoa(p.Images), strconv.Itoa(p.Hits),
				number(p.Share), number(p.Range[0]), number(p.Range[1]), number(p.Chance),
				strconv.FormatBool(p.Above)}, tail...))
		}
	}
	return wholefile.CSV(path, rows)
}

// Looked is over how many pictures the heads were looked at, in words.
func (r *Heads) Looked() string { return Counted(r.Images) }

// Title is what the page calls the head.
func (h Head) Title() string {
	if h.Head < 0 {
		return "Mean of all"
	}
	return fmt.Sprintf("Head %d", h.Head+1)
}

// Colour is how much the colours at the peak differ, with the interval, in words; nil where that is not known.
func (h Head) Colour() []string {
	if h.Spread == nil || h.Spread95 == nil {
		return nil
	}
	return []string{fmt.Sprintf("%.0f %%", *h.Spread), fmt.Sprintf("%.0f–%.0f", h.Spread95[0], h.Spread95[1])}
}

// Common is how much of the weight is shared with the nearest look-alike, in words.
func (h Head) Common() string {
	if h.Shared == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", *h.Shared)
}
