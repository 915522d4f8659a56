package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

// The sample says of a gradient that it is unlike drawn birds, and not of a bird.
func TestPredictLikeness(t *testing.T) { hereAndThere(t, testPredictLikeness) }

func testPredictLikeness(t *testing.T) {
	drawn, _ := birds.Draw(birds.At(2), birds.NewScene(5, "likeness", 2, 1), 160)
	bird, odd := drawing(t, drawn), photo(t, "gradient.png", 160, 160)
	code, stdout, stderr := gointr("predict", bird, odd, "--checkpoint", "sample", "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	for i, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		var r attention.Ranking
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		l := r.Likeness
		if l == nil || l.Level != 0.01 || l.P <= 0 || l.P > 1 || l.Unlike != (i == 1) || l.Unlike != (l.P <= l.Level) {
			t.Errorf("picture %d is %+v", i, l)
		}
	}
	_, stdout, _ = gointr("predict", bird, odd, "--checkpoint", "sample")
	tables := strings.Split(stdout, odd)
	const warning = "unlike the pictures that it was trained on (p = 0.00"
	if len(tables) != 2 || strings.Contains(tables[0], "unlike") || !strings.Contains(tables[1], warning) {
		t.Errorf("people read %q", stdout)
	}
	_, stdout, _ = gointr("explain", odd, "--checkpoint", "sample", "--out", filepath.Join(t.TempDir(), "x.png"))
	if !strings.Contains(stdout, warning) {
		t.Errorf("explain says %q", stdout)
	}
	_, stdout, _ = gointr("explain", odd, "--checkpoint", "sample", "--json", "--out",
		filepath.Join(t.TempDir(), "x.png"))
	if !strings.Contains(stdout, `"level":0.01,"unlike":true}`) {
		t.Errorf("explain says %q", stdout)
	}
	if _, stdout, _ = gointr("predict", odd, "--checkpoint", small, "--json"); strings.Contains(stdout, "likeness") {
		t.Errorf("who knows nothing says %s", stdout)
	}
}

func drawing(t *testing.T, p *picture.Picture) string {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, p); err != nil {
		t.Fatal(err)
	}
	return file(t, "bird.png", data.Bytes())
}

// What eval learns of another's checkpoint convert puts into a copy of it, and so does a dataset; eval then counts.
func TestEvalLikeness(t *testing.T) {
	checkpoint, dir := smallEval(t), t.TempDir()
	set, out := filepath.Join(dir, "birds"), filepath.Join(dir, "out")
	if code, _, stderr := gointr("birds", set, "--classes", "5", "--per-class", "12", "--size", "64"); code != 0 {
		t.Fatal(stderr)
	}
	for _, more := range [][]string{nil, {"--batch-size", "3"}} {
		args := []string{"eval", "--checkpoint", checkpoint, "--dataset", set, "--backend", "go", "--out", out}
		code, stdout, stderr := gointr(append(args, more...)...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "gointr convert "+checkpoint+" NEW.pth --likeness "+
			filepath.Join(out, "likeness.json")) {
			t.Fatalf("%d %s%s", code, stdout, stderr)
		}
	}
	for name, from := range map[string]string{"a.pth": filepath.Join(out, "likeness.json"), "b.safetensors": set} {
		path := filepath.Join(dir, name)
		if code, _, stderr := gointr("convert", checkpoint, path, "--likeness", from); code != 0 {
			t.Fatal(stderr)
		}
		_, stdout, _ := gointr("inspect", path)
		if !strings.Contains(stdout, "unlike those that it was trained on, by 60 of them and 20 held out") {
			t.Errorf("%s is inspected as %.500s", name, stdout)
		}
		again := filepath.Join(dir, name+" again")
		code, stdout, stderr := gointr("eval", "--checkpoint", path, "--dataset", set, "--backend", "go", "--out",
			again)
		if code != 0 || !strings.Contains(stdout, "of 20 pictures are unlike those that it was trained on") ||
			strings.Contains(stdout, "likeness.json") {
			t.Errorf("%d %s%s", code, stdout, stderr)
		}
		f, err := os.Open(filepath.Join(again, "answers.csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || rows[0][6] != "likeness" || len(rows[1][6]) < 2 {
			t.Errorf("answers.csv begins with %q (%v)", rows[:2], err)
		}
	}
	broken := file(t, "likeness.json", []byte(`{"gointr_likeness":1}`))
	for _, c := range []struct {
		in, likeness, says string
	}{
		{small, filepath.Join(out, "likeness.json"), "another checkpoint"},
		{checkpoint, broken, "is no likeness"},
		{checkpoint, "nowhere", "nowhere cannot be read"},
		{"sample", set, "has 5 classes and the model 8"},
		{checkpoint, evalSet, "train"},
	} {
		path := filepath.Join(t.TempDir(), "x.pth")
		code, _, stderr := gointr("convert", c.in, path, "--likeness", c.likeness)
		if _, err := os.Stat(path); code != 1 || !strings.Contains(stderr, c.says) || err == nil {
			t.Errorf("of %s with %s: %d %s", c.in, c.likeness, code, stderr)
		}
	}
	_, stdout, _ := gointr("eval", "--checkpoint", checkpoint, "--dataset", evalSet, "--backend", "go", "--out", out)
	if !strings.Contains(stdout, "No likeness.json: ") || !strings.Contains(stdout, "train") {
		t.Errorf("without train eval says %s", stdout)
	}
}

// inspect says what is wrong with a likeness that is left out.
func TestInspectForeignLikeness(t *testing.T) {
	sample, err := torchfile.Open("../../pkg/hub/sample/sample.pth")
	if err != nil {
		t.Fatal(err)
	}
	defer sample.Close()
	root := &torchfile.Dict{}
	for key, value := range sample.Value().(*torchfile.Dict).All() {
		root.Set(key, value)
	}
	root.Set("gointr_likeness", "something else")
	foreign := filepath.Join(t.TempDir(), "foreign.pth")
	if err := torchfile.WritePTH(foreign, root); err != nil {
		t.Fatal(err)
	}
	const said = "its gointr_likeness cannot be used"
	if code, stdout, _ := gointr("inspect", foreign); code != 0 || !strings.Contains(stdout, "Left out: "+said) {
		t.Errorf("exit %d, %.300s", code, stdout)
	}
	_, stdout, _ := gointr("inspect", foreign, "--json")
	var got inspected
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Config == nil || got.Likeness == nil ||
		!strings.Contains(got.Likeness.Problem, said) {
		t.Errorf("%+v (%v)", got.Likeness, err)
	}
	if code, _, stderr := gointr("predict", photo(t, "a.png", 40, 30), "--checkpoint", foreign); code != 0 {
		t.Error(stderr)
	}
}
