package interpret_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sbinet/npyio/npz"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/stats"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/evaluation"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/interpret/album"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/model/modeltest"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/picture"
)

const rows, cols, heads, layers = 3, 5, 2, 2

var names = []string{"001.Wren", "002.Rook", "003.Owl", "004.Gull", "005.Crow", "006.Kite"}

// drawn is a dataset of a few pictures a class, 50×30 pixels, whose red says the
// class and whose green the picture. Where spots is set, a white spot lies on one
// cell of each, and parts.csv says which.
func drawn(t *testing.T, spots bool, perClass int, folders ...string) string {
	t.Helper()
	dir := t.TempDir()
	parts := map[string][]datasets.Part{}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(dir, "val", folder), 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range perClass {
			p := image.NewRGBA(image.Rect(0, 0, 10*cols, 10*rows))
			class := slices.Index(names, folder)
			for y := range 10 * rows {
				for x := range 10 * cols {
					c := color.RGBA{uint8(40 * class), uint8(i), uint8(10 * (x / 10) * (y/10 + 1)), 255}
					if spots && (y/10*cols+x/10) == cellOf(i) {
						c = color.RGBA{255, 255, 255, 255}
					}
					p.Set(x, y, c)
				}
			}
			if !spots { // the class and the picture must be told from the first pixel
				p.Set(0, 0, color.RGBA{uint8(40 * class), uint8(i), 0, 255})
			}
			key := fmt.Sprintf("val/%s/%03d.png", folder, i)
			f, err := os.Create(filepath.Join(dir, filepath.FromSlash(key)))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, p); err != nil {
				t.Fatal(err)
			}
			f.Close()
			x, y := float64(cellOf(i)%cols), float64(cellOf(i)/cols)
			parts[key] = []datasets.Part{
				{Name: "spot", X: 10*x + 5, Y: 10*y + 5, Visible: true, Box: datasets.Box{X0: 10*x + 2, Y0: 10*y + 2,
					X1: 10*x + 8, Y1: 10*y + 8}},
				{Name: "tail", Visible: false},
			}
		}
	}
	if spots {
		if err := datasets.WriteParts(filepath.Join(dir, "parts.csv"), parts); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// cellOf is where the spot of picture i lies; never the first cell.
func cellOf(i int) int { return 1 + (5*i+70)%(rows*cols-1) }

type answer func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error)

// of makes an answer a model, whose checkpoint is called "fake".
func of(a answer) model.Model {
	return modeltest.Model{It: model.About{Origin: origin.Model{Checkpoint: "fake"}}, Answer: a}
}

// fake answers for six classes. Of class 1 every third picture is taken for class
// 4 and class 1 comes last. Head 0 of the last layer has one cell lit: that of the
// spot; head 1 is flat for the true class. Other classes' maps are their own.
func fake(asked *[]string) answer {
	return func(_ context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
		*asked = append(*asked, image)
		class, i := int(p.Pix[0])/40, int(p.Pix[1])
		e := &attention.Explanation{Image: image, Width: p.Width, Height: p.Height, InputWidth: p.Width,
			InputHeight: p.Height, Layers: layers, Heads: heads, Rows: rows, Cols: cols}
		for c := range names {
			logit := float32(-c)
			if c == class {
				logit = 3
			}
			if class == 1 && i%3 == 0 {
				switch c {
				case 1:
					logit = -9
				case 4:
					logit = 5
				}
			}
			e.Logits = append(e.Logits, logit)
		}
		for layer := range layers {
			for head := range heads {
				for c := range names {
					for cell := range rows * cols {
						w := float32(0)
						switch {
						case layer == 1 && head == 0 && cell == cellOf(i+(c-class)), layer == 0 && cell == c:
							w = 1
						case layer == 1 && head == 1:
							w = 1.0 / (rows * cols)
						}
						e.Weights = append(e.Weights, w)
					}
				}
			}
		}
		return e, nil
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEach(t *testing.T) {
	dir := drawn(t, true, 6, names...)
	d := must(interpret.Open(dir, "val", len(names), names))(t)
	s := must(d.Class("rook"))(t)
	var asked []string
	var seen []string
	var calls atomic.Int32
	counted := func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
		calls.Add(1)
		return fake(&asked)(ctx, image, p)
	}
	for p, err := range s.Each(t.Context(), of(counted), interpret.Options{Layer: attention.Last, TopQ: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		i := len(seen)
		seen = append(seen, p.Image)
		if n := int(calls.Load()); n > i+2 {
			t.Errorf("%d pictures are answered when %d were taken", n, i+1)
		}
		var similar []int
		for _, c := range p.Similar {
			similar = append(similar, c.Index)
		}
		want, rank := []int{1, 0, 2}, 1
		if i%3 == 0 {
			want, rank = []int{4, 0, 1}, 6 // the true class in the last place
		}
		if !slices.Equal(similar, want) || p.Right != (rank == 1) || p.Rank != rank || p.Predicted.Index != want[0] ||
			p.Layer != 1 || p.Map != [2]int{rows, cols} {
			t.Errorf("%s: similar %v, rank %d, layer %d, right %v", p.Image, similar, p.Rank, p.Layer, p.Right)
		}
		for k, class := range similar {
			if at := cellOf(i + class - 1); p.Maps[k][0].Values[at] != 1 ||
				p.Averages[k].Values[at] != float32((1+1.0/15)/2) {
				t.Errorf("%s: the map of class %d is %v", p.Image, class, p.Maps[k][0].Values)
			}
		}
		x, y := float64(10*(cellOf(i)%cols)+5), float64(10*(cellOf(i)/cols)+5)
		if p.Peaks[0] == nil || *p.Peaks[0] != [2]float64{x, y} || p.Peaks[1] != nil {
			t.Errorf("%s: peaks %v, not at %v, %v", p.Image, p.Peaks, x, y)
		}
	}
	if len(seen) != 6 || len(asked) != 6 || !slices.IsSorted(seen) {
		t.Errorf("seen %v, asked for %v", seen, asked)
	}
	for _, image := range asked {
		if !strings.Contains(image, "002.Rook") {
			t.Errorf("the model ran on %s", image)
		}
	}
	// Another layer.
	for p := range s.Each(t.Context(), of(fake(&asked)), interpret.Options{Layer: 0, TopQ: 1}) {
		if p.Layer != 0 || p.Maps[0][1].Values[1] != 1 {
			t.Errorf("layer 0 looks at %v", p.Maps[0][1].Values)
		}
		break
	}
	// Whoever has seen enough leaves, and mistakes end it.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken := func(context.Context, string, *picture.Picture) (*attention.Explanation, error) {
		return nil, errors.New("no memory")
	}
	nan := func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
		e, err := fake(&asked)(ctx, image, p)
		e.Weights[3] = float32(math.NaN())
		return e, err
	}
	for _, c := range []struct {
		ctx   context.Context
		model answer
		o     interpret.Options
		want  string
	}{
		{t.Context(), broken, interpret.Defaults, "no memory"},
		{t.Context(), nan, interpret.Defaults, "NaN"},
		{t.Context(), fake(&asked), interpret.Options{TopQ: 0}, "at least 1 similar class"},
		{t.Context(), fake(&asked), interpret.Options{Layer: 7, TopQ: 1}, "decoder layer 7 does not exist"},
		{ended, func(ctx context.Context, _ string, _ *picture.Picture) (*attention.Explanation, error) {
			return nil, ctx.Err()
		}, interpret.Defaults, "canceled"},
	} {
		n := 0
		for p, err := range s.Each(c.ctx, of(c.model), c.o) {
			if n++; err == nil || p != nil && p.Image != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: it went on with %v", c.want, err)
			}
		}
		if n != 1 {
			t.Errorf("%q: %d results", c.want, n)
		}
	}
}

func TestOpen(t *testing.T) {
	some := drawn(t, false, 1, names[1], names[3])
	for _, model := range [][]string{nil, names} {
		d := must(interpret.Open(some, "val", len(names), model))(t)
		if !slices.Equal(d.Index, []int{1, 3}) || d.Truth(1) != 3 || d.Names[3] != names[3] || d.Parts != nil {
			t.Errorf("the folders are %v, %v", d.Index, d.Names)
		}
		if s := must(d.Class("3"))(t); s.Name() != "Gull" || s.Pictures.Len() != 1 ||
			s.Pictures.Key(0) != d.Split.Key(1) {
			t.Errorf("class 3 is %s, %v", s.Name(), s.Pictures)
		}
	}
	odd := t.TempDir()
	if err := os.CopyFS(filepath.Join(odd, "val", "Jay"), os.DirFS(filepath.Join(some, "val", names[1]))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir     string
		classes int
		names   []string
		class   string
		want    string
	}{
		{some, 1, nil, "0", "has 2 classes, but the model has 1"},
		{odd, 6, names, "0", "has the name of none of the model's 6 classes"},
		{some, 6, names, "owl", "has no pictures of class 2 (Owl): it has those of 1 (Rook), 3 (Gull)"},
		{some, 6, names, "9", "class 9 does not exist"},
		{some, 6, names, "jay", `no class is named "jay"`},
		{filepath.Join(some, "none"), 6, names, "0", "none"},
	} {
		d, err := interpret.Open(c.dir, "val", c.classes, c.names)
		if err == nil {
			_, err = d.Class(c.class)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
	// Damaged pictures are told together, and left out where wished.
	d := must(interpret.Open(drawn(t, false, 3, names...), "val", 6, names))(t)
	s := must(d.Class("owl"))(t)
	if err := os.WriteFile(s.Pictures.Path(1), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, bad, err := s.Pictures.Readable(t.Context(), false, nil); len(bad) != 1 ||
		!strings.Contains(err.Error(), "1 of the 3 pictures in "+filepath.Dir(s.Pictures.Path(0))+" cannot be read: ") {
		t.Errorf("%v", err)
	}
	left, _, err := s.Pictures.Readable(t.Context(), true, nil)
	if err != nil || left.Len() != 2 || left.Key(0) != s.Pictures.Key(0) || left.Key(1) != s.Pictures.Key(2) {
		t.Errorf("%v is left of %v (%v)", left, s.Pictures, err)
	}
}

// A head that is always on the spot, and one that is flat.
func TestHeads(t *testing.T) {
	d := must(interpret.Open(drawn(t, true, 12, names...), "val", 6, names))(t)
	var asked []string
	study := must(interpret.NewStudy(t.Context(), of(fake(&asked)), []*interpret.Subject{must(d.Class("owl"))(t)},
		interpret.Defaults, nil))(t)
	defer study.Close()
	h := study.Heads
	if !slices.Equal(h.Parts, []string{"spot", "tail"}) || h.Images != 12 || len(h.Rows) != 3 || h.Rows[2].Head != -1 {
		t.Fatalf("%+v", h)
	}
	sharp, flat, mean := h.Rows[0], h.Rows[1], h.Rows[2]
	if spot := sharp.Parts[0]; spot.Hits != 12 || spot.Images != 12 || spot.Share != 100 ||
		math.Abs(spot.Chance-100.0/15) > 1e-9 || !spot.Above || spot.Range != stats.Wilson(12, 12) {
		t.Errorf("head 0 is on the spot: %+v", spot)
	}
	if spot := flat.Parts[0]; spot.Hits != 0 || spot.Above || flat.Flat != 12 || flat.Spread != nil {
		t.Errorf("a flat head: %+v", flat)
	}
	if mean.Parts[0].Hits != 12 || sharp.Parts[1].Images != 0 || sharp.Parts[1].Above {
		t.Errorf("the mean: %+v; an invisible part: %+v", mean.Parts[0], sharp.Parts[1])
	}
	// Half of a single cell's weight, of 15; half of an even map is half of it.
	if math.Abs(sharp.Focus-50.0/15) > 1e-4 || math.Abs(flat.Focus-50) > 1e-4 {
		t.Errorf("focus %v and %v", sharp.Focus, flat.Focus)
	}
	// Another class lights another cell; even maps are alike.
	if *sharp.Shared != 0 || math.Abs(*flat.Shared-100) > 1e-3 {
		t.Errorf("shared %v and %v", *sharp.Shared, *flat.Shared)
	}
	// All spots are white.
	if *sharp.Spread > 1e-6 || sharp.Spread95[1] > 1e-6 {
		t.Errorf("spread %v, %v", *sharp.Spread, *sharp.Spread95)
	}
	path := filepath.Join(t.TempDir(), "heads.csv")
	if err := h.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	if rows := readCSV(t, path); len(rows) != 1+3*2 || !slices.Equal(rows[1][:8],
		[]string{"0", "spot", "12", "12", "100.00", "75.75", "100.00", "6.67"}) || rows[5][0] != "mean" {
		t.Errorf("%q", rows)
	}
}

// Heads whose peaks lie anywhere are as spread as chance, and no part is above it.
func TestHeadsByChance(t *testing.T) {
	d := must(interpret.Open(drawn(t, true, 60, names[0]), "val", 6, names))(t)
	var asked []string
	n := 0
	anywhere := func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
		e, err := fake(&asked)(ctx, image, p)
		clear(e.Weights)
		for m := range layers * heads * len(names) {
			n = (n*1103515245 + 12345) & 0x7fffffff
			e.Weights[m*rows*cols+(n>>12)%(rows*cols)] = 1
		}
		return e, err
	}
	study := must(interpret.NewStudy(t.Context(), of(anywhere), []*interpret.Subject{must(d.Class("wren"))(t)},
		interpret.Defaults, nil))(t)
	defer study.Close()
	for _, h := range study.Heads.Rows[:heads] {
		if *h.Spread < 60 || *h.Spread > 140 || h.Spread95[0] > 100 || h.Spread95[1] < 100 || h.Parts[0].Above {
			t.Errorf("head %d: spread %v %v, spot %+v", h.Head, *h.Spread, *h.Spread95, h.Parts[0])
		}
	}
}

func TestConfused(t *testing.T) {
	d := must(interpret.Open(drawn(t, false, 6, names...), "val", 6, names))(t)
	var asked []string
	tally := evaluation.New(d.Names)
	for i := range d.Split.Len() {
		photo := must(picture.Open(d.Split.Path(i)))(t)
		e := must(fake(&asked)(t.Context(), "", photo))(t)
		if err := tally.Add(d.Split.Key(i), d.Truth(i), e.Logits); err != nil {
			t.Fatal(err)
		}
	}
	report := must(tally.Report())(t)
	subjects := must(d.Confused(report, 3))(t)
	if len(subjects) != 1 || subjects[0].Class != 1 || subjects[0].Taken != 4 || subjects[0].Pictures.Len() != 2 {
		t.Fatalf("%+v", subjects)
	}
	asked = nil
	study := must(album.New(t.Context(), of(fake(&asked)), subjects, interpret.Defaults,
		func(p *interpret.Picture) error {
			if p.Right || len(p.Similar) != 2 || p.Similar[0].Index != 1 || p.Similar[1].Index != 4 ||
				p.Maps[1][0].Values[cellOf(int(p.Photo.Pix[1])+3)] != 1 {
				t.Errorf("%+v", p)
			}
			return nil
		}))(t)
	defer study.Close()
	dir := t.TempDir()
	if err := study.Save(dir); err != nil {
		t.Fatal(err)
	}
	page, _ := os.ReadFile(filepath.Join(dir, "index.html"))
	data, _ := os.ReadFile(filepath.Join(dir, "interpret.json"))
	if len(asked) != 2 || study.Heads != nil || !strings.Contains(string(page), "Rook taken for Crow") ||
		!strings.Contains(string(data), `"taken_for_name": "005.Crow"`) {
		t.Errorf("asked %v; %.200s", asked, data)
	}
	if _, err := os.Stat(filepath.Join(dir, "heads.csv")); err == nil {
		t.Error("heads are counted over confusions")
	}
	if _, err := d.Confused(report, 0); err == nil {
		t.Error("no pairs were given")
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f := must(os.Open(path))(t)
	defer f.Close()
	return must(csv.NewReader(f).ReadAll())(t)
}

func TestSave(t *testing.T) {
	d := must(interpret.Open(drawn(t, true, 6, names...), "val", 6, names))(t)
	var asked []string
	s := must(d.Class("1"))(t)
	var all []*interpret.Picture
	study := must(album.New(t.Context(), of(fake(&asked)), []*interpret.Subject{s},
		interpret.Options{Layer: 1, TopQ: 3}, func(p *interpret.Picture) error {
			all = append(all, p)
			return nil
		}))(t)
	defer study.Close()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := study.Save(dir); err != nil {
		t.Fatal(err)
	}
	if got := study.String(); got != "6 pictures of val: 4 right, 2 taken for another class" {
		t.Errorf("it calls itself %q", got)
	}
	table := readCSV(t, filepath.Join(dir, "interpret.csv"))
	if len(table) != 7 || table[1][1] != "val/002.Rook/000.png" || table[1][4] != "false" || table[1][6] != "Crow" ||
		table[1][8] != "6" || table[1][10] != "4;0;1" || table[2][4] != "true" || table[2][13] != "15,15;" {
		t.Errorf("%q", table[:3])
	}
	var sum struct {
		Class, Images, Right int
		Checkpoint           string
		Digest               string `json:"split_digest"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "interpret.json")))(t), &sum); err != nil ||
		sum.Class != 1 || sum.Images != 6 || sum.Right != 4 || sum.Checkpoint != "fake" || len(sum.Digest) != 64 {
		t.Errorf("%+v, %v", sum, err)
	}
	r := must(npz.Open(filepath.Join(dir, "maps.npz")))(t)
	defer r.Close()
	var maps, logits []float32
	var similar, truth []int64
	for name, to := range map[string]any{"attention_5": &maps, "logits_5": &logits, "similar": &similar,
		"truth": &truth} {
		if err := r.Read(name+".npy", to); err != nil {
			t.Fatal(err)
		}
	}
	if shape := r.Header("attention_5.npy").Descr.Shape; !slices.Equal(shape, []int{3, heads, rows, cols}) ||
		maps[heads*rows*cols+cellOf(5-1)] != 1 || !slices.Equal(logits, all[5].Logits) {
		t.Errorf("the maps are %v", shape)
	}
	if !slices.Equal(similar[:6], []int64{4, 0, 1, 1, 0, 2}) || len(similar) != 18 || truth[3] != 1 ||
		r.Header("image.npy").Descr.Type != "<U20" {
		t.Errorf("similar %v of %s", similar, r.Header("image.npy").Descr.Type)
	}
	// A folder that cannot be made.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := study.Save(filepath.Join(file, "x")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a folder inside a file: %v", err)
	}
}

var cardPattern = regexp.MustCompile(`<details class="card" data-place="(\d+)">`)

// Where pictures do not fit, some are shown, evenly spaced, and the page says so.
// What people wrote into names stays words.
func TestPage(t *testing.T) {
	hostile := slices.Clone(names)
	hostile[0] = `001.<script>alert(1)</script>`
	hostile[2], hostile[3], hostile[4] = `"><img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`
	dir := drawn(t, false, 40, names...)
	d := must(interpret.Open(dir, "val", 6, nil))(t)
	d.Names = hostile
	var asked []string
	study := must(album.New(t.Context(),
		modeltest.Model{It: model.About{Origin: origin.Model{Checkpoint: "<b>"}}, Answer: fake(&asked)},
		[]*interpret.Subject{must(d.Class("1"))(t)}, interpret.Defaults, nil))(t)
	defer study.Close()
	page := string(must(study.Page(album.FilePage))(t))
	if n := len(cardPattern.FindAllString(page, -1)); n != 40 || strings.Contains(page, "are in this page") {
		t.Errorf("%d of 40 pictures are there", n)
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") ||
		strings.Count(page, "</script>") != 2 || strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;") {
		t.Error("names are not escaped")
	}
	if external := regexp.MustCompile(`(src|href)="(https?:)?//`).FindString(page); external != "" {
		t.Errorf("the page needs %s", external)
	}
	if !strings.Contains(page, `>Right <span class="count">26 pictures<`) ||
		!strings.Contains(page, `>Taken for another class <span class="count">14 pictures<`) {
		t.Error("right and wrong are not told apart")
	}
	small := string(must(study.Page(len(page) / 10))(t))
	shown := cardPattern.FindAllStringSubmatch(small, -1)
	if n := len(shown); n < 3 || n > 20 ||
		!strings.Contains(small, fmt.Sprintf("%d of 40 pictures are in this page, evenly spaced", n)) {
		t.Errorf("%d pictures are in a small page", n)
	}
	var data struct{ Pictures []*json.RawMessage }
	_, rest, _ := strings.Cut(small, `id="data">`)
	text, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(text), &data); err != nil || len(data.Pictures) != 40 {
		t.Fatalf("%v, %d", err, len(data.Pictures))
	}
	there := 0
	for _, p := range data.Pictures {
		if p != nil {
			there++
		}
	}
	if there != len(shown) {
		t.Errorf("%d pictures have maps, %d are shown", there, len(shown))
	}
	sheet := must(study.Sheet())(t)
	width, height := sheet.Size()
	a, b := must(sheet.PNG())(t), must(sheet.PNG())(t)
	if string(a) != string(b) || width > 7*72 || width < 200 || height < 100 || height > 14*72 {
		t.Errorf("the sheet has %v by %v", width, height)
	}
}

// The folders of the published script, with its overlays.
func TestPublished(t *testing.T) {
	d := must(interpret.Open(drawn(t, false, 2, names...), "val", 6, names))(t)
	var asked []string
	out := t.TempDir()
	for range 2 { // again gives the same
		w := album.NewPublished(out)
		for p, err := range must(d.Class("rook"))(t).Each(t.Context(), of(fake(&asked)),
			interpret.Options{Layer: 1, TopQ: 2}) {
			if err == nil {
				err = w.Add(p)
			}
			if err != nil {
				t.Fatal(err)
			}
			base := must(figure.Shrink(p.Photo))(t)
			want := must(figure.Overlay(p.Maps[0][0], base, figure.Options{}))(t)
			id := strings.TrimSuffix(filepath.Base(p.Image), ".png")
			got := readPNG(t, filepath.Join(out, "visualization", id, "head_0",
				fmt.Sprintf("result_query_%d.png", p.Similar[0].Index)))
			if !same(got, want) {
				t.Errorf("%s: the overlay differs", p.Image)
			}
		}
	}
	var files []string
	root := filepath.Join(out, "visualization")
	if err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if !entry.IsDir() {
			inner, _ := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(inner))
		}
		return err
	}); err != nil {
		t.Fatal(wholefile.Cause(err))
	}
	want := strings.Fields(`
		000/head_0/000.png 000/head_0/concatenated_False.png 000/head_0/result_query_1.png 000/head_0/result_query_4.png
		000/head_1/000.png 000/head_1/concatenated_False.png 000/head_1/result_query_1.png 000/head_1/result_query_4.png
		000/head_avg/avg_head_1.png 000/head_avg/avg_head_4.png
		000/heads/000.png 000/heads/avg_head.png 000/heads/concatenated_False.png 000/heads/result_head_0.png
		000/heads/result_head_1.png
		001/head_0/001.png 001/head_0/concatenated_True.png 001/head_0/result_query_0.png 001/head_0/result_query_1.png
		001/head_1/001.png 001/head_1/concatenated_True.png 001/head_1/result_query_0.png 001/head_1/result_query_1.png
		001/head_avg/avg_head_0.png 001/head_avg/avg_head_1.png
		001/heads/001.png 001/heads/avg_head.png 001/heads/concatenated_True.png 001/heads/result_head_0.png
		001/heads/result_head_1.png`)
	if !slices.Equal(files, want) {
		t.Errorf("the files are %v", files)
	}
	if size := readPNG(t, filepath.Join(root, "001", "heads", "concatenated_True.png")).Bounds().
		Size(); size != image.Pt(4*40, 24) {
		t.Errorf("joined panels have %v", size)
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f := must(os.Open(path))(t)
	defer f.Close()
	return must(png.Decode(f))(t)
}

func same(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.RGBAModel.Convert(a.At(x, y)) != color.RGBAModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}
