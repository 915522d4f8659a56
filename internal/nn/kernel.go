package nn

import "unsafe"

// rows is the height of a tile of a product.
const rows = 6

// kernels are the innermost loops for one set of vector instructions. Each takes a
// pointer to one of the structs below, whose layout the assembly knows, and trusts it.
type kernels struct {
	name                    string
	lanes                   int                 // numbers in a vector
	deep                    int                 // how much of a panel's depth the nearest cache holds well
	gemm                    []func(*byte)       // by the vectors of a panel less one: product
	winogradIn, winogradOut map[int]func(*byte) // by m of F(m×m, 3×3): transform
	maxPool                 func(*byte)         // transform
	add, layerNorm, softmax func(*byte)         // vectors
	transpose               func(*byte)         // blocks; nil for none
}

// blocks is the argument of transpose: to[8 i + k, j] is from[j, 8 i + k].
type blocks struct {
	to, from             unsafe.Pointer
	toStride, fromStride uintptr // bytes from row to row
	count                int     // of i; j and k are below 8
}

// panel is the width of the panels that a matrix is cut into.
func (k *kernels) panel() int { return len(k.gemm) * k.lanes }

// whole is n rounded up to whole vectors.
func (k *kernels) whole(n int) int { return (n + k.lanes - 1) / k.lanes * k.lanes }

// product is the argument of gemm: result[i, j] for tiles of 6 rows i and the columns
// j of one panel is the sum over taps and depth of left[i, tap, k] · panel[tap, k, j].
type product struct {
	shift                        uintptr         // bytes that are added to every pointer of left
	left                         *unsafe.Pointer // [tiles, taps, 6] rows of numbers
	panel                        unsafe.Pointer  // [taps, depth, width]
	result                       unsafe.Pointer
	residual                     unsafe.Pointer // added in the end; nil for none
	bias                         unsafe.Pointer // [width], what sums begin with
	resultStride, residualStride uintptr        // bytes from row to row
	taps, depth, depth4          int            // depth4 is depth &^ 3
	tiles                        int            // counted down to 0
	flags                        int
	next                         unsafe.Pointer // the panel that comes after this one, to fetch it ahead
}

const (
	rectify    = 1 // ReLU in the end
	accumulate = 2 // sums begin with what the result holds
)

// transform is the argument of Winograd's transforms and of maxPool: places of a map,
// by their pointers, on one side and an array of points on the other.
type transform struct {
	shift                   uintptr         // bytes that are added to every pointer of places
	places                  *unsafe.Pointer // [tiles, places of a tile]
	points                  unsafe.Pointer
	pointStride, tileStride uintptr // bytes
	channels                uintptr // bytes, whole vectors
	tiles                   int     // counted down to 0
	constants               unsafe.Pointer
	scratch                 unsafe.Pointer // 36 vectors
	bias                    unsafe.Pointer // [channels]
	floor                   unsafe.Pointer // a number; what is less becomes it
}

// vectors is the argument of what goes row by row.
type vectors struct {
	to, x, y, z      unsafe.Pointer
	bytes            uintptr // of a row, whole vectors
	rows             int     // counted down to 0
	stride           uintptr // bytes from row to row, of softmax; the others have their rows one after the other
	epsilon, inverse float32 // of LayerNorm: what is added to the variance, and 1 / how many numbers
}
