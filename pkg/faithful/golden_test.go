package faithful

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
)

var decimal = regexp.MustCompile(`-?\d+\.\d+(e[-+]?\d+)?`)

// toNine are nine digits of every number: what is left of rounding is not compared.
func toNine(text []byte) []byte {
	return decimal.ReplaceAllFunc(text, func(number []byte) []byte {
		v, _ := strconv.ParseFloat(string(number), 64)
		return strconv.AppendFloat(nil, v, 'g', 9, 64)
	})
}

// The files of a report keep their format and their numbers: testdata/golden, which
// GOINTR_TEST_GOLDEN=write writes anew.
func TestGolden(t *testing.T) {
	// some are right, and by their parts
	dir, set := filepath.Join(t.TempDir(), "birds"), birds.Options{Classes: 8, PerClass: 3, Size: 96, Seed: 7}
	if err := birds.Write(context.Background(), dir, set, func() {}); err != nil {
		t.Fatal(err)
	}
	m := newSeer(set, dir)
	check := func(name string, change func(*Options)) {
		o := Default()
		o.Dataset = dir
		change(&o)
		r, err := Run(context.Background(), m, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Version, r.Dataset, r.Parts, r.Checkpoint, r.Digest, r.Config, r.Engine = "v1", "birds", "parts.csv", "a & b",
			"0123456789abcdef", "R50", "go"
		compareGolden(t, name, r)
	}
	check("drawn", func(o *Options) {
		o.MaxImages, o.Steps, o.Seed = 8, 2, 3
		o.Insertion, o.Deletion = []Fill{Blur, Mean}, []Fill{Mean, Blur}
	})
	if err := os.Remove(filepath.Join(dir, "species.json")); err != nil {
		t.Fatal(err)
	}
	check("animals", func(o *Options) { o.MaxImages, o.Steps = 2, 2 })
}

func compareGolden(t *testing.T, name string, r *Report) {
	out := t.TempDir()
	at := func(file string) string { return filepath.Join(out, file) }
	for file, write := range map[string]func(string) error{"table.csv": r.WriteTable, "curves.csv": r.WriteCurves,
		"pictures.csv": r.WritePictures} {
		if err := write(at(file)); err != nil {
			t.Fatal(err)
		}
	}
	var report bytes.Buffer
	encoder := json.NewEncoder(&report)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"report.json": report.Bytes(), "table.md": []byte(r.Markdown()),
		"table.txt": []byte(r.String())} {
		if err := os.WriteFile(at(file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"report.json", "table.csv", "curves.csv", "pictures.csv", "table.md", "table.txt"} {
		got, err := os.ReadFile(at(file))
		if err != nil {
			t.Fatal(err)
		}
		if file == "report.json" {
			got = toNine(got)
		}
		golden := filepath.Join("testdata", "golden", name, file)
		if os.Getenv("GOINTR_TEST_GOLDEN") == "write" {
			if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			same := 0
			for same < min(len(got), len(want)) && got[same] == want[same] {
				same++
			}
			t.Errorf("%s of %s is %.200q where it was %.200q", file, name, got[same:], want[same:])
		}
	}
}
