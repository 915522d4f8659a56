package intr

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/torchfile"
)

// Names of weights in a checkpoint that holds several. Any are chosen by where they stand, too.
const (
	Plain = "plain" // as the optimizer left them
	EMA   = "ema"   // a moving average of those (EMA, SWA, a teacher's)
)

// Place is where a checkpoint holds the weights of an INTR or DETR.
type Place struct {
	At   string `json:"at"`             // what stands before the keys, as "model." or "state_dict.model."
	Name string `json:"name,omitempty"` // Plain or EMA; "" for further ones, which At chooses
	rank int
}

// String is the name and the place: "ema (model_ema.module)".
func (p Place) String() string {
	at := strings.TrimSuffix(p.At, ".")
	switch {
	case at == "":
		return p.Name
	case p.Name == "":
		return at
	}
	return fmt.Sprintf("%s (%.200s)", p.Name, at)
}

// queries names the tensor that every INTR and DETR has: whatever stands before it is where its weights are.
const queries = "query_embed.weight"

// Segments that wrap a module, which torch.compile, DistributedDataParallel, FSDP and checkpointing put into names, and
// those that lead to weights, of many frameworks.
var (
	wrappers   = []string{"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
	containers = regexp.MustCompile(`^(model|net|network|state_dict|weights|params|checkpoint|module|_orig_mod)$|` +
		`^(model|net|network)_(state|state_dict|weights)$`)
	// Not a model's weights, though named alike: what an optimizer keeps of each.
	beside = regexp.MustCompile(`(?i)^(.*optim.*|.*grad.*|gointr)$`)
	// A moving average of weights, that is kept beside them.
	average = regexp.MustCompile(
		`(^|[_\W])(?i:ema|swa|averaged?|avg|shadow|polyak|teacher)([_\W\d]|$)|EMA|Ema|Teacher`)
	// What an average is of, where that lies inside of it.
	live = regexp.MustCompile(`^(online|student)(_|$)`)
)

// How usual a place of weights is.
const (
	usual = iota
	unusual
	averaged
	besides
)

// Places are where an open checkpoint holds weights, first those that are taken where none are chosen: the plain ones
// where there is a moving average too, and of several those in the most usual place. nil where there are none.
func Places(f *torchfile.File) []Place {
	var places []Place
	ofAverage := map[string]bool{}
	for name := range names(f) {
		if at, ok := strings.CutSuffix(name, queries); ok && (at == "" || strings.HasSuffix(at, ".")) &&
			!slices.ContainsFunc(places, func(p Place) bool { return p.At == at }) {
			places = append(places, Place{At: at})
		}
		if at, ok := strings.CutSuffix(name, "n_averaged"); ok { // torch.optim.swa_utils.AveragedModel
			ofAverage[at+"module."] = true
		}
	}
	for i, p := range places {
		for segment := range strings.SplitSeq(strings.TrimSuffix(p.At, "."), ".") {
			rank := usual
			switch {
			case live.MatchString(segment):
				places[i].rank = unusual
				continue
			case beside.MatchString(segment):
				rank = besides
			case average.MatchString(segment) || ofAverage[p.At]:
				rank = averaged
			case segment != "" && !containers.MatchString(segment):
				rank = unusual
			}
			places[i].rank = max(places[i].rank, rank)
		}
	}
	slices.SortStableFunc(places, func(a, b Place) int { return cmp.Compare(a.rank, b.rank) })
	for i, p := range places {
		switch {
		case i == 0 && p.rank < averaged:
			places[i].Name = Plain
		case p.rank == averaged && (i == 0 || places[i-1].rank < averaged):
			places[i].Name = EMA
		}
	}
	return places
}

// names gives what every tensor of a file, and everything in it that is not loaded, is called.
func names(f *torchfile.File) func(yield func(name string, t *torchfile.Tensor) bool) {
	return func(yield func(string, *torchfile.Tensor) bool) {
		for _, t := range f.Tensors() {
			if !yield(t.Name, t) {
				return
			}
		}
		for _, o := range f.Others() { // a tensor of a kind that is not known, where one is looked for
			if !yield(o.Name, &torchfile.Tensor{Name: o.Name, DType: torchfile.DType(o.Class)}) {
				return
			}
		}
	}
}

// PlaceOf is the one of Places that Weights chooses. The error says which there are.
func PlaceOf(f *torchfile.File, which string) (Place, error) {
	places := Places(f)
	if len(places) == 0 {
		return Place{}, errNone
	}
	return choose(places, which)
}

// choose finds weights by name or place; "" are those that come first.
func choose(places []Place, which string) (Place, error) {
	for i, p := range places {
		at := strings.TrimSuffix(p.At, ".")
		if which == p.Name && which != "" || which == "" && i == 0 || at != "" && at == strings.TrimSuffix(which, ".") {
			return p, nil
		}
	}
	var there []string
	for _, p := range places {
		there = append(there, p.String())
	}
	return Place{}, fmt.Errorf("it holds no weights %.100q: there are %s", which, some(there))
}

// weightsOf gives a model's tensors by PyTorch's key, wherever a framework has put them, of weights that are chosen as
// Weights has it, and where those are. A key without an average of its own has the plain weight. errNone where there
// are none at all.
func weightsOf(f *torchfile.File, which string) (map[string]*torchfile.Tensor, Place, error) {
	places := Places(f)
	if len(places) == 0 {
		return nil, Place{}, errNone
	}
	p, err := choose(places, which)
	if err != nil {
		return nil, p, err
	}
	state := stateAt(f, places, p)
	if p.rank == averaged && places[0].rank < averaged {
		for key, t := range stateAt(f, places, places[0]) {
			if state[key] == nil {
				state[key] = t
			}
		}
	}
	return state, p, nil
}

var errNone = errors.New("it holds no INTR: there are no class queries (query_embed.weight) in it")

// stateAt gives the tensors at one of several places.
func stateAt(f *torchfile.File, places []Place, p Place) map[string]*torchfile.Tensor {
	state := map[string]*torchfile.Tensor{}
	for full, t := range names(f) {
		name, ok := strings.CutPrefix(full, p.At)
		other := slices.ContainsFunc(places, func(o Place) bool {
			return len(o.At) > len(p.At) && strings.HasPrefix(full, o.At)
		})
		if ok && !other {
			segments := slices.DeleteFunc(strings.Split(name, "."), func(s string) bool {
				return slices.Contains(wrappers, s)
			})
			if key := strings.Join(segments, "."); ofModule(key) && state[key] == nil {
				state[key] = t
			}
		}
	}
	return state
}

// ofModule says whether a tensor may belong to a network, and is not a counter or a generator's state that lies beside
// its weights.
func ofModule(key string) bool {
	part, name, dotted := strings.Cut(key, ".")
	return dotted && !beside.MatchString(part) && (slices.Contains(parts, part) ||
		strings.HasSuffix(name, "weight") || strings.HasSuffix(name, "bias"))
}

// The modules of an INTR and of the DETR that training begins with.
var parts = []string{"transformer", "backbone", "query_embed", "input_proj", "presence_vector", "class_embed",
	"bbox_embed"}
