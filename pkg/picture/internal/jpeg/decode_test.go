package jpeg

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

// TestPillowsAnswer holds odd and damaged files against what Pillow makes of them: its pixels, or its refusal.
func TestPillowsAnswer(t *testing.T) {
	var answers map[string][]any // width, height, SHA-256; null where Pillow refuses
	data, err := os.ReadFile("testdata/jpegs.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &answers); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader("testdata/jpegs.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != len(answers) || len(answers) < 200 {
		t.Fatalf("%d files, %d answers", len(archive.File), len(answers))
	}
	for _, f := range archive.File {
		t.Run(strings.TrimSuffix(f.Name, ".jpg"), func(t *testing.T) {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			file, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			want := answers[f.Name]
			width, height, rgb, err := Decode(file, func(int, int) error { return nil })
			switch {
			case want == nil && err == nil:
				t.Fatal("Pillow refuses it")
			case want == nil:
				return
			case err != nil:
				t.Fatalf("Pillow reads it: %v", err)
			}
			sum := sha256.Sum256(rgb)
			if float64(width) != want[0] || float64(height) != want[1] || hex.EncodeToString(sum[:]) != want[2] {
				t.Fatal("the pixels are not Pillow's")
			}
		})
	}
}
