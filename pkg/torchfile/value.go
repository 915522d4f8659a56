package torchfile

import (
	"fmt"
	"iter"
	"math/big"
	"reflect"
	"strings"
)

// List is a Python list.
type List []any

// Tuple is a Python tuple; a torch.Size is one too.
type Tuple []any

// Set is a Python set or frozenset, in the order of the file.
type Set []any

// Device is a torch.device: "cpu", "cuda:0".
type Device string

// Namespace is the class of what argparse gives, the one Object that is written.
const Namespace = "argparse.Namespace"

// Object stands for what a file holds of Python and this package does not load: an instance of a class, the class
// itself, or what a function would have given. It is known by name, and nothing of it was ever called.
type Object struct {
	Class  string // of the class or function, with its module, as the file has it
	Fields *Dict  // attributes by name, or items by key where it is a dict of its own; empty where the file has none
}

// Dict is a Python dict in the order of its insertions. The zero Dict is empty and ready.
type Dict struct {
	// Ordered is true for a collections.OrderedDict, which is what PyTorch's state_dict() gives.
	Ordered bool
	// Attributes that hang on an OrderedDict, or nil. PyTorch keeps the versions
	// of a model's modules there, as "_metadata".
	Attributes *Dict

	keys, values []any
	index        map[any]int
}

// Len is the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Keys are the keys in the order of insertion: string, int64, float64, bool,
// nil, []byte, *big.Int, DType, Device, *Tensor, *Object, or a Tuple of these.
func (d *Dict) Keys() []any { return append([]any(nil), d.keys...) }

// All gives keys and values in the order of insertion.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(key, value any) bool) {
		for i, key := range d.keys {
			if !yield(key, d.values[i]) {
				return
			}
		}
	}
}

// Get gives the value of a key. Any Go integer finds a Python int.
func (d *Dict) Get(key any) (value any, ok bool) {
	_, hashed, err := hashable(key, 0)
	if err != nil {
		return nil, false
	}
	i, ok := d.index[hashed]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Set gives a key its value. Like a Go map it panics at a key that cannot be one: see Keys for those that can.
func (d *Dict) Set(key, value any) {
	if err := d.set(key, value); err != nil {
		panic(err)
	}
}

func (d *Dict) set(key, value any) error {
	key, hashed, err := hashable(key, 0)
	if err != nil {
		return err
	}
	if i, ok := d.index[hashed]; ok {
		d.values[i] = value
		return nil
	}
	if d.index == nil {
		d.index = map[any]int{}
	}
	d.index[hashed] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	return nil
}

type bytesKey string
type tupleKey string
type bigKey string

// hashable gives a key as a Dict lists it, and as Go's map can hold it.
func hashable(key any, depth int) (listed, hashed any, err error) {
	switch k := key.(type) {
	case nil, string, bool, int64, float64, DType, Device, *Tensor:
		return k, k, nil
	case *Object: // without its attributes, which may hold the dict
		return newObject(k.Class), k, nil
	case global:
		return newObject(string(k)), k, nil
	case *big.Int:
		return k, bigKey(k.String()), nil
	case int, int32, int16, int8, uint32, uint16, uint8:
		v := reflect.ValueOf(k)
		if v.CanInt() {
			return v.Int(), v.Int(), nil
		}
		return int64(v.Uint()), int64(v.Uint()), nil
	case []byte:
		return k, bytesKey(k), nil
	case *sequence:
		switch k.kind {
		case tuple:
			return hashable(Tuple(k.items), depth)
		case set: // which two of them are equal is not looked for
			return newObject("builtins.frozenset"), k, nil
		}
	case Tuple:
		// Tuples in tuples can be more than fits in memory when written out.
		const most, longest = 16, 1 << 10
		if len(k) > most || depth > 1 {
			return nil, nil, fmt.Errorf("a tuple of %d parts is too large for the key of a dict", len(k))
		}
		items, text := make(Tuple, len(k)), strings.Builder{}
		for i, part := range k {
			item, h, err := hashable(part, depth+1)
			if err != nil {
				return nil, nil, err
			}
			items[i] = item
			written := fmt.Sprint(h)
			switch h.(type) {
			case *Tensor, *Object, *sequence:
				written = fmt.Sprintf("%p", h)
			}
			if len(written) > longest {
				return nil, nil, fmt.Errorf("a tuple with a text of %d bytes is too large for the key of a dict",
					len(written))
			}
			fmt.Fprintf(&text, "%T %q,", item, written)
		}
		return items, tupleKey(text.String()), nil
	}
	return nil, nil, fmt.Errorf("%s cannot be the key of a dict", describe(key))
}

// describe names a value in an error.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool, int64, float64:
		return fmt.Sprintf("the number %v", v)
	case string:
		return fmt.Sprintf("the text %.40q", v)
	case *sequence:
		return "a " + [...]string{list: "list", tuple: "tuple", set: "set"}[v.kind]
	case *Dict:
		return "a dict"
	case *Object:
		return "a " + shown(v.Class)
	case *Tensor:
		return "a tensor"
	case *typedStorage:
		return "a bare storage"
	case global:
		return "the class " + shown(string(v))
	}
	return fmt.Sprintf("a %T", value)
}
