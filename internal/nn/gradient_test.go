package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func mapOf(r *rand.Rand, rows, cols, channels int) Map {
	return Map{rows, cols, channels, numbers(r, rows*cols*channels)}
}

// The gradients of a convolution are those of plain loops.
func TestTrained(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		defer w.Free()
		for _, c := range []struct{ in, out, size, stride, dilation, rows, cols int }{
			{16, 32, 1, 1, 1, 9, 11}, {64, 70, 1, 2, 1, 7, 8}, {16, 16, 3, 1, 1, 13, 9}, {33, 20, 3, 2, 1, 9, 10},
			{8, 24, 3, 1, 2, 10, 7}, {3, 16, 7, 2, 1, 21, 30}, {5, 7, 3, 2, 1, 1, 1}, {130, 40, 3, 1, 1, 3, 40},
			{20, 300, 1, 1, 1, 70, 1}, {64, 64, 3, 2, 1, 30, 40}, {32, 48, 3, 1, 1, 41, 41},
		} {
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				checkTrained(t, w, r, c.in, c.out, c.size, c.stride, c.dilation, c.rows, c.cols)
			})
		}
	})
}

func checkTrained(t *testing.T, w *Work, r *rand.Rand, in, out, size, stride, dilation, rows, cols int) {
	weights, scale, bias := numbers(r, size*size*in*out), numbers(r, out), numbers(r, out)
	x := mapOf(r, rows, cols, in)
	c := NewTrained(in, out, size, stride, dilation)
	defer c.Free()
	c.Set(weights, out, scale, bias)
	var y Map
	defer y.Free()
	c.Apply(w, &y, x, After{})
	gradient := mapOf(r, y.Rows, y.Cols, out)
	toX, wantX := mapOf(r, rows, cols, in), make([]float64, len(x.Data))
	toW, wantW := numbers(r, len(weights)), make([]float64, len(weights))
	sizeX, sizeW := make([]float64, len(wantX)), make([]float64, len(wantW))
	wantY, sizeY := make([]float64, len(y.Data)), make([]float64, len(y.Data))
	before := append([]float32(nil), toX.Data...)
	for i, v := range toW {
		wantW[i], sizeW[i] = float64(v), math.Abs(float64(v))
	}
	pad := dilation * (size / 2)
	for i := range y.Rows * y.Cols {
		for o, b := range bias {
			wantY[i*out+o], sizeY[i*out+o] = float64(b), math.Abs(float64(b))
		}
		for tap := range size * size {
			py, px := i/y.Cols*stride+tap/size*dilation-pad, i%y.Cols*stride+tap%size*dilation-pad
			if py < 0 || px < 0 || py >= rows || px >= cols {
				continue
			}
			for k := range in {
				at := (py*cols+px)*in + k
				for o := range out {
					weight, g := float64(weights[(tap*in+k)*out+o])*float64(scale[o]), float64(gradient.Data[i*out+o])
					v := float64(x.Data[at])
					wantY[i*out+o] += v * weight
					sizeY[i*out+o] += math.Abs(v * weight)
					wantX[at] += g * weight
					sizeX[at] += math.Abs(g * weight)
					g *= float64(scale[o])
					wantW[(tap*in+k)*out+o] += g * v
					sizeW[(tap*in+k)*out+o] += math.Abs(g * v)
				}
			}
		}
	}
	near(t, "the result", y.Data, wantY, sizeY)
	c.Inputs(w, toX, gradient, false)
	near(t, "the gradient of inputs", toX.Data, wantX, sizeX)
	copy(toX.Data, before)
	c.Inputs(w, toX, gradient, true)
	for i, v := range before {
		wantX[i] += float64(v)
		sizeX[i] += math.Abs(float64(v))
	}
	near(t, "the gradient of inputs that is added", toX.Data, wantX, sizeX)
	c.Weights(w, toW, out, scale, x, gradient)
	near(t, "the gradient of weights", toW, wantW, sizeW)
}

// slopes are the gradient of f at x, by differences of float64.
func slopes(x []float64, f func() float64) []float64 {
	const step = 1e-5
	found := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + step
		above := f()
		x[i] = v - step
		found[i] = (above - f()) / (2 * step)
		x[i] = v
	}
	return found
}

func wide(x []float32) []float64 {
	all := make([]float64, len(x))
	for i, v := range x {
		all[i] = float64(v)
	}
	return all
}

func alike(t *testing.T, what string, got []float32, want []float64, within float64) {
	t.Helper()
	most := 0.0
	for _, v := range want {
		most = max(most, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - v); !(d <= within*most) {
			t.Fatalf("%s: number %d of %d is %v, and should be %v", what, i, len(want), got[i], v)
		}
	}
}

func TestNormGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	const n, width = 75, 24
	l := Norm{Scale: numbers(r, width), Bias: numbers(r, width), Epsilon: 1e-5}
	x, gradient := numbers(r, n*width), numbers(r, n*width)
	to, scale, bias := numbers(r, n*width), make([]float32, width), make([]float32, width)
	l.Gradient(NewWork(0), to, x, gradient, scale, bias)
	x64, scale64, bias64 := wide(x), wide(l.Scale), wide(l.Bias)
	f := func() (sum float64) {
		for row := range n {
			x := x64[row*width:][:width]
			mean, variance := 0.0, 0.0
			for _, v := range x {
				mean += v / width
			}
			for _, v := range x {
				variance += (v - mean) * (v - mean) / width
			}
			for i, v := range x {
				normed := (v-mean)/math.Sqrt(variance+float64(l.Epsilon))*scale64[i] + bias64[i]
				sum += normed * float64(gradient[row*width+i])
			}
		}
		return sum
	}
	alike(t, "x", to, slopes(x64, f), 1e-5)
	alike(t, "scale", scale, slopes(scale64, f), 1e-5)
	alike(t, "bias", bias, slopes(bias64, f), 1e-5)
	l.Gradient(NewWork(0), gradient, x, gradient, nil, nil)
	alike(t, "x in place", gradient, wide(to), 0)
}

func TestTrainedAttention(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	const heads, width, q, n = 2, 24, 7, 13
	eachKernel(t, func(t *testing.T) {
		w := NewWork(0)
		for _, dropped := range []bool{false, true, false} {
			unseen := make([]bool, n)
			unseen[3], unseen[12] = dropped, true
			left := func(head, query, key int) float64 {
				if dropped && (head+query*3+key*5)%4 == 0 {
					return 0
				}
				return 1.25
			}
			drop := func(head, query int, x []float32) {
				for key := range x {
					x[key] *= float32(left(head, query, key))
				}
			}
			if !dropped {
				left, drop = func(int, int, int) float64 { return 1 }, nil
			}
			a := TrainedAttention{Heads: heads, Width: width, Unseen: unseen}
			queries, keys, values := numbers(r, q*width), numbers(r, n*width), numbers(r, n*width)
			gradient, result := numbers(r, q*width), numbers(r, q*width)
			toQ, toK, toV := numbers(r, q*width), numbers(r, n*width), numbers(r, n*width)
			a.Attend(w, result, queries, keys, values, drop)
			a.Gradient(w, toQ, toK, toV, queries, keys, values, gradient)
			q64, k64, v64 := wide(queries), wide(keys), wide(values)
			attended := make([]float64, q*width)
			f := func() (sum float64) {
				clear(attended)
				const e = width / heads
				for h := range heads {
					for i := range q {
						var weights [n]float64
						all := 0.0
						for j := range n {
							for k := range e {
								weights[j] += q64[i*width+h*e+k] * k64[j*width+h*e+k]
							}
							if weights[j] = math.Exp(weights[j]); unseen[j] {
								weights[j] = 0
							}
							all += weights[j]
						}
						for j, weight := range weights {
							for k := range e {
								attended[i*width+h*e+k] += weight / all * left(h, i, j) * v64[j*width+h*e+k]
							}
						}
					}
				}
				for i, v := range attended {
					sum += v * float64(gradient[i])
				}
				return sum
			}
			f()
			alike(t, "the result", result, attended, 1e-5)
			alike(t, "queries", toQ, slopes(q64, f), 2e-5)
			alike(t, "keys", toK, slopes(k64, f), 2e-5)
			alike(t, "values", toV, slopes(v64, f), 2e-5)
		}
	})
}

func TestRectifiedAndMaxPooled(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	w := NewWork(0)
	y, gradient := numbers(r, 1000), numbers(r, 1000)
	want := make([]float64, len(y))
	for i := range y {
		if y[i] = max(0, y[i]); y[i] > 0 {
			want[i] = float64(gradient[i])
		}
	}
	y[5], y[6] = 0, float32(math.Copysign(0, -1))
	want[5], want[6] = 0, 0
	Rectified(w, gradient, y)
	alike(t, "ReLU", gradient, want, 0)

	x := mapOf(r, 9, 12, 20)
	for i, v := range x.Data {
		x.Data[i] = max(0, v)
	}
	var pooled Map
	MaxPool(w, &pooled, x)
	of, to := mapOf(r, pooled.Rows, pooled.Cols, 20), mapOf(r, 9, 12, 20)
	MaxPooled(w, to, x, pooled, of)
	x64 := wide(x.Data)
	f := func() (sum float64) {
		for i := range pooled.Data {
			row, col, c, most := i/20/pooled.Cols, i/20%pooled.Cols, i%20, 0.0
			for dy := -1; dy < 2; dy++ {
				for dx := -1; dx < 2; dx++ {
					if y, x := 2*row+dy, 2*col+dx; y >= 0 && x >= 0 && y < 9 && x < 12 {
						most = max(most, x64[(y*12+x)*20+c])
					}
				}
			}
			sum += most * float64(of.Data[i])
		}
		return sum
	}
	found := slopes(x64, f)
	for i, v := range x.Data {
		if v == 0 { // ReLU lets no gradient through here
			found[i], to.Data[i] = 0, 0
		}
	}
	alike(t, "MaxPool", to.Data, found, 1e-4)
}
