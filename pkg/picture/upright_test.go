package picture

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUpright turns the files of testdata/upright.py as Pillow's exif_transpose does, and leaves them without.
func TestUpright(t *testing.T) {
	var answers map[string][2]answer
	readJSON(t, "testdata/upright.json", &answers)
	files, dir := archived(t, "testdata/upright.zip"), t.TempDir()
	if len(files) < 200 || len(files) != len(answers) {
		t.Fatalf("%d files, %d answers", len(files), len(answers))
	}
	for name, want := range answers {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, files[name], 0o666); err != nil {
				t.Fatal(err)
			}
			for i, open := range []func(string) (*Picture, error){Open, OpenUpright} {
				p, err := open(path)
				if err != nil {
					t.Fatal(err)
				}
				if p.Width != want[i].width || p.Height != want[i].height || sum(p)[:16] != want[i].sum {
					t.Errorf("upright %v: it is %d by %d, Pillow's %d by %d", i == 1, p.Width, p.Height, want[i].width,
						want[i].height)
				}
			}
		})
	}
}

// TestOrientationTurnsPoints holds where points go together with where pixels go.
func TestOrientationTurnsPoints(t *testing.T) {
	files, dir := archived(t, "testdata/upright.zip"), t.TempDir()
	path := filepath.Join(dir, "bird.png")
	for _, digit := range "123456788" {
		if err := os.WriteFile(path, files["exif"+string(digit)+".png"], 0o666); err != nil {
			t.Fatal(err)
		}
		lies, _, err := Read(path, false)
		if err != nil {
			t.Fatal(err)
		}
		held, o, err := Read(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if o != Orientation(digit-'0') {
			t.Errorf("orientation %d, not %c", o, digit)
		}
		for y := range lies.Height {
			for x := range lies.Width {
				toX, toY := o.Turned(float64(x)+0.5, float64(y)+0.5, held.Width, held.Height)
				if lies.RGBAAt(x, y) != held.RGBAAt(int(toX), int(toY)) {
					t.Errorf("orientation %d: (%d, %d) does not go to (%v, %v)", o, x, y, toX, toY)
				}
			}
		}
	}
}

func TestLyingCountsFilesOnce(t *testing.T) {
	files, dir := archived(t, "testdata/upright.zip"), t.TempDir()
	Lying()
	for _, name := range []string{"exif6.png", "exif3.jpg", "exif1.jpg", "exif6.png"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, files[name], 0o666); err != nil {
			t.Fatal(err)
		}
		for _, upright := range []bool{true, false} {
			if _, _, err := Read(path, upright); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := Lying(); got != 2 {
		t.Errorf("%d files lie, not 2", got)
	}
}
