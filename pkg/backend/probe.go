package backend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/internal/nn"
)

// Report is what an engine proved to be able to do.
type Report struct {
	Engine  string   `json:"engine"` // XLA, CUDA or Go
	Works   bool     `json:"works"`
	Plugin  string   `json:"plugin,omitempty"`
	About   string   `json:"about,omitempty"`   // the engine's own description, with versions
	Devices []string `json:"devices,omitempty"` // the engine's descriptions
	GFlops  float64  `json:"gflops,omitempty"`  // of a matrix product, 10⁹ operations a second
	Problem string   `json:"problem,omitempty"` // what is wrong and what to do, one sentence
}

// probed is the side of the matrices that Probe multiplies.
const probed = 1024

// Probe opens an engine and multiplies two matrices on it. A broken plugin can
// end the program: who looks at all engines does it in a process for each.
func Probe(kind string) Report {
	r := Report{Engine: kind}
	e, err := Open(kind)
	if err != nil {
		r.Problem = err.Error()
		return r
	}
	r.Plugin, r.About = e.Plugin, e.Description()
	if kind == Go {
		r.About = "kernels of " + nn.Instructions() + "; for graphs, " + e.Description()
		if !simd {
			r.About += ", three times slower than if built with GOEXPERIMENT=simd, as make setup does"
		}
	}
	for i := range e.NumDevices() {
		r.Devices = append(r.Devices, e.DeviceDescription(compute.DeviceNum(i)))
	}
	if r.GFlops, err = multiply(e); err != nil {
		r.Problem = fmt.Sprintf("%s opened but does not compute (%v)", e, firstLine(err))
		return r
	}
	r.Works = true
	return r
}

// multiply times products of random matrices and compares some of the sums with float64.
func multiply(e *Engine) (gflops float64, err error) {
	random := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float32, probed*probed), make([]float32, probed*probed)
	for i := range a {
		a[i], b[i] = random.Float32()-0.5, random.Float32()-0.5
	}
	multiply, free, err := e.multiplier(a, b)
	if err != nil {
		return 0, err
	}
	defer free()
	var product []float32
	best := time.Duration(math.MaxInt64)
	for range 4 { // the first one compiles
		start := time.Now()
		if product, err = multiply(); err != nil {
			return 0, err
		}
		best = min(best, time.Since(start))
	}
	for range 64 {
		i, j := random.IntN(probed), random.IntN(probed)
		var sum float64
		for k := range probed {
			sum += float64(a[i*probed+k]) * float64(b[k*probed+j])
		}
		if off := math.Abs(sum - float64(product[i*probed+j])); !(off < 1e-4) {
			return 0, fmt.Errorf("a sum of products came out %g wrong", off)
		}
	}
	return 2 * probed * probed * probed / best.Seconds() / 1e9, nil
}

// multiplier multiplies a by b as answers are computed.
func (e *Engine) multiplier(a, b []float32) (multiply func() ([]float32, error), free func(), err error) {
	if e.Kind == Go {
		w, right, product := nn.NewWork(0), nn.Pack(probed, probed, b, nil), make([]float32, len(a))
		return func() ([]float32, error) {
			right.Times(w, product, a, nn.After{})
			return product, nil
		}, right.Free, nil
	}
	exec, err := graph.NewExec(e, func(a, b *graph.Node) *graph.Node { return graph.MatMul(a, b) })
	if err != nil {
		return nil, nil, err
	}
	left := tensors.FromFlatDataAndDimensions(a, probed, probed)
	right := tensors.FromFlatDataAndDimensions(b, probed, probed)
	return func() ([]float32, error) {
		out, err := exec.Call(left, right)
		if err != nil {
			return nil, err
		}
		return tensors.CopyFlatData[float32](out[0])
	}, exec.Finalize, nil
}
