package look

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// templates are the widths that journals ask for in their guides to artwork, and
// that the conferences' LaTeX styles have as \columnwidth and \textwidth.
var templates = map[string]vg.Length{
	// cvpr.sty, also of ICCV: text 6.875 in, 5/16 in between columns
	"cvpr": 3.28125 * vg.Inch, "cvpr-double": 6.875 * vg.Inch,
	"icml": 3.25 * vg.Inch, "icml-double": 6.75 * vg.Inch, // icml.sty: text 6.75 in, 1/4 in between columns
	"neurips": 5.5 * vg.Inch, "iclr": 5.5 * vg.Inch, // one column of 33 picas
	"ieee": 3.5 * vg.Inch, "ieee-double": 7.16 * vg.Inch, // IEEE Author Center, graphics: 21 and 43 picas
	"nature": 89 * vg.Millimeter, "nature-double": 183 * vg.Millimeter, // Nature, guide to final artwork
	// Springer, artwork guidelines, large journals
	"springer": 84 * vg.Millimeter, "springer-double": 174 * vg.Millimeter,
	"lncs":     122 * vg.Millimeter,                                        // llncs.cls: the text
	"elsevier": 90 * vg.Millimeter, "elsevier-double": 190 * vg.Millimeter, // Elsevier, artwork sizing
}

// Widths are the names that Width takes: the single column of a template by its name, both columns with -double.
func Widths() []string { return slices.Sorted(maps.Keys(templates)) }

// Width is the width of a figure by the name of a template ("cvpr", "nature-double"; Widths lists them), or as a number
// with its unit: "3.25in", "89mm", "8.9cm", "252pt" (72 an inch); a bare number is inches. The named ones are those of
// the LaTeX styles and of the publishers' guides to artwork in 2025; a journal's own page has the last word.
func Width(name string) (vg.Length, error) {
	asked := strings.ToLower(strings.TrimSpace(name))
	if width, ok := templates[asked]; ok {
		return width, nil
	}
	unit := vg.Inch
	number := asked
	for suffix, length := range map[string]vg.Length{"in": vg.Inch, "mm": vg.Millimeter, "cm": vg.Centimeter, "pt": 1} {
		if rest, ok := strings.CutSuffix(asked, suffix); ok {
			number, unit = strings.TrimSpace(rest), length
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("no width is named %q: give inches (3.25), a length (89mm), or one of %s", name,
			strings.Join(Widths(), ", "))
	}
	width := vg.Length(v) * unit
	return width, CheckWidth(width)
}

// CheckWidth refuses widths that no figure can have: below 2 and above 60 inches.
func CheckWidth(w vg.Length) error {
	if !(w >= 2*vg.Inch && w <= 60*vg.Inch) {
		return fmt.Errorf("a figure %.3g inches wide is not possible: give 2 to 60 inches", w/vg.Inch)
	}
	return nil
}
