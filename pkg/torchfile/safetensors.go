package torchfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gointr/gointr/internal/wholefile"
)

// A .safetensors file is the length of its header (8 bytes), the header (JSON: what and where each tensor is, and texts
// under "__metadata__"), and the tensors' bytes in row-major order without gaps.

// maxHeader is the format's own limit of a header, in bytes.
const maxHeader = 100_000_000

const metadataKey = "__metadata__"

// sumsKey is the text in which a file of ours says what each tensor is, and the CRC-32 of its bytes: the format has no
// checksum of its own.
const sumsKey = "gointr_crc32"

// sum is what is said of a tensor there: "F32 [2 3] 0a1b2c3d".
func (t *Tensor) sum(crc uint32) string {
	return fmt.Sprintf("%s %v %08x", t.DType.layout().safetensors, t.Shape, crc)
}

// checkSums has every tensor's bytes compared when they are read, and says whether the header itself was changed.
func (f *File) checkSums() error {
	text, there := f.Metadata[sumsKey]
	if !there {
		return nil
	}
	delete(f.Metadata, sumsKey) // it is the file's, not its writer's
	var sums map[string]string
	if json.Unmarshal([]byte(text), &sums) != nil || len(sums) != len(f.tensors) {
		return errChanged
	}
	for _, t := range f.tensors {
		said, there := sums[t.Name]
		at := strings.LastIndexByte(said, ' ')
		crc, err := strconv.ParseUint(said[at+1:], 16, 32)
		if !there || err != nil || t.sum(uint32(crc)) != said {
			return errChanged
		}
		t.storage.crc = uint32(crc)
	}
	return nil
}

var errChanged = errors.New("its header is damaged, or another program changed the file and kept its checksums (" +
	sumsKey + " in its metadata): copy or download it again, or save it without them")

// withSums are texts with what checkSums compares.
func withSums(tensors []*Tensor, metadata map[string]string) (map[string]string, error) {
	sums := map[string]string{}
	for _, t := range tensors {
		h := crc32.NewIEEE()
		if err := t.write(h); err != nil {
			return nil, err
		}
		sums[t.Name] = t.sum(h.Sum32())
	}
	text, err := json.Marshal(sums)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(metadata)
	if all == nil {
		all = map[string]string{}
	}
	all[sumsKey] = string(text)
	return all, nil
}

// entry is what a header says of one tensor.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"` // in bytes, from the end of the header
}

func readSafetensors(r io.ReaderAt, size int64) (*File, error) {
	var length [8]byte
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, readError(err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || n > uint64(size-8) {
		return nil, fmt.Errorf("its header claims %d bytes and the file has %d: it is cut short or no checkpoint, so "+
			"copy or download it again", n, size)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return nil, readError(err)
	}
	f := &File{Format: Safetensors, Metadata: map[string]string{}}
	start := 8 + int64(n)
	if err := f.readHeader(header, r, start, size-start); err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.tensors, func(a, b *Tensor) int { return cmp.Compare(a.storage.off, b.storage.off) })
	value, end := &Dict{}, start
	for _, t := range f.tensors {
		if t.storage.off != end {
			return nil, fmt.Errorf("tensor %s does not begin where the one before it ends", shown(t.Name))
		}
		end += t.storage.size
		value.Set(t.Name, t)
	}
	switch {
	case end < size:
		return nil, fmt.Errorf("it has %d bytes after its last tensor that belong to none", size-end)
	case end > size:
		return nil, errShort
	}
	f.value = value
	return f, f.checkSums()
}

// readHeader adds the tensors of a header whose bytes begin at start of r.
func (f *File) readHeader(header []byte, r io.ReaderAt, start, room int64) error {
	errJSON := errors.New("its header is damaged: copy or download the file again")
	if !utf8.Valid(header) {
		return errJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(header))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return errJSON
	}
	names := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return errJSON
		}
		if names[name] {
			return fmt.Errorf("it lists tensor %s twice", shown(name))
		}
		names[name] = true
		if name == metadataKey {
			if decoder.Decode(&f.Metadata) != nil {
				return errors.New("its metadata are not texts by name")
			}
			continue
		}
		var e entry
		if err := decoder.Decode(&e); err != nil || e.DType == "" || e.Shape == nil {
			return fmt.Errorf("its header does not say what tensor %s is", shown(name))
		}
		t, err := e.tensor(r, start, room)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", shown(name), err)
		}
		t.Name = name
		f.tensors = append(f.tensors, t)
	}
	if end, err := decoder.Token(); err != nil || end != json.Delim('}') {
		return errJSON
	}
	return nil
}

func (e entry) tensor(r io.ReaderAt, start, room int64) (*Tensor, error) {
	from, to := e.Offsets[0], e.Offsets[1]
	if from < 0 || to < from {
		return nil, fmt.Errorf("it claims the bytes from %d to %d", from, to)
	}
	if to > room {
		return nil, errShort
	}
	if len(e.Shape) > maxRank {
		return nil, fmt.Errorf("it claims %d dimensions", len(e.Shape))
	}
	known := slices.IndexFunc(dtypes, func(t layout) bool { return t.safetensors == e.DType })
	if known < 0 { // listed, not read
		return &Tensor{DType: DType(e.DType), Shape: sizes(e.Shape),
			storage: &storage{r: r, off: start + from, size: to - from}}, nil
	}
	dtype := dtypes[known].dtype
	size := int64(dtype.Size())
	t, err := view(&storage{r: r, off: start + from, size: to - from}, dtype, (to-from)/size, 0, e.Shape,
		rowMajor(e.Shape))
	if err != nil {
		return nil, err
	}
	if int64(t.Len())*size != to-from {
		return nil, fmt.Errorf("it has shape %v and %d bytes", e.Shape, to-from)
	}
	return t, nil
}

// WriteSafetensors writes tensors and texts to a .safetensors file; either may
// be nil. Names must be there once. The file appears whole or not at all.
func WriteSafetensors(path string, tensors []*Tensor, metadata map[string]string) error {
	return wholefile.Write(path, func(w io.Writer) error { return writeSafetensors(w, tensors, metadata) })
}

func writeSafetensors(w io.Writer, tensors []*Tensor, metadata map[string]string) error {
	// The widest types first: then every tensor begins at a multiple of its
	// element's size, and can be used where it lies.
	tensors = slices.Clone(tensors)
	slices.SortStableFunc(tensors, func(a, b *Tensor) int { return cmp.Compare(b.DType.Size(), a.DType.Size()) })
	metadata, err := withSums(tensors, metadata)
	if err != nil {
		return err
	}
	header, err := safetensorsHeader(tensors, metadata)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(header))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// safetensorsHeader is the header of a file in which the tensors follow each other,
// filled with spaces to a multiple of 8 bytes.
func safetensorsHeader(tensors []*Tensor, metadata map[string]string) ([]byte, error) {
	header := bytes.NewBufferString("{")
	field := func(name string, value any) error {
		if !utf8.ValidString(name) {
			return fmt.Errorf("%s cannot be a name in a .safetensors file: it is not UTF-8", shown(name))
		}
		if header.Len() > 1 {
			header.WriteByte(',')
		}
		key, _ := json.Marshal(name)
		text, err := json.Marshal(value)
		header.Write(key)
		header.WriteByte(':')
		header.Write(text)
		return err
	}
	if len(metadata) > 0 {
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	names, at := map[string]bool{metadataKey: true}, int64(0)
	for _, t := range tensors {
		if names[t.Name] {
			return nil, fmt.Errorf("two tensors cannot both be named %s", shown(t.Name))
		}
		names[t.Name] = true
		end := at + int64(t.Len()*t.DType.Size())
		if err := field(t.Name, entry{t.DType.layout().safetensors, int64s(t.Shape), [2]int64{at, end}}); err != nil {
			return nil, err
		}
		at = end
	}
	header.WriteByte('}')
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	return header.Bytes(), nil
}
