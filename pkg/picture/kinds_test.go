package picture

import (
	"strings"
	"testing"
)

// TestKinds reads the odd and damaged files of testdata/kinds.py as Pillow reads or refuses them.
func TestKinds(t *testing.T) {
	var answers map[string][]any
	readJSON(t, "testdata/kinds.json", &answers)
	files := archived(t, "testdata/kinds.zip")
	if len(files) < 80 || len(files) != len(answers) {
		t.Fatalf("%d files, %d answers", len(files), len(answers))
	}
	for name, want := range answers {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(files[name])
			switch {
			case len(want) == 0 && err == nil:
				t.Fatal("Pillow refuses it")
			case len(want) == 0:
				return
			case err != nil:
				t.Fatal(err)
			}
			answer{int(want[0].(float64)), int(want[1].(float64)), want[2].(string)}.check(t, p)
		})
	}
}

func TestKnownKindsThatAreNotReadAreNamed(t *testing.T) {
	for start, want := range map[string]string{
		"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00": "AVIF", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00": "HEIC",
		"\x00\x00\x00\x0CJXL \r\n\x87\n": "JPEG XL", "\xFF\x0A\xFA\x1F": "JPEG XL",
	} {
		_, err := Decode([]byte(start + strings.Repeat("\x00", 40)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "save it as") {
			t.Errorf("%v does not say %q and what to do", err, want)
		}
	}
}

func TestStripsAreRefusedAsPublished(t *testing.T) {
	for _, c := range []struct {
		width, height, short int
		fine                 bool
	}{{2, 3000, 128, false}, {3000, 2, 128, false}, {3000, 8, 128, true}, {2, 3000, 0, true}, {1, 2666, 0, false},
		{1, 2665, 0, true}, {1, 1, 128, true}} {
		err := New(c.width, c.height).Evaluable(c.short)
		if (err == nil) != c.fine {
			t.Errorf("%d by %d for %d: %v", c.width, c.height, c.short, err)
		}
	}
}
