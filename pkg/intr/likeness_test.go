package intr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

// known are pictures as a model answers them.
type known struct{ Pooled, Logits [][]float32 }

// answering is a model that answers the picture "3" as the fourth of those it knows.
type answering struct {
	model.Model
	known
}

func (a answering) Each(_ context.Context, paths []string) iter.Seq2[*attention.Explanation, error] {
	return func(yield func(*attention.Explanation, error) bool) {
		for _, path := range paths {
			i := 0
			fmt.Sscan(path, &i)
			if !yield(&attention.Explanation{Pooled: a.Pooled[i], Logits: a.Logits[i]}, nil) {
				return
			}
		}
	}
}

func numbered(from, to int) (paths []string) {
	for i := from; i < to; i++ {
		paths = append(paths, fmt.Sprint(i))
	}
	return paths
}

// The numbers are those of NumPy, which computes them from their definition (internal/oracle/likeness.py).
func TestLikeness(t *testing.T) {
	data, err := os.ReadFile("testdata/likeness.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Training, Asked        known
		HeldOut                known `json:"held_out"`
		Distances, Energies, P []float64
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	n := len(f.Training.Pooled)
	all := answering{known: known{append(f.Training.Pooled, f.HeldOut.Pooled...),
		append(f.Training.Logits, f.HeldOut.Logits...)}}
	told := 0
	l, err := intr.Measure(t.Context(), all, numbered(0, n), numbered(n, len(all.Pooled)),
		func(done, _ int) { told = done })
	if err != nil || told != len(all.Pooled) || l.Pictures != n {
		t.Fatal(err, told)
	}
	for i := range f.Distances {
		if math.Abs(float64(l.Distances[i])/f.Distances[i]-1) > 1e-5 ||
			math.Abs(float64(l.Energies[i])-f.Energies[i]) > 1e-5 {
			t.Errorf("picture %d has distance %v and energy %v, in NumPy %v and %v", i, l.Distances[i], l.Energies[i],
				f.Distances[i], f.Energies[i])
		}
	}
	for i, p := range f.P {
		got := intr.Compare(l, &attention.Explanation{Pooled: f.Asked.Pooled[i], Logits: f.Asked.Logits[i]})
		if math.Abs(got.P-p) > 1e-12 || got.Level != 1.0/31 || got.Unlike != (p <= 1.0/31) {
			t.Errorf("picture %d is %+v, in NumPy its p is %v", i, got, p)
		}
	}
	for _, few := range [][2]int{{18, 30}, {30, 18}} {
		if _, err := intr.Measure(t.Context(), all, numbered(0, few[0]), numbered(n, n+few[1]), nil); err == nil ||
			!strings.Contains(err.Error(), "19 training and 19 held-out") {
			t.Errorf("of %v pictures: %v", few, err)
		}
	}
	same := make([]string, 30)
	for i := range same {
		same[i] = "7"
	}
	if _, err := intr.Measure(t.Context(), all, same, same, nil); err == nil ||
		!strings.Contains(err.Error(), "the same") {
		t.Errorf("of one picture, thirty times: %v", err)
	}
}

// likeBasic is what thirty noisy pictures are like to a small model.
func likeBasic(t *testing.T) (*intr.Likeness, *picture.Picture) {
	t.Helper()
	m := open(t, "testdata/basic.pth", "go")
	defer m.Close()
	var k known
	var last *picture.Picture
	for i := range 50 {
		last = picture.New(40, 30)
		for j := range last.Pix {
			last.Pix[j] = uint8((j*j/7 + i*j) >> (i % 3))
		}
		e, err := m.Explain(t.Context(), "noise", last)
		if err != nil {
			t.Fatal(err)
		}
		k.Pooled, k.Logits = append(k.Pooled, e.Pooled), append(k.Logits, e.Logits)
	}
	l, err := intr.Measure(t.Context(), answering{known: k}, numbered(0, 30), numbered(30, 50), nil)
	if err != nil {
		t.Fatal(err)
	}
	return l, last
}

// A checkpoint keeps its likeness in both formats, there and back, and every engine answers by it.
func TestLikenessKept(t *testing.T) {
	l, like := likeBasic(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := l.Write(path("likeness.json")); err != nil {
		t.Fatal(err)
	}
	read, err := intr.ReadLikeness(path("likeness.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		in, out string
		like    *intr.Likeness
	}{{"testdata/basic.pth", "a.pth", read}, {path("a.pth"), "b.safetensors", nil},
		{path("b.safetensors"), "c.pth", nil}, {"testdata/basic.pth", "d.pth", nil}} {
		c, err := intr.Convert(t.Context(), step.in, path(step.out), intr.Like(step.like))
		if err != nil || c.Likeness != (step.out != "d.pth") {
			t.Fatalf("%s became %+v (%v)", step.in, c, err)
		}
	}
	before := openFile(t, path("d.pth"))
	if err := l.Attach(path("d.pth")); err != nil {
		t.Fatal(err)
	}
	after := openFile(t, path("d.pth"))
	if len(after.Tensors()) != len(before.Tensors()) {
		t.Errorf("%d tensors became %d", len(before.Tensors()), len(after.Tensors()))
	}
	if err := l.Attach(path("b.safetensors")); err == nil {
		t.Error("a .safetensors is written anew")
	}
	wider := *l
	wider.Mean = append([]float32{0}, l.Mean...)
	if c, err := intr.Convert(t.Context(), "testdata/basic.pth", path("x.pth"), intr.Like(&wider)); err == nil {
		t.Errorf("a likeness of another width was taken: %+v", c)
	}
	var want *attention.Explanation
	enginetest.Each(t, func(t *testing.T, engine string) {
		names := []string{"a.pth", "b.safetensors", "c.pth", "d.pth"}
		if engine != "go" {
			names = names[:1] // it compiles for seconds
		}
		for _, name := range names {
			m := open(t, path(name), engine)
			defer m.Close()
			all, _, err := m.Answer(t.Context(), false, like.Eval(m.Config.EvalSize))
			if err != nil {
				t.Fatal(err)
			}
			got := all[0]
			if got.Likeness == nil || got.Likeness.Level != 1.0/21 || got.Likeness.Unlike ||
				len(got.Pooled) != len(l.Mean) {
				t.Fatalf("%s: a picture like the others is %+v", name, got.Likeness)
			}
			if want == nil {
				want = got
			}
			if *got.Likeness != *want.Likeness {
				t.Errorf("%s: %+v became %+v", name, want.Likeness, got.Likeness)
			}
			for i, v := range want.Pooled {
				if math.Abs(float64(got.Pooled[i]-v)) > 1e-5 {
					t.Fatalf("%s: pooled number %d is %v, and was %v", name, i, got.Pooled[i], v)
				}
			}
			flat := picture.New(64, 64)
			if all, _, err = m.Answer(t.Context(), false, flat.Eval(m.Config.EvalSize)); err != nil {
				t.Fatal(err)
			}
			if !all[0].Likeness.Unlike || all[0].Likeness.Warning() == "" {
				t.Errorf("%s: a black picture is %+v", name, all[0].Likeness)
			}
		}
	})
}

// What is no likeness is left out, and the model answers.
func TestForeignLikeness(t *testing.T) {
	l, _ := likeBasic(t)
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	stray, err := torchfile.NewTensor("stray", []int{5, 32}, make([]float32, 160))
	if err != nil {
		t.Fatal(err)
	}
	inside := &torchfile.Dict{}
	inside.Set("query_embed.weight", stray)
	wider := *l
	wider.Mean = append([]float32{1}, l.Mean...)
	wider.Whitening = make([]float32, len(wider.Mean)*(len(wider.Mean)+1)/2)
	wide, err := json.Marshal(&wider)
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string { return strings.Replace(string(text), old, new, 1) }
	for name, c := range map[string]struct {
		value any
		says  string
	}{
		"cut short":        {string(text[:len(text)/2]), "not as it was written"},
		"nothing":          {"", "not as it was written"},
		"a list":           {torchfile.List{int64(1)}, "is no text"},
		"weights":          {inside, "is no text"},
		"of tomorrow":      {swap(`"gointr_likeness":1`, `"gointr_likeness":2`), "version 2"},
		"of another model": {string(wide), "width"},
		"of no pictures":   {swap(`"energies":[`, `"energies":[1,`), "energies"},
		"words":            {swap(`"mean":[`, `"mean":["a",`), "not as it was written"},
		"too large":        {swap(`"mean":[`, `"mean":[1e99,`), "not as it was written"},
		"without a mean":   {swap(`"mean":[`, `"average":[`), "do not go together"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.pth")
			if _, err := intr.Convert(t.Context(), "testdata/basic.pth", path); err != nil {
				t.Fatal(err)
			}
			root := &torchfile.Dict{}
			for key, value := range openFile(t, path).Value().(*torchfile.Dict).All() {
				root.Set(key, value)
			}
			root.Set("gointr_likeness", c.value)
			path = filepath.Join(t.TempDir(), "b.pth")
			if err := torchfile.WritePTH(path, root); err != nil {
				t.Fatal(err)
			}
			file := openFile(t, path)
			_, config, err := intr.Inspect(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := intr.LikenessOf(file, config); got != nil || err == nil ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("it is taken for %v (%v)", got, err)
			}
			m := open(t, path, "go")
			defer m.Close()
			if e, err := m.Explain(t.Context(), "flat", picture.New(40, 30)); err != nil || e.Likeness != nil {
				t.Errorf("it answers %v (%v)", e, err)
			}
			out := filepath.Join(t.TempDir(), "c.pth")
			if c, err := intr.Convert(t.Context(), path, out); err != nil || c.Likeness {
				t.Errorf("it is converted as %+v (%v)", c, err)
			}
		})
	}
}

// PyTorch opens what has a likeness as it does what has none, and finds text.
func TestLikenessInPyTorch(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with PyTorch (see internal/oracle/README.md)")
	}
	l, _ := likeBasic(t)
	dir := t.TempDir()
	pth, safetensors := filepath.Join(dir, "a.pth"), filepath.Join(dir, "a.safetensors")
	for _, out := range []string{pth, safetensors} {
		if _, err := intr.Convert(t.Context(), "testdata/basic.pth", out, intr.Like(l)); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
import json, sys, torch
from safetensors import safe_open
was = torch.load(sys.argv[1], weights_only=False)
now = torch.load(sys.argv[2], weights_only=True)
assert list(was["model"]) == list(now["model"]), "other names, or another order"
assert all(torch.equal(now["model"][key], t) for key, t in was["model"].items())
like = json.loads(now["gointr_likeness"])
assert len(like["mean"]) == now["model"]["query_embed.weight"].shape[1], like["mean"]
with safe_open(sys.argv[3], "pt") as f:
    assert set(f.keys()) == set(now["model"]), f.keys()
    assert json.loads(f.metadata()["gointr_likeness"]) == like
`
	message, err := exec.Command(python, "-c", script, "testdata/basic.pth", pth, safetensors).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, message)
	}
}
