package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/picture"
)

func TestBirds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "birds")
	code, stdout, stderr := gointr("birds", dir, "--classes", "3", "--per_class", "4", "--size", "64", "--seed",
		"9", "--json")
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("%d, %q, %q", code, stdout, stderr)
	}
	var line drawn
	if err := json.Unmarshal([]byte(stdout), &line); err != nil {
		t.Fatal(err)
	}
	if line.Dir != dir || line.Classes != 3 || line.Train != 12 || line.Val != 6 || line.Size != 64 || line.Seed != 9 ||
		len(line.Species) != 3 {
		t.Errorf("said %+v", line)
	}
	for split, want := range map[string]int{"train": line.Train, "val": line.Val} {
		list, err := picture.List(filepath.Join(dir, split))
		if err != nil || len(list) != want {
			t.Errorf("%s has %d pictures, want %d: %v", split, len(list), want, err)
		}
	}
	parts, err := datasets.ReadParts(filepath.Join(dir, "parts.csv"))
	if err != nil || len(parts) != 18 {
		t.Errorf("parts of %d pictures: %v", len(parts), err)
	}
	for _, species := range line.Species {
		list := parts["val/"+species.Class+"/00001.png"]
		if len(list) != 7 || species.Parts[species.Telling] == "" {
			t.Errorf("%s, told by its %s, has the parts %v", species.Class, species.Telling, list)
		}
	}

	code, stdout, _ = gointr("birds", filepath.Join(t.TempDir(), "birds"), "--classes", "2", "--per-class", "1",
		"--size", "64")
	if code != 0 || !strings.Contains(stdout, "001.Dagger_billed_Bunting  told by its beak: long red dagger") {
		t.Errorf("%d, %s", code, stdout)
	}
}

func TestBirdsRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "birds")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{1, "is not empty", []string{full}},
		{1, "does not exist", []string{filepath.Join(fresh, "deeper")}},
		{2, "one folder", nil},
		{2, "2 to 336 classes", []string{fresh, "--classes", "1"}},
		{2, "pixels", []string{fresh, "--size", "5000"}},
		{2, "pictures of a class", []string{fresh, "--per-class", "0"}},
		{2, "seed", []string{fresh, "--seed", "-1"}},
	} {
		code, stdout, stderr := gointr(append([]string{"birds"}, c.args...)...)
		if code != c.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("birds %v: %d, %q, %q; want %d and %q", c.args, code, stdout, stderr, c.code, c.want)
		}
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a refused call left a folder")
	}
}
