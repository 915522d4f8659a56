package nn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// eachKernel runs a test with all kernels that this processor has.
func eachKernel(t *testing.T, test func(t *testing.T)) {
	chosen := kernel
	t.Cleanup(func() { kernel = chosen })
	for _, k := range available {
		t.Run(k.name, func(t *testing.T) {
			kernel = k
			test(t)
		})
	}
}

func numbers(r *rand.Rand, n int) []float32 {
	x := guarded(n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// near compares with float64, by the size of what was added up.
func near(t *testing.T, what string, got []float32, want, size []float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 2e-6*size[i]+1e-30) {
			t.Fatalf("%s: number %d of %d is %v, and should be %v", what, i, len(want), got[i], want[i])
		}
	}
}

func TestTimes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for n := range 26 {
			if testing.Short() && n%3 > 0 {
				continue
			}
			checkTimes(t, w, r, n+1, 7, 16)
			checkTimes(t, w, r, n+1, 65, n+1)
		}
		for _, shape := range [][3]int{
			{1, 1, 1}, {5, 3, 5}, {47, 64, 64}, {48, 255, 33}, {97, 256, 130}, {11, 1027, 81}, {850, 33, 48},
			{200, 300, 129},
		} {
			checkTimes(t, w, r, shape[0], shape[1], shape[2])
		}
	})
}

// Products of any shape are those of plain loops, and nothing else is touched.
func FuzzTimes(f *testing.F) {
	f.Add(uint64(1), uint16(7), uint16(130), uint16(70))
	f.Fuzz(func(t *testing.T, seed uint64, n, depth, width uint16) {
		r := rand.New(rand.NewPCG(seed, 1))
		eachKernel(t, func(t *testing.T) {
			checkTimes(t, NewWork(0), r, 1+int(n)%130, 1+int(depth)%600, 1+int(width)%150)
		})
	})
}

func checkTimes(t *testing.T, w *Work, r *rand.Rand, n, depth, width int) {
	t.Helper()
	weights, bias, x := numbers(r, depth*width), numbers(r, width), numbers(r, n*depth)
	m := Pack(depth, width, weights, bias)
	defer m.Free()
	sums, size := make([]float64, n*width), make([]float64, n*width)
	for i := range n {
		for j := range width {
			sum, all := float64(bias[j]), math.Abs(float64(bias[j]))
			for k := range depth {
				v := float64(x[i*depth+k]) * float64(weights[k*width+j])
				sum, all = sum+v, all+math.Abs(v)
			}
			sums[i*width+j], size[i*width+j] = sum, all+8
		}
	}
	for _, after := range []After{{}, {ReLU: true}, {Residual: numbers(r, n*width), ReLU: n%2 == 0}} {
		want := slices.Clone(sums)
		for i := range want {
			if after.Residual != nil {
				want[i] += float64(after.Residual[i])
			}
			if after.ReLU {
				want[i] = max(want[i], 0)
			}
		}
		what := fmt.Sprintf("%d rows of %d to %d, residual %v, ReLU %v", n, depth, width, after.Residual != nil,
			after.ReLU)
		to := guarded(n * width)
		m.Times(w, to, x, after)
		near(t, what, to, want, size)
		if after.Residual != nil {
			m.Times(w, after.Residual, x, after)
			near(t, what+", in place", after.Residual, want, size)
		}
	}
	transposed := make([]float32, len(weights))
	for k := range depth {
		for j := range width {
			transposed[j*depth+k] = weights[k*width+j]
		}
	}
	rows := PackRows(depth, width, transposed, nil, bias)
	defer rows.Free()
	if !slices.Equal(rows.panels, m.panels) {
		t.Fatalf("[%d, %d] is laid out otherwise from rows", depth, width)
	}
}

// NaN and infinity go through a ReLU as through PyTorch's.
func TestNaN(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachKernel(t, func(t *testing.T) {
		to := make([]float32, 3*17)
		Pack(2, 17, slices.Repeat([]float32{1}, 34), nil).Times(NewWork(0), to, []float32{nan, 1, inf, 1, -inf, 1},
			After{ReLU: true})
		for i, v := range to {
			if ok := []bool{v != v, v == inf, v == 0}[i/17]; !ok {
				t.Errorf("number %d is %v", i, v)
			}
		}
	})
}

// No piece is begun after the context has ended.
func TestEnds(t *testing.T) {
	w := NewWork(0)
	ctx, cancel := context.WithCancel(t.Context())
	w.Context = ctx
	var done atomic.Int64
	w.each(1000, func(*thread, int) {
		switch n := done.Add(1); {
		case n == 3:
			cancel()
		case n > 3:
			<-ctx.Done() // however long it takes to be heard
		}
	})
	if n := int(done.Load()); n < 3 || n > 3+len(w.threads) {
		t.Errorf("%d pieces were computed", n)
	}
}

// All memory that was taken is given back.
func TestFree(t *testing.T) {
	var pieces [][]float32
	for _, n := range []int{1, 1000, 1 << 20, 3 << 20, 100} {
		x := Allocate(n)
		for i, v := range x {
			if v != 0 {
				t.Fatalf("number %d of %d is %v", i, n, v)
			}
			x[i] = 1
		}
		pieces = append(pieces, x)
	}
	for _, x := range pieces {
		Free(x)
	}
	Free(nil)
}

// convolved is a convolution in float64.
func convolved(x Map, out, k, stride, dilation int, weights, bias []float32, after After) (sums, size []float64) {
	rows, cols, pad := (x.Rows+stride-1)/stride, (x.Cols+stride-1)/stride, dilation*(k/2)
	for y := range rows {
		for z := range cols {
			for o := range out {
				sum, all := float64(bias[o]), math.Abs(float64(bias[o]))
				for i := range k * k {
					py, px := y*stride-pad+i/k*dilation, z*stride-pad+i%k*dilation
					if py < 0 || py >= x.Rows || px < 0 || px >= x.Cols {
						continue
					}
					for c := range x.Channels {
						v := float64(x.Data[(py*x.Cols+px)*x.Channels+c]) * float64(weights[(i*x.Channels+c)*out+o])
						sum, all = sum+v, all+math.Abs(v)
					}
				}
				if after.Residual != nil {
					sum += float64(after.Residual[len(sums)])
				}
				if after.ReLU {
					sum = max(sum, 0)
				}
				sums, size = append(sums, sum), append(size, all)
			}
		}
	}
	return sums, size
}

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for _, c := range []struct{ in, out, size, stride, dilation, rows, cols int }{
			{16, 32, 3, 1, 1, 1, 1}, {16, 32, 3, 1, 1, 5, 7}, {16, 48, 3, 1, 1, 13, 11}, {32, 16, 3, 1, 1, 40, 43},
			{64, 64, 3, 1, 1, 41, 42}, {24, 40, 3, 1, 1, 13, 14}, {5, 3, 3, 1, 1, 9, 8}, {64, 64, 3, 2, 1, 9, 10},
			{64, 65, 3, 1, 2, 9, 10}, {300, 64, 1, 1, 1, 9, 10}, {64, 128, 1, 2, 1, 9, 11}, {20, 8, 5, 2, 1, 9, 11},
			{272, 16, 3, 1, 2, 7, 5},
		} {
			if testing.Short() && c.rows*c.cols > 1000 {
				continue
			}
			for _, after := range []After{{}, {ReLU: true}, {ReLU: true, Residual: []float32{}}} {
				weights, bias := numbers(r, c.size*c.size*c.in*c.out), numbers(r, c.out)
				x := Map{c.rows, c.cols, c.in, numbers(r, c.rows*c.cols*c.in)}
				n := (c.rows + c.stride - 1) / c.stride * ((c.cols + c.stride - 1) / c.stride) * c.out
				if after.Residual != nil {
					after.Residual = numbers(r, n)
				}
				conv := NewConv(c.in, c.out, c.size, c.stride, c.dilation, weights, bias)
				to := Map{Data: guarded(n)}
				conv.Apply(w, &to, x, after)
				want, size := convolved(x, c.out, c.size, c.stride, c.dilation, weights, bias, after)
				if len(to.Data) != n {
					t.Fatalf("%+v gives %d numbers, not %d", c, len(to.Data), n)
				}
				near(t, fmt.Sprintf("%+v", c), to.Data, want, size)
			}
		}
	})
}

// Winograd's ways, whichever a map of this size would take.
func TestWinograd(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for m := range kernel.winogradIn {
			for _, c := range []struct{ in, out, rows, cols int }{
				{16, 16, 1, 1}, {16, 16, 2, 9}, {64, 80, 13, 14}, {128, 64, 27, 30}, {320, 16, 8, 8},
			} {
				weights, bias := numbers(r, 9*c.in*c.out), numbers(r, c.out)
				x := Map{c.rows, c.cols, c.in, numbers(r, c.rows*c.cols*c.in)}
				to := Map{Rows: c.rows, Cols: c.cols, Channels: c.out, Data: guarded(c.rows * c.cols * c.out)}
				way := newWinograd(m, c.in, c.out, bias)
				way.transform(weights, 0, c.in)
				for _, relu := range []bool{true, false} {
					way.apply(w, &to, x, relu)
					want, size := convolved(x, c.out, 3, 1, 1, weights, bias, After{ReLU: relu})
					near(t, fmt.Sprintf("F(%d): %+v, ReLU %v", m, c, relu), to.Data, want, size)
				}
			}
		}
	})
}

func TestStem(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for _, c := range []struct{ out, rows, cols int }{{64, 33, 40}, {8, 1, 1}, {10, 16, 7}} {
			weights, bias := numbers(r, 49*3*c.out), numbers(r, c.out)
			x := Map{c.rows, c.cols, 3, numbers(r, c.rows*c.cols*3)}
			var to, pooled Map
			stem := NewStem(3, c.out, 7, weights, bias)
			stem.Apply(w, &to, x)
			want, size := convolved(x, c.out, 7, 2, 1, weights, bias, After{ReLU: true})
			near(t, fmt.Sprintf("%+v", c), to.Data, want, size)
			MaxPool(w, &pooled, to)
			for y := range pooled.Rows {
				for z := range pooled.Cols {
					for o := range c.out {
						most := float32(0)
						for i := range 9 {
							if py, px := 2*y-1+i/3, 2*z-1+i%3; py >= 0 && py < to.Rows && px >= 0 && px < to.Cols {
								most = max(most, to.Data[(py*to.Cols+px)*c.out+o])
							}
						}
						if got := pooled.Data[(y*pooled.Cols+z)*c.out+o]; got != most {
							t.Fatalf("%+v: the greatest at %d, %d, %d is %v, not %v", c, y, z, o, got, most)
						}
					}
				}
			}
		}
	})
}

func TestAttention(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for _, c := range []struct{ heads, width, q, n int }{
			{1, 4, 1, 1}, {2, 16, 5, 7}, {8, 256, 50, 67}, {8, 64, 100, 130},
		} {
			for _, masked := range []bool{false, true} {
				a := &Attention{Heads: c.heads, Width: c.width}
				if masked {
					a.Unseen = make([]bool, c.n)
					for i := range a.Unseen {
						a.Unseen[i] = i%3 == 1
					}
				}
				q, k, v := numbers(r, c.q*c.width), numbers(r, c.n*c.width), numbers(r, c.n*c.width)
				to, weights := guarded(c.q*c.width), guarded(c.heads*c.q*c.n)
				a.Attend(w, to, q, k, v, weights)
				want, size := make([]float64, len(to)), make([]float64, len(to))
				shares, sharesSize := make([]float64, len(weights)), make([]float64, len(weights))
				e := c.width / c.heads
				for h := range c.heads {
					for i := range c.q {
						share := shares[(h*c.q+i)*c.n:][:c.n]
						sum := 0.0
						for j := range share {
							dot := 0.0
							for x := range e {
								dot += float64(q[i*c.width+h*e+x]) * float64(k[j*c.width+h*e+x])
							}
							if share[j] = math.Exp(dot); masked && a.Unseen[j] {
								share[j] = 0
							}
							sum += share[j]
						}
						for j := range share {
							share[j] /= sum
							sharesSize[(h*c.q+i)*c.n+j] = 10 * share[j]
							for x := range e {
								want[i*c.width+h*e+x] += share[j] * float64(v[j*c.width+h*e+x])
								size[i*c.width+h*e+x] += 10 * share[j] * math.Abs(float64(v[j*c.width+h*e+x]))
							}
						}
					}
				}
				near(t, fmt.Sprintf("weights of %+v", c), weights, shares, sharesSize)
				near(t, fmt.Sprintf("%+v", c), to, want, size)
			}
		}
	})
}

func TestNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for _, n := range []int{1, 3, 8, 16, 24, 256} {
			for _, count := range []int{1, 5, 100} {
				l := &Norm{numbers(r, n), numbers(r, n), 1e-5}
				x := numbers(r, n*count)
				to := guarded(n * count)
				l.Apply(w, to, x)
				want, size := make([]float64, len(x)), make([]float64, len(x))
				for i := range count {
					row := x[i*n:][:n]
					mean, variance := 0.0, 0.0
					for _, v := range row {
						mean += float64(v) / float64(n)
					}
					for _, v := range row {
						variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					}
					for j, v := range row {
						want[i*n+j] = (float64(v) - mean) / math.Sqrt(variance+1e-5) * float64(l.Scale[j])
						want[i*n+j] += float64(l.Bias[j])
						size[i*n+j] = 4 + 4*math.Abs(want[i*n+j])
					}
				}
				near(t, fmt.Sprintf("%d rows of %d", count, n), to, want, size)
				sum, both := guarded(len(x)), numbers(r, len(x))
				Add(w, sum, x, both)
				for i := range sum {
					if sum[i] != x[i]+both[i] {
						t.Fatalf("%v + %v is %v", x[i], both[i], sum[i])
					}
				}
			}
		}
	})
}
