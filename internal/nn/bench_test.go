package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The convolutions of a ResNet-50 at 800×1066 pixels; GFLOPS are of the direct way.
func BenchmarkConv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, threads := range []int{1, 2} {
		w := NewWork(threads)
		for _, c := range []struct{ in, out, size, stride, rows, cols int }{
			{64, 64, 1, 1, 200, 267}, {64, 64, 3, 1, 200, 267}, {64, 256, 1, 1, 200, 267}, {256, 64, 1, 1, 200, 267},
			{128, 128, 3, 2, 200, 267}, {256, 512, 1, 2, 200, 267},
			{512, 128, 1, 1, 100, 134}, {128, 128, 3, 1, 100, 134}, {128, 512, 1, 1, 100, 134},
			{1024, 256, 1, 1, 50, 67}, {256, 256, 3, 1, 50, 67}, {256, 1024, 1, 1, 50, 67},
			{2048, 512, 1, 1, 25, 34}, {512, 512, 3, 1, 25, 34}, {512, 2048, 1, 1, 25, 34},
		} {
			name := fmt.Sprintf("%d/%dx%d_%d_%d_%d_%d", threads, c.rows, c.cols, c.in, c.out, c.size, c.stride)
			b.Run(name, func(b *testing.B) {
				weights, bias := numbers(r, c.size*c.size*c.in*c.out), numbers(r, c.out)
				conv := NewConv(c.in, c.out, c.size, c.stride, 1, weights, bias)
				x := Map{c.rows, c.cols, c.in, numbers(r, c.rows*c.cols*c.in)}
				var to Map
				conv.Apply(w, &to, x, After{ReLU: true})
				for b.Loop() {
					conv.Apply(w, &to, x, After{ReLU: true})
				}
				flops := 2 * float64(to.Rows*to.Cols*c.in*c.out*c.size*c.size)
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
	}
}
