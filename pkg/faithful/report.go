package faithful

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
)

// Provenance is what a report was made of.
type Provenance struct {
	Checkpoint string `json:"checkpoint"`
	Digest     string `json:"checkpoint_sha256"`
	Config     string `json:"config"`
	Engine     string `json:"engine"`
	Upright    bool   `json:"upright,omitempty"` // pictures were turned as their files say
	Version    string `json:"gointr"`
	Dataset    string `json:"dataset"`
	Pictures   string `json:"dataset_digest"` // of the split: datasets.Split.Digest
	Split      string `json:"split"`
	ClassesBy  string `json:"classes_by"`      // what told the folders' classes: datasets.Labels.By
	Parts      string `json:"parts,omitempty"` // the file of parts or boxes
	MaxImages  int    `json:"max_images"`      // 0 is all
	Steps      int    `json:"steps"`           // of a curve
	Shown      []Fill `json:"insertion_fill"`
	Hidden     []Fill `json:"deletion_fill"`
	Training   int    `json:"training_per_class"` // pictures that a class's head was chosen on, at most
	Checked    int    `json:"sanity_images"`      // pictures of the sanity checks
	Bootstraps int    `json:"bootstraps"`
	Seed       uint64 `json:"seed"`
}

// Report is how faithful maps are. A measure that could not be made is left out; Notes say why.
type Report struct {
	Provenance
	Summary
	Measures []Measure // in the order of the tables; in JSON each stands under its key
	Thresholds
	Curves
	values []value
}

// Summary is what was measured.
type Summary struct {
	Images  int        `json:"images"`
	Right   float64    `json:"acc1"`    // of these pictures, in percent
	Range   [2]float64 `json:"acc1_95"` // Wilson's score
	Methods []Method   `json:"methods"`
	Target  string     `json:"target,omitempty"` // what is to be pointed at: "telling part" or "whole animal"
	Chosen  []Chosen   `json:"heads,omitempty"`  // by class
	Notes   []string   `json:"notes,omitempty"`
}

// Thresholds are those of FunnyBirds' checks.
type Thresholds struct {
	ImportantAbove []Above `json:"thresholds,omitempty"`
}

// Curves are what is drawn, and counted, beside the measures.
type Curves struct {
	InsertionCurves  []Band       `json:"insertion_curves,omitempty"`
	DeletionCurves   []Band       `json:"deletion_curves,omitempty"`
	DegenerateCounts []Degenerate `json:"degenerate,omitempty"`
}

// Chosen is the head of the last layer that points best for a class in training pictures.
type Chosen struct {
	Class int    `json:"class"`
	Name  string `json:"name"`
	Head  int    `json:"head"` // from 0
	Hits  int    `json:"hits"` // the strongest cell touches the target
	Of    int    `json:"of"`   // training pictures
	// The same in the pictures that were measured, which show the target.
	UnseenHits int `json:"unseen_hits"`
	Unseen     int `json:"unseen"`
}

// Above is the share of a map's weight from which a part is called important: FunnyBirds takes the best of 80 for each
// method.
type Above struct {
	Method Method  `json:"method"`
	Share  float64 `json:"share"`
}

// Degenerate counts the maps that show nothing.
type Degenerate struct {
	Method Method `json:"method"`
	Flat   int    `json:"flat"`   // measured as what they are
	Broken int    `json:"broken"` // NaN or infinite: left out
}

// Measure is one number, method by method. docs/faithful.md defines them all.
type Measure struct {
	Key    string  `json:"-"`
	Name   string  `json:"name"`
	Higher bool    `json:"higher_is_better"`
	Scores []Score `json:"scores"`
}

// Score is what one method has in a measure.
type Score struct {
	Method  Method       `json:"method,omitempty"` // empty where the measure is of the model
	Mean    float64      `json:"mean"`
	Range   [2]float64   `json:"range_95"` // shares: Wilson's score; else a bootstrap over the pictures
	Images  int          `json:"images"`
	Against []Difference `json:"against,omitempty"` // of INTR's maps
}

// Difference is a mean over the pictures that both methods have: INTR's map less a baseline's, with a paired
// bootstrap's interval.
type Difference struct {
	Method Method     `json:"method"`
	Mean   float64    `json:"mean"`
	Range  [2]float64 `json:"range_95"`
}

// Band is the mean of curves, point by point, with the interval of a bootstrap.
type Band struct {
	Method Method      `json:"method"`
	Fill   Fill        `json:"fill"`
	Points []BandPoint `json:"points"`
}

// BandPoint is one point of a band.
type BandPoint struct {
	Fraction float64 `json:"fraction"` // of the pixels
	Mean     float64 `json:"probability"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// value is one picture's.
type value struct {
	image, class, measure string
	method                Method
	value                 float64
}

// Of is a method's score; nil where it has none.
func (m *Measure) Of(method Method) *Score {
	if m == nil {
		return nil
	}
	return find(m.Scores, func(s *Score) bool { return s.Method == method })
}

// against is the difference to a baseline; nil where there is none.
func (s *Score) against(other Method) *Difference {
	if s == nil {
		return nil
	}
	return find(s.Against, func(d *Difference) bool { return d.Method == other })
}

// Better says whether a difference is one: 1 where INTR's map is better, with the whole interval, -1 where it is worse,
// 0 where that is open.
func (m *Measure) Better(d Difference) int {
	switch above, below := d.Range[0] > 0, d.Range[1] < 0; {
	case above && m.Higher, below && !m.Higher:
		return 1
	case above, below:
		return -1
	}
	return 0
}

// Measure is the one of a key, such as "insertion"; nil where it was not made.
func (r *Report) Measure(key string) *Measure {
	return find(r.Measures, func(m *Measure) bool { return m.Key == key })
}

// find is the first that is sought; nil where there is none.
func find[T any](all []T, sought func(*T) bool) *T {
	for i := range all {
		if sought(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

// MarshalJSON has each measure under its key.
func (r Report) MarshalJSON() ([]byte, error) {
	measures, sanity := []any{}, []any{r.Thresholds}
	for _, m := range r.Measures {
		if part := (map[string]Measure{m.Key: m}); strings.HasPrefix(m.Key, "random_") {
			sanity = append(sanity, part)
		} else {
			measures = append(measures, part)
		}
	}
	text := []byte("{")
	for _, part := range slices.Concat([]any{r.Provenance, r.Summary}, measures, sanity, []any{r.Curves}) {
		var object bytes.Buffer
		encoder := json.NewEncoder(&object)
		encoder.SetEscapeHTML(false) // the caller's encoder does as it is told
		if err := encoder.Encode(part); err != nil {
			return nil, err
		}
		if fields := object.Bytes()[len("{") : object.Len()-len("}\n")]; len(fields) > 0 {
			text = append(append(text, fields...), ',')
		}
	}
	text[len(text)-1] = '}'
	return text, nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Report) UnmarshalJSON(text []byte) error {
	fields := struct {
		*Provenance
		*Summary
		*Thresholds
		*Curves
	}{&r.Provenance, &r.Summary, &r.Thresholds, &r.Curves}
	var all map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(text, &fields), json.Unmarshal(text, &all)); err != nil {
		return err
	}
	for _, d := range measures {
		if text, there := all[d.key]; there {
			m := Measure{Key: d.key}
			if err := json.Unmarshal(text, &m); err != nil {
				return err
			}
			r.Measures = append(r.Measures, m)
		}
	}
	return nil
}

// String is a score as tables have it: mean and interval.
func (s *Score) String() string {
	return fmt.Sprintf("%.3f (%.3f…%.3f)", s.Mean, s.Range[0], s.Range[1])
}

// Rows is the table: a row a measure, with its name, which way is better, and a cell a method, "0.812 (0.780…0.840)".
// The best mean has a star.
func (r *Report) Rows() (head []string, rows [][]string) {
	head = []string{"measure", "better"}
	for _, m := range r.Methods {
		head = append(head, m.Title())
	}
	for _, k := range r.Measures {
		way, sign, lead := "lower", -1.0, math.Inf(-1)
		if k.Higher {
			way, sign = "higher", 1
		}
		for _, s := range k.Scores {
			lead = max(lead, s.Mean*sign)
		}
		row := []string{k.Name, way}
		for _, m := range r.Methods {
			text := ""
			if s := k.Of(m); s != nil {
				text = s.String()
				if s.Mean*sign == lead && len(k.Scores) > 1 {
					text += " *"
				}
			}
			row = append(row, text)
		}
		if s := k.Of(""); s != nil {
			row[2] = s.String() + ", of the model"
		}
		rows = append(rows, row)
	}
	return head, rows
}

// Verdicts are sentences on how INTR's maps stand to each baseline: the measures in which they are better, worse, or
// not to be told apart.
func (r *Report) Verdicts() []string {
	var out []string
	for _, own := range r.Methods {
		if !own.INTR() {
			continue
		}
		for _, other := range r.Methods {
			names, all := map[int][]string{}, 0
			for _, k := range r.Measures {
				if d := k.Of(own).against(other); d != nil {
					way := k.Better(*d)
					names[way] = append(names[way], k.Name)
					all++
				}
			}
			if all == 0 {
				continue
			}
			text := fmt.Sprintf("%s against %s: better in %d of %d measures", own.Title(), other.Title(),
				len(names[1]), all)
			if worse := names[-1]; worse != nil {
				text += ". Worse in: " + strings.Join(worse, "; ")
			}
			if open := names[0]; open != nil {
				text += ". Not to be told apart in: " + strings.Join(open, "; ")
			}
			out = append(out, text+".")
		}
	}
	return out
}

// Title is what was measured, in a line.
func (r *Report) Title() string {
	return fmt.Sprintf("%d pictures of %s, %s: %.1f %% right (95 %% interval %.1f to %.1f %%)", r.Images, r.Dataset,
		r.Split, r.Right, r.Range[0], r.Range[1])
}

// String is the table as text.
func (r *Report) String() string {
	var text strings.Builder
	fmt.Fprintln(&text, r.Title())
	head, rows := r.Rows()
	table := columns.New(&text)
	fmt.Fprintln(table, "  "+strings.Join(head, "\t"))
	for _, row := range rows {
		fmt.Fprintln(table, "  "+strings.Join(row, "\t"))
	}
	table.Flush()
	fmt.Fprintln(&text, "(mean, 95 % interval; * is the best)")
	for _, line := range slices.Concat(r.Verdicts(), r.Notes) {
		fmt.Fprintln(&text, line)
	}
	return text.String()
}

// WriteTable writes a line a measure and method as CSV: measure, name, higher_is_better, method, mean, low, high,
// images, and the difference to each baseline with its interval.
func (r *Report) WriteTable(path string) error {
	header := []string{"measure", "name", "higher_is_better", "method", "mean", "low", "high", "images"}
	var others []Method
	for _, m := range r.Methods {
		if !m.INTR() {
			others = append(others, m)
			header = append(header, "minus_"+string(m), "minus_"+string(m)+"_low", "minus_"+string(m)+"_high")
		}
	}
	rows := [][]string{header}
	for _, k := range r.Measures {
		for _, s := range k.Scores {
			row := []string{k.Key, k.Name, strconv.FormatBool(k.Higher), string(s.Method), exact(s.Mean),
				exact(s.Range[0]), exact(s.Range[1]), strconv.Itoa(s.Images)}
			for _, m := range others {
				if d := s.against(m); d != nil {
					row = append(row, exact(d.Mean), exact(d.Range[0]), exact(d.Range[1]))
				} else {
					row = append(row, "", "", "")
				}
			}
			rows = append(rows, row)
		}
	}
	return wholefile.CSV(path, rows)
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// WriteCurves writes a line a point as CSV: curve, fill, method, fraction, probability, low, high.
func (r *Report) WriteCurves(path string) error {
	rows := [][]string{{"curve", "fill", "method", "fraction", "probability", "low", "high"}}
	for _, kind := range []struct {
		name  string
		bands []Band
	}{{"insertion", r.InsertionCurves}, {"deletion", r.DeletionCurves}} {
		for _, b := range kind.bands {
			for _, p := range b.Points {
				rows = append(rows, []string{kind.name, string(b.Fill), string(b.Method), exact(p.Fraction),
					exact(p.Mean), exact(p.Low), exact(p.High)})
			}
		}
	}
	return wholefile.CSV(path, rows)
}

// WritePictures writes a line a picture, measure and method as CSV: image, class, measure, method, value. A report that
// came from JSON has none.
func (r *Report) WritePictures(path string) error {
	rows := [][]string{{"image", "class", "measure", "method", "value"}}
	for _, insertion := range []bool{true, false} { // with both fills before all deletion
		for _, v := range r.values {
			if strings.HasPrefix(v.measure, "insertion") == insertion {
				rows = append(rows, []string{v.image, v.class, v.measure, string(v.method), exact(v.value)})
			}
		}
	}
	return wholefile.CSV(path, rows)
}

// Markdown is the tables for a page: what was measured on what, every measure, how INTR's maps stand to each baseline,
// and the chosen heads (from 1, as people count).
func (r *Report) Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s. Checkpoint %s (SHA-256 %.12s…) on %s; %d steps a curve, seed %d.\n\n", r.Title(),
		r.Checkpoint, r.Digest, r.Engine, r.Steps, r.Seed)
	head, rows := r.Rows()
	line := func(cells []string) {
		text.WriteString("| " + strings.ReplaceAll(strings.Join(cells, " | "), "*", "★") + " |\n")
	}
	line(head)
	text.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	text.WriteString("\n")
	for _, item := range slices.Concat(r.Verdicts(), r.Notes) {
		text.WriteString("- " + item + "\n")
	}
	if len(r.Chosen) > 0 {
		text.WriteString("\n")
		line([]string{"class", "chosen head", "touches the " + r.Target + " in training pictures", "in those measured"})
		text.WriteString("|---|---|---|---|\n")
		for _, c := range r.Chosen {
			line([]string{attention.Plain(c.Name), strconv.Itoa(c.Head + 1), fmt.Sprintf("%d of %d", c.Hits, c.Of),
				fmt.Sprintf("%d of %d", c.UnseenHits, c.Unseen)})
		}
	}
	return text.String()
}

// WriteMarkdown writes them to a file.
func (r *Report) WriteMarkdown(path string) error {
	return wholefile.Bytes(path, []byte(r.Markdown()))
}
