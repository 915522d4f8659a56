package intr

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
)

// net builds one graph: the architecture, the variables, and how this engine
// likes its convolutions.
type net struct {
	Config
	store *model.Store
	g     *Graph
	// asProducts writes every convolution as one matrix product: the pure-Go
	// engine multiplies matrices 20 times faster than it convolves.
	asProducts bool
	// sizes [batch, 2] int32 are the true heights and widths of pictures that
	// stand at the top left of a larger canvas. When set, the canvas outside
	// them is put back to zero after every convolution, so that a picture gets
	// the answer it gets alone. nil leaves the canvas to bleed into the border
	// cells, as the published code does to the pictures of a batch.
	sizes *Node
	// training is nil where the model answers.
	training *Training
	// Of dropout: the numbers of the image's cells [n], of what stands along the
	// tokens' axis (nil: from 0), and how many dropouts there were.
	cells, tokens *Node
	dropouts      uint32
	mixing        []*Node // the encoder's attention, layer by layer: [b, h, n, n]
}

// weight is the variable of a PyTorch key, in our layout.
func (n *net) weight(key string) *Node {
	v := n.store.GetVariable(Path(key))
	if v == nil {
		panic(fmt.Errorf("no variable is named %s", key))
	}
	return v.NodeValue(n.g)
}

// step is one step of the backbone: its stage by name, the stride and the
// channels of its output, and what it does.
type step struct {
	stage            string
	stride, channels int
	apply            func(n *net, x *Node) *Node
}

// steps are a torchvision ResNet up to layer4 (He et al., CVPR 2016), block by
// block: pixels [batch, height, width, 3] to features [batch, rows, cols, channels].
func (c Config) steps() []step {
	const body = "backbone.0.body"
	all := []step{{"stem", 2, c.Width, func(n *net, x *Node) *Node {
		return n.convolution(x, body+".conv1", body+".bn1", 2, 1, 2, activation.TypeRelu)
	}}}
	stride := 4
	for stage, blocks := range c.Blocks {
		for b := range blocks {
			by, dilation := c.strides(stage, b)
			stride *= by
			key, stride := fmt.Sprintf("%s.layer%d.%d", body, stage+1, b), stride
			block := func(n *net, x *Node) *Node { return n.block(x, key, by, dilation, stride, false) }
			if b == 0 {
				block = func(n *net, x *Node) *Node {
					if stage == 0 {
						x = n.mask(n.maxPool(x), stride)
					}
					return n.block(x, key, by, dilation, stride, stage > 0 || c.channels(0) != c.Width)
				}
			}
			all = append(all, step{fmt.Sprintf("layer%d", stage+1), stride, c.channels(stage), block})
		}
	}
	return all
}

// strides are the step and the dilation of block i of a stage.
func (c Config) strides(stage, i int) (step, dilation int) {
	switch {
	case stage == 3 && c.Dilation && i > 0: // torchvision: the first block is not dilated yet
		return 1, 2
	case stage > 0 && i == 0 && (stage < 3 || !c.Dilation):
		return 2, 1
	}
	return 1, 1
}

// block is one residual block; stride is that of its output to the pixels.
func (n *net) block(x *Node, key string, step, dilation, stride int, downsample bool) *Node {
	const rectified, none = activation.TypeRelu, activation.TypeNone
	identity := x
	if downsample {
		identity = n.convolution(x, key+".downsample.0", key+".downsample.1", step, 1, stride, none)
	}
	if n.Bottleneck {
		x = n.convolution(x, key+".conv1", key+".bn1", 1, 1, stride/step, rectified)
		x = n.convolution(x, key+".conv2", key+".bn2", step, dilation, stride, rectified)
		x = n.convolution(x, key+".conv3", key+".bn3", 1, 1, stride, none)
	} else {
		x = n.convolution(x, key+".conv1", key+".bn1", step, dilation, stride, rectified)
		x = n.convolution(x, key+".conv2", key+".bn2", 1, dilation, stride, none)
	}
	return n.relu(Add(x, identity), 0)
}

// relu is relu, and mask where stride is not 0. Training with XLA has its
// gradient told from the result, which the next layer keeps in any case: GoMLX's
// own asks for what went in, which is as large again.
func (n *net) relu(x *Node, stride int) *Node {
	mask := func(y *Node) *Node {
		if stride == 0 {
			return y
		}
		return n.mask(y, stride)
	}
	if n.training == nil || n.asProducts || n.training.Recompute {
		return mask(relu(x))
	}
	var result *Node
	passed := IdentityWithCustomGradient(x, func(_, v *Node) *Node {
		return Where(GreaterThan(result, ZerosLike(result)), v, ZerosLike(v))
	})
	// x + (max(x, 0) - x) is max(x, 0) to the last bit, with the gradient of x.
	result = mask(Add(passed, StopGradient(Sub(relu(x), x))))
	return result
}

// relu is max(x, 0). (The order matters: GoMLX gives the gradient at 0 to the
// first of the two, and PyTorch's is 0 there.)
func relu(x *Node) *Node { return Max(ZerosLike(x), x) }

// convolution is a convolution without bias, its frozen BatchNorm
// (y = x*s + (b - mean*s), s = weight/sqrt(var + 1e-5), nothing trained) and
// what follows it; stride is that of its output to the pixels.
func (n *net) convolution(x *Node, conv, bn string, step, dilation, stride int, act activation.Type) *Node {
	kernel := n.weight(conv + ".weight") // [k, k, in, out]
	k, in, out := kernel.Shape().Dim(0), kernel.Shape().Dim(2), kernel.Shape().Dim(3)
	if n.training != nil && n.training.Statistics != nil {
		x = n.normalized(n.convolve(x, kernel, step, dilation), bn, stride)
		if act == activation.TypeRelu {
			return n.relu(x, stride)
		}
		return n.mask(x, stride)
	}
	s := Mul(n.weight(bn+".weight"), Rsqrt(AddScalar(n.weight(bn+".running_var"), 1e-5)))
	b := Sub(n.weight(bn+".bias"), Mul(n.weight(bn+".running_mean"), s))
	if n.asProducts {
		matrix := Mul(Reshape(kernel, k*k*in, out), ExpandLeftToRank(s, 2))
		return n.mask(n.dense(patches(x, k, step, dilation), matrix, b, act), stride)
	}
	x = n.convolve(x, kernel, step, dilation)
	x = Add(Mul(x, ExpandLeftToRank(s, 4)), ExpandLeftToRank(b, 4))
	if act == activation.TypeRelu {
		return n.relu(x, stride)
	}
	return n.mask(x, stride)
}

// convolve is the convolution alone, as this engine likes it.
func (n *net) convolve(x, kernel *Node, step, dilation int) *Node {
	k, in, out := kernel.Shape().Dim(0), kernel.Shape().Dim(2), kernel.Shape().Dim(3)
	if k == 1 || n.asProducts {
		return n.times(patches(x, k, step, dilation), Reshape(kernel, k*k*in, out))
	}
	pad := dilation * (k / 2)
	return f32(Convolve(n.bf16(x), n.bf16(kernel)).Strides(step).Dilations(dilation).
		PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done())
}

// mask puts a feature map back to zero where its canvas holds no picture.
func (n *net) mask(x *Node, stride int) *Node {
	if n.sizes == nil {
		return x
	}
	batch, h, w := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
	// Every layer of a ResNet rounds a size up: ceil(size / stride).
	limits := DivScalar(AddScalar(n.sizes, float64(stride-1)), float64(stride)) // [batch, 2]
	rows := LessThan(Iota(n.g, shapes.Make(dtypes.Int32, batch, h), 1),
		BroadcastToDims(Slice(limits, AxisRange(), AxisElem(0)), batch, h))
	cols := LessThan(Iota(n.g, shapes.Make(dtypes.Int32, batch, w), 1),
		BroadcastToDims(Slice(limits, AxisRange(), AxisElem(1)), batch, w))
	x = Mul(x, ConvertDType(Reshape(rows, batch, h, 1, 1), x.DType()))
	return Mul(x, ConvertDType(Reshape(cols, batch, 1, w, 1), x.DType()))
}

// patches lays the k×k neighbourhood of every place (of every step-th place)
// along the channels, zeros around the picture: [b, h, w, c] to [b, h/step,
// w/step, k*k*c], so that a convolution is a product with its kernel.
func patches(x *Node, k, step, dilation int) *Node {
	if k == 1 && step == 1 {
		return x
	}
	parts := shifts(x, k, step, dilation)
	return Concatenate(parts, -1)
}

// shifts are the k*k pictures that a k×k window sees, row by row.
func shifts(x *Node, k, step, dilation int) []*Node {
	h, w := x.Shape().Dim(1), x.Shape().Dim(2)
	rows, cols := (h+step-1)/step, (w+step-1)/step
	if k > 1 {
		x = surround(x, dilation*(k/2))
	}
	var parts []*Node
	for dy := range k {
		for dx := range k {
			y0, x0 := dy*dilation, dx*dilation
			parts = append(parts, Slice(x, AxisRange(),
				AxisRange(y0, y0+(rows-1)*step+1).Stride(step),
				AxisRange(x0, x0+(cols-1)*step+1).Stride(step)))
		}
	}
	return parts
}

// surround puts a border of zeros around [batch, h, w, channels].
// (Concatenate, because GoMLX has no gradient for Pad.)
func surround(x *Node, border int) *Node {
	d := x.Shape().Dimensions
	strip := func(h, w int) *Node { return Zeros(x.Graph(), shapes.Make(x.DType(), d[0], h, w, d[3])) }
	x = Concatenate([]*Node{strip(border, d[2]), x, strip(border, d[2])}, 1)
	side := strip(d[1]+2*border, border)
	return Concatenate([]*Node{side, x, side}, 2)
}

// maxPool is the stem's 3x3 maximum at every second place. It comes after a
// ReLU: nothing is negative, so the zeros around the picture change no maximum.
func (n *net) maxPool(x *Node) *Node {
	// XLA's own has a gradient that takes several times as long as this one's.
	if !n.asProducts && (n.training == nil || !n.training.Stem) {
		return MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	}
	parts := shifts(x, 3, 2, 1)
	for _, part := range parts[1:] {
		parts[0] = Max(parts[0], part)
	}
	return parts[0]
}

// times is x [..., in] by a matrix [in, out]: [..., out].
func (n *net) times(x, matrix *Node) *Node {
	x, matrix = n.bf16(x), n.bf16(matrix)
	dims := x.Shape().Clone().Dimensions
	in := dims[len(dims)-1]
	dims[len(dims)-1] = matrix.Shape().Dim(1)
	return f32(Reshape(Dot(Reshape(x, x.Shape().Size()/in, in), matrix).Product(), dims...))
}
