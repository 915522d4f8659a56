package torchfile

import (
	"archive/zip"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"sync"
)

// records are the parts of a checkpoint by name.
type records struct {
	record   func(name string) (*storage, error) // nil where there is none
	storages map[string]*typedStorage            // that the pickle has named, by key
	big      bool                                // numbers are big-endian
}

// readZip reads the format of PyTorch 1.6 and later: a zip file with a pickle in ROOT/data.pkl and a storage in each
// ROOT/data/KEY. PyTorch compresses nothing; who unpacked a file and packed it again may have.
func readZip(r io.ReaderAt, size int64) (any, error) {
	rec, err := newRecords(r, size)
	if err != nil {
		return nil, err
	}
	return rec.read()
}

// read gives the value of the pickle.
func (rec *records) read() (any, error) {
	if program, _ := rec.record("constants.pkl"); program != nil {
		return nil,
			errors.New("this is a TorchScript program, not a checkpoint: save the model's state_dict() with torch.save")
	}
	if err := rec.readByteOrder(); err != nil {
		return nil, err
	}
	stored, err := rec.open(pickleName)
	if err != nil {
		return nil, err
	}
	if err := stored.scan(0, stored.size, nil, nil); err != nil { // compares the checksum
		return nil, err
	}
	return unpickle(newReader(stored.r, stored.off, stored.size), rec.persistent)
}

// newRecords lists a zip file that holds one checkpoint.
func newRecords(r io.ReaderAt, size int64) (*records, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("its zip directory, which stands at the end, is missing or damaged: copy or download " +
			"the file again")
	}
	find, pickle := map[string]*zip.File{}, ""
	for _, entry := range z.File {
		if find[entry.Name] != nil {
			return nil, fmt.Errorf("it holds two records named %s", shown(entry.Name))
		}
		find[entry.Name] = entry
		if path.Base(entry.Name) == pickleName {
			if pickle != "" {
				return nil, fmt.Errorf("it holds two checkpoints, %s and %s", shown(pickle), shown(entry.Name))
			}
			pickle = entry.Name
		}
	}
	if err := apart(z.File, size); err != nil {
		return nil, err
	}
	if pickle == "" {
		return nil, errors.New("this zip file is no checkpoint: it holds no data.pkl (if there is a checkpoint " +
			"inside, unpack it first)")
	}
	root, _ := path.Split(pickle) // "archive/", or the name that the file once had
	return &records{storages: map[string]*typedStorage{}, record: func(name string) (*storage, error) {
		if find[root+name] == nil {
			return nil, nil
		}
		return storageOf(r, find[root+name], name)
	}}, nil
}

// persistent finds the storage that a persistent id stands for.
func (rec *records) persistent(id []any) (any, error) {
	key, dtype, held, err := storageID(id)
	if err != nil {
		return nil, err
	}
	if dtype.Size() == 0 {
		return newObject(string(dtype)), nil
	}
	known := rec.storages[key]
	if known == nil {
		s, err := rec.open("data/" + key)
		if err != nil {
			return nil, err
		}
		s.big = rec.big
		known = &typedStorage{storage: s, dtype: dtype, held: held}
		rec.storages[key] = known
	}
	if err := known.agrees(key, dtype, held); err != nil {
		return nil, err
	}
	if held*int64(dtype.Size()) > known.size {
		return nil, fmt.Errorf("storage %s is said to hold %d %s, but has %d bytes", shown(key), held,
			dtype, known.size)
	}
	return known, nil
}

// storageID reads ("storage", class, key, location, elements, …). A class that is not known is given as the type, which
// has no size then.
func storageID(id []any) (key string, dtype DType, held int64, err error) {
	if len(id) < 5 || id[0] != "storage" {
		return "", "", 0, errID
	}
	class, ok := id[1].(global)
	if !ok {
		return "", "", 0, errID
	}
	switch k := id[2].(type) {
	case string:
		key = k
	case int64: // by Python 2
		key = fmt.Sprint(k)
	default:
		return "", "", 0, errID
	}
	if held, ok = id[4].(int64); !ok || held < 0 || held > math.MaxInt64/16 {
		return "", "", 0, fmt.Errorf("storage %s is said to hold %s", shown(key), describe(id[4]))
	}
	if class == "torch.UntypedStorage" {
		return key, Uint8, held, nil
	}
	for _, t := range dtypes {
		if t.storage != "" && class == global("torch."+t.storage) {
			return key, t.dtype, held, nil
		}
	}
	return key, DType(class), held, nil
}

// readByteOrder tells the numbers of big-endian machines. Files of before PyTorch 2.1 do not say, and are
// little-endian.
func (rec *records) readByteOrder() error {
	s, err := rec.record("byteorder")
	if s == nil || err != nil {
		return err
	}
	order := make([]byte, min(s.size, 16))
	if err := s.scan(0, int64(len(order)), order, nil); err != nil {
		return err
	}
	if rec.big = string(order) == "big"; !rec.big && string(order) != "little" {
		return fmt.Errorf("its numbers are said to be %s-endian, which is neither little nor big", shown(string(order)))
	}
	return nil
}

// open is record for what must be there.
func (rec *records) open(name string) (*storage, error) {
	s, err := rec.record(name)
	if s == nil && err == nil {
		return nil, fmt.Errorf("its record %s is missing", shown(name))
	}
	return s, err
}

// storageOf says where the bytes of a record are.
func storageOf(r io.ReaderAt, entry *zip.File, name string) (*storage, error) {
	stored := entry.Method == zip.Store && entry.CompressedSize64 == entry.UncompressedSize64
	if entry.Flags&1 != 0 || !stored && entry.Method != zip.Deflate {
		return nil, fmt.Errorf("its record %s is encrypted or compressed by another method than deflate, which "+
			"torch.save never does: unpack the zip file and pack it again with zip -0", shown(name))
	}
	off, err := entry.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("its record %s is damaged: copy or download the file again", shown(name))
	}
	s := &storage{r: r, off: off, size: int64(entry.UncompressedSize64), crc: entry.CRC32}
	if !stored {
		s.r, s.off = &inflated{packed: io.NewSectionReader(r, off, int64(entry.CompressedSize64))}, 0
	}
	return s, nil
}

// inflated reads a compressed record from its start to its end, and begins again for who goes back: it holds no more of
// it than deflate's window.
type inflated struct {
	packed *io.SectionReader

	mu  sync.Mutex
	out io.ReadCloser
	at  int64 // bytes of out that were read
}

func (i *inflated) ReadAt(p []byte, at int64) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.out == nil || at < i.at {
		if _, err := i.packed.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		i.out, i.at = flate.NewReader(i.packed), 0
	}
	skipped, err := io.CopyN(io.Discard, i.out, at-i.at)
	i.at += skipped
	n := 0
	if err == nil {
		n, err = io.ReadFull(i.out, p)
		i.at += int64(n)
	}
	var corrupt flate.CorruptInputError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		err = errors.New("a compressed record in it is damaged: copy or download the file again")
	}
	return n, err
}

// maxInflation is how many times its own size a file may unpack to, and how many bytes any may: what is there is read
// into memory, and a few bytes of deflate can stand for a thousand times as many.
const (
	maxInflation = 32
	anyInflation = 1 << 28
)

// apart makes sure that every record lies inside the file and none in another,
// so that what is read cannot add up to more than the file has.
func apart(entries []*zip.File, size int64) error {
	type span struct {
		from, to int64
		name     string
	}
	spans := make([]span, 0, len(entries))
	var unpacked uint64
	for _, entry := range entries {
		if entry.Method != zip.Store {
			unpacked += min(entry.UncompressedSize64, math.MaxInt64/1024/1024)
			if unpacked > uint64(max(maxInflation*size, anyInflation)) {
				return fmt.Errorf("its compressed records claim to unpack to more than %d times the file, which no "+
					"weights do: unpack it and pack it again with zip -0", maxInflation)
			}
		}
		from, err := entry.DataOffset()
		if err != nil || entry.CompressedSize64 > uint64(size) || from+int64(entry.CompressedSize64) > size {
			return fmt.Errorf("its record %s reaches outside the file: copy or download the file again",
				shown(entry.Name))
		}
		spans = append(spans, span{from, from + int64(entry.CompressedSize64), entry.Name})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return fmt.Errorf("its records %s and %s overlap", shown(spans[i-1].name), shown(spans[i].name))
		}
	}
	return nil
}
