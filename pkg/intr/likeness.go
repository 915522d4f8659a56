package intr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Likeness is what the pictures that a model was trained on are like, to tell others
// by. A picture is two numbers: the Mahalanobis distance of its pooled memory from
// the training's (Lee et al., NeurIPS 2018; one mean, the covariance shrunk as by
// Ledoit and Wolf, 2004), and the energy of its logits, log Σ exp (Liu et al.,
// NeurIPS 2020). Held-out pictures make each of the two a p-value, which are put
// together by Fisher's method, and what comes out is compared with the held-out
// pictures again: a conformal p-value (Vovk et al., 2005).
type Likeness struct {
	Version  int       `json:"gointr_likeness"` // of this structure
	Pictures int       `json:"pictures"`        // of training, that Mean and Whitening come from
	Mean     []float32 `json:"mean"`            // of the pooled memory: [width]
	// Whitening is the inverse of the covariance's Cholesky factor: its rows up to the
	// diagonal, one after the other.
	Whitening []float32 `json:"whitening"`
	Distances []float32 `json:"distances"` // of the held-out pictures: squared
	Energies  []float32 `json:"energies"`  // of the same
	// Checkpoint is the SHA-256 of the file whose model was measured, where it lies beside that.
	Checkpoint string `json:"checkpoint,omitempty"`

	// Of the held-out pictures, in order.
	far, dull []float32 // distances, and energies with the other sign
	odd       []float64
	// Where the tail of the distances begins, and how far above it is on average.
	edge, excess float64
}

const (
	likenessKey     = "gointr_likeness" // beside the model, or in a .safetensors among the metadata
	likenessVersion = 1
	likenessLevel   = 0.01
	mostTraining    = 2000 // pictures that are looked at
	mostHeldOut     = 1000
	// LeastPictures is how many training and how many held-out pictures Measure needs: with fewer of these more than
	// one picture in twenty would be called unlike by mistake.
	LeastPictures = 19
)

// Measure has a model answer pictures that it was trained on and pictures of the same
// kind that were held out, 2000 and 1000 at most, evenly spread over the lists. done,
// which may be nil, is told how many are answered. The error is that of the first
// picture that cannot be read, or a sentence where there are too few.
func Measure(ctx context.Context, m model.Model, training, heldOut []string, done func(n, of int)) (*Likeness, error) {
	if n := min(len(training), len(heldOut)); n < LeastPictures {
		return nil, fmt.Errorf("what pictures are like is learned from %d training and %[1]d held-out pictures at "+
			"least, and there are %d and %d", LeastPictures, len(training), len(heldOut))
	}
	training, heldOut = spread(training, mostTraining), spread(heldOut, mostHeldOut)
	l := &Likeness{Version: likenessVersion, Pictures: len(training)}
	var pooled [][]float32
	n, of := 0, len(training)+len(heldOut)
	for e, err := range m.Each(ctx, append(slices.Clone(training), heldOut...)) {
		switch {
		case err != nil:
			return nil, err
		case len(e.Pooled) == 0:
			return nil, errors.New("this model does not give its pooled memory")
		case n < len(training):
			pooled = append(pooled, e.Pooled)
		default:
			if n == len(training) {
				if err := l.fit(pooled); err != nil {
					return nil, err
				}
			}
			distance, energy := l.numbers(e)
			l.Distances, l.Energies = append(l.Distances, distance), append(l.Energies, energy)
		}
		if n++; done != nil {
			done(n, of)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l, l.prepare()
}

// spread is most of the items, evenly.
func spread(items []string, most int) []string {
	if len(items) <= most {
		return items
	}
	some := make([]string, most)
	for i := range some {
		some[i] = items[i*len(items)/most]
	}
	return some
}

// fit takes mean and covariance from pooled memories [pictures][width].
func (l *Likeness) fit(pooled [][]float32) error {
	n, width := float64(len(pooled)), len(pooled[0])
	mean := make([]float64, width)
	for _, x := range pooled {
		for k, v := range x {
			mean[k] += float64(v) / n
		}
	}
	covariance, from, fourth := mat.NewSymDense(width, nil), mat.NewVecDense(width, nil), 0.0
	for _, x := range pooled {
		for k, v := range x {
			from.SetVec(k, float64(v)-mean[k])
		}
		covariance.SymRankOne(covariance, 1/n, from)
		fourth += math.Pow(mat.Dot(from, from), 2) / n
	}
	// Towards the identity by as much as a covariance of so few pictures is expected to be off.
	spread, square := mat.Trace(covariance)/float64(width), math.Pow(mat.Norm(covariance, 2), 2)
	share := math.Max(0, math.Min(1, (fourth-square)/n/(square-float64(width)*spread*spread)))
	if !(share >= 0) { // it is a multiple of the identity as it is
		share = 0
	}
	covariance.ScaleSym(1-share, covariance)
	for k := range width {
		covariance.SetSym(k, k, covariance.At(k, k)+share*spread)
	}
	var factor mat.Cholesky
	var lower, inverse mat.TriDense
	if !factor.Factorize(covariance) {
		return errors.New("all training pictures are the same to the model, so it cannot tell others from them")
	}
	factor.LTo(&lower)
	if err := inverse.InverseTri(&lower); err != nil {
		return fmt.Errorf("the training pictures are too much the same to the model: %w", err)
	}
	for row := range width {
		l.Mean = append(l.Mean, float32(mean[row]))
		for col := range row + 1 {
			l.Whitening = append(l.Whitening, float32(inverse.At(row, col)))
		}
	}
	return nil
}

// numbers are a picture's squared distance and its energy.
func (l *Likeness) numbers(e *attention.Explanation) (distance, energy float32) {
	from, sum, rows := make([]float64, len(l.Mean)), 0.0, l.Whitening
	for i, v := range l.Mean {
		from[i] = float64(e.Pooled[i]) - float64(v)
		x := 0.0
		for k, w := range rows[:i+1] {
			x += float64(w) * from[k]
		}
		sum, rows = sum+x*x, rows[i+1:]
	}
	wide := make([]float64, len(e.Logits))
	for i, v := range e.Logits {
		wide[i] = float64(v)
	}
	return float32(sum), float32(floats.LogSumExp(wide))
}

// prepare checks that the numbers make sense, and orders the held-out pictures.
func (l *Likeness) prepare() error {
	n, width := len(l.Distances), len(l.Mean)
	switch {
	case l.Version != likenessVersion:
		return fmt.Errorf("it is of version %d, and this program knows %d", l.Version, likenessVersion)
	case width == 0 || len(l.Whitening) != width*(width+1)/2:
		return fmt.Errorf("a mean of %d and a covariance of %d numbers do not go together", width, len(l.Whitening))
	case len(l.Energies) != n || n < LeastPictures:
		return fmt.Errorf("it has %d distances and %d energies of held-out pictures, and needs %d at least", n,
			len(l.Energies), LeastPictures)
	}
	for _, numbers := range [][]float32{l.Mean, l.Whitening, l.Distances, l.Energies} {
		if slices.ContainsFunc(numbers, func(v float32) bool { return v-v != 0 }) {
			return errors.New("one of its numbers is not finite")
		}
	}
	l.far, l.odd = slices.Sorted(slices.Values(l.Distances)), make([]float64, n)
	for _, energy := range l.Energies {
		l.dull = append(l.dull, -energy)
	}
	slices.Sort(l.dull)
	l.edge = float64(l.far[n-l.tail()-1])
	for _, v := range l.far[n-l.tail():] {
		l.excess += (float64(v) - l.edge) / float64(l.tail())
	}
	for i := range n {
		l.odd[i] = l.oddness(l.Distances[i], l.Energies[i], 0)
	}
	slices.Sort(l.odd)
	return nil
}

// tail is how many of the held-out pictures the tail of the distances is made of.
func (l *Likeness) tail() int { return max(3, int(math.Round(float64(len(l.Distances))/10))) }

// oddness is Fisher's: minus the logarithms of the two p-values. Those are shares of
// the held-out pictures, and of the picture itself where it is not among them (own
// is 1). Beyond the edge distances have an exponential tail, or else a picture far
// away and one at the end would be alike.
func (l *Likeness) oddness(distance, energy float32, own int) float64 {
	n := len(l.far)
	share := func(ordered []float32, v float32) float64 {
		below, _ := slices.BinarySearch(ordered, v)
		return math.Log(float64(own+n-below) / float64(n+1))
	}
	far := share(l.far, distance)
	if beyond := float64(distance) - l.edge; beyond > 0 {
		far = math.Log(float64(l.tail()+1)/float64(n+1)) - beyond/l.excess
	}
	return -far - share(l.dull, -energy)
}

// of compares an answered picture with the held-out ones; nil where it was answered by
// another model.
func (l *Likeness) of(e *attention.Explanation) *attention.Likeness {
	if l == nil || len(e.Pooled) != len(l.Mean) {
		return nil
	}
	distance, energy := l.numbers(e)
	below, _ := slices.BinarySearch(l.odd, l.oddness(distance, energy, 1))
	n := len(l.odd)
	p, level := float64(1+n-below)/float64(n+1), math.Max(likenessLevel, 1/float64(n+1))
	return &attention.Likeness{P: p, Level: level, Unlike: p <= level}
}

// LikenessOf is the likeness that an open checkpoint holds for an architecture; nil
// where it holds none. Where there is something else in its place the error says what
// is wrong: a model is opened without it.
func LikenessOf(file *torchfile.File, c Config) (*Likeness, error) {
	value, there := any(file.Metadata[likenessKey]), file.Metadata[likenessKey] != ""
	if root, ok := file.Value().(*torchfile.Dict); ok && !there && file.Format != torchfile.Safetensors {
		value, there = root.Get(likenessKey)
	}
	if !there {
		return nil, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("its %s is no text", likenessKey)
	}
	l, err := parseLikeness([]byte(text))
	if err == nil && len(l.Mean) != c.HiddenDim {
		err = fmt.Errorf("it is of a model of width %d, and this one has %d", len(l.Mean), c.HiddenDim)
	}
	if err != nil {
		return nil, fmt.Errorf("its %s cannot be used: %w", likenessKey, err)
	}
	return l, nil
}

func parseLikeness(data []byte) (*Likeness, error) {
	l := &Likeness{}
	if err := json.Unmarshal(data, l); err != nil {
		return nil, fmt.Errorf("it is not as it was written (%w)", err)
	}
	return l, l.prepare()
}

// ReadLikeness reads what Write wrote.
func ReadLikeness(path string) (*Likeness, error) {
	data, err := wholefile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	l, err := parseLikeness(data)
	if err != nil {
		return nil, fmt.Errorf("%s is no likeness: %w", path, err)
	}
	return l, nil
}

// Write writes it as JSON, which Convert puts into a checkpoint. The file appears whole or not at all.
func (l *Likeness) Write(path string) error { return wholefile.Bytes(path, []byte(l.text()+"\n")) }

func (l *Likeness) text() string {
	text, _ := json.Marshal(l) // finite numbers and a name
	return string(text)
}

// Attach puts it into a .pth that torch.save or this program wrote, as text under
// "gointr_likeness"; all else stays as it is. The file appears whole or not at all.
func (l *Likeness) Attach(path string) error {
	file, err := torchfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	old, ok := file.Value().(*torchfile.Dict)
	if !ok || file.Format == torchfile.Safetensors {
		return fmt.Errorf("%s is no .pth with a dict: gointr convert puts a likeness into a copy of it", path)
	}
	root := &torchfile.Dict{Ordered: old.Ordered, Attributes: old.Attributes}
	for key, value := range old.All() {
		root.Set(key, value)
	}
	root.Set(likenessKey, l.text())
	return torchfile.WritePTH(path, root)
}
