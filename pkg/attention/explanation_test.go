package attention_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/attention"
)

// explanation has 2 layers, 3 heads and 4 classes on a map of 2 rows and 3
// columns. Each weight is its own index, in millionths.
func explanation() *attention.Explanation {
	e := &attention.Explanation{
		Image: "bird.jpg", InputWidth: 96, InputHeight: 64,
		Names:  []string{"001.Crow", "014.Indigo_Bunting", "016.Painted_Bunting", "020.Wren"},
		Logits: []float32{1, 3, 3, -2},
		Layers: 2, Heads: 3, Rows: 2, Cols: 3,
	}
	for i := range 2 * 3 * 4 * 2 * 3 {
		e.Weights = append(e.Weights, float32(i)*1e-6)
	}
	return e
}

func TestMap(t *testing.T) {
	e := explanation()
	for _, c := range []struct{ layer, head, class, first int }{
		{0, 0, 0, 0}, {0, 0, 3, 18}, {0, 2, 1, 54}, {1, 0, 0, 72}, {1, 2, 3, 138}, {attention.Last, 2, 3, 138},
	} {
		m, err := e.Map(c.layer, c.head, c.class)
		if err != nil {
			t.Fatal(err)
		}
		if m.Rows != 2 || m.Cols != 3 || !slices.Equal(m.Values, e.Weights[c.first:c.first+6]) {
			t.Errorf("layer %d, head %d, class %d is %v, want the 6 weights from %d", c.layer, c.head,
				c.class, m, c.first)
		}
		if got := m.At(1, 2); got != e.Weights[c.first+5] {
			t.Errorf("row 1, column 2 is %v, want %v", got, e.Weights[c.first+5])
		}
	}
	for _, c := range []struct {
		layer, head, class int
		want               string
	}{
		{2, 0, 0, "decoder layer 2 does not exist: this model has layers 0 to 1"},
		{-2, 0, 0, "decoder layer -2 does not exist: this model has layers 0 to 1"},
		{0, 3, 0, "head 3 does not exist: this model has heads 0 to 2"},
		{0, -1, 0, "head -1 does not exist"},
		{0, 0, 4, "class 4 does not exist: this model has classes 0 to 3"},
		{0, 0, -1, "class -1 does not exist"},
	} {
		_, err := e.Map(c.layer, c.head, c.class)
		sentence(t, err, c.want)
	}
}

func TestAverage(t *testing.T) {
	m, err := explanation().Average(attention.Last, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range m.Values {
		want := float32(float64(72+6+24+i) * 1e-6) // head 1 is the middle of the three
		if d := float64(got - want); math.Abs(d) > 1e-11 {
			t.Errorf("cell %d is %v, want %v", i, got, want)
		}
	}
	_, err = explanation().Average(0, 9)
	sentence(t, err, "class 9 does not exist")
}

func TestRanking(t *testing.T) {
	e := explanation()
	sum := math.Exp(1) + 2*math.Exp(3) + math.Exp(-2)
	top := e.Top(-1)
	for i, want := range []struct {
		index int
		logit float64
	}{{1, 3}, {2, 3}, {0, 1}, {3, -2}} {
		got := top[i]
		if got.Index != want.index || got.Name != e.Names[want.index] || float64(got.Logit) != want.logit ||
			math.Abs(got.Probability-math.Exp(want.logit)/sum) > 1e-15 {
			t.Errorf("place %d is %+v, want class %d with the logit %v", i, got, want.index, want.logit)
		}
	}
	if best := e.Best(); best != top[0] {
		t.Errorf("the best is %v, want %v", best, top[0])
	}
	if best := (&attention.Explanation{}).Best(); best.Index != -1 {
		t.Errorf("without logits the best is %v", best)
	}
	for n, want := range map[int]int{0: 0, 2: 2, 4: 4, 99: 4, -1: 4} {
		if got := len(e.Top(n)); got != want {
			t.Errorf("the top %d are %d, want %d", n, got, want)
		}
	}
	large := attention.Rank([]float32{3e38, -3e38, 3e38}, nil, -1)
	if large[0].Probability != 0.5 || large[2].Probability != 0 || large[0].Name != "class 0" {
		t.Errorf("logits of 3e38 rank as %v", large)
	}

	data, err := json.Marshal(e.Ranking(1, false))
	want := `{"image":"bird.jpg","input":[64,96],"top":[{"class":1,"name":"014.Indigo_Bunting","logit":3,"probability":`
	if err != nil || !strings.HasPrefix(string(data), want) {
		t.Errorf("the ranking is written as %s (%v), want %s…", data, err, want)
	}
	if r := e.Ranking(1, true); !slices.Equal(r.Logits, e.Logits) {
		t.Errorf("the logits are %v, want %v", r.Logits, e.Logits)
	}
}

func TestSimilar(t *testing.T) {
	e := explanation() // ranked 1, 2, 0, 3
	for _, c := range []struct {
		q, truth int
		want     []int
	}{
		{2, -1, []int{1, 2}}, {2, 2, []int{1, 2}}, {2, 3, []int{1, 3}}, {1, 0, []int{0}}, {9, 3, []int{1, 2, 0, 3}},
	} {
		similar, err := e.Similar(c.q, c.truth)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, class := range similar {
			got = append(got, class.Index)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("the %d most similar to class %d are %v, want %v", c.q, c.truth, got, c.want)
		}
	}
	_, err := e.Similar(0, 1)
	sentence(t, err, "at least 1 similar class must be asked for, not 0")
	_, err = e.Similar(2, 4)
	sentence(t, err, "class 4 does not exist: this model has classes 0 to 3")
}

func TestFind(t *testing.T) {
	e := explanation()
	for text, want := range map[string]int{
		"2": 2, " 3 ": 3, "014.Indigo_Bunting": 1, "Indigo Bunting": 1, "indigo_bunting": 1, "WREN": 3,
	} {
		if got, err := e.Find(text); err != nil || got != want {
			t.Errorf("%q is class %d (%v), want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"4": "class 4 does not exist: this model has classes 0 to 3", "-1": "class -1 does not exist",
		"Bunting": `no class is named "Bunting"`, "": `no class is named ""`,
	} {
		_, err := e.Find(text)
		sentence(t, err, want)
	}
	e.Names = nil
	_, err := e.Find("Wren")
	sentence(t, err, "this model came without class names")
	alike := []string{"Wren ", "001.Wren", "Robin", "1 Series", "2 Series", "Gull", "gull", "Épervier"}
	for class, want := range map[string]int{"Wren ": 0, "001.Wren": 1, "Wren": 1, "robin ": 2, "2 series": 4, "gull": 6,
		"E\u0301pervier": 7} {
		if got, err := attention.Find(class, alike, len(alike)); err != nil || got != want {
			t.Errorf("%q is class %d (%v), want %d", class, got, err, want)
		}
	}
	_, err = attention.Find("wren", alike, len(alike))
	sentence(t, err, `2 classes are named "wren" (0 1): give the number of one`)
	for name, want := range map[string]string{"014.Indigo_Bunting": "Indigo Bunting",
		"St._Helena_Plover": "St. Helena Plover", ".Wren": ".Wren", "Wren": "Wren", "1 Series": "1 Series",
		"1. Series": "1. Series", "2.0 TDI": "2.0 TDI", "-1.Wren": "-1.Wren", "3.": "3.", "014.翠鳥": "翠鳥",
		"Wren ": "Wren "} {
		if got := attention.Plain(name); got != want {
			t.Errorf("%q is %q to people, want %q", name, got, want)
		}
	}
}
