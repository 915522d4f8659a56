package fieldguide

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/pkg/attention"
)

// Top is the part that the head is on most often, by the lower end of the interval; nil where no parts are known or it
// is on none of them ever.
func (h *Head) Top() *Share {
	if len(h.Parts) == 0 || h.Parts[0].Hits == 0 {
		return nil
	}
	return &h.Parts[0]
}

// Share is how often the head is on a part; nil where that is not known.
func (h *Head) Share(part string) *Share {
	if at := slices.IndexFunc(h.Parts, func(s Share) bool { return s.Part == part }); at >= 0 {
		return &h.Parts[at]
	}
	return nil
}

// telling is by how much a head is told from one that looks about: how far the lower end of its most frequent part's
// interval is above chance, in percent, or, where no parts are known, how much of its attention lies in the patch. A
// head whose part differs from that of the look-alike can only be said to when it keeps to a part, so this has those,
// too.
func (h *Head) telling() float64 {
	switch top := h.Top(); {
	case top != nil:
		return top.Range[0] - top.Chance
	case len(h.Parts) > 0:
		return -100
	}
	return 100 * h.Strength
}

// Steady is whether a head keeps to a part: it is there in half of the pictures or more, and not because one of so many
// heads was bound to be on one of so many parts.
func (h *Head) Steady(heads int) bool {
	top := h.Top()
	return top != nil && !h.Diffuse && top.Share >= 50 && top.beyond(heads*len(h.Parts))
}

// surely is the probability below which something is taken to be no chance.
const surely = 0.05

// beyond is whether a part is hit more often than chance would once in twenty guides, were it chosen among a number of
// shares (Bonferroni).
func (s *Share) beyond(among int) bool {
	return stats.AtLeast(s.Hits, s.Of, s.Chance/100)*float64(among) < surely
}

// order puts the most telling heads first, diffuse ones last, and says of every class what it comes to.
func (g *Guide) order() {
	for _, s := range slices.Concat(g.Species, g.LookAlikes) {
		slices.SortStableFunc(s.Heads, func(a, b Head) int {
			switch {
			case a.Diffuse && !b.Diffuse:
				return 1
			case b.Diffuse && !a.Diffuse:
				return -1
			}
			return cmp.Or(cmp.Compare(b.telling(), a.telling()), cmp.Compare(a.Spread, b.Spread))
		})
	}
	for i := range g.Species {
		g.Species[i].Says = g.says(&g.Species[i])
	}
}

// says is a class in one sentence.
func (g *Guide) says(s *Species) string {
	if len(s.Heads) == 0 {
		return fmt.Sprintf("Of its %s none was recognised, so there is nothing to show.", Counted(s.Pictures))
	}
	like := attention.Plain(s.Like)
	h := &s.Heads[0]
	top := h.Top()
	switch {
	case h.Diffuse:
		return fmt.Sprintf("No head looks anywhere in particular: "+
			"the closest, head %d, is spread over %s of the picture.", h.Index+1, Percent(100*h.Spread))
	case len(h.Parts) == 0:
		return fmt.Sprintf("Head %d looks the closest: %s of its attention lies in the patch around its peak.",
			h.Index+1, Percent(100*h.Strength))
	case top == nil:
		return "No head is on any of the known parts in any picture."
	case !h.Steady(g.About.Heads):
		why := "No head keeps to one part"
		if top.Share >= 50 {
			why = "Too few pictures to say"
		}
		return fmt.Sprintf("%s: head %d is most often on the %s, in %s.", why, h.Index+1, top.Part, often(top))
	case s.LookAlike < 0:
		return fmt.Sprintf("Known by the %s: head %d, in %s.", top.Part, h.Index+1, often(top))
	}
	text := fmt.Sprintf("Told from the %s by the %s: head %d, in %s.", like, top.Part, h.Index+1, often(top))
	if other := g.At(s.LookAlike).Head(h.Index); other != nil {
		switch there := other.Top(); {
		case other.Diffuse:
			text += fmt.Sprintf(" For the %s this head looks everywhere.", like)
		case other.Steady(g.About.Heads) && there.Part == top.Part:
			text += fmt.Sprintf(" For the %s it looks there, too (%s).", like, Percent(there.Share))
		case other.Steady(g.About.Heads):
			text += fmt.Sprintf(" For the %s it looks at the %s (%s).", like, there.Part, Percent(there.Share))
		}
	}
	return text
}

// often is "92 % of pictures (95 %: 75 to 98 %)".
func often(s *Share) string {
	return fmt.Sprintf("%s of pictures (95 %%: %.0f to %.0f %%)", Percent(s.Share), math.Floor(s.Range[0]),
		math.Ceil(s.Range[1]))
}

// Percent is a share in words.
func Percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

// Counted is a number of pictures in words.
func Counted(n int) string {
	if n == 1 {
		return "one picture"
	}
	return fmt.Sprintf("%d pictures", n)
}
