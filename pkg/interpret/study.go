package interpret

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/model"
)

// Provenance is where the numbers come from.
type Provenance struct {
	Checkpoint string `json:"checkpoint"`                  // path of its file
	SHA256     string `json:"checkpoint_sha256,omitempty"` // of its file, hexadecimal
	Model      string `json:"model,omitempty"`             // the architecture in words
	Engine     string `json:"engine,omitempty"`
	Upright    bool   `json:"upright,omitempty"` // pictures were turned as their files say
	Dataset    string `json:"dataset"`
	Split      string `json:"split"`
	Digest     string `json:"split_digest"` // datasets.Split.Digest
	ClassesBy  string `json:"classes_by"`   // what told the folders' classes: datasets.Labels.By
	Layer      int    `json:"layer"`        // of the decoder, from 0
	TopQ       int    `json:"top_q"`
}

// Study is what was found in the pictures of one subject, a class, or of several, the confusions of a model: the
// numbers of every picture (about 2 kB), a page, a contact sheet, and the raw maps in a file that vanishes with the
// program.
type Study struct {
	Subjects   []*Subject
	Provenance Provenance
	Pictures   []*Picture // without maps, logits and photo

	tally HeadTally
	page  Page
	sheet sheet
	spool *os.File // maps.npz
}

// NewStudy looks at one or more subjects of a dataset, until ctx ends. each, which may be nil, is told of every
// picture, with its maps; its error ends the study. A study must be closed.
func NewStudy(
	ctx context.Context, m model.Model, subjects []*Subject, o Options, each func(*Picture) error,
) (_ *Study, err error) {
	d, from := subjects[0].Dataset, m.About().Origin
	t := &Study{Subjects: subjects, Provenance: Provenance{
		Checkpoint: from.Checkpoint, SHA256: from.SHA256, Model: from.Model, Engine: from.Engine,
		Upright: from.Upright,
		Dataset: d.Split.Root, Split: d.Split.Name, ClassesBy: d.By, Layer: o.Layer, TopQ: o.TopQ,
	}}
	if t.Provenance.Digest, err = d.Split.Digest(ctx); err != nil {
		return nil, err
	}
	if t.spool, err = os.CreateTemp("", "gointr-maps-"); err != nil {
		return nil, fmt.Errorf("the maps cannot be kept: %w", err)
	}
	os.Remove(t.spool.Name()) // it stays as long as it is open
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	total := 0
	for _, s := range subjects {
		total += s.Pictures.Len()
	}
	t.sheet.of = total
	w := bufio.NewWriterSize(t.spool, 1<<20)
	maps := NewMaps(w)
	for _, s := range subjects {
		t.page.Begin(s, float64(s.Pictures.Len())/float64(total))
		for p, err := range s.Each(ctx, m, o) {
			if err == nil && each != nil {
				err = each(p)
			}
			if err == nil {
				err = t.add(p, s, maps)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if err = maps.Close(); err == nil {
		err = w.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("the maps cannot be kept: %w", wholefile.Cause(err))
	}
	return t, nil
}

func (t *Study) add(p *Picture, s *Subject, maps *Maps) error {
	t.Provenance.Layer = p.Layer
	if t.class() {
		t.tally.Add(p)
	}
	if err := t.page.Add(p); err != nil {
		return err
	}
	if err := t.sheet.add(p, s); err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	if err := maps.Add(p); err != nil {
		return fmt.Errorf("the maps cannot be kept: %w", wholefile.Cause(err))
	}
	numbers := *p
	numbers.Maps, numbers.Averages, numbers.Logits, numbers.Photo, numbers.Parts = nil, nil, nil, nil, nil
	t.Pictures = append(t.Pictures, &numbers)
	return nil
}

// class is whether one class is studied, and not confusions.
func (t *Study) class() bool { return t.Subjects[0].Taken < 0 }

// Close lets the maps go.
func (t *Study) Close() { t.spool.Close() }

// Right is how many pictures are right.
func (t *Study) Right() int {
	right := 0
	for _, p := range t.Pictures {
		if p.Right {
			right++
		}
	}
	return right
}

// Heads is what every head does over the pictures of the class; nil where confusions are studied.
func (t *Study) Heads() *Heads {
	if !t.class() {
		return nil
	}
	return t.tally.Report()
}

// Title names what was studied.
func (t *Study) Title() string {
	if t.class() {
		return t.Subjects[0].Name()
	}
	return "What is taken for what"
}

// String is the study in a line.
func (t *Study) String() string {
	p := t.Provenance
	if !t.class() {
		return fmt.Sprintf("%s of %s that are taken for another class, of the pairs that are confused most often",
			pictures(len(t.Pictures)), p.Split)
	}
	n, right := len(t.Pictures), t.Right()
	if right == n {
		return fmt.Sprintf("%s of %s, all of them right", pictures(n), p.Split)
	}
	return fmt.Sprintf("%s of %s: %d right, %d taken for another class", pictures(n), p.Split, right, n-right)
}

// Page is the page of HTML; size is FilePage or NotebookPage.
func (t *Study) Page(size int) ([]byte, error) {
	sought, opens := "its true class", "the true class and for the one it was taken for"
	if t.class() {
		sought, opens = "the class", "the classes that look most alike to the model"
	}
	intro := fmt.Sprintf("%s. Each picture shows where all heads of decoder layer %d together looked for %s; "+
		"it opens to every head, for %s.", t, t.Provenance.Layer+1, sought, opens)
	return t.page.HTML(t.Title(), intro, t.Provenance, t.Heads(), size)
}

// Sheet is a contact sheet: some of the pictures, evenly spaced, right ones first, each with all heads for its true
// class; of confusions also for the class that it was taken for. It is a page wide at most.
func (t *Study) Sheet() (*figure.Plot, error) { return t.sheet.plot(t.Title()) }

// summary is interpret.json.
type summary struct {
	Provenance
	Class    *int       `json:"class,omitempty"`
	Name     string     `json:"name,omitempty"`
	Images   int        `json:"images"`
	Right    int        `json:"right"`
	Confused []confused `json:"confused,omitempty"`
	Heads    *Heads     `json:"over_pictures,omitempty"`
}

type confused struct {
	Class     int    `json:"class"`
	Name      string `json:"name"`
	Taken     int    `json:"taken_for"`
	TakenName string `json:"taken_for_name"`
	Images    int    `json:"images"`
}

// Save writes to a folder, which is made when there is none:
//
//	index.html      the page
//	maps.npz        the raw maps (Maps)
//	interpret.csv   a line a picture
//	heads.csv       a line a head and part (Heads.WriteCSV); of a class only
//	interpret.json  where all this comes from, and sums
//
// Each file appears whole or not at all, interpret.json last.
func (t *Study) Save(dir string) error {
	if err := MakeFolder(dir); err != nil {
		return err
	}
	page, err := t.Page(FilePage)
	if err == nil {
		err = wholefile.Bytes(filepath.Join(dir, "index.html"), page)
	}
	if err != nil {
		return err
	}
	return t.SaveData(dir)
}

// MakeFolder makes a folder, unless it is there.
func MakeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%s cannot be written to: %w", dir, wholefile.Cause(err))
	}
	return nil
}

// SaveData is Save without the page.
func (t *Study) SaveData(dir string) error {
	if err := MakeFolder(dir); err != nil {
		return err
	}
	if err := wholefile.Write(filepath.Join(dir, "maps.npz"), func(w io.Writer) error {
		if _, err := t.spool.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(w, t.spool)
		return err
	}); err != nil {
		return err
	}
	if err := t.writeCSV(filepath.Join(dir, "interpret.csv")); err != nil {
		return err
	}
	sum := summary{Provenance: t.Provenance, Images: len(t.Pictures), Right: t.Right(), Heads: t.Heads()}
	names := t.Subjects[0].Dataset.Names
	if t.class() {
		sum.Class, sum.Name = &t.Subjects[0].Class, names[t.Subjects[0].Class]
		if err := sum.Heads.WriteCSV(filepath.Join(dir, "heads.csv")); err != nil {
			return err
		}
	} else {
		for _, s := range t.Subjects {
			sum.Confused = append(sum.Confused,
				confused{s.Class, names[s.Class], s.Taken, names[s.Taken], s.Pictures.Len()})
		}
	}
	return wholefile.JSON(filepath.Join(dir, "interpret.json"), sum)
}

func (t *Study) writeCSV(path string) error {
	rows := [][]string{{"maps", "image", "class", "name", "right", "predicted", "predicted_name",
		"predicted_probability", "rank", "probability", "similar", "similar_names", "similar_logits", "peaks"}}
	for i, p := range t.Pictures {
		var similar, names, logits, peaks []string
		for _, c := range p.Similar {
			similar, names = append(similar, strconv.Itoa(c.Index)), append(names, attention.Plain(c.Name))
			logits = append(logits, strconv.FormatFloat(float64(c.Logit), 'g', 7, 32))
		}
		for _, peak := range p.Peaks {
			at := ""
			if peak != nil {
				at = fmt.Sprintf("%g,%g", peak[0], peak[1])
			}
			peaks = append(peaks, at)
		}
		number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
		rows = append(rows, []string{
			strconv.Itoa(i), p.Image, strconv.Itoa(p.Class), attention.Plain(p.Name), strconv.FormatBool(p.Right),
			strconv.Itoa(p.Predicted.Index), attention.Plain(p.Predicted.Name), number(p.Predicted.Probability),
			strconv.Itoa(p.Rank), number(p.probability()),
			strings.Join(similar, ";"), strings.Join(names, ";"), strings.Join(logits, ";"), strings.Join(peaks, ";"),
		})
	}
	return wholefile.CSV(path, rows)
}
