package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fieldguide answers every picture, here or in the session, and writes three files.
func TestFieldguide(t *testing.T) {
	checkpoint := smallEval(t)
	var pages []string
	hereAndThere(t, func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "guide.html")
		code, stdout, stderr := gointr("fieldguide", "--checkpoint", checkpoint, "--dataset", evalSet, "--patches", "2",
			"--json", "--out", out, "--backend", "go")
		if code != 0 || strings.Count(stdout, "\n") != 1 {
			t.Fatalf("it ended with %d, wrote %q and said %q", code, stdout, stderr)
		}
		var got guided
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		pictures, right := 0, 0
		for _, class := range got.Classes {
			pictures += class.Pictures
			right += class.Right
			if class.Summary == "" || (class.Head < 0) != (class.Right == 0) {
				t.Errorf("a class is told as %+v", class)
			}
		}
		if len(got.Classes) != 5 || pictures != 11 || got.Drawn != nil {
			t.Errorf("%d pictures of %d classes; drawn %v", pictures, len(got.Classes), got.Drawn)
		}
		if want := oracleEvals(t)["1"]; want.Images > 0 && right != int(want.Acc1*11/100+0.5) {
			t.Errorf("%d are right, of PyTorch's answers %.2f %%", right, want.Acc1)
		}
		page, err := os.ReadFile(got.Out.Page)
		if err != nil || got.Bytes != int64(len(page)) {
			t.Errorf("the page has %d bytes, told as %d (%v)", len(page), got.Bytes, err)
		}
		// Only the version, and when sums are done, differ between the engines; the digest does not.
		_, rest, _ := strings.Cut(string(page), "SHA-256 ")
		if len(rest) < 64 || strings.Trim(rest[:64], "0123456789abcdef") != "" {
			t.Errorf("the page does not say which checkpoint: %.80q", rest)
		}
		pages = append(pages, rest[:min(64, len(rest))])
		for _, path := range []string{got.Out.Table, got.Out.Numbers} {
			if info, err := os.Stat(path); err != nil || info.Size() < 200 {
				t.Errorf("%s: %v", path, err)
			}
		}
		file, err := os.Open(got.Out.Table)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := csv.NewReader(file).ReadAll(); err != nil {
			t.Error(err)
		}
	})
	if len(pages) != 2 || pages[0] != pages[1] {
		t.Errorf("here and in the session the checkpoints are %q", pages)
	}
	out := filepath.Join(t.TempDir(), "guide.html")
	code, stdout, stderr := gointr("fieldguide", "--checkpoint", checkpoint, "--dataset", evalSet, "--class", "0",
		"--out", out, "--backend", "go")
	if code != 0 || !strings.Contains(stdout, "MB), ") || strings.Count(stdout, "\n") != 3 || stderr != "" {
		t.Errorf("of one class it says %q and %q", stdout, stderr)
	}
}

func TestFieldguideMistakes(t *testing.T) {
	out := filepath.Join(t.TempDir(), "guide.html")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "no dataset was named", []string{"--out", out}},
		{2, "no page to write was named", []string{"--dataset", evalSet}},
		{2, "end its name with .html", []string{"--dataset", evalSet, "--out", "guide.pdf"}},
		{1, "1 to 12 patches of a head, not 99", []string{"--dataset", evalSet, "--out", out, "--patches", "99"}},
		{1, "there is no folder test", []string{"--dataset", evalSet, "--out", out, "--split", "test"}},
		{1, "no class is named", []string{"--dataset", evalSet, "--out", out, "--class", "Dodo"}},
	} {
		code, stdout, stderr := gointr(append([]string{"fieldguide", "--checkpoint", small, "--backend", "go"},
			c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: it ended with %d, wrote %q and said %q", c.args, code, stdout, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: a page was written", c.args)
		}
	}
}
