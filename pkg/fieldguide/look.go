package fieldguide

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// diffuse is from which part of a picture on a head is said to look everywhere.
const diffuse = 0.5

// patchCells is the side of a patch in cells, odd so that the peak is in its middle: about a fifth of the feature map's
// shorter side, three at least.
func patchCells(rows, cols int) int { return max(3, min(rows, cols)/5|1) }

// Square is the patch around the peak of a map, in pixels of the original picture: moved inwards where it would leave
// it.
func Square(m attention.Map, width, height int) image.Rectangle {
	cell := max(float64(width)/float64(m.Cols), float64(height)/float64(m.Rows))
	side := max(1, min(int(math.Round(float64(patchCells(m.Rows, m.Cols))*cell)), width, height))
	x, y := m.Peak(width, height)
	left := min(max(int(math.Round(x-float64(side)/2)), 0), width-side)
	top := min(max(int(math.Round(y-float64(side)/2)), 0), height-side)
	return image.Rect(left, top, left+side, top+side)
}

// within is how much of a map's weight lies in a rectangle: cells count by how much of them it covers.
func within(m attention.Map, r image.Rectangle, width, height int) float64 {
	w, h := float64(width)/float64(m.Cols), float64(height)/float64(m.Rows)
	overlap := func(i int, size float64, from, to int) float64 {
		return max(0, min(float64(i+1)*size, float64(to))-max(float64(i)*size, float64(from))) / size
	}
	sum := 0.0
	for row := range m.Rows {
		if high := overlap(row, h, r.Min.Y, r.Max.Y); high > 0 {
			for col := range m.Cols {
				sum += high * overlap(col, w, r.Min.X, r.Max.X) * float64(m.At(row, col))
			}
		}
	}
	return sum
}

// entropy is that of a map, in nats.
func entropy(m attention.Map) float64 {
	sum := 0.0
	for _, v := range m.Values {
		if v > 0 {
			sum -= float64(v) * math.Log(float64(v))
		}
	}
	return sum
}

// A grid knows which part each cell of a picture's feature map is on.
type grid struct {
	rows, cols, width, height int
	parts                     []datasets.Part
}

// on is the visible part that a cell is on: of the boxes that the cell touches the one whose edge is nearest to the
// cell's middle, the smallest of those that the middle lies in; of points the nearest one, if a patch around the cell
// has it in. -1 is none.
func (g grid) on(row, col int) int {
	w, h := float64(g.width)/float64(g.cols), float64(g.height)/float64(g.rows)
	x, y := (float64(col)+0.5)*w, (float64(row)+0.5)*h
	reach := float64(patchCells(g.rows, g.cols)) * max(w, h) / 2
	best, nearest, least := -1, math.Inf(1), math.Inf(1)
	for i, p := range g.parts {
		if !p.Visible {
			continue
		}
		var away, area float64
		if (p.Box == datasets.Box{}) {
			dx, dy := math.Abs(p.X-x), math.Abs(p.Y-y)
			if max(dx, dy) > reach {
				continue
			}
			away = math.Hypot(dx, dy)
		} else {
			dx, dy := max(0, p.Box.X0-x, x-p.Box.X1), max(0, p.Box.Y0-y, y-p.Box.Y1)
			if dx >= w/2 || dy >= h/2 {
				continue
			}
			away, area = math.Hypot(dx, dy), (p.Box.X1-p.Box.X0)*(p.Box.Y1-p.Box.Y0)
		}
		if away < nearest || away == nearest && area < least {
			best, nearest, least = i, away, area
		}
	}
	return best
}

// signature is a patch in 8×8 gray values: enough to see that two files hold the same picture.
type signature [64]uint8

func look(p *picture.Picture, r image.Rectangle) (s signature) {
	for i := range s {
		x0, x1 := r.Min.X+i%8*r.Dx()/8, r.Min.X+(i%8+1)*r.Dx()/8
		y0, y1 := r.Min.Y+i/8*r.Dy()/8, r.Min.Y+(i/8+1)*r.Dy()/8
		sum, n := 0, 0
		for y := y0; y < max(y1, y0+1); y++ {
			for x := x0; x < max(x1, x0+1); x++ {
				rgb := p.Pix[(y*p.Width+x)*3:][:3]
				sum += int(rgb[0]) + int(rgb[1]) + int(rgb[2])
				n += 3
			}
		}
		s[i] = uint8(sum / n)
	}
	return s
}

// same is whether two patches are the same to the eye.
func (s signature) same(other signature) bool {
	const near = 4 // of 255, on average
	sum := 0
	for i := range s {
		sum += max(int(s[i]), int(other[i])) - min(int(s[i]), int(other[i]))
	}
	return sum < near*len(s)
}

// gathered is what is known of a head so far.
type gathered struct {
	entropy, spread, strength float64
	hits                      map[string]int
	patches                   []Patch
}

// species looks at all pictures of a folder.
func (w *work) species(ctx context.Context, folder int, step func()) (*Species, error) {
	class := w.Index[folder]
	sums := make([]float64, w.about.Classes)
	taken := make([]int, w.about.Classes)
	var heads []gathered
	visible, chance := map[string]int{}, map[string]float64{}
	only := w.split.Only(func(i int) bool { return w.split.Class(i) == folder })
	s := &Species{Index: class, Name: w.Names[class], Pictures: only.Len(), LookAlike: -1}
	type held struct {
		*picture.Picture
		turned picture.Orientation
	}
	read := func(_ context.Context, i int) (held, error) {
		p, turned, err := w.about.Read(only.Path(i))
		return held{p, turned}, err
	}
	i := -1
	for photo, err := range parallel.Ahead(ctx, only.Len(), 1, 1, read) {
		if err != nil {
			return nil, err
		}
		i++
		p := photo.Picture
		e, err := w.Explain(ctx, only.Path(i), p)
		if err == nil {
			err = w.fits(e, only.Path(i))
		}
		if err != nil {
			return nil, err
		}
		for k, v := range e.Logits {
			sums[k] += float64(v)
		}
		best := e.Best().Index
		taken[best]++
		if best == class {
			s.Right++
			if heads == nil {
				heads = make([]gathered, e.Heads)
				for h := range heads {
					heads[h].hits = map[string]int{}
				}
			}
			g := grid{e.Rows, e.Cols, p.Width, p.Height, datasets.Turned(w.parts[only.Key(i)], photo.turned, p)}
			w.chance(g, visible, chance)
			for h := range heads {
				if err := w.head(&heads[h], e, h, class, only.Key(i), p, g); err != nil {
					return nil, err
				}
			}
		}
		step()
	}
	w.nearest(s, sums)
	if s.LookAlike >= 0 {
		s.Taken = taken[s.LookAlike]
	}
	for h := range heads {
		s.Heads = append(s.Heads, w.done(&heads[h], h, s, visible, chance))
	}
	return s, nil
}

// fits is an error when an answer is not one of this model.
func (w *work) fits(e *attention.Explanation, path string) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if e.Classes() != w.about.Classes {
		return fmt.Errorf("%s: the model answers for %d classes, but is said to have %d", path, e.Classes(),
			w.about.Classes)
	}
	about := &w.guide.About
	if about.Heads == 0 {
		about.Heads, about.Layer, about.Cells = e.Heads, e.Layers-1, patchCells(e.Rows, e.Cols)
	}
	if about.Heads != e.Heads || about.Layer != e.Layers-1 {
		return fmt.Errorf("%s: the model answers with %d layers of %d heads, and did with %d of %d before", path,
			e.Layers, e.Heads, about.Layer+1, about.Heads)
	}
	return nil
}

// chance counts in which pictures a part is visible, and how much of them it is.
func (w *work) chance(g grid, visible map[string]int, chance map[string]float64) {
	if g.parts == nil {
		return
	}
	seen := map[string]bool{}
	for _, p := range g.parts {
		if name := w.part(p.Name); p.Visible && !seen[name] {
			seen[name] = true
			visible[name]++
		}
	}
	for row := range g.rows {
		for col := range g.cols {
			if on := g.on(row, col); on >= 0 {
				chance[w.part(g.parts[on].Name)] += 1 / float64(g.rows*g.cols)
			}
		}
	}
}

// head adds what a head looked at in a picture.
func (w *work) head(
	t *gathered, e *attention.Explanation, head, class int, key string, p *picture.Picture, g grid,
) error {
	m, err := e.Map(attention.Last, head, class)
	if err != nil {
		return err
	}
	bits := entropy(m)
	t.entropy += bits
	t.spread += math.Exp(bits) / float64(len(m.Values))
	r := Square(m, p.Width, p.Height)
	_, weight := m.Range()
	one := Patch{Image: key, Square: r, Strength: within(m, r, p.Width, p.Height), Weight: float64(weight),
		look: look(p, r)}
	t.strength += one.Strength
	peak := slices.Index(m.Values, weight)
	if on := g.on(peak/m.Cols, peak%m.Cols); on >= 0 {
		one.On = w.part(g.parts[on].Name)
		t.hits[one.On]++
	}
	// Of several that look the same, as of a file that is there twice, the strongest is shown.
	for k, other := range t.patches {
		if other.look.same(one.look) {
			if one.Strength > other.Strength {
				t.patches = slices.Delete(t.patches, k, k+1)
				break
			}
			return nil
		}
	}
	t.patches = append(t.patches, one)
	slices.SortStableFunc(t.patches, func(a, b Patch) int { return cmp.Compare(b.Strength, a.Strength) })
	t.patches = t.patches[:min(len(t.patches), w.guide.About.Patches)]
	return nil
}

// nearest finds the look-alike: the class with pictures here whose mean logit is the highest.
func (w *work) nearest(s *Species, sums []float64) {
	nearer := -1
	for k, sum := range sums {
		if k == s.Index {
			continue
		}
		if nearer < 0 || sum > sums[nearer] {
			nearer = k
		}
		if slices.Contains(w.Index, k) && (s.LookAlike < 0 || sum > sums[s.LookAlike]) {
			s.LookAlike = k
		}
	}
	if s.LookAlike < 0 {
		return
	}
	s.Like = w.Names[s.LookAlike]
	s.Margin = (sums[s.Index] - sums[s.LookAlike]) / float64(s.Pictures)
	if nearer != s.LookAlike {
		s.Nearer = w.Names[nearer]
	}
}

// done is a head when all pictures have been seen.
func (w *work) done(t *gathered, index int, s *Species, visible map[string]int, chance map[string]float64) Head {
	n := float64(s.Right)
	h := Head{Index: index, Entropy: t.entropy / n, Spread: t.spread / n, Strength: t.strength / n, Patches: t.patches}
	h.Diffuse = h.Spread >= diffuse
	for _, part := range w.guide.About.Parts {
		hits, of := t.hits[part], visible[part]
		share := Share{Part: part, Hits: hits, Of: of, Range: stats.Wilson(hits, of)}
		if of > 0 {
			share.Share = 100 * float64(hits) / float64(of)
			share.Chance = 100 * chance[part] / float64(of)
		}
		h.Parts = append(h.Parts, share)
	}
	slices.SortStableFunc(h.Parts, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Range[0], a.Range[0]), cmp.Compare(b.Share, a.Share))
	})
	return h
}

// examples looks again at the pictures that are shown whole, as maps are not kept: two a class.
func (w *work) examples(ctx context.Context, step func()) error {
	g := w.guide
	for i := range g.Species {
		s := &g.Species[i]
		if len(s.Heads) > 0 {
			h, x := &s.Heads[0], &s.Examples
			x.Patch = h.shown()
			maps, err := w.maps(ctx, x.Patch, h.Index, s.Index, max(0, s.LookAlike))
			if err != nil {
				return err
			}
			x.Own, x.Like, x.HasLike = maps[0], maps[1], s.LookAlike >= 0
			if other := g.At(s.LookAlike).Head(h.Index); other != nil {
				x.Beside, x.HasBeside = other.shown(), true
				if maps, err = w.maps(ctx, x.Beside, h.Index, s.LookAlike); err != nil {
					return err
				}
				x.BesideMap = maps[0]
			}
		}
		step()
	}
	return nil
}

// shown is the strongest patch of a head on the part that it is on most often, as far as one of the patches is.
func (h *Head) shown() Patch {
	if top := h.Top(); top != nil {
		if at := slices.IndexFunc(h.Patches, func(p Patch) bool { return p.On == top.Part }); at >= 0 {
			return h.Patches[at]
		}
	}
	return h.Patches[0]
}

// maps are those of a head for classes, in the picture of a patch.
func (w *work) maps(ctx context.Context, p Patch, head int, classes ...int) ([]attention.Map, error) {
	path := filepath.Join(w.split.Root, filepath.FromSlash(p.Image))
	photo, _, err := w.about.Read(path)
	if err != nil {
		return nil, err
	}
	e, err := w.Explain(ctx, path, photo)
	if err != nil {
		return nil, err
	}
	var maps []attention.Map
	for _, class := range classes {
		m, err := e.Map(attention.Last, head, class)
		if err != nil {
			return nil, err
		}
		m.Values = slices.Clone(m.Values)
		maps = append(maps, m)
	}
	return maps, nil
}
