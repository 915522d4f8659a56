package figure

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/attention"
)

// layered is explanation with a second decoder layer, whose maps differ.
func layered(heads int) *attention.Explanation {
	e := explanation(heads)
	first := len(e.Weights)
	e.Weights = append(e.Weights, e.Weights...)
	slices.Reverse(e.Weights[first:])
	e.Layers = 2
	return e
}

// checkRows looks at what every figure of rows has in common.
func checkRows(t *testing.T, name string, f *Figure, headings []string, panels int) {
	t.Helper()
	var found []string
	var sizes []vg.Length
	for _, line := range f.texts {
		if line.at.X < -0.01 || line.at.X+line.width() > f.width+0.01 || line.at.Y-line.size*0.22 < -0.01 ||
			line.at.Y+line.size*0.73 > f.height+0.01 {
			t.Errorf("%s: %q leaves the page", name, line.string)
		}
		if line.at.X == margin && line.size > noteSize && line.at.Y < f.height-2*titleSize {
			found, sizes = append(found, line.string), append(sizes, line.size)
		}
	}
	for i := 1; i < len(found); i++ {
		if sizes[i] != sizes[0] {
			t.Errorf("%s: headings of %v and %v points", name, sizes[0], sizes[i])
		}
	}
	for i, want := range headings {
		if i >= len(found) || !strings.HasPrefix(found[i], want) {
			t.Errorf("%s: the headings are %q, want %q", name, found, headings)
			break
		}
	}
	drawn := 0
	for i, p := range f.pictures {
		if p.at.Min.X < -0.01 || p.at.Min.Y < -0.01 || p.at.Max.X > f.width+0.01 || p.at.Max.Y > f.height+0.01 {
			t.Errorf("%s: a picture leaves the page", name)
		}
		for _, other := range f.pictures[:i] {
			if p.at.Min.X < other.at.Max.X-0.01 && other.at.Min.X < p.at.Max.X-0.01 &&
				p.at.Min.Y < other.at.Max.Y-0.01 && other.at.Min.Y < p.at.Max.Y-0.01 {
				t.Errorf("%s: two pictures lie on each other", name)
			}
		}
		if p.pixels.Rect.Dx() != 256 { // no colour bar
			drawn++
			continue
		}
		for _, line := range f.texts {
			if line.at.X < p.at.Max.X && p.at.Min.X < line.at.X+line.width() && line.at.Y-line.size*0.22 < p.at.Max.Y &&
				p.at.Min.Y < line.at.Y+line.size*0.73 {
				t.Errorf("%s: %q lies on a colour bar", name, line.string)
			}
		}
	}
	if drawn != panels {
		t.Errorf("%s: %d panels, want %d", name, drawn, panels)
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name     string
		headings []string
	}{
		{"002.Painted_Bunting", []string{"Painted Bunting (82.1 %)", "Grey Crow (11.1 %)"}},
		{strings.Repeat("Very long-named warbler ", 20), []string{"Very long-named warbler ", "Grey Crow"}},
		{"\x00\xff<&>", []string{"\uFFFD<&> (82.1 %)", "Grey Crow"}},
	} {
		name := c.name
		for _, o := range []Options{{}, {ColorBar: true}, {ColorBar: true, SameScale: true}, {Width: 12 * vg.Inch}} {
			for _, size := range []image.Point{{80, 60}, {30, 60}, {90, 20}} {
				o.Smoothing = Cells
				e := layered(4)
				e.Names[1] = name
				f, err := Compare(e, attention.Last, []int{1, 2}, scene(size.X, size.Y), o)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(rowHeading(f), "82.1 %)") {
					t.Errorf("%.9q: the heading is %q", name, rowHeading(f))
				}
				checkRows(t, fmt.Sprintf("%.9q, %v, %+v", name, size, o), f, c.headings, 2*5)
			}
		}
	}
	// Every panel is that of HeadRow.
	e, photo := layered(4), scene(80, 60)
	f, err := Compare(e, 0, []int{2, 1}, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, class := range []int{2, 1} {
		row, err := HeadRow(e, 0, class, photo, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for j, p := range row.pictures {
			if !slices.Equal(p.pixels.Pix, f.pictures[i*5+j].pixels.Pix) {
				t.Errorf("panel %d of class %d is not that of its head row", j, class)
			}
		}
	}
	if !strings.Contains(f.texts[0].string, "layer 1") {
		t.Errorf("the title is %q", f.texts[0].string)
	}
}

// rowHeading is the first heading.
func rowHeading(f *Figure) string {
	for _, line := range f.texts {
		if line.at.X == margin && line.at.Y < f.height-titleSize {
			return line.string
		}
	}
	return ""
}

func TestLayers(t *testing.T) {
	e, photo := layered(4), scene(80, 60)
	f, err := Layers(e, 1, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "layers", f, []string{"Layer 1", "Layer 2"}, 2*5)
	mean, err := e.Average(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := Shrink(photo)
	o, _ := filled(Options{})
	want, err := mapPanel(own("", mean, nil), base, o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.pictures[5].pixels.Pix, want.pixels.Pix) {
		t.Error("the first panel of layer 2 is not the mean of its heads")
	}
	row, err := HeadRow(e, 1, 1, photo, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.pictures[6].pixels.Pix, row.pictures[1].pixels.Pix) {
		t.Error("the second panel of layer 2 is not its first head")
	}
	if slices.Equal(f.pictures[1].pixels.Pix, f.pictures[6].pixels.Pix) {
		t.Error("two layers look alike")
	}
}

// A first panel with a map leaves no room to say there what the numbers are.
func TestColourBarsBelowMapsOnly(t *testing.T) {
	f, err := Layers(layered(4), 1, scene(80, 60), Options{ColorBar: true, Smoothing: Cells})
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "layers with colour bars", f, []string{"Layer 1", "Layer 2"}, 2*5)
	if last := f.texts[len(f.texts)-1].string; last != "colour bars: attention weight" {
		t.Errorf("the last line is %q", last)
	}
}

func TestMaps(t *testing.T) {
	e, photo := explanation(2), scene(80, 60)
	head, err := e.Map(0, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	minus := attention.Map{Rows: 1, Cols: 2, Values: []float32{-3, 5}}
	f, err := Maps([]string{"as is", "minus"}, []attention.Map{head, minus}, photo,
		Options{ColorBar: true, Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := HeadRow(e, 0, 1, photo, Options{ColorBar: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.pictures[1].pixels.Pix, row.pictures[1].pixels.Pix) {
		t.Error("a head's map is not drawn as in its head row")
	}
	var told []string
	for _, line := range f.texts {
		told = append(told, line.string)
	}
	for _, want := range []string{"Mine", "Input", "as is", "minus", "value", "−3.0", "5.0"} {
		if !slices.Contains(told, want) {
			t.Errorf("the texts are %q and lack %q", told, want)
		}
	}
	for want, maps := range map[string][]attention.Map{
		"1 labels and 2 maps": {head, head},
		"1 labels and 0 maps": {},
		"a: an attention map": {{Rows: 2, Cols: 2, Values: make([]float32, 3)}},
	} {
		if _, err := Maps([]string{"a"}, maps, photo, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a sentence with %q", err, want)
		}
	}
}

func TestWrongRows(t *testing.T) {
	e, photo := layered(8), scene(40, 30)
	for want, call := range map[string]func() (*Figure, error){
		"two classes or more":    func() (*Figure, error) { return Compare(e, 0, []int{1}, photo, Options{}) },
		"compared with itself":   func() (*Figure, error) { return Compare(e, 0, []int{1, 1}, photo, Options{}) },
		"class 9 does not exist": func() (*Figure, error) { return Compare(e, 0, []int{1, 9}, photo, Options{}) },
		"layer 5 does not exist": func() (*Figure, error) { return Compare(e, 5, []int{1, 2}, photo, Options{}) },
		"no picture":             func() (*Figure, error) { return Compare(e, 0, []int{1, 2}, nil, Options{}) },
		"leave Columns out":      func() (*Figure, error) { return Layers(e, 1, photo, Options{Columns: 3}) },
		"do not fit beside":      func() (*Figure, error) { return Layers(e, 1, photo, Options{Width: 2 * vg.Inch}) },
		"class 7 does not exist": func() (*Figure, error) { return Layers(e, 7, photo, Options{}) },
		"13 rows do not fit":     func() (*Figure, error) { return grid(make([]mapRow, 13), "", true, Options{}) },
		"no colormap is named":   func() (*Figure, error) { return Layers(e, 1, photo, Options{Colormap: "rainbow"}) },
	} {
		_, err := call()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want a sentence with %q", err, want)
		}
	}
}

// However long the name, a title says which layer it is.
func TestTitlesKeepTheirEnd(t *testing.T) {
	for _, name := range []string{"", "Crow", strings.Repeat("Very long-named black-throated warbler ", 9),
		strings.Repeat("W", 400)} {
		e := explanation(8)
		e.Names[1] = name
		f, err := HeadRow(e, 0, 1, scene(80, 60), Options{Smoothing: Cells})
		if err != nil {
			t.Fatal(err)
		}
		var title []string
		for _, line := range f.texts {
			if line.string == "Input" {
				break
			}
			title = append(title, line.string)
		}
		if !strings.HasSuffix(strings.Join(title, " "), "layer 1") {
			t.Errorf("the title is %q", title)
		}
	}
}
