package intr_test

import (
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// INTR-R50 with 200 classes on a picture of 800×1066 pixels, with and without maps.
func BenchmarkForward(b *testing.B) {
	m, err := intr.Open(b.Context(), shared.Checkpoint(b, "intr_r50_200.pth"), intr.Backend("go"))
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	p := picture.New(1066, 800)
	for i := range p.Pix {
		p.Pix[i] = uint8(i * i >> 8)
	}
	for _, maps := range []bool{false, true} {
		name := "logits"
		if maps {
			name = "maps"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := m.Answer(b.Context(), maps, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
