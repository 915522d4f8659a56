// Package evaluation says, from logits alone, how good a model is on pictures whose class is known: accuracy with its
// interval, class by class, which look-alikes it takes for each other, whether its probabilities can be believed.
//
//	t := evaluation.New(names)
//	t.Add("val/001.Wren/1.jpg", 0, logits) // for every picture
//	r, err := t.Report()
//	fmt.Println(r.Acc1)
package evaluation

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/floats"

	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
)

// Answer is one picture, as it was answered.
type Answer struct {
	Image       string  `json:"image"`
	Class       int     `json:"class"`       // the true one
	Predicted   int     `json:"predicted"`   // the best of the logits
	Rank        int     `json:"rank"`        // of the true class, from 1
	Probability float64 `json:"probability"` // of the predicted class: softmax over all classes
	Loss        float64 `json:"loss"`        // cross-entropy, in nats

	Likeness *attention.Likeness `json:"likeness,omitempty"`
}

// Tally counts answers. Its zero value is of no use: see New.
type Tally struct {
	names   []string
	answers []Answer
}

// Bin is the pictures whose predicted class has a probability above Low and not above High. All but Images are from 0
// to 1.
type Bin struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Images     int     `json:"images"`
	Confidence float64 `json:"confidence"` // mean probability of the predicted class
	Right      float64 `json:"right"`      // the part that is right: as large as Confidence where a model is calibrated
}

// New starts a tally for classes, by index; names[i] is the name of class i.
func New(names []string) *Tally { return &Tally{names: names} }

// Add counts the logits [classes] of one picture. It is an error when they are not one a class, the class does not
// exist, or one of them is no finite number.
func (t *Tally) Add(image string, class int, logits []float32) error {
	if len(logits) != len(t.names) {
		return fmt.Errorf("%s: the model answers for %d classes, but the pictures have %d: "+
			"evaluate it on the classes that it was trained on", image, len(logits), len(t.names))
	}
	if class < 0 || class >= len(logits) {
		return fmt.Errorf("%s: there is no class %d among %d", image, class, len(logits))
	}
	best, rank, wide := 0, 1, make([]float64, len(logits))
	for i, v := range logits {
		if v-v != 0 {
			return fmt.Errorf("%s: the logit of class %d is %v", image, i, v)
		}
		if v > logits[best] {
			best = i
		}
		// Of equal logits the class with the lower number is the better one.
		if v > logits[class] || v == logits[class] && i < class {
			rank++
		}
		wide[i] = float64(v)
	}
	logSum := floats.LogSumExp(wide)
	t.answers = append(t.answers, Answer{
		Image: image, Class: class, Predicted: best, Rank: rank,
		Probability: math.Exp(wide[best] - logSum), Loss: logSum - wide[class],
	})
	return nil
}

// Count counts a model's answers, in the order of the pictures: key(i) is what to call picture i, truth(i) its class.
// done, which may be nil, is told how many are counted. The first error, of an answer or of Add, ends it.
func (t *Tally) Count(
	key func(i int) string, truth func(i int) int, answers iter.Seq2[*attention.Explanation, error], done func(n int),
) error {
	i := 0
	for e, err := range answers {
		if err == nil {
			err = t.Add(key(i), truth(i), e.Logits)
		}
		if err != nil {
			return err
		}
		t.answers[len(t.answers)-1].Likeness = e.Likeness
		if i++; done != nil {
			done(i)
		}
	}
	return nil
}

// Report is what a tally came to. Accuracies are in percent, as the published scripts print them.
type Report struct {
	Images int        `json:"images"`
	Acc1   float64    `json:"acc1"`    // the true class is the best
	Range  [2]float64 `json:"acc1_95"` // 95 % interval of Acc1: Wilson's score
	Acc5   float64    `json:"acc5"`    // the true class is among the five best
	Loss   float64    `json:"loss"`    // mean cross-entropy of the pictures, in nats
	// Unlike is how many pictures are unlike those that the model was trained on; nil where it does not know these.
	Unlike *int `json:"unlike,omitempty"`

	Mean     float64  `json:"acc1_mean_class"` // mean of the Acc1 of every class with pictures
	ECE      float64  `json:"ece"`             // expected calibration error, in percent (Guo et al., ICML 2017)
	Classes  []Class  `json:"classes"`         // by index
	Confused []Pair   `json:"confused"`        // most often confused first
	Bins     []Bin    `json:"bins"`            // of the predicted class's probability
	Answers  []Answer `json:"-"`               // by picture, in order
	// Confusion is how many pictures of a class were predicted to be of another: [true class][predicted class], without
	// the zeros, of which ten thousand classes have a hundred million.
	Confusion []map[int]int `json:"-"`
}

// Class is one class of a report.
type Class struct {
	Index     int     `json:"index"`
	Name      string  `json:"name"`
	Images    int     `json:"images"`
	Acc1      float64 `json:"acc1"`      // of its pictures, in percent: recall; 0 without pictures
	Precision float64 `json:"precision"` // of the pictures predicted to be it, in percent; 0 where none is
	Taken     int     `json:"taken"`     // the class that its pictures are most often mistaken for; -1 when for none
}

// Pair is two classes that are taken for each other.
type Pair struct {
	A      int `json:"a"`
	B      int `json:"b"`
	AasB   int `json:"a_as_b"` // pictures of A predicted to be B
	BasA   int `json:"b_as_a"`
	Images int `json:"images"` // of both
}

// bins is how many bins of equal width calibration is measured in, as in Guo et al., ICML 2017.
const bins = 15

// Report sums up. It is an error when nothing was counted.
func (t *Tally) Report() (*Report, error) {
	n := len(t.answers)
	if n == 0 {
		return nil, errors.New("there are no pictures to evaluate")
	}
	r := &Report{Images: n, Answers: t.answers, Confusion: make([]map[int]int, len(t.names)),
		Bins: make([]Bin, bins)}
	for i := range r.Confusion {
		r.Confusion[i] = map[int]int{}
	}
	right, five := 0, 0
	for _, a := range t.answers {
		r.Confusion[a.Class][a.Predicted]++
		r.Loss += a.Loss / float64(n)
		if a.Likeness != nil {
			if r.Unlike == nil {
				r.Unlike = new(int)
			}
			if a.Likeness.Unlike {
				*r.Unlike++
			}
		}
		if a.Rank == 1 {
			right++
		}
		if a.Rank <= 5 {
			five++
		}
		b := &r.Bins[min(bins-1, max(0, int(math.Ceil(a.Probability*bins))-1))]
		b.Images++
		b.Confidence += a.Probability
		if a.Rank == 1 {
			b.Right++
		}
	}
	r.Acc1, r.Acc5 = percent(right, n), percent(five, n)
	r.Range = stats.Wilson(right, n)
	for i := range r.Bins {
		b := &r.Bins[i]
		b.Low, b.High = float64(i)/bins, float64(i+1)/bins
		if b.Images > 0 {
			b.Confidence /= float64(b.Images)
			b.Right /= float64(b.Images)
			r.ECE += 100 * math.Abs(b.Confidence-b.Right) * float64(b.Images) / float64(n)
		}
	}
	r.classes(t.names)
	r.pairs()
	return r, nil
}

func (r *Report) classes(names []string) {
	seen := 0
	predicted := make([]int, len(names))
	for _, a := range r.Answers {
		predicted[a.Predicted]++
	}
	for i, row := range r.Confusion {
		c := Class{Index: i, Name: attention.Plain(names[i]), Taken: -1}
		for _, j := range slices.Sorted(maps.Keys(row)) {
			c.Images += row[j]
			if j != i && (c.Taken < 0 || row[j] > row[c.Taken]) {
				c.Taken = j
			}
		}
		c.Acc1, c.Precision = percent(row[i], c.Images), percent(row[i], predicted[i])
		if c.Images > 0 {
			seen++
			r.Mean += c.Acc1
		}
		r.Classes = append(r.Classes, c)
	}
	r.Mean /= float64(seen)
}

func (r *Report) pairs() {
	r.Confused = []Pair{}
	for i, row := range r.Confusion {
		for j := range row {
			a, b := min(i, j), max(i, j)
			if a == b || i > j && r.Confusion[j][i] > 0 { // of a pair in both directions once
				continue
			}
			r.Confused = append(r.Confused, Pair{A: a, B: b, AasB: r.Confusion[a][b], BasA: r.Confusion[b][a],
				Images: r.Classes[a].Images + r.Classes[b].Images})
		}
	}
	slices.SortFunc(r.Confused, func(p, q Pair) int {
		return cmp.Or(cmp.Compare(q.AasB+q.BasA, p.AasB+p.BasA), cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B))
	})
}

// String is the report in one line.
func (r *Report) String() string {
	return fmt.Sprintf("acc1 %.1f %% (95 %%: %.1f to %.1f), acc5 %.1f %%, loss %.4f, %d pictures", r.Acc1, r.Range[0],
		r.Range[1], r.Acc5, r.Loss, r.Images)
}

// LookAlikes are the classes of the most confused pairs, at most n, those of a pair beside each other where possible.
func (r *Report) LookAlikes(n int) []int {
	var rows [][]int // of look-alikes
	rowOf := map[int]int{}
	for _, p := range r.Confused {
		for _, pair := range [][2]int{{p.A, p.B}, {p.B, p.A}} {
			class, partner := pair[0], pair[1]
			if _, there := rowOf[class]; there || len(rowOf) >= n {
				continue
			}
			i, there := rowOf[partner]
			switch {
			case !there:
				i = len(rows)
				rows = append(rows, []int{class})
			case rows[i][0] == partner && len(rows[i]) > 1: // no stronger pair is torn apart
				rows[i] = slices.Insert(rows[i], 0, class)
			default:
				rows[i] = append(rows[i], class)
			}
			rowOf[class] = i
		}
	}
	return slices.Concat(rows...)
}

// Worst are the n classes with the lowest Acc1, the worst and, of equals, those with more pictures first; classes
// without pictures are left out.
func (r *Report) Worst(n int) []Class {
	all := slices.DeleteFunc(slices.Clone(r.Classes), func(c Class) bool { return c.Images == 0 })
	slices.SortStableFunc(all, func(a, b Class) int {
		return cmp.Or(cmp.Compare(a.Acc1, b.Acc1), cmp.Compare(b.Images, a.Images))
	})
	return all[:max(0, min(n, len(all)))]
}

func percent(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(part) / float64(of)
}

// WriteCSV writes a line a picture: image, class, predicted (both by name as given to New), rank, probability, loss,
// and likeness: the p-value, empty where the model does not know the pictures that it was trained on.
// The file appears whole or not at all.
func (t *Tally) WriteCSV(path string) error {
	rows := [][]string{{"image", "class", "predicted", "rank", "probability", "loss", "likeness"}}
	for _, a := range t.answers {
		p := ""
		if a.Likeness != nil {
			p = strconv.FormatFloat(a.Likeness.P, 'g', 4, 64)
		}
		rows = append(rows, []string{
			a.Image, t.names[a.Class], t.names[a.Predicted], strconv.Itoa(a.Rank),
			strconv.FormatFloat(a.Probability, 'g', 7, 64), strconv.FormatFloat(a.Loss, 'g', 7, 64), p,
		})
	}
	return wholefile.CSV(path, rows)
}

// WriteClasses writes a line a class: index, class, images, acc1 and precision in percent, and the class that it is
// most often mistaken for, by name, empty where it is for none. The file appears whole or not at all.
func (r *Report) WriteClasses(path string) error {
	rows := [][]string{{"index", "class", "images", "acc1", "precision", "mistaken_for"}}
	for _, c := range r.Classes {
		taken := ""
		if c.Taken >= 0 {
			taken = r.Classes[c.Taken].Name
		}
		rows = append(rows, []string{
			strconv.Itoa(c.Index), c.Name, strconv.Itoa(c.Images),
			strconv.FormatFloat(c.Acc1, 'f', 2, 64), strconv.FormatFloat(c.Precision, 'f', 2, 64), taken,
		})
	}
	return wholefile.CSV(path, rows)
}
