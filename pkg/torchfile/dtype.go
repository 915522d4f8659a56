package torchfile

import (
	"encoding/binary"
	"math"
	"strings"
)

// DType is the type of a tensor's elements, by PyTorch's name for it.
type DType string

// The element types that PyTorch and safetensors share and that hold one real number or truth value each. A tensor of
// any other type is listed under PyTorch's name for it ("float8_e4m3fn", "complex64") or under what it is ("sparse",
// "quantized", "meta"), and cannot be read as float32.
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

	Float8E4M3FN   DType = "float8_e4m3fn"
	Float8E5M2     DType = "float8_e5m2"
	Float8E4M3FNUZ DType = "float8_e4m3fnuz"
	Float8E5M2FNUZ DType = "float8_e5m2fnuz"
	Float8E8M0FNU  DType = "float8_e8m0fnu"
	Complex32      DType = "complex32"
	Complex64      DType = "complex64"
	Complex128     DType = "complex128"
)

// layout is how the elements of a type are stored; float32s converts as many elements as dst holds from
// little-endian bytes, rounding to the nearest where the type is wider; nil for a type that is not computed with.
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
	{Float8E4M3FN, 1, "", "F8_E4M3", nil},
	{Float8E5M2, 1, "", "F8_E5M2", nil},
	{Float8E4M3FNUZ, 1, "", "F8_E4M3FNUZ", nil},
	{Float8E5M2FNUZ, 1, "", "F8_E5M2FNUZ", nil},
	{Float8E8M0FNU, 1, "", "F8_E8M0", nil},
	{Complex32, 4, "ComplexHalfStorage", "C32", nil},
	{Complex64, 8, "ComplexFloatStorage", "C64", nil},
	{Complex128, 16, "ComplexDoubleStorage", "C128", nil},
	// Of these there are storages; their tensors are made otherwise.
	{"qint8", 1, "QInt8Storage", "", nil},
	{"quint8", 1, "QUInt8Storage", "", nil},
	{"qint32", 4, "QInt32Storage", "", nil},
	{"quint4x2", 1, "QUInt4x2Storage", "", nil},
	{"quint2x4", 1, "QUInt2x4Storage", "", nil},
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

// number is the size in bytes of what is turned round where numbers are big-endian: a complex element is two.
func (d DType) number() int {
	if strings.HasPrefix(string(d), "complex") {
		return d.Size() / 2
	}
	return d.Size()
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
