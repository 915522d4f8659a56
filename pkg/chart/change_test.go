package chart

import (
	"bytes"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
)

// lit is an answer of 2 layers, 3 heads and 4 classes on 4 rows of 5 cells: of the
// last layer, head h and class c, one cell has a weight, the others share the rest.
func lit(best int, weight float32) *attention.Explanation {
	e := &attention.Explanation{Names: []string{"001.Wren", "Rook", "Owl", "Gull"}, Logits: make([]float32, 4),
		Layers: 2, Heads: 3, Rows: 4, Cols: 5}
	e.Logits[best] = 2
	for layer := range 2 {
		for head := range 3 {
			for class := range 4 {
				for i := range 20 {
					v := (1 - weight) / 19
					if layer == 1 && i == litCell(head, class) {
						v = weight
					}
					e.Weights = append(e.Weights, v)
				}
			}
		}
	}
	return e
}

func litCell(head, class int) int { return 4*head + 2*class + 1 }

func grayPhoto() *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, 100, 80))
	for i := range p.Pix {
		p.Pix[i] = 128
		if i%4 == 3 {
			p.Pix[i] = 255
		}
	}
	return p
}

func TestChange(t *testing.T) {
	before, after := lit(0, 0.9), lit(2, 0.4)
	after.Image = "painted"
	photo := grayPhoto()
	plot, err := Change(before, after, photo, photo, []int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := plot.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Wren, decoder layer 2", "Owl, decoder layer 2", "head 3", "before", "after",
		"71.1 %  →  9.6 %  (-61.5)", "9.6 %  →  71.1 %  (+61.5)", "one colour scale"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("%q is not in the figure", want)
		}
	}
	if n := bytes.Count(svg, []byte("<image ")); n != 2*2*4 {
		t.Errorf("the figure has %d pictures, not 16", n)
	}
	again, err := Change(before, after, photo, photo, []int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	if two, err := again.SVG(); err != nil || !bytes.Equal(svg, two) {
		t.Error("the same change gives other bytes")
	}
}

// The lit cell is at its place, and two maps of a head have one scale: what has less
// than half the weight is not as red.
func TestChangeScale(t *testing.T) {
	photo := grayPhoto()
	for _, class := range []int{0, 3} {
		c, err := newChange(lit(0, 0.9), lit(0, 0.4), photo, photo, []int{class})
		if err != nil {
			t.Fatal(err)
		}
		for head := range 3 {
			var colors [2]color.RGBA // of the lit cell
			for k := range 2 {
				panel := c.classes[0].panels[k][head+1]
				size := panel.Rect.Size()
				at := func(cell int) color.RGBA { return panel.RGBAAt((cell%5*2+1)*size.X/10, (cell/5*2+1)*size.Y/8) }
				ground := at((litCell(head, class) + 10) % 20) // two rows away
				most, found := -1, -1
				for cell := range 20 {
					p, far := at(cell), 0
					for _, d := range []int{int(p.R) - int(ground.R), int(p.G) - int(ground.G),
						int(p.B) - int(ground.B)} {
						far += d * d
					}
					if far > most {
						most, found = far, cell
					}
				}
				if found != litCell(head, class) {
					t.Errorf("class %d, head %d: cell %d stands out, not %d", class, head, found, litCell(head, class))
				}
				colors[k] = at(litCell(head, class))
			}
			// In JET the greatest weight is red, and less than half of it green.
			if a, b := colors[0], colors[1]; a.R <= a.G || b.G <= b.R {
				t.Errorf("class %d, head %d: 0.9 is dyed %v, 0.4 is dyed %v", class, head, a, b)
			}
		}
	}
}

func TestChangeMistakes(t *testing.T) {
	photo := grayPhoto()
	other := lit(0, 0.5)
	other.Logits = other.Logits[:2]
	broken := lit(0, 0.5)
	broken.Weights[3] = 5
	for want, call := range map[string]func() (*figure.Plot, error){
		"without the picture": func() (*figure.Plot, error) {
			return Change(lit(0, 0.5), lit(0, 0.5), photo, nil, []int{0})
		},
		"one model's answers": func() (*figure.Plot, error) {
			return Change(lit(0, 0.5), other, photo, photo, []int{0})
		},
		"for one class or more": func() (*figure.Plot, error) {
			return Change(lit(0, 0.5), lit(0, 0.5), photo, photo, nil)
		},
		"class 9 does not exist": func() (*figure.Plot, error) {
			return Change(lit(0, 0.5), lit(0, 0.5), photo, photo, []int{9})
		},
		"not between 0 and 1": func() (*figure.Plot, error) {
			return Change(lit(0, 0.5), broken, photo, photo, []int{0})
		},
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
