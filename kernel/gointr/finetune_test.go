package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command of the published README with ours put in front, on drawn birds: it
// trains, tells an epoch a line, goes on, and what it trained predicts.
func TestFineTune(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.Mkdir("datasets", 0o777); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := gointr("birds", "datasets/birds", "--classes", "2", "--per-class", "9", "--size",
		"64"); code != 0 {
		t.Fatal(stderr)
	}
	published := []string{"finetune", "--finetune", "nothing", "--dataset_path", "datasets", "--dataset_name", "birds",
		"--num_queries", "2"}
	quick := []string{"--backend", "go", "--eval_size", "48", "--batch_size", "6", "--epochs", "2", "--lr_scheduler",
		"StepLR", "--lr_drop", "1", "--width", "8", "--json"}
	code, stdout, stderr := gointr(append(published, quick...)...)
	if code != 0 {
		t.Fatal(stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	for i, line := range lines {
		var epoch struct {
			Epoch    int
			TestAcc1 *float64 `json:"test_acc1"`
		}
		if err := json.Unmarshal([]byte(line), &epoch); err != nil || epoch.Epoch != i || epoch.TestAcc1 == nil {
			t.Errorf("line %d is %q (%v)", i, line, err)
		}
	}
	log, err := os.ReadFile("output/birds/output_sub/log.txt")
	if err != nil || len(lines) != 2 || string(log) != stdout {
		t.Errorf("log.txt has %q, and said was %q (%v)", log, stdout, err)
	}
	if !strings.Contains(stderr, "epoch 2 of 2: loss ") {
		t.Errorf("standard error has %q", stderr)
	}
	if code, _, stderr := gointr("finetune", "--resume", "output/birds/output_sub", "--epochs", "3", "--backend",
		"go"); code != 0 || !strings.Contains(stderr, "epoch 3 of 3") {
		t.Errorf("gone on with, it ends with %d: %s", code, stderr)
	}
	if code, stdout, stderr := gointr("inspect", "output/birds/output_sub/best.pth"); code != 0 ||
		!strings.Contains(stdout, "2 classes") {
		t.Errorf("the best model is inspected as %q %s", stdout, stderr)
	}
	code, stdout, stderr = gointr("predict", "datasets/birds/val", "--checkpoint", "output/birds/output_sub/best.pth",
		"--backend", "go")
	if code != 0 || !strings.Contains(stdout, "Bunting") {
		t.Errorf("the best model predicts %q %s", stdout, stderr)
	}

	for name, c := range map[string]struct {
		code int
		says string
		args []string
	}{
		"a run that is there":   {1, "holds a training already", published},
		"no dataset":            {1, "no dataset was named", []string{"finetune", "--from", "sample"}},
		"two datasets":          {2, "name the same folder", append(published, "--dataset", "x")},
		"a dataset that is not": {1, "there is no folder", []string{"finetune", "--dataset", "nowhere"}},
		"another number": {1, "200 queries were asked for, and", []string{"finetune", "--from", "sample",
			"--dataset", "datasets/birds", "--num-queries", "200", "--out", "x"}},
		"an architecture": {1, "enc_layers 7 was asked for", []string{"finetune", "--from", "sample",
			"--enc-layers", "7", "--dataset", "datasets/birds", "--out", "x"}},
		"heads that it says": {1, "nheads 2 was asked for", []string{"finetune", "--from", "sample", "--nheads",
			"2", "--dataset", "datasets/birds", "--out", "x"}},
		"dilation that it says": {1, "dilation true was asked for", []string{"finetune", "--from", "sample",
			"--dilation", "--dataset", "datasets/birds", "--out", "x"}},
		"no layers": {2, "--enc-layers 0 cannot be asked", []string{"finetune", "--from", "sample",
			"--enc-layers", "0", "--dataset", "datasets/birds", "--out", "x"}},
		"a drop without steps": {2, "--lr-drop belongs to StepLR", []string{"finetune", "--from", "nothing",
			"--lr-drop", "3", "--dataset", "datasets/birds", "--out", "x"}},
		"a run's learning rate": {2, "--lr cannot be another", []string{"finetune", "--resume",
			"output/birds/output_sub",
			"--lr", "1"}},
		"a start and a checkpoint": {2, "--noise-frac begins a training", []string{"finetune", "--resume",
			"output/birds/output_sub/checkpoint.pth", "--dataset", "datasets/birds", "--noise_frac",
			"0", "--out", "x"}},
		"a checkpoint's width": {1, "width 32 was asked for",
			[]string{"finetune", "--resume", "output/birds/output_sub/checkpoint.pth", "--dataset", "datasets/birds",
				"--width", "32", "--out", "x", "--freeze", "none", "--train-batchnorm"}},
		"blocks that are none": {2, "four numbers", []string{"finetune", "--from", "nothing", "--blocks", "many"}},
		"a part that is not there": {1, "there is no part \"beak\"", []string{"finetune", "--from", "sample",
			"--freeze", "beak", "--dataset", "datasets/birds", "--out", "x"}},
		"a run that is not there": {1, "there is no run nowhere", []string{"finetune", "--resume", "nowhere"}},
		"a folder without a run":  {1, "holds no training", []string{"finetune", "--resume", "datasets"}},
		"fewer epochs": {1, "cannot go on for 1", []string{"finetune", "--resume", "output/birds/output_sub",
			"--epochs", "1"}},
	} {
		code, stdout, stderr := gointr(append(c.args, "--backend", "go")...)
		if code != c.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %d, %q", name, code, stderr)
		}
		if _, err := os.Stat("x"); err == nil {
			t.Errorf("%s: a folder was made", name)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "output", "birds", "output_sub", "curves.png")); err != nil {
		t.Error(err)
	}
}
