package attention

import (
	"fmt"
	"math"
)

// Check says what is wrong with an explanation: a size below 1, weights that do
// not fit the sizes, or a number that no softmax gives. A model calls it, or
// Cut, once on what it computed; the other methods rely on it.
func (e *Explanation) Check() error {
	want := e.Classes()
	for _, n := range []int{e.Layers, e.Heads, e.Rows, e.Cols} {
		if n < 1 || want < 1 || want > len(e.Weights)/n {
			want = -1
			break
		}
		want *= n
	}
	if want != len(e.Weights) || want < 1 {
		return fmt.Errorf("%d attention weights do not fit %d layers, %d heads, %d classes and a map of %d rows "+
			"and %d columns",
			len(e.Weights), e.Layers, e.Heads, e.Classes(), e.Rows, e.Cols)
	}
	for class, v := range e.Logits {
		if v-v != 0 {
			return fmt.Errorf("the logit of %s is %v: the model's numbers are broken, so look at the "+
				"checkpoint's weights", e.Name(class), v)
		}
	}
	if greatest(e.Weights) <= math.Float32bits(1.001) {
		return nil
	}
	for i, v := range e.Weights {
		if !(v >= 0 && v <= 1.001) {
			plane := i / (e.Rows * e.Cols)
			class, head := plane%e.Classes(), plane/e.Classes()%e.Heads
			return fmt.Errorf("the attention of %s in layer %d, head %d has the weight %v, which is not between 0 "+
				"and 1: the model's numbers are broken, so look at the checkpoint's weights",
				e.Name(class), plane/e.Classes()/e.Heads+1, head+1, v)
		}
	}
	return nil
}

// greatest is the greatest number as its bits, of which those of NaN and of what is below
// 0 are greater than all others: there are millions of them, and this takes no branch.
func greatest(x []float32) uint32 {
	var a, b, c, d uint32
	for ; len(x) >= 4; x = x[4:] {
		a, b = max(a, math.Float32bits(x[0])), max(b, math.Float32bits(x[1]))
		c, d = max(c, math.Float32bits(x[2])), max(d, math.Float32bits(x[3]))
	}
	for _, v := range x {
		a = max(a, math.Float32bits(v))
	}
	return max(a, b, c, d)
}

// Cut removes the padding that a picture got in a batch: of e, whose Rows and
// Cols are those of the padded feature map, it keeps the rows and columns at
// the top left that belong to the picture. Attention is masked there, so every
// weight cut off must be exactly 0 and the maps still sum to 1; anything else
// is an error, as the mask and the size do not belong together. Weights are
// copied unless nothing is cut. The result has passed Check.
func (e *Explanation) Cut(rows, cols int) (*Explanation, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	if rows < 1 || cols < 1 || rows > e.Rows || cols > e.Cols {
		return nil, fmt.Errorf("a picture's %d rows and %d columns cannot be cut out of a feature map of %d rows "+
			"and %d columns", rows, cols, e.Rows, e.Cols)
	}
	cut := *e
	if rows == e.Rows && cols == e.Cols {
		return &cut, nil
	}
	planes := len(e.Weights) / (e.Rows * e.Cols)
	cut.Rows, cut.Cols = rows, cols
	cut.Weights = make([]float32, 0, planes*rows*cols)
	for plane := range planes {
		for row := range e.Rows {
			kept := 0
			line := e.Weights[(plane*e.Rows+row)*e.Cols:][:e.Cols]
			if row < rows {
				kept = cols
				cut.Weights = append(cut.Weights, line[:cols]...)
			}
			for col, v := range line[kept:] {
				if v != 0 {
					return nil, fmt.Errorf("the padding at row %d, column %d of the feature map has attention %v, "+
						"not 0: the padding mask does not fit a picture of %d rows and %d columns",
						row, kept+col, v, rows, cols)
				}
			}
		}
	}
	return &cut, nil
}
