package intr

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// positions gives every cell of the feature map its code [batch, rows, cols, d].
// cells [batch, rows, cols] is true where a picture is.
func (n *net) positions(cells *Node) *Node {
	if n.Positions == "learned" {
		return n.learnedPositions(cells)
	}
	return n.sinePositions(cells)
}

// sinePositions are DETR's (Carion et al., ECCV 2020, appendix A.4): the place
// in the picture as a fraction of its size times 2π, as sines and cosines of
// falling frequency; y in the first half of the channels, x in the second.
func (n *net) sinePositions(cells *Node) *Node {
	real := ConvertDType(cells, dtypes.Float32)
	half := n.HiddenDim / 2
	wave := func(axis int) *Node {
		place := CumSum(real, axis) // [batch, rows, cols], from 1
		last := SliceAxis(place, axis, AxisRange(-1))
		place = MulScalar(Div(place, AddScalar(last, 1e-6)), 2*math.Pi)
		frequencies := make([]float32, half/2) // one for each pair of sine and cosine
		for i := range frequencies {
			frequencies[i] = float32(math.Pow(10000, float64(float32(2*i)/float32(half))))
		}
		angle := Div(ExpandAxes(place, -1), ExpandLeftToRank(Const(n.g, frequencies), 4)) // [batch, rows, cols, half/2]
		// [batch, rows, cols, half/2, 2]
		pairs := Stack([]*Node{Sin(angle), Cos(angle)}, -1)
		dims := place.Shape().Dimensions
		return Reshape(pairs, dims[0], dims[1], dims[2], half)
	}
	return Concatenate([]*Node{wave(1), wave(2)}, -1)
}

// maxLearned is how many rows, and columns, DETR's learned positions have.
const maxLearned = 50

// learnedPositions are a vector a column and a vector a row, side by side.
func (n *net) learnedPositions(cells *Node) *Node {
	batch, rows, cols := cells.Shape().Dim(0), cells.Shape().Dim(1), cells.Shape().Dim(2)
	half := n.HiddenDim / 2
	col := Slice(n.weight("backbone.1.col_embed.weight"), AxisRange(0, cols)) // [cols, d/2]
	row := Slice(n.weight("backbone.1.row_embed.weight"), AxisRange(0, rows)) // [rows, d/2]
	col = BroadcastToDims(Reshape(col, 1, 1, cols, half), batch, rows, cols, half)
	row = BroadcastToDims(Reshape(row, 1, rows, 1, half), batch, rows, cols, half)
	return Concatenate([]*Node{col, row}, -1)
}
