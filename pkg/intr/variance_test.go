package intr

import (
	"strings"
	"testing"
)

// A negative variance is called by its name, and not weights that are too large.
func TestNegativeVariance(t *testing.T) {
	p := Param{"backbone.0.body.bn1.running_var", []int{3}}
	if err := p.check([]float32{1, -1e-6, 0}); err != nil {
		t.Errorf("one that PyTorch computes with: %v", err)
	}
	if err := p.check([]float32{1, 1, -0.25}); err == nil || !strings.Contains(err.Error(), "no variance is negative") {
		t.Errorf("a negative one: %v", err)
	}
	if err := (Param{"backbone.0.body.bn1.running_mean", []int{1}}).check([]float32{-1}); err != nil {
		t.Errorf("a negative mean: %v", err)
	}
}
