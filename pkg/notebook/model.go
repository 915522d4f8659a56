package notebook

import (
	"context"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// Model is a checkpoint, ready to look at pictures. It lives in the session, a
// process that stays between cells (package session).
type Model struct {
	m       *session.Model
	backend string // as it was asked for
	weights string // too
}

// OpenOptions are choices for Open.
type OpenOptions struct {
	ClassFile string // with the names of the classes, see ClassFile; "" has those that the checkpoint knows
	Backend   string // the engine: "auto" (the default, also ""), "xla", "cuda" or "go"
	Upright   bool   // turns pictures as their files say, see Upright
	Weights   string // of a checkpoint that holds several, see Weights; "" is the plain ones
}

// ClassFile names the classes from a file: CUB's classes.txt, a name a line, or JSON.
func ClassFile(path string) func(*OpenOptions) { return func(o *OpenOptions) { o.ClassFile = path } }

// Backend chooses the engine: "auto" (the default), "xla", "cuda" or "go".
func Backend(kind string) func(*OpenOptions) { return func(o *OpenOptions) { o.Backend = kind } }

// Upright turns the pictures of files as their orientation tags say, wherever the model reads them, with the boxes and
// parts that are known of them; the published code takes them as they lie, and so does Open without it:
//
//	var model = notebook.Open("cub", notebook.Upright())
//
// A photo at hand is turned by Photo.Upright.
func Upright() func(*OpenOptions) { return func(o *OpenOptions) { o.Upright = true } }

// Weights chooses among those of a checkpoint that holds several: "plain", "ema" (a moving average), or where they
// stand, as gointr inspect names it.
func Weights(which string) func(*OpenOptions) { return func(o *OpenOptions) { o.Weights = which } }

// Open gives a checkpoint: a path to a .pth or .safetensors file, the name of a
// published one ("cub", "bird", "butterfly") or "hf:OWNER/REPO/FILE"; "" is the
// sample, and the cell says what that knows. The first cell that opens it has the
// session load it; in later cells, and other notebooks, it costs about a millisecond,
// so that
//
//	var model = notebook.Open("cub")
//
// can stand at the top of a notebook.
func Open(checkpoint string, options ...func(*OpenOptions)) *Model {
	if checkpoint == "" {
		checkpoint = "sample"
		sample()
	}
	o := with(OpenOptions{}, options)
	asked := session.Options{Backend: o.Backend, Weights: o.Weights, Progress: os.Stderr, Upright: o.Upright}
	if o.ClassFile != "" {
		asked.Names = must(datasets.ReadClasses(o.ClassFile))
	}
	m, err := session.Open(context.Background(), checkpoint, asked)
	if err != nil && o.ClassFile != "" {
		err = fmt.Errorf("%w (the names are those of %s)", err, o.ClassFile)
	}
	Check(err)
	return &Model{m, o.Backend, o.Weights}
}

// sample says, once in a cell, what the sample knows where nobody named a checkpoint.
var sample = sync.OnceFunc(func() {
	fmt.Fprintln(os.Stderr, `sample knows eight drawn birds only: notebook.Open("cub") chooses another`)
})

// String says what the model is and which engine it runs on.
func (m *Model) String() string {
	from := m.m.About().Origin
	return from.Model + ", on " + from.Engine
}

// Explain ranks the classes for one picture and keeps where each was seen.
func (m *Model) Explain(path string) *Explanation {
	e := m.explained(m.m.AnswerFile(context.Background(), path, true))
	wholefile.Keep(path)
	lying()
	return e
}

// lying says in one line how many pictures were read as they lie though they are marked as turned.
func lying() {
	if n := picture.Lying(); n > 0 {
		fmt.Fprintf(os.Stderr, "pictures that are marked as turned, and were taken as they lie as in the published "+
			"code: %d; notebook.Open(…, notebook.Upright()) turns them\n", n)
	}
}

// ExplainPhoto is Explain for a photo at hand, as it is after edits:
//
//	photo := notebook.Picture("bird.png")
//	before, after := model.ExplainPhoto(photo), model.ExplainPhoto(photo.Without("beak"))
//	before.Versus(after).Show()
func (m *Model) ExplainPhoto(photo *Photo) *Explanation {
	return m.explained(m.m.AnswerPhoto(context.Background(), photo.name, photo.p, true))
}

func (m *Model) explained(a session.Answered, err error) *Explanation {
	Check(err)
	return &Explanation{Numbers: a.Explanation, Took: a.Took, subject: a.Subject(m.m.About().Origin)}
}

// ExplainAll explains every picture of a folder and of the folders in it, in
// the order of their names, with a progress bar below the cell:
//
//	for bird := range model.ExplainAll("photos") {
//		fmt.Println(bird.Numbers.Image, bird.Best().Name)
//	}
//
// Pictures that cannot be read are passed over, and told together at the end,
// which then ends the cell.
func (m *Model) ExplainAll(folder string) iter.Seq[*Explanation] {
	return func(yield func(*Explanation) bool) {
		paths := must(picture.List(folder))
		var bar bar
		bar.at("", 0, len(paths))
		var failed []string
		taken := 0
		for a, err := range m.m.Answers(context.Background(), paths, true) {
			taken++
			if err != nil {
				failed = append(failed, err.Error())
			}
			bar.at("", taken, len(paths))
			if err == nil && !yield(m.explained(a, nil)) {
				bar.end("%d of %d pictures, then the loop ended", taken, len(paths))
				return
			}
		}
		bar.end("%d of %d pictures explained", len(paths)-len(failed), len(paths))
		if len(failed) > 0 {
			fail("%s", together(failed, len(paths)))
		}
	}
}

// together tells of several mistakes in a few words.
func together(failed []string, of int) string {
	const told = 3
	some := strings.Join(failed[:min(told, len(failed))], "; ")
	text := fmt.Sprintf("%d of %d pictures could not be explained: %s", len(failed), of, some)
	if len(failed) > told {
		text += fmt.Sprintf("; and %d more", len(failed)-told)
	}
	return text
}
