package torchfile

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// refusedError is a global that is not on the list.
type refusedError struct{ name string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("it holds %s, which is not loaded because a checkpoint must not bring code: save it again in "+
		"Python with tensors, numbers, texts, lists and dicts only", shown(e.name))
}

// shown makes a text of the file fit for an error: short and printable.
func shown(s string) string {
	q := strconv.Quote(s[:min(len(s), 100)])
	return q[1 : len(q)-1]
}

// renamed gives the present name of modules that had another one when the file
// was written: by Python 2 (which protocol 2 still writes for) or by NumPy 2.
var renamed = map[string]string{
	"__builtin__":            "builtins",
	"numpy._core.multiarray": "numpy.core.multiarray",
	"torch.storage":          "torch",
	"torch.cuda":             "torch",
	"torch.nn.parameter":     "torch.nn",
}

// constructors are the classes and functions that a file may call, each done here with plain values.
var constructors map[global]func(u *unpickler, args []any) (any, error)

func init() {
	constructors = map[global]func(u *unpickler, args []any) (any, error){
		"argparse.Namespace": func(u *unpickler, args []any) (any, error) {
			return &Object{Class: "argparse.Namespace", Fields: &Dict{}}, none(args)
		},
		"collections.OrderedDict": func(u *unpickler, args []any) (any, error) { return newDict(u, true, args) },
		"builtins.dict":           func(u *unpickler, args []any) (any, error) { return newDict(u, false, args) },
		"collections.Counter":     func(u *unpickler, args []any) (any, error) { return newDict(u, false, args) },
		// The factory would be called for keys that are not there.
		"collections.defaultdict": func(u *unpickler, args []any) (any, error) {
			return newDict(u, false, args[min(1, len(args)):])
		},
		"builtins.list":      func(u *unpickler, args []any) (any, error) { return newSequence(u, list, args) },
		"builtins.tuple":     func(u *unpickler, args []any) (any, error) { return newSequence(u, tuple, args) },
		"builtins.set":       func(u *unpickler, args []any) (any, error) { return newSequence(u, set, args) },
		"builtins.frozenset": func(u *unpickler, args []any) (any, error) { return newSequence(u, set, args) },
		"torch.Size":         func(u *unpickler, args []any) (any, error) { return newSequence(u, tuple, args) },
		"builtins.bytes":     newBytes,
		"builtins.bytearray": newBytes,
		"_codecs.encode":     newBytes,
		"torch.device":       newDevice,

		"torch._utils._rebuild_tensor":               rebuildTensor,
		"torch._utils._rebuild_tensor_v2":            rebuildTensor,
		"torch._utils._rebuild_tensor_v3":            rebuildTensorV3,
		"torch._utils._rebuild_parameter":            rebuildParameter,
		"torch._utils._rebuild_parameter_with_state": rebuildParameter,
		"torch.nn.Parameter":                         rebuildParameter,
		"torch._tensor._rebuild_from_type_v2":        rebuildFromType,

		"numpy.dtype":                  newNumPyDType,
		"numpy.core.multiarray.scalar": newNumPyScalar,
	}
}

// inert are classes that a file may name, and that only stand for themselves:
// the factory of a defaultdict, the type of a tensor.
var inert = map[global]bool{
	"builtins.int": true, "builtins.long": true, "builtins.float": true, "builtins.str": true, "builtins.bool": true,
	"torch.Tensor": true, "torch.UntypedStorage": true,
}

// lookup gives what a global of a file stands for.
func lookup(module, name string) (any, error) {
	named := module + "." + name
	if to, ok := renamed[module]; ok {
		module = to
	}
	full := global(module + "." + name)
	if module == "torch" && name != "" {
		for _, t := range dtypes {
			switch name {
			case string(t.dtype):
				return t.dtype, nil
			case t.storage:
				return full, nil
			}
		}
	}
	if _, ok := constructors[full]; ok || inert[full] {
		return full, nil
	}
	return nil, &refusedError{named}
}

var errArguments = errors.New("its arguments are not those that torch.save writes")

func none(args []any) error {
	if len(args) > 0 {
		return errArguments
	}
	return nil
}

// newDict makes a dict of nothing, of another dict, or of a list of pairs.
func newDict(u *unpickler, ordered bool, args []any) (any, error) {
	d := &Dict{Ordered: ordered}
	if len(args) == 0 {
		return d, nil
	}
	switch from := args[0].(type) {
	case *Dict:
		if err := u.copyInto(d, from); err != nil {
			return nil, err
		}
		return d, none(args[1:])
	case *sequence:
		for _, item := range from.items {
			pair, ok := item.(*sequence)
			if !ok || len(pair.items) != 2 {
				return nil, errArguments
			}
			if err := u.fill(d, pair.items); err != nil {
				return nil, err
			}
		}
		return d, none(args[1:])
	}
	return nil, errArguments
}

func newSequence(u *unpickler, k kind, args []any) (any, error) {
	s := &sequence{kind: k}
	if len(args) == 0 {
		return s, nil
	}
	from, ok := args[0].(*sequence)
	if !ok || len(args) > 1 {
		return nil, errArguments
	}
	s.items = append(s.items, from.items...)
	return s, u.spend(len(s.items))
}

// newBytes makes bytes as the old protocols write them: as text, one character of Latin-1 a byte.
func newBytes(u *unpickler, args []any) (any, error) {
	if len(args) == 0 {
		return []byte{}, nil
	}
	switch from := args[0].(type) {
	case []byte:
		return from, none(args[1:])
	case string:
		encoding := ""
		if len(args) == 2 {
			encoding, _ = args[1].(string)
		}
		if encoding != "latin1" && encoding != "latin-1" {
			return nil, errArguments
		}
		if err := u.spend(len(from) / perValue); err != nil {
			return nil, err
		}
		b := make([]byte, 0, len(from))
		for _, r := range from {
			if r > 0xff {
				return nil, errArguments
			}
			b = append(b, byte(r))
		}
		return b, nil
	}
	return nil, errArguments
}

func newDevice(u *unpickler, args []any) (any, error) {
	if len(args) == 1 || len(args) == 2 {
		kind, ok := args[0].(string)
		if ok && len(args) == 1 {
			return Device(kind), nil
		}
		if index, isInt := args[len(args)-1].(int64); ok && isInt {
			return Device(fmt.Sprintf("%s:%d", kind, index)), nil
		}
	}
	return nil, errArguments
}

// typedStorage is what a persistent id stands for.
type typedStorage struct {
	*storage
	dtype DType
	held  int64 // elements
}

// agrees refuses a storage that is said to be something else at another place.
func (s *typedStorage) agrees(key string, dtype DType, held int64) error {
	if s.dtype != dtype || s.held != held {
		return fmt.Errorf("storage %s is said to hold %d %s and %d %s", shown(key), s.held, s.dtype, held, dtype)
	}
	return nil
}

// maxRank is PyTorch's own limit of dimensions.
const maxRank = 64

func integers(v any) ([]int64, error) {
	s, ok := v.(*sequence)
	if !ok || s.kind == set || len(s.items) > maxRank {
		return nil, errArguments
	}
	out := make([]int64, len(s.items))
	for i, item := range s.items {
		if out[i], ok = item.(int64); !ok {
			return nil, errArguments
		}
	}
	return out, nil
}

// rebuildTensor: storage, offset, shape, strides, and in its second version requires_grad, backward hooks, metadata.
func rebuildTensor(u *unpickler, args []any) (any, error) {
	if len(args) < 4 || len(args) > 7 {
		return nil, errArguments
	}
	s, ok := args[0].(*typedStorage)
	if !ok {
		return nil, errArguments
	}
	if len(args) == 7 {
		if d, ok := args[6].(*Dict); args[6] != nil && (!ok || d.Len() > 0) {
			return nil, errors.New("a tensor in it is a conjugate or negative view: save its clone() in PyTorch")
		}
	}
	return rebuild(u, s, s.dtype, s.held, args)
}

// rebuildTensorV3 has the type of the elements after the hooks: the storages of the newest types are bare bytes.
func rebuildTensorV3(u *unpickler, args []any) (any, error) {
	if len(args) < 7 || len(args) > 8 {
		return nil, errArguments
	}
	s, ok := args[0].(*typedStorage)
	dtype, isType := args[6].(DType)
	if !ok || !isType {
		return nil, errArguments
	}
	return rebuild(u, s, dtype, s.held*int64(s.dtype.Size())/int64(dtype.Size()), args)
}

func rebuild(u *unpickler, s *typedStorage, dtype DType, held int64, args []any) (any, error) {
	offset, ok := args[1].(int64)
	if !ok {
		return nil, errArguments
	}
	shape, err := integers(args[2])
	if err != nil {
		return nil, err
	}
	strides, err := integers(args[3])
	if err != nil {
		return nil, err
	}
	t, err := view(s.storage, dtype, held, offset, shape, strides)
	if err != nil {
		return nil, err
	}
	if len(args) > 4 {
		t.grad, _ = args[4].(bool)
	}
	return t, u.spend(len(shape))
}

// rebuildParameter: tensor, requires_grad, and more that says nothing of the numbers.
func rebuildParameter(u *unpickler, args []any) (any, error) {
	if len(args) < 1 || len(args) > 4 {
		return nil, errArguments
	}
	data, ok := args[0].(*Tensor)
	if !ok {
		return nil, errArguments
	}
	p := *data
	p.parameter, p.grad = true, true
	if len(args) > 1 {
		if p.grad, ok = args[1].(bool); !ok {
			return nil, errArguments
		}
	}
	return &p, nil
}

// rebuildFromType: function, type, arguments, attributes. A tensor with Python
// attributes is written so; the attributes are dropped.
func rebuildFromType(u *unpickler, args []any) (any, error) {
	if len(args) != 4 {
		return nil, errArguments
	}
	function, ok := args[0].(global)
	class, isClass := args[1].(global)
	inner, isSequence := args[2].(*sequence)
	if !ok || !isClass || !isSequence || !strings.HasPrefix(string(function), "torch._utils._rebuild_") ||
		class != "torch.Tensor" && class != "torch.nn.Parameter" {
		return nil, errArguments
	}
	return constructors[function](u, inner.items)
}

// numPyDType is the type of a NumPy scalar: kind and size, as "f8".
type numPyDType struct {
	code string
	big  bool // big-endian
}

func newNumPyDType(u *unpickler, args []any) (any, error) {
	if len(args) == 0 {
		return nil, errArguments
	}
	code, ok := args[0].(string)
	if !ok {
		return nil, errArguments
	}
	return &numPyDType{code: code}, nil
}

func newNumPyScalar(u *unpickler, args []any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	dtype, ok := args[0].(*numPyDType)
	b, isBytes := args[1].([]byte)
	if text, isText := args[1].(string); isText { // of Python 2
		b, isBytes = []byte(text), true
	}
	if !ok || !isBytes || len(dtype.code) != 2 || len(b) != int(dtype.code[1]-'0') {
		return nil, errArguments
	}
	var bits uint64
	for i, v := range b {
		if dtype.big {
			i = len(b) - 1 - i
		}
		bits |= uint64(v) << (8 * i)
	}
	return numPyNumber(dtype.code, bits)
}

// numPyNumber is what the bits of a scalar stand for.
func numPyNumber(code string, bits uint64) (any, error) {
	switch code {
	case "b1":
		return bits != 0, nil
	case "f2":
		return float64(fromHalf(uint16(bits))), nil
	case "f4":
		return float64(math.Float32frombits(uint32(bits))), nil
	case "f8":
		return math.Float64frombits(bits), nil
	case "i1":
		return int64(int8(bits)), nil
	case "i2":
		return int64(int16(bits)), nil
	case "i4":
		return int64(int32(bits)), nil
	case "i8":
		return int64(bits), nil
	case "u1", "u2", "u4", "u8":
		if bits > math.MaxInt64 {
			return new(big.Int).SetUint64(bits), nil
		}
		return int64(bits), nil
	}
	return nil, fmt.Errorf("it holds a NumPy scalar of type %q", code)
}

// build is BUILD: it gives an object its state.
func (u *unpickler) build(object, state any) error {
	switch o := object.(type) {
	case *Object:
		d, ok := state.(*Dict)
		if !ok {
			break
		}
		for _, key := range d.keys {
			if _, ok := key.(string); !ok {
				return fmt.Errorf("an attribute of its %s is named by %s", o.Class, describe(key))
			}
		}
		return u.copyInto(o.Fields, d)
	case *Dict:
		d, ok := state.(*Dict)
		if !ok || !o.Ordered {
			break
		}
		o.Attributes = d
		return nil
	case *numPyDType: // (version, byte order, …)
		s, ok := state.(*sequence)
		if !ok || len(s.items) < 2 {
			break
		}
		order, ok := s.items[1].(string)
		if b, isBytes := s.items[1].([]byte); isBytes {
			order, ok = string(b), true
		}
		if !ok {
			break
		}
		o.big = order == ">"
		return nil
	}
	return fmt.Errorf("it gives %s the state of %s", describe(object), describe(state))
}
