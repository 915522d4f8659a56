package figure

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
)

// The arithmetic here is OpenCV's; testdata/opencv.npz holds its answers.

func TestJetIsOpenCVs(t *testing.T) {
	want := readNPZ(t, "testdata/opencv.npz")["jet"]
	for i, got := range jet() {
		if got != [3]uint8(want.bytes[3*i:]) {
			t.Errorf("level %d is %v, want %v", i, got, want.bytes[3*i:3*i+3])
		}
	}
}

var cases = []string{"landscape", "portrait", "panorama", "tiny", "line", "fine"}

func TestShrinkIsOpenCVs(t *testing.T) {
	all := readNPZ(t, "testdata/opencv.npz")
	for _, name := range cases {
		got, err := Shrink(all[name+"_in"].image())
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, got, all[name+"_small"].image(), 0)
	}
}

func TestBlursAreOpenCVs(t *testing.T) {
	all := readNPZ(t, "testdata/opencv.npz")
	for _, name := range cases {
		in := all[name+"_in"].image()
		same(t, name+" median", eachPlane(in, median), all[name+"_median"].image(), 0)
		same(t, name+" Gaussian", eachPlane(in, smooth), all[name+"_gaussian"].image(), 0)
	}
}

func TestOverlayIsThePublishedPanel(t *testing.T) {
	all := readNPZ(t, "testdata/opencv.npz")
	for _, name := range cases {
		m := all[name+"_map"]
		got, err := Overlay(attention.Map{Rows: m.shape[0], Cols: m.shape[1], Values: m.reals}, all[name+"_in"].image(),
			Options{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, got, all[name+"_overlay"].image(), 0)
	}
}

// The eight panels of the full-size network over the photograph.
func TestOverlayGolden(t *testing.T) {
	maps := readNPZ(t, shared.Golden(t, "intr_r50_200.npz"))["predicted_attention"]
	picture := readPNG(t, shared.Golden(t, "overlay_input.png"))
	for head := range 8 {
		m := attention.Map{Rows: 25, Cols: 33, Values: maps.reals[head*25*33:][:25*33]}
		got, err := Overlay(m, picture, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := readPNG(t, shared.Golden(t, fmt.Sprintf("overlay_head%d.png", head)))
		worst, mean := difference(got, want)
		t.Logf("head %d: greatest difference %d levels, mean %.6f", head, worst, mean)
		if worst > 1 {
			t.Errorf("head %d differs by %d levels from the published panel, want at most 1", head, worst)
		}
	}
}

func (a array) image() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, a.shape[1], a.shape[0]))
	for i := range a.shape[0] * a.shape[1] {
		copy(img.Pix[4*i:], a.bytes[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return img
}

func eachPlane(in *image.RGBA, do func(plane []uint8, w, h int) []uint8) *image.RGBA {
	w, h := in.Rect.Dx(), in.Rect.Dy()
	out := image.NewRGBA(in.Rect)
	plane := make([]uint8, w*h)
	for channel := range 4 {
		for i := range plane {
			plane[i] = in.Pix[4*i+channel]
		}
		for i, v := range do(plane, w, h) {
			out.Pix[4*i+channel] = v
		}
	}
	return out
}

func readPNG(t testing.TB, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := rgba(img)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// difference is the greatest and the mean difference in levels; 256 when the sizes differ.
func difference(a, b *image.RGBA) (worst int, mean float64) {
	if a.Rect != b.Rect {
		return 256, 256
	}
	sum := 0
	for i, v := range a.Pix {
		d := int(v) - int(b.Pix[i])
		d = max(d, -d)
		sum += d
		worst = max(worst, d)
	}
	return worst, float64(sum) / float64(len(a.Pix)/4*3)
}

func same(t *testing.T, name string, got, want *image.RGBA, within int) {
	t.Helper()
	if worst, mean := difference(got, want); worst > within {
		t.Errorf("%s: %v and %v differ by up to %d levels, mean %.5f, want at most %d", name, got.Rect, want.Rect,
			worst, mean, within)
	}
}
