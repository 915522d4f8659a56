package datasets_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/shared"
)

func partsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parts.csv")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadParts(t *testing.T) {
	// Columns in any order, one of no interest, a picture that comes back later, a
	// path with a comma.
	parts, err := datasets.ReadParts(partsFile(t, "\ufeffpart,path,visible,x,y,who\r\nbeak,a.jpg,1,1.5,2,ann\r\n"+
		"tail,\"b,c.jpg\",0,0.0,0.0,bob\r\neye,a.jpg,0,3,4,ann\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]datasets.Part{
		"a.jpg":   {{Name: "beak", X: 1.5, Y: 2, Visible: true}, {Name: "eye", X: 3, Y: 4}},
		"b,c.jpg": {{Name: "tail"}},
	}
	if !reflect.DeepEqual(parts, want) {
		t.Errorf("read %v, want %v", parts, want)
	}
}

func TestWritePartsIsReadBack(t *testing.T) {
	for name, box := range map[string]datasets.Box{"with boxes": {X0: 1, Y0: 2, X1: 3.25, Y1: 4}, "without": {}} {
		parts := map[string][]datasets.Part{
			"val/a/1.png": {{Name: "eye", X: 1.125, Y: 1e-3, Visible: true, Box: box},
				{Name: "left \"leg\"", X: 7, Y: 8}},
			"train/a/1.png": {{Name: "eye", X: 12345.5, Y: 3}},
		}
		path := filepath.Join(t.TempDir(), "parts.csv")
		if err := datasets.WriteParts(path, parts); err != nil {
			t.Fatal(err)
		}
		got, err := datasets.ReadParts(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, parts) {
			t.Errorf("%s: read back %v, want %v", name, got, parts)
		}
		text, _ := os.ReadFile(path)
		header, rest, _ := strings.Cut(string(text), "\n")
		if want := map[string]string{"with boxes": "path,part,x,y,visible,x0,y0,x1,y1",
			"without": "path,part,x,y,visible"}[name]; header != want {
			t.Errorf("%s: the columns are %s, want %s", name, header, want)
		}
		if !strings.HasPrefix(rest, "train/") {
			t.Errorf("%s: pictures are not in name order: %s", name, rest)
		}
	}
}

func TestReadPartsRefuses(t *testing.T) {
	const header = "path,part,x,y,visible\n"
	for text, want := range map[string]string{
		"":                                  "empty",
		header:                              "no parts",
		"path,part,x,y\na,b,1,2\n":          `no column "visible"`,
		"path,part,x,y,visible,x0,y0\n":     "four columns",
		header + "a,b,1,2\n":                "line 2",
		header + "a,b,1,2,1\na,c,one,2,1\n": `line 3: "one"`,
		header + "a,b,1,NaN,1\n":            `line 2: "NaN"`,
		header + "a,b,1,2,true\n":           `not "true"`,
		header + "a,b,1,2,1\na,b,1,2,1\n":   "again",
		header + ",b,1,2,1\n":               "line 2 has no path",
		header + "a,\"b,1,2,1\n":            "line 2",
		"path,part,x,y,visible,x0,y0,x1,y1\na,b,1,2,1,0,0,5,\n": `for y1`,
	} {
		_, err := datasets.ReadParts(partsFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "parts.csv") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := datasets.ReadParts(filepath.Join(t.TempDir(), "none.csv")); err == nil ||
		!strings.Contains(err.Error(), "there is no file") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := datasets.ReadParts(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: %v", err)
	}
}

func TestReadPartsOfCUB(t *testing.T) {
	parts, err := datasets.ReadParts(filepath.Join(shared.Dir(t), "data", "cub10", "parts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	visible := 0
	for path, list := range parts {
		if len(list) != 15 {
			t.Errorf("%s has %d parts, want CUB's 15", path, len(list))
		}
		for _, part := range list {
			if part.Visible {
				visible++
			} else if part.X != 0 || part.Y != 0 {
				t.Errorf("%s: %v is not visible and lies somewhere", path, part)
			}
		}
	}
	if len(parts) != 445 || visible != 5030 {
		t.Errorf("%d pictures with %d visible parts, want 445 with 5030", len(parts), visible)
	}
}
