package intr_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// Grad-CAM and rollout are what PyTorch's gradients and hooks give
// (internal/oracle/attribution.py), on XLA in a canvas that is too large.
func TestAttribution(t *testing.T) {
	fixture := openNPZ(t, filepath.Join("testdata", "attribution.npz"))
	for _, name := range []string{"basic", "prenorm_learned", "dc5"} {
		t.Run(name, func(t *testing.T) {
			enginetest.Each(t, func(t *testing.T, engine string) {
				m := open(t, filepath.Join("testdata", name+".pth"), engine)
				m.Config.EvalSize = 350 // the canvas' sides are multiples of 35
				pixels := openNPZ(t, filepath.Join("testdata", name+".npz"))
				float32 := shared.Measured(t, filepath.Join("testdata", "float32.json"), name)
				for i := range 2 {
					if engine != "go" && (i > 0 || name != "basic") {
						continue // XLA compiles for seconds, and the graph is the same
					}
					shape := pixels.shape(fmt.Sprintf("pixels%d", i))
					p := &picture.Picture{Height: shape[0], Width: shape[1],
						Pix: read[uint8](pixels, fmt.Sprintf("pixels%d", i))}
					if h, w := m.Canvas(p.Height, p.Width); engine == "xla" && h == p.Height && w == p.Width {
						t.Fatal("the canvas is no larger than the picture")
					}
					for _, class := range []int{0, m.Config.Classes - 1} {
						a, err := m.Attribute(context.Background(), class, p)
						if err != nil {
							t.Fatal(err)
						}
						answer := fmt.Sprintf("%d_%d_", i, class)
						key := name + "_" + answer
						if shape := fixture.shape(key + "cam"); a.GradCAM.Rows != shape[0] ||
							a.GradCAM.Cols != shape[1] || a.Rollout.Rows != shape[0] || a.Rollout.Cols != shape[1] {
							t.Fatalf("the maps have %d×%d and %d×%d cells, PyTorch's %v", a.GradCAM.Rows,
								a.GradCAM.Cols, a.Rollout.Rows, a.Rollout.Cols, shape)
						}
						alike(t, key+"cam", a.GradCAM, fixture.floats(key+"cam"), float32.Within(t, answer+"cam", 1e-4))
						alike(t, key+"rollout", a.Rollout, fixture.floats(key+"rollout"),
							float32.Within(t, answer+"rollout", 1e-5))
					}
				}
			})
		})
	}
}

// alike is within a part of the map's greatest value.
func alike(t *testing.T, what string, got attention.Map, want []float32, within float64) {
	t.Helper()
	most, worst := 0.0, 0.0
	for i, v := range want {
		most = max(most, math.Abs(float64(v)))
		worst = max(worst, math.Abs(float64(v)-float64(got.Values[i])))
	}
	if !(worst <= within*most) {
		t.Errorf("%s is %v away from PyTorch's, whose greatest is %v", what, worst, most)
	}
	t.Logf("%s: within %.2g of its greatest", what, worst/most)
}

// The same of checkpoints of full size, asked from PyTorch itself.
func TestAttributionOracle(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with torch")
	}
	photo := filepath.Join(shared.Root(), "notebooks", "bunting.jpg")
	for _, name := range []string{"r18_prenorm", "intr_r50_200"} {
		t.Run(name, func(t *testing.T) {
			checkpoint, out := shared.Checkpoint(t, name+".pth"), filepath.Join(t.TempDir(), "out.npz")
			m := open(t, checkpoint, "auto")
			const class = 3
			text, err := exec.Command(python, filepath.Join(shared.Root(), "internal", "oracle", "attribution.py"),
				checkpoint, photo, fmt.Sprint(class), out).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			p, err := picture.Open(photo)
			if err != nil {
				t.Fatal(err)
			}
			a, err := m.Attribute(context.Background(), class, p.Eval(m.Config.EvalSize))
			if err != nil {
				t.Fatal(err)
			}
			want := openNPZ(t, out)
			alike(t, "cam", a.GradCAM, want.floats("cam"), shared.Within(1e-3, read[float64](want, "cam_float32")[0]))
			alike(t, "rollout", a.Rollout, want.floats("rollout"),
				shared.Within(1e-4, read[float64](want, "rollout_float32")[0]))
		})
	}
}

func TestAttributionRefuses(t *testing.T) {
	m := open(t, filepath.Join("testdata", "basic.pth"), "go")
	p := picture.New(64, 48)
	for _, class := range []int{-1, m.Config.Classes} {
		if _, err := m.Attribute(context.Background(), class, p); err == nil ||
			!strings.Contains(err.Error(), "there is no class") {
			t.Errorf("class %d: %v", class, err)
		}
	}
	if _, err := m.Attribute(context.Background(), 0, nil); err == nil {
		t.Error("no picture was looked at")
	}
	projection := intr.Params(m.Config)[slices.IndexFunc(intr.Params(m.Config), func(p intr.Param) bool {
		return p.Key == "input_proj.weight"
	})]
	values, err := m.Values(projection)
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		values[i] *= 1e38
	}
	huge, err := m.With(map[string][]float32{projection.Key: values})
	if err != nil {
		t.Fatal(err)
	}
	defer huge.Close()
	for i := range p.Pix {
		p.Pix[i] = uint8(i * 7)
	}
	if a, err := huge.Attribute(context.Background(), 0, p); err == nil ||
		!strings.Contains(err.Error(), "too large to compute with") {
		t.Errorf("weights that are too large: %v, %v", a, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Attribute(ctx, 0, p); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
}

// A model with other values for some tensors answers otherwise; the first does not.
func TestWith(t *testing.T) {
	m := open(t, filepath.Join("testdata", "basic.pth"), "go")
	p := picture.New(64, 48)
	for i := range p.Pix {
		p.Pix[i] = uint8(i * 7)
	}
	logits := func(m *intr.Model) []float32 {
		e, err := m.Explain(t.Context(), "", p)
		if err != nil {
			t.Fatal(err)
		}
		return e.Logits
	}
	before := logits(m)
	other, err := m.With(map[string][]float32{"presence_vector.bias": {100}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	old, err := m.Values(intr.Param{Key: "presence_vector.bias", Shape: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range logits(other) {
		if d := float64(v) - float64(before[i]) - 100 + float64(old[0]); math.Abs(d) > 1e-3 {
			t.Errorf("logit %d went from %v to %v by a bias of %v more", i, before[i], v, 100-old[0])
		}
	}
	if !slices.Equal(before, logits(m)) {
		t.Error("the model itself answers otherwise")
	}
	if _, err := m.With(map[string][]float32{"no.such": {1}}); err == nil || !strings.Contains(err.Error(), "no.such") {
		t.Errorf("an unknown tensor: %v", err)
	}
}
