package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"hash/crc32"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/picture"
)

// lying makes two datasets of drawn birds: in the second every picture is stored turned, says so, and its parts are
// where they lie in the file.
func lying(t *testing.T) (held, lies string) {
	t.Helper()
	held, lies = filepath.Join(t.TempDir(), "held"), filepath.Join(t.TempDir(), "lies")
	if code, _, stderr := gointr("birds", held, "--classes", "2", "--per-class", "9", "--size", "64"); code != 0 {
		t.Fatal(stderr)
	}
	if err := os.CopyFS(lies, os.DirFS(held)); err != nil {
		t.Fatal(err)
	}
	turned, n := map[string]picture.Orientation{}, 0
	err := filepath.WalkDir(lies, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".png" {
			return err
		}
		key, err := filepath.Rel(lies, path)
		if err != nil {
			return err
		}
		o := picture.Orientation(1 + n%8)
		n++
		turned[filepath.ToSlash(key)] = o
		return turnFile(path, o)
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(lies, "parts.csv")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	for _, row := range rows[1:] {
		back := turned[row[at["path"]]]
		if back == 6 || back == 8 { // the others are their own inverse
			back = 14 - back
		}
		number := func(name string) float64 { v, _ := strconv.ParseFloat(row[at[name]], 64); return v }
		set := func(name string, v float64) { row[at[name]] = strconv.FormatFloat(v, 'g', -1, 64) }
		x, y := back.Turned(number("x"), number("y"), 64, 64)
		x0, y0 := back.Turned(number("x0"), number("y0"), 64, 64)
		x1, y1 := back.Turned(number("x1"), number("y1"), 64, 64)
		if number("x1") > 0 {
			set("x0", min(x0, x1))
			set("y0", min(y0, y1))
			set("x1", max(x0, x1))
			set("y1", max(y0, y1))
		}
		if row[at["visible"]] == "1" {
			set("x", x)
			set("y", y)
		}
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return held, lies
}

// turnFile stores a picture so that it is what it was when it is turned, and says so.
func turnFile(path string, o picture.Orientation) error {
	p, err := picture.Open(path)
	if err != nil {
		return err
	}
	stored := picture.New(p.Width, p.Height) // drawn birds are square
	for y := range p.Height {
		for x := range p.Width {
			toX, toY := o.Turned(float64(x)+0.5, float64(y)+0.5, p.Width, p.Height)
			copy(stored.Pix[(y*p.Width+x)*3:][:3], p.Pix[(int(toY)*p.Width+int(toX))*3:])
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, stored); err != nil {
		return err
	}
	exif := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(o)) +
		strings.Repeat("\x00", 7)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)))
	chunk = append(chunk, "eXIf"+exif...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	const header = 8 + 25
	data := file.Bytes()
	return os.WriteFile(path, append(append(append([]byte{}, data[:header]...), chunk...), data[header:]...), 0o666)
}

// said is a line of JSON without what differs between the two datasets, and whether pictures were said to be turned.
func said(t *testing.T, text string, folder string) (lines []map[string]any, upright any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var one map[string]any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(line, folder, "DATA")), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		upright = one["upright"]
		for _, key := range []string{"upright", "seconds", "dataset_digest", "out", "bytes"} {
			delete(one, key)
		}
		lines = append(lines, one)
	}
	return lines, upright
}

// Every command that reads pictures gives for turned ones, with --upright, what it gives for them held upright.
func TestUpright(t *testing.T) {
	held, lies := lying(t)
	picked := "val/001.Dagger_billed_Bunting/00001.png"
	for _, c := range []struct {
		call string
		says bool // in its line of JSON
	}{
		{"predict DATA/val --logits", false},
		{"eval --dataset DATA", true},
		{"eval --dataset DATA --batch-size 2", true},
		{"interpret --dataset DATA --class-index 1 --out OUT", false},
		{"interpret --dataset DATA --class-index 1 --layout published --out OUT", false},
		{"fieldguide --dataset DATA --out OUT.html", false},
		{"faithful --dataset DATA --max-images 3 --steps 2 --out OUT", true},
		{"explain DATA/" + picked + " --out OUT.json", false},
		{"finetune --from sample --dataset DATA --epochs 1 --batch-size 4 --eval-size 64 --out OUT", false},
	} {
		t.Run(c.call, func(t *testing.T) {
			answer := func(data string, more ...string) (lines []map[string]any, out, stderr string) {
				out = filepath.Join(t.TempDir(), "out")
				call := strings.NewReplacer("DATA", data, "OUT", out).Replace(c.call)
				code, stdout, stderr := gointr(append(strings.Fields(call+" --json --backend go"), more...)...)
				if code != 0 {
					t.Fatal(stderr)
				}
				lines, upright := said(t, stdout, data)
				if (upright == true) != (c.says && more != nil) {
					t.Errorf("it says that pictures are turned: %v", upright)
				}
				return lines, out, stderr
			}
			want, plain, _ := answer(held)
			got, out, stderr := answer(lies, "--upright")
			if strings.Contains(stderr, "marked as turned") {
				t.Error(stderr)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("turned ones are answered with\n%v\nand held ones with\n%v", got, want)
			}
			for _, name := range []string{"interpret.csv", "heads.csv", "maps.npz", "pictures.csv", "steps.txt"} {
				a, _ := os.ReadFile(filepath.Join(plain, name))
				b, _ := os.ReadFile(filepath.Join(out, name))
				if !bytes.Equal(a, b) {
					t.Errorf("%s differs", name)
				}
			}
			lying, _, stderr := answer(lies)
			if !strings.Contains(stderr, "marked as turned") || !strings.Contains(stderr, "--upright turns them") {
				t.Errorf("it says %q of pictures that lie", stderr)
			}
			if reflect.DeepEqual(lying, want) && !strings.Contains(c.call, "explain") &&
				!strings.Contains(c.call, "published") {
				t.Error("pictures that lie are answered as if they were held")
			}
			if strings.HasPrefix(c.call, "finetune") { // such a model turns pictures by itself
				ask := func(path, run string) map[string]any {
					code, stdout, stderr := gointr("predict", path, "--checkpoint", filepath.Join(run, "best.pth"),
						"--json", "--backend", "go")
					if code != 0 || strings.Contains(stderr, "marked") {
						t.Fatal(stderr)
					}
					lines, _ := said(t, stdout, path)
					return lines[0]
				}
				a, b := ask(filepath.Join(held, picked), plain), ask(filepath.Join(lies, picked), out)
				if !reflect.DeepEqual(a, b) {
					t.Errorf("%v, and held %v", b, a)
				}
			}
		})
	}
	hereAndThere(t, func(t *testing.T) {
		var all []string
		for _, args := range [][]string{{held}, {lies, "--upright"}} {
			code, stdout, stderr := gointr(append([]string{"predict", "--json", "--backend", "go",
				filepath.Join(args[0], picked)}, args[1:]...)...)
			if code != 0 {
				t.Fatal(stderr)
			}
			all = append(all, strings.ReplaceAll(stdout, args[0], ""))
		}
		if all[0] != all[1] {
			t.Errorf("%s, held %s", all[1], all[0])
		}
	})
	if code, _, stderr := gointr("predict", filepath.Join(lies, picked), "--upright=false"); code != 2 ||
		!strings.Contains(stderr, "leave it out") {
		t.Errorf("%d %s", code, stderr)
	}
}
