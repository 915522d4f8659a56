package picture

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pillow.py answers each path with "FORMAT WIDTH HEIGHT" and the pixels, or "FORMAT 0 0 REASON".
const pillow = `
import sys, warnings
from PIL import Image
warnings.simplefilter("ignore")
for path in sys.stdin:
    name, out = "none", sys.stdout.buffer
    try:
        picture = Image.open(path[:-1])
        name = picture.format
        picture = picture.convert("RGB")
        out.write(b"%s %d %d\n" % (name.encode(), *picture.size) + picture.tobytes())
    except Exception as reason:
        out.write(b"%s 0 0 %s\n" % (name.encode(), repr(reason).replace("\n", " ").encode()))
    out.flush()
`

// TestCollections holds every file below the folder GOINTR_COLLECTIONS together with Pillow, and prints the table of
// docs/parity.md. It fails where pixels differ or only one of the two reads a picture of a kind that is read.
func TestCollections(t *testing.T) {
	folder, python := os.Getenv("GOINTR_COLLECTIONS"), os.Getenv("GOINTR_ORACLE")
	if folder == "" || python == "" {
		t.Skip("skipped: GOINTR_COLLECTIONS names no folder of pictures, or GOINTR_ORACLE no Python with Pillow 13")
	}
	ask := askPillow(t, python)
	type kind struct{ equal, refused, missed, more, differ int }
	kinds := map[string]*kind{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		format, want, reason := ask(path)
		if kinds[format] == nil {
			kinds[format] = &kind{}
		}
		k := kinds[format]
		switch got, err := Open(path); {
		case err != nil && want == nil:
			k.refused++
		case err != nil:
			k.missed++
			t.Logf("only Pillow reads %s %v", format, err)
		case want == nil:
			k.more++
			t.Logf("Pillow does not read %s %s: %s", format, path, reason)
		case got.Width != want.Width || got.Height != want.Height:
			k.differ++
			t.Logf("size %s %s: %d by %d, Pillow's is %d by %d", format, path, got.Width, got.Height, want.Width,
				want.Height)
		default:
			if n, most := differences(got.Pix, want.Pix); n > 0 {
				k.differ++
				t.Logf("pixels %s %s: %d of %d bytes, by %d at most", format, path, n, len(got.Pix), most)
			} else {
				k.equal++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	total := kind{}
	t.Log("| kind | equal | refused by both | only Pillow reads | only we read | pixels differ |")
	for _, format := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[format]
		t.Logf("| %s | %d | %d | %d | %d | %d |", format, k.equal, k.refused, k.missed, k.more, k.differ)
		total = kind{total.equal + k.equal, total.refused + k.refused, total.missed + k.missed, total.more + k.more,
			total.differ + k.differ}
	}
	t.Logf("| all | %d | %d | %d | %d | %d |", total.equal, total.refused, total.missed, total.more, total.differ)
}

// differences are how many bytes differ, and by how much at most.
func differences(a, b []uint8) (n, most int) {
	for i := range a {
		if d := int(a[i]) - int(b[i]); d != 0 {
			n, most = n+1, max(most, d, -d)
		}
	}
	return n, most
}

// askPillow starts a Python that says what a file is and, where Pillow reads it, its pixels.
func askPillow(t *testing.T, python string) func(path string) (format string, p *Picture, reason string) {
	command := exec.Command(python, "-c", pillow)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		command.Wait()
	})
	out := bufio.NewReader(pipe)
	return func(path string) (string, *Picture, string) {
		fmt.Fprintln(in, path)
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: Python says nothing: %v", path, err)
		}
		var format string
		var width, height int
		fmt.Sscan(line, &format, &width, &height)
		if width == 0 {
			_, reason, _ := strings.Cut(strings.TrimSpace(line), " 0 0 ")
			return format, nil, reason
		}
		p := New(width, height)
		if _, err := io.ReadFull(out, p.Pix); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return format, p, ""
	}
}
