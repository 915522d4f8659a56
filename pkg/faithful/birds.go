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

// FunnyBirds' numbers (evaluation_protocols.py and explainer_wrapper.py of
// github.com/visinf/funnybirds-framework).
const (
	thresholds               = 80 // of a part's importance, evenly spread
	lowThreshold, topPercent = 0.01, 0.50
	unimportant              = 0.05 // of the logit
)

// backdrops is how many shapes of the background are taken away, one at a time:
// those that show most.
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
	r       *runner
	options birds.Options
	species birds.Species
	scene   birds.Scene
	full    *picture.Picture // as drawn
	input   *picture.Picture // as the network gets it
	logits  []float32
	class   int
	answers map[kinds][]float32 // by the parts that were taken away
}

// protocol is what the protocol gives of one picture and method. By threshold
// where there is one.
type protocol struct {
	single                                float64 // Spearman
	preserved, deleted, sufficient, quiet [thresholds]float64
}

func (b *bird) draw(species birds.Species, scene birds.Scene) *picture.Picture {
	p, _ := birds.Draw(species, scene, b.options.Size)
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

// importance is the share of a map's weight on the pixels of a mask, each of which
// has its part of the weight of the cell that its centre lies in.
func importance(m attention.Map, at []int, width, height int) float64 {
	sum := 0.0
	for _, v := range m.Values {
		sum += max(float64(v), 0)
	}
	cell := func(i int) (row, col int) {
		return (2*(i/width) + 1) * m.Rows / (2 * height), (2*(i%width) + 1) * m.Cols / (2 * width)
	}
	inside, pixels := 0.0, float64(width*height)/float64(m.Rows*m.Cols) // of a cell
	for _, i := range at {
		row, col := cell(i)
		weight := max(float64(m.At(row, col)), 0)
		if sum == 0 {
			weight = 1
		}
		inside += weight / pixels
	}
	if sum == 0 {
		return inside / float64(m.Rows*m.Cols)
	}
	return inside / sum
}

// without answers the picture without sets of parts, those that were not asked
// before.
func (b *bird) without(ctx context.Context, sets ...kinds) error {
	var asked []kinds
	var inputs []*picture.Picture
	for _, s := range sets {
		if _, known := b.answers[s]; known || slices.Contains(asked, s) {
			continue
		}
		asked = append(asked, s)
		inputs = append(inputs, b.draw(b.species, b.scene.Without(s.list()...)).Eval(b.r.m.EvalSize))
	}
	if len(asked) == 0 {
		return nil
	}
	all, err := b.r.m.Logits(ctx, inputs)
	if err != nil {
		return err
	}
	for i, s := range asked {
		b.answers[s] = all[i]
	}
	return nil
}

// study goes through the protocol for every method's map of the true class.
// background is how many shapes behind the bird were taken away, and matter how
// many of these made the logit fall by 5 %.
func (b *bird) study(ctx context.Context, maps map[Method]attention.Map) (out map[Method]*protocol, background, matter int, err error) {
	// What each part, and each shape of the background, shows of itself.
	var masks [][]int
	var shown kinds
	for k := range birds.Kinds {
		at := mask(b.full, b.draw(b.species, b.scene.Without(birds.Kind(k))))
		masks = append(masks, at)
		if len(at) > 0 {
			shown |= 1 << k
		}
	}
	bare, bareMasks := b.bare()
	singles := []kinds{0}
	for _, k := range shown.list() {
		singles = append(singles, 1<<k)
	}
	if err := b.without(ctx, singles...); err != nil {
		return nil, 0, 0, err
	}
	var bareLogits [][]float32
	if len(bare) > 0 {
		if bareLogits, err = b.r.m.Logits(ctx, bare); err != nil {
			return nil, 0, 0, err
		}
	}
	score := float64(b.logits[b.class])
	matters := func(logits []float32) (drop float64, yes bool) {
		drop = score - float64(logits[b.class])
		return drop, drop >= unimportant*math.Abs(score) && drop > 0
	}
	var drops []float64
	var idle kinds // parts without which the logit does not fall
	for _, k := range shown.list() {
		drop, yes := matters(b.answers[1<<k])
		drops = append(drops, drop)
		if !yes {
			idle |= 1 << k
		}
	}
	idleBackdrop := make([]bool, len(bare))
	for i := range bare {
		_, yes := matters(bareLogits[i])
		idleBackdrop[i] = !yes
		if yes {
			matter++
		}
	}
	// Which parts each map calls important, at every threshold.
	important := map[Method]*[thresholds]kinds{}
	weights := map[Method][]float64{}
	var sets []kinds
	for method, m := range maps {
		important[method] = &[thresholds]kinds{}
		for k := range birds.Kinds {
			weights[method] = append(weights[method], importance(m, masks[k], b.full.Width, b.full.Height))
		}
		for t := range thresholds {
			for _, k := range shown.list() {
				if weights[method][k] > threshold(t) {
					important[method][t] |= 1 << k
				}
			}
			sets = append(sets, important[method][t], allKinds&^important[method][t])
		}
	}
	if err := b.without(ctx, sets...); err != nil {
		return nil, 0, 0, err
	}
	predicted := best(b.logits)
	out = map[Method]*protocol{}
	for method, m := range maps {
		p := &protocol{}
		out[method] = p
		var shownWeights []float64
		for _, k := range shown.list() {
			shownWeights = append(shownWeights, weights[method][k])
		}
		p.single = Spearman(shownWeights, drops)
		var onBackdrop []float64
		for _, at := range bareMasks {
			onBackdrop = append(onBackdrop, importance(m, at, b.full.Width, b.full.Height))
		}
		for t := range thresholds {
			set := important[method][t]
			p.preserved[t] = count(best(b.answers[allKinds&^set]) == predicted)
			p.deleted[t] = count(best(b.answers[set]) != predicted)
			p.sufficient[t] = b.sufficient(set)
			all, marked := len(idle.list()), len((idle & set).list())
			for i, yes := range idleBackdrop {
				if yes {
					all++
					if onBackdrop[i] > threshold(t) {
						marked++
					}
				}
			}
			if all == 0 {
				p.quiet[t] = math.NaN()
			} else {
				p.quiet[t] = 1 - float64(marked)/float64(all)
			}
		}
	}
	return out, len(bare), matter, nil
}

func count(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func best(logits []float32) int {
	at := 0
	for i, v := range logits {
		if v > logits[at] {
			at = i
		}
	}
	return at
}

// bare is the picture without shapes of its background, those that show most, and
// the pixels of each.
func (b *bird) bare() (inputs []*picture.Picture, masks [][]int) {
	type shape struct {
		p  *picture.Picture
		at []int
	}
	var all []shape
	for i := range b.scene.Backdrop() {
		p := b.draw(b.species, b.scene.WithoutBackdrop(i))
		if at := mask(b.full, p); len(at) > 0 {
			all = append(all, shape{p, at})
		}
	}
	slices.SortStableFunc(all, func(a, b shape) int { return len(b.at) - len(a.at) })
	for _, s := range all[:min(backdrops, len(all))] {
		inputs = append(inputs, s.p.Eval(b.r.m.EvalSize))
		masks = append(masks, s.at)
	}
	return inputs, masks
}

// sufficient is FunnyBirds' controlled synthetic data check of one picture: how
// much of a smallest set of parts that tells the species from all others is among
// the important ones; of several such sets the best. It is NaN where the model is
// wrong, or no set tells it (a species of other families is told by its coat).
func (b *bird) sufficient(important kinds) float64 {
	if best(b.logits) != b.class {
		return math.NaN()
	}
	most := math.NaN()
	for _, set := range b.r.minimal[b.species.Index] {
		share := float64(len((set & important).list())) / float64(len(set.list()))
		if !(most >= share) {
			most = share
		}
	}
	return most
}

// minimalSets are, by species, the sets of parts whose looks no other species
// shares, and of which no part can be spared.
func minimalSets(species []birds.Species) map[int][]kinds {
	out := map[int][]kinds{}
	for _, s := range species {
		tells := func(set kinds) bool {
			return !slices.ContainsFunc(species, func(other birds.Species) bool {
				return other.Index != s.Index && !slices.ContainsFunc(set.list(), func(k birds.Kind) bool { return other.Parts[k] != s.Parts[k] })
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

// sensitive is FunnyBirds' target sensitivity of one picture: drawn with the
// telling parts of two other classes, does the map of each class weigh its own part
// more than the map of the other class does? 0, ½ or 1. The map is empty where
// there are no such classes, a part is hidden, or the model does not go by the
// parts itself.
func (b *bird) sensitive(ctx context.Context, methods []Method, heads []int, key uint64) (map[Method]float64, error) {
	var candidates []birds.Species
	for i := range b.options.Classes {
		s := birds.At(i)
		if s.Family == b.species.Family && s.Telling != b.species.Telling {
			candidates = append(candidates, s)
		}
	}
	random := rand.New(rand.NewPCG(key, 0x7473))
	random.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	if len(candidates) == 0 {
		return nil, nil
	}
	one := candidates[0]
	at := slices.IndexFunc(candidates, func(s birds.Species) bool { return s.Telling != one.Telling })
	if at < 0 {
		return nil, nil
	}
	two := candidates[at]
	pair := []birds.Species{one, two}
	mixed := b.species.With(one.Telling, one).With(two.Telling, two)
	full := b.draw(mixed, b.scene)
	inputs := []*picture.Picture{full.Eval(b.r.m.EvalSize)}
	var masks [][]int
	for _, s := range pair {
		p := b.draw(mixed, b.scene.Without(s.Telling))
		masks = append(masks, mask(full, p))
		inputs = append(inputs, p.Eval(b.r.m.EvalSize))
	}
	if len(masks[0]) == 0 || len(masks[1]) == 0 {
		return nil, nil
	}
	all, err := b.r.m.Logits(ctx, inputs)
	if err != nil {
		return nil, err
	}
	for i, s := range pair {
		own, other := all[1+i][s.Index], all[2-i][s.Index]
		if !(own < other) { // the class loses more by the other's part
			return nil, nil
		}
	}
	e, err := b.r.m.Explain(ctx, "a bird of three species", inputs[0])
	if err != nil {
		return nil, err
	}
	weights := map[Method][2][2]float64{} // [class][part]
	for i, s := range pair {
		maps, err := b.r.m.maps(ctx, methods, e, inputs[0], s.Index, heads, key)
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
