package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadBoxes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boxes.csv")
	read := func(text string) (map[string]Box, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadBoxes(path)
	}
	boxes, err := read("\ufeffpath,width,x,y,height\nval/a/1.jpg,30,1.5,2,40\nval/a/2.jpg,1,0,0,1\n")
	if err != nil || len(boxes) != 2 || boxes["val/a/1.jpg"] != (Box{1.5, 2, 31.5, 42}) {
		t.Errorf("%v, %v", boxes, err)
	}
	for text, says := range map[string]string{
		"":                                                "empty",
		"path,x,y\n":                                      `no column "width"`,
		"path,x,y,width,height\n":                         "no boxes",
		"path,x,y,width,height\na,1\n":                    "wrong number of fields",
		"path,x,y,width,height\na,1,2,3,NaN\n":            "line 2",
		"path,x,y,width,height\na,1,2,3,0\n":              "holds nothing",
		"path,x,y,width,height\n,1,2,3,4\n":               "no path",
		"path,x,y,width,height\na,1,2,3,4\na,1,2,3,4\n":   "again",
		"path,x,y,width,height\na,1,2,3,\x00\xff{[\"\"\n": "",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), says) ||
			!strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ReadBoxes(filepath.Join(t.TempDir(), "none.csv")); err == nil ||
		!strings.Contains(err.Error(), "no file of boxes") {
		t.Error(err)
	}
}
