package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
)

// fewBirds is two pictures to look at of each of the sample's species.
func fewBirds(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "birds")
	o := birds.Defaults
	o.PerClass, o.Seed = 6, 8
	if err := birds.Write(t.Context(), dir, o, func() {}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestInterpret(t *testing.T) {
	dataset := fewBirds(t)
	hereAndThere(t, func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "out")
		code, stdout, stderr := gointr("interpret", "--backend", "go", "--dataset", dataset, "--class",
			"collared bunting", "--top-q", "3", "--out", out, "--json")
		if code != 0 || strings.Count(stdout, "\n") != 2 {
			t.Fatalf("%d %s%s", code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			var p struct {
				Image, Out string
				Class      int
				Right      bool
				Similar    []struct{ Class int }
				Map        [2]int `json:"feature_map"`
				Peaks      []*[2]float64
			}
			if err := json.Unmarshal([]byte(line), &p); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(p.Image, "val/004.Collared_Bunting/") || p.Class != 3 || len(p.Similar) != 3 ||
				p.Right != (p.Similar[0].Class == 3) || p.Map[0] == 0 || len(p.Peaks) == 0 || p.Out != out {
				t.Errorf("%s", line)
			}
		}
		for _, name := range []string{"index.html", "maps.npz", "interpret.csv", "heads.csv", "interpret.json"} {
			if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		var sum struct {
			SHA256 string `json:"checkpoint_sha256"`
		}
		data, _ := os.ReadFile(filepath.Join(out, "interpret.json"))
		if err := json.Unmarshal(data, &sum); err != nil || len(sum.SHA256) != 64 {
			t.Errorf("where it comes from: %s", data)
		}
	})
	// The published call, with --out and a checkpoint of ours.
	out := filepath.Join(t.TempDir(), "output")
	code, stdout, stderr := gointr("interpret", "--backend", "go", "--eval", "--resume", "sample", "--dataset_path",
		filepath.Dir(dataset), "--dataset_name", filepath.Base(dataset), "--class_index", "3", "--top_q", "2",
		"--output_dir", out, "--layout", "published")
	if code != 0 || !strings.HasPrefix(stdout, "Collared Bunting: 2 pictures of val") ||
		!strings.Contains(stdout, "Written to "+out+": visualization/") {
		t.Fatalf("%d %s%s", code, stdout, stderr)
	}
	for _, name := range []string{"heads/result_head_0.png", "heads/avg_head.png", "head_avg/avg_head_3.png",
		"head_0/result_query_3.png"} {
		if _, err := os.Stat(filepath.Join(out, "visualization", "00000", name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "index.html")); err == nil {
		t.Error("a page stands beside the published folders")
	}
}

// Pictures laid into another species' folder are what is confused.
func TestInterpretConfused(t *testing.T) {
	dataset := fewBirds(t)
	for _, name := range []string{"00000.png", "00001.png"} {
		wrong := filepath.Join(dataset, "val", "001.Dagger_billed_Bunting", name)
		if err := os.Rename(wrong, filepath.Join(dataset, "val", "008.Plumed_Bunting", "again-"+name)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dataset, "val", "004.Collared_Bunting", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(wrong, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := gointr("interpret", "--backend", "go", "--dataset", dataset, "--confused", "1", "--out",
		out, "--json")
	if code != 0 || strings.Count(stdout, "\n") != 2 {
		t.Fatalf("%d %s%s", code, stdout, stderr)
	}
	for line := range strings.Lines(stdout) {
		if !strings.Contains(line, `"right":false`) || strings.Count(line, `"logit"`) != 3 {
			t.Errorf("%s", line)
		}
	}
	page, _ := os.ReadFile(filepath.Join(out, "index.html"))
	if !strings.Contains(string(page), " taken for ") {
		t.Error("the page does not say what is taken for what")
	}
}

func TestInterpretMistakes(t *testing.T) {
	dataset := fewBirds(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--class", "1", "--out", out}, 2, "no dataset was named"},
		{[]string{"--dataset", dataset, "--class", "1"}, 2, "no folder to write to was named"},
		{[]string{"--dataset", dataset, "--out", out}, 2, "no class was named"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--class-index", "1"}, 2,
			"both choose the class"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--confused", "2"}, 2,
			"--confused looks at pairs"},
		{[]string{"--dataset", dataset, "--out", out, "--confused", "0"}, 2, "at least 1 pair"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--top-q", "0"}, 2, "--top-q must be at least 1"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--layer", "-2"}, 2, "--layer counts from 0"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--layout", "x"}, 2,
			"--layout is page or published"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--checkpoint", "cub", "--resume", "cub"}, 2,
			"are the same"},
		{[]string{"--dataset", dataset, "--dataset-name", "x", "--out", out, "--class", "1"}, 2,
			"name the same folder"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "dodo", "--checkpoint", "sample"}, 1,
			`no class is named "dodo"`},
		{[]string{"--dataset", dataset, "--out", out, "--class-index", "8", "--checkpoint", "sample"}, 1,
			"class 8 does not exist"},
		{[]string{"--dataset", dataset, "--out", out, "--class", "1", "--layer", "9", "--checkpoint", "sample"}, 1,
			"decoder layer 9 does not exist"},
		{[]string{"--dataset", dataset, "--split", "test", "--out", out, "--class", "1"}, 1, "there is no folder test"},
	} {
		code, stdout, stderr := gointr(append([]string{"interpret", "--backend", "go"}, c.args...)...)
		if code != c.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: %d %s%s", c.args, code, stdout, stderr)
		}
	}
	damaged := filepath.Join(dataset, "val", "001.Dagger_billed_Bunting", "00001.png")
	if err := os.WriteFile(damaged, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	call := []string{"interpret", "--backend", "go", "--dataset", dataset, "--class-index", "0", "--out", out}
	if code, _, stderr := gointr(call...); code != 1 ||
		!strings.Contains(stderr, "1 of the 2 pictures in "+filepath.Dir(damaged)+" cannot be read") {
		t.Errorf("%d %s", code, stderr)
	}
	if entries, _ := os.ReadDir(out); len(entries) > 0 {
		t.Errorf("%d files are left behind mistakes", len(entries))
	}
	if code, stdout, stderr := gointr(append(call, "--skip-bad")...); code != 0 ||
		!strings.Contains(stdout, "1 picture of val") || !strings.Contains(stderr, "skipped "+damaged) {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
}
