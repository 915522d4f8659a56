package birds

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/picture"
)

// Any machine draws these bytes. When the drawing is changed on purpose, the
// message says the new sum.
func TestSamePictureEverywhere(t *testing.T) {
	sum := sha256.New()
	for i := range 24 {
		p, parts := Draw(At(i*13), NewScene(7, "val", i, i), 64+i*4)
		sum.Write(p.Pix)
		fmt.Fprint(sum, parts)
	}
	const want = "b4de23295dae84ca47f362300776deb1249c0134c760c31fbc98dae323142389"
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want {
		t.Errorf("the pictures' sum is %s, want %s", got, want)
	}
}

// differing is the smallest box around the pixels that differ, and how many do.
func differing(a, b *picture.Picture) (box datasets.Box, n int) {
	for y := range a.Height {
		for x := range a.Width {
			if at := 3 * (y*a.Width + x); [3]uint8(a.Pix[at:]) != [3]uint8(b.Pix[at:]) {
				here := datasets.Box{X0: float64(x), Y0: float64(y), X1: float64(x + 1), Y1: float64(y + 1)}
				if n == 0 {
					box = here
				}
				box = around(box, here)
				n++
			}
		}
	}
	return box, n
}

func around(a, b datasets.Box) datasets.Box {
	return datasets.Box{X0: min(a.X0, b.X0), Y0: min(a.Y0, b.Y0), X1: max(a.X1, b.X1), Y1: max(a.Y1, b.Y1)}
}

func within(inner, outer datasets.Box) bool { return around(inner, outer) == outer }

// The picture without a part differs from the one with it in the part's box, up
// to its sides, and nowhere else.
func TestBoxIsWhatChangesWithoutThePart(t *testing.T) {
	for i := range 120 {
		species, scene := At(i*37%MaxSpecies), NewScene(1, "train", i, i)
		whole, parts := Draw(species, scene, 128)
		if len(parts) != Kinds {
			t.Fatalf("%d parts, want %d", len(parts), Kinds)
		}
		for k, part := range parts {
			without, rest := Draw(species, scene.Without(Kind(k)), 128)
			box, n := differing(whole, without)
			if n == 0 {
				t.Fatalf("scene %d without its %v is the same picture", i, Kind(k))
			}
			if box != part.Box {
				t.Errorf("scene %d, %v: pixels change in %v, the box is %v", i, Kind(k), box, part.Box)
			}
			if !part.Box.Contains(part.X, part.Y) {
				t.Errorf("scene %d, %v: the middle (%g, %g) is not in %v", i, Kind(k), part.X, part.Y, part.Box)
			}
			if slices.ContainsFunc(rest, func(p datasets.Part) bool { return p.Name == part.Name }) ||
				len(rest) != Kinds-1 {
				t.Errorf("scene %d without its %v lists %v", i, Kind(k), rest)
			}
		}
	}
}

// In one scene, species differ in the boxes of the parts that Differs names, and
// there for everyone to see.
func TestSpeciesDifferInTheirTellingPartsOnly(t *testing.T) {
	for i := range 2 * Kinds * 2 {
		for j := range i {
			a, b := At(i), At(j)
			scene := NewScene(3, "train", i, j)
			if a.Family != b.Family {
				b = a.With(Kind((i+j)%Kinds), b) // a graft changes no more than that either
			}
			drawnA, partsA := Draw(a, scene, 128)
			drawnB, partsB := Draw(b, scene, 128)
			box, n := differing(drawnA, drawnB)
			kinds := a.Differs(b)
			if len(kinds) == 0 {
				if n != 0 {
					t.Errorf("%s and %s have the same parts and differ in %d pixels", a.Name, b.Name, n)
				}
				continue
			}
			var in datasets.Box
			for at, k := range kinds {
				both := around(partsA[k].Box, partsB[k].Box)
				if at == 0 {
					in = both
				}
				in = around(in, both)
			}
			if !within(box, in) {
				t.Errorf("%s and %s in one scene differ in %v, their parts %v lie in %v", a.Name, b.Name,
					box, kinds, in)
			}
			// Outside of each part's own box nothing changes, not only outside of all.
			for y := range 128 {
				for x := range 128 {
					at := 3 * (y*128 + x)
					if [3]uint8(drawnA.Pix[at:]) == [3]uint8(drawnB.Pix[at:]) {
						continue
					}
					if !slices.ContainsFunc(kinds, func(k Kind) bool {
						return around(partsA[k].Box, partsB[k].Box).Contains(float64(x), float64(y))
					}) {
						t.Fatalf("%s and %s differ at (%d, %d), outside of the boxes of %v", a.Name,
							b.Name, x, y, kinds)
					}
				}
			}
			if clearly := far(drawnA, drawnB); clearly < 12 {
				t.Errorf("%s and %s differ clearly in %d pixels of 128 × 128 only (scene %d %d)", a.Name, b.Name,
					clearly, i, j)
			}
		}
	}
}

// far counts the pixels that differ by a quarter of the range.
func far(a, b *picture.Picture) int {
	n := 0
	for at := 0; at < len(a.Pix); at += 3 {
		most := 0
		for c := range 3 {
			d := int(a.Pix[at+c]) - int(b.Pix[at+c])
			most = max(most, d, -d)
		}
		if most >= 64 {
			n++
		}
	}
	return n
}

func TestSpecies(t *testing.T) {
	all, err := First(MaxSpecies)
	if err != nil {
		t.Fatal(err)
	}
	names, looks := map[string]bool{}, map[string]bool{}
	for i, s := range all {
		names[s.Name] = true
		looks[fmt.Sprint(s.Family, s.Parts)] = true
		mate := all[i^1]
		if got := s.Differs(mate); !slices.Equal(got, []Kind{s.Telling}) {
			t.Errorf("%s differs from %s in %v, want the %v", s.Name, mate.Name, got, s.Telling)
		}
		if got := s.LookAlike(all[:pair]); i < pair && got.Index != mate.Index {
			t.Errorf("%s has the look-alike %s, want %s", s.Name, got.Name, mate.Name)
		}
		for _, other := range all {
			kinds := s.Differs(other)
			if other.Family != s.Family || other.Index == s.Index {
				continue
			}
			if len(kinds) < 1 || len(kinds) > 2 || !slices.Contains(kinds, s.Telling) {
				t.Errorf("%s and %s of one family differ in %v", s.Name, other.Name, kinds)
			}
		}
		if i > 0 && all[i-1].Class() >= s.Class() {
			t.Errorf("the folder %s does not come before %s", all[i-1].Class(), s.Class())
		}
		if mated := s.With(s.Telling, mate); mated.Parts != mate.Parts {
			t.Errorf("%s with the %v of %s is not it", s.Name, s.Telling, mate.Name)
		}
	}
	if len(names) != MaxSpecies || len(looks) != MaxSpecies {
		t.Errorf("%d species have %d names and %d looks", MaxSpecies, len(names), len(looks))
	}
	for k := range Kinds {
		if kind, err := KindOf(Kind(k).String()); kind != Kind(k) || err != nil {
			t.Errorf("%v is read back as %v, %v", Kind(k), kind, err)
		}
	}
	if _, err := KindOf("beard"); err == nil {
		t.Error("a bird with a beard")
	}
	for _, n := range []int{1, MaxSpecies + 1} {
		if _, err := First(n); err == nil {
			t.Errorf("there are %d species", n)
		}
	}
}

// Every part of every bird is in the picture, and leaves leave some of it to see;
// now and then they cover more than half, and then it is not visible.
func TestPartsAreInThePicture(t *testing.T) {
	const size = 96
	hidden, least, covered := 0, 1.0, 0
	for i := range 400 {
		species, scene := At(i*5%MaxSpecies), NewScene(11, "train", 0, i)
		bare := scene
		bare.front = nil
		_, full := Draw(species, bare, size)
		c := newCanvas(size)
		c.bird(species, scene, scene.bird.then(scale(size, size)))
		var before [Kinds]int
		for k := range Kinds {
			before[k] = c.seen[k].sum()
		}
		for _, l := range scene.front {
			c.fill(scale(size, size), l, nil)
		}
		_, parts := Draw(species, scene, size)
		if len(scene.front) > 0 {
			covered++
		}
		for k := range Kinds {
			box := full[k].Box
			if box.X0 < 1 || box.Y0 < 1 || box.X1 > size-1 || box.Y1 > size-1 {
				t.Errorf("scene %d: the %v of %s reaches the border: %v", i, Kind(k), species.Name, box)
			}
			if !full[k].Visible {
				t.Errorf("scene %d: the %v is hidden, with no leaf in front", i, Kind(k))
			}
			share := float64(c.seen[k].sum()) / float64(before[k])
			least = min(least, share)
			if parts[k].Visible != (share >= 0.5) {
				t.Errorf("scene %d: %.2f of the %v is seen, and visible is %v", i, share, Kind(k), parts[k].Visible)
			}
			if !parts[k].Visible {
				hidden++
			}
		}
	}
	if least < 0.15 {
		t.Errorf("a part of which %.2f is seen", least)
	}
	if hidden < 20 || hidden > 400*Kinds/10 {
		t.Errorf("%d of %d parts are not visible", hidden, 400*Kinds)
	}
	if covered < 150 || covered > 350 {
		t.Errorf("%d of 400 scenes have leaves in front", covered)
	}
	t.Logf("%d of %d parts covered by more than half; the most covered shows %.2f", hidden, 400*Kinds, least)
}

// Scenes differ by each of what they are drawn from.
func TestScenesDiffer(t *testing.T) {
	base, _ := Draw(At(0), NewScene(0, "train", 0, 0), 64)
	for name, scene := range map[string]Scene{
		"seed": NewScene(1, "train", 0, 0), "split": NewScene(0, "val", 0, 0), "class": NewScene(0, "train", 1, 0),
		"index": NewScene(0, "train", 0, 1),
	} {
		if p, _ := Draw(At(0), scene, 64); slices.Equal(p.Pix, base.Pix) {
			t.Errorf("the scene does not depend on the %s", name)
		}
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWrite(t *testing.T) {
	o := Options{Classes: 5, PerClass: 7, Size: 80, Seed: 42}
	dir := filepath.Join(t.TempDir(), "set")
	calls := 0
	if err := Write(context.Background(), dir, o, func() { calls++ }); err != nil {
		t.Fatal(err)
	}
	if calls != o.Pictures() || calls != 5*(7+3) {
		t.Errorf("%d calls of progress for %d pictures", calls, o.Pictures())
	}
	for split, want := range map[string]int{"train": 7, "val": 3} {
		classes, err := os.ReadDir(filepath.Join(dir, split))
		if err != nil || len(classes) != 5 {
			t.Fatalf("%s has %d classes: %v", split, len(classes), err)
		}
		for i, class := range classes {
			files, _ := os.ReadDir(filepath.Join(dir, split, class.Name()))
			if class.Name() != At(i).Class() || len(files) != want {
				t.Errorf("%s/%s has %d pictures, want %s with %d", split, class.Name(), len(files), At(i).Class(), want)
			}
		}
	}
	parts, err := datasets.ReadParts(filepath.Join(dir, "parts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != o.Pictures() {
		t.Errorf("parts.csv has %d pictures, want %d", len(parts), o.Pictures())
	}
	opened, err := Open(dir)
	if err != nil || opened != o {
		t.Fatalf("opened as %v, %v; want %v", opened, err, o)
	}
	for name, list := range parts {
		file, err := picture.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		species, scene, err := opened.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		drawn, at := Draw(species, scene, opened.Size)
		if !slices.Equal(file.Pix, drawn.Pix) || !reflect.DeepEqual(list, at) {
			t.Errorf("%s drawn again is another picture", name)
		}
	}
	for _, name := range []string{"", "train", "train/001.Dagger_billed_Bunting/00007.png",
		"val/001.Dagger_billed_Bunting/00003.png", "test/001.Dagger_billed_Bunting/00000.png",
		"train/002.Dagger_billed_Bunting/00000.png", "train/001.Dagger_billed_Bunting/0.png",
		"train/006.Fan_tailed_Bunting/00000.png"} {
		if _, _, err := opened.Find(name); err == nil {
			t.Errorf("%q is found", name)
		}
	}
	// The fifth species has no mate among five: the others are two parts away.
	if d := o.Describe()[4]; len(d.Differs) != 2 || d.Telling != "tail" {
		t.Errorf("described as %v", d)
	}

	// One worker writes the same bytes, here into a folder that is there already.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again := t.TempDir()
	if err := Write(context.Background(), again, o, func() {}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(tree(t, dir), tree(t, again)) {
		t.Error("another number of workers writes other files")
	}
	runtime.GOMAXPROCS(8)
	more := filepath.Join(t.TempDir(), "more")
	if err := Write(context.Background(), more, o, func() {}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(tree(t, dir), tree(t, more)) {
		t.Error("eight workers write other files")
	}
}

func TestWriteRefuses(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	full := filepath.Join(base, "full")
	if err := errors.Join(os.WriteFile(file, nil, 0o666), os.Mkdir(full, 0o777),
		os.WriteFile(filepath.Join(full, "mine"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	good := Options{Classes: 2, PerClass: 1, Size: 64}
	for _, c := range []struct {
		dir  string
		o    Options
		want string
	}{
		{full, good, "is not empty"},
		{file, good, "is not a folder"},
		{filepath.Join(base, "none", "set"), good, "does not exist"},
		{filepath.Join(base, "set"), Options{Classes: 1, PerClass: 1, Size: 64}, "classes"},
		{filepath.Join(base, "set"), Options{Classes: MaxSpecies + 1, PerClass: 1, Size: 64}, "classes"},
		{filepath.Join(base, "set"), Options{Classes: 2, PerClass: 0, Size: 64}, "pictures of a class"},
		{filepath.Join(base, "set"), Options{Classes: 2, PerClass: 1, Size: 63}, "pixels"},
		{filepath.Join(base, "set"), Options{Classes: 2, PerClass: 1, Size: 401}, "pixels"},
	} {
		err := Write(context.Background(), c.dir, c.o, func() {})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v into %s: %v, want %q", c.o, c.dir, err, c.want)
		}
	}
	if _, err := Open(full); err == nil || !strings.Contains(err.Error(), "species.json") {
		t.Errorf("opened a folder of something else: %v", err)
	}
	if left := tree(t, base); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

// What is stopped or fails leaves nothing, whether the folder was there or not.
func TestNothingHalf(t *testing.T) {
	o := Options{Classes: 4, PerClass: 20, Size: 64}
	for name, there := range map[string]bool{"new": false, "there": true} {
		base := t.TempDir()
		dir := filepath.Join(base, "set")
		if there {
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		err := Write(ctx, dir, o, func() {
			if n++; n == 10 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: stopped in the middle: %v", name, err)
		}
		if n > 10+runtime.GOMAXPROCS(0) {
			t.Errorf("%s: %d pictures were drawn after the stop at 10", name, n-10)
		}
		// A folder that disappears in the middle stands for a full disk.
		n = 0
		err = Write(context.Background(), dir, o, func() {
			if n++; n == 10 {
				found, _ := filepath.Glob(filepath.Join(base, ".set.*"))
				inner, _ := filepath.Glob(filepath.Join(dir, ".set.*"))
				for _, temporary := range append(found, inner...) {
					os.RemoveAll(filepath.Join(temporary, "val"))
				}
			}
		})
		if err == nil || !strings.HasPrefix(err.Error(), dir+" cannot be written: ") ||
			strings.Contains(err.Error(), ".set.") {
			t.Errorf("%s: failed in the middle: %v", name, err)
		}
		left := []string{}
		_ = filepath.WalkDir(base, func(path string, _ fs.DirEntry, _ error) error {
			left = append(left, path)
			return nil
		})
		want := []string{base}
		if there {
			want = append(want, dir)
		}
		if !slices.Equal(left, want) {
			t.Errorf("%s: left behind %v, want %v", name, left, want)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for i := range b.N {
		Draw(At(i%MaxSpecies), NewScene(0, "train", 0, i), Defaults.Size)
	}
}

// An empty scene has no part of a bird, and shows the same whatever the species; what the bird did not cover stays.
func TestEmpty(t *testing.T) {
	scene := NewScene(3, "val", 0, 1)
	full, _ := Draw(At(0), scene, 96)
	empty, parts := Draw(At(0), scene.Empty(), 96)
	other, _ := Draw(At(40), scene.Empty(), 96)
	if len(parts) != 0 || !slices.Equal(empty.Pix, other.Pix) {
		t.Errorf("there are %d parts in it", len(parts))
	}
	same := 0
	for i, v := range full.Pix {
		if v == empty.Pix[i] {
			same++
		}
	}
	if share := float64(same) / float64(len(full.Pix)); share < 0.4 || share > 0.95 {
		t.Errorf("%.2f of the picture is as with the bird", share)
	}
}

// A shape taken away from behind the bird changes pixels, and no more of a part
// than the edge through which it is seen.
func TestWithoutBackdrop(t *testing.T) {
	scene, species := NewScene(3, "val", 0, 1), At(0)
	full, parts := Draw(species, scene, 96)
	if scene.Backdrop() < 1 {
		t.Fatal("nothing is behind the bird")
	}
	changed := 0
	for i := range scene.Backdrop() {
		bare, same := Draw(species, scene.WithoutBackdrop(i), 96)
		if !slices.Equal(bare.Pix, full.Pix) {
			changed++
		}
		if len(same) != len(parts) {
			t.Errorf("without shape %d there are %d parts", i, len(same))
		}
	}
	if again, _ := Draw(species, scene, 96); !slices.Equal(again.Pix, full.Pix) {
		t.Error("the scene itself was changed")
	}
	if 2*changed < scene.Backdrop() {
		t.Errorf("only %d of %d shapes can be seen", changed, scene.Backdrop())
	}
	defer func() {
		if recover() == nil {
			t.Error("a shape that is not there was taken away")
		}
	}()
	scene.WithoutBackdrop(scene.Backdrop())
}
