package intr

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// What dropout leaves out is a function of the step's key, of which dropout of the
// network it is, and of the place of the number: picture, head, class or cell,
// channel. So it is the same on every engine and any number of devices, on
// whatever canvas, and whatever was computed before. (The generators of XLA and of
// the pure-Go engine count through their results, so that another canvas would
// have other masks.)

// widest is more than the columns of any feature map.
const widest = 1 << 12

// numbered gives the cells of a feature map numbers [rows*cols] that are the same on
// every canvas.
func numbered(g *Graph, rows, cols int) *Node {
	grid := shapes.Make(dtypes.Uint32, rows, cols)
	return Reshape(Add(MulScalar(Iota(g, grid, 0), widest), Iota(g, grid, 1)), rows*cols)
}

// drop is torch.nn.Dropout: each number of x [b, …, tokens, ·] is zero with the
// probability Dropout, and otherwise larger by as much as keeps the mean. last are
// the numbers of the places along the last axis; nil counts them.
func (n *net) drop(x, last *Node) *Node {
	if n.training == nil || n.training.Dropout == 0 {
		return x
	}
	rank := x.Rank()
	// along lays numbers along an axis of x; nil are the numbers from 0.
	along := func(axis int, numbers *Node) *Node {
		dims := slices.Repeat([]int{1}, rank)
		dims[axis] = x.Shape().Dim(axis)
		if numbers == nil {
			return Iota(n.g, shapes.Make(dtypes.Uint32, dims...), axis)
		}
		return Reshape(numbers, dims...)
	}
	key := func(i int) *Node {
		return Reshape(scramble(Slice(n.training.Key, AxisElem(i))), slices.Repeat([]int{1}, rank)...)
	}
	n.dropouts++
	hash := scramble(BitwiseXor(key(0), Const(n.g, n.dropouts)))
	for axis := range rank - 2 {
		hash = scramble(BitwiseXor(hash, along(axis, nil)))
	}
	hash = scramble(BitwiseXor(hash, along(rank-2, n.tokens)))
	// The last axis has a hash of its own, so that only one is as large as x.
	hash = scramble(BitwiseXor(hash, scramble(BitwiseXor(key(1), along(rank-1, last)))))
	limit := Const(n.g, uint32(min(n.training.Dropout*(1<<32), math.MaxUint32)))
	return Where(GreaterOrEqual(hash, limit), MulScalar(x, 1/(1-n.training.Dropout)), ZerosLike(x))
}

// scramble is the last step of MurmurHash3 (Appleby, 2011), in which every bit of
// x, uint32, changes every bit of the result with a probability of one half.
func scramble(x *Node) *Node {
	for _, s := range []struct{ shift, factor uint32 }{{16, 0x85ebca6b}, {13, 0xc2b2ae35}} {
		x = BitwiseXor(x, BitwiseShiftRightLogicalScalar(x, s.shift))
		x = Mul(x, Const(x.Graph(), s.factor))
	}
	return BitwiseXor(x, BitwiseShiftRightLogicalScalar(x, uint32(16)))
}
