package notebook

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/faithful"
)

func TestFaithful(t *testing.T) {
	model := Open(checkpoint, Backend("go"))
	dir, _ := dataset(t)
	var f *Faithfulness
	said := printed(t, func() {
		f = model.Faithful(dir, func(o *FaithfulOptions) { o.MaxImages, o.Steps = 2, 2 })
	})
	if !strings.HasPrefix(said, "2 pictures measured") {
		t.Errorf("it said %q", said)
	}
	r := f.Report
	if r.Images != 2 || r.Dataset != dir || r.Digest != model.m.About().Origin.SHA256 || r.Engine == "" ||
		r.Measure("insertion").Of(faithful.GradCAM) == nil || r.Measure("random_all").Of(faithful.Heads) == nil ||
		r.Measure("pointing") != nil {
		t.Errorf("%+v", r)
	}
	shown := printed(t, func() { f.Show() })
	for _, want := range []string{
		"2 pictures of", "insertion area over a blur", "Grad-CAM", "neither parts.csv nor boxes.csv",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in %q", want, shown)
		}
	}
	out := t.TempDir()
	for _, name := range []string{"r.json", "r.csv", "r.md"} {
		f.Save(filepath.Join(out, name))
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !strings.Contains(string(text), "insertion") {
			t.Errorf("%s: %v, %.100s", name, err, text)
		}
	}
	f.Measures().Save(filepath.Join(out, "measures.pdf"))
	f.Curves().Save(filepath.Join(out, "curves.png"))
}

// A mistake ends the cell with a sentence.
func TestFaithfulMistake(t *testing.T) {
	if dir := os.Getenv("GOINTR_TEST_FAITHFUL"); dir != "" {
		Open(checkpoint, Backend("go")).Faithful(dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFaithfulMistake$")
	cmd.Env = append(os.Environ(), "GOINTR_TEST_FAITHFUL="+filepath.Join(t.TempDir(), "none"))
	text, err := cmd.CombinedOutput()
	said := strings.TrimSpace(string(text))
	if err == nil || strings.Contains(said, "\n") || !strings.Contains(said, "none") {
		t.Errorf("%v: %q", err, text)
	}
}
