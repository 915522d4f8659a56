package picture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/picture/internal/codec"
)

// oneSentence fails the test unless the error names the path first and is one line.
func oneSentence(t *testing.T, path string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: no error", path)
	case !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") ||
		strings.Count(err.Error(), path) != 1:
		t.Errorf("not one sentence that begins with the path: %q", err)
	}
}

func TestWhatIsNoPicture(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"empty.jpg": "", "text.jpg": "This is a text that calls itself a picture.\n", "one.png": "\x89",
		"page.webp": "<html></html>", "start.jpg": "\xFF\xD8\xFF", "start.png": "\x89PNG\r\n\x1A\n",
		"start.gif": "GIF89a", "start.webp": "RIFF\x00\x00\x00\x00WEBP", "start.tif": "II*\x00",
		"start.bmp": "BM\x00\x00\x00\x00\x00\x00\x00\x00", "start.ppm": "P6\n", "zero.ppm": "P6\n0 0\n255\n",
		"tables.jpg": "\xFF\xD8\xFF\xD9", "loop.tif": "II*\x00\x08\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		oneSentence(t, path, err)
		_, err = OpenUpright(path)
		oneSentence(t, path, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing.jpg"), os.DevNull} {
		_, err := Open(path)
		oneSentence(t, path, err)
	}
}

func TestJPEGsThatAreNotRead(t *testing.T) {
	for start, want := range map[string]string{
		"\xFF\xCB\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00":             "arithmetic",
		"\xFF\xC5\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00":             "hierarchical",
		"\xFF\xC1\x00\x0B\x0C\x00\x01\x00\x01\x01\x01\x11\x00":             "12 bits",
		"\xFF\xC0\x00\x0E\x08\x00\x01\x00\x01\x02\x01\x11\x00\x02\x11\x00": "2 components",
	} {
		if _, err := Decode([]byte("\xFF\xD8" + start)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestTruncatedAtEveryLength(t *testing.T) {
	for name, data := range fixtures(t) {
		for n := 0; n < len(data); n += max(1, len(data)/40) {
			p, err := Decode(data[:n])
			switch {
			case err != nil:
			case len(p.Pix) != p.Width*p.Height*3:
				t.Errorf("%s cut to %d bytes: a picture without its pixels", name, n)
			case n < len(data)/2:
				t.Errorf("%s cut to %d of %d bytes is taken for whole", name, n, len(data))
			}
		}
	}
}

// claims are small files that say they are large.
func claims() map[string][]byte {
	be := binary.BigEndian
	sized := func(start string, w, h uint32, end string) []byte {
		return append(be.AppendUint32(be.AppendUint32([]byte(start), w), h), end...)
	}
	jpeg := func(w, h uint16) []byte {
		return append(be.AppendUint16(be.AppendUint16([]byte("\xFF\xD8\xFF\xC0\x00\x0B\x08"), h), w),
			"\x01\x01\x11\x00"+strings.Repeat("\x00", 100)...)
	}
	bmp := []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00")
	bmp = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(bmp, 30000), 30000)
	return map[string][]byte{
		"jpeg":       jpeg(65500, 65500),
		"jpeg_below": jpeg(13000, 13000),
		"png": sized("\x89PNG\r\n\x1A\n\x00\x00\x00\x0DIHDR", 1<<30, 1<<30,
			"\x08\x02\x00\x00\x00\x00\x00\x00\x00"),
		"ppm":       []byte("P6 13000 13000 255\n"),
		"ppm_above": []byte("P6 100000 100000 255\n"),
		"pgm":       []byte("P2 9999999999 9999999999 255\n1 2 3"),
		"gif":       []byte("GIF89a\xFF\xFF\xFF\xFF\x00\x00\x00,\x00\x00\x00\x00\xFF\xFF\xFF\xFF\x00\x02\x01\x00\x00;"),
		"gif_below": []byte("GIF89a\x00\x30\x00\x30\x00\x00\x00,\x00\x00\x00\x00\x00\x30\x00\x30\x00\x02\x01\x00\x00;"),
		"bmp":       append(bmp, "\x01\x00\x18\x00"+strings.Repeat("\x00", 40)...),
		"tiff": []byte("II*\x00\x08\x00\x00\x00\x04\x00" +
			"\x00\x01\x04\x00\x01\x00\x00\x00\x00\x30\x00\x00" + "\x01\x01\x04\x00\x01\x00\x00\x00\x00\x30\x00\x00" +
			"\x02\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00" + "\x11\x01\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00" +
			"\x00\x00\x00\x00"),
	}
}

func TestLargeClaimsAreRefusedBeforeRoomIsMade(t *testing.T) {
	for name, data := range claims() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for a file of %d", name, used, len(data))
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/2.JPG", "b/1.png", "a/9.Tiff", "c.webp", "notes.txt", "empty/readme.md",
		"b/.ipynb_checkpoints/1.png"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	in := func(names ...string) (list []string) {
		for _, name := range names {
			list = append(list, filepath.Join(dir, name))
		}
		return list
	}
	got, err := List(in("notes.txt", ".", "c.webp")...)
	want := in("notes.txt", "a/9.Tiff", "b/1.png", "b/2.JPG", "c.webp", "c.webp")
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.Symlink("b", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := List(in("link")...); err != nil ||
		strings.Join(got, "\n") != strings.Join(in("link/1.png", "link/2.JPG"), "\n") {
		t.Errorf("through a link: %q, %v", got, err)
	}
	for _, name := range in("empty", "missing") {
		_, err := List(name)
		oneSentence(t, name, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range fixtures(f) {
		f.Add(data)
	}
	for _, data := range claims() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data)
		codec.Orientation(data)
		if err == nil && (p.Width <= 0 || p.Height <= 0 || len(p.Pix) != p.Width*p.Height*3) {
			t.Fatalf("%d by %d pixels in %d bytes", p.Width, p.Height, len(p.Pix))
		}
	})
}
