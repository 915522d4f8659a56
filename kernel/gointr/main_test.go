package main

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/torchfile"
)

const small = "../../pkg/intr/testdata/basic.pth" // 5 classes

// TestMain lets this program be gointr where gointr calls itself: as the session,
// and to try an engine.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && slices.Contains([]string{"session", "doctor", "predict", "finetune"}, os.Args[1]) {
		main()
	}
	os.Unsetenv("GOINTR_PROGRAM")
	os.Exit(shared.Main(m))
}

// hereAndThere tests in this process and in a session.
func hereAndThere(t *testing.T, test func(t *testing.T)) {
	t.Run("here", test)
	t.Run("session", func(t *testing.T) {
		if code, _, stderr := gointr("session", "start"); code != 0 {
			t.Fatal(stderr)
		}
		defer func() {
			if code, _, stderr := gointr("session", "stop"); code != 0 {
				t.Error(stderr)
			}
		}()
		test(t)
		_, stdout, _ := gointr("session", "status", "--json")
		if strings.Contains(stdout, `"answered":0`) {
			t.Errorf("the session was not asked: %s", stdout)
		}
	})
}

// gointr runs the program in this process.
func gointr(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// photo draws a picture with something to look at.
func photo(t *testing.T, name string, width, height int) string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height),
				uint8(128 + 127*math.Sin(float64(x*y)/300)), 255})
		}
	}
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
	return path
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hugePNG is a correct PNG of one colour, small as a file and 30000×30000 pixels large.
func hugePNG(side int) []byte {
	var out bytes.Buffer
	chunk := func(kind string, data []byte) {
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data)))
		body := append([]byte(kind), data...)
		out.Write(body)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	out.WriteString("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(nil, uint32(side))
	head = binary.BigEndian.AppendUint32(head, uint32(side))
	chunk("IHDR", append(head, 1, 0, 0, 0, 0)) // 1 bit a pixel, gray
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	row := make([]byte, 1+(side+7)/8)
	for range side {
		_, _ = z.Write(row)
	}
	_ = z.Close()
	chunk("IDAT", data.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

// Every mistake is answered with one sentence that names it, and nothing on
// standard output.
func TestMistakes(t *testing.T) {
	bird := photo(t, "bird.png", 120, 90)
	whole, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for i := range 200 {
		names += fmt.Sprintf("%d %03d.Species_%d\n", i+1, i+1, i)
	}
	other := filepath.Join(t.TempDir(), "resnet.safetensors")
	weights, err := torchfile.NewTensor("fc.weight", []int{2, 3}, make([]float32, 6))
	if err != nil {
		t.Fatal(err)
	}
	if err := torchfile.WriteSafetensors(other, []*torchfile.Tensor{weights}, nil); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none.png")
	folder := t.TempDir()
	t.Setenv("XDG_DATA_HOME", t.TempDir())

	checkpoint := []string{"--backend", "go", "--checkpoint", small}
	with := func(c string) []string { return []string{"--backend", "go", "--checkpoint", c} }
	out, page := filepath.Join(t.TempDir(), "out.png"), filepath.Join(t.TempDir(), "out.html")
	for _, c := range []struct {
		name string
		code int
		says []string
		args []string
	}{
		{"no such picture", 1, []string{missing}, append([]string{"predict", missing}, checkpoint...)},
		{"no such checkpoint", 1, []string{"none.pth"}, append([]string{"predict", bird}, with("none.pth")...)},
		{"a text file as picture", 1, []string{"notes.jpg"},
			append([]string{"predict", file(t, "notes.jpg", []byte("heard it, did not see it"))}, checkpoint...)},
		{"a text file as checkpoint", 1, []string{"notes.pth"},
			append([]string{"predict", bird}, with(file(t, "notes.pth", []byte("heard it, did not see it")))...)},
		{"a truncated checkpoint", 1, []string{"short.pth"},
			append([]string{"predict", bird}, with(file(t, "short.pth", whole[:len(whole)*2/3]))...)},
		{"a checkpoint of another model", 1, []string{"resnet.safetensors", "no INTR"},
			append([]string{"predict", bird}, with(other)...)},
		{"200 names for 5 classes", 1, []string{"200 names", "5 classes"},
			append([]string{"predict", bird, "--classes", file(t, "classes.txt", []byte(names))}, checkpoint...)},
		{"a directory as picture", 1, []string{folder}, append([]string{"explain", folder, "--out", out},
			checkpoint...)},
		{"a directory without pictures", 1, []string{folder}, append([]string{"predict", folder}, checkpoint...)},
		{"a directory as checkpoint", 1, []string{folder}, append([]string{"predict", bird}, with(folder)...)},
		{"an empty picture", 1, []string{"empty.png"}, append([]string{"predict", file(t, "empty.png", nil)},
			checkpoint...)},
		{"a picture of 30000×30000 pixels", 1, []string{"huge.png", "30000"},
			append([]string{"explain", file(t, "huge.png", hugePNG(30000)), "--out", out}, checkpoint...)},
		{"an unknown hub name", 1, []string{"sparrow", "cub"}, append([]string{"predict", bird}, with("sparrow")...)},
		{"no XLA", 1, []string{"gointr setup"}, []string{"predict", bird, "--backend", "cuda", "--checkpoint", small}},
		{"an unknown engine", 1, []string{"abacus"}, []string{"predict", bird, "--backend", "abacus",
			"--checkpoint", small}},
		{"no checkpoint", 2, []string{"--checkpoint"}, []string{"predict", bird, "--checkpoint", ""}},
		{"no picture", 2, []string{"picture"}, append([]string{"predict"}, checkpoint...)},
		{"an unknown command", 2, []string{"guess"}, []string{"guess"}},
		{"an unknown flag", 2, []string{"--colour"}, append([]string{"predict", bird, "--colour"}, checkpoint...)},
		{"nowhere to write", 2, []string{"--out"}, append([]string{"explain", bird}, checkpoint...)},
		{"a figure of unknown kind", 2, []string{"x.jpeg2000"}, append([]string{"explain", bird, "--out", "x.jpeg2000"},
			checkpoint...)},
		{"an unknown class", 1, []string{"99", "0 to 4"},
			append([]string{"explain", bird, "--class", "99", "--out", out}, checkpoint...)},
		{"an unknown other class", 1, []string{"98", "0 to 4"},
			append([]string{"explain", bird, "--versus", "98", "--out", out}, checkpoint...)},
		{"a class beside itself", 1, []string{"no difference from itself"},
			append([]string{"explain", bird, "--class", "2", "--versus", "2", "--out", out}, checkpoint...)},
		{"a page of one difference", 2, []string{"leave --versus out"},
			append([]string{"explain", bird, "--versus", "1", "--out", page}, checkpoint...)},
		{"a caption of numbers", 2, []string{"--caption goes with a figure"},
			append([]string{"explain", bird, "--caption", "--out", "x.csv"}, checkpoint...)},
		{"an unknown width", 2, []string{"no width is named \"wide\"", "nature-double"},
			append([]string{"explain", bird, "--width", "wide", "--out", out}, checkpoint...)},
		{"an unknown layer", 1, []string{"7", "0 to 1"}, append([]string{"explain", bird, "--layer", "7", "--out", out},
			checkpoint...)},
		{"an unknown colormap", 1, []string{"rainbow"},
			append([]string{"explain", bird, "--colormap", "rainbow", "--out", out}, checkpoint...)},
		{"an unknown colormap in a page", 1, []string{"rainbow"},
			append([]string{"explain", bird, "--colormap", "rainbow", "--out", page}, checkpoint...)},
		{"an unknown smoothing", 2, []string{"wax"},
			append([]string{"explain", bird, "--smoothing", "wax", "--out", out}, checkpoint...)},
		{"a folder that is not there", 1, []string{"none"},
			append([]string{"explain", bird, "--out", filepath.Join(folder, "none", "x.png")}, checkpoint...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := gointr(c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if stdout != "" {
				t.Errorf("standard output has %q", stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "gointr: ") ||
				strings.Contains(stderr, "goroutine") {
				t.Errorf("not one sentence: %q", stderr)
			}
			for _, word := range c.says {
				if !strings.Contains(stderr, word) {
					t.Errorf("%q does not name %q", stderr, word)
				}
			}
			for _, left := range []string{out, page} {
				if _, err := os.Stat(left); err == nil {
					t.Errorf("%s was left behind", left)
				}
			}
			t.Log(strings.TrimSpace(stderr))
		})
	}
}

// Who names no checkpoint is told once what the sample knows, who names it is not.
func TestSampleByDefault(t *testing.T) {
	bird, dir := photo(t, "bird.png", 120, 90), filepath.Join(t.TempDir(), "birds")
	if code, _, stderr := gointr("birds", dir, "--classes", "8", "--per-class", "1", "--size", "64"); code != 0 {
		t.Fatal(stderr)
	}
	const said = "gointr: sample knows eight drawn birds only: --checkpoint chooses\n"
	for _, call := range [][]string{{"predict", bird}, {"explain", bird, "--out", filepath.Join(t.TempDir(), "x.png")},
		{"eval", "--dataset", dir}, {"eval", "--dataset", dir, "--batch-size", "2", "--backend", "go"},
		{"interpret", "--dataset", dir, "--class-index", "0", "--out", filepath.Join(t.TempDir(), "x")},
		{"fieldguide", "--dataset", dir, "--out", filepath.Join(t.TempDir(), "x.html")}} {
		if code, _, stderr := gointr(call...); code != 0 || strings.Count(stderr, said) != 1 {
			t.Errorf("%q ended with %d and said %q", call, code, stderr)
		}
	}
	if _, _, stderr := gointr("predict", bird, "--checkpoint", "sample"); stderr != "" {
		t.Errorf("the sample that was asked for said %q", stderr)
	}
}

func TestPredict(t *testing.T) { hereAndThere(t, testPredict) }

func testPredict(t *testing.T) {
	bird := photo(t, "bird.png", 120, 90)
	classes := file(t, "classes.txt", []byte("1 001.Wren\n2 002.Rook\n3 003.Blue_Tit\n4 004.Crow\n5 005.Robin\n"))
	code, stdout, stderr := gointr("predict", bird, bird, "--checkpoint", small, "--backend=go", "--json", "--top=2",
		"--logits", "--classes", classes)
	if code != 0 {
		t.Fatal(stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || lines[0] != lines[1] {
		t.Fatalf("two times the same picture gives %q", lines)
	}
	var got struct {
		Image string
		Input [2]int
		Top   []struct {
			Class       int
			Name        string
			Logit       float64
			Probability float64
		}
		Logits []float64
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Image != bird || got.Input != [2]int{800, 1066} || len(got.Top) != 2 || len(got.Logits) != 5 {
		t.Errorf("got %+v", got)
	}
	if best := got.Top[0]; best.Logit != got.Logits[best.Class] || best.Logit < got.Top[1].Logit ||
		best.Name != []string{"001.Wren", "002.Rook", "003.Blue_Tit", "004.Crow", "005.Robin"}[best.Class] {
		t.Errorf("ranked %+v of %v", got.Top, got.Logits)
	}

	code, stdout, _ = gointr("predict", filepath.Dir(bird), "--checkpoint", small, "--backend=go", "--classes", classes)
	if code != 0 || !strings.Contains(stdout, "Blue Tit") || strings.Contains(stdout, "003.") {
		t.Errorf("a folder, for people: exit %d, %q", code, stdout)
	}

	// One bad picture does not take the others along.
	code, stdout, stderr = gointr("predict", bird, file(t, "bad.jpg", []byte("x")), bird, "--checkpoint", small,
		"--backend=go", "--json")
	if code != 1 || strings.Count(stdout, "\n") != 2 || !strings.Contains(stderr, "bad.jpg") ||
		!strings.Contains(stderr, "1 of 3") {
		t.Errorf("exit %d, %d lines, %q", code, strings.Count(stdout, "\n"), stderr)
	}
}

func TestExplain(t *testing.T) { hereAndThere(t, testExplain) }

func testExplain(t *testing.T) {
	bird := photo(t, "bird.png", 120, 90)
	for _, kind := range []string{"png", "svg", "pdf", "eps", "html", "npz", "csv", "json"} {
		out := filepath.Join(t.TempDir(), "out."+kind)
		code, stdout, stderr := gointr("explain", bird, "--checkpoint", small, "--backend=go", "--json", "--class=3",
			"--layer=0", "--out", out)
		if code != 0 {
			t.Fatal(stderr)
		}
		var got explained
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if got != (explained{Image: bird, Class: 3, Name: "class 3", FeatureMap: [2]int{25, 34}, Out: out}) {
			t.Errorf("got %+v", got)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		magic := map[string]string{"png": "\x89PNG", "svg": "<?xml", "pdf": "%PDF", "eps": "%!PS-Adobe-3.0 EPSF",
			"html": "<!DOCTYPE html>", "npz": "PK", "csv": "image,label,layer",
			"json": "{\"provenance\":{\"gointr\":"}[kind]
		if !bytes.HasPrefix(data, []byte(magic)) || len(data) < 2000 {
			t.Errorf("%s holds %d bytes that begin with %q", out, len(data), data[:min(8, len(data))])
		}
		for _, begins := range []string{`"class":3,"layer":0,`, `"colormap":"fade"`} {
			if kind == "html" && !bytes.Contains(data, []byte(begins)) {
				t.Errorf("the page does not begin with the class, the layer and the colormap asked for: %s", begins)
			}
		}
		if kind == "npz" {
			z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range z.File {
				if f.Name != "attention.npy" {
					continue
				}
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				head := make([]byte, 128)
				if _, err := r.Read(head); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(head), "(2, 2, 25, 34)") {
					t.Errorf("attention has the header %q", head)
				}
			}
		}
	}
}

func TestInspectAndConvert(t *testing.T) {
	code, stdout, stderr := gointr("inspect", small, "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	var was, is inspected
	if err := json.Unmarshal([]byte(stdout), &was); err != nil {
		t.Fatal(err)
	}
	if was.Config == nil || was.Config.Classes != 5 || len(was.Tensors) == 0 {
		t.Fatalf("got %+v", was)
	}
	out := filepath.Join(t.TempDir(), "small.safetensors")
	if code, _, stderr := gointr("convert", small, out); code != 0 {
		t.Fatal(stderr)
	}
	_, stdout, _ = gointr("inspect", out, "--json")
	if err := json.Unmarshal([]byte(stdout), &is); err != nil {
		t.Fatal(err)
	}
	if *is.Config != *was.Config || len(is.Tensors) != len(was.Tensors) {
		t.Errorf("%+v became %+v", was.Config, is.Config)
	}
	if code, stdout, _ := gointr("inspect", out); code != 0 || !strings.Contains(stdout, "query_embed.weight") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	code, _, stderr = gointr("convert", small, filepath.Join(t.TempDir(), "small.onnx"))
	if code != 1 || !strings.Contains(stderr, ".safetensors") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// What one class sees that the other does not, with a caption and as numbers.
func TestVersus(t *testing.T) { hereAndThere(t, testVersus) }

func testVersus(t *testing.T) {
	bird := photo(t, "bird.png", 120, 90)
	folder := t.TempDir()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, name := range []string{"d.pdf", "d.json"} {
		args := []string{"explain", bird, "--checkpoint", small, "--backend=go", "--json", "--class=3", "--versus=1",
			"--width=ieee", "--out", filepath.Join(folder, name)}
		caption := ""
		if name == "d.pdf" {
			args, caption = append(args, "--caption", "--transparent"), filepath.Join(folder, "d.tex")
		}
		code, stdout, stderr := gointr(args...)
		if code != 0 {
			t.Fatal(stderr)
		}
		var got explained
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Class != 3 || got.Versus == nil ||
			*got.Versus != 1 || got.VersusName != "class 1" || got.Caption != caption {
			t.Errorf("%v: %s", err, stdout)
		}
	}
	if !bytes.Contains(read("d.pdf"), []byte("/MediaBox [0 0 252.00 ")) {
		t.Error("the figure is not 3.5 inches wide")
	}
	for _, name := range []string{"one.json", "other.json"} {
		class := map[string]string{"one.json": "3", "other.json": "1"}[name]
		if code, _, stderr := gointr("explain", bird, "--checkpoint", small, "--backend=go", "--class", class, "--out",
			filepath.Join(folder, name)); code != 0 {
			t.Fatal(stderr)
		}
	}
	type shown struct {
		Layer, Head, Class, Versus int
		Image                      string
		Values                     []float32
	}
	type numbers struct {
		Provenance struct{ Checkpoint, SHA256 string }
		Ranking    []struct{ Class int }
		Maps       []shown
	}
	var one, other, d numbers
	for name, to := range map[string]*numbers{"one.json": &one, "other.json": &other, "d.json": &d} {
		if err := json.Unmarshal(read(name), to); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	if digest := fmt.Sprintf("%x", sha256.Sum256(file)); d.Provenance.SHA256 != digest ||
		one.Provenance.SHA256 != digest || d.Provenance.Checkpoint == "" || len(one.Ranking) != 5 ||
		d.Maps[0].Image != bird {
		t.Errorf("the numbers come from %+v and %+v, want %s", d.Provenance, one.Provenance, digest)
	}
	if want := string(read("d.tex")); !strings.Contains(want, d.Provenance.SHA256[:12]) ||
		!strings.Contains(want, `bird.png`) || !strings.Contains(want, `\emph{class 3}`) {
		t.Errorf("the caption is %s", want)
	}
	for _, m := range d.Maps { // those of the last layer
		at := slices.IndexFunc(one.Maps, func(o shown) bool { return o.Layer == m.Layer && o.Head == m.Head })
		for i, v := range m.Values {
			if want := one.Maps[at].Values[i] - other.Maps[at].Values[i]; v != want {
				t.Fatalf("layer %d, head %d, cell %d is %v, want %v", m.Layer, m.Head, i, v, want)
			}
		}
		if m.Class != 3 || m.Versus != 1 || m.Layer != 1 {
			t.Errorf("a map is of layer %d, class %d minus %d", m.Layer, m.Class, m.Versus)
		}
	}
}

// The spelling of the published scripts is understood.
func TestUnderscores(t *testing.T) {
	bird := photo(t, "bird.png", 120, 90)
	out := filepath.Join(t.TempDir(), "o.png")
	if code, _, stderr := gointr("explain", bird, "--checkpoint", small, "--backend=go", "--color_bar", "--same_scale",
		"--out", out); code != 0 {
		t.Error(stderr)
	}
}

func TestSession(t *testing.T) {
	if code, stdout, _ := gointr("session", "status"); code != 0 || !strings.Contains(stdout, "No session is running") {
		t.Errorf("status: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := gointr("session", "stop", "--json"); code != 0 || stdout != "{\"stopped\":false}\n" {
		t.Errorf("stop: exit %d, %q", code, stdout)
	}
	if code, stdout, stderr := gointr("session", "start", "--idle", "90m", "--memory", "3 GB"); code != 0 ||
		!strings.Contains(stdout, "after 1h30m0s without") || !strings.Contains(stdout, "above 3.0 GB") ||
		!strings.Contains(stdout, "session.log") {
		t.Errorf("start: exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := gointr("session", "start"); code != 1 ||
		!strings.Contains(stderr, "a session is running already") {
		t.Errorf("started twice: exit %d, %q", code, stderr)
	}
	if code, _, stderr := gointr("predict", photo(t, "bird.png", 1333, 30), "--checkpoint", small,
		"--backend=go"); code != 0 {
		t.Error(stderr)
	}
	if _, stdout, _ := gointr("session", "status"); !strings.Contains(stdout, "1 model, 1 picture answered") ||
		!strings.Contains(stdout, "basic.pth") || !strings.Contains(stdout, "unused for 0s") {
		t.Errorf("status: %q", stdout)
	}
	var got struct {
		Running bool
		PID     int
		Models  []struct{ Backend string }
	}
	_, stdout, _ := gointr("session", "status", "--json")
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || !got.Running || got.PID == 0 ||
		len(got.Models) != 1 || got.Models[0].Backend != "go" {
		t.Errorf("status: %s (%v)", stdout, err)
	}
	if code, stdout, _ := gointr("session", "stop"); code != 0 || stdout != "The session was stopped.\n" {
		t.Errorf("stop: exit %d, %q", code, stdout)
	}
	for _, args := range [][]string{{"--idle", "soon"}, {"--idle", "0s"}, {"--memory", "much"}, {"--memory", "-1GB"},
		{"more"}} {
		if code, _, stderr := gointr(append([]string{"session", "start"}, args...)...); code != 2 ||
			strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, %q", args, code, stderr)
		}
	}
}

func TestImport(t *testing.T) {
	root := filepath.Join(t.TempDir(), "CUB_200_2011")
	for name, text := range map[string]string{
		"classes.txt": "1 001.Albatross\n", "images.txt": "1 001.Albatross/a.jpg\n2 001.Albatross/b.jpg\n",
		"image_class_labels.txt": "1 1\n2 1\n", "train_test_split.txt": "1 1\n2 0\n",
		"bounding_boxes.txt": "2 1.0 2.0 3.0 4.0\n", "images/001.Albatross/a.jpg": "a",
		"images/001.Albatross/b.jpg": "b",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(t.TempDir(), "cub")
	code, stdout, stderr := gointr("import", root, to, "--json")
	if want := fmt.Sprintf(`{"dataset":%q,"classes":1,"train":1,"val":1,"boxes":1,"parts":0}`+"\n", to); code != 0 ||
		stdout != want {
		t.Errorf("%d, %s, %s; want %s", code, stdout, stderr, want)
	}
	if data, err := os.ReadFile(filepath.Join(to, "val", "001.Albatross", "b.jpg")); string(data) != "b" {
		t.Errorf("%q, %v", data, err)
	}
	if code, stdout, stderr := gointr("import", root, to); code != 1 || stdout != "" || stderr != "gointr: "+
		to+" is not empty: name a new folder\n" {
		t.Errorf("%d, %s, %s", code, stdout, stderr)
	}
	if code, _, stderr := gointr("import", root); code != 2 ||
		!strings.Contains(stderr, "needs the folder of the download and a new one") {
		t.Errorf("%d, %s", code, stderr)
	}
}
