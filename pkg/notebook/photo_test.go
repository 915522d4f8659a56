package notebook

import (
	"archive/zip"
	"context"
	"image"
	"image/color"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
)

// someBirds is a small dataset of drawn birds, and one of its pictures.
func someBirds(t *testing.T) (o birds.Options, dir, key string) {
	t.Helper()
	o = birds.Options{Classes: 4, PerClass: 2, Size: 96, Seed: 3}
	dir = filepath.Join(t.TempDir(), "birds")
	if err := birds.Write(context.Background(), dir, o, func() {}); err != nil {
		t.Fatal(err)
	}
	return o, dir, "train/" + birds.At(1).Class() + "/00000.png"
}

func TestPhoto(t *testing.T) {
	o, dir, key := someBirds(t)
	photo := Picture(filepath.Join(dir, key))
	before := slices.Clone(photo.p.Pix)
	species, scene, err := o.Find(key)
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string, got *Photo, s birds.Species, scene birds.Scene) {
		t.Helper()
		want, _ := birds.Draw(s, scene, o.Size)
		if !slices.Equal(got.p.Pix, want.Pix) {
			t.Errorf("%s is another picture than the one drawn so", what)
		}
	}
	same("without a beak", photo.Without("beak"), species, scene.Without(birds.Beak))
	same("without beak and tail", photo.Without("beak").Without("tail"), species, scene.Without(birds.Beak, birds.Tail))
	same("with another beak", photo.With("beak", birds.At(0).Name), species.With(birds.Beak, birds.At(0)), scene)
	same("with its own beak again", photo.With("beak", birds.At(0).Name).With("beak", birds.At(1).Name), species, scene)

	// Other edits stay when a bird is drawn again.
	corner := image.Rect(0, 0, 5, 4)
	painted := photo.Paint(corner, color.RGBA{1, 2, 3, 255}).Without("beak")
	want, _ := birds.Draw(species, scene.Without(birds.Beak), o.Size)
	if painted.p.RGBAAt(2, 2) != (color.RGBA{1, 2, 3, 255}) || painted.p.RGBAAt(50, 50) != want.RGBAAt(50, 50) {
		t.Error("an edit was lost, or the beak was not")
	}
	if painted.name != "00000.png, painted over, without beak" {
		t.Errorf("it is called %q", painted.name)
	}
	part := photo.Part("beak")
	all, err := datasets.ReadParts(filepath.Join(dir, "parts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if b := all[key][0].Box; part != image.Rect(int(b.X0), int(b.Y0), int(b.X1), int(b.Y1)) {
		t.Errorf("the beak is at %v, in parts.csv at %v", part, b)
	}
	pasted := photo.Replace(corner, photo, part)
	if small := photo.p.Crop(part).Resize(5, 4); pasted.p.RGBAAt(1, 3) != small.RGBAAt(1, 3) {
		t.Error("the part was not pasted")
	}
	if blurred := photo.Blur(part); slices.Equal(blurred.p.Pix, before) {
		t.Error("nothing was blurred")
	}
	if !slices.Equal(photo.p.Pix, before) || photo.name != "00000.png" {
		t.Error("the photo itself was changed")
	}

	// A file that was changed since, or is no drawing: the part is blurred.
	if err := os.Remove(filepath.Join(dir, "species.json")); err != nil {
		t.Fatal(err)
	}
	without := Picture(filepath.Join(dir, key)).Without("BEAK")
	direct := photo.Blur(part)
	if !slices.Equal(without.p.Pix, direct.p.Pix) || without.name != "00000.png, beak blurred" {
		t.Errorf("%s is not the photo with the beak blurred", without.name)
	}
	// A point has a square around it.
	list := all[key]
	for i := range list {
		list[i].Box = datasets.Box{}
	}
	list[0].X, list[0].Y = 30, 2
	if err := datasets.WriteParts(filepath.Join(dir, "parts.csv"), map[string][]datasets.Part{key: list}); err != nil {
		t.Fatal(err)
	}
	if got := photo.Part("beak"); got != image.Rect(21, 0, 39, 11) {
		t.Errorf("around the point lies %v", got)
	}
}

func TestVersus(t *testing.T) {
	_, dir, key := someBirds(t)
	model := Open("sample")
	photo := Picture(filepath.Join(dir, key))
	painted := photo.Paint(image.Rect(0, 0, 96, 96), color.Gray{90})
	before, after := model.ExplainPhoto(photo), model.ExplainPhoto(painted)
	direct := model.Explain(filepath.Join(dir, key))
	if !slices.Equal(direct.Numbers.Logits, before.Numbers.Logits) ||
		!slices.Equal(direct.Numbers.Weights, before.Numbers.Weights) {
		t.Error("a photo at hand is answered otherwise than its file")
	}
	if slices.Equal(before.Numbers.Logits, after.Numbers.Logits) || after.Numbers.Image != "00000.png, painted over" {
		t.Errorf("after the change %s is answered the same", after.Numbers.Image)
	}
	out := filepath.Join(t.TempDir(), "change.svg")
	said := printed(t, func() { before.Versus(after, "Red-breasted Bunting", "0").Show().Save(out) })
	if !strings.HasPrefix(said, "Before: ") || !strings.Contains(said, "; after: ") {
		t.Errorf("it said %q", said)
	}
	data, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(data), "Red breasted Bunting, decoder layer") ||
		!strings.Contains(string(data), "Dagger billed Bunting, decoder layer") {
		t.Errorf("the figure is %.80s (%v)", data, err)
	}
}

func TestFieldGuide(t *testing.T) {
	o, dir, _ := someBirds(t)
	model := Open("sample")
	// The sample knows eight species; four of them are here.
	var g *FieldGuide
	said := printed(t, func() {
		g = model.FieldGuide(dir, func(o *FieldGuideOptions) { o.Split, o.Patches = "train", 2 })
	})
	about := g.Numbers.About
	if !strings.HasPrefix(said, "4 classes looked at, ") || len(g.Numbers.Species) != o.Classes ||
		about.Patches != 2 || len(about.Digest) != 64 {
		t.Errorf("it said %q of %+v", said, g.Numbers.About)
	}
	if shown := printed(t, func() { g.Show() }); !strings.HasPrefix(shown, "Field guide of 4 classes") {
		t.Errorf("it is shown as %q", shown)
	}
	shown := printed(t, func() { g.Class("Dagger-billed Bunting").Show() })
	if !strings.HasPrefix(shown, "Dagger billed Bunting: ") {
		t.Errorf("a class is shown as %q", shown)
	}
	shown = printed(t, func() { g.Sentences().Show() })
	if strings.Count(shown, "\n") != 5 || !strings.Contains(shown, "of 2") {
		t.Errorf("the sentences are %q", shown)
	}
	out := filepath.Join(t.TempDir(), "guide.html")
	g.Save(out)
	stem := strings.TrimSuffix(out, "html")
	for _, name := range []string{out, stem + "csv", stem + "json"} {
		if info, err := os.Stat(name); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPhotoMistakes runs itself as programs that mistakes end.
func TestPhotoMistakes(t *testing.T) {
	if path := os.Getenv("GOINTR_TEST_MISTAKE"); path != "" {
		photo := Picture(path)
		switch os.Getenv("GOINTR_TEST_DO") {
		case "paint":
			photo.Paint(image.Rect(90, 90, 120, 100), color.White)
		case "blur":
			photo.Blur(image.Rectangle{})
		case "replace":
			photo.Replace(image.Rect(0, 0, 9, 9), photo, image.Rect(0, 0, 900, 900))
		case "without":
			photo.Without("bill")
		case "with":
			photo.With("beak", "Robin")
		case "part":
			photo.Part("beak")
		}
		t.Fatal("it came back")
	}
	_, dir, key := someBirds(t)
	bird := filepath.Join(dir, key)
	for _, c := range []struct{ path, do, want string }{
		{bird, "paint", "the rectangle from (90, 90) to (120, 100) is not in the picture, which has 96 × 96 pixels"},
		{bird, "blur", "is not in the picture"},
		{bird, "replace", "the rectangle from (0, 0) to (900, 900) is not in the picture"},
		{bird, "without", `has no part "bill": its visible parts are beak, breast`},
		{bird, "with", "the species are Dagger-billed Bunting, "},
		{photo, "part", "no folder above it has a parts.csv; Paint, Blur and Replace take any rectangle"},
		{photo, "with", "is no bird that can be drawn again"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPhotoMistakes$")
		cmd.Env = append(os.Environ(), "GOINTR_TEST_MISTAKE="+c.path, "GOINTR_TEST_DO="+c.do)
		said, err := cmd.CombinedOutput()
		if err == nil || strings.Count(string(said), "\n") != 1 || !strings.Contains(string(said), c.want) {
			t.Errorf("%q: it ended with %v and said %q", c.want, err, said)
		}
	}
}

// Figures of an edited photo say which model they come from, as those of a file do.
func TestExplainPhotoOrigin(t *testing.T) {
	_, dir, key := someBirds(t)
	model, path := Open("sample"), filepath.Join(dir, key)
	want, edited := model.Explain(path).subject.Source, model.ExplainPhoto(Picture(path).Blur(image.Rect(10, 10, 60,
		60)))
	if edited.subject.Source != want || len(want.SHA256) != 64 {
		t.Errorf("the edited photo's figures come from %+v, the file's from %+v", edited.subject.Source, want)
	}
	if caption := edited.Heads("0").Caption(); !strings.Contains(caption, "SHA-256 "+want.SHA256[:12]) {
		t.Errorf("the caption is %q", caption)
	}
}

// A picture that lies on its side is turned where that is asked for, with its parts.
func TestUpright(t *testing.T) {
	dir := t.TempDir()
	files, err := zip.OpenReader("../picture/testdata/upright.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	data, err := fs.ReadFile(files, "exif6.jpg") // 24 by 16 pixels as it lies
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "val", "bird.jpg")
	if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	parts := "path,part,x,y,visible,x0,y0,x1,y1\nval/bird.jpg,beak,3,2,1,2,1,6,4\n"
	for name, text := range map[string]string{path: string(data), filepath.Join(dir, "parts.csv"): parts} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	lies := Picture(path)
	held := lies.Upright()
	if lies.p.Width != 24 || held.p.Width != 16 || held.p.Height != 24 {
		t.Errorf("it is %d wide, and upright %d by %d", lies.p.Width, held.p.Width, held.p.Height)
	}
	if at := lies.Part("beak"); at != image.Rect(2, 1, 6, 4) {
		t.Errorf("the beak lies at %v", at)
	}
	if at := held.Part("beak"); at != image.Rect(12, 2, 15, 6) {
		t.Errorf("upright the beak is at %v", at)
	}
	plain, upright := Open("sample", Backend("go")), Open("sample", Backend("go"), Upright())
	if e := upright.Explain(path); e.Numbers.Width != 16 || !e.subject.Source.Upright ||
		!slices.Equal(e.Numbers.Logits, plain.ExplainPhoto(held).Numbers.Logits) {
		t.Error("a model that turns pictures answers another than the turned photo")
	}
	if e := plain.Explain(path); e.Numbers.Width != 24 || e.subject.Source.Upright {
		t.Error("a model turns a picture that nobody asked to be turned")
	}
	for e := range upright.ExplainAll(dir) {
		if e.Numbers.Width != 16 {
			t.Error("a picture of a folder is not turned")
		}
	}
}
