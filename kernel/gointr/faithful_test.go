package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
)

func TestFaithful(t *testing.T) {
	data := t.TempDir() // as evalSet, with boxes and pictures to choose heads on
	for _, split := range []string{"train", "val"} {
		if err := os.CopyFS(filepath.Join(data, split), os.DirFS(filepath.Join(evalSet, "val"))); err != nil {
			t.Fatal(err)
		}
	}
	text := "path,x,y,width,height\n"
	for _, split := range []string{"train", "val"} {
		s, err := datasets.OpenSplit(data, split)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Len() {
			text += s.Key(i) + ",1,1,20,20\n"
		}
	}
	boxes := filepath.Join(t.TempDir(), "mine.csv")
	if err := os.WriteFile(boxes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"faithful", "--backend", "go", "--checkpoint", smallEval(t), "--dataset", data, "--parts", boxes,
		"--max_images", "2", "--steps", "2", "--seed", "4", "--out", out}
	var stdout, stderr strings.Builder
	if code := run(t.Context(), append(args, "--json"), &stdout, &stderr); code != 0 {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	var line map[string]json.RawMessage
	if err := json.Unmarshal([]byte(stdout.String()), &line); err != nil || strings.Count(stdout.String(), "\n") != 1 {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	for _, key := range []string{"checkpoint", "checkpoint_sha256", "engine", "gointr", "dataset_digest", "seed",
		"insertion", "deletion", "pointing", "energy", "random_all", "heads"} {
		if line[key] == nil {
			t.Errorf("%s is not in the JSON", key)
		}
	}
	if string(line["images"]) != "2" || string(line["seed"]) != "4" || string(line["target"]) != `"whole animal"` {
		t.Errorf("%s images, seed %s, %s", line["images"], line["seed"], line["target"])
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"curves.csv", "curves.pdf", "curves.png", "measures.pdf", "measures.png", "pictures.csv",
		"report.json", "table.csv", "table.md"}; !slices.Equal(names, want) {
		t.Errorf("written were %q", names)
	}
	for _, wrong := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"faithful"}, 2, "no dataset"},
		{[]string{"faithful", "--dataset", data, "--steps", "0"}, 2, "steps"},
		{[]string{"faithful", "--dataset", data, "--insertion", "black"}, 2, "no fill"},
		{[]string{"faithful", "--dataset", filepath.Join(data, "none"), "--backend", "go", "--checkpoint",
			"sample"}, 1, "none"},
		{[]string{"faithful", "--dataset", data, "--backend", "go", "--checkpoint", smallEval(t), "--parts",
			filepath.Join(data, "none.csv")}, 1, "none.csv"},
	} {
		var stdout, stderr strings.Builder
		if code := run(t.Context(), wrong.args, &stdout, &stderr); code != wrong.code ||
			!strings.Contains(stderr.String(), wrong.says) || strings.Count(stderr.String(), "\n") != 1 ||
			stdout.Len() > 0 {
			t.Errorf("%q ends with %d and says %q", wrong.args, code, stderr.String())
		}
	}
}
