package faithful

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// FunnyBirds' numbers (evaluation_protocols.py and explainer_wrapper.py of github.com/visinf/funnybirds-framework).
const (
	thresholds               = 80 // of a part's importance, evenly spread
	lowThreshold, topPercent = 0.01, 0.50
	unimportant              = 0.05 // of the logit
)

// backdrops is how many shapes of the background are taken away, one at a time: those that show most.
const backdrops = 8

func threshold(i int) float64 {
	return lowThreshold + (topPercent-lowThreshold)*float64(i)/(thresholds-1)
}

// kinds is a set of a bird's parts.
type kinds uint16

func (s kinds) list() (all []birds.Kind) {
	for k := range birds.Kinds {
		if s&(1<<k) != 0 {
			all = append(all, birds.Kind(k))
		}
	}
	return all
}

const allKinds = kinds(1)<<birds.Kinds - 1

// bird is one picture under FunnyBirds' protocol.
type bird struct {
	*runner
	*shot
	species birds.Species
	scene   birds.Scene
	full    *picture.Picture // as drawn
	logits  []float32
	answers map[kinds][]float32 // by the parts that were taken away

	masks [][]int   // by part: the pixels that change without it
	shown kinds     // parts of which some do
	drops []float64 // of the logit without each of them
	idle  kinds     // parts without which it does not fall

	behind []backdrop
}

// backdrop is a shape of the background.
type backdrop struct {
	without *picture.Picture
	at      []int
	idle    bool
}

// protocol is what the protocol gives of one picture and method. By threshold where there is one.
type protocol struct {
	single                                float64 // Spearman
	preserved, deleted, sufficient, quiet [thresholds]float64
}

func (b *bird) draw(species birds.Species, scene birds.Scene) *picture.Picture {
	p, _ := birds.Draw(species, scene, b.drawn.Size)
	return p
}

// mask is the pixels that change.
func mask(a, b *picture.Picture) (at []int) {
	for i := range a.Width * a.Height {
		if a.Pix[3*i] != b.Pix[3*i] || a.Pix[3*i+1] != b.Pix[3*i+1] || a.Pix[3*i+2] != b.Pix[3*i+2] {
			at = append(at, i)
		}
	}
	return at
}

// importance is the share of a map's weight on the pixels of a mask, each of which has its part of the weight of the
// cell that its centre lies in.
func importance(m attention.Map, at []int, width, height int) float64 {
	sum := 0.0
	for _, v := range m.Values {
		sum += max(float64(v), 0)
	}
	if sum == 0 {
		return float64(len(at)) / float64(width*height)
	}
	inside, pixels := 0.0, float64(width*height)/float64(m.Rows*m.Cols) // of a cell
	for _, i := range at {
		row, col := (2*(i/width)+1)*m.Rows/(2*height), (2*(i%width)+1)*m.Cols/(2*width)
		inside += max(float64(m.At(row, col)), 0) / pixels
	}
	return inside / sum
}

// without answers the picture without sets of parts, those that were not asked before.
func (b *bird) without(ctx context.Context, sets ...kinds) error {
	var asked []kinds
	var inputs []*picture.Picture
	for _, s := range sets {
		if _, known := b.answers[s]; !known {
			b.answers[s], asked = nil, append(asked, s)
			inputs = append(inputs, b.draw(b.species, b.scene.Without(s.list()...)).Eval(b.about.EvalSize))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	all, err := b.m.Logits(ctx, inputs)
	if err != nil {
		return err
	}
	for i, s := range asked {
		b.answers[s] = all[i]
	}
	return nil
}

// funny goes through FunnyBirds' protocol with a drawn bird.
func (r *runner) funny(ctx context.Context, p *shot, e *attention.Explanation) error {
	species, scene, err := r.drawn.Find(p.key)
	if err != nil {
		r.mismatch++
		return nil
	}
	b := &bird{runner: r, shot: p, species: species, scene: scene, logits: e.Logits,
		answers: map[kinds][]float32{0: e.Logits}}
	b.full = b.draw(species, scene)
	if !slices.Equal(b.full.Pix, p.photo.Pix) {
		r.mismatch++
		return nil
	}
	if err := b.look(ctx); err != nil {
		return err
	}
	var idle []float64
	for _, shape := range b.behind {
		idle = append(idle, count(shape.idle))
	}
	p.background, _ = mean(idle)
	if p.protocol, err = b.study(ctx); err != nil {
		return err
	}
	p.sensitive, err = b.sensitivity(ctx)
	return err
}

// look finds what each part, and each shape of the background, shows of itself, and what the model makes of the picture
// without it.
func (b *bird) look(ctx context.Context) error {
	singles := []kinds{0}
	for k := range birds.Kinds {
		at := mask(b.full, b.draw(b.species, b.scene.Without(birds.Kind(k))))
		b.masks = append(b.masks, at)
		if len(at) > 0 {
			b.shown |= 1 << k
			singles = append(singles, 1<<k)
		}
	}
	if err := b.without(ctx, singles...); err != nil {
		return err
	}
	score := float64(b.logits[b.class])
	matters := func(drop float64) bool { return drop >= unimportant*math.Abs(score) && drop > 0 }
	for _, k := range b.shown.list() {
		drop := score - float64(b.answers[1<<k][b.class])
		b.drops = append(b.drops, drop)
		if !matters(drop) {
			b.idle |= 1 << k
		}
	}
	b.behind = b.backdrops()
	if len(b.behind) == 0 {
		return nil
	}
	var inputs []*picture.Picture
	for _, shape := range b.behind {
		inputs = append(inputs, shape.without.Eval(b.about.EvalSize))
	}
	all, err := b.m.Logits(ctx, inputs)
	if err != nil {
		return err
	}
	for i := range b.behind {
		b.behind[i].idle = !matters(score - float64(all[i][b.class]))
	}
	return nil
}

// study goes through the protocol for every method's map of the true class.
func (b *bird) study(ctx context.Context) (map[Method]*protocol, error) {
	weights := map[Method][]float64{}
	important := map[Method]*[thresholds]kinds{}
	var sets []kinds
	for method, m := range b.maps {
		for _, at := range b.masks {
			weights[method] = append(weights[method], importance(m, at, b.full.Width, b.full.Height))
		}
		important[method] = &[thresholds]kinds{}
		for t := range thresholds {
			set := &important[method][t]
			for _, k := range b.shown.list() {
				if weights[method][k] > threshold(t) {
					*set |= 1 << k
				}
			}
			sets = append(sets, *set, allKinds&^*set)
		}
	}
	if err := b.without(ctx, sets...); err != nil {
		return nil, err
	}
	out := map[Method]*protocol{}
	for method, m := range b.maps {
		p := &protocol{}
		var ofShown, ofBackdrops []float64
		for _, k := range b.shown.list() {
			ofShown = append(ofShown, weights[method][k])
		}
		for _, shape := range b.behind {
			ofBackdrops = append(ofBackdrops, importance(m, shape.at, b.full.Width, b.full.Height))
		}
		p.single = Spearman(ofShown, b.drops)
		for t, set := range important[method] {
			p.preserved[t] = count(best(b.answers[allKinds&^set]) == best(b.logits))
			p.deleted[t] = count(best(b.answers[set]) != best(b.logits))
			p.sufficient[t] = b.sufficient(set)
			p.quiet[t] = b.quiet(set, ofBackdrops, threshold(t))
		}
		out[method] = p
	}
	return out, nil
}

// quiet is how many of the parts and shapes that do not matter are not called important; NaN where all matter.
func (b *bird) quiet(important kinds, ofBackdrops []float64, above float64) float64 {
	all, marked := len(b.idle.list()), len((b.idle & important).list())
	for i, shape := range b.behind {
		if shape.idle {
			all++
			if ofBackdrops[i] > above {
				marked++
			}
		}
	}
	if all == 0 {
		return math.NaN()
	}
	return 1 - float64(marked)/float64(all)
}

func count(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func best(logits []float32) int { return slices.Index(logits, slices.Max(logits)) }

// backdrops are the shapes of the background, at most some: those that show most.
func (b *bird) backdrops() (all []backdrop) {
	for i := range b.scene.Backdrop() {
		p := b.draw(b.species, b.scene.WithoutBackdrop(i))
		if at := mask(b.full, p); len(at) > 0 {
			all = append(all, backdrop{without: p, at: at})
		}
	}
	slices.SortStableFunc(all, func(a, b backdrop) int { return len(b.at) - len(a.at) })
	return all[:min(backdrops, len(all))]
}

// sufficient is FunnyBirds' controlled synthetic data check of one picture: how much of a smallest set of parts that
// tells the species from all others is among the important ones; of several such sets the best. It is NaN where the
// model is wrong, or no set tells it (a species of other families is told by its coat).
func (b *bird) sufficient(important kinds) float64 {
	if best(b.logits) != b.class {
		return math.NaN()
	}
	most := math.NaN()
	for _, set := range b.minimal[b.species.Index] {
		share := float64(len((set & important).list())) / float64(len(set.list()))
		if !(most >= share) {
			most = share
		}
	}
	return most
}

// minimalSets are, by species, the sets of parts whose looks no other species shares, and of which no part can be
// spared.
func minimalSets(species []birds.Species) map[int][]kinds {
	out := map[int][]kinds{}
	for _, s := range species {
		tells := func(set kinds) bool {
			return !slices.ContainsFunc(species, func(other birds.Species) bool {
				return other.Index != s.Index && !slices.ContainsFunc(set.list(),
					func(k birds.Kind) bool { return other.Parts[k] != s.Parts[k] })
			})
		}
		for set := kinds(1); set <= allKinds; set++ {
			if !tells(set) {
				continue
			}
			if !slices.ContainsFunc(set.list(), func(k birds.Kind) bool { return tells(set &^ (1 << k)) }) {
				out[s.Index] = append(out[s.Index], set)
			}
		}
	}
	return out
}

// pair are two classes of the same family, by chance, that are told by other parts than the bird's and each other's;
// nil where there are none.
func (b *bird) pair() []birds.Species {
	var candidates []birds.Species
	for i := range b.drawn.Classes {
		s := birds.At(i)
		if s.Family == b.species.Family && s.Telling != b.species.Telling {
			candidates = append(candidates, s)
		}
	}
	random := rand.New(rand.NewPCG(b.seed, 0x7473))
	random.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	for _, s := range candidates {
		if s.Telling != candidates[0].Telling {
			return []birds.Species{candidates[0], s}
		}
	}
	return nil
}

// sensitivity is FunnyBirds' target sensitivity of one picture: drawn with the telling parts of two other classes, does
// the map of each class weigh its own part more than the map of the other class does? 0, ½ or 1. The map is empty where
// there are no such classes, a part is hidden, or the model does not go by the parts itself.
func (b *bird) sensitivity(ctx context.Context) (map[Method]float64, error) {
	pair := b.pair()
	if pair == nil {
		return nil, nil
	}
	one, two := pair[0], pair[1]
	mixed := b.species.With(one.Telling, one).With(two.Telling, two)
	full := b.draw(mixed, b.scene)
	inputs := []*picture.Picture{full.Eval(b.about.EvalSize)}
	var masks [][]int
	for _, s := range pair {
		p := b.draw(mixed, b.scene.Without(s.Telling))
		masks = append(masks, mask(full, p))
		inputs = append(inputs, p.Eval(b.about.EvalSize))
	}
	if len(masks[0]) == 0 || len(masks[1]) == 0 {
		return nil, nil
	}
	all, err := b.m.Logits(ctx, inputs)
	if err != nil {
		return nil, err
	}
	for i, s := range pair {
		own, other := all[1+i][s.Index], all[2-i][s.Index]
		if !(own < other) { // the class loses more by the other's part
			return nil, nil
		}
	}
	e, err := b.m.Explain(ctx, "a bird of three species", full)
	if err != nil {
		return nil, err
	}
	weights := map[Method][2][2]float64{} // [class][part]
	for i, s := range pair {
		maps, err := b.mapsOf(ctx, b.m, e, inputs[0], s.Index, b.seed)
		if err != nil {
			return nil, err
		}
		for method, m := range maps {
			if m.Check() != nil {
				continue
			}
			w := weights[method]
			for part := range 2 {
				w[i][part] = importance(m, masks[part], full.Width, full.Height)
			}
			weights[method] = w
		}
	}
	out := map[Method]float64{}
	for method, w := range weights {
		out[method] = (count(w[0][0] > w[1][0]) + count(w[1][1] > w[0][1])) / 2
	}
	return out, nil
}

// chooseThresholds takes each method's threshold as FunnyBirds does: the one with the greatest sum of completeness (the
// mean of its three checks) and distractibility.
func (r *runner) chooseThresholds() {
	r.important = map[Method]int{}
	meanOf := func(m Method, of func(*protocol) float64) float64 {
		var values []float64
		for _, p := range r.shots {
			if c := p.protocol[m]; c != nil {
				values = append(values, of(c))
			}
		}
		v, n := mean(values)
		if n == 0 {
			return 0
		}
		return v
	}
	for _, m := range r.methods {
		most := math.Inf(-1)
		for t := range thresholds {
			v := meanOf(m, func(c *protocol) float64 { return c.sufficient[t] })/3 +
				meanOf(m, func(c *protocol) float64 { return c.preserved[t] })/3 +
				meanOf(m, func(c *protocol) float64 { return c.deleted[t] })/3 +
				meanOf(m, func(c *protocol) float64 { return c.quiet[t] })
			if v > most {
				most, r.important[m] = v, t
			}
		}
		r.report.ImportantAbove = append(r.report.ImportantAbove, Above{m, threshold(r.important[m])})
	}
}
