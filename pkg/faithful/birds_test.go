package faithful_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/picture"
)

// A model that compares the telling part of every species, and nothing else, with
// how that species would look there: the truth about it is known.
func TestProtocol(t *testing.T) {
	o := birds.Options{Classes: 8, PerClass: 3, Size: 96}
	const key = "val/004.Collared_Bunting/00000.png"
	species, scene, err := o.Find(key)
	if err != nil {
		t.Fatal(err)
	}
	all, err := birds.First(o.Classes)
	if err != nil {
		t.Fatal(err)
	}
	var drawn []*picture.Picture
	var boxes [][4]int
	for _, s := range all {
		p, parts := birds.Draw(s, scene, o.Size)
		b := parts[s.Telling].Box
		drawn, boxes = append(drawn, p), append(boxes, [4]int{int(b.X0), int(b.Y0), int(b.X1), int(b.Y1)})
	}
	logits := func(_ context.Context, p *picture.Picture) ([]float32, error) {
		answer := make([]float32, len(all))
		for i, b := range boxes {
			// The more alike, the higher, up to 10.
			apart := 0.0
			for y := b[1]; y < b[3]; y++ {
				for x := b[0]; x < b[2]; x++ {
					for c := range 3 {
						at := (y*o.Size+x)*3 + c
						apart += math.Abs(float64(p.Pix[at]) - float64(drawn[i].Pix[at]))
					}
				}
			}
			answer[i] = float32(10 - apart/float64(3*(b[2]-b[0])*(b[3]-b[1])))
		}
		return answer, nil
	}
	r, err := faithful.Remove(t.Context(), o, key, logits)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Right || r.Class != species.Index {
		t.Fatalf("the class is %d", r.Class)
	}
	for k, drop := range r.Drops {
		if drop > r.Drops[species.Telling] {
			t.Errorf("without the %s the logit drops by %v, more than without the telling part: %v", birds.Kind(k), drop, r.Drops[species.Telling])
		}
	}
	// box lights a box, 1 everywhere in it.
	box := func(b [4]int) attention.Map {
		m := attention.Map{Rows: o.Size, Cols: o.Size, Values: make([]float32, o.Size*o.Size)}
		for y := b[1]; y < b[3]; y++ {
			for x := b[0]; x < b[2]; x++ {
				m.Values[y*o.Size+x] = 1
			}
		}
		return m
	}
	judge := func(mapOf faithful.MapOf) faithful.Protocol {
		t.Helper()
		p, err := r.Judge(t.Context(), mapOf)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	truth := judge(func(_ context.Context, _ *picture.Picture, class int) (attention.Map, error) {
		return box(boxes[class]), nil
	})
	lie := judge(func(_ context.Context, _ *picture.Picture, class int) (attention.Map, error) {
		return box(boxes[(class+4)%len(boxes)]), nil
	})
	t.Logf("truth %+v; lie %+v", truth, lie)
	if truth.Deletion != 1 || truth.Preservation != 1 || truth.Sensitivity != 1 {
		t.Errorf("of the truth it says %+v", truth)
	}
	if lie.Deletion > 0.5 || lie.Sensitivity > 0.5 || !(lie.Importance < truth.Importance) || lie.Distractibility > truth.Distractibility {
		t.Errorf("of a lie it says %+v, of the truth %+v", lie, truth)
	}
	flat := attention.Map{Rows: 2, Cols: 2, Values: []float32{0, 0, 0, 0}}
	if _, err := r.Judge(t.Context(), func(context.Context, *picture.Picture, int) (attention.Map, error) { return flat, nil }); !errors.Is(err, faithful.ErrDegenerate) {
		t.Errorf("of an empty map it says %v", err)
	}
}

func TestSpearman(t *testing.T) {
	// scipy.stats.spearmanr of the same lists.
	for _, c := range []struct {
		a, b []float64
		r    float64
	}{
		{[]float64{1, 2, 3, 4, 5}, []float64{5, 6, 7, 8, 7}, 0.8207826816681233},
		{[]float64{1, 1, 2, 3}, []float64{4, 3, 2, 1}, -0.9486832980505139},
	} {
		if r := faithful.Spearman(c.a, c.b); math.Abs(r-c.r) > 1e-12 {
			t.Errorf("%v and %v: %v, and not %v", c.a, c.b, r, c.r)
		}
	}
	if r := faithful.Spearman([]float64{1, 1}, []float64{1, 2}); !math.IsNaN(r) {
		t.Errorf("a list that is all alike: %v", r)
	}
}
