package birds

import (
	"fmt"
	"slices"
	"strings"
)

// A Kind is one of the parts that species differ in.
type Kind int

// The parts, in the order in which they become the telling one.
const (
	Beak Kind = iota
	Breast
	Tail
	Crest
	WingBar
	Feet
	Eye
	Kinds = 7 // how many there are
)

var kindNames = [Kinds]string{"beak", "breast", "tail", "crest", "wing bar", "feet", "eye"}

// String is the name that parts.csv has: "wing bar".
func (k Kind) String() string { return kindNames[k] }

// KindOf is the part with a name, as in parts.csv.
func KindOf(name string) (Kind, error) {
	if k := slices.Index(kindNames[:], name); k >= 0 {
		return Kind(k), nil
	}
	return 0, fmt.Errorf("a bird has no part %q: its parts are %s", name, strings.Join(kindNames[:], ", "))
}

// Each part can look in five ways. In a family, the species with the same coat,
// one of them is the ordinary one; the others make species.
const (
	variants = 5
	pair     = Kinds * 2 * families // species before a part gets a third and fourth variant
	families = 12
)

// MaxSpecies is how many species there are.
const MaxSpecies = 2 * pair

// A Species is how a bird looks. Species of a family have the same coat and, but for one part each, the same parts.
type Species struct {
	Index   int
	Name    string // as in "Dagger-billed Bunting"
	Family  int    // says the coat
	Parts   [Kinds]int
	Telling Kind // the part that looks like this in no other species of the family
}

// At is the species with an index from 0 to MaxSpecies-1; it panics for others.
//
// Species 2i and 2i+1 are look-alikes: they differ in their telling part only. Other species of a family differ in two
// parts, the telling parts of both. The first 14 species are one family.
func At(index int) Species {
	if index < 0 || index >= MaxSpecies {
		panic(fmt.Sprintf("birds.At: there is no species %d: there are %d", index, MaxSpecies))
	}
	s := Species{Index: index, Telling: Kind(index / 2 % Kinds), Family: index / (2 * Kinds) % families}
	for k := range Kinds {
		s.Parts[k] = ordinary(s.Family, Kind(k))
	}
	own := 1 + index%2 + 2*(index/pair)
	s.Parts[s.Telling] = (ordinary(s.Family, s.Telling) + own) % variants
	s.Name = looks[s.Telling][s.Parts[s.Telling]].adjective + " " + coats[s.Family].noun
	return s
}

// ordinary is the variant that most species of a family have: a plain one, but
// for one part in every family after the first.
func ordinary(family int, k Kind) int {
	if family > 0 && int(k) == family%Kinds {
		return 1 + family%(variants-1)
	}
	return 0
}

// First is the first n species; n is from 2 to MaxSpecies.
func First(n int) ([]Species, error) {
	if n < 2 || n > MaxSpecies {
		return nil, fmt.Errorf("there can be 2 to %d species, not %d", MaxSpecies, n)
	}
	list := make([]Species, n)
	for i := range list {
		list[i] = At(i)
	}
	return list, nil
}

// Class is the name of the species' folder, as in "001.Dagger_billed_Bunting":
// folders in name order are species by index.
func (s Species) Class() string {
	return fmt.Sprintf("%03d.%s", s.Index+1, strings.NewReplacer(" ", "_", "-", "_").Replace(s.Name))
}

// Look says how a part looks, as in "long red dagger".
func (s Species) Look(k Kind) string { return looks[k][s.Parts[k]].name }

// Coat says the colours that the species of a family share.
func (s Species) Coat() string { return coats[s.Family].name }

// Differs is the parts by which s can be told from other. Species of two families also differ in their coats.
func (s Species) Differs(other Species) []Kind {
	var kinds []Kind
	for k := range Kinds {
		if s.Parts[k] != other.Parts[k] {
			kinds = append(kinds, Kind(k))
		}
	}
	return kinds
}

// With is s with another species' part: an intervention, no species of its own unless the two are look-alikes.
func (s Species) With(k Kind, other Species) Species {
	s.Parts[k] = other.Parts[k]
	return s
}

// LookAlike is the species among others that s differs from in the fewest parts,
// the first of them; it is of the same family when there is one.
func (s Species) LookAlike(others []Species) Species {
	var nearest Species
	fewest := 1 << 10
	for _, other := range others {
		n := len(s.Differs(other))
		if other.Family != s.Family {
			n += Kinds
		}
		if other.Index != s.Index && n < fewest {
			nearest, fewest = other, n
		}
	}
	return nearest
}
