//go:build !linux

package nn

// Allocate is n zeros that Free gives back, or nothing does.
func Allocate(n int) []float32 { return Aligned(n) }

// Free gives memory of Allocate back, which nobody uses any more.
func Free([]float32) {}
