// Package fieldguide tells, for every class of a dataset, what each head of a model's last decoder layer looks for: the
// patches it attends to most in the pictures of the class that the model got right, beside those of the class that it
// finds nearest, and how often it looks at which part. It is an HTML page, plates for papers, and the numbers.
//
//	g, err := fieldguide.Make(ctx, model, "datasets/birds", fieldguide.Options{}, nil)
//	err = book.Save(ctx, g, "guide.html")
//
// Package book draws it.
package fieldguide

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/origin"
)

// Options are choices for Make. The zero value is good.
type Options struct {
	Split   string   // the dataset's folder that is looked at; "" is val, pictures unseen in training
	Classes []string // names or numbers of the classes to have in the guide; nil is all of the dataset
	Patches int      // shown of each head, 1 to 12; 0 is 5
	ByOrder bool     // takes the folders in their order for the model's first classes, whatever their names
}

const (
	usualPatches = 5
	mostPatches  = 12
)

// Progress is told how far the work is; doing is "reading" (are all files pictures?), then "looking".
type Progress func(doing string, done, of int)

// Guide is what a model looks for, class by class.
type Guide struct {
	About   About     `json:"about"`
	Species []Species `json:"classes"` // those asked for, by index

	// LookAlikes are those that were not asked for.
	LookAlikes []Species    `json:"-"`
	From       origin.Model `json:"-"`
	Root       string       `json:"-"` // where the pictures are: the folder of the dataset
}

// About says where the numbers of a guide come from.
type About struct {
	Version       string   `json:"version"` // of GoINTR
	Checkpoint    string   `json:"checkpoint"`
	Digest        string   `json:"checkpoint_sha256"`
	Upright       bool     `json:"upright,omitempty"` // pictures were turned as their files say
	Dataset       string   `json:"dataset"`
	Split         string   `json:"split"`
	DatasetDigest string   `json:"dataset_digest"`   // datasets.Split.Digest
	ClassesBy     string   `json:"classes_by"`       // what told the folders' classes: datasets.Labels.By
	PartsDigest   string   `json:"parts_sha256"`     // of parts.csv; "" where there is none
	Classes       int      `json:"model_classes"`    // that the model knows
	Layer         int      `json:"layer"`            // of the decoder, from 0: the last one
	Heads         int      `json:"heads"`            //
	Patches       int      `json:"patches"`          // shown of each head, at most
	Cells         int      `json:"patch_cells"`      // side of a patch, in cells of the first picture's feature map
	Parts         []string `json:"parts"`            // that are known, in the order of their names; null where none are
	Points        bool     `json:"parts_are_points"` // whether a part is known as a point, not as a box
	Sided         bool     `json:"sides_are_one"`    // whether left and right parts are counted as one
	Diffuse       float64  `json:"diffuse_spread"`   // from which Head.Spread a head is said to be diffuse
}

// Species is one class.
type Species struct {
	Index     int     `json:"class"`
	Name      string  `json:"name"`
	Pictures  int     `json:"pictures"`   // of the split
	Right     int     `json:"right"`      // of those, how many were recognised; all below is of these
	LookAlike int     `json:"look_alike"` // the other class here with the highest mean logit on all its pictures, or -1
	Like      string  `json:"look_alike_name"`
	Taken     int     `json:"taken"`   // of its pictures, how many were taken for the look-alike
	Margin    float64 `json:"margin"`  // mean of its own logit minus that of its look-alike, over all its pictures
	Nearer    string  `json:"nearer"`  // a class without pictures here whose mean logit is still higher, or ""
	Heads     []Head  `json:"heads"`   // the most telling first; empty where no picture was recognised
	Says      string  `json:"summary"` // in a sentence or two, made from the numbers

	Examples Examples `json:"-"`
}

// Head is what one head of the last layer looks for, for one class. Maps are those of the class's own query.
type Head struct {
	Index    int     `json:"head"`
	Entropy  float64 `json:"entropy"`  // of its maps, in nats: mean over the pictures
	Spread   float64 `json:"spread"`   // exp(entropy) / cells: the part of the picture that it looks at, mean likewise
	Diffuse  bool    `json:"diffuse"`  // it looks nearly everywhere
	Strength float64 `json:"strength"` // how much of the attention lies in the patch around the peak, mean likewise
	Parts    []Share `json:"parts"`    // the most frequent first; null where no parts are known
	Patches  []Patch `json:"patches"`  // the most attended first
}

// Share is how often a head is on a part.
type Share struct {
	Part   string     `json:"part"`
	Hits   int        `json:"hits"`
	Of     int        `json:"of"`     // recognised pictures in which the part is visible
	Share  float64    `json:"share"`  // in percent; 0 where Of is
	Range  [2]float64 `json:"range"`  // 95 % interval of Share, in percent: Wilson's score
	Chance float64    `json:"chance"` // in percent: how often a cell chosen by chance is on the part, in those pictures
}

// Patch is one square around the peak of a map.
type Patch struct {
	Image    string          `json:"image"` // the picture's place in the dataset
	Square   image.Rectangle `json:"square"`
	Strength float64         `json:"strength"` // how much of the map's attention lies in it
	Weight   float64         `json:"weight"`   // of the map's strongest cell
	On       string          `json:"on"`       // the part that the peak is on; "" for none

	look signature
}

// Examples are whole pictures with the map of a class's first head.
type Examples struct {
	Patch, Beside      Patch         // of the class, of its look-alike
	Own, Like          attention.Map // in the picture of Patch: for the class, for its look-alike
	BesideMap          attention.Map // in the picture of Beside, for the look-alike
	HasLike, HasBeside bool          // whether there is a look-alike, and one with recognised pictures
}

// Find is a class of the guide by name, as people write it, or number.
func (g *Guide) Find(class string) (*Species, error) {
	names := slices.Repeat([]string{"\x00"}, g.About.Classes) // of other classes nothing finds them
	for i := range g.Species {
		names[g.Species[i].Index] = g.Species[i].Name
	}
	index, err := attention.Find(class, names, len(names))
	if err == nil {
		if s := g.At(index); s != nil && names[index] != "\x00" {
			return s, nil
		}
		err = fmt.Errorf("class %d is not in this guide", index)
	}
	var there []string
	const told = 12
	for _, s := range g.Species[:min(told, len(g.Species))] {
		there = append(there, attention.Plain(s.Name))
	}
	if more := len(g.Species) - told; more > 0 {
		there = append(there, fmt.Sprintf("%d more", more))
	}
	return nil, fmt.Errorf("%w: the guide has %s", err, strings.Join(there, ", "))
}

// At is a class by index, be it a look-alike only; nil where there is none.
func (g *Guide) At(index int) *Species {
	for _, list := range [][]Species{g.Species, g.LookAlikes} {
		if at := slices.IndexFunc(list, func(s Species) bool { return s.Index == index }); at >= 0 {
			return &list[at]
		}
	}
	return nil
}

// Head is a head of a class by its index; nil where there is none, or no class.
func (s *Species) Head(index int) *Head {
	if s != nil {
		if at := slices.IndexFunc(s.Heads, func(h Head) bool { return h.Index == index }); at >= 0 {
			return &s.Heads[at]
		}
	}
	return nil
}

// Make answers the pictures of a dataset's split and gathers the guide, with parts where the dataset has parts.csv. All
// are read before the first is answered, so that damaged files are told at once, and those shown again when the guide
// is drawn. The error is one sentence, or that of ctx.
func Make(ctx context.Context, m model.Model, dataset string, o Options, progress Progress) (*Guide, error) {
	if o.Split == "" {
		o.Split = "val"
	}
	if o.Patches == 0 {
		o.Patches = usualPatches
	}
	if o.Patches < 1 || o.Patches > mostPatches {
		return nil, fmt.Errorf("a guide shows 1 to %d patches of a head, not %d", mostPatches, o.Patches)
	}
	if progress == nil {
		progress = func(string, int, int) {}
	}
	split, err := datasets.OpenSplit(dataset, o.Split)
	if err != nil {
		return nil, err
	}
	it := m.About()
	w := &work{Model: m, about: it, split: split, parts: map[string][]datasets.Part{}}
	if w.Labels, err = split.Labels(it.Classes, it.Names, o.ByOrder); err != nil {
		return nil, err
	}
	wanted, err := w.wanted(o.Classes)
	if err != nil {
		return nil, err
	}
	about := About{
		Version: origin.Version(), Checkpoint: it.Origin.Checkpoint, Digest: it.Origin.SHA256, Dataset: dataset,
		Upright: it.Origin.Upright,
		Split:   o.Split, ClassesBy: w.By, Classes: it.Classes, Patches: o.Patches, Diffuse: diffuse,
	}
	if err := w.readParts(filepath.Join(dataset, "parts.csv"), &about); err != nil {
		return nil, err
	}
	if about.DatasetDigest, err = split.Digest(ctx); err != nil {
		return nil, err
	}
	_, bad, err := split.Readable(ctx, false, func(done int) { progress("reading", done, split.Len()) })
	if len(bad) > 0 {
		err = fmt.Errorf("%w; remove them, as a guide shows what it counts", err)
	}
	if err != nil {
		return nil, err
	}
	g := &Guide{About: about, From: it.Origin, Root: dataset}
	w.guide = g
	counts := split.Counts()
	done, of := 0, 0
	for _, folder := range wanted {
		of += counts[folder] + 1 // for the examples
	}
	gather := func(folders []int) ([]Species, error) {
		var list []Species
		for _, folder := range folders {
			s, err := w.species(ctx, folder, func() { done++; progress("looking", done, of) })
			if err != nil {
				return nil, err
			}
			list = append(list, *s)
		}
		return list, nil
	}
	if g.Species, err = gather(wanted); err != nil {
		return nil, err
	}
	var more []int // folders of look-alikes that were not asked for
	for _, s := range g.Species {
		folder := slices.Index(w.Index, s.LookAlike)
		if s.LookAlike >= 0 && !slices.Contains(wanted, folder) && !slices.Contains(more, folder) {
			more = append(more, folder)
			of += counts[folder]
		}
	}
	if g.LookAlikes, err = gather(more); err != nil {
		return nil, err
	}
	g.order()
	if err := w.examples(ctx, func() { done++; progress("looking", done, of) }); err != nil {
		return nil, err
	}
	return g, nil
}

// work is what Make has at hand.
type work struct {
	model.Model
	about model.About
	split *datasets.Split
	*datasets.Labels
	parts map[string][]datasets.Part
	sided map[string]bool // parts that are there twice, left and right
	guide *Guide
}

// wanted is the folders of the classes asked for, in order.
func (w *work) wanted(classes []string) ([]int, error) {
	var folders []int
	if classes == nil {
		for i := range w.Index {
			folders = append(folders, i)
		}
	}
	for _, class := range classes {
		index, err := attention.Find(class, w.Names, w.about.Classes)
		if err != nil {
			return nil, err
		}
		folder := slices.Index(w.Index, index)
		if folder < 0 {
			return nil, fmt.Errorf("%s has no pictures of %s", w.split.Root, attention.Plain(w.Names[index]))
		}
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	return slices.Compact(folders), nil
}

// readParts reads where parts are, if that is known, and which there are.
func (w *work) readParts(path string, about *About) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	parts, err := datasets.ReadParts(path)
	if err != nil {
		return err
	}
	if about.PartsDigest, err = origin.Digest(path); err != nil {
		return err
	}
	names := map[string]bool{}
	boxes := false
	for i := range w.split.Len() {
		for _, p := range parts[w.split.Key(i)] {
			names[p.Name] = true
			boxes = boxes || p.Box != datasets.Box{}
		}
	}
	if len(names) == 0 {
		about.PartsDigest = "" // it says nothing of these pictures
		return nil
	}
	w.parts, about.Points = parts, !boxes
	w.sided = map[string]bool{}
	for name := range names {
		if bare, ok := strings.CutPrefix(name, "left "); ok && names["right "+bare] {
			w.sided["left "+bare], w.sided["right "+bare] = true, true
		}
	}
	for name := range names {
		about.Parts = append(about.Parts, w.part(name))
	}
	slices.Sort(about.Parts)
	about.Parts = slices.Compact(about.Parts)
	about.Sided = len(w.sided) > 0
	return nil
}

// part is what the guide calls a part: a left and a right eye are an eye.
func (w *work) part(name string) string {
	if w.sided[name] {
		_, name, _ = strings.Cut(name, " ")
	}
	return name
}
