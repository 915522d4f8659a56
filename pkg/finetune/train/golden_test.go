package train_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/intr"
)

// arrays reads float32 arrays out of an .npz file.
type arrays struct {
	t *testing.T
	r *npz.Reader
}

func openNPZ(t *testing.T, path string) arrays {
	t.Helper()
	r, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return arrays{t, r}
}

func (a arrays) floats(name string) (values []float32, shape []int) {
	a.t.Helper()
	header := a.r.Header(name + ".npy")
	if header == nil {
		a.t.Fatalf("no array is named %s", name)
	}
	if err := a.r.Read(name+".npy", &values); err != nil {
		a.t.Fatalf("%s: %v", name, err)
	}
	return values, header.Descr.Shape
}

// batch pads images [3, h, w], which are the network's inputs as they are.
func (a arrays) batch(pick, labels []int) *train.Batch {
	b := &intr.Batch{}
	var images [][]float32
	for _, i := range pick {
		image, shape := a.floats(fmt.Sprintf("image%d", i))
		images = append(images, image)
		b.Sizes = append(b.Sizes, [2]int{shape[1], shape[2]})
		b.Height, b.Width = max(b.Height, shape[1]), max(b.Width, shape[2])
	}
	b.Pixels = make([]float32, len(pick)*b.Height*b.Width*3)
	batch := &train.Batch{Input: b, Indices: pick}
	for i, size := range b.Sizes {
		for c := range 3 {
			for y := range size[0] {
				for x := range size[1] {
					b.Pixels[((i*b.Height+y)*b.Width+x)*3+c] = images[i][(c*size[0]+y)*size[1]+x]
				}
			}
		}
		batch.Classes = append(batch.Classes, labels[pick[i]])
	}
	return batch
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// near fails where got is further from want than within, or than -within times
// want where within is negative.
func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if within < 0 {
		within *= -math.Abs(want)
	}
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %v, PyTorch's is %v, further apart (%.3g) than %.3g", what, got, want, math.Abs(got-want),
			within)
	}
}

// float32s are how far PyTorch's float32 is from its float64 in a training's losses,
// in its gradient norms and the final norms of weights, the latter two relative.
func float32s(t *testing.T, training string) shared.Float32 {
	t.Helper()
	return shared.Measured(t, "testdata/float32.json", training)
}

// The gradients of these are zero but for rounding: a number that all logits have
// in common, or all scores of a query (a bias of keys), changes no softmax. AdamW
// makes steps of full size of it, in directions that no two machines agree on.
var noise = map[string]bool{"presence_vector.bias": true, "transformer.decoder.norm.bias": true}

// The oracle's training of 12 steps from a DETR: losses, gradient norms, rates,
// and the weights after.
func TestGoldenTraining(t *testing.T) {
	checkpoint := shared.Checkpoint(t, "detr_like_r18.pth")
	images := openNPZ(t, shared.Golden(t, "training.npz"))
	var want struct {
		Labels []int
		Steps  []struct {
			Batch    []int
			Loss     float64
			GradNorm float64 `json:"grad_norm"`
			LR       float64
		}
		Final map[string]struct{ Sum, Norm float64 }
	}
	readJSON(t, shared.Golden(t, "training.json"), &want)
	enginetest.Each(t, func(t *testing.T, engine string) {
		start, err := train.FromCheckpoint(context.Background(), checkpoint,
			train.StartOptions{Classes: 6, Asked: intr.Config{Heads: 4}})
		if err != nil {
			t.Fatal(err)
		}
		start.Values["presence_vector.weight"], _ = images.floats("presence_weight")
		s := finetune.DefaultSettings()
		s.Engine, s.LR, s.Dropout, s.BatchSize = engine, 1e-4, 0, 4
		s.Schedule.StepSize = 8
		tr, err := train.NewTrainer(start, s)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		loss, norm, final := 1e-4, 1e-3, 1e-5
		far := float32s(t, "golden")
		loss, norm, final = far.Within(t, "loss", loss), -far.Within(t, "norm", norm), -far.Within(t, "final", final)
		worst := [3]float64{}
		for i, step := range want.Steps {
			got, err := tr.Step(t.Context(), images.batch(step.Batch, want.Labels))
			if err != nil {
				t.Fatal(err)
			}
			tr.EndEpoch()
			lr, _ := tr.LR()
			near(t, fmt.Sprintf("loss %d", i), got.Loss, step.Loss, loss)
			near(t, fmt.Sprintf("gradient norm %d", i), got.GradNorm, step.GradNorm, norm)
			near(t, fmt.Sprintf("learning rate %d", i), lr, step.LR, 0)
			worst[0] = max(worst[0], math.Abs(got.Loss-step.Loss))
			worst[1] = max(worst[1], math.Abs(got.GradNorm/step.GradNorm-1))
		}
		for _, p := range intr.Params(start.Config) {
			w, ok := want.Final[p.Key]
			if !ok {
				continue // BatchNorm's statistics
			}
			values, err := tr.Model().Values(p)
			if err != nil {
				t.Fatal(err)
			}
			square := 0.0
			for _, v := range values {
				square += float64(v) * float64(v)
			}
			if noise[p.Key] || strings.HasSuffix(p.Key, "in_proj_bias") {
				near(t, "the norm of "+p.Key, math.Sqrt(square), w.Norm, 12*1e-4*math.Sqrt(float64(len(values))))
				continue
			}
			near(t, "the norm of "+p.Key, math.Sqrt(square), w.Norm, final)
			if w.Norm > 0 {
				worst[2] = max(worst[2], math.Abs(math.Sqrt(square)/w.Norm-1))
			}
		}
		t.Logf("losses within %.2g, gradient norms within %.2g, final norms within %.2g", worst[0], worst[1], worst[2])
	})
}

// The oracle's training of five epochs, interrupted after two, goes on here.
func TestGoldenResume(t *testing.T) {
	checkpoint := shared.Checkpoint(t, "interrupted.pth")
	images := openNPZ(t, shared.Golden(t, "interrupted.npz"))
	var want []struct {
		Epoch    int
		Loss, LR float64
	}
	readJSON(t, shared.Golden(t, "interrupted.json"), &want)
	all := []int{0, 1, 2, 3, 4, 5}
	within := float32s(t, "interrupted").Within(t, "loss", 1e-5)
	enginetest.Each(t, func(t *testing.T, engine string) {
		s := finetune.DefaultSettings()
		s.Engine, s.Dropout, s.BatchSize, s.Frozen = engine, 0, 6, []string{"backbone"}
		tr, resumed, err := train.Resume(checkpoint, intr.Config{}, s)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if resumed.Epoch != 1 || tr.Steps() != 2 {
			t.Errorf("resumes after epoch %d and %d steps, and it was interrupted after epoch 1 and 2 steps",
				resumed.Epoch, tr.Steps())
		}
		for _, epoch := range want[2:] {
			lr, _ := tr.LR()
			near(t, fmt.Sprintf("learning rate %d", epoch.Epoch), lr, epoch.LR, -1e-15)
			got, err := tr.Step(t.Context(), images.batch(all, all))
			if err != nil {
				t.Fatal(err)
			}
			tr.EndEpoch()
			near(t, fmt.Sprintf("loss %d", epoch.Epoch), got.Loss, epoch.Loss, within)
			t.Logf("loss %d within %.2g", epoch.Epoch, math.Abs(got.Loss-epoch.Loss))
		}
	})
}
