package intr

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/nn"
)

// Letters in this file: b batch, n image tokens (rows*cols), q queries (one a
// class), d width, h heads, e = d/h.

// residual is one step of a layer of DETR's transformer (Carion et al., ECCV
// 2020): normed after the block, or before it where the checkpoint is pre-norm.
func (n *net) residual(x *Node, norm string, block func(*Node) *Node) *Node {
	if n.PreNorm {
		return Add(x, n.drop(block(n.layerNorm(x, norm)), nil))
	}
	return n.layerNorm(Add(x, n.drop(block(x), nil)), norm)
}

func (n *net) layerNorm(x *Node, key string) *Node {
	weight, bias := n.weight(key+".weight"), n.weight(key+".bias")
	if n.training == nil {
		return nn.LayerNorm(x, []int{-1}, 1e-5, weight, bias, nil)
	}
	x = Sub(x, ReduceAndKeep(x, ReduceMean, -1))
	x = Div(x, Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, -1), 1e-5)))
	return Add(Mul(x, ExpandLeftToRank(weight, x.Rank())), ExpandLeftToRank(bias, x.Rank()))
}

// dense is a linear layer: x [..., in], weight [in, out], bias [out].
func (n *net) dense(x, weight, bias *Node, act activation.Type) *Node {
	if n.training == nil {
		return nn.Dense(x, weight, bias, compute.DenseLayoutInputOutputs, act)
	}
	x = n.times(x, weight)
	x = Add(x, ExpandLeftToRank(bias, x.Rank()))
	if act == activation.TypeRelu {
		return n.relu(x, 0)
	}
	return x
}

func (n *net) softmax(x *Node) *Node {
	if n.training == nil {
		return Softmax(x, -1)
	}
	x = Exp(Sub(x, StopGradient(ReduceAndKeep(x, ReduceMax, -1))))
	return Div(x, ReduceAndKeep(x, ReduceSum, -1))
}

func (n *net) feedForward(x *Node, key string) *Node {
	x = n.drop(n.dense(x, n.weight(key+".linear1.weight"), n.weight(key+".linear1.bias"), activation.TypeRelu), nil)
	return n.dense(x, n.weight(key+".linear2.weight"), n.weight(key+".linear2.bias"), activation.TypeNone)
}

// attend is torch.nn.MultiheadAttention: query [b, q, d], keys and values
// [b, n, d], mask [b, n] true where a key may be seen (nil: everywhere).
// It gives the result [b, q, d] and the weights [b, h, q, n], which in training
// are those that dropout left.
func (n *net) attend(key string, query, keys, values, mask *Node) (result, weights *Node) {
	d, heads := n.HiddenDim, n.Heads
	w, bias := n.weight(key+".in_proj_weight"), n.weight(key+".in_proj_bias") // [d, 3d], [3d]
	project := func(x *Node, third int) *Node {
		part := AxisRange(third*d, (third+1)*d)
		x = n.dense(x, Slice(w, AxisRange(), part), Slice(bias, part), activation.TypeNone)
		return Reshape(x, x.Shape().Dim(0), x.Shape().Dim(1), heads, d/heads) // [b, ·, h, e]
	}
	q := MulScalar(project(query, 0), math.Sqrt(1/float64(d/heads)))
	scores := f32(Einsum("bqhe,bnhe->bhqn", n.bf16(q), n.bf16(project(keys, 1))))
	if mask != nil {
		seen := BroadcastToDims(Reshape(mask, mask.Shape().Dim(0), 1, 1, mask.Shape().Dim(1)),
			scores.Shape().Dimensions...)
		scores = Where(seen, scores, BroadcastToDims(Const(n.g, float32(math.Inf(-1))), scores.Shape().Dimensions...))
	}
	attended := n.tokens
	if mask != nil {
		attended = n.cells
	}
	weights = n.drop(n.softmax(scores), attended)
	result = f32(Einsum("bhqn,bnhe->bqhe", n.bf16(weights), n.bf16(project(values, 2))))
	result = Reshape(result, result.Shape().Dim(0), result.Shape().Dim(1), d)
	result = n.dense(result, n.weight(key+".out_proj.weight"), n.weight(key+".out_proj.bias"), activation.TypeNone)
	return result, weights
}

// encode is the first half of the transformer: features [b, rows, cols,
// channels] and cells [b, rows, cols], true where a picture is, to the
// projected features and the encoder's memory, both [b, rows, cols, d].
func (n *net) encode(features, cells *Node) (projected, memory *Node) {
	b, rows, cols, channels := features.Shape().Dim(0), features.Shape().Dim(1), features.Shape().Dim(2),
		features.Shape().Dim(3)
	projection := Reshape(n.weight("input_proj.weight"), channels, n.HiddenDim)
	projected = n.dense(features, projection, n.weight("input_proj.bias"), activation.TypeNone)
	flat := func(x *Node) *Node { return Reshape(x, b, rows*cols, n.HiddenDim) }
	memory = n.encoder(flat(projected), flat(n.positions(cells)), Reshape(cells, b, rows*cols))
	return projected, Reshape(memory, b, rows, cols, n.HiddenDim)
}

// pool is the mean of the memory [b, rows, cols, d] over each picture's cells: [b, d].
func pool(memory, cells *Node) *Node {
	seen := ExpandDims(ConvertDType(cells, dtypes.Float32), -1)
	return Div(ReduceSum(Mul(memory, seen), 1, 2), ReduceSum(seen, 1, 2))
}

// decode is the second half: memory [b, rows, cols, d] to the normed states
// [b, q, d] and the attention [b, h, q, rows, cols] of every decoder layer, and
// the logits [b, q].
func (n *net) decode(memory, cells *Node) (states, attention []*Node, logits *Node) {
	b, rows, cols := memory.Shape().Dim(0), memory.Shape().Dim(1), memory.Shape().Dim(2)
	states, attention = n.decoder(Reshape(memory, b, rows*cols, n.HiddenDim), Reshape(cells, b, rows*cols))
	for i, a := range attention {
		attention[i] = Reshape(a, b, n.Heads, n.Classes, rows, cols)
	}
	last := states[len(states)-1]
	presence := n.dense(last, n.weight("presence_vector.weight"), n.weight("presence_vector.bias"), activation.TypeNone)
	return states, attention, Reshape(presence, b, n.Classes)
}

// encoder mixes image tokens x at their positions [b, n, d].
func (n *net) encoder(x, positions, mask *Node) *Node {
	const prefix = "transformer.encoder"
	n.tokens = n.cells
	for i := range n.EncoderLayers {
		key := fmt.Sprintf("%s.layers.%d", prefix, i)
		x = n.residual(x, key+".norm1", func(t *Node) *Node {
			placed := Add(t, positions)
			result, weights := n.attend(key+".self_attn", placed, placed, t, mask)
			n.mixing = append(n.mixing, weights)
			return result
		})
		x = n.checkpoint(n.residual(x, key+".norm2", func(t *Node) *Node { return n.feedForward(t, key) }))
	}
	if n.PreNorm {
		x = n.layerNorm(x, prefix+".norm")
	}
	return x
}

// decoder asks for every class: memory [b, n, d] to the normed state [b, q, d] and the
// cross-attention [b, h, q, n] of every layer. The image tokens get no positions
// here, where INTR differs from DETR.
func (n *net) decoder(memory, mask *Node) (states, attention []*Node) {
	const prefix = "transformer.decoder"
	n.tokens = nil
	batch := memory.Shape().Dim(0)
	queries := BroadcastToDims(ExpandAxes(n.weight("query_embed.weight"), 0), batch, n.Classes, n.HiddenDim)
	x := ZerosLike(queries)
	for i := range n.DecoderLayers {
		key := fmt.Sprintf("%s.layers.%d", prefix, i)
		x = n.residual(x, key+".norm1", func(t *Node) *Node {
			placed := Add(t, queries)
			result, _ := n.attend(key+".self_attn", placed, placed, t, nil)
			return result
		})
		x = n.residual(x, key+".norm2", func(t *Node) *Node {
			result, weights := n.attend(key+".multihead_attn", Add(t, queries), memory, memory, mask)
			attention = append(attention, weights)
			return result
		})
		x = n.checkpoint(n.residual(x, key+".norm3", func(t *Node) *Node { return n.feedForward(t, key) }))
		states = append(states, n.layerNorm(x, prefix+".norm"))
	}
	return states, attention
}
