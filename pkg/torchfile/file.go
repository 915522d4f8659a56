// Package torchfile reads and writes checkpoints: .pth files as PyTorch's torch.save writes them, in the zip format
// (PyTorch 1.6 and later) and in the older pickle stream, and .safetensors files.
//
// A checkpoint is data, never code. Its pickle is read by an unpickler that knows a short list of classes and functions
// and does each of them itself; any other is kept by name only, as an Object. Sizes in a file are claims: each is
// compared with the file before anything is set aside for it.
//
// Tensors stay in the file until they are read, straight to where they are wanted. Numbers are little-endian.
//
// Sources: torch/serialization.py and torch/_utils.py of PyTorch 2.13 for the records and functions, Lib/pickletools.py
// of Python for the opcodes, and the format section of github.com/huggingface/safetensors.
package torchfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Format is how a checkpoint is laid out in its file.
type Format string

const (
	Zip         Format = "zip"         // torch.save since PyTorch 1.6
	Legacy      Format = "legacy"      // torch.save before, or with _use_new_zipfile_serialization=False
	Safetensors Format = "safetensors" // github.com/huggingface/safetensors
	Unpacked    Format = "unpacked"    // a folder, which unzip made of the first
)

// File is an open checkpoint.
type File struct {
	Format Format
	// Metadata are the texts beside the tensors of a .safetensors file; nil for the other formats.
	Metadata map[string]string

	files   []io.Closer
	value   any
	tensors []*Tensor
	others  []Other
}

// Other is something in a checkpoint that is not loaded: an object, a class, or what a function would have given.
type Other struct {
	Name  string // dotted path, as a tensor's
	Class string // with its module
}

// Open opens a checkpoint and reads all of it but the numbers of its tensors. The format is told from the content, not
// from the name. Shards are read as one, by their index; a folder is what is in it: such an index, or an unpacked
// checkpoint. The error says in one sentence, with the path, what is wrong with the file.
func Open(path string) (*File, error) {
	at, format, err := locate(path)
	var f *File
	switch {
	case err != nil:
	case format == sharded:
		f, err = openShards(at)
	case format == Unpacked:
		f, err = openFolder(at)
	default:
		f, err = openOne(at)
	}
	var named *fs.PathError
	if errors.As(err, &named) && named.Path == path {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, t := range f.tensors {
		if t.path == "" {
			t.path = path
		}
	}
	return f, nil
}

func openOne(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // before it is opened: who opens a pipe waits for who writes it
		return nil, errors.New("this is not a file, and a checkpoint is one")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := decode(file, info.Size())
	if err != nil {
		file.Close()
		return nil, err
	}
	f.files = []io.Closer{file}
	for _, t := range f.tensors {
		t.path = path
	}
	return f, nil
}

// Close closes the file. Tensors of it can no longer be read.
func (f *File) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

// Value is what torch.load would return: nil, bool, int64, *big.Int (where an int64 is too small), float64, string,
// []byte, List, Tuple, Set, *Dict, *Object, *Tensor, DType or Device. NumPy's scalars become the plain number,
// defaultdict and Counter a Dict. For .safetensors it is a Dict of tensors by name. No value holds itself. It must not
// be changed.
func (f *File) Value() any { return f.value }

// Tensors are all tensors in the order of the file, named by their dotted path: "model.input_proj.weight",
// "optimizer.state.0.exp_avg". A tensor that is in two places is listed twice.
func (f *File) Tensors() []*Tensor { return f.tensors }

// Verify reads every tensor that can be read and compares the checksums that the file has: those of a .pth, whose
// records have one each, and of a .safetensors file that this package wrote. It gives how many tensors have one. The
// error names the first tensor that is damaged.
func (f *File) Verify() (checked int, err error) {
	for _, t := range f.tensors {
		if t.DType.Size() == 0 || t.storage == nil {
			continue
		}
		if err := t.stream(func([]byte) error { return nil }); err != nil {
			return checked, err
		}
		if t.storage.crc != 0 {
			checked++
		}
	}
	return checked, nil
}

// Others are all that the file holds and this package does not load, each where it is first met.
func (f *File) Others() []Other { return f.others }

// sniffed is what the first bytes of files say that are often taken for a checkpoint.
var sniffed = []struct{ prefix, sentence string }{
	{"version https://git-lfs", "this is a Git LFS pointer, not the checkpoint itself: fetch that with git lfs pull"},
	{"\x1f\x8b", "this file is compressed with gzip: unpack it first"},
	{"BZh", "this file is compressed with bzip2: unpack it first"},
	{"\xfd7zXZ", "this file is compressed with xz: unpack it first"},
	{"\x28\xb5\x2f\xfd", "this file is compressed with zstd: unpack it first"},
	{"\x89HDF", "this is an HDF5 file, as Keras writes them, not a checkpoint of PyTorch"},
	{"<", "this is a web page, not a checkpoint: the download went wrong"},
}

// decode reads a checkpoint of size bytes.
func decode(r io.ReaderAt, size int64) (*File, error) {
	if size == 0 {
		return nil, errors.New("this file is empty")
	}
	start := make([]byte, min(size, 512))
	if _, err := r.ReadAt(start, 0); err != nil {
		return nil, readError(err)
	}
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return decodePickled(Zip, r, size, readZip)
	case len(start) > 8 && start[8] == '{' && [4]byte(start[4:8]) == [4]byte{}: // a length below 4 GB
		return readSafetensors(r, size)
	case start[0] == 0x80, bytes.HasPrefix(start, []byte("L"+magic.String()+"L\n")): // protocols 0 and 1 begin in text
		return decodePickled(Legacy, r, size, readLegacy)
	}
	for _, s := range sniffed {
		if bytes.HasPrefix(start, []byte(s.prefix)) {
			return nil, errors.New(s.sentence)
		}
	}
	if bytes.Contains(start, []byte("ustar")) {
		return nil, errors.New("this is a tar file, as PyTorch wrote before 2017: load it and save it again in PyTorch")
	}
	return nil, errors.New("this is no checkpoint: neither what torch.save writes nor safetensors")
}

// decodePickled finishes what the two formats of torch.save have in common.
func decodePickled(format Format, r io.ReaderAt, size int64, read func(io.ReaderAt, int64) (any, error)) (*File,
	error) {
	return finish(format, func() (any, error) { return read(r, size) })
}

func finish(format Format, read func() (any, error)) (*File, error) {
	raw, err := read()
	if err != nil {
		return nil, err
	}
	value, err := settle(raw)
	if err != nil {
		return nil, err
	}
	n := &namer{met: map[*Object]bool{}}
	if err := n.walk(value); err != nil {
		return nil, err
	}
	return &File{Format: format, value: value, tensors: n.tensors, others: n.others}, nil
}
