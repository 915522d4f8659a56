package notebook

import (
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/picture"
)

// dataset is one of five classes, whose pictures are strips, which are small.
func dataset(t *testing.T) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	for i, bird := range []string{"001.Wren", "002.Rook", "003.<b>", "004.Owl", "005.Gull"} {
		folder := filepath.Join(dir, "val", bird)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for k := range 2 {
			p := picture.New(1333, 30+3*k)
			for j := range p.Pix {
				p.Pix[j] = uint8(j * (i + 2*k + 3))
			}
			path := filepath.Join(folder, string('a'+rune(k))+".png")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, p); err != nil {
				t.Fatal(err)
			}
			f.Close()
			paths = append(paths, path)
		}
	}
	return dir, paths
}

func TestEvaluate(t *testing.T) {
	model := Open(checkpoint, Backend("go"))
	dir, paths := dataset(t)
	var e *Evaluation
	said := printed(t, func() { e = model.Evaluate(dir) })
	if !strings.HasPrefix(said, "10 pictures of 5 classes evaluated in ") {
		t.Errorf("it said %q", said)
	}
	// The same as counted by hand from explanations.
	right, loss := 0, 0.0
	for i, path := range paths {
		class := i / 2
		bird := model.Explain(path)
		if bird.Best().Index == class {
			right++
		}
		loss -= math.Log(bird.Numbers.Ranking(-1, false).Top[rank(bird, class)].Probability) / 10
		a := e.Report.Answers[i]
		if a.Predicted != bird.Best().Index || a.Class != class || a.Rank != rank(bird, class)+1 {
			t.Errorf("%s was answered %+v, explained as %v", path, a, bird.Best())
		}
	}
	if r := e.Report; r.Images != 10 || r.Acc1 != 10*float64(right) || math.Abs(r.Loss-loss) > 1e-5 {
		t.Errorf("%v; by hand %d are right, with a loss of %v", r, right, loss)
	}
	if got := e.String(); !strings.Contains(got, "10 pictures") {
		t.Errorf("it calls itself %q", got)
	}
	shown := printed(t, func() { e.Show() })
	for _, want := range []string{"acc1", "95 % interval", "acc5", "loss", "ECE", "of 5 classes"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in %q", want, shown)
		}
	}
	worst := printed(t, func() { e.Worst(2).Show() })
	if strings.Count(worst, "\n") != 3 || !strings.Contains(worst, "Most often taken for") {
		t.Errorf("the worst are %q", worst)
	}
	out := t.TempDir()
	for name, f := range map[string]*Figure{
		"Confusion of 5 classes": e.Confusion(), "Calibration, ECE ": e.Calibration(),
	} {
		if got := printed(t, func() { f.Show() }); !strings.HasPrefix(got, name) {
			t.Errorf("a figure is told as %q", got)
		}
		path := filepath.Join(out, "figure.svg")
		f.Save(path)
		if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), "</svg>") {
			t.Errorf("%s was not saved: %v", name, err)
		}
	}
	// Another split.
	if err := os.Rename(filepath.Join(dir, "val"), filepath.Join(dir, "test")); err != nil {
		t.Fatal(err)
	}
	printed(t, func() {
		again := model.Evaluate(dir, func(o *EvaluateOptions) { o.Split = "test" })
		if again.Report.Loss != e.Report.Loss {
			t.Errorf("the same pictures are %v", again)
		}
	})
}

// rank is the place of a class, from 0.
func rank(e *Explanation, class int) int {
	for i, c := range e.Numbers.Top(e.Numbers.Classes()) {
		if c.Index == class {
			return i
		}
	}
	return -1
}

// TestEvaluateMistakes runs itself as programs that mistakes end.
func TestEvaluateMistakes(t *testing.T) {
	if dir := os.Getenv("GOINTR_TEST_MISTAKE"); dir != "" {
		split := func(o *EvaluateOptions) { o.Split = os.Getenv("GOINTR_TEST_SPLIT") }
		Open(checkpoint, Backend("go")).Evaluate(dir, split)
		t.Fatal("Evaluate came back")
	}
	bad, paths := dataset(t)
	if err := os.WriteFile(paths[3], []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	many, _ := dataset(t)
	from := os.DirFS(filepath.Join(many, "val", "004.Owl"))
	if err := os.CopyFS(filepath.Join(many, "val", "006.Jay"), from); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, split, want string }{
		{bad, "val", "1 of the 10 pictures in"},
		{bad, "val", "gointr eval --skip-bad"},
		{many, "val", "has 6 classes, but the model has 5"},
		{many, "train", "there is no folder train"},
		{many, "train val", "there is no folder train val"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestEvaluateMistakes$")
		cmd.Env = append(os.Environ(), "GOINTR_TEST_MISTAKE="+c.dir, "GOINTR_TEST_SPLIT="+c.split)
		said, err := cmd.CombinedOutput()
		if err == nil || strings.Count(string(said), "\n") != 1 || !strings.Contains(string(said), c.want) {
			t.Errorf("%q: it ended with %v and said %q", c.want, err, said)
		}
	}
}
