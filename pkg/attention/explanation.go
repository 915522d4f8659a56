// Package attention holds what INTR says of a picture as plain numbers: the
// ranked classes and, for every class, where each head of each decoder layer
// looked (the cross-attention of Paul et al., ICLR 2024, section 3.2).
//
// Nothing here needs a compute engine: a map is a slice of float32, kept raw.
// What a figure does to show it (smoothing, min-max) happens in pkg/figure.
package attention

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Last names the last decoder layer, the one the published figures show.
const Last = -1

// Explanation is the answer of a model for one picture.
type Explanation struct {
	Image         string    // where the picture came from; may be empty
	Width, Height int       // of the original picture, in pixels
	InputWidth    int       // of the picture as the network saw it, in pixels
	InputHeight   int       //
	Names         []string  // class names by index; nil when none were given
	Logits        []float32 // [classes]
	Layers, Heads int       // of the decoder
	Rows, Cols    int       // of the feature map, padding cut off
	Weights       []float32 // [Layers, Heads, classes, Rows, Cols], each map sums to 1
}

// Class is one line of a ranking.
type Class struct {
	Index       int     `json:"class"`
	Name        string  `json:"name"`
	Logit       float32 `json:"logit"`
	Probability float64 `json:"probability"` // softmax over all classes
}

// Classes is the number of classes.
func (e *Explanation) Classes() int { return len(e.Logits) }

// Name of a class: as given, or "class 12" where no names were given.
func (e *Explanation) Name(class int) string { return Name(e.Names, class) }

// Name of a class in a list of names, or "class 12" where the list lacks it.
func Name(names []string, class int) string {
	if class >= 0 && class < len(names) {
		return names[class]
	}
	return "class " + strconv.Itoa(class)
}

// Top is the n best classes, best first; ties go to the lower index.
// n < 0 or more than there are gives all of them.
func (e *Explanation) Top(n int) []Class { return Rank(e.Logits, e.Names, n) }

// Best is the predicted class; its Index is -1 when there are no logits.
func (e *Explanation) Best() Class {
	if len(e.Logits) == 0 {
		return Class{Index: -1}
	}
	return e.Top(1)[0]
}

// Rank orders logits, best first, and returns the first n (all when n < 0).
func Rank(logits []float32, names []string, n int) []Class {
	largest := math.Inf(-1)
	for _, l := range logits {
		largest = math.Max(largest, float64(l))
	}
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) - largest)
	}
	ranked := make([]Class, len(logits))
	for i, l := range logits {
		ranked[i] = Class{i, Name(names, i), l, math.Exp(float64(l)-largest) / sum}
	}
	sort.SliceStable(ranked, func(a, b int) bool { return ranked[a].Logit > ranked[b].Logit })
	if n < 0 || n > len(ranked) {
		n = len(ranked)
	}
	return ranked[:n]
}

// Find is Find for the classes of this explanation.
func (e *Explanation) Find(class string) (int, error) { return Find(class, e.Names, e.Classes()) }

// Find is the index of a class given by name (as listed, or as people write
// it: "Indigo Bunting" finds "014.Indigo_Bunting") or by its number from 0,
// among a number of classes, whose names may be missing. It is an error where several have that name.
func Find(class string, names []string, classes int) (int, error) {
	if i, err := strconv.Atoi(strings.TrimSpace(class)); err == nil {
		if i < 0 || i >= classes {
			return 0, fmt.Errorf("class %d does not exist: this model has classes 0 to %d", i, classes-1)
		}
		return i, nil
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("no class can be found by the name %q: this model came without class names (give a "+
			"class file, or a number from 0 to %d)", class, classes-1)
	}
	for _, as := range []func(string) string{strings.Clone, Plain, Fold} { // the closest first
		var found []int
		for i, name := range names {
			if as(name) == as(class) {
				found = append(found, i)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return 0, fmt.Errorf("%d classes are named %q (%s): give the number of one", len(found), class,
				strings.Trim(fmt.Sprint(found[:min(len(found), 10)]), "[]"))
		}
	}
	return 0, fmt.Errorf("no class is named %q", class)
}

// Plain is a class name as people write it: "014.Indigo_Bunting", numbered as in CUB-200-2011, becomes "Indigo
// Bunting". Numbers of another kind ("1 Series", "2.0 TDI") and blanks at its ends are parts of the name.
func Plain(name string) string {
	digits, rest, found := strings.Cut(name, ".")
	if found && digits != "" && strings.Trim(digits, "0123456789") == "" {
		first, _ := utf8.DecodeRuneInString(rest)
		if rest != "" && !unicode.IsDigit(first) && !unicode.IsSpace(first) {
			name = rest
		}
	}
	return strings.ReplaceAll(name, "_", " ")
}

// Fold is a name without what people and file systems may write either way: two that fold to the same name the same
// class.
func Fold(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToLower(norm.NFC.String(Plain(name))), "-", " "))
}

// Map is where one head of one decoder layer looked for a class. Layers and
// heads count from 0; layer Last is the last one. The values share memory with
// the explanation.
func (e *Explanation) Map(layer, head, class int) (Map, error) {
	if layer == Last {
		layer = e.Layers - 1
	}
	switch {
	case layer < 0 || layer >= e.Layers:
		return Map{}, fmt.Errorf("decoder layer %d does not exist: this model has layers 0 to %d", layer, e.Layers-1)
	case head < 0 || head >= e.Heads:
		return Map{}, fmt.Errorf("head %d does not exist: this model has heads 0 to %d", head, e.Heads-1)
	case class < 0 || class >= e.Classes():
		return Map{}, fmt.Errorf("class %d does not exist: this model has classes 0 to %d", class, e.Classes()-1)
	}
	n := e.Rows * e.Cols
	at := ((layer*e.Heads+head)*e.Classes() + class) * n
	return Map{e.Rows, e.Cols, e.Weights[at : at+n : at+n]}, nil
}

// Average is the mean of all heads of one decoder layer for a class.
func (e *Explanation) Average(layer, class int) (Map, error) {
	sum := make([]float64, e.Rows*e.Cols)
	for head := range e.Heads {
		m, err := e.Map(layer, head, class)
		if err != nil {
			return Map{}, err
		}
		for i, v := range m.Values {
			sum[i] += float64(v)
		}
	}
	mean := make([]float32, len(sum))
	for i, v := range sum {
		mean[i] = float32(v / float64(e.Heads))
	}
	return Map{e.Rows, e.Cols, mean}, nil
}
