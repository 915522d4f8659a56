package shared

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A model whose answer rounding decides: PyTorch's float32 is 4e-2 from its
// float64, ours 8e-5, which is right whichever of the two it is compared with. A
// mistake is not, and where rounding decides nothing the limit is the ordinary one.
func TestWithin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "float32.json")
	if err := os.WriteFile(path, []byte(`{"r34_learned": {"logits": 4e-2, "memory": 1e-6}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const exact, ordinary = 3.5, 1e-3
	pytorch, ours := exact+4e-2, exact-8e-5
	within := Measured(t, path, "r34_learned").Within(t, "logits", ordinary)
	for name, c := range map[string]struct {
		got, want float64
		right     bool
	}{
		"ours and float64":             {ours, exact, true},
		"ours and PyTorch's float32":   {ours, pytorch, true},
		"a mistake and float64":        {exact + 0.5, exact, false},
		"what is not a number and all": {math.NaN(), exact, false},
	} {
		if right := math.Abs(c.got-c.want) <= within; right != c.right {
			t.Errorf("%s are %g apart, and that they agree is %v", name, math.Abs(c.got-c.want), right)
		}
	}
	if within := Measured(t, path, "r34_learned").Within(t, "memory", ordinary); within != ordinary {
		t.Errorf("the limit is %g where float32 is exact enough, not %g", within, ordinary)
	}
}
