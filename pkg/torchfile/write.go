package torchfile

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// WritePTH writes a value to a .pth file in the zip format of torch.save: the kinds of value that File.Value gives, and
// Go's int. PyTorch's load(weights_only=True) opens it unless it holds an Object. Every tensor is written in row-major
// order; those that show the same numbers share them. The file appears whole or not at all.
func WritePTH(path string, value any) error {
	name := filepath.Base(path)
	root := strings.TrimSuffix(name, filepath.Ext(name))
	if root == "" {
		root = "archive"
	}
	return wholefile.Write(path, func(w io.Writer) error { return writePTH(w, root, value) })
}

func writePTH(w io.Writer, root string, value any) error {
	p := &pickler{keys: map[shownNumbers]string{}}
	p.raw("\x80\x02") // protocol 2, as torch.save
	if err := p.value(value, 0); err != nil {
		return err
	}
	p.raw(".")
	z := &zipWriter{w: zip.NewWriter(w), root: root}
	z.text("data.pkl", string(p.out))
	z.text(".format_version", "1")
	z.text("byteorder", "little")
	for i, t := range p.tensors {
		z.record("data/"+strconv.Itoa(i), t.write)
	}
	z.text("version", "3\n")
	return z.close()
}

// zipWriter writes records as torch.save does: stored, not compressed, and each
// beginning at a multiple of 64 bytes so that it can be mapped into memory.
type zipWriter struct {
	w    *zip.Writer
	root string
	at   int64 // bytes written
	err  error
}

const alignment = 64

func (z *zipWriter) text(name, content string) {
	z.record(name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func (z *zipWriter) record(name string, write func(io.Writer) error) {
	if z.err != nil {
		return
	}
	name = z.root + "/" + name
	const localHeader, extraHeader, descriptor = 30, 4, 16
	begin := z.at + localHeader + int64(len(name)) + extraHeader
	padding := (alignment - begin%alignment) % alignment
	extra := make([]byte, extraHeader+padding)
	copy(extra, "FB") // the name that PyTorch gives its padding
	binary.LittleEndian.PutUint16(extra[2:], uint16(padding))
	record, err := z.w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Extra: extra})
	if err != nil {
		z.err = err
		return
	}
	counted := &counter{w: record}
	z.err = write(counted)
	z.at = begin + padding + counted.n + descriptor
	if counted.n > math.MaxUint32 {
		z.at += 8 // its descriptor has 64-bit sizes
	}
}

func (z *zipWriter) close() error {
	if z.err != nil {
		return z.err
	}
	return z.w.Close()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// shownNumbers tells tensors apart by the numbers that they show.
type shownNumbers struct {
	storage *storage
	dtype   DType
	view    string
}

// pickler writes protocol 2.
type pickler struct {
	out     []byte
	tensors []*Tensor // whose bytes become data/0, data/1, …
	keys    map[shownNumbers]string
}

func (p *pickler) raw(s string) { p.out = append(p.out, s...) }

func (p *pickler) global(module, name string) { p.raw("c" + module + "\n" + name + "\n") }

func (p *pickler) text(s string) {
	p.raw("X")
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(s)))
	p.raw(s)
}

func (p *pickler) integer(v int64) {
	switch {
	case v >= 0 && v < 1<<8:
		p.out = append(p.out, 'K', byte(v))
	case v >= 0 && v < 1<<16:
		p.out = binary.LittleEndian.AppendUint16(append(p.out, 'M'), uint16(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		p.out = binary.LittleEndian.AppendUint32(append(p.out, 'J'), uint32(v))
	default:
		p.out = binary.LittleEndian.AppendUint64(append(p.out, 0x8a, 8), uint64(v))
	}
}

func (p *pickler) boolean(v bool) {
	if v {
		p.raw("\x88")
	} else {
		p.raw("\x89")
	}
}

// value writes a value that lies depth deep.
func (p *pickler) value(value any, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	switch v := value.(type) {
	case nil:
		p.raw("N")
	case bool:
		p.boolean(v)
	case int:
		p.integer(int64(v))
	case int64:
		p.integer(v)
	case *big.Int:
		return p.big(v)
	case float64:
		p.out = binary.BigEndian.AppendUint64(append(p.out, 'G'), math.Float64bits(v))
	case string:
		p.text(v)
	case []byte:
		p.bytes(v)
	case List:
		p.raw("](")
		err := p.all(v, depth)
		p.raw("e")
		return err
	case Tuple:
		p.raw("(")
		err := p.all(v, depth)
		p.raw("t")
		return err
	case Set:
		p.global("__builtin__", "set")
		err := p.value(List(v), depth+1)
		p.raw("\x85R")
		return err
	case *Dict:
		return p.dict(v, depth)
	case *Object:
		if v.Class != Namespace {
			return fmt.Errorf("an object of class %s cannot be written", shown(v.Class))
		}
		p.global("argparse", "Namespace")
		p.raw(")\x81")
		err := p.dict(v.Fields, depth+1)
		p.raw("b")
		return err
	case DType:
		if v.Size() == 0 {
			return fmt.Errorf("the type %s cannot be written", shown(string(v)))
		}
		p.global("torch", string(v))
	case Device:
		p.global("torch", "device")
		p.text(string(v))
		p.raw("\x85R")
	case *Tensor:
		return p.tensor(v)
	default:
		return fmt.Errorf("%s cannot be written to a checkpoint", describe(value))
	}
	return nil
}

func (p *pickler) all(values []any, depth int) error {
	for _, v := range values {
		if err := p.value(v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// big writes an integer as two's complement, little-endian.
func (p *pickler) big(v *big.Int) error {
	n := v.BitLen()/8 + 1
	if n > 255 {
		return fmt.Errorf("an integer of %d bytes cannot be written", n)
	}
	complement := v
	if v.Sign() < 0 {
		complement = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	b := complement.FillBytes(make([]byte, n))
	slices.Reverse(b)
	p.out = append(p.out, 0x8a, byte(n))
	p.raw(string(b))
	return nil
}

// bytes are, in protocol 2, a text of Latin-1 that is encoded when it is read.
func (p *pickler) bytes(b []byte) {
	p.global("_codecs", "encode")
	text := make([]rune, len(b))
	for i, v := range b {
		text[i] = rune(v)
	}
	p.text(string(text))
	p.text("latin1")
	p.raw("\x86R")
}

func (p *pickler) dict(d *Dict, depth int) error {
	if d == nil {
		d = &Dict{}
	}
	if d.Ordered {
		p.global("collections", "OrderedDict")
		p.raw(")R")
	} else {
		p.raw("}")
	}
	p.raw("(")
	for i, key := range d.keys {
		if err := p.value(key, depth+1); err != nil {
			return err
		}
		if err := p.value(d.values[i], depth+1); err != nil {
			return err
		}
	}
	p.raw("u")
	if !d.Ordered || d.Attributes == nil {
		return nil
	}
	err := p.dict(d.Attributes, depth+1)
	p.raw("b")
	return err
}

func (p *pickler) tensor(t *Tensor) error {
	size := t.DType.Size()
	if size == 0 || t.storage == nil {
		return t.failed(t.refusal())
	}
	numbers := shownNumbers{t.storage, t.DType, fmt.Sprint(t.offset, t.Shape, t.strides)}
	key, known := p.keys[numbers]
	if !known {
		key = strconv.Itoa(len(p.tensors))
		p.keys[numbers] = key
		p.tensors = append(p.tensors, t)
	}
	if t.parameter {
		p.global("torch._utils", "_rebuild_parameter")
		p.raw("(")
	}
	// The newest types have no class of storage: bare bytes, and the type at the end.
	module, class, held, rebuild := "torch", t.DType.layout().storage, int64(t.Len()), "_rebuild_tensor_v2"
	bare := class == ""
	if bare {
		module, class, held, rebuild = "torch.storage", "UntypedStorage", held*int64(size), "_rebuild_tensor_v3"
	}
	p.global("torch._utils", rebuild)
	p.raw("((")
	p.text("storage")
	p.global(module, class)
	p.text(key)
	p.text("cpu")
	p.integer(held)
	p.raw("tQ")
	p.integer(0)
	for _, numbers := range [][]int64{int64s(t.Shape), rowMajor(int64s(t.Shape))} {
		p.raw("(")
		for _, n := range numbers {
			p.integer(n)
		}
		p.raw("t")
	}
	p.boolean(t.grad && !t.parameter)
	p.hooks()
	if bare {
		p.global("torch", string(t.DType))
	}
	p.raw("tR")
	if t.parameter {
		p.boolean(t.grad)
		p.hooks()
		p.raw("tR")
	}
	return nil
}

// hooks is the empty OrderedDict that stands for a tensor's backward hooks.
func (p *pickler) hooks() {
	p.global("collections", "OrderedDict")
	p.raw(")R")
}
