package attention

import (
	"fmt"
	"math"
)

// Map is one attention map: Rows*Cols weights in row-major order.
type Map struct {
	Rows, Cols int
	Values     []float32
}

// At is the weight of one cell.
func (m Map) At(row, col int) float32 { return m.Values[row*m.Cols+col] }

// Range is the least and the greatest weight; both are NaN when a cell is.
func (m Map) Range() (low, high float32) {
	if len(m.Values) == 0 {
		return 0, 0
	}
	low, high = m.Values[0], m.Values[0]
	for _, v := range m.Values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// Check says what keeps a map from being shown: no cells, a length that does
// not match, or a cell that is NaN or infinite.
func (m Map) Check() error {
	if m.Rows < 1 || m.Cols < 1 || len(m.Values)/m.Rows != m.Cols || len(m.Values)%m.Rows != 0 {
		return fmt.Errorf("an attention map of %d rows and %d columns cannot have %d weights", m.Rows, m.Cols,
			len(m.Values))
	}
	for i, v := range m.Values {
		if v-v != 0 {
			return fmt.Errorf("the attention map is %v at row %d, column %d: the model's numbers are broken, so look "+
				"at the checkpoint's weights", v, i/m.Cols, i%m.Cols)
		}
	}
	return nil
}

// Flatness is the relative range below which differences are rounding: float32
// moves a softmax weight by some 1e-6 of itself, and by up to 1e-5 between two
// engines, so a map that varies less than ten times that shows nothing.
const Flatness = 1e-4

// Flat says whether the map is too flat to be stretched to its own minimum and
// maximum honestly: its range is at most 1e-4 of its greatest weight, which is
// the size of rounding. A map with NaN or infinite cells is flat too, as it
// cannot be stretched either; Check tells the two apart.
func (m Map) Flat() bool {
	low, high := m.Range()
	size := max(math.Abs(float64(low)), math.Abs(float64(high)))
	return !(float64(high)-float64(low) > Flatness*size)
}

// Peak is where the map is greatest, in pixels of a picture of the given size:
// the centre of that cell, x from the left edge and y from the top edge, when
// the map is laid over the whole picture as the published figure does. Among
// equal cells it is the first, row by row.
func (m Map) Peak(width, height int) (x, y float64) {
	best := 0
	for i, v := range m.Values {
		if v > m.Values[best] {
			best = i
		}
	}
	if len(m.Values) == 0 {
		return 0, 0
	}
	return (float64(best%m.Cols) + 0.5) * float64(width) / float64(m.Cols),
		(float64(best/m.Cols) + 0.5) * float64(height) / float64(m.Rows)
}
