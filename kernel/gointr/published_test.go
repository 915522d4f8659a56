package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Every flag of the published parsers does in every command what the table says.
func TestPublishedFlags(t *testing.T) {
	checkpoint, out := smallEval(t), t.TempDir()
	file, err := torchfile.Open(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, has, err := intr.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	both := copied(t) // a dataset to train on
	if err := os.CopyFS(filepath.Join(both, "train"), os.DirFS(filepath.Join(both, "val"))); err != nil {
		t.Fatal(err)
	}
	calls := map[string][]string{
		"eval": {"eval", "--checkpoint", checkpoint, "--dataset", evalSet},
		"interpret": {"interpret", "--checkpoint", checkpoint, "--dataset", evalSet, "--class-index", "0",
			"--out", out},
		"finetune": {"finetune", "--from", checkpoint, "--dataset", both, "--batch-size", "5", "--out",
			filepath.Join(out, "run")},
	}
	truly := map[string]any{"backbone": has.Backbone, "position_embedding": has.Positions, "nheads": has.Heads,
		"enc_layers": has.EncoderLayers, "dec_layers": has.DecoderLayers, "dim_feedforward": has.FeedForward,
		"hidden_dim": has.HiddenDim, "num_queries": has.Classes}
	other := map[string]string{"backbone": "resnet101", "position_embedding": "learned"}
	counts := map[string]int{}
	for name, call := range calls {
		cmd, _, err := command().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range published {
			what := p.in(name)
			if what == unknown {
				continue
			}
			counts[name]++
			flag := "--" + p.name
			if cmd.Flags().Lookup(p.ours()) == nil {
				t.Errorf("%s has no %s", name, flag)
				continue
			}
			says := func(want int, text string, more ...string) {
				t.Helper()
				args := append(slices.Clone(call), more...)
				code, _, stderr := gointr(append(args, "--backend", "go")...)
				if code != want || !strings.Contains(stderr, text) || strings.Contains(stderr, "goroutine") {
					t.Errorf("%v: %d %s", args, code, stderr)
				}
			}
			if p.takes == "int" || p.takes == "float" {
				says(2, p.ours(), flag, "many")
			}
			value := map[string]string{"int": "1", "float": "0.5", "str": "StepLR"}[p.takes]
			switch {
			case what == idle && p.takes == "bool":
				says(0, flag, flag)
			case what == idle:
				says(0, flag+": no say in "+name, flag, value)
			case what == launching && name != "finetune":
				says(0, flag+" started processes", flag, value)
			case what == engine:
				says(2, "cpu or cuda, not", flag, "tpu")
				says(2, "CUDA_VISIBLE_DEVICES=1", flag, "cuda:1")
				if name != "finetune" {
					says(0, "", flag, "cpu")
				}
			case what == agrees && p.takes == "bool":
				want := map[string]int{"false": 1, "true": 0}[fmt.Sprint(p.name == "pre_norm" && has.PreNorm)]
				says(want, map[int]string{1: p.name}[want], flag)
			case what == agrees:
				wrongly := "7"
				if o := other[p.name]; o != "" {
					wrongly = o
				}
				says(1, fmt.Sprintf("%s %s was asked for", p.name, wrongly), flag, wrongly)
				says(1, fmt.Sprint(" has ", truly[p.name]), flag, wrongly)
				if name != "finetune" {
					says(0, "", flag, fmt.Sprint(truly[p.name]))
				}
			}
		}
	}
	if counts["finetune"] != 35 || counts["eval"] != 35 || counts["interpret"] != 28 {
		t.Errorf("main.py has 35 flags and tools/visualization.py 28, the table %v", counts)
	}
}

// The table in the documents is that of the program.
func TestPublishedTable(t *testing.T) {
	data, err := os.ReadFile("../../docs/coming-from-python.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range published {
		of := func(what string) string {
			if what == unknown {
				return "–"
			}
			return what
		}
		row := fmt.Sprintf("| `--%s` | %s | %s | %s |\n", p.name, of(p.finetune), of(p.eval), of(p.interpret))
		if !strings.Contains(string(data), row) {
			t.Errorf("docs/coming-from-python.md lacks %s", row)
		}
	}
}

// The commands of the published README, word for word behind gointr.
func TestPublishedCalls(t *testing.T) {
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	checkpoint, want := smallEval(t), oracleEvals(t)
	folder := t.TempDir()
	set := copied(t)
	t.Chdir(folder)
	launch := strings.Fields("CUDA_VISIBLE_DEVICES=0,1,2,3 python -m torch.distributed.launch --nproc_per_node=4 " +
		"--master_port 12345 --use_env main.py")
	data := []string{"--dataset_path", filepath.Dir(set), "--dataset_name", filepath.Base(set)}
	eval := append(append(slices.Clone(launch), "--eval", "--resume", checkpoint), data...)
	code, stdout, stderr := gointr(append(eval, "--batch_size", "3", "--device", "cpu")...)
	if code != 0 || !strings.Contains(stderr, "4 processes were asked for") {
		t.Fatal(code, stdout, stderr)
	}
	log, err := os.ReadFile(filepath.Join("output", filepath.Base(set), "output_sub", "log.txt"))
	var line averages
	if err == nil {
		err = json.Unmarshal(log, &line)
	}
	mean := want["3"].BatchMean
	if err != nil || math.Abs(line.Loss-mean.Loss) > 1e-4 || math.Abs(line.Acc1-mean.Acc1) > 1e-9 {
		t.Errorf("log.txt has %s (%v), PyTorch %+v", log, err, mean)
	}
	code, stdout, stderr = gointr(append(eval, "--device", "cpu")...)
	if code != 0 || !strings.Contains(stdout, "over batches of 12") {
		t.Error(code, stdout, stderr)
	}
	// --finetune, with numbered checkpoints at lr_drop and at the end; then what was begun goes on.
	if err := os.Mkdir("datasets", 0o777); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := gointr("birds", "datasets/birds", "--classes", "2", "--per-class", "9", "--size",
		"64"); code != 0 {
		t.Fatal(stderr)
	}
	birds := []string{"--dataset_path", "datasets", "--dataset_name", "birds", "--device", "cpu"}
	train := append(append(slices.Clone(launch), "--finetune", "sample", "--num_queries", "2"), birds...)
	code, _, stderr = gointr(append(train, "--batch_size", "3", "--epochs", "3", "--lr_drop", "2")...)
	if code != 0 {
		t.Fatal(stderr)
	}
	run := "output/birds/output_sub/"
	for name, there := range map[string]bool{"checkpoint.pth": true, "checkpoint0001.pth": true,
		"checkpoint0002.pth": true, "checkpoint0000.pth": false, "log.txt": true} {
		if _, err := os.Stat(run + name); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := append([]string{"python", "main.py", "--resume", run + "checkpoint.pth", "--epochs", "4"}, birds...)
	if code, _, stderr := gointr(again...); code != 0 || !strings.Contains(stderr, "epoch 4 of 4") {
		t.Errorf("%d %s", code, stderr)
	}
	if code, _, stderr := gointr("finetune", "--eval", "--resume", run+"best.pth", "--dataset_path", "datasets",
		"--dataset_name", "birds", "--device", "cpu"); code != 0 {
		t.Errorf("%d %s", code, stderr)
	}
	log, _ = os.ReadFile(run + "log.txt")
	if lines := strings.Split(strings.TrimSpace(string(log)), "\n"); len(lines) != 7 ||
		!strings.HasPrefix(lines[6], `{"loss": `) {
		t.Errorf("log.txt has %s", log)
	}
	look := append(strings.Fields("python -m tools.visualization --eval --resume "+run+"best.pth --class_index 1"),
		birds...)
	if code, _, stderr := gointr(append(look, "--sim_query_heads", "0", "--top_q", "2")...); code != 0 {
		t.Errorf("%d %s", code, stderr)
	}
	heads, _ := filepath.Glob("output/visualization/*/heads/result_head_0.png")
	similar, _ := filepath.Glob("output/visualization/*/head_avg")
	if len(heads) == 0 || len(similar) > 0 {
		t.Errorf("%v are drawn, and %v, which were not asked for", heads, similar)
	}
	for _, c := range []struct{ call, says string }{
		{"python main.py --dataset_path x", "without --finetune begins from"},
		{"main.py --eval --dataset_path x", "random weights"},
		{"python -m tools.visualization --resume x", "shows nothing without --eval"},
		{"torchrun --nproc_per_node=none main.py --finetune x", "--nproc_per_node needs a number"},
		{"python -m torch.distributed.launch --nnodes 2 main.py --finetune x", "--nnodes 2"},
	} {
		code, stdout, stderr := gointr(strings.Fields(c.call)...)
		if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %d %s", c.call, code, stderr)
		}
	}
}
