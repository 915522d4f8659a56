package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/torchfile"
)

// twoWeights writes a checkpoint with plain weights and a moving average, and one with the numbers of the average only.
func twoWeights(t *testing.T) (both, average string) {
	t.Helper()
	file, err := torchfile.Open(smallEval(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, ema := &torchfile.Dict{Ordered: true}, &torchfile.Dict{Ordered: true}
	for _, tensor := range file.Tensors() {
		values, err := tensor.Float32s(nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(tensor.Name, "query_embed") {
			values = slices.Clone(values)
			for i := range values {
				values[i] *= -0.5
			}
		}
		other, err := torchfile.NewTensor(tensor.Name, tensor.Shape, values)
		if err != nil {
			t.Fatal(err)
		}
		plain.Set(tensor.Name, tensor)
		ema.Set("module."+tensor.Name, other)
	}
	args := &torchfile.Dict{}
	args.Set("nheads", int64(2))
	args.Set("eval_size", int64(96))
	write := func(name string, weights map[string]any) string {
		root := &torchfile.Dict{}
		for key, value := range weights {
			root.Set(key, value)
		}
		root.Set("args", args)
		path := filepath.Join(t.TempDir(), name)
		if err := torchfile.WritePTH(path, root); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("both.pth", map[string]any{"model_ema": ema, "model": plain}),
		write("average.pth", map[string]any{"model": ema})
}

// --weights chooses in every command, here and in a session, and never in silence.
func TestWeights(t *testing.T) {
	both, average := twoWeights(t)
	hereAndThere(t, func(t *testing.T) {
		bird := photo(t, "bird.png", 120, 90)
		logits := func(args ...string) string {
			t.Helper()
			code, stdout, stderr := gointr(append([]string{"predict", bird, "--logits", "--backend", "go"}, args...)...)
			_, said, ok := strings.Cut(stdout, "logits ")
			if code != 0 || !ok {
				t.Fatalf("%v: %d %s%s", args, code, stdout, stderr)
			}
			return said
		}
		first := logits("--checkpoint", both)
		ema := logits("--checkpoint", both, "--weights", "ema")
		if ema == first || ema != logits("--checkpoint", average) || ema != logits("--checkpoint", both, "--weights",
			"model_ema.module") || first != logits("--checkpoint", both, "--weights", "plain") {
			t.Errorf("the answers are %s and %s", first, ema)
		}
	})
	bird, out := photo(t, "bird.png", 60, 60), t.TempDir()
	of := []string{"--checkpoint", both, "--backend", "go"}
	for _, call := range [][]string{
		append([]string{"predict", bird}, of...),
		append([]string{"explain", bird, "--out", filepath.Join(out, "e.png")}, of...),
		append([]string{"eval", "--dataset", evalSet}, of...),
		append([]string{"eval", "--dataset", evalSet, "--batch-size", "3"}, of...),
		append([]string{"interpret", "--dataset", evalSet, "--class-index", "0", "--out", out}, of...),
		append([]string{"faithful", "--dataset", evalSet}, of...),
		append([]string{"fieldguide", "--dataset", evalSet, "--out", filepath.Join(out, "g.html")}, of...),
		append([]string{"bench", bird}, of...),
		{"inspect", both},
		{"convert", both, filepath.Join(out, "c.pth")},
	} {
		code, _, stderr := gointr(append(call, "--weights", "best")...)
		for _, word := range []string{`"best"`, "plain (model)", "ema (model_ema.module)"} {
			if code != 1 || !strings.Contains(stderr, word) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%v: %d %s", call, code, stderr)
			}
		}
	}
	for _, call := range [][]string{
		append([]string{"eval", "--dataset", evalSet, "--json", "--weights", "ema"}, of...),
		{"inspect", both, "--json", "--weights", "ema"},
	} {
		code, stdout, stderr := gointr(call...)
		var said struct{ Weights string }
		if err := json.Unmarshal([]byte(stdout), &said); err != nil || code != 0 ||
			!slices.Contains([]string{"ema", "model_ema.module."}, said.Weights) {
			t.Errorf("%v: %d %s%s", call, code, stdout, stderr)
		}
	}
	if _, stdout, _ := gointr("inspect", both); !strings.Contains(stdout, "ema (model_ema.module)") {
		t.Errorf("inspect says %s", stdout)
	}
	converted := filepath.Join(out, "ema.safetensors")
	if code, _, stderr := gointr("convert", both, converted, "--weights", "ema"); code != 0 {
		t.Fatal(stderr)
	}
	answers := map[string]bool{}
	for _, args := range [][]string{{converted}, {average}, {both, "--weights", "ema"}} {
		_, stdout, _ := gointr(append([]string{"predict", bird, "--logits", "--backend", "go", "--checkpoint"},
			args...)...)
		answers[stdout] = true
	}
	if len(answers) != 1 {
		t.Errorf("what was converted answers otherwise: %v", answers)
	}
	code, _, stderr := gointr("finetune", "--from", "nothing", "--weights", "ema", "--dataset", evalSet, "--out",
		filepath.Join(out, "run"))
	if code == 0 || !strings.Contains(stderr, "random weights") {
		t.Errorf("random weights were chosen: %d %s", code, stderr)
	}
}
