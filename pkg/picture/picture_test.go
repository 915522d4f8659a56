package picture

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
)

// fixtures are the pictures of testdata/generate.py by name.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	return archived(t, "testdata/pictures.zip")
}

func archived(t testing.TB, path string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return files
}

// answer is a size and the SHA-256 of the pixels, as Pillow gave them.
type answer struct {
	width, height int
	sum           string
}

func (a *answer) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&a.width, &a.height, &a.sum})
}

func (a answer) check(t *testing.T, p *Picture) {
	t.Helper()
	if p.Width != a.width || p.Height != a.height {
		t.Fatalf("the picture is %d by %d pixels, Pillow's %d by %d", p.Width, p.Height, a.width, a.height)
	}
	if got := sum(p); got != a.sum {
		t.Fatal("the pixels are not Pillow's")
	}
}

func sum(p *Picture) string {
	s := sha256.Sum256(p.Pix)
	return hex.EncodeToString(s[:])
}

func readJSON(t testing.TB, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func TestEveryKindIsPillows(t *testing.T) {
	var answers map[string]answer
	readJSON(t, "testdata/pictures.json", &answers)
	files, dir := fixtures(t), t.TempDir()
	if len(files) < 100 {
		t.Fatalf("only %d fixtures", len(files))
	}
	for name, want := range answers {
		t.Run(name, func(t *testing.T) {
			name, upright := strings.CutPrefix(name, "upright ")
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, files[name], 0o666); err != nil {
				t.Fatal(err)
			}
			open := Open
			if upright {
				open = OpenUpright
			}
			p, err := open(path)
			if err != nil {
				t.Fatal(err)
			}
			want.check(t, p)
		})
	}
}

func TestResizeIsPillows(t *testing.T) {
	var cases [][]any
	readJSON(t, "testdata/resize.json", &cases)
	for _, c := range cases {
		from, want := pattern(int(c[0].(float64)), int(c[1].(float64))), answer{int(c[2].(float64)),
			int(c[3].(float64)), c[4].(string)}
		if got := from.Resize(want.width, want.height); sum(got) != want.sum {
			t.Errorf("%d by %d to %d by %d: the pixels are not Pillow's", from.Width, from.Height,
				want.width, want.height)
		}
	}
}

// pattern is the picture that generate.py resizes.
func pattern(width, height int) *Picture {
	p, state := New(width, height), uint32(width*65536+height)
	for i := range p.Pix {
		state = state*1664525 + 1013904223
		p.Pix[i] = uint8(state >> 24)
	}
	return p
}

func TestResizeToTheSameSizeIsACopy(t *testing.T) {
	p := pattern(5, 4)
	q := p.Resize(5, 4)
	q.Pix[0]++
	if p.Pix[0] == q.Pix[0] {
		t.Fatal("the copy shares its pixels")
	}
}

func TestEvalSize(t *testing.T) {
	for _, c := range [][4]int{ // from the published evaluation resize
		{500, 389, 1028, 800}, {389, 500, 800, 1028}, {1500, 300, 1335, 267}, {64, 50, 1024, 800},
		{800, 1000, 800, 1000}, {2100, 1575, 1066, 800}, {1, 1, 800, 800},
	} {
		if w, h := EvalSize(c[0], c[1], 0); w != c[2] || h != c[3] {
			t.Errorf("%d by %d becomes %d by %d, not %d by %d", c[0], c[1], w, h, c[2], c[3])
		}
	}
	if w, h := EvalSize(10000, 1, 0); w < 1 || h < 1 {
		t.Errorf("a line becomes %d by %d pixels", w, h)
	}
}

func TestNormalized(t *testing.T) {
	p := &Picture{Width: 2, Height: 1, Pix: []uint8{0, 0, 0, 255, 128, 1}}
	got := p.Normalized([]float32{7})
	// torchvision's to_tensor and normalize in float32.
	want := []float32{7, -2.117904, -2.0357141, -1.8044444, 2.2489083, 0.2051822, -1.7870152}
	if len(got) != len(want) {
		t.Fatalf("%d numbers, not %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("number %d is %.9g, not %.9g", i, got[i], want[i])
		}
	}
}

func TestEncodersWriteIt(t *testing.T) {
	p := pattern(7, 5)
	path := filepath.Join(t.TempDir(), "p.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, p); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if sum(open(t, path)) != sum(p) {
		t.Fatal("what was written is not what is read")
	}
}

func TestPhotographsAreLibjpegs(t *testing.T) {
	root := filepath.Join(shared.Dir(t), "data", "cub10")
	var sums map[string]string
	readJSON(t, "testdata/cub10_sha256.json", &sums)
	for path, want := range sums {
		if got := sum(open(t, filepath.Join(root, path))); got[:len(want)] != want {
			t.Errorf("%s: the pixels are not Pillow's", path)
		}
	}
}
