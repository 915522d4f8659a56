package shared

import (
	"encoding/json"
	"os"
	"testing"
)

// Float32 is how far PyTorch's own float32 is from its float64 in each answer of
// a model, as internal/oracle/float32.py measured it. It is what decides how far
// ours may be: a softmax whose scores nearly agree turns rounding, which falls
// otherwise on every processor, into another answer.
type Float32 map[string]float64

// times is how often as far as PyTorch's float32 ours may be.
const times = 4

// Within is how far from PyTorch's answer, in float32 or in float64, ours may be:
// the ordinary limit, or a few times as far as PyTorch's own float32 is from its
// float64, whichever is more.
func Within(ordinary, float32 float64) float64 { return max(ordinary, times*float32) }

// Measured reads the distances of a model from a float32.json.
func Measured(t testing.TB, path, model string) Float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var models map[string]Float32
	if err := json.Unmarshal(data, &models); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if models[model] == nil {
		t.Fatalf("%s does not know %s: internal/oracle/float32.py measures it", path, model)
	}
	return models[model]
}

// Within is how far ours may be in an answer, which must have been measured.
func (f Float32) Within(t testing.TB, answer string, ordinary float64) float64 {
	t.Helper()
	far, ok := f[answer]
	if !ok {
		t.Fatalf("how far float32 is in %s was not measured: internal/oracle/float32.py does", answer)
	}
	return Within(ordinary, far)
}
