package torchfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// shown makes a text of the file fit for an error: short and printable.
func shown(s string) string {
	q := strconv.Quote(s[:min(len(s), 100)])
	return q[1 : len(q)-1]
}

// renamed gives the present name of modules that had another one when the file
// was written: by Python 2 (which protocol 2 still writes for) or by NumPy 2.
var renamed = map[string]string{
	"__builtin__":            "builtins",
	"exceptions":             "builtins",
	"copy_reg":               "copyreg",
	"pathlib._local":         "pathlib",
	"numpy._core.multiarray": "numpy.core.multiarray",
	"numpy._core.numeric":    "numpy.core.numeric",
	"torch.storage":          "torch",
	"torch.cuda":             "torch",
}

// constructors are the classes and functions that are known, each done here with plain values. What they are called
// with otherwise than torch.save writes, and whatever else a file names, becomes an Object.
var constructors map[global]func(u *unpickler, args []any) (any, error)

func init() {
	constructors = map[global]func(u *unpickler, args []any) (any, error){
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

		"copyreg._reconstructor": reconstruct,

		"torch._utils._rebuild_tensor":               rebuildTensor,
		"torch._utils._rebuild_tensor_v2":            rebuildTensor,
		"torch._utils._rebuild_tensor_v3":            rebuildTensorV3,
		"torch._utils._rebuild_parameter":            rebuildParameter,
		"torch._utils._rebuild_parameter_with_state": rebuildParameter,
		"torch.nn.parameter.Parameter":               rebuildParameter,
		"torch.nn.Parameter":                         rebuildParameter,
		"torch._tensor._rebuild_from_type_v2":        rebuildFromType,

		"torch._dynamo.eval_frame.OptimizedModule":  newCompiled,
		"torch.fx.graph_module.reduce_graph_module": newGraphModule,

		"numpy.dtype":                  newNumPyDType,
		"numpy.core.multiarray.scalar": newNumPyScalar,
	}
}

// lookup gives what a global of a file stands for: a type of tensors, or its name, which is all that is ever known of
// it.
func lookup(module, name string) any {
	if to, ok := renamed[module]; ok {
		module = to
	}
	if module == "builtins" && name == "xrange" {
		name = "range"
	}
	if d := DType(name); module == "torch" && d.Size() > 0 {
		return d
	}
	return global(module + "." + name)
}

// make is what a call of a class or function comes to. One that is not known is not called: its Object has the name.
func (u *unpickler) make(callee any, args []any) (any, error) {
	name, ok := callee.(global)
	if !ok {
		if o, isObject := callee.(*Object); isObject { // what an unknown function gave
			return newObject(o.Class), nil
		}
		return nil, fmt.Errorf("it calls %s", describe(callee))
	}
	if construct, ok := constructors[name]; ok {
		v, err := construct(u, args)
		switch {
		case err == nil:
			return v, nil
		case !errors.Is(err, errArguments):
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if kind, ok := strings.CutPrefix(string(name), "torch._utils._rebuild_"); ok {
		return foreignTensor(kind, args), nil
	}
	if len(args) > 0 && makers[name] {
		if class, ok := args[0].(global); ok {
			name = class
		}
	}
	if class, ok := gives[name]; ok {
		name = class
	}
	return newObject(string(name)), nil
}

// gives names the class of what a function makes.
var gives = map[global]global{"numpy.core.numeric._frombuffer": "numpy.ndarray"}

// makers are functions whose first argument is the class of what they make.
var makers = map[global]bool{
	"copyreg._reconstructor": true, "copyreg.__newobj__": true, "numpy.core.multiarray._reconstruct": true,
	"builtins.getattr": true, // a member of an enumeration
}

func newObject(class string) *Object { return &Object{Class: class, Fields: &Dict{}} }

// reconstruct makes an object as protocols 0 and 1 write it: class, the builtin class below it, and that one's value.
func reconstruct(u *unpickler, args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	v, err := u.make(args[0], nil)
	if err != nil {
		return nil, err
	}
	if items, ok := args[2].(*Dict); ok {
		return v, u.build(v, items)
	}
	return v, nil
}

// kinds names tensors that are not laid out as plain numbers, by the function that makes them.
var kinds = map[string]DType{
	"sparse_tensor": "sparse", "sparse_csr_tensor": "sparse", "qtensor": "quantized", "nested_tensor": "nested",
	"meta_tensor_no_storage": "meta", "tensor": "foreign", "tensor_v2": "foreign", "tensor_v3": "foreign",
}

// foreignTensor stands for a tensor whose numbers are not read.
func foreignTensor(kind string, args []any) *Tensor {
	return &Tensor{DType: cmp.Or(kinds[kind], DType(kind)), Shape: shapeAmong(args, 1)}
}

// sizes is the shape of a tensor whose numbers are not read; nil where no tensor has it.
func sizes(dims []int64) []int {
	shape, n := make([]int, len(dims)), int64(1)
	for i, d := range dims {
		if d < 0 || d > 0 && n > math.MaxInt64/16/d {
			return nil
		}
		shape[i] = int(d)
		n *= max(d, 1)
	}
	return shape
}

// shapeAmong finds the first run of sizes among arguments, or in one of them; nil where there is none.
func shapeAmong(args []any, below int) []int {
	for _, arg := range args {
		if dims, err := integers(arg); err == nil && len(dims) > 0 {
			return sizes(dims)
		}
		if s, ok := arg.(*sequence); ok && below > 0 {
			if shape := shapeAmong(s.items, below-1); shape != nil {
				return shape
			}
		}
	}
	return nil
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
			return foreignTensor("conjugate or negative view", args), nil
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
	if name, isName := args[6].(global); isName {
		return foreignTensor(strings.TrimPrefix(string(name), "torch."), args), nil
	}
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

// rebuildFromType: function, type, arguments, attributes. A tensor with Python attributes, or of a class of its own, is
// written so; both are dropped, but where the class keeps its numbers in a way of its own.
func rebuildFromType(u *unpickler, args []any) (any, error) {
	if len(args) != 4 {
		return nil, errArguments
	}
	function, ok := args[0].(global)
	inner, isSequence := args[2].(*sequence)
	if !ok || !isSequence {
		return nil, errArguments
	}
	class, isClass := args[1].(global)
	if isClass && !strings.HasPrefix(string(function), "torch._utils._rebuild_") {
		return foreignTensor(string(class), inner.items), nil
	}
	return u.make(function, inner.items)
}

// newCompiled: module, and how torch.compile compiles it.
func newCompiled(u *unpickler, args []any) (any, error) {
	if len(args) == 0 {
		return nil, errArguments
	}
	o := newObject("torch._dynamo.eval_frame.OptimizedModule")
	return o, u.set(o.Fields, "_orig_mod", args[0])
}

// newGraphModule: attributes, and the text of imports.
func newGraphModule(u *unpickler, args []any) (any, error) {
	if len(args) == 0 {
		return nil, errArguments
	}
	attributes, ok := args[0].(*Dict)
	if !ok {
		return nil, errArguments
	}
	o := newObject("torch.fx.graph_module.GraphModule")
	return o, u.copyInto(o.Fields, attributes)
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
	return nil, errArguments
}

// build is BUILD: it gives an object its state. What is read as a plain value has none.
func (u *unpickler) build(object, state any) error {
	d, isDict := state.(*Dict)
	s, isSequence := state.(*sequence)
	switch o := object.(type) {
	case *Object:
		if isSequence && len(s.items) == 2 { // attributes, and those that have slots
			for _, part := range s.items {
				if err := u.build(o, part); err != nil {
					return err
				}
			}
		}
		if isDict {
			return u.copyInto(o.Fields, d)
		}
	case *Dict:
		if isDict && o.Ordered {
			o.Attributes = d
		}
	case *numPyDType: // (version, byte order, …)
		if !isSequence || len(s.items) < 2 {
			break
		}
		order, _ := s.items[1].(string)
		if b, isBytes := s.items[1].([]byte); isBytes {
			order = string(b)
		}
		o.big = order == ">"
	case *Tensor, *sequence, *typedStorage, global, DType, Device:
	default:
		return fmt.Errorf("it gives %s the state of %s", describe(object), describe(state))
	}
	return nil
}
