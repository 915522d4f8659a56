package torchfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"unicode/utf8"
)

// The unpickler reads the binary opcodes of pickle protocols 2 to 5 (Python's
// Lib/pickletools.py describes each). It builds plain values only: a global of
// the file is looked up in the tables of globals.go, and nothing is ever called
// that is not there.

// maxValues is how many values one pickle may make. A checkpoint of the size of
// GPT-3 needs fewer; a file that needs more would fill the memory from a byte each.
const maxValues = 1 << 23

// maxLong is the longest integer that is read, in bytes.
const maxLong = 255

// global is a class or function named by the file and known here.
type global string

// sequence is a list, tuple or set while it may still grow.
type sequence struct {
	kind    kind
	items   []any
	busy    bool // being settled
	settled any
}

type kind int

const (
	list kind = iota
	tuple
	set
)

// reader hands out the bytes of one stretch of a file; every length that the
// file claims is compared with what is left of it.
type reader struct {
	buffered  *bufio.Reader
	src       io.ReaderAt
	pos, left int64
}

func newReader(r io.ReaderAt, off, size int64) *reader {
	return &reader{bufio.NewReaderSize(io.NewSectionReader(r, off, size), 64<<10), r, off, size}
}

// skip passes over n bytes without reading them.
func (r *reader) skip(n int64) error {
	if n < 0 || n > r.left {
		return errShort
	}
	r.pos += n
	r.left -= n
	if n <= int64(r.buffered.Buffered()) {
		_, err := r.buffered.Discard(int(n))
		return err
	}
	r.buffered.Reset(io.NewSectionReader(r.src, r.pos, r.left))
	return nil
}

var errShort = errors.New("the file is cut short: copy or download it again")

func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(r.left) {
		return nil, errShort
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.buffered, b); err != nil {
		return nil, errShort
	}
	r.pos += int64(n)
	r.left -= int64(n)
	return b, nil
}

// number reads a little-endian unsigned integer of n bytes, 8 at most.
func (r *reader) number(n int) (uint64, error) {
	if int64(n) > r.left {
		return 0, errShort
	}
	var v uint64
	for i := range n {
		b, err := r.buffered.ReadByte()
		if err != nil {
			return 0, errShort
		}
		v |= uint64(b) << (8 * i)
	}
	r.pos += int64(n)
	r.left -= int64(n)
	return v, nil
}

// line reads up to a line feed, which it drops.
func (r *reader) line() (string, error) {
	b, err := r.buffered.ReadSlice('\n')
	if err != nil {
		return "", errors.New("a name in it has no end")
	}
	r.pos += int64(len(b))
	r.left -= int64(len(b))
	return string(b[:len(b)-1]), nil
}

// counted reads a length of n bytes and as many bytes as it says.
func (r *reader) counted(n int) ([]byte, error) {
	length, err := r.number(n)
	if err != nil {
		return nil, err
	}
	return r.take(length)
}

type unpickler struct {
	*reader
	stack  []any
	marks  []int // lengths of the stack
	memo   map[uint64]any
	values int
	// persistent gives what a persistent id stands for: torch.save writes
	// storages so. nil where there are none.
	persistent func(id []any) (any, error)
}

// unpickle reads one pickle, up to its STOP.
func unpickle(r *reader, persistent func(id []any) (any, error)) (any, error) {
	u := &unpickler{reader: r, memo: map[uint64]any{}, persistent: persistent}
	for {
		at := r.pos
		op, err := r.number(1)
		if err != nil {
			return nil, err
		}
		if op == '.' {
			v, err := u.pop()
			if err != nil {
				return nil, damaged(at, err)
			}
			return v, nil
		}
		if err := u.step(byte(op)); err != nil {
			return nil, damaged(at, err)
		}
	}
}

// damaged adds the place to an error, except to those where the place says nothing.
func damaged(at int64, err error) error {
	var refused *refusedError
	if errors.Is(err, errShort) || errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("its pickle is damaged at byte %d: %w", at, err)
}

// spend counts what an opcode makes, so that a few bytes that copy one large
// value again and again come to an end.
func (u *unpickler) spend(values int) error {
	u.values += values
	if u.values > maxValues {
		return fmt.Errorf("it makes more than %d values", maxValues)
	}
	return nil
}

// perValue is how many bytes of a text that is copied or hashed again count as
// one value.
const perValue = 64

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return u.spend(1)
}

// floor is the part of the stack under the last mark, which opcodes without a
// mark must leave alone.
func (u *unpickler) floor() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

var errStack = errors.New("its stack is empty")

func (u *unpickler) pop() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errStack
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errStack
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes everything above the last mark, and the mark.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("it lacks a mark")
	}
	return u.popTo(u.floor(), true), nil
}

func (u *unpickler) popTo(at int, mark bool) []any {
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	if mark {
		u.marks = u.marks[:len(u.marks)-1]
	}
	return items
}

func (u *unpickler) pushText(b []byte, err error) error {
	if err != nil {
		return err
	}
	s, err := text(b)
	if err != nil {
		return err
	}
	return u.push(s)
}

func (u *unpickler) pushBytes(b []byte, err error) error {
	if err != nil {
		return err
	}
	return u.push(b)
}

func (u *unpickler) pushInt(v uint64, err error) error {
	if err != nil {
		return err
	}
	return u.push(int64(v))
}

func (u *unpickler) pushLong(sizeBytes int) error {
	n, err := u.number(sizeBytes)
	if err != nil {
		return err
	}
	if n > maxLong {
		return fmt.Errorf("it claims an integer of %d bytes", n)
	}
	b, err := u.take(n)
	if err != nil {
		return err
	}
	return u.push(decodeLong(b))
}

// decodeLong reads a two's complement little-endian integer: int64 where it
// fits, *big.Int where not.
func decodeLong(b []byte) any {
	n := len(b)
	be := make([]byte, n)
	for i, v := range b {
		be[n-1-i] = v
	}
	v := new(big.Int).SetBytes(be)
	if n > 0 && be[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	if v.IsInt64() {
		return v.Int64()
	}
	return v
}

// text checks that b is what Python writes for a str: UTF-8 that may hold lone
// surrogates (file names that are no UTF-8 are kept so).
func text(b []byte) (string, error) {
	for rest := b; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			if len(rest) < 3 || rest[0] != 0xED || rest[1] < 0xA0 || rest[1] > 0xBF || rest[2]&0xC0 != 0x80 {
				return "", errors.New("a text in it is not UTF-8")
			}
			size = 3
		}
		rest = rest[size:]
	}
	return string(b), nil
}

func (u *unpickler) put(index uint64, err error) error {
	if err != nil {
		return err
	}
	v, err := u.top()
	if err != nil {
		return err
	}
	u.memo[index] = v
	return nil
}

func (u *unpickler) get(index uint64, err error) error {
	if err != nil {
		return err
	}
	v, ok := u.memo[index]
	if !ok {
		return fmt.Errorf("it takes value %d from its memo, which was never put there", index)
	}
	return u.push(v)
}

func (u *unpickler) pushTuple(n int) error {
	if len(u.stack)-n < u.floor() {
		return errStack
	}
	return u.push(&sequence{kind: tuple, items: u.popTo(len(u.stack)-n, false)})
}

func (u *unpickler) pushMarked(k kind) error {
	items, err := u.popMark()
	if err != nil {
		return err
	}
	return u.push(&sequence{kind: k, items: items})
}

// extend appends items to the list or set on top of the stack.
func (u *unpickler) extend(k kind, items []any) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	s, ok := v.(*sequence)
	if !ok || s.kind != k {
		return fmt.Errorf("it appends to %s", describe(v))
	}
	s.items = append(s.items, items...)
	return nil
}

// setItems puts keys and values, in turns, into the dict on top of the stack.
func (u *unpickler) setItems(items []any) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return fmt.Errorf("it sets an item of %s", describe(v))
	}
	return u.fill(d, items)
}

func (u *unpickler) fill(d *Dict, items []any) error {
	if len(items)%2 != 0 {
		return errors.New("a dict in it has a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		if err := u.set(d, items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpickler) copyInto(d, from *Dict) error {
	for key, value := range from.All() {
		if err := u.set(d, key, value); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpickler) set(d *Dict, key, value any) error {
	cost := 1
	switch k := key.(type) {
	case string:
		cost += len(k) / perValue
	case []byte:
		cost += len(k) / perValue
	case *sequence, Tuple:
		cost += 16
	}
	if err := u.spend(cost); err != nil {
		return err
	}
	return d.set(key, value)
}

// construct is REDUCE and NEWOBJ: for the few classes of the table they are the same.
func (u *unpickler) construct() error {
	args, err := u.pop()
	if err != nil {
		return err
	}
	callee, err := u.pop()
	if err != nil {
		return err
	}
	name, ok := callee.(global)
	if !ok {
		return fmt.Errorf("it calls %s", describe(callee))
	}
	seq, ok := args.(*sequence)
	if !ok || seq.kind != tuple {
		return fmt.Errorf("it calls %s with %s for arguments", name, describe(args))
	}
	construct, ok := constructors[name]
	if !ok {
		return fmt.Errorf("it calls %s", name)
	}
	v, err := construct(u, seq.items)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return u.push(v)
}

func (u *unpickler) pushGlobal(module, name string) error {
	v, err := lookup(module, name)
	if err != nil {
		return err
	}
	return u.push(v)
}

func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		version, err := u.number(1)
		if err == nil && version > 5 {
			err = fmt.Errorf("its protocol %d is newer than 5", version)
		}
		return err
	case 0x95: // FRAME: its length is of use to who reads ahead
		_, err := u.number(8)
		return err

	case '(': // MARK
		if len(u.marks) >= maxValues {
			return errors.New("it has too many marks")
		}
		u.marks = append(u.marks, len(u.stack))
		return nil
	case '0': // POP, also of a mark
		if len(u.marks) > 0 && u.floor() == len(u.stack) {
			_, err := u.popMark()
			return err
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		if err != nil {
			return err
		}
		return u.push(v)
	case 'q': // BINPUT
		return u.put(u.number(1))
	case 'r': // LONG_BINPUT
		return u.put(u.number(4))
	case 0x94: // MEMOIZE
		return u.put(uint64(len(u.memo)), nil)
	case 'h': // BINGET
		return u.get(u.number(1))
	case 'j': // LONG_BINGET
		return u.get(u.number(4))

	case 'N':
		return u.push(nil)
	case 0x88:
		return u.push(true)
	case 0x89:
		return u.push(false)
	case 'K': // BININT1
		return u.pushInt(u.number(1))
	case 'M': // BININT2
		return u.pushInt(u.number(2))
	case 'J': // BININT, the signed one
		v, err := u.number(4)
		return u.pushInt(uint64(int32(v)), err)
	case 0x8a: // LONG1
		return u.pushLong(1)
	case 0x8b: // LONG4
		return u.pushLong(4)
	case 'G': // BINFLOAT, big-endian
		b, err := u.take(8)
		if err != nil {
			return err
		}
		return u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 'X': // BINUNICODE
		return u.pushText(u.counted(4))
	case 0x8c: // SHORT_BINUNICODE
		return u.pushText(u.counted(1))
	case 0x8d: // BINUNICODE8
		return u.pushText(u.counted(8))
	case 'U', 'T': // SHORT_BINSTRING, BINSTRING: a str of Python 2, which may be bytes
		n := 1
		if op == 'T' {
			n = 4
		}
		b, err := u.counted(n)
		if err != nil {
			return err
		}
		if utf8.Valid(b) {
			return u.push(string(b))
		}
		return u.push(b)
	case 'C': // SHORT_BINBYTES
		return u.pushBytes(u.counted(1))
	case 'B': // BINBYTES
		return u.pushBytes(u.counted(4))
	case 0x8e, 0x96: // BINBYTES8, BYTEARRAY8
		return u.pushBytes(u.counted(8))

	case ')': // EMPTY_TUPLE
		return u.pushTuple(0)
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		return u.pushTuple(int(op - 0x84))
	case 't': // TUPLE
		return u.pushMarked(tuple)
	case ']': // EMPTY_LIST
		return u.push(&sequence{kind: list})
	case 'l': // LIST
		return u.pushMarked(list)
	case 0x8f: // EMPTY_SET
		return u.push(&sequence{kind: set})
	case 0x91: // FROZENSET
		return u.pushMarked(set)
	case '}': // EMPTY_DICT
		return u.push(&Dict{})
	case 'd': // DICT
		items, err := u.popMark()
		if err != nil {
			return err
		}
		d := &Dict{}
		if err := u.fill(d, items); err != nil {
			return err
		}
		return u.push(d)
	case 'a': // APPEND
		v, err := u.pop()
		if err != nil {
			return err
		}
		return u.extend(list, []any{v})
	case 'e', 0x90: // APPENDS, ADDITEMS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		if op == 'e' {
			return u.extend(list, items)
		}
		return u.extend(set, items)
	case 's': // SETITEM
		if len(u.stack)-2 < u.floor() {
			return errStack
		}
		return u.setItems(u.popTo(len(u.stack)-2, false))
	case 'u': // SETITEMS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.setItems(items)

	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushGlobal(module, name)
	case 0x93: // STACK_GLOBAL
		name, err := u.pop()
		if err != nil {
			return err
		}
		module, err := u.pop()
		if err != nil {
			return err
		}
		m, ok1 := module.(string)
		n, ok2 := name.(string)
		if !ok1 || !ok2 {
			return errors.New("it names a class by something that is no text")
		}
		return u.pushGlobal(m, n)
	case 'R', 0x81: // REDUCE, NEWOBJ
		return u.construct()
	case 0x92: // NEWOBJ_EX
		kwargs, err := u.pop()
		if err != nil {
			return err
		}
		if d, ok := kwargs.(*Dict); !ok || d.Len() > 0 {
			return errors.New("it makes an object with keyword arguments")
		}
		return u.construct()
	case 'b': // BUILD
		state, err := u.pop()
		if err != nil {
			return err
		}
		v, err := u.top()
		if err != nil {
			return err
		}
		return u.build(v, state)
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		seq, ok := id.(*sequence)
		if !ok || seq.kind != tuple || u.persistent == nil {
			return errors.New("it holds a persistent id that is none of a storage")
		}
		v, err := u.persistent(seq.items)
		if err != nil {
			return err
		}
		return u.push(v)
	}
	return fmt.Errorf("opcode 0x%02x is none that torch.save writes", op)
}
