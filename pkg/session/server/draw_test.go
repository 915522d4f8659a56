package server

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/figure/look"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// What the session draws is what package figure draws, to the byte, in every form.
func TestDrawsTheSame(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	a, err := m.AnswerFile(t.Context(), photo, true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	from := m.About().Origin
	o := look.Options{Source: from, ColorBar: true, Width: 300}
	want, err := figure.HeadRow(a.Explanation, 0, 1, p, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &session.HeadRow{Of: a.Subject(from), Layer: 0, Class: 1, Look: o}
	asPNG, err := want.PNG()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, form := range []string{".png", ".svg", ".pdf", ".eps", ".tex", ".npz", ".csv", ".json"} {
		name := filepath.Join(dir, "figure"+form)
		got, err := session.Draw(t.Context(), d, name, form)
		if err != nil {
			t.Fatal(err)
		}
		if err := want.Save(name); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if form == ".png" {
			data = asPNG
		}
		if !bytes.Equal(got.File, data) {
			t.Errorf("as %s it has %d bytes, not the %d that package figure writes", form, len(got.File), len(data))
		}
		if got.Caption != want.Caption() || got.Width != 300 {
			t.Errorf("its caption is %q, its width %v", got.Caption, got.Width)
		}
	}
	if d.Of.Explanation.Weights == nil || d.Of.Answer == "" {
		t.Error("what was asked for was changed by asking")
	}
	_, err = session.Draw(t.Context(), d, "figure.txt", ".txt")
	if err == nil || !strings.Contains(err.Error(), "figure.txt") || strings.Contains(err.Error(), os.TempDir()) {
		t.Errorf("a form that there is not: %v", err)
	}
	d.Layer = 9
	if _, err := session.Draw(t.Context(), d, "", ""); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a layer that there is not: %v", err)
	}
}

// What the session has let go it is sent whole; a file that has changed since is told.
func TestDrawsWhatItForgot(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	p := small(t)
	path := filepath.Join(t.TempDir(), "bird.png")
	write := func(p image.Image) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, p); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	write(p)
	from := m.About().Origin
	read, err := m.AnswerFile(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	given, err := m.AnswerPhoto(t.Context(), "given", p, true)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(a session.Answered) ([]byte, error) {
		d := &session.HeadRow{Of: a.Subject(from), Class: 1}
		drawn, err := session.Draw(t.Context(), d, "", ".png")
		if err != nil {
			return nil, err
		}
		return drawn.File, nil
	}
	answers, before := map[string]session.Answered{"a file": read, "a photograph": given}, map[string][]byte{}
	for name, a := range answers {
		if before[name], err = draw(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Stop(t.Context()); err != nil { // the next call starts another
		t.Fatal(err)
	}
	for name, a := range answers {
		if after, err := draw(a); err != nil || !bytes.Equal(before[name], after) {
			t.Errorf("%s: %d bytes, before %d (%v)", name, len(after), len(before[name]), err)
		}
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(another(p))
	if _, err := draw(read); err == nil || !strings.Contains(err.Error(),
		"another picture than when it was explained") {
		t.Errorf("a file that was changed: %v", err)
	}
	// An explanation of one's own needs no file at all.
	own := &attention.Explanation{Image: "own", Width: 8, Height: 8, Logits: []float32{1, 2}, Layers: 1, Heads: 1,
		Rows: 1,
		Cols: 2, Weights: []float32{0.5, 0.5, 0.25, 0.75}}
	d := &session.HeadRow{Of: session.Subject{Explanation: own, Photo: session.PhotoOf(image.NewNRGBA(image.Rect(0, 0,
		8,
		8)))}, Class: 1}
	if drawn, err := session.Draw(t.Context(), d, "", ".png"); err != nil || len(drawn.File) == 0 {
		t.Errorf("maps of one's own: %v", err)
	}
}

// A study and a guide are kept as long as their caller lives, and what is not there is a sentence.
func TestLooks(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	told := func(string, int, int) {}
	if _, err := m.Study(t.Context(), session.StudyOptions{Dataset: "nowhere", Split: "val", Class: "0"}, told); err ==
		nil || !strings.Contains(err.Error(), "nowhere") || strings.Contains(err.Error(), string(filepath.Separator)+
		"nowhere"+string(filepath.Separator)) && strings.HasPrefix(err.Error(), "/") {
		t.Errorf("a dataset that there is not: %v", err)
	}
	for _, d := range []session.Drawing{&session.Sheet{Kept: "gone"}, &session.StudyPage{Kept: "gone"},
		&session.Plate{Kept: "gone"}, &session.GuidePage{Kept: "gone"}} {
		_, err := session.Draw(t.Context(), d, "x.png", ".png")
		if err == nil || !strings.Contains(err.Error(), "run the cell again") {
			t.Errorf("%T of a session that has ended: %v", d, err)
		}
	}
}
