package torchfile

import (
	"fmt"
	"strings"
)

// maxDepth is how deep lists and dicts may lie in each other. Python's own pickler gives up at about as many.
const maxDepth = 1000

var errDeep = fmt.Errorf("its values lie more than %d deep in each other", maxDepth)

// maxVisits is how many values a checkpoint may have when shared ones are counted at every place that shows them.
const maxVisits = 1 << 24

// settler turns what the unpickler made into the values that users see: lists, tuples and sets become slices, and a
// bare class or storage an Object. Where a value holds itself, as objects of Python often do, an Object takes its
// place.
type settler struct{ busy map[any]bool } // true while it is settled, false afterwards

func settle(v any) (any, error) {
	return (&settler{map[any]bool{}}).settle(v, 0)
}

func (s *settler) settle(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	switch v := v.(type) {
	case *sequence:
		switch {
		case v.settled != nil:
			return v.settled, nil
		case v.busy:
			return newObject("builtins." + [...]string{list: "list", tuple: "tuple", set: "set"}[v.kind]), nil
		}
		v.busy = true
		if err := s.settleAll(v.items, depth+1); err != nil {
			return nil, err
		}
		v.busy = false
		v.settled = [...]any{list: List(v.items), tuple: Tuple(v.items), set: Set(v.items)}[v.kind]
		return v.settled, nil
	case *Dict:
		if s.busy[v] {
			return newObject("builtins.dict"), nil
		}
		return v, s.settleDict(v, depth)
	case *Object:
		if s.busy[v.Fields] {
			return newObject(v.Class), nil
		}
		return v, s.settleDict(v.Fields, depth)
	case *typedStorage:
		return newObject("torch.storage.TypedStorage"), nil
	case global:
		return newObject(string(v)), nil
	case *numPyDType:
		return newObject("numpy.dtype"), nil
	}
	return v, nil
}

func (s *settler) settleDict(d *Dict, depth int) error {
	if _, known := s.busy[d]; known {
		return nil
	}
	s.busy[d] = true
	defer func() { s.busy[d] = false }()
	if d.Attributes != nil {
		attributes, err := s.settle(d.Attributes, depth+1)
		if err != nil {
			return err
		}
		d.Attributes, _ = attributes.(*Dict)
	}
	return s.settleAll(d.values, depth+1)
}

func (s *settler) settleAll(values []any, depth int) (err error) {
	for i, v := range values {
		if values[i], err = s.settle(v, depth); err != nil {
			return err
		}
	}
	return nil
}

// namer walks settled values and gives every tensor its dotted path. It also makes sure that whoever walks them later
// comes to an end: sharing has not folded up more than memory holds. An Object is walked at its first place only.
type namer struct {
	tensors []*Tensor
	others  []Other
	met     map[*Object]bool
	path    []any // keys and positions from the root
	visits  int
	quiet   bool // under attributes, which hold no tensors of a model
}

func (n *namer) walk(v any) error {
	n.visits++
	if n.visits > maxVisits {
		return fmt.Errorf("it shows more than %d values", maxVisits)
	}
	if len(n.path) > maxDepth {
		return errDeep
	}
	switch v := v.(type) {
	case *Tensor:
		if n.quiet {
			return nil
		}
		name, err := dotted(n.path)
		if err != nil {
			return err
		}
		if v.Name != "" { // the same tensor at a second place
			again := *v
			v = &again
		}
		v.Name = name
		n.tensors = append(n.tensors, v)
	case *Dict:
		return n.walkDict(v)
	case *Object:
		if n.met[v] {
			return nil
		}
		n.met[v] = true
		if v.Class != Namespace && !n.quiet {
			name, err := dotted(n.path)
			if err != nil {
				return err
			}
			n.others = append(n.others, Other{name, v.Class})
		}
		return n.walkDict(v.Fields)
	case List:
		return n.walkAll(v)
	case Tuple:
		return n.walkAll(v)
	case Set:
		return n.walkAll(v)
	}
	return nil
}

func (n *namer) walkDict(d *Dict) error {
	for i, key := range d.keys {
		if err := n.step(key, d.values[i]); err != nil {
			return err
		}
	}
	if d.Attributes == nil {
		return nil
	}
	defer func(was bool) { n.quiet = was }(n.quiet)
	n.quiet = true
	return n.step("", d.Attributes)
}

func (n *namer) walkAll(items []any) error {
	for i, item := range items {
		if err := n.step(int64(i), item); err != nil {
			return err
		}
	}
	return nil
}

func (n *namer) step(key, value any) error {
	switch key {
	case "_modules", "_parameters", "_buffers": // of a module that was saved as it is: its state_dict lacks them
		return n.walk(value)
	}
	n.path = append(n.path, key)
	err := n.walk(value)
	n.path = n.path[:len(n.path)-1]
	return err
}

// dotted writes a path as PyTorch writes the names of parameters.
func dotted(path []any) (string, error) {
	const longest = 4 << 10
	var b strings.Builder
	for i, key := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		switch k := key.(type) {
		case string:
			b.WriteString(k[:min(len(k), longest+1)])
		case nil, int64, float64, bool, DType, Device:
			fmt.Fprint(&b, k)
		default:
			b.WriteString(describe(k))
		}
		if b.Len() > longest {
			return "", fmt.Errorf("the name of a tensor in it has more than %d letters", longest)
		}
	}
	return b.String(), nil
}
