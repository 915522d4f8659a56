package notebook

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

var (
	checkpoint = filepath.Join(shared.Root(), "pkg", "intr", "testdata", "basic.pth")
	photo      = filepath.Join(shared.Root(), "notebooks", "bunting.jpg")
)

// printed is what f prints: these tests run as a program started by hand, not in
// a notebook. The tests in notebooks/tests see what a notebook shows.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	text := make(chan string)
	go func() {
		all, _ := io.ReadAll(r)
		text <- string(all)
	}()
	f()
	os.Stdout = stdout
	w.Close()
	return <-text
}

func TestByHand(t *testing.T) {
	names := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(names, []byte("1 001.Wren\n2 002.Sooty_Albatross\n3 003.<b>\n4 004.Rook\n5 005.Crow\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	model := Open(checkpoint, ClassFile(names), Backend("go"))
	if s := model.String(); !strings.Contains(s, "5 classes, on ") {
		t.Errorf("the model calls itself %q", s)
	}
	bird := model.Explain(photo)
	best := attention.Plain(bird.Best().Name)
	if got := bird.Sentence(); got != "Species predicted by INTR is: "+best {
		t.Errorf("the sentence is %q", got)
	}
	table := strings.Split(printed(t, func() { bird.Top(3) }), "\n")
	if len(table) != 4 || !strings.Contains(table[0], best) || !strings.Contains(table[0], "%") {
		t.Errorf("the table is %q", table)
	}
	if got := printed(t, bird.Show); !strings.HasPrefix(got, "Attention for "+best+", decoder layer 2, 2 heads") {
		t.Errorf("the figure is told as %q", got)
	}
	if got := printed(t, Picture(photo).Show); got != "bunting.jpg, 640 × 480 pixels\n" {
		t.Errorf("the picture is told as %q", got)
	}

	sum := float32(0)
	for _, v := range bird.Map(attention.Last, 1).Values {
		sum += v
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("a map sums to %v", sum)
	}

	out := t.TempDir()
	for name, magic := range map[string]string{"a.png": "\x89PNG", "a.pdf": "%PDF", "a.svg": "<?xml", "a.npz": "PK"} {
		bird.Save(filepath.Join(out, name))
		if data, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.HasPrefix(string(data), magic) {
			t.Errorf("%s begins with %.8q (%v)", name, data, err)
		}
	}
	bird.Figure("rook", 0, figure.Options{Columns: 2}).Save(filepath.Join(out, "rook.png"))
	bird.Heads("sooty albatross").Save(filepath.Join(out, "albatross.png"))
	rook, _ := os.ReadFile(filepath.Join(out, "rook.png"))
	albatross, _ := os.ReadFile(filepath.Join(out, "albatross.png"))
	if len(rook) == 0 || len(albatross) == 0 || string(rook) == string(albatross) {
		t.Error("figures of two classes are the same, or not there")
	}
}

// TestCheck runs itself as a program whose mistake ends it.
func TestCheck(t *testing.T) {
	if os.Getenv("GOINTR_TEST_MISTAKE") != "" {
		Check(nil)
		Check(errors.New("this went\n  wrong"))
		t.Fatal("Check came back")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCheck$")
	cmd.Env = append(os.Environ(), "GOINTR_TEST_MISTAKE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || stderr.String() != "this went wrong\n" {
		t.Errorf("it ended with %v and said %q", err, stderr.String())
	}
}
