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
// numbers of every picture (about 2 kB), and the raw maps in a file that vanishes with the program. Package album draws
// it.
type Study struct {
	Subjects   []Studied  `json:"subjects"`
	Provenance Provenance `json:"provenance"`
	Pictures   []*Picture `json:"pictures"` // without maps, logits and photo
	// Heads is what every head does over the pictures of the class; nil where confusions are studied.
	Heads *Heads `json:"heads"`

	tally HeadTally
	spool *os.File // maps.npz
}

// Studied is a Subject that was looked at.
type Studied struct {
	Class     int    `json:"class"`
	Name      string `json:"name"`
	Taken     int    `json:"taken_for"` // -1 where the whole class was looked at
	TakenName string `json:"taken_for_name"`
	Images    int    `json:"images"`
}

// NewStudy looks at one or more subjects of a dataset, until ctx ends. each, which may be nil, is told of every
// picture, with its maps, and of which subject it is; its error ends the study. A study must be closed.
func NewStudy(
	ctx context.Context, m model.Model, subjects []*Subject, o Options, each func(*Picture, *Subject) error,
) (_ *Study, err error) {
	d, from := subjects[0].Dataset, m.About().Origin
	t := &Study{Provenance: Provenance{
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
	for _, s := range subjects {
		of := Studied{Class: s.Class, Name: d.Names[s.Class], Taken: s.Taken, Images: s.Pictures.Len()}
		if s.Taken >= 0 {
			of.TakenName = d.Names[s.Taken]
		}
		t.Subjects = append(t.Subjects, of)
	}
	w := bufio.NewWriterSize(t.spool, 1<<20)
	maps := NewMaps(w)
	for _, s := range subjects {
		for p, err := range s.Each(ctx, m, o) {
			if err == nil && each != nil {
				err = each(p, s)
			}
			if err == nil {
				err = t.add(p, maps)
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
	if t.class() {
		t.Heads = t.tally.Report()
	}
	return t, nil
}

func (t *Study) add(p *Picture, maps *Maps) error {
	t.Provenance.Layer = p.Layer
	if t.class() {
		t.tally.Add(p)
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

// Title names what was studied.
func (t *Study) Title() string {
	if t.class() {
		return attention.Plain(t.Subjects[0].Name)
	}
	return "What is taken for what"
}

// String is the study in a line.
func (t *Study) String() string {
	p := t.Provenance
	if !t.class() {
		return fmt.Sprintf("%s of %s that are taken for another class, of the pairs that are confused most often",
			Counted(len(t.Pictures)), p.Split)
	}
	n, right := len(t.Pictures), t.Right()
	if right == n {
		return fmt.Sprintf("%s of %s, all of them right", Counted(n), p.Split)
	}
	return fmt.Sprintf("%s of %s: %d right, %d taken for another class", Counted(n), p.Split, right, n-right)
}

// summary is interpret.json.
type summary struct {
	Provenance
	Class    *int      `json:"class,omitempty"`
	Name     string    `json:"name,omitempty"`
	Images   int       `json:"images"`
	Right    int       `json:"right"`
	Confused []Studied `json:"confused,omitempty"`
	Heads    *Heads    `json:"over_pictures,omitempty"`
}

// MakeFolder makes a folder, unless it is there.
func MakeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%s cannot be written to: %w", dir, wholefile.Cause(err))
	}
	return nil
}

// SaveData writes to a folder, which is made when there is none, all but the page of album.Album.Save.
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
	sum := summary{Provenance: t.Provenance, Images: len(t.Pictures), Right: t.Right(), Heads: t.Heads}
	if t.class() {
		sum.Class, sum.Name = &t.Subjects[0].Class, t.Subjects[0].Name
		if err := sum.Heads.WriteCSV(filepath.Join(dir, "heads.csv")); err != nil {
			return err
		}
	} else {
		sum.Confused = t.Subjects
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
			strconv.Itoa(p.Rank), number(p.Probability()),
			strings.Join(similar, ";"), strings.Join(names, ";"), strings.Join(logits, ";"), strings.Join(peaks, ";"),
		})
	}
	return wholefile.CSV(path, rows)
}

// Counted is a number of pictures in words.
func Counted(n int) string {
	if n == 1 {
		return "1 picture"
	}
	return fmt.Sprintf("%d pictures", n)
}
