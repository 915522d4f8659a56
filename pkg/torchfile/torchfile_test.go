package torchfile

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// words is the Go half of words in testdata/generate.py.
func words(t *testing.T, v any) any {
	all := func(items []any) []any {
		out := []any{}
		for _, item := range items {
			out = append(out, words(t, item))
		}
		return out
	}
	switch v := v.(type) {
	case *Tensor:
		values, err := v.Float32s(nil)
		if err != nil {
			t.Fatal(err)
		}
		shape, flat := []any{}, []any{}
		for _, d := range v.Shape {
			shape = append(shape, float64(d))
		}
		for _, x := range values {
			if math.IsInf(float64(x), 0) {
				flat = append(flat, strings.ToLower(strings.TrimPrefix(fmt.Sprint(x), "+")))
			} else {
				flat = append(flat, float64(x))
			}
		}
		return map[string]any{"tensor": string(v.DType), "shape": shape, "values": flat}
	case *Object:
		return map[string]any{"object": v.Class, "fields": words(t, v.Fields)}
	case *Dict:
		pairs := []any{}
		for key, value := range v.All() {
			pairs = append(pairs, []any{words(t, key), words(t, value)})
		}
		return map[string]any{"dict": pairs, "ordered": v.Ordered}
	case List:
		return map[string]any{"list": all(v)}
	case Tuple:
		return map[string]any{"tuple": all(v)}
	case Set:
		return map[string]any{"set": all(v)}
	case []byte:
		numbers := []any{}
		for _, b := range v {
			numbers = append(numbers, float64(b))
		}
		return map[string]any{"bytes": numbers}
	case Device:
		return map[string]any{"device": string(v)}
	case DType:
		return map[string]any{"dtype": string(v)}
	case int64, *big.Int:
		return map[string]any{"int": fmt.Sprint(v)}
	case float64:
		return map[string]any{"float": v}
	}
	return v
}

func zoo(t *testing.T) map[string]any {
	data, err := os.ReadFile("testdata/zoo.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func opened(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// compare names the first place where two descriptions differ.
func compare(t *testing.T, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s is %v, want %v", at, got, want)
			return
		}
		for key := range w {
			compare(t, at+"."+key, g[key], w[key])
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s is %v, want %v", at, got, want)
			return
		}
		for i := range w {
			compare(t, fmt.Sprintf("%s.%d", at, i), g[i], w[i])
		}
	default:
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

func TestWhatPyTorchSaved(t *testing.T) {
	for file, format := range map[string]Format{"zoo.pth": Zip, "zoo_legacy.pth": Legacy} {
		t.Run(file, func(t *testing.T) {
			f := opened(t, "testdata/"+file)
			if f.Format != format {
				t.Errorf("its format is %s", f.Format)
			}
			compare(t, "zoo", words(t, f.Value()), any(zoo(t)))
			names := map[string]*Tensor{}
			for _, tensor := range f.Tensors() {
				names[tensor.Name] = tensor
			}
			for _, name := range []string{"model.tied.a", "optimizer.state.0.exp_avg", "optimizer.state.1.step"} {
				if names[name] == nil {
					t.Errorf("no tensor is named %s", name)
				}
			}
			if a, b := names["model.tied.a"], names["model.tied.b"]; a.storage != b.storage {
				t.Error("two names of one tensor no longer share their numbers")
			}
			if !names["model.parameter"].parameter || !names["model.parameter"].grad || names["model.frozen"].grad {
				t.Error("a parameter is not what it was")
			}
		})
	}
}

func TestWhatSafetensorsSaved(t *testing.T) {
	f := opened(t, "testdata/zoo.safetensors")
	if f.Format != Safetensors || f.Metadata["note"] != "Öä" {
		t.Errorf("format %s, metadata %v", f.Format, f.Metadata)
	}
	pth := opened(t, "testdata/zoo.pth")
	find := map[string]*Tensor{}
	for _, tensor := range pth.Tensors() {
		find["model."+tensor.Name] = tensor
		find[strings.TrimPrefix(tensor.Name, "model.")] = tensor
	}
	if len(f.Tensors()) != 26 {
		t.Errorf("%d tensors, want 26", len(f.Tensors()))
	}
	for _, tensor := range f.Tensors() {
		compare(t, tensor.Name, words(t, tensor), words(t, find[tensor.Name]))
	}
}

// What is written and read again is the same, from either format to either.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	pth := filepath.Join(dir, "zoo.pth")
	f := opened(t, "testdata/zoo_legacy.pth")
	if err := WritePTH(pth, f.Value()); err != nil {
		t.Fatal(err)
	}
	again := opened(t, pth)
	compare(t, "zoo", words(t, again.Value()), any(zoo(t)))
	model, _ := again.Value().(*Dict).Get("model")
	if model.(*Dict).Attributes == nil {
		t.Error("_metadata is gone")
	}
	for _, file := range []string{pth, "testdata/zoo.safetensors"} {
		from := opened(t, file)
		tensors := from.Tensors()
		safe := filepath.Join(dir, "zoo.safetensors")
		if err := WriteSafetensors(safe, tensors, map[string]string{"a": "<b>"}); err != nil {
			t.Fatal(err)
		}
		to := opened(t, safe)
		if len(to.Tensors()) != len(tensors) || to.Metadata["a"] != "<b>" {
			t.Errorf("%d tensors became %d; metadata %v", len(tensors), len(to.Tensors()), to.Metadata)
		}
		find := map[string]*Tensor{}
		for _, tensor := range to.Tensors() {
			find[tensor.Name] = tensor
		}
		for _, want := range tensors {
			a, err := want.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			b, err := find[want.Name].Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) || want.DType != find[want.Name].DType {
				t.Errorf("%s: tensor %s has other bytes", file, want.Name)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".zoo*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// The first byte of a .safetensors file is that of a length, and may be any:
// 0x80 also begins a pickle, and 'P' a zip file.
func TestLengthsOfHeaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	number, err := NewTensor("n", nil, []int32{7})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 256 {
		if err := WriteSafetensors(path, []*Tensor{number},
			map[string]string{"a": strings.Repeat("b", n)}); err != nil {
			t.Fatal(err)
		}
		f := opened(t, path)
		if len(f.Metadata["a"]) != n || len(f.Tensors()) != 1 {
			t.Fatalf("a text of %d bytes came back with %d", n, len(f.Metadata["a"]))
		}
	}
}

// Python's own zipfile and pickle open what WritePTH wrote, and find every
// record at a multiple of 64 bytes.
func TestWrittenInPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: there is no python3")
	}
	f := opened(t, "testdata/zoo.pth")
	out := filepath.Join(t.TempDir(), "zoo.pth")
	if err := WritePTH(out, f.Value()); err != nil {
		t.Fatal(err)
	}
	script := `
import pickle, sys, zipfile, zlib
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
for info in z.infolist():
    z.fp.seek(info.header_offset)
    header = z.fp.read(30)
    start = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    assert start % 64 == 0, (info.filename, start)
class Any:
    def __init__(self, *args): self.args = args
    def __setstate__(self, state): self.__dict__.update(state)
class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if module.split(".")[0] in ("collections", "_codecs", "builtins", "__builtin__", "argparse"):
            return super().find_class(module, name)
        return type(name, (Any,), {})
    def persistent_load(self, id): return id
zoo = Unpickler(z.open("zoo/data.pkl")).load()
assert zoo["plain"]["bytes"] == b"\x00\xff" and zoo["plain"]["narrow"] == -(2**70) and zoo["plain"]["wide"] == 2**40
assert zoo["plain"]["tuple"] == (1, (2.5,)) and zoo["plain"]["set"] == {4} and zoo["args"].nheads == 8
t = zoo["model"]["float32"]
storage, offset, size, stride, grad, hooks = t.args
assert size == (2, 3) and stride == (3, 1) and storage[0] == "storage" and storage[4] == 6
assert len(z.read("zoo/data/" + storage[2])) == 24
assert zoo["model"]["tied.a"].args[0][2] == zoo["model"]["tied.b"].args[0][2]
`
	if message, err := exec.Command(python, "-c", script, out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
}

// PyTorch and safetensors themselves open what is written, with every tensor equal.
func TestWrittenInPyTorch(t *testing.T) {
	python := os.Getenv("GOINTR_ORACLE")
	if python == "" {
		t.Skip("skipped: GOINTR_ORACLE names no Python with PyTorch (see internal/oracle/README.md)")
	}
	f := opened(t, "testdata/zoo.pth")
	root := &Dict{}
	for key, value := range f.Value().(*Dict).All() {
		if key != "args" { // a Namespace, which weights_only refuses
			root.Set(key, value)
		}
	}
	dir := t.TempDir()
	safe, whole := filepath.Join(dir, "safe.pth"), filepath.Join(dir, "whole.pth")
	if err := WritePTH(safe, root); err != nil {
		t.Fatal(err)
	}
	if err := WritePTH(whole, f.Value()); err != nil {
		t.Fatal(err)
	}
	var tensors []*Tensor
	for _, tensor := range f.Tensors() {
		if name, ok := strings.CutPrefix(tensor.Name, "model."); ok {
			renamed := *tensor
			renamed.Name = name
			tensors = append(tensors, &renamed)
		}
	}
	if err := WriteSafetensors(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
	script := `
import sys, torch
from safetensors.torch import load_file
was = torch.load("testdata/zoo.pth", weights_only=False)
for mmap in (False, True):
    now = torch.load(sys.argv[1] + "/safe.pth", weights_only=True, mmap=mmap)
    assert list(now["model"]) == list(was["model"]) and now["model"]._metadata == was["model"]._metadata
    for key, t in was["model"].items():
        n = now["model"][key]
        assert n.dtype == t.dtype and n.shape == t.shape and torch.equal(n, t), key
        assert type(n) is type(t) and n.requires_grad == t.requires_grad, key
    assert now["model"]["tied.a"].data_ptr() == now["model"]["tied.b"].data_ptr()
    assert now["plain"] == was["plain"] and now["lr_scheduler"] == was["lr_scheduler"]
    torch.optim.AdamW(torch.nn.Linear(2, 2).parameters()).load_state_dict(now["optimizer"])
whole = torch.load(sys.argv[1] + "/whole.pth", weights_only=False)
assert whole["args"] == was["args"]
model = load_file(sys.argv[1] + "/model.safetensors")
assert set(model) == set(was["model"])
for key, t in was["model"].items():
    assert model[key].dtype == t.dtype and torch.equal(model[key], t), key
`
	if message, err := exec.Command(python, "-c", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
}

func TestNotWritten(t *testing.T) {
	dir := t.TempDir()
	loop := &Dict{}
	loop.Set("self", loop)
	two := func() []*Tensor {
		a, err := NewTensor("a", []int{1}, []float32{1})
		if err != nil {
			t.Fatal(err)
		}
		return []*Tensor{a, a}
	}()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a value that holds itself": {WritePTH(filepath.Join(dir, "a.pth"), loop), "deep"},
		"a channel":                 {WritePTH(filepath.Join(dir, "b.pth"), make(chan int)), "chan int"},
		"a foreign class":           {WritePTH(filepath.Join(dir, "c.pth"), &Object{Class: "os.system"}), "os.system"},
		"a folder":                  {WritePTH(dir, int64(1)), "is a folder"},
		"no such folder":            {WritePTH(filepath.Join(dir, "no", "d.pth"), int64(1)), "does not exist"},
		"one name twice":            {WriteSafetensors(filepath.Join(dir, "e.safetensors"), two, nil), "a"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s is answered with %v", name, c.err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	if _, err := NewTensor("x", []int{2, 3}, []float32{1}); err == nil {
		t.Error("a tensor of 6 places was made of one value")
	}
}
