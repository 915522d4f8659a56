package intr_test

import (
	"testing"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/intr"
)

// From the file of 166 MB to weights on the engine, which is open already.
func BenchmarkOpen(b *testing.B) {
	checkpoint := shared.Checkpoint(b, "intr_r50_200.pth")
	for _, kind := range []string{"xla", "go"} {
		b.Run(kind, func(b *testing.B) {
			if _, err := backend.Open(kind); err != nil {
				b.Skip(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				m, err := intr.Open(b.Context(), checkpoint, intr.Backend(kind))
				if err != nil {
					b.Fatal(err)
				}
				m.Close()
			}
		})
	}
}
