package torchfile

import (
	"encoding/binary"
	"math"
)

// DType is the type of a tensor's elements, by PyTorch's name for it.
type DType string

// The element types that PyTorch and safetensors share and that hold one real number or truth value each. Complex,
// quantized and 8-bit float tensors are refused by name.
const (
	Float64  DType = "float64"
	Float32  DType = "float32"
	Float16  DType = "float16"
	BFloat16 DType = "bfloat16"
	Int64    DType = "int64"
	Int32    DType = "int32"
	Int16    DType = "int16"
	Int8     DType = "int8"
	Uint64   DType = "uint64"
	Uint32   DType = "uint32"
	Uint16   DType = "uint16"
	Uint8    DType = "uint8"
	Bool     DType = "bool"
)

// layout is how the elements of a type are stored; float32s converts as many elements as dst holds from
// little-endian bytes, rounding to the nearest where the type is wider.
type layout struct {
	dtype       DType
	size        int
	storage     string // class in module torch; the newest types have none
	safetensors string
	float32s    func(dst []float32, src []byte)
}

var dtypes = []layout{
	{Float64, 8, "DoubleStorage", "F64", fromNumbers[float64]},
	{Float32, 4, "FloatStorage", "F32", fromNumbers[float32]},
	{Float16, 2, "HalfStorage", "F16", func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = fromHalf(binary.LittleEndian.Uint16(src[2*i:]))
		}
	}},
	{BFloat16, 2, "BFloat16Storage", "BF16", func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
	}},
	{Int64, 8, "LongStorage", "I64", fromNumbers[int64]},
	{Int32, 4, "IntStorage", "I32", fromNumbers[int32]},
	{Int16, 2, "ShortStorage", "I16", fromNumbers[int16]},
	{Int8, 1, "CharStorage", "I8", fromNumbers[int8]},
	{Uint64, 8, "", "U64", fromNumbers[uint64]},
	{Uint32, 4, "", "U32", fromNumbers[uint32]},
	{Uint16, 2, "", "U16", fromNumbers[uint16]},
	{Uint8, 1, "ByteStorage", "U8", fromNumbers[uint8]},
	{Bool, 1, "BoolStorage", "BOOL", func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(min(src[i], 1))
		}
	}},
}

// fromNumbers converts what Go has a type for.
func fromNumbers[N float64 | float32 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8](dst []float32,
	src []byte) {
	values := make([]N, len(dst))
	_, _ = binary.Decode(src, binary.LittleEndian, values) // src has bytes for all
	for i, v := range values {
		dst[i] = float32(v)
	}
}

// layout is the line of d, or an empty one.
func (d DType) layout() layout {
	for _, t := range dtypes {
		if t.dtype == d {
			return t
		}
	}
	return layout{}
}

// Size is the number of bytes of one element, or 0 for a type that is not one of the constants.
func (d DType) Size() int { return d.layout().size }

// fromHalf widens an IEEE 754 binary16.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero or subnormal: fraction * 2^-24, exact in float32
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	case 31: // infinite, or not a number
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
