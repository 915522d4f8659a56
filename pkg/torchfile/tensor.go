package torchfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// Tensor is a named array: a view, by strides, of bytes that are still in the
// file. Reading it is safe from several goroutines at once.
type Tensor struct {
	Name  string // dotted path in the file, as "model.input_proj.weight"
	DType DType
	Shape []int // empty for a single number

	strides   []int // in elements, none negative
	offset    int   // in elements
	storage   *storage
	path      string // of the file, for errors
	parameter bool   // a torch.nn.Parameter
	grad      bool   // requires_grad
}

// maxRepeated is how many elements a tensor may show of a storage that holds fewer (a dimension of stride 0, as
// torch.Tensor.expand makes): 256 MB of float32. More is a claim that no file has to pay for.
const maxRepeated = 1 << 26

// view lays a tensor over a storage of held elements and checks that it stays inside it.
func view(s *storage, dtype DType, held, offset int64, shape, strides []int64) (*Tensor, error) {
	if len(shape) != len(strides) {
		return nil, fmt.Errorf("a tensor of shape %v claims strides %v", shape, strides)
	}
	t := &Tensor{DType: dtype, storage: s, Shape: make([]int, len(shape)), strides: make([]int, len(shape))}
	count, last := uint64(1), uint64(offset) // elements, and the place of the last one
	overflow := offset < 0 || held < 0
	for i, d := range shape {
		if d < 0 || strides[i] < 0 || d > math.MaxInt || strides[i] > math.MaxInt {
			return nil, fmt.Errorf("a tensor claims shape %v and strides %v", shape, strides)
		}
		t.Shape[i], t.strides[i] = int(d), int(strides[i])
	}
	if slices.Contains(t.Shape, 0) {
		return t, nil // no element, so nothing to reach; its offset does not matter
	}
	for i, d := range shape {
		high, low := bits.Mul64(count, uint64(d))
		count, overflow = low, overflow || high != 0
		high, low = bits.Mul64(uint64(d-1), uint64(strides[i]))
		var carry uint64
		last, carry = bits.Add64(last, low, 0)
		overflow = overflow || high != 0 || carry != 0
	}
	if overflow || last >= uint64(held) {
		return nil, fmt.Errorf("a tensor of shape %v, strides %v and offset %d reaches outside its storage of "+
			"%d elements", shape, strides, offset, held)
	}
	if count > uint64(max(held, maxRepeated)) {
		return nil, fmt.Errorf("a tensor claims shape %v, but its storage holds %d elements", shape, held)
	}
	if max(last, count) > math.MaxInt/8 {
		return nil, fmt.Errorf("a tensor of shape %v is too large for this machine", shape)
	}
	t.offset = int(offset)
	return t, nil
}

// Element is what a tensor can be made of in memory.
type Element interface {
	float64 | float32 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8 | bool
}

// NewTensor makes a tensor to write: values in row-major order, as many as shape has places. The values are not copied
// and must stay as they are until the tensor has been written.
func NewTensor[E Element](name string, shape []int, values []E) (*Tensor, error) {
	var zero E
	dtype := DType(fmt.Sprintf("%T", zero)) // Go and PyTorch use the same names
	s := &storage{r: bytes.NewReader(littleEndian(values)), size: int64(len(values) * dtype.Size())}
	t, err := view(s, dtype, int64(len(values)), 0, int64s(shape), rowMajor(int64s(shape)))
	if err != nil || t.Len() != len(values) {
		return nil, fmt.Errorf("tensor %s of shape %v cannot be made of %d values", name, shape, len(values))
	}
	t.Name = name
	return t, nil
}

func int64s(shape []int) []int64 {
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	return dims
}

// littleEndian shows values as the bytes of a file.
func littleEndian[E Element](values []E) []byte {
	if hostLittleEndian {
		return rawBytes(values)
	}
	b, _ := binary.Append(nil, binary.LittleEndian, values) // every Element has a fixed size
	return b
}

var hostLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// rawBytes is the memory of values.
func rawBytes[E Element](values []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(*new(E))))
}

// rowMajor gives the strides of a contiguous array.
func rowMajor(shape []int64) []int64 {
	strides, step := make([]int64, len(shape)), int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= max(shape[i], 1)
	}
	return strides
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		if d == 0 { // the others may be anything
			return 0
		}
		n *= d
	}
	return n
}

// Float32s gives the elements in row-major order as float32, rounded to the nearest where the type is wider, true as 1.
// They are put into dst where it has the room, and into a new slice otherwise. It fails where the file was damaged, cut
// short or closed.
func (t *Tensor) Float32s(dst []float32) ([]float32, error) {
	layout := t.DType.layout()
	if layout.float32s == nil {
		return nil, t.failed(t.refusal())
	}
	n := t.Len()
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	if t.DType == Float32 && t.storage != nil && !t.storage.big && t.contiguous() && hostLittleEndian {
		if err := t.storage.scan(4*int64(t.offset), 4*int64(n), rawBytes(dst), nil); err != nil {
			return nil, t.failed(err)
		}
		return dst, nil
	}
	done := 0
	err := t.stream(func(part []byte) error {
		n := len(part) / layout.size
		layout.float32s(dst[done:done+n], part)
		done += n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// Check says in one sentence what a tensor is whose numbers are not read as float32; nil where they are.
func (t *Tensor) Check() error {
	if t.DType.layout().float32s == nil {
		return fmt.Errorf("tensor %s: %w", t.Name, t.refusal())
	}
	return nil
}

// Bytes gives the elements in row-major order as they are in the file: little
// endian, DType.Size() bytes each. It fails as Float32s does.
func (t *Tensor) Bytes() ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, t.Len()*t.DType.Size()))
	if err := t.write(b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// failed names the tensor in an error, if err is one.
func (t *Tensor) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case t.path == "":
		return fmt.Errorf("tensor %s: %w", t.Name, err)
	case t.Name == "":
		return fmt.Errorf("%s: %w", t.path, err)
	}
	return fmt.Errorf("%s: tensor %s: %w", t.path, t.Name, err)
}

// write gives what Bytes gives, without holding all of it.
func (t *Tensor) write(w io.Writer) error {
	return t.stream(func(part []byte) error {
		_, err := w.Write(part)
		return err
	})
}

// contiguous says whether the elements lie in the file in row-major order without gaps.
func (t *Tensor) contiguous() bool {
	step := 1
	for i := len(t.Shape) - 1; i >= 0; i-- {
		if t.Shape[i] == 0 {
			return true
		}
		if t.Shape[i] > 1 && t.strides[i] != step {
			return false
		}
		step *= t.Shape[i]
	}
	return true
}

// stream visits the elements' bytes in row-major order, whole elements at a time.
func (t *Tensor) stream(visit func([]byte) error) error {
	size, n := t.DType.Size(), t.Len()
	if size == 0 || t.storage == nil {
		return t.failed(t.refusal())
	}
	if number := t.DType.number(); t.storage.big && number > 1 {
		little := visit
		visit = func(part []byte) error {
			for at := 0; at < len(part); at += number {
				slices.Reverse(part[at : at+number])
			}
			return little(part)
		}
	}
	switch {
	case n == 0:
		return nil
	case t.contiguous():
		return t.failed(t.storage.scan(int64(t.offset*size), int64(n*size), nil, visit))
	}
	return t.failed(t.gather(size, visit))
}

// refusal says why the numbers of a tensor are not read.
func (t *Tensor) refusal() error {
	if t.DType == "" {
		return errors.New("it was not made by this package")
	}
	return fmt.Errorf("it is %s, which is not computed with: save it in PyTorch as an ordinary tensor, by "+
		"torch.tensor, .to(torch.float32), .dequantize() or .to_dense()", shown(string(t.DType)))
}

// gather streams a tensor whose elements lie in another order: it reads the
// stretch from the first to the last of them and picks.
func (t *Tensor) gather(size int, visit func([]byte) error) error {
	last := 0
	for i, d := range t.Shape {
		last += (d - 1) * t.strides[i]
	}
	stretch := make([]byte, (last+1)*size)
	if err := t.storage.scan(int64(t.offset*size), int64(len(stretch)), stretch, nil); err != nil {
		return err
	}
	inner := len(t.Shape) - 1
	run, step := t.Shape[inner], t.strides[inner]*size
	at := make([]int, inner) // the outer indexes, counted like an odometer
	part := make([]byte, 0, chunk)
	place := 0
	for {
		for i, p := 0, place*size; i < run; i, p = i+1, p+step {
			if len(part) == cap(part) {
				if err := visit(part); err != nil {
					return err
				}
				part = part[:0]
			}
			part = append(part, stretch[p:p+size]...)
		}
		axis := inner - 1
		for ; axis >= 0; axis-- {
			at[axis]++
			place += t.strides[axis]
			if at[axis] < t.Shape[axis] {
				break
			}
			place -= at[axis] * t.strides[axis]
			at[axis] = 0
		}
		if axis < 0 {
			return visit(part)
		}
	}
}

// NewLazyTensor is NewTensor for float32 numbers that are asked for when the tensor is read or written, and not kept
// longer: a checkpoint can be written of more numbers than should lie in memory twice. values gives all of them, in
// row-major order, each time it is called.
func NewLazyTensor(name string, shape []int, values func() ([]float32, error)) (*Tensor, error) {
	dims, n := int64s(shape), int64(1)
	for _, d := range dims {
		n *= d
	}
	size := n * int64(Float32.Size())
	s := &storage{r: &lazyBytes{size: size, values: values}, size: size}
	t, err := view(s, Float32, n, 0, dims, rowMajor(dims))
	if err != nil {
		return nil, fmt.Errorf("tensor %s of shape %v cannot be made: %w", name, shape, err)
	}
	t.Name = name
	return t, nil
}

// lazyBytes holds the numbers from the first reading to that of the last byte.
type lazyBytes struct {
	size   int64
	values func() ([]float32, error)
	bytes  []byte
}

func (l *lazyBytes) ReadAt(p []byte, at int64) (int, error) {
	if l.bytes == nil {
		values, err := l.values()
		if err != nil {
			return 0, err
		}
		if l.bytes = littleEndian(values); int64(len(l.bytes)) != l.size {
			return 0, fmt.Errorf("%d bytes were promised, and there are %d", l.size, len(l.bytes))
		}
	}
	n := copy(p, l.bytes[at:])
	if at+int64(n) == l.size {
		l.bytes = nil
	}
	return n, nil
}
