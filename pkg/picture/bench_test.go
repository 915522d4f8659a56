package picture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gointr/gointr/internal/shared"
)

// BenchmarkDecode reads the published demo's picture, 500 by 389 pixels.
func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(shared.Dir(b), "images", "Painted_Bunting_0004_16641.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEval resizes a picture of that size to 1028 by 800.
func BenchmarkEval(b *testing.B) {
	p := New(500, 389)
	for b.Loop() {
		p.Eval(0)
	}
}

// BenchmarkNormalized is the last step before the network, at 1028 by 800.
func BenchmarkNormalized(b *testing.B) {
	p := New(1028, 800)
	var buffer []float32
	for b.Loop() {
		buffer = p.Normalized(buffer[:0])
	}
}
