package intr_test

import (
	"errors"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/torchfile"
)

func openFile(t *testing.T, path string) *torchfile.File {
	t.Helper()
	f, err := torchfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// changed writes a checkpoint with one thing different about its tensors.
func changed(t *testing.T, from string, metadata map[string]string,
	change func([]*torchfile.Tensor) []*torchfile.Tensor) string {
	t.Helper()
	var tensors []*torchfile.Tensor
	for _, tensor := range openFile(t, from).Tensors() {
		c := *tensor
		c.Name = strings.TrimPrefix(c.Name, "model.")
		tensors = append(tensors, &c)
	}
	path := filepath.Join(t.TempDir(), "changed.safetensors")
	if err := torchfile.WriteSafetensors(path, change(tensors), metadata); err != nil {
		t.Fatal(err)
	}
	return path
}

func numbers(t *testing.T, name string, shape []int, value float32) *torchfile.Tensor {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = value
	}
	tensor, err := torchfile.NewTensor(name, shape, values)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

// The architecture is that of the shapes, with or without args.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		want intr.Config
	}{
		{"basic", intr.Config{Backbone: "resnet", Blocks: [4]int{1, 2, 1, 1}, Width: 4, Positions: "sine",
			HiddenDim: 16, Heads: 2, EncoderLayers: 1, DecoderLayers: 2, FeedForward: 24, Classes: 5, EvalSize: 800}},
		{"prenorm_learned", intr.Config{Backbone: "resnet", Blocks: [4]int{1, 1, 1, 1}, Width: 4, Positions: "learned",
			HiddenDim: 16, Heads: 4, EncoderLayers: 2, DecoderLayers: 2, FeedForward: 24, PreNorm: true, Classes: 3,
			EvalSize: 800}},
		{"dc5", intr.Config{Backbone: "resnet", Blocks: [4]int{1, 1, 1, 2}, Bottleneck: true, Width: 4, Dilation: true,
			Positions: "sine", HiddenDim: 16, Heads: 2, EncoderLayers: 1, DecoderLayers: 1, FeedForward: 24, Classes: 4,
			EvalSize: 800}},
	} {
		path := filepath.Join("testdata", c.name+".pth")
		_, got, err := intr.Inspect(openFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s is %+v, want %+v", c.name, got, c.want)
		}
		bare := changed(t, path, nil, func(tensors []*torchfile.Tensor) []*torchfile.Tensor { return tensors })
		_, got, err = intr.Inspect(openFile(t, bare))
		if err != nil {
			t.Fatal(err)
		}
		// What no shape tells is DETR's default.
		c.want.Heads, c.want.Dilation = 8, false
		if got != c.want {
			t.Errorf("%s without args is %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Weights are found wherever frameworks put them, the plain ones where an average lies beside, and what else lies there
// does not matter.
func TestPlaces(t *testing.T) {
	const basic = "testdata/basic.pth"
	from := openFile(t, basic)
	var original []*torchfile.Tensor
	for _, tensor := range from.Tensors() {
		if strings.HasPrefix(tensor.Name, "model.") {
			original = append(original, tensor)
		}
	}
	_, want, err := intr.Inspect(from)
	if err != nil {
		t.Fatal(err)
	}
	under := func(prefix string) func() *torchfile.Dict { // a state_dict
		return func() *torchfile.Dict {
			d := &torchfile.Dict{Ordered: true}
			for _, tensor := range original {
				d.Set(prefix+strings.TrimPrefix(tensor.Name, "model."), tensor)
			}
			return d
		}
	}
	average := &torchfile.Dict{Ordered: true}
	for _, tensor := range original {
		name := strings.TrimPrefix(tensor.Name, "model.")
		average.Set("module."+name, numbers(t, name, tensor.Shape, 7))
	}
	type entry struct {
		key   string
		value any
	}
	for _, c := range []struct {
		name, at string
		root     []entry
	}{
		{"torch.compile", "model._orig_mod.", []entry{{"model", under("_orig_mod.")()}}},
		{"DDP, compiled", "model.module._orig_mod.", []entry{{"model", under("module._orig_mod.")()}}},
		{"Lightning", "state_dict.model.", []entry{{"state_dict", under("model.")()}}},
		{"another name", "net_g.", []entry{{"net_g", under("")()}}},
		{"an average first", "model.", []entry{{"model_ema", average}, {"model", under("")()}}},
		{"timm", "state_dict.", []entry{{"state_dict_ema", average}, {"state_dict", under("")()}}},
		{"AveragedModel beside", "model.", []entry{{"other", func() *torchfile.Dict {
			d := &torchfile.Dict{}
			for key, value := range average.All() {
				d.Set(key, value)
			}
			d.Set("n_averaged", numbers(t, "n", nil, 3))
			return d
		}()}, {"model", under("")()}}},
		{"an average alone", "ema.module.", []entry{{"ema", under("module.")()}}},
		{"an optimizer's", "model.", []entry{{"optimizer", average}, {"model", under("")()}}},
		{"a counter beside", "model.", []entry{{"model", func() *torchfile.Dict {
			d := under("")()
			d.Set("n_steps", numbers(t, "n", nil, 3))
			return d
		}()}}},
	} {
		options := &torchfile.Dict{}
		options.Set("nheads", int64(2))
		for _, key := range []string{"args", "hyper_parameters", "config"} {
			root := &torchfile.Dict{}
			for _, e := range c.root {
				root.Set(e.key, e.value)
			}
			root.Set(key, options)
			path := filepath.Join(t.TempDir(), "c.pth")
			if err := torchfile.WritePTH(path, root); err != nil {
				t.Fatal(err)
			}
			f := openFile(t, path)
			state, config, err := intr.Inspect(f)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if p, _ := intr.PlaceOf(f, ""); p.At != c.at || config != want {
				t.Errorf("%s, %s: taken at %q, %+v", c.name, key, p.At, config)
			}
			got, err := state["input_proj.bias"].Float32s(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got[0] == 7 || len(state) != len(original) {
				t.Errorf("%s: %d tensors were taken, the first number is %v", c.name, len(state), got[0])
			}
		}
	}
}

// A checkpoint that does not fit is refused with the name of the tensor.
func TestMisfits(t *testing.T) {
	const basic = "testdata/basic.pth"
	without := func(key string) func([]*torchfile.Tensor) []*torchfile.Tensor {
		return func(tensors []*torchfile.Tensor) []*torchfile.Tensor {
			return slices.DeleteFunc(tensors, func(t *torchfile.Tensor) bool { return t.Name == key })
		}
	}
	instead := func(key string, value float32, shape ...int) func([]*torchfile.Tensor) []*torchfile.Tensor {
		return func(tensors []*torchfile.Tensor) []*torchfile.Tensor {
			return append(without(key)(tensors), numbers(t, key, shape, value))
		}
	}
	nan := float32(0)
	nan /= nan
	args := map[string]string{"args": `{"nheads": 2}`}
	for _, c := range []struct {
		name   string
		says   []string
		args   map[string]string
		change func([]*torchfile.Tensor) []*torchfile.Tensor
	}{
		{"missing", []string{"input_proj.bias", "missing"}, args, without("input_proj.bias")},
		{"no queries", []string{"query_embed.weight"}, args, without("query_embed.weight")},
		{"extra", []string{"mask_head.weight", "no use"}, args, instead("mask_head.weight", 1, 2, 2)},
		{"misshaped", []string{"input_proj.bias", "[17]", "[16]"}, args, instead("input_proj.bias", 1, 17)},
		{"wrong rank", []string{"query_embed.weight", "[5]"}, args, instead("query_embed.weight", 1, 5)},
		{"not a number", []string{"input_proj.bias", "NaN", "position 0"}, args, instead("input_proj.bias", nan, 16)},
		{"heads", []string{"16", "3 attention heads"}, map[string]string{"args": `{"nheads": 3}`}, without("")},
		{"a picture's size", []string{"short side of 4 pixels", "16 to 1536"},
			map[string]string{"args": `{"nheads": 2, "eval_size": 4}`}, without("")},
		{"a DETR", []string{"DETR", "fine-tuning"}, args, func(tensors []*torchfile.Tensor) []*torchfile.Tensor {
			tensors = without("presence_vector.weight")(without("presence_vector.bias")(tensors))
			return append(tensors, numbers(t, "class_embed.weight", []int{92, 16}, 1))
		}},
		{"another model", []string{"no INTR", "query_embed.weight"}, nil,
			func([]*torchfile.Tensor) []*torchfile.Tensor {
				return []*torchfile.Tensor{numbers(t, "fc.weight", []int{10, 512}, 1)}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := changed(t, basic, c.args, c.change)
			m, err := intr.Open(t.Context(), path, intr.Backend("go"))
			if err == nil {
				m.Close()
				t.Fatal("was opened")
			}
			for _, word := range append(c.says, path) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not name %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
			t.Log(err)
		})
	}
}

// A model that was trained on smaller pictures says so among its args, and sees
// every picture at that size.
func TestEvalSize(t *testing.T) {
	const basic = "testdata/basic.pth"
	whole := func(tensors []*torchfile.Tensor) []*torchfile.Tensor { return tensors }
	small := changed(t, basic, map[string]string{"args": `{"nheads": 2, "eval_size": 128}`}, whole)
	for _, ending := range []string{".pth", ".safetensors"} {
		out := filepath.Join(t.TempDir(), "out"+ending)
		converted, err := intr.Convert(t.Context(), small, out)
		if err != nil {
			t.Fatal(err)
		}
		_, config, err := intr.Inspect(openFile(t, out))
		if err != nil || config.EvalSize != 128 || *converted.Config != config {
			t.Errorf("converted, it is %+v (%v)", config, err)
		}
		if v, _ := config.Args().Get("eval_size"); v != int64(128) ||
			!strings.Contains(config.String(), "pictures of 128 pixels") {
			t.Errorf("its size is %v among the args of %s", v, config)
		}
	}
	enginetest.Each(t, func(t *testing.T, engine string) {
		at800, at128 := open(t, basic, engine), open(t, small, engine)
		photo := &picture.Picture{Width: 300, Height: 256, Pix: make([]uint8, 300*256*3)}
		for i := range photo.Pix {
			photo.Pix[i] = uint8(i * i >> 8)
		}
		path := filepath.Join(t.TempDir(), "photo.png")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, photo), f.Close()); err != nil {
			t.Fatal(err)
		}
		e, err := at128.Explain(t.Context(), path, photo)
		if err != nil {
			t.Fatal(err)
		}
		if e.InputWidth != 150 || e.InputHeight != 128 || e.Rows != 4 || e.Cols != 5 || e.Width != 300 {
			t.Errorf("a picture of %d by %d was seen at %d by %d, as %d by %d cells", e.Width, e.Height, e.InputWidth,
				e.InputHeight, e.Cols, e.Rows)
		}
		// The other model has the same weights, and sees the same when given it.
		want, _, err := at800.Answer(t.Context(), false, photo.Resize(150, 128))
		if err != nil {
			t.Fatal(err)
		}
		ranked, err := at128.Predict(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want[0].Logits {
			for _, got := range []float32{e.Logits[i], ranked[0].Logits[i]} {
				if d := math.Abs(float64(got - v)); d > 1e-4 {
					t.Errorf("the logit of class %d is %v, at that size it is %v", i, got, v)
				}
			}
		}
		if engine == "go" {
			return
		}
		// Canvases are steps of a tenth of the short side.
		for _, c := range []struct {
			m          *intr.Model
			size, want [2]int
		}{
			{at800, [2]int{800, 1066}, [2]int{800, 1120}},
			{at800, [2]int{33, 1333}, [2]int{80, 1360}},
			{at128, [2]int{128, 128}, [2]int{128, 128}},
			{at128, [2]int{128, 150}, [2]int{128, 154}},
			{at128, [2]int{213, 128}, [2]int{218, 128}},
		} {
			if h, w := c.m.Canvas(c.size[0], c.size[1]); h != c.want[0] || w != c.want[1] {
				t.Errorf("the canvas of %v is %d×%d, want %v", c.size, h, w, c.want)
			}
		}
	})
}

// Converted files hold the same tensors and answer the same.
func TestConvert(t *testing.T) {
	for _, name := range []string{"basic", "prenorm_learned", "dc5"} {
		first := filepath.Join("testdata", name+".pth")
		dir := t.TempDir()
		last := first
		for _, next := range []string{"a.safetensors", "b.pth", "c.safetensors"} {
			next = filepath.Join(dir, next)
			if _, err := intr.Convert(t.Context(), last, next); err != nil {
				t.Fatal(err)
			}
			last = next
			wantState, wantConfig, err := intr.Inspect(openFile(t, first))
			if err != nil {
				t.Fatal(err)
			}
			state, config, err := intr.Inspect(openFile(t, next))
			if err != nil {
				t.Fatal(err)
			}
			if config != wantConfig {
				t.Errorf("%s: %+v became %+v", next, wantConfig, config)
			}
			if len(state) != len(wantState) {
				t.Errorf("%s: %d tensors became %d", next, len(wantState), len(state))
			}
			for key, want := range wantState {
				got := state[key]
				if got == nil || !slices.Equal(got.Shape, want.Shape) || got.DType != want.DType {
					t.Fatalf("%s: tensor %s is not what it was", next, key)
				}
				a, err := want.Float32s(nil)
				if err != nil {
					t.Fatal(err)
				}
				b, err := got.Float32s(nil)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(a, b) {
					t.Errorf("%s: tensor %s has other numbers", next, key)
				}
			}
		}
		if _, err := intr.Convert(t.Context(), first, filepath.Join(dir, "model.onnx")); err == nil ||
			!strings.Contains(err.Error(), ".safetensors") {
			t.Errorf("an unknown format is answered with %v", err)
		}
	}
}

// PyTorch opens what Convert wrote, the safe way, and its model answers with it.
func TestConvertedInPyTorch(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with PyTorch (see internal/oracle/README.md)")
	}
	out := filepath.Join(t.TempDir(), "out.pth")
	if _, err := intr.Convert(t.Context(), "testdata/basic.pth", out); err != nil {
		t.Fatal(err)
	}
	const script = `
import argparse, sys, torch
was = torch.load(sys.argv[1], weights_only=False)
now = torch.load(sys.argv[2], weights_only=True)
assert list(was["model"]) == list(now["model"]), "other names, or another order"
for key, t in was["model"].items():
    assert now["model"][key].dtype == t.dtype and torch.equal(now["model"][key], t), key
assert now["args"] == vars(was["args"]), now["args"]
`
	if message, err := exec.Command(python, "-c", script, "testdata/basic.pth", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
}
