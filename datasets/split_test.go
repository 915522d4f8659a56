package datasets_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/shared"
)

// lay makes files in a folder; a name that ends with a slash is an empty folder.
func lay(t testing.TB, root string, names ...string) string {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		folder := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if folder != path {
			if err := os.WriteFile(path, []byte(name), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skipf("skipped: this system makes no symbolic links (%v)", err)
	}
}

func opened(t testing.TB, root, name string) *datasets.Split {
	t.Helper()
	s, err := datasets.OpenSplit(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listing is "CLASS INDEX KEY" of every picture.
func listing(s *datasets.Split) []string {
	var list []string
	for i := range s.Len() {
		list = append(list, fmt.Sprint(s.Class(i), " ", s.Key(i)))
	}
	return list
}

// tangled is a split with everything that decides an order.
func tangled(t testing.TB) string {
	root := lay(t, t.TempDir(),
		"train/b/2.jpg", "train/b/10.jpg", "train/b/Z.PNG", "train/b/a.jpeg", "train/b/é.jpg", "train/b/𝒳.jpg",
		"train/b/ﬁ.jpg", "train/b/notes.txt", "train/b/moving.gif", "train/b/noext", "train/b/jpg", "train/b/x.jpg.txt",
		"train/b/in/1.webp", "train/b/in-side/1.tiff", "train/b/in/deep/1.tif", "train/b/in side/1.bmp",
		"train/b/nothing/readme.md", "train/B/1.pgm", "train/B/sub/0.ppm", "train/a b/1.jpg",
		"train/a/only/inside/1.jpg", "train/a-b/1.JpEg", "train/readme.txt", "elsewhere/more/7.jpg", "elsewhere/8.jpg")
	link(t, "../../elsewhere/more", filepath.Join(root, "train", "b", "linked"))
	link(t, "../../elsewhere/8.jpg", filepath.Join(root, "train", "b", "eight.jpg"))
	link(t, "nowhere.jpg", filepath.Join(root, "train", "b", "lost.jpg"))
	link(t, "../elsewhere", filepath.Join(root, "train", "link"))
	return root
}

func TestSplit(t *testing.T) {
	root := tangled(t)
	lay(t, root, "train/.ipynb_checkpoints/1.jpg", "train/b/._2.jpg", "train/b/.hidden/1.jpg")
	s := opened(t, root, "train")
	if want := []string{"B", "a", "a b", "a-b", "b", "link"}; !slices.Equal(s.Classes, want) {
		t.Errorf("classes %q, want %q", s.Classes, want)
	}
	want := []string{
		"0 train/B/1.pgm", "0 train/B/sub/0.ppm",
		"1 train/a/only/inside/1.jpg",
		"2 train/a b/1.jpg",
		"3 train/a-b/1.JpEg",
		"4 train/b/10.jpg", "4 train/b/2.jpg", "4 train/b/Z.PNG", "4 train/b/a.jpeg", "4 train/b/eight.jpg",
		"4 train/b/lost.jpg", "4 train/b/é.jpg", "4 train/b/ﬁ.jpg", "4 train/b/𝒳.jpg",
		"4 train/b/in/1.webp", "4 train/b/in side/1.bmp", "4 train/b/in-side/1.tiff", "4 train/b/in/deep/1.tif",
		"4 train/b/linked/7.jpg", "5 train/link/8.jpg", "5 train/link/more/7.jpg",
	}
	// Folders of a class are in the order of their whole paths: "in", "in side", "in-side", "in/deep".
	if got := listing(s); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := s.Path(2), filepath.Join(root, "train", "a", "only", "inside", "1.jpg"); got != want {
		t.Errorf("path %s, want %s", got, want)
	}
	if got, want := s.Counts(), []int{2, 1, 1, 1, 14, 2}; !slices.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
}

// torchvision itself gives the same samples.
func TestSplitIsTorchvisions(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with torchvision (see internal/oracle/README.md)")
	}
	check := func(t *testing.T, root, name string) {
		s := opened(t, root, name)
		out, err := exec.Command(python, "-W", "ignore", "-c", `
import json, sys
from torchvision.datasets import ImageFolder
folder = ImageFolder(sys.argv[1])
print(json.dumps([folder.classes, folder.samples]))`, filepath.Join(root, name)).Output()
		if err != nil {
			t.Fatal(err)
		}
		var classes []string
		var samples [][2]any
		if err := json.Unmarshal(out, &[]any{&classes, &samples}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Classes, classes) {
			t.Errorf("classes %q, torchvision's %q", s.Classes, classes)
		}
		if s.Len() != len(samples) {
			t.Fatalf("%d pictures, torchvision has %d", s.Len(), len(samples))
		}
		for i, sample := range samples {
			if s.Path(i) != sample[0] || float64(s.Class(i)) != sample[1] {
				t.Errorf("picture %d is %s of class %d, torchvision's %v", i, s.Path(i), s.Class(i), sample)
			}
		}
	}
	t.Run("tangled", func(t *testing.T) { check(t, tangled(t), "train") })
	t.Run("cub10", func(t *testing.T) { check(t, filepath.Join(shared.Dir(t), "data", "cub10"), "train") })
}

func TestOpen(t *testing.T) {
	root := lay(t, t.TempDir(), "train/a/1.jpg", "train/b/1.jpg", "val/b/2.jpg", "val/a/2.jpg", "val/a/1.jpg")
	train, val, err := datasets.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if train.Name != "train" || train.Len() != 2 || val.Name != "val" || val.Len() != 3 || val.Key(2) != "val/b/2.jpg" {
		t.Errorf("train %q, val %q", listing(train), listing(val))
	}
}

func TestOpenErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"no train":       {[]string{"val/a/1.jpg"}, "there is no folder train in ROOT"},
		"no val":         {[]string{"train/a/1.jpg"}, "there is no folder val in ROOT"},
		"train a file":   {[]string{"train"}, "ROOT/train is not a folder"},
		"no classes":     {[]string{"train/"}, "ROOT/train: it holds no pictures"},
		"loose pictures": {[]string{"train/1.jpg", "train/2.jpg"}, "ROOT/train: 2 pictures lie in it and no folder"},
		"empty class": {[]string{"train/a/1.jpg", "train/b/", "train/c/1.jpg"},
			"ROOT/train: the class b has no picture"},
		"empty classes": {[]string{"train/a/1.jpg", "train/b/1.gif", "train/c/x/.1.jpg"},
			"ROOT/train: the classes b, c have no picture"},
		"no pictures": {[]string{"train/a/1.txt", "train/b/2.gif"}, "ROOT/train: none of its 2 classes has a picture"},
		"classes differ": {[]string{"train/a/1.jpg", "train/b/1.jpg", "train/c/1.jpg", "val/b/1.jpg", "val/d/1.jpg"},
			"ROOT: the classes of train and val differ: only train has a, c, only val has d"},
		"one class more": {[]string{"train/a/1.jpg", "train/b/1.jpg", "val/b/1.jpg"}, "only train has a"},
		"many more": {[]string{"train/a/1.jpg", "val/a/1.jpg", "val/1/1.jpg", "val/2/1.jpg", "val/3/1.jpg",
			"val/4/1.jpg", "val/5/1.jpg", "val/6/1.jpg", "val/7/1.jpg"},
			"only val has 1, 2, 3, 4, 5 and 2 more"},
	} {
		t.Run(name, func(t *testing.T) {
			root := lay(t, t.TempDir(), c.files...)
			_, _, err := datasets.Open(root)
			check(t, err, root, c.want)
		})
	}
	t.Run("no folder", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "nowhere")
		_, _, err := datasets.Open(root)
		check(t, err, root, "there is no folder ROOT")
	})
	t.Run("misspelt", func(t *testing.T) {
		root := lay(t, t.TempDir(), "train/a/1.jpg", "val/a/1.jpg", ".vall/a/1.jpg")
		_, err := datasets.OpenSplit(root, "vall")
		check(t, err, root, `there is no folder vall in ROOT: did you mean "val"?`)
	})
	t.Run("link back", func(t *testing.T) {
		root := lay(t, t.TempDir(), "train/a/b/1.jpg")
		link(t, "..", filepath.Join(root, "train", "a", "b", "again"))
		_, err := datasets.OpenSplit(root, "train")
		check(t, err, root, "ROOT/train/a/b/again: this link leads back")
	})
	t.Run("closed folder", func(t *testing.T) {
		root := lay(t, t.TempDir(), "train/a/1.jpg", "train/a/b/1.jpg")
		closed := filepath.Join(root, "train", "a", "b")
		if err := os.Chmod(closed, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(closed, 0o777)
		if _, err := os.ReadDir(closed); err == nil {
			t.Skip("skipped: this user reads every folder")
		}
		_, err := datasets.OpenSplit(root, "train")
		check(t, err, root, "ROOT/train/a/b: it cannot be read")
	})
}

// check wants one sentence with the words, where ROOT is the dataset's folder.
func check(t *testing.T, err error, root, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, though %q", want)
	}
	want = strings.ReplaceAll(filepath.ToSlash(want), "ROOT", filepath.ToSlash(root))
	if got := filepath.ToSlash(err.Error()); !strings.Contains(got, want) || strings.Contains(got, "\n") {
		t.Errorf("%q does not say %q in one line", got, want)
	}
}

// A million files are to take less than 300 MB.
func TestSplitIsSmall(t *testing.T) {
	const classes, each = 20, 500
	root := t.TempDir()
	for c := range classes {
		folder := filepath.Join(root, "train", fmt.Sprintf("%03d.Some_longer_name_of_a_species", c))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range each {
			f, err := os.Create(filepath.Join(folder, fmt.Sprintf("Some_longer_name_of_a_species_%04d_%06d.jpg",
				i, i*7)))
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := opened(t, root, "train")
	held := float64(heap()-before) / float64(s.Len())
	if s.Len() != classes*each {
		t.Fatalf("%d pictures", s.Len())
	}
	if held > 80 { // 46 letters and 8 bytes
		t.Errorf("%.0f bytes a picture", held)
	}
	t.Logf("%.1f bytes a picture", held)
}

func TestDigest(t *testing.T) {
	digest := func(root, name string) string {
		t.Helper()
		d, err := opened(t, root, name).Digest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	root := lay(t, t.TempDir(), "train/a/1.jpg", "train/b/2.jpg", "train/b/deep/2.jpg")
	first := digest(root, "train")
	if len(first) != 64 || digest(root, "train") != first {
		t.Fatalf("digests %s, %s", first, digest(root, "train"))
	}
	if err := os.Rename(filepath.Join(root, "train"), filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	if digest(root, "moved") != first {
		t.Error("another digest in another place")
	}
	seen := map[string]string{first: "the first"}
	change := func(what string, f func(path string) error, name string) {
		t.Helper()
		if err := f(filepath.Join(root, "moved", name)); err != nil {
			t.Fatal(err)
		}
		d := digest(root, "moved")
		if seen[d] != "" {
			t.Errorf("the digest after %s is that of %s", what, seen[d])
		}
		seen[d] = what
	}
	change("a byte more", func(p string) error { return os.WriteFile(p, []byte("a byte more than before"), 0o666) },
		"a/1.jpg")
	change("another name", func(p string) error { return os.Rename(p, p+".jpg") }, "b/2.jpg")
	change("one picture less", os.Remove, "b/deep/2.jpg")
	change("another class", func(p string) error { return os.Rename(p, p+"b") }, "b")

	s := opened(t, root, "moved")
	if err := os.Remove(s.Path(0)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Digest(t.Context())
	check(t, err, root, s.Path(0)+": it cannot be read")
}

// photo writes a PNG with something to see.
func photo(t testing.TB, path string, width, height int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.NRGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8(x * y), 255})
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	root := t.TempDir()
	for _, class := range []string{"a", "b"} {
		for i := range 5 {
			photo(t, filepath.Join(root, "train", class, fmt.Sprintf("%d.png", i)), 20, 30)
		}
	}
	s := opened(t, root, "train")
	said := 0
	bad, err := s.Verify(context.Background(), func(done int) {
		if said++; done != said {
			t.Errorf("%d done at call %d", done, said)
		}
	})
	if err != nil || len(bad) != 0 || said != 10 {
		t.Fatalf("bad %v, error %v, %d calls", bad, err, said)
	}

	data, err := os.ReadFile(s.Path(3))
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{s.Path(3): data[:len(data)/2], s.Path(7): nil,
		s.Path(8): []byte("not a picture")} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	bad, err = s.Verify(context.Background(), nil)
	if err != nil || len(bad) != 3 || bad[0].Index != 3 || bad[1].Index != 7 || bad[2].Index != 8 {
		t.Fatalf("bad %v, error %v", bad, err)
	}
	for _, want := range []string{"3 of the 10 pictures in ROOT/train cannot be read",
		"ROOT/train/a/3.png: the picture is cut short",
		"ROOT/train/b/2.png: the file is empty", "ROOT/train/b/3.png: this is not a picture"} {
		_, named, err := s.Readable(context.Background(), false, nil)
		if len(named) != 3 {
			t.Errorf("%v are told to be bad", named)
		}
		check(t, err, root, want)
	}
	_, _, err = s.Only(func(i int) bool { return i > 4 }).Readable(context.Background(), false, nil)
	check(t, err, root, "2 of the 5 pictures in ROOT/train/b cannot be read")
	left, bad, err := s.Readable(context.Background(), true, nil)
	if err != nil || len(bad) != 3 {
		t.Fatal(err)
	}
	if got, want := listing(left), slices.DeleteFunc(listing(s), func(line string) bool {
		return strings.HasSuffix(line, "a/3.png") || strings.HasSuffix(line, "b/2.png") ||
			strings.HasSuffix(line, "b/3.png")
	}); !slices.Equal(got, want) || len(got) != 7 {
		t.Errorf("left are %q, want %q", got, want)
	}
	if bad, err := left.Verify(context.Background(), nil); len(bad) > 0 || err != nil {
		t.Errorf("bad %v, error %v", bad, err)
	}
	_, _, err = s.Only(func(i int) bool { return i < 5 || i == 7 }).Readable(context.Background(), true, nil)
	check(t, err, root, "ROOT/train: nothing is left of b")

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := s.Verify(ctx, func(int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("the error of a cancelled Verify is %v", err)
	}
}
