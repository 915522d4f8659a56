package intr_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/sbinet/npyio/npz"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// How far a number may be from PyTorch's, unless its own float32 is further from
// its float64 (shared.Float32). The golden logits reach 128, and rounding alone
// moves them by 1e-4 and attention by 6e-6.
const (
	logitsWithin    = 1e-3
	attentionWithin = 5e-5
	relative        = -2e-5 // of the largest number in the layer
)

func open(t *testing.T, path, engine string) *intr.Model {
	t.Helper()
	m, err := intr.Open(t.Context(), path, intr.Backend(engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// A comparison walks through a model's results in the order they are computed
// and fails at the first that diverges.
type comparison struct {
	t        *testing.T
	float32  shared.Float32
	previous string
}

// beside begins a comparison with PyTorch's answers of a model.
func beside(t *testing.T, model string) *comparison {
	return &comparison{t: t, float32: shared.Measured(t, filepath.Join("testdata", "float32.json"), model)}
}

// agree compares a layer, which is (a part of) one of the answers that were measured.
func (c *comparison) agree(layer, answer string, got, want []float32, within float64) {
	c.t.Helper()
	if len(got) != len(want) {
		c.t.Fatalf("%s has %d numbers, PyTorch's has %d", layer, len(got), len(want))
	}
	scale := 1.0
	if within < 0 { // relative to the largest number of the layer
		for _, v := range want {
			scale = max(scale, math.Abs(float64(v)))
		}
		within *= -scale
	}
	within = c.float32.Within(c.t, answer, within)
	worst, at := 0.0, 0
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= within) {
		hint := "HINT: it is the first result: look at the pictures, their normalisation and the stem"
		if c.previous != "" {
			hint = fmt.Sprintf("HINT: %s still agreed, so look at what comes between", c.previous)
		}
		c.t.Fatalf("the first layer that diverges is %s: number %d is %v, PyTorch's is %v, further apart (%.3g) "+
			"than %.3g\n%s", layer, at, got[at], want[at], worst, within, hint)
	}
	c.t.Logf("%-20s within %.2g (limit %.2g)", layer, worst, within)
	c.previous = layer
}

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

func (a arrays) shape(name string) []int {
	h := a.r.Header(name + ".npy")
	if h == nil {
		a.t.Fatalf("no array is named %s", name)
	}
	return h.Descr.Shape
}

func read[T any](a arrays, name string) []T {
	a.t.Helper()
	var v []T
	if err := a.r.Read(name+".npy", &v); err != nil {
		a.t.Fatalf("%s: %v", name, err)
	}
	return v
}

func (a arrays) floats(name string) []float32 { return read[float32](a, name) }

// Small models of every kind, on both engines, alone and in a padded batch.
func TestSmallGolden(t *testing.T) {
	for _, name := range []string{"basic", "prenorm_learned", "dc5"} {
		t.Run(name, func(t *testing.T) {
			enginetest.Each(t, func(t *testing.T, engine string) {
				m := open(t, filepath.Join("testdata", name+".pth"), engine)
				want := openNPZ(t, filepath.Join("testdata", name+".npz"))
				var pictures []*picture.Picture
				for i := range 2 {
					key := fmt.Sprintf("pixels%d", i)
					shape := want.shape(key)
					pictures = append(pictures, &picture.Picture{Height: shape[0], Width: shape[1],
						Pix: read[uint8](want, key)})
				}
				t.Run("batch", func(t *testing.T) {
					b := intr.NewBatch(pictures...)
					c := beside(t, name)
					got := stages(t, m, b)
					for i, stage := range []string{"stem", "layer1", "layer2", "layer3", "layer4", "projected"} {
						c.agree(stage, "batch_"+stage, got[i], want.floats("batch_"+stage), relative)
					}
					compare(t, c, m, b, want, "batch_")
				})
				// The same pictures one at a time, on a canvas too large for them.
				for i, p := range pictures {
					t.Run(fmt.Sprintf("alone%d", i), func(t *testing.T) {
						b := intr.NewBatch(p, &picture.Picture{Width: 201, Height: 170, Pix: make([]uint8, 201*170*3)})
						b.Exact = true
						out, err := m.Run(t.Context(), b)
						if err != nil {
							t.Fatal(err)
						}
						rows, cols := b.Region(0, m.Config.Stride())
						prefix := fmt.Sprintf("alone%d_", i)
						c := beside(t, name)
						var attention []float32
						for _, layer := range out.Attention {
							attention = append(attention, cut(layer[:len(layer)/2], out.Rows, out.Cols,
								1, rows, cols)...)
						}
						c.agree("memory", prefix+"memory", cut(out.Memory[:len(out.Memory)/2], out.Rows, out.Cols,
							out.Width, rows, cols), want.floats(prefix+"memory"), relative)
						c.agree("attention", prefix+"attention", attention, want.floats(prefix+"attention"),
							attentionWithin)
						c.agree("logits", prefix+"logits", out.Logits[:out.Classes], want.floats(prefix+"logits"),
							logitsWithin/10)
					})
				}
			})
		})
	}
}

func compare(t *testing.T, c *comparison, m *intr.Model, b *intr.Batch, want arrays, prefix string) {
	t.Helper()
	out, err := m.Run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	c.agree("memory", prefix+"memory", out.Memory, want.floats(prefix+"memory"), relative)
	attention, states := want.floats(prefix+"attention"), want.floats(prefix+"states")
	for i := range out.Attention {
		n := len(out.Attention[i])
		c.agree(fmt.Sprintf("attention %d", i), prefix+"attention", out.Attention[i], attention[i*n:(i+1)*n],
			attentionWithin)
		n = len(out.States[i])
		c.agree(fmt.Sprintf("states %d", i), prefix+"states", out.States[i], states[i*n:(i+1)*n], relative)
	}
	c.agree("logits", prefix+"logits", out.Logits, want.floats(prefix+"logits"), logitsWithin/10)
}

// stages asks the graph for what the backbone passes on.
func stages(t *testing.T, m *intr.Model, b *intr.Batch) [][]float32 {
	t.Helper()
	pixels := tensors.FromFlatDataAndDimensions(b.Pixels, len(b.Sizes), b.Height, b.Width, 3)
	exec, err := m.NewExec(func(inputs []*graph.Node) []*graph.Node {
		out := m.Forward(inputs[0], nil, nil)
		return []*graph.Node{out.Stages["stem"], out.Stages["layer1"], out.Stages["layer2"], out.Stages["layer3"],
			out.Stages["layer4"], out.Projected}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	results, err := exec.Call(pixels)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, r := range results {
		values = append(values, tensors.MustCopyFlatData[float32](r))
	}
	return values
}

// cut takes the top left of every [allRows, allCols, depth] block.
func cut(x []float32, allRows, allCols, depth, rows, cols int) []float32 {
	var kept []float32
	for block := 0; block < len(x); block += allRows * allCols * depth {
		for row := range rows {
			at := block + row*allCols*depth
			kept = append(kept, x[at:at+cols*depth]...)
		}
	}
	return kept
}

// The other architectures at real size, two pictures in a padded batch.
func TestGoldenVariants(t *testing.T) {
	for _, name := range []string{"r18_prenorm", "r18_learned", "r50_dc5"} {
		t.Run(name, func(t *testing.T) {
			checkpoint := shared.Checkpoint(t, name+".pth")
			want := openNPZ(t, shared.Golden(t, name+".npz"))
			enginetest.Each(t, func(t *testing.T, engine string) {
				m := open(t, checkpoint, engine)
				b := &intr.Batch{}
				for i := range 2 {
					shape := want.shape(fmt.Sprintf("image%d", i)) // [3, h, w]
					b.Sizes = append(b.Sizes, [2]int{shape[1], shape[2]})
					b.Height, b.Width = max(b.Height, shape[1]), max(b.Width, shape[2])
				}
				b.Pixels = make([]float32, 2*b.Height*b.Width*3)
				for i, size := range b.Sizes {
					image := want.floats(fmt.Sprintf("image%d", i))
					for c := range 3 {
						for y := range size[0] {
							for x := range size[1] {
								b.Pixels[((i*b.Height+y)*b.Width+x)*3+c] = image[(c*size[0]+y)*size[1]+x]
							}
						}
					}
				}
				out, err := m.Run(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				c := beside(t, name)
				c.agree("memory", "memory", channelsFirst(out.Memory, 2, out.Rows*out.Cols, out.Width),
					want.floats("memory"), relative)
				// Mean of the heads, first 8 classes, of every layer; then the last layer whole.
				mean := want.floats("attention_mean_by_layer")
				for layer, a := range out.Attention {
					got := headMean(a, 2, out.Heads, out.Classes, out.Rows*out.Cols, min(8, out.Classes))
					c.agree(fmt.Sprintf("mean attention %d", layer), "attention_mean_by_layer", got,
						mean[layer*len(got):(layer+1)*len(got)], attentionWithin)
				}
				c.agree("last attention", "attention_last", out.Attention[len(out.Attention)-1],
					want.floats("attention_last"), attentionWithin)
				c.agree("last states", "hs_last", out.States[len(out.States)-1], want.floats("hs_last"), relative)
				c.agree("logits", "logits", out.Logits, want.floats("logits"), logitsWithin)
			})
		})
	}
}

func channelsFirst(x []float32, pictures, cells, width int) []float32 {
	y := make([]float32, len(x))
	for p := range pictures {
		for cell := range cells {
			for c := range width {
				y[(p*width+c)*cells+cell] = x[(p*cells+cell)*width+c]
			}
		}
	}
	return y
}

func headMean(a []float32, pictures, heads, classes, cells, keep int) []float32 {
	mean := make([]float32, pictures*keep*cells)
	for p := range pictures {
		for class := range keep {
			for cell := range cells {
				sum := 0.0
				for h := range heads {
					sum += float64(a[((p*heads+h)*classes+class)*cells+cell])
				}
				mean[(p*keep+class)*cells+cell] = float32(sum / float64(heads))
			}
		}
	}
	return mean
}

// INTR-R50 with 200 classes on a photograph, from the file to the answer.
func TestGoldenR50(t *testing.T) {
	checkpoint := shared.Checkpoint(t, "intr_r50_200.pth")
	image := filepath.Join(shared.Dir(t), "images", "Painted_Bunting_0004_16641.jpg")
	want := openNPZ(t, shared.Golden(t, "intr_r50_200.npz"))
	enginetest.Each(t, func(t *testing.T, engine string) {
		m := open(t, checkpoint, engine)
		p, err := picture.Open(image)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Run(t.Context(), intr.NewBatch(p.Eval(0)))
		if err != nil {
			t.Fatal(err)
		}
		c := beside(t, "intr_r50_200")
		memory := make([]float32, out.Width) // the mean of its cells
		for i, v := range out.Memory {
			memory[i%out.Width] += v / float32(out.Rows*out.Cols)
		}
		c.agree("memory", "memory_mean", memory, want.floats("memory_mean"), relative)
		c.agree("logits", "logits", out.Logits, want.floats("logits"), logitsWithin)

		e, err := m.Explain(t.Context(), image, p)
		if err != nil {
			t.Fatal(err)
		}
		// Classes may change places that are closer than both may be off.
		logits, within := want.floats("logits"), 2*c.float32.Within(t, "logits", logitsWithin)
		same := func(place, got, want int) {
			if got != want && !(math.Abs(float64(logits[got]-logits[want])) <= within) {
				t.Errorf("place %d is class %d, PyTorch's is %d", place, got, want)
			}
		}
		best := int(read[int64](want, "predicted")[0])
		same(1, e.Best().Index, best)
		var heads []float32
		for h := range e.Heads {
			a, err := e.Map(-1, h, best)
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, a.Values...)
		}
		c.agree("attention of the predicted class", "predicted_attention", heads, want.floats("predicted_attention"),
			attentionWithin)
		c.agree("logits", "logits", e.Logits, logits, logitsWithin)
		for i, class := range e.Top(5) {
			same(i+1, class.Index, int(read[int64](want, "top5")[i]))
		}
	})
}

// The sentences that people get for a checkpoint that is not one.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile("testdata/basic.pth")
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for i := range 200 {
		fmt.Fprintf(&names, "species %d\n", i)
	}
	classFile := intr.ClassFile(write("classes.txt", []byte(names.String())))
	for _, c := range []struct {
		name, path, says string
		options          []intr.Option
	}{
		{"missing", filepath.Join(dir, "none.pth"), "none.pth", nil},
		{"directory", dir, dir, nil},
		{"text", write("text.pth", []byte("this is no checkpoint, it is a text")), "text.pth", nil},
		{"empty", write("empty.pth", nil), "empty.pth", nil},
		{"truncated", write("short.pth", whole[:len(whole)/2]), "short.pth", nil},
		{"200 names for 5 classes", "testdata/basic.pth", "200 names", []intr.Option{classFile}},
		{"engine", "testdata/basic.pth", "abacus", []intr.Option{intr.Backend("abacus")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := intr.Open(t.Context(), c.path, append(c.options, intr.Backend("go"))[:max(1, len(c.options))]...)
			if err == nil {
				m.Close()
				t.Fatal("was opened")
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("says %q, which does not name %q in one line", err, c.says)
			}
			t.Log(err)
		})
	}
}
