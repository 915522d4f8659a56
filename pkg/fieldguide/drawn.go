package fieldguide

import (
	"slices"

	"github.com/gointr/gointr/datasets/birds"
)

// Drawn is how a guide does on drawn birds, of which it is known in what they differ.
type Drawn struct {
	Of      int `json:"of"`      // classes
	Telling int `json:"telling"` // classes whose first head is most often on the part that tells it from its family
	Shown   int `json:"shown"`   // the same, or on another part in which it differs from its look-alike
}

// Judge counts for how many of the guide's classes it shows what was drawn different: nobody told the model, and the
// guide does not know either. ok is false where the classes are not those of package birds.
func (g *Guide) Judge() (d Drawn, ok bool) {
	if g.About.Classes > birds.MaxSpecies {
		return d, false
	}
	for i := range g.Species {
		s := &g.Species[i]
		species := birds.At(s.Index)
		if s.Name != species.Class() {
			return Drawn{}, false
		}
		d.Of++
		if len(s.Heads) == 0 || s.Heads[0].Top() == nil {
			continue
		}
		kind, err := birds.KindOf(s.Heads[0].Top().Part)
		if err != nil {
			return Drawn{}, false
		}
		switch {
		case kind == species.Telling:
			d.Telling++
			d.Shown++
		case s.LookAlike >= 0 && slices.Contains(species.Differs(birds.At(s.LookAlike)), kind):
			d.Shown++
		}
	}
	return d, d.Of > 0
}
