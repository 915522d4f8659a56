package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/torchfile"
)

const evalSet = "testdata/eval" // 11 pictures of 5 classes

// smallEval is the small checkpoint, said to be trained on pictures of 96 pixels.
func smallEval(t *testing.T) string {
	t.Helper()
	file, err := torchfile.Open(small)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var tensors []*torchfile.Tensor
	for _, tensor := range file.Tensors() {
		if name, ok := strings.CutPrefix(tensor.Name, "model."); ok {
			renamed := *tensor
			renamed.Name = name
			tensors = append(tensors, &renamed)
		}
	}
	path := filepath.Join(t.TempDir(), "small.safetensors")
	if err := torchfile.WriteSafetensors(path, tensors,
		map[string]string{"args": `{"nheads": 2, "eval_size": 96}`}); err != nil {
		t.Fatal(err)
	}
	return path
}

// oracleEval is what internal/oracle/evaluate.py says.
type oracleEval struct {
	Images    int                  `json:"images"`
	Acc1      float64              `json:"acc1"`
	Acc5      float64              `json:"acc5"`
	Loss      float64              `json:"loss"`
	BatchMean averages             `json:"batch_mean"`
	Logits    map[string][]float32 `json:"logits"`
}

func oracleEvals(t *testing.T) map[string]oracleEval {
	t.Helper()
	data, err := os.ReadFile("testdata/eval.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]oracleEval
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// agree compares an evaluation, and every picture of it, with PyTorch's.
func agree(t *testing.T, got evaluated, out string, want oracleEval) {
	t.Helper()
	near := func(what string, got, want, within float64) {
		t.Helper()
		if !(math.Abs(got-want) <= within) {
			t.Errorf("%s is %v, in PyTorch %v", what, got, want)
		}
	}
	near("the number of pictures", float64(got.Images), float64(want.Images), 0)
	near("acc1", got.Acc1, want.Acc1, 1e-9)
	near("acc5", got.Acc5, want.Acc5, 1e-9)
	near("the loss", got.Loss, want.Loss, 1e-4)
	if got.BatchSize > 1 {
		near("acc1 over batches", got.BatchMean.Acc1, want.BatchMean.Acc1, 1e-9)
		near("acc5 over batches", got.BatchMean.Acc5, want.BatchMean.Acc5, 1e-9)
		near("the loss over batches", got.BatchMean.Loss, want.BatchMean.Loss, 1e-4)
	} else if got.BatchMean != nil {
		t.Error("pictures alone are averaged over batches")
	}
	f, err := os.Open(filepath.Join(out, "answers.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != want.Images+1 {
		t.Fatalf("%d answers are written (%v)", len(rows)-1, err)
	}
	tally := evaluation.New(make([]string, len(got.Classes)))
	worst := 0.0
	for i, row := range rows[1:] {
		class, _, _ := strings.Cut(strings.TrimPrefix(row[0], got.Split+"/"), "/")
		index := -1
		for j, c := range got.Classes {
			if strings.HasSuffix(strings.ReplaceAll(class, "_", " "), c.Name) {
				index = j
			}
		}
		if err := tally.Add(row[0], index, want.Logits[strings.TrimPrefix(row[0], got.Split+"/")]); err != nil {
			t.Fatal(err)
		}
		r, err := tally.Report()
		if err != nil {
			t.Fatal(err)
		}
		loss, _ := strconv.ParseFloat(row[5], 64)
		near("the loss of "+row[0], loss, r.Answers[i].Loss, 1e-3)
		worst = max(worst, math.Abs(loss-r.Answers[i].Loss))
		if rank := strconv.Itoa(r.Answers[i].Rank); row[3] != rank || row[1] == "" {
			t.Errorf("%s has rank %s, in PyTorch %s", row[0], row[3], rank)
		}
	}
	t.Logf("the losses of %d pictures are within %.2g", want.Images, worst)
}

// The numbers are PyTorch's, alone and in batches as published, on every engine,
// in this process and in a session.
func TestEval(t *testing.T) {
	checkpoint, want := smallEval(t), oracleEvals(t)
	hereAndThere(t, func(t *testing.T) {
		for _, engine := range []string{"go", "xla"} {
			if _, err := backend.Open(engine); err != nil {
				t.Logf("skipped on %s: %v", engine, err)
				continue
			}
			for batch := range want {
				if batch != "1" && strings.HasSuffix(t.Name(), "session") {
					continue // batches are answered here
				}
				out := filepath.Join(t.TempDir(), "new", "out")
				code, stdout, stderr := gointr("eval", "--checkpoint", checkpoint, "--dataset", evalSet, "--batch_size",
					batch, "--backend", engine, "--out", out, "--json")
				if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1 {
					t.Fatalf("%d, %q, %q", code, stdout, stderr)
				}
				var line, kept evaluated
				if err := json.Unmarshal([]byte(stdout), &line); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(filepath.Join(out, "report.json"))
				if err != nil || json.Unmarshal(data, &kept) != nil ||
					fmt.Sprint(kept.Report) != fmt.Sprint(line.Report) {
					t.Errorf("report.json has other numbers (%v)", err)
				}
				agree(t, line, out, want[batch])
			}
		}
	})
}

// Four devices answer as one, to the bit.
func TestEvalDevices(t *testing.T) {
	engine, err := backend.Open("xla")
	if err != nil || engine.NumDevices() < 4 {
		t.Skipf("skipped: XLA with four devices is needed (%v)", err)
	}
	checkpoint := smallEval(t)
	var answers []string
	for _, devices := range []string{"1", "4"} {
		out := t.TempDir()
		code, _, stderr := gointr("eval", "--checkpoint", checkpoint, "--dataset", evalSet, "--batch-size", "3",
			"--devices", devices, "--backend", "xla", "--out", out)
		if code != 0 {
			t.Fatal(stderr)
		}
		data, err := os.ReadFile(filepath.Join(out, "answers.csv"))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(data))
	}
	if answers[0] != answers[1] {
		t.Errorf("four devices answer otherwise than one:\n%s\n%s", answers[1], answers[0])
	}
}

// What people read, and what lies in --out.
func TestEvalText(t *testing.T) {
	out := t.TempDir()
	names := file(t, "names.txt", []byte("001.Wren\n002.Rook\n003.Crow\n004.Owl\nGreater Gull\n"))
	code, stdout, stderr := gointr("eval", "--checkpoint", smallEval(t), "--dataset", evalSet, "--classes", names,
		"--batch-size", "3", "--backend", "go", "--out", out)
	if code != 0 || stderr != "" {
		t.Fatal(code, stderr)
	}
	for _, want := range []string{"val of testdata/eval: 11 pictures of 5 classes", "9.09 %",
		"95 % interval 1.6 to 37.7 %", "2.7834", "Most often confused:", " taken for ", "Worst classes:",
		"over batches of 3: acc1 8.33 %, acc5 100.00 %, loss 2.7347", "Greater Gull", "Written to " + out} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	for _, name := range []string{"confusion.png", "calibration.png"} {
		f, err := os.Open(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := png.DecodeConfig(f); err != nil || c.Width < 900 {
			t.Errorf("%s is %+v (%v)", name, c, err)
		}
		f.Close()
	}
	for name, begins := range map[string]string{"confusion.pdf": "%PDF-", "calibration.pdf": "%PDF-",
		"classes.csv": "index,class,images", "answers.csv": "image,class,predicted", "report.json": "{",
		"log.txt": `{"loss": 2.7`} {
		if data, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.HasPrefix(string(data), begins) {
			t.Errorf("%s begins with %.20q (%v)", name, data, err)
		}
	}
	if list, _ := os.ReadDir(out); len(list) != 8 {
		t.Errorf("there are %d files in it", len(list))
	}
}

// copied is a copy of the pictures, to be spoilt.
func copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "birds")
	if err := os.CopyFS(dir, os.DirFS(evalSet)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Unreadable pictures are told together, before any is answered, or left out.
func TestEvalBad(t *testing.T) {
	checkpoint, dir := smallEval(t), copied(t)
	for _, name := range []string{"val/001.Wren/2.png", "val/004.Owl/1.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no picture"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call := []string{"eval", "--checkpoint", checkpoint, "--dataset", dir, "--backend", "go", "--json"}
	code, stdout, stderr := gointr(call...)
	if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	for _, want := range []string{"2 of the 11 pictures", "001.Wren/2.png", "004.Owl/1.png", "--skip-bad"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in %q", want, stderr)
		}
	}
	code, stdout, stderr = gointr(append(call, "--skip-bad")...)
	var line evaluated
	if err := json.Unmarshal([]byte(stdout), &line); code != 0 || err != nil || strings.Count(stderr, "skipped") != 2 {
		t.Fatalf("%d, %q, %q", code, stdout, stderr)
	}
	if line.Images != 9 || fmt.Sprint(line.Skipped) != "[val/001.Wren/2.png val/004.Owl/1.png]" {
		t.Errorf("%d pictures are left without %v", line.Images, line.Skipped)
	}
	want := oracleEvals(t)["1"]
	for _, class := range line.Classes {
		right, n := 0, 0
		for path, logits := range want.Logits {
			if !strings.Contains(path, class.Name) || path == "001.Wren/2.png" || path == "004.Owl/1.png" {
				continue
			}
			n++
			best := 0
			for i, v := range logits {
				if v > logits[best] {
					best = i
				}
			}
			if best == class.Index {
				right++
			}
		}
		if class.Images != n || math.Abs(class.Acc1-100*float64(right)/float64(n)) > 1e-9 {
			t.Errorf("%+v, in PyTorch %d of %d", class, right, n)
		}
	}
}

func TestEvalMistakes(t *testing.T) {
	checkpoint, dir := smallEval(t), t.TempDir()
	fruit := file(t, "fruit.txt", []byte("001.Wren\n002.Rook\napple\nbanana\ncherry\n"))
	swapped := file(t, "swapped.txt", []byte("002.Rook\n001.Wren\n003.Crow\n004.Owl\n005.Gull\n"))
	notFolder := file(t, "out", []byte("mine"))
	for _, c := range []struct {
		code int
		says []string
		args []string
	}{
		{2, []string{"--dataset"}, []string{"--checkpoint", checkpoint}},
		{2, []string{"--checkpoint"}, []string{"--dataset", evalSet, "--checkpoint", ""}},
		{2, []string{"--batch-size", "at least 1"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--batch-size", "0"}},
		{2, []string{"--devices", "at least 1"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--devices", "-1"}},
		{2, []string{"flags only"}, []string{evalSet, "--checkpoint", checkpoint}},
		{1, []string{"no folder train in"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--split", "train"}},
		{1, []string{"no folder", "none"}, []string{"--dataset", filepath.Join(dir, "none"), "--checkpoint",
			checkpoint}},
		{1, []string{"none.pth"}, []string{"--dataset", evalSet, "--checkpoint", "none.pth"}},
		{1, []string{"the folder 003.Crow", "--by-order"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--classes", fruit}},
		{1, []string{"001.Wren is class 1", "class 0 among the folders"}, []string{"--dataset", evalSet, "--checkpoint",
			checkpoint, "--classes", swapped}},
		{1, []string{" has 1 device here", "no device 1"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--devices", "2"}},
		{1, []string{notFolder, "not a directory"}, []string{"--dataset", evalSet, "--checkpoint", checkpoint,
			"--out", notFolder}},
	} {
		code, stdout, stderr := gointr(append([]string{"eval", "--backend", "go"}, c.args...)...)
		if code != c.code || stdout != "" || strings.Count(stderr, "\n") != 1 ||
			!strings.HasPrefix(stderr, "gointr: ") {
			t.Errorf("eval %v: %d, %q, %q", c.args, code, stdout, stderr)
		}
		for _, want := range c.says {
			if !strings.Contains(stderr, want) {
				t.Errorf("eval %v: %q does not say %q", c.args, stderr, want)
			}
		}
	}
}

// PyTorch itself, on the photographs beside the checkout.
func TestEvalInPyTorch(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with PyTorch (see internal/oracle/README.md)")
	}
	root, dir := shared.Root(), t.TempDir()
	checkpoint := filepath.Join(dir, "birds.pth")
	const script = `
import argparse, sys, torch
sys.path.insert(0, sys.argv[1])
import intr_torch as ref
torch.manual_seed(1)
c = ref.config(blocks=[1, 1, 1, 0], width=8, bottleneck=False, hidden_dim=32, nheads=4, enc_layers=1, dec_layers=2,
    dim_feedforward=64, num_queries=10)
m = ref.INTR(c)
with torch.no_grad():
    for name, t in m.state_dict().items():
        if "presence" in name: t.mul_(5)
        if "running_mean" in name: t.copy_(torch.randn(t.shape))
c.eval_size = 128
torch.save({"model": m.state_dict(), "args": argparse.Namespace(**vars(c))}, sys.argv[2])
`
	if message, err := exec.Command(python, "-c", script, filepath.Join(root, "internal", "oracle"), checkpoint).
		CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	dataset := filepath.Join(shared.Dir(t), "data", "cub10")
	for _, batch := range []string{"1", "6"} {
		answer, err := exec.Command(python, filepath.Join(root, "internal", "oracle", "evaluate.py"), checkpoint,
			filepath.Join(dataset, "val"), "--batch-size", batch, "--size", "128").Output()
		if err != nil {
			t.Fatal(err)
		}
		var want oracleEval
		if err := json.Unmarshal(answer, &want); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		code, stdout, stderr := gointr("eval", "--checkpoint", checkpoint, "--dataset", dataset, "--batch-size", batch,
			"--backend", "go", "--out", out, "--json")
		if code != 0 {
			t.Fatal(stderr)
		}
		var got evaluated
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		agree(t, got, out, want)
		t.Logf("in batches of %s: %v, in PyTorch acc1 %.2f, acc5 %.2f, loss %.6f; over batches %+v, in PyTorch %+v",
			batch, got.Report, want.Acc1, want.Acc5, want.Loss, got.BatchMean, want.BatchMean)
	}
}
