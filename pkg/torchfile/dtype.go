package torchfile

import (
	"encoding/binary"
	"math"
)

// DType is the type of a tensor's elements, by PyTorch's name for it.
type DType string

// The element types that PyTorch and safetensors share and that hold one real
// number or truth value each. Complex, quantized and 8-bit float tensors are
// refused by name.
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

var dtypes = []struct {
	dtype       DType
	size        int
	storage     string // class in module torch; the newest types have none
	safetensors string
}{
	{Float64, 8, "DoubleStorage", "F64"},
	{Float32, 4, "FloatStorage", "F32"},
	{Float16, 2, "HalfStorage", "F16"},
	{BFloat16, 2, "BFloat16Storage", "BF16"},
	{Int64, 8, "LongStorage", "I64"},
	{Int32, 4, "IntStorage", "I32"},
	{Int16, 2, "ShortStorage", "I16"},
	{Int8, 1, "CharStorage", "I8"},
	{Uint64, 8, "", "U64"},
	{Uint32, 4, "", "U32"},
	{Uint16, 2, "", "U16"},
	{Uint8, 1, "ByteStorage", "U8"},
	{Bool, 1, "BoolStorage", "BOOL"},
}

// Size is the number of bytes of one element, or 0 for a type that is not one
// of the constants.
func (d DType) Size() int {
	for _, t := range dtypes {
		if t.dtype == d {
			return t.size
		}
	}
	return 0
}

func (d DType) storageClass() string {
	for _, t := range dtypes {
		if t.dtype == d {
			return t.storage
		}
	}
	return ""
}

func (d DType) safetensorsName() string {
	for _, t := range dtypes {
		if t.dtype == d {
			return t.safetensors
		}
	}
	return ""
}

// toFloat32 converts as many elements as dst holds from little-endian bytes,
// rounding to the nearest float32 where the type is wider.
func (d DType) toFloat32(dst []float32, src []byte) {
	le := binary.LittleEndian
	switch d {
	case Float64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case Float32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case Float16:
		for i := range dst {
			dst[i] = fromHalf(le.Uint16(src[2*i:]))
		}
	case BFloat16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case Int64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	case Int32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case Int16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case Int8:
		for i := range dst {
			dst[i] = float32(int8(src[i]))
		}
	case Uint64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	case Uint32:
		for i := range dst {
			dst[i] = float32(le.Uint32(src[4*i:]))
		}
	case Uint16:
		for i := range dst {
			dst[i] = float32(le.Uint16(src[2*i:]))
		}
	case Uint8:
		for i := range dst {
			dst[i] = float32(src[i])
		}
	case Bool:
		for i := range dst {
			dst[i] = 0
			if src[i] != 0 {
				dst[i] = 1
			}
		}
	}
}

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
