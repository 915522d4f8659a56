package notebook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/server"
)

var checkpoint, photo string

// TestMain lets this program be the session, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "session" && os.Args[2] == "serve" {
		ready := func(killed string) { session.Announce(killed, nil) }
		if err := server.Serve(context.Background(), server.Options{}, ready); err != nil {
			session.Announce("", err)
		}
		return
	}
	checkpoint = filepath.Join(shared.Root(), "pkg", "intr", "testdata", "basic.pth")
	photo = filepath.Join(shared.Root(), "notebooks", "bunting.jpg")
	os.Unsetenv(session.ProgramVariable)
	session.Program, _ = os.Executable()
	os.Exit(shared.Main(m))
}

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
	five := []byte("1 001.Wren\n2 002.Sooty_Albatross\n3 003.<b>\n4 004.Rook\n5 005.Crow\n")
	if err := os.WriteFile(names, five, 0o644); err != nil {
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
	table := strings.Split(printed(t, func() { bird.Top(3).Show() }), "\n")
	if len(table) != 5 || !strings.Contains(table[0], "Probability") ||
		!strings.Contains(table[1], best) || !strings.Contains(table[1], "%") {
		t.Errorf("the table is %q", table)
	}
	row := "Attention for " + best + ", decoder layer 2, 2 heads"
	if got := printed(t, func() { bird.Show() }); !strings.HasPrefix(got, row) {
		t.Errorf("the figure is told as %q", got)
	}
	if got := printed(t, func() { Picture(photo).Show() }); got != "bunting.jpg, 640 × 480 pixels\n" {
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
	for name, magic := range map[string]string{
		"a.png": "\x89PNG", "a.pdf": "%PDF", "a.svg": "<?xml", "a.npz": "PK", "a.json": `{"provenance":{"gointr":`,
		"a.csv": "image,label,", "a.tex": "% \\begin{figure}",
	} {
		bird.Save(filepath.Join(out, name))
		if data, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.HasPrefix(string(data), magic) {
			t.Errorf("%s begins with %.8q (%v)", name, data, err)
		}
	}
	column := func(o *FigureOptions) { o.Width = Width("cvpr") }
	for name, c := range map[string]struct {
		make func() *Figure
		told string
	}{
		"compared.png": {func() *Figure { return bird.Compare("rook", "Crow") },
			"Attention for Rook and Crow, decoder layer 2"},
		"layers.svg": {func() *Figure { return bird.Layers() }, "Attention for " + best + " in 2 decoder layers"},
		"versus.eps": {func() *Figure { return bird.Difference("Rook", "crow", column) },
			"Attention for Rook minus that for Crow, decoder layer 2"},
		"film.pdf": {func() *Figure { return bird.Film(figure.Mean) },
			"Attention for " + best + " through 2 decoder layers"},
	} {
		var f *Figure
		if said := printed(t, func() { f = c.make() }); said != "" {
			t.Errorf("making %s said %q", name, said)
		}
		said := printed(t, func() { f.Show().Save(filepath.Join(out, name)) })
		if !strings.HasPrefix(said, c.told) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s is told as %q", name, said)
		}
	}
	grid := Grid([]Row{bird.Row("Rook"), bird.Row("")}, attention.Last, []int{1}, column)
	grid.Save(filepath.Join(out, "grid.csv"))
	for _, want := range []string{`\texttt{bunting.jpg}`, `\texttt{basic.pth} (SHA-256 `, "5 classes"} {
		if got := grid.Caption(); !strings.Contains(got, want) {
			t.Errorf("%q is not in the caption %q", want, got)
		}
	}
	told := "Explorer of " + photo + ", predicted to be " + best
	if got := printed(t, func() { bird.Explore().Show() }); !strings.HasPrefix(got, told) {
		t.Errorf("the explorer is told as %q", got)
	}
	bird.Save(filepath.Join(out, "a.html"))
	page, _ := os.ReadFile(filepath.Join(out, "a.html"))
	if !strings.HasPrefix(string(page), "<!DOCTYPE html>") {
		t.Errorf("the page begins with %.20q", page)
	}
	for _, name := range []string{"compared.png", "layers.svg"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("%s is not there or nearly empty (%v)", name, err)
		}
	}
	if bird.Took.Forward <= 0 {
		t.Errorf("it took %+v", bird.Took)
	}

	bird.Layer(0, "rook", func(o *FigureOptions) { o.Columns = 2 }).Save(filepath.Join(out, "rook.png"))
	bird.Heads("sooty albatross").Save(filepath.Join(out, "albatross.png"))
	rook, _ := os.ReadFile(filepath.Join(out, "rook.png"))
	albatross, _ := os.ReadFile(filepath.Join(out, "albatross.png"))
	if len(rook) == 0 || len(albatross) == 0 || string(rook) == string(albatross) {
		t.Error("figures of two classes are the same, or not there")
	}
}

// Every picture of a folder is explained, in order, as if it were alone.
func TestExplainAll(t *testing.T) {
	model := Open(checkpoint, Backend("go"))
	folder := t.TempDir()
	want := map[string]float32{}
	for i := range 6 {
		p := picture.New(1333, 30+i)
		for j := range p.Pix {
			p.Pix[j] = uint8(j * (i + 3))
		}
		var data bytes.Buffer
		if err := png.Encode(&data, p); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, fmt.Sprintf("%d.png", i))
		if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		want[path] = model.Explain(path).Best().Logit
	}
	var seen []string
	text := printed(t, func() {
		for bird := range model.ExplainAll(folder) {
			seen = append(seen, bird.Numbers.Image)
			if got := bird.Best().Logit; got != want[bird.Numbers.Image] {
				t.Errorf("%s has the logit %v, alone %v", bird.Numbers.Image, got, want[bird.Numbers.Image])
			}
		}
	})
	if len(seen) != 6 || !slices.IsSorted(seen) || !strings.HasPrefix(text, "6 of 6 pictures explained in ") {
		t.Errorf("explained %q and said %q", seen, text)
	}
	// Who has seen enough leaves.
	text = printed(t, func() {
		for range model.ExplainAll(folder) {
			break
		}
	})
	if !strings.HasPrefix(text, "1 of 6 pictures, then the loop ended") {
		t.Errorf("it said %q", text)
	}
	const several = "4 of 9 pictures could not be explained: a; b; c; and 1 more"
	if got := together([]string{"a", "b", "c", "d"}, 9); got != several {
		t.Errorf("several mistakes are told as %q", got)
	}
}

// A cell that names no checkpoint says once what the sample knows.
func TestSampleByDefault(t *testing.T) {
	if os.Getenv("GOINTR_TEST_CELL") != "" {
		Open("sample", Backend("go"))
		for range 2 {
			Open("", Backend("go"))
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSampleByDefault$")
	cmd.Env = append(os.Environ(), "GOINTR_TEST_CELL=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	const said = "sample knows eight drawn birds only: notebook.Open(\"cub\") chooses another\n"
	if err := cmd.Run(); err != nil || stderr.String() != said {
		t.Errorf("it ended with %v and said %q", err, stderr.String())
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
