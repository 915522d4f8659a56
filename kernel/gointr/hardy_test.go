package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No command writes over what it reads, by whatever path or link it is named.
func TestInputsStay(t *testing.T) {
	dir := t.TempDir()
	copied := func(from, name string) (string, []byte) {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path, data
	}
	photo, pixels := copied("../../notebooks/bird.png", "p.png")
	checkpoint, weights := copied(small, "c.pth")
	link := filepath.Join(dir, "link.png")
	if err := os.Symlink(photo, link); err != nil {
		t.Skip("skipped: links cannot be made here")
	}
	for _, args := range [][]string{
		{"explain", photo, "--backend", "go", "--out", photo},
		{"explain", photo, "--backend", "go", "--out", link},
		{"explain", link, "--backend", "go", "--out", filepath.Join(dir, "..", filepath.Base(dir), "p.png")},
		{"convert", checkpoint, checkpoint},
	} {
		code, _, stderr := gointr(args...)
		if code != 1 || !strings.Contains(stderr, "name another file") || strings.Count(stderr, "\n") > 2 {
			t.Errorf("%q: exit %d, %q", args, code, stderr)
		}
	}
	for path, was := range map[string][]byte{photo: pixels, checkpoint: weights} {
		if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, was) {
			t.Errorf("%s was changed (%v)", path, err)
		}
	}
}

// Numbers that no training can use are told before anything is made.
func TestImpossibleTrainings(t *testing.T) {
	dataset := t.TempDir()
	for _, split := range []string{"train", "val"} {
		for _, class := range []string{"a", "b"} {
			folder := filepath.Join(dataset, split, class)
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile("../../notebooks/bird.png")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "a.png"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := filepath.Join(t.TempDir(), "run")
	for _, c := range []struct{ want, flags string }{
		{"lr of NaN", "--lr NaN"},
		{"lr of +Inf", "--lr Inf"},
		{"dropout of NaN", "--dropout NaN"},
		{"weight_decay of NaN", "--weight-decay NaN"},
		{"clip_max_norm of +Inf", "--clip-max-norm Inf"},
		{"noise_frac of NaN", "--noise-frac NaN"},
		{"no such network", "--hidden-dim 1000000000 --nheads 4"},
		{"no such network", "--enc-layers 100000"},
		{"parameters is too large", "--hidden-dim 1000000 --nheads 4"},
	} {
		args := append([]string{"finetune", "--backend", "go", "--from", "nothing", "--dataset", dataset, "--epochs",
			"1",
			"--batch-size", "2", "--eval-size", "32", "--out", run}, strings.Fields(c.flags)...)
		code, _, stderr := gointr(args...)
		if code == 0 || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "json") {
			t.Errorf("%s: exit %d, %q", c.flags, code, stderr)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: a folder is left", c.flags)
		}
	}
}
