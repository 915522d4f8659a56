package torchfile

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
)

// records are the entries of a checkpoint's zip file by name.
type records struct {
	r        io.ReaderAt
	root     string // of the names: "archive/", or the name the file once had
	find     map[string]*zip.File
	storages map[string]*typedStorage // that the pickle has named, by key
}

// readZip reads the format of PyTorch 1.6 and later: a zip file, uncompressed,
// with a pickle in ROOT/data.pkl and a storage in each ROOT/data/KEY.
func readZip(r io.ReaderAt, size int64) (any, error) {
	rec, err := newRecords(r, size)
	if err != nil {
		return nil, err
	}
	if rec.find[rec.root+"constants.pkl"] != nil {
		return nil,
			errors.New("this is a TorchScript program, not a checkpoint: save the model's state_dict() with torch.save")
	}
	if err := rec.checkByteOrder(); err != nil {
		return nil, err
	}
	stored, err := rec.open("data.pkl")
	if err != nil {
		return nil, err
	}
	if err := stored.scan(0, stored.size, nil, nil); err != nil { // compares the checksum
		return nil, err
	}
	return unpickle(newReader(r, stored.off, stored.size), rec.persistent)
}

// newRecords lists a zip file that holds one checkpoint.
func newRecords(r io.ReaderAt, size int64) (*records, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("its zip directory, which stands at the end, is missing or damaged: copy or download " +
			"the file again")
	}
	rec := &records{r: r, find: map[string]*zip.File{}, storages: map[string]*typedStorage{}}
	pickle := ""
	for _, entry := range z.File {
		if rec.find[entry.Name] != nil {
			return nil, fmt.Errorf("it holds two records named %s", shown(entry.Name))
		}
		rec.find[entry.Name] = entry
		if path.Base(entry.Name) == "data.pkl" {
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
	rec.root, _ = path.Split(pickle)
	return rec, nil
}

// persistent finds the storage that a persistent id stands for.
func (rec *records) persistent(id []any) (any, error) {
	key, dtype, held, err := storageID(id)
	if err != nil {
		return nil, err
	}
	known := rec.storages[key]
	if known == nil {
		s, err := rec.open("data/" + key)
		if err != nil {
			return nil, err
		}
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

// storageID reads ("storage", class, key, location, elements, …).
func storageID(id []any) (key string, dtype DType, held int64, err error) {
	errID := errors.New("it holds a persistent id that is none of a storage")
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
	if held, ok = id[4].(int64); !ok || held < 0 || held > math.MaxInt64/8 {
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
	return "", "", 0, errID
}

// checkByteOrder refuses the numbers of big-endian machines. Files of before
// PyTorch 2.1 do not say, and are little-endian.
func (rec *records) checkByteOrder() error {
	if rec.find[rec.root+"byteorder"] == nil {
		return nil
	}
	s, err := rec.open("byteorder")
	if err != nil {
		return err
	}
	order := make([]byte, min(s.size, 16))
	if err := s.scan(0, int64(len(order)), order, nil); err != nil {
		return err
	}
	if string(order) != "little" {
		return fmt.Errorf("its numbers are %s-endian, and only little-endian ones are read: save it again in PyTorch "+
			"on an ordinary machine", shown(string(order)))
	}
	return nil
}

// open finds a record and where its bytes are.
func (rec *records) open(name string) (*storage, error) {
	entry := rec.find[rec.root+name]
	if entry == nil {
		return nil, fmt.Errorf("its record %s is missing", shown(name))
	}
	if entry.Method != zip.Store || entry.Flags&1 != 0 || entry.CompressedSize64 != entry.UncompressedSize64 {
		return nil, fmt.Errorf("its record %s is compressed or encrypted, which torch.save never does: unpack the "+
			"zip file and pack it again with zip -0", shown(name))
	}
	off, err := entry.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("its record %s is damaged: copy or download the file again", shown(name))
	}
	return &storage{r: rec.r, off: off, size: int64(entry.UncompressedSize64), crc: entry.CRC32}, nil
}

// apart makes sure that every record lies inside the file and none in another,
// so that what is read cannot add up to more than the file has.
func apart(entries []*zip.File, size int64) error {
	type span struct {
		from, to int64
		name     string
	}
	spans := make([]span, 0, len(entries))
	for _, entry := range entries {
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
