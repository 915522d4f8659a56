package subject

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

func sample(t *testing.T) *intr.Model {
	t.Helper()
	checkpoint, engine := "sample", "go" // which compiles nothing
	if named := os.Getenv("GOINTR_TEST_SAMPLE"); named != "" {
		checkpoint = named
	}
	if named := os.Getenv("GOINTR_TEST_BACKEND"); named != "" {
		engine = named
	}
	m, err := intr.Open(t.Context(), checkpoint, intr.Backend(engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// On birds that the sample has never seen its maps are better than a random map
// and one of the centre, in what a person would ask first.
func TestSample(t *testing.T) {
	m := sample(t)
	dir := filepath.Join(t.TempDir(), "birds")
	set := birds.Options{Classes: m.Config.Classes, PerClass: 4, Size: 160, Seed: 77}
	if err := birds.Write(context.Background(), dir, set, func() {}); err != nil {
		t.Fatal(err)
	}
	o := faithful.Default()
	o.Dataset, o.MaxImages, o.Steps = dir, 2*m.Config.Classes, 4
	r, err := faithful.Run(context.Background(), struct { // no Randomiser: docs/faithful.md has the sanity checks
		faithful.Subject
		faithful.Attributer
	}{Of(m), Of(m)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	for _, method := range []faithful.Method{faithful.Head, faithful.Heads} {
		for _, other := range []faithful.Method{faithful.Random, faithful.Centre} {
			for _, key := range []string{"deletion", "pointing_cell", "energy"} {
				measure := r.Measure(key)
				own, others := measure.Of(method).Mean, measure.Of(other).Mean
				if measure.Higher && own <= others || !measure.Higher && own >= others {
					t.Errorf("%s: %s has %.3f, the %s %.3f", key, method.Title(), own, other.Title(), others)
				}
			}
		}
	}
	for _, method := range []faithful.Method{faithful.GradCAM, faithful.Rollout} {
		if s := r.Measure("insertion").Of(method); s == nil || s.Images != o.MaxImages {
			t.Errorf("%s was measured as %+v", method, s)
		}
	}
}

// Random weights in the decoder leave the memory, and so what the encoder mixes,
// but change the maps; the model itself stays.
func TestRandomised(t *testing.T) {
	m := sample(t)
	species, err := birds.First(m.Config.Classes)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := birds.Draw(species[0], birds.NewScene(77, "val", 0, 0), 160)
	p = p.Eval(m.Config.EvalSize)
	explain := func(m *intr.Model) *attention.Explanation {
		e, err := Of(m).Explain(context.Background(), "bird", p)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	memory := func(m *intr.Model) []float32 {
		out, err := m.Run(t.Context(), intr.NewBatch(p))
		if err != nil {
			t.Fatal(err)
		}
		return out.Memory
	}
	before, kept := explain(m), memory(m)
	for _, parts := range [][]faithful.Part{{faithful.Decoder}, {faithful.Encoder}, {faithful.Backbone},
		{faithful.Decoder, faithful.Encoder, faithful.Backbone}} {
		one, err := Randomised(m, parts, 5)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Randomised(m, parts, 5)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := explain(one), explain(two); !slices.Equal(a.Weights, b.Weights) ||
			slices.Equal(a.Weights, before.Weights) {
			t.Errorf("%v: the maps are not the seed's", parts)
		}
		if same := slices.Equal(memory(one), kept); same != slices.Equal(parts, []faithful.Part{faithful.Decoder}) {
			t.Errorf("%v: that the memory is the same is %v", parts, same)
		}
		one.Close()
		two.Close()
	}
	if !slices.Equal(explain(m).Weights, before.Weights) {
		t.Error("the model itself was changed")
	}
}

// Pictures that are answered together are answered as if alone.
func TestLogits(t *testing.T) {
	m := sample(t)
	var pictures []*picture.Picture
	for i := range 3 {
		p := picture.New(m.Config.EvalSize, m.Config.EvalSize)
		for k := range p.Pix {
			p.Pix[k] = uint8(k*(i+3) + i)
		}
		pictures = append(pictures, p)
	}
	all, err := Of(m).Logits(context.Background(), pictures)
	if err != nil || len(all) != 3 {
		t.Fatalf("%d answers, %v", len(all), err)
	}
	for i, p := range pictures {
		alone, err := Of(m).Logits(context.Background(), []*picture.Picture{p})
		if err != nil {
			t.Fatal(err)
		}
		for class, v := range alone[0] {
			if d := v - all[i][class]; d > 1e-3 || d < -1e-3 {
				t.Errorf("picture %d, class %d: %v together, %v alone", i, class, all[i][class], v)
			}
		}
	}
}
