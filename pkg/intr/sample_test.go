package intr_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// The checkpoint that is shipped is right about birds that it has never seen, and
// looks at what tells them apart: for every class the head of the last layer that
// hits the telling part most often in some pictures, on others.
func TestSample(t *testing.T) {
	checkpoint := os.Getenv("GOINTR_TEST_SAMPLE")
	if checkpoint == "" {
		checkpoint = "sample"
	}
	m, err := intr.Open(t.Context(), checkpoint, intr.Backend(os.Getenv("GOINTR_TEST_BACKEND")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const perClass = 20
	species, err := birds.First(8)
	if err != nil {
		t.Fatal(err)
	}
	right, hitChosen, hitMean, visible := 0, 0, 0, 0
	for class, s := range species {
		type seen struct {
			heads []bool
			mean  bool
		}
		var all [2][]seen
		for part, split := range []string{"choosing", "measuring"} {
			for i := range perClass {
				p, parts := birds.Draw(s, birds.NewScene(99, split, class, i), 160)
				e, err := m.Explain(t.Context(), "bird", p)
				if err != nil {
					t.Fatal(err)
				}
				if part == 1 && e.Best().Index == class {
					right++
				}
				telling := parts[s.Telling]
				if !telling.Visible {
					continue
				}
				hits := func(a attention.Map) bool {
					// The strongest cell touches the part's box.
					best := 0
					for i, v := range a.Values {
						if v > a.Values[best] {
							best = i
						}
					}
					w, h := 160/float64(a.Cols), 160/float64(a.Rows)
					x, y := float64(best%a.Cols)*w, float64(best/a.Cols)*h
					b := telling.Box
					return x < b.X1 && x+w > b.X0 && y < b.Y1 && y+h > b.Y0
				}
				one := seen{}
				for head := range e.Heads {
					a, err := e.Map(attention.Last, head, class)
					if err != nil {
						t.Fatal(err)
					}
					one.heads = append(one.heads, hits(a))
				}
				mean, err := e.Average(attention.Last, class)
				if err != nil {
					t.Fatal(err)
				}
				one.mean = hits(mean)
				all[part] = append(all[part], one)
			}
		}
		best, most := 0, -1
		for head := range m.Config.Heads {
			n := 0
			for _, o := range all[0] {
				if o.heads[head] {
					n++
				}
			}
			if n > most {
				best, most = head, n
			}
		}
		hits := 0
		for _, o := range all[1] {
			visible++
			if o.heads[best] {
				hitChosen++
				hits++
			}
			if o.mean {
				hitMean++
			}
		}
		if 100*hits < 80*len(all[1]) {
			t.Errorf("%s is told by its %s, and its head looks at it in only %d of %d", s.Name, s.Telling,
				hits, len(all[1]))
		}
		t.Logf("%s, told by its %s: head %d looks at it in %d of %d unseen pictures", s.Name, s.Telling, best+1,
			hits, len(all[1]))
	}
	n := perClass * len(species)
	t.Logf("%d of %d are right; the chosen head looks at the telling part in %d of %d, the mean of the heads in %d",
		right, n, hitChosen, visible, hitMean)
	if 100*right < 95*n {
		t.Errorf("only %d of %d are right", right, n)
	}
}

// The sample says of what it does not know that it does not know it. docs/faithful.md has
// these numbers: of seeds by which nothing was chosen.
func TestSampleLikeness(t *testing.T) {
	m, err := intr.Open(t.Context(), "sample", intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	bird := func(seed uint64, class, i int) (birds.Species, birds.Scene) {
		return birds.At(class), birds.NewScene(seed, "unlike", class, i)
	}
	for _, kind := range []struct {
		name        string
		n           int
		least, most float64 // of them that are unlike
		draw        func(i int) *picture.Picture
	}{
		{"birds that it has never seen", 800, 0, 0.025, func(i int) *picture.Picture {
			s, scene := bird(7002, i%8, i/8)
			p, _ := birds.Draw(s, scene, 160)
			return p
		}},
		{"birds of six other species of the family", 300, 0, 1, func(i int) *picture.Picture {
			s, scene := bird(7003, 8+i%6, i/6)
			p, _ := birds.Draw(s, scene, 160)
			return p
		}},
		{"birds of other families", 300, 0, 1, func(i int) *picture.Picture {
			s, scene := bird(7004, 14+i%100, i/100)
			p, _ := birds.Draw(s, scene, 160)
			return p
		}},
		{"scenes without a bird", 400, 0.7, 1, func(i int) *picture.Picture {
			s, scene := bird(7005, i%8, i/8)
			p, _ := birds.Draw(s, scene.Empty(), 160)
			return p
		}},
		{"noise", 50, 0.95, 1, func(i int) *picture.Picture {
			random, p := rand.New(rand.NewPCG(7001, uint64(i))), picture.New(160, 160)
			for i := range p.Pix {
				p.Pix[i] = uint8(random.IntN(256))
			}
			return p
		}},
		{"one colour", 50, 0.95, 1, func(i int) *picture.Picture {
			random, p := rand.New(rand.NewPCG(7006, uint64(i))), picture.New(160, 160)
			of := [3]uint8{uint8(random.IntN(256)), uint8(random.IntN(256)), uint8(random.IntN(256))}
			for i := range p.Pix {
				p.Pix[i] = of[i%3]
			}
			return p
		}},
	} {
		unlike, inputs := 0, make([]*picture.Picture, kind.n)
		parallel.Each(kind.n, func(i int) { inputs[i] = kind.draw(i).Eval(m.Config.EvalSize) })
		for _, input := range inputs {
			e, _, err := m.Answer(t.Context(), false, input)
			switch {
			case err != nil || e[0].Likeness == nil:
				t.Errorf("%s: the sample does not know what its pictures are like (%v)", kind.name, err)
			case e[0].Likeness.Unlike:
				unlike++
			}
		}
		t.Logf("%s: %d of %d are unlike those that it was trained on", kind.name, unlike, kind.n)
		if share := float64(unlike) / float64(kind.n); share < kind.least || share > kind.most {
			t.Errorf("%s: %d of %d are unlike, which is not from %v to %v", kind.name, unlike, kind.n, kind.least,
				kind.most)
		}
	}
}
