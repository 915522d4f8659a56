package torchfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"path"
	"strings"
	"testing"

	"github.com/gointr/gointr/internal/shared"
)

// odd reads testdata/odd.tar.xz: files by name, and what PyTorch says of each kind.
func odd(t *testing.T) (files map[string][]byte, told map[string]any) {
	t.Helper()
	files = shared.Unpacked(t, "testdata/odd.tar.xz")
	if err := json.Unmarshal(files["odd.json"], &told); err != nil {
		t.Fatal(err)
	}
	delete(files, "odd.json")
	return files, told
}

// plain is the Go half of words in testdata/odd.py.
func plain(t *testing.T, v any) any {
	all := func(items []any) []any {
		out := []any{}
		for _, item := range items {
			out = append(out, plain(t, item))
		}
		return out
	}
	numbers := func(b []byte) any {
		out := []any{}
		for _, v := range b {
			out = append(out, float64(v))
		}
		return out
	}
	switch v := v.(type) {
	case *Tensor:
		shape := []any{}
		for _, d := range v.Shape {
			shape = append(shape, float64(d))
		}
		out := map[string]any{"tensor": string(v.DType), "shape": shape}
		values, err := v.Float32s(nil)
		if err != nil {
			if !strings.Contains(err.Error(), "it is "+string(v.DType)) {
				t.Errorf("a tensor of %s is refused by %v", v.DType, err)
			}
			return out
		}
		flat := []any{}
		for _, x := range values {
			flat = append(flat, float64(x))
		}
		out["values"] = flat
		return out
	case *Object:
		return map[string]any{"class": v.Class}
	case *Dict:
		pairs := []any{}
		for key, value := range v.All() {
			pairs = append(pairs, []any{plain(t, key), plain(t, value)})
		}
		return map[string]any{"dict": pairs, "ordered": v.Ordered}
	case List:
		return map[string]any{"list": all(v)}
	case Tuple:
		return map[string]any{"tuple": all(v)}
	case Set:
		return map[string]any{"set": all(v)}
	case []byte:
		return map[string]any{"bytes": numbers(v)}
	case string:
		return map[string]any{"text": numbers([]byte(v))}
	case Device:
		return map[string]any{"device": string(v)}
	case DType:
		return map[string]any{"dtype": string(v)}
	case int64, *big.Int:
		return map[string]any{"int": fmt.Sprint(v)}
	case float64:
		if math.IsInf(v, 0) {
			return map[string]any{"float": "inf"}
		}
		return map[string]any{"float": v}
	}
	return v
}

// Whatever stands beside the weights, by whatever protocol, in either format, packed or turned round: the weights are
// what PyTorch reads, and what stands there is read or named, twice and in places within places too.
func TestWhatStandsBeside(t *testing.T) {
	files, told := odd(t)
	kinds := map[string]bool{}
	for name, content := range files {
		kind := path.Dir(name)
		kinds[kind] = true
		t.Run(name, func(t *testing.T) {
			f, err := decode(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			want, known := told["odd"].(map[string]any)[kind]
			if !known {
				t.Fatal("odd.json does not know it")
			}
			root := f.Value().(*Dict)
			if strings.HasPrefix(kind, "safetensors/") {
				weight, _ := root.Get("weight")
				compare(t, "weight", plain(t, weight),
					told["model"].(map[string]any)["dict"].([]any)[0].([]any)[1])
			} else {
				model, _ := root.Get("model")
				compare(t, "model", plain(t, model), told["model"])
				for key, number := range map[string]float64{"before": 7.5, "after": 8.5} {
					v, _ := root.Get(key)
					compare(t, key, plain(t, v),
						any(map[string]any{"tensor": "float32", "shape": []any{1.0}, "values": []any{number}}))
				}
				again, _ := root.Get("again")
				v, _ := again.(List)[1].(*Dict).Get("k")
				sameKind(t, "again", v, want)
				sameKind(t, "again.0", again.(List)[0], want)
			}
			v, _ := root.Get("odd")
			sameKind(t, "odd", v, want)
			w, _ := want.(map[string]any)
			if class, named := w["class"]; named && class != Namespace {
				if others := f.Others(); len(others) == 0 || others[0] != (Other{"odd", class.(string)}) {
					t.Errorf("not loaded are %v, want a %s", f.Others(), class)
				}
			}
		})
	}
	if len(kinds) < 100 || len(kinds) != len(told["odd"].(map[string]any)) {
		t.Errorf("there are files of %d kinds, want %d", len(kinds), len(told["odd"].(map[string]any)))
	}
}

// sameKind compares a value with what odd.json says, which may be nothing, or no shape.
func sameKind(t *testing.T, at string, v, want any) {
	t.Helper()
	got := plain(t, v)
	if w, ok := want.(map[string]any); ok {
		if len(w) == 0 {
			return
		}
		if _, has := w["shape"]; w["tensor"] != nil && !has {
			delete(got.(map[string]any), "shape")
		}
	}
	compare(t, at, got, want)
}
