package picture

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAugmentIsTorchvisions(t *testing.T) {
	var cases []struct {
		Picture, Resized, Crop, Size []int
		Flip                         bool
		First, Short, Long           int
		Sum                          string
	}
	readJSON(t, "testdata/augment.json", &cases)
	if len(cases) < 80 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		a := Augment{Flip: c.Flip}
		width, height := c.Picture[0], c.Picture[1]
		if c.Crop != nil {
			width, height = SizeFor(width, height, c.First, 0)
			if width != c.Resized[0] || height != c.Resized[1] {
				t.Errorf("%v with short side %d becomes %d by %d, DETR's %v", c.Picture, c.First, width,
					height, c.Resized)
			}
			a.Resized = image.Pt(width, height)
			a.Crop = image.Rect(c.Crop[0], c.Crop[1], c.Crop[0]+c.Crop[2], c.Crop[1]+c.Crop[3])
			width, height = c.Crop[2], c.Crop[3]
		}
		width, height = SizeFor(width, height, c.Short, c.Long)
		if width != c.Size[0] || height != c.Size[1] {
			t.Errorf("%v with short side %d becomes %d by %d, DETR's %v", c.Picture, c.Short, width, height, c.Size)
		}
		a.Size = image.Pt(width, height)
		if got := a.Apply(pattern(c.Picture[0], c.Picture[1])); sum(got) != c.Sum {
			t.Errorf("%v: the pixels are not torchvision's (%+v)", c.Picture, a)
		}
	}
}

// A part of a resized picture costs less than the whole, and is the same.
func TestResizePart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		p := pattern(1+r.IntN(60), 1+r.IntN(60))
		w, h := 1+r.IntN(90), 1+r.IntN(90)
		if r.IntN(4) == 0 {
			w = p.Width
		}
		if r.IntN(4) == 0 {
			h = p.Height
		}
		x, y := r.IntN(w), r.IntN(h)
		part := image.Rect(x, y, x+1+r.IntN(w-x), y+1+r.IntN(h-y))
		if got, want := p.resizePart(w, h, part), p.Resize(w, h).Crop(part); !bytes.Equal(got.Pix, want.Pix) ||
			got.Width != want.Width {
			t.Errorf("%v of %d by %d at %d by %d is not that part", part, p.Width, p.Height, w, h)
		}
	}
	p := pattern(20, 30)
	before := slices.Clone(p.Pix)
	p.resizePart(20, 30, image.Rect(0, 0, 20, 30)).Pix[0]++
	if !bytes.Equal(p.Pix, before) {
		t.Error("the whole shares its pixels")
	}
}

func TestPublishedTransform(t *testing.T) {
	got := TrainTransform(800)
	want := Transform{
		Sizes: []int{480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800}, Long: 1333, Flip: true,
		CropSizes: []int{400, 500, 600}, Crop: [2]int{384, 600},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, published is %+v", got, want)
	}
	if got, want := TrainTransform(128), "{[77 82 87 92 97 102 108 113 118 123 128] 213 true [64 80 "+
		"96] [61 96]}"; fmt.Sprint(got) != want {
		t.Errorf("for 128: %+v, not %s", got, want)
	}
	for _, size := range [][2]int{{500, 389}, {389, 500}, {1500, 300}, {64, 50}, {2100, 1575}} {
		for _, short := range []int{800, 128, 131} {
			w, h := EvalSize(size[0], size[1], short)
			a := EvalTransform(short).Draw(rand.New(rand.NewPCG(1, 1)), size[0], size[1])
			if (a != Augment{Size: image.Pt(w, h)}) {
				t.Errorf("evaluation of %v at %d draws %+v, not %d by %d", size, short, a, w, h)
			}
		}
	}
	if w, h := EvalSize(500, 389, 0); w != 1028 || h != 800 {
		t.Errorf("without a size it is %d by %d", w, h)
	}
}

// What is drawn has the published frequencies and stays within the bounds.
func TestDraw(t *testing.T) {
	const n = 20000
	tr := TrainTransform(800)
	r := rand.New(rand.NewPCG(3, 4))
	flips, crops := 0, 0
	sizes, first := map[int]int{}, map[int]int{}
	widths, lefts, rights := map[int]int{}, 0, 0
	for range n {
		a := tr.Draw(r, 500, 400)
		if a.Flip {
			flips++
		}
		short := min(a.Size.X, a.Size.Y)
		if a.Crop.Empty() {
			sizes[short]++
			continue
		}
		crops++
		first[a.Resized.Y]++
		if !a.Crop.In(image.Rectangle{Max: a.Resized}) || a.Crop.Dx() < 384 || a.Crop.Dx() > 600 || a.Crop.Dy() < 384 ||
			a.Crop.Dy() > 600 {
			t.Fatalf("%+v", a)
		}
		if w, h := SizeFor(a.Crop.Dx(), a.Crop.Dy(), short, 1333); a.Size != image.Pt(w, h) {
			t.Fatalf("%+v", a)
		}
		if a.Resized.Y == 400 {
			widths[a.Crop.Dx()]++
		}
		if a.Crop.Min.X == 0 {
			lefts++
		}
		if a.Crop.Max.X == a.Resized.X {
			rights++
		}
	}
	near := func(what string, got, of int, want float64) {
		t.Helper()
		if share := float64(got) / float64(of); share < want*0.9 || share > want*1.1 {
			t.Errorf("%s: %.3f, not %.3f", what, share, want)
		}
	}
	near("flips", flips, n, 0.5)
	near("crops", crops, n, 0.5)
	if len(sizes) != len(tr.Sizes) {
		t.Errorf("sizes %v", sizes)
	}
	for _, s := range tr.Sizes {
		if share := float64(sizes[s]) * 11 / float64(n-crops); share < 0.85 || share > 1.15 {
			t.Errorf("size %d: %.3f of its share", s, share)
		}
	}
	for _, s := range tr.CropSizes {
		near(fmt.Sprint("first size ", s), first[s], crops, 1.0/3)
	}
	if widths[384] == 0 || widths[500] == 0 || widths[383]+widths[501] > 0 { // 500 by 400 at 400 is 500 wide
		t.Errorf("widths of crops %v", widths)
	}
	if lefts == 0 || rights == 0 {
		t.Errorf("%d crops touch the left side, %d the right", lefts, rights)
	}
}

func TestDrawIsDeterministic(t *testing.T) {
	draw := func(seed uint64) (list []Augment) {
		r := rand.New(rand.NewPCG(seed, 7))
		for range 20 {
			list = append(list, TrainTransform(128).Draw(r, 130, 100))
		}
		return list
	}
	if !slices.Equal(draw(1), draw(1)) || slices.Equal(draw(1), draw(2)) {
		t.Error("the numbers of one seed are not its own")
	}
}

// The published code has no answer where a picture is smaller than the crop.
func TestDrawOfSmallPictures(t *testing.T) {
	tr := Transform{Sizes: []int{30}, Long: 50, CropSizes: []int{10}, Crop: [2]int{20, 40}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a := tr.Draw(r, 1+r.IntN(30), 1+r.IntN(30))
		if a.Crop.Empty() {
			continue
		}
		if !a.Crop.In(image.Rectangle{Max: a.Resized}) || min(a.Crop.Dx(), a.Crop.Dy()) != 10 {
			t.Fatalf("%+v", a)
		}
		if out := a.Apply(pattern(9, 7)); out.Width != a.Size.X || out.Height != a.Size.Y {
			t.Fatalf("%d by %d, not %v", out.Width, out.Height, a.Size)
		}
	}
}

func TestFlipAndCrop(t *testing.T) {
	p := pattern(7, 5)
	f, c := p.Flip(), p.Crop(image.Rect(2, 1, 6, 4))
	for y := range 5 {
		for x := range 7 {
			if f.RGBAAt(6-x, y) != p.RGBAAt(x, y) {
				t.Fatalf("the mirror image differs at %d, %d", x, y)
			}
		}
	}
	for y := range 3 {
		for x := range 4 {
			if c.RGBAAt(x, y) != p.RGBAAt(x+2, y+1) {
				t.Fatalf("the part differs at %d, %d", x, y)
			}
		}
	}
}
