package fieldguide

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
)

// WriteCSV writes the table: a line for each part of each head of each class; one a head where no parts are known, one
// for a class of which nothing was recognised. Classes and heads count from 0, place from 1; shares, intervals and
// chance are percent, entropy nats, digests their first twelve digits.
func (g *Guide) WriteCSV(w io.Writer) error {
	short := func(digest string) string { return digest[:min(12, len(digest))] }
	number := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	share := func(s *Share) []string {
		if s == nil {
			return make([]string, 5)
		}
		return []string{strconv.Itoa(s.Hits), strconv.Itoa(s.Of), number(s.Share, 2), number(s.Range[0], 2),
			number(s.Range[1], 2)}
	}
	rows := [][]string{{"class", "name", "pictures", "right", "look_alike", "look_alike_name", "taken_for_it", "margin",
		"head", "place", "diffuse", "entropy", "spread", "strength",
		"part", "hits", "of", "share", "low", "high", "chance",
		"look_alike_hits", "look_alike_of", "look_alike_share", "look_alike_low", "look_alike_high",
		"checkpoint_sha256", "dataset_digest"}}
	add := func(parts ...[]string) {
		rows = append(rows, append(slices.Concat(parts...), short(g.About.Digest), short(g.About.DatasetDigest)))
	}
	for i := range g.Species {
		s := &g.Species[i]
		class := []string{strconv.Itoa(s.Index), s.Name, strconv.Itoa(s.Pictures), strconv.Itoa(s.Right),
			"", "", "", ""}
		if s.LookAlike >= 0 {
			copy(class[4:], []string{strconv.Itoa(s.LookAlike), s.Like, strconv.Itoa(s.Taken), number(s.Margin, 4)})
		}
		if len(s.Heads) == 0 {
			add(class, make([]string, 6), make([]string, 12))
		}
		for k := range s.Heads {
			h := &s.Heads[k]
			head := []string{strconv.Itoa(h.Index), strconv.Itoa(k + 1), strconv.FormatBool(h.Diffuse),
				number(h.Entropy, 4), number(h.Spread, 4), number(h.Strength, 4)}
			if len(h.Parts) == 0 {
				add(class, head, make([]string, 12))
			}
			other := g.At(s.LookAlike).Head(h.Index)
			for p := range h.Parts {
				one := &h.Parts[p]
				var beside *Share
				if other != nil {
					beside = other.Share(one.Part)
				}
				add(class, head, []string{one.Part}, share(one), []string{number(one.Chance, 2)}, share(beside))
			}
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}
