package torchfile

import (
	"errors"
	"fmt"
	"io"
	"math/big"
)

// magic is the number that the older format begins with.
var magic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

const legacyProtocol = 1001

// readLegacy reads the format of torch.save before PyTorch 1.6: five pickles (magic number, protocol, system, the
// value, the keys of its storages) and then every storage, its length in elements before it. (The system's byte order
// is of no use: storages are little-endian whoever wrote them.)
func readLegacy(r io.ReaderAt, size int64) (any, error) {
	in := newReader(r, 0, size)
	errOther := errors.New("this is a pickle of Python, but none that torch.save wrote")
	first, err := unpickle(in, nil)
	if err != nil {
		return nil, errOther
	}
	if number, ok := first.(*big.Int); !ok || number.Cmp(magic) != 0 {
		return nil, errOther
	}
	protocol, err := unpickle(in, nil)
	if err != nil {
		return nil, err
	}
	if protocol != int64(legacyProtocol) {
		return nil, fmt.Errorf("its format is version %s, and only %d is known", describe(protocol), legacyProtocol)
	}
	if _, err := unpickle(in, nil); err != nil {
		return nil, err
	}
	storages := &legacyStorages{r: r, size: size, find: map[string]*typedStorage{}}
	value, err := unpickle(in, storages.persistent)
	if err != nil {
		return nil, err
	}
	keys, err := unpickle(in, nil)
	if err != nil {
		return nil, err
	}
	return value, storages.locate(in, keys)
}

// legacyStorages are known by the value's pickle before the file has told where they are.
type legacyStorages struct {
	r     io.ReaderAt
	size  int64 // of the file
	find  map[string]*typedStorage
	views []legacyView
}

// legacyView is a part of a storage that is a storage of its own, as PyTorch wrote before 0.4.
type legacyView struct {
	part, whole *typedStorage
	offset      int64 // in elements
}

// persistent reads ("storage", class, key, location, elements, view), where view is None or (key, offset, elements).
func (l *legacyStorages) persistent(id []any) (any, error) {
	key, dtype, held, err := storageID(id)
	if err != nil {
		return nil, err
	}
	if dtype.Size() == 0 { // nor is it known where the next one begins
		return nil, fmt.Errorf("storage %s is of %s, which is not known in this format: save it again in PyTorch",
			shown(key), shown(string(dtype)))
	}
	whole, err := l.storage(key, dtype, held)
	if err != nil || len(id) < 6 || id[5] == nil {
		return whole, err
	}
	view, ok := id[5].(*sequence)
	if !ok || len(view.items) != 3 {
		return nil, errArguments
	}
	offset, ok1 := view.items[1].(int64)
	length, ok2 := view.items[2].(int64)
	if !ok1 || !ok2 || offset < 0 || length < 0 || offset > held-length {
		return nil, fmt.Errorf("a view of storage %s reaches outside it", shown(key))
	}
	part := &typedStorage{storage: &storage{r: l.r}, dtype: dtype, held: length}
	l.views = append(l.views, legacyView{part, whole, offset})
	return part, nil
}

func (l *legacyStorages) storage(key string, dtype DType, held int64) (*typedStorage, error) {
	s := l.find[key]
	if s == nil {
		s = &typedStorage{storage: &storage{r: l.r, off: -1}, dtype: dtype, held: held}
		l.find[key] = s
	}
	if err := s.agrees(key, dtype, held); err != nil {
		return nil, err
	}
	if held > l.size/int64(dtype.Size()) {
		return nil, fmt.Errorf("storage %s is said to hold %d %s, but the file has %d bytes", shown(key),
			held, dtype, l.size)
	}
	return s, nil
}

// locate walks over the storages at the end of the file.
func (l *legacyStorages) locate(in *reader, keys any) error {
	list, ok := keys.(*sequence)
	if !ok {
		return errors.New("its list of storages is missing")
	}
	for _, key := range list.items {
		s := l.find[fmt.Sprint(key)]
		if s == nil || s.off >= 0 {
			return fmt.Errorf("it lists storage %s, which no tensor has or which was listed before",
				shown(fmt.Sprint(key)))
		}
		held, err := in.number(8)
		if err != nil {
			return err
		}
		if held != uint64(s.held) {
			return fmt.Errorf("storage %s is said to hold %d elements and then %d", shown(fmt.Sprint(key)),
				s.held, held)
		}
		s.off, s.size = in.pos, s.held*int64(s.dtype.Size())
		if err := in.skip(s.size); err != nil {
			return err
		}
	}
	for key, s := range l.find {
		if s.off < 0 {
			return fmt.Errorf("storage %s is missing", shown(key))
		}
	}
	for _, v := range l.views {
		size := int64(v.part.dtype.Size())
		v.part.off, v.part.size = v.whole.off+v.offset*size, v.part.held*size
	}
	return nil
}
