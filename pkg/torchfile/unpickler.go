package torchfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The unpickler reads the opcodes of pickle protocols 0 to 5 (Python's Lib/pickletools.py describes each). It
// builds plain values only: a global of the file is looked up in the tables of globals.go, and nothing is ever called
// that is not there.

// maxValues is how many values one pickle may make. A checkpoint of the size of
// GPT-3 needs fewer; a file that needs more would fill the memory from a byte each.
const maxValues = 1 << 23

// maxLong is the longest integer that is read, in bytes.
const maxLong = 4 << 10

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
	b, err := r.buffered.ReadBytes('\n')
	if err != nil {
		return "", errShort
	}
	r.pos += int64(len(b))
	r.left -= int64(len(b))
	return string(b[:len(b)-1]), nil
}

type unpickler struct {
	*reader
	err    error // the first of the opcode at work; what it makes after that is dropped
	stack  []any
	marks  []int // lengths of the stack
	memo   map[uint64]any
	values int
	// persistent gives what a persistent id stands for: torch.save writes storages so. nil where there are none.
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
		if op == '.' { // STOP
			v := u.pop()
			return v, damaged(at, u.err)
		}
		do := opcodes[op]
		if do == nil {
			return nil, damaged(at, fmt.Errorf("opcode 0x%02x is none that torch.save writes", op))
		}
		if do(u); u.err != nil {
			return nil, damaged(at, u.err)
		}
	}
}

// opcodes are those that torch.save has ever written, by their byte.
var opcodes = [256]func(u *unpickler){
	0x80: (*unpickler).protocol,                // PROTO
	0x95: func(u *unpickler) { u.unsigned(8) }, // FRAME: its length is of use to who reads ahead

	'(':  (*unpickler).mark,                                            // MARK
	'0':  (*unpickler).discard,                                         // POP
	'1':  func(u *unpickler) { u.popMark() },                           // POP_MARK
	'2':  func(u *unpickler) { u.push(u.top()) },                       // DUP
	'q':  func(u *unpickler) { u.memo[u.unsigned(1)] = u.top() },       // BINPUT
	'r':  func(u *unpickler) { u.memo[u.unsigned(4)] = u.top() },       // LONG_BINPUT
	0x94: func(u *unpickler) { u.memo[uint64(len(u.memo))] = u.top() }, // MEMOIZE
	'h':  func(u *unpickler) { u.recall(u.unsigned(1)) },               // BINGET
	'j':  func(u *unpickler) { u.recall(u.unsigned(4)) },               // LONG_BINGET

	'N':  func(u *unpickler) { u.push(nil) },                         // NONE
	0x88: func(u *unpickler) { u.push(true) },                        // NEWTRUE
	0x89: func(u *unpickler) { u.push(false) },                       // NEWFALSE
	'K':  func(u *unpickler) { u.push(int64(u.unsigned(1))) },        // BININT1
	'M':  func(u *unpickler) { u.push(int64(u.unsigned(2))) },        // BININT2
	'J':  func(u *unpickler) { u.push(int64(int32(u.unsigned(4)))) }, // BININT
	0x8a: func(u *unpickler) { u.long(1) },                           // LONG1
	0x8b: func(u *unpickler) { u.long(4) },                           // LONG4
	'G':  (*unpickler).float,                                         // BINFLOAT
	'X':  func(u *unpickler) { u.text(4) },                           // BINUNICODE
	0x8c: func(u *unpickler) { u.text(1) },                           // SHORT_BINUNICODE
	0x8d: func(u *unpickler) { u.text(8) },                           // BINUNICODE8
	'U':  func(u *unpickler) { u.oldText(1) },                        // SHORT_BINSTRING
	'T':  func(u *unpickler) { u.oldText(4) },                        // BINSTRING
	'C':  func(u *unpickler) { u.push(u.counted(1)) },                // SHORT_BINBYTES
	'B':  func(u *unpickler) { u.push(u.counted(4)) },                // BINBYTES
	0x8e: func(u *unpickler) { u.push(u.counted(8)) },                // BINBYTES8
	0x96: func(u *unpickler) { u.push(u.counted(8)) },                // BYTEARRAY8

	')':  func(u *unpickler) { u.push(&sequence{kind: tuple}) }, // EMPTY_TUPLE
	0x85: func(u *unpickler) { u.collect(tuple, u.popN(1)) },    // TUPLE1
	0x86: func(u *unpickler) { u.collect(tuple, u.popN(2)) },    // TUPLE2
	0x87: func(u *unpickler) { u.collect(tuple, u.popN(3)) },    // TUPLE3
	't':  func(u *unpickler) { u.collect(tuple, u.popMark()) },  // TUPLE
	']':  func(u *unpickler) { u.push(&sequence{kind: list}) },  // EMPTY_LIST
	'l':  func(u *unpickler) { u.collect(list, u.popMark()) },   // LIST
	0x8f: func(u *unpickler) { u.push(&sequence{kind: set}) },   // EMPTY_SET
	0x91: func(u *unpickler) { u.collect(set, u.popMark()) },    // FROZENSET
	'}':  func(u *unpickler) { u.push(&Dict{}) },                // EMPTY_DICT
	'd':  (*unpickler).dict,                                     // DICT
	'a':  func(u *unpickler) { u.extend(list, u.popN(1)) },      // APPEND
	'e':  func(u *unpickler) { u.extend(list, u.popMark()) },    // APPENDS
	0x90: func(u *unpickler) { u.extend(set, u.popMark()) },     // ADDITEMS
	's':  func(u *unpickler) { u.setItems(u.popN(2)) },          // SETITEM
	'u':  func(u *unpickler) { u.setItems(u.popMark()) },        // SETITEMS

	'c':  (*unpickler).global,       // GLOBAL
	0x93: (*unpickler).stackGlobal,  // STACK_GLOBAL
	'R':  (*unpickler).construct,    // REDUCE
	0x81: (*unpickler).construct,    // NEWOBJ
	0x92: (*unpickler).constructKey, // NEWOBJ_EX
	'b':  (*unpickler).state,        // BUILD
	'i':  (*unpickler).instance,     // INST
	'o':  (*unpickler).object,       // OBJ
	'Q':  (*unpickler).storage,      // BINPERSID
	'P':  (*unpickler).textStorage,  // PERSID

	'p': func(u *unpickler) { u.memo[uint64(u.decimal())] = u.top() }, // PUT
	'g': func(u *unpickler) { u.recall(uint64(u.decimal())) },         // GET
	'I': (*unpickler).textInteger,                                     // INT
	'L': (*unpickler).textInteger,                                     // LONG
	'F': (*unpickler).textFloat,                                       // FLOAT
	'S': (*unpickler).textString,                                      // STRING
	'V': (*unpickler).textUnicode,                                     // UNICODE

	0x82: func(u *unpickler) { u.extension(1) }, // EXT1
	0x83: func(u *unpickler) { u.extension(2) }, // EXT2
	0x84: func(u *unpickler) { u.extension(4) }, // EXT4
	0x97: (*unpickler).elsewhere,                // NEXT_BUFFER
	0x98: (*unpickler).elsewhere,                // READONLY_BUFFER
}

// damaged adds the place to an error, except where that says nothing.
func damaged(at int64, err error) error {
	if err == nil || errors.Is(err, errShort) || errors.Is(err, errElsewhere) {
		return err
	}
	return fmt.Errorf("its pickle is damaged at byte %d: %w", at, err)
}

// spend counts what an opcode makes, so that a few bytes that copy one large value again and again come to an end.
func (u *unpickler) spend(values int) error {
	u.values += values
	if u.values > maxValues {
		return fmt.Errorf("it makes more than %d values", maxValues)
	}
	return nil
}

// perValue is how many bytes of a text that is copied or hashed again count as one value.
const perValue = 64

// fail keeps the first error of an opcode, if err is one.
func (u *unpickler) fail(err error) {
	if u.err == nil {
		u.err = err
	}
}

// unsigned reads a little-endian unsigned integer of n bytes.
func (u *unpickler) unsigned(n int) uint64 {
	v, err := u.number(n)
	u.fail(err)
	return v
}

// counted reads a length of n bytes and as many bytes as it says.
func (u *unpickler) counted(n int) []byte {
	b, err := u.take(u.unsigned(n))
	u.fail(err)
	return b
}

func (u *unpickler) push(v any) {
	u.stack = append(u.stack, v)
	u.fail(u.spend(1))
}

// floor is the part of the stack under the last mark, which opcodes without a mark must leave alone.
func (u *unpickler) floor() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

// top is the value on top of the stack, nil in an error.
func (u *unpickler) top() any {
	if len(u.stack) <= u.floor() {
		u.fail(errors.New("its stack is empty"))
		return nil
	}
	return u.stack[len(u.stack)-1]
}

func (u *unpickler) pop() any {
	v := u.top()
	if u.err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v
}

// popN takes the n values on top of the stack, nil in an error.
func (u *unpickler) popN(n int) []any {
	at := len(u.stack) - n
	if at < u.floor() {
		u.fail(errors.New("its stack is empty"))
		return nil
	}
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items
}

// popMark takes everything above the last mark, and the mark.
func (u *unpickler) popMark() []any {
	if len(u.marks) == 0 {
		u.fail(errors.New("it lacks a mark"))
		return nil
	}
	items := u.popN(len(u.stack) - u.floor())
	u.marks = u.marks[:len(u.marks)-1]
	return items
}

func (u *unpickler) protocol() {
	if version := u.unsigned(1); version > 5 {
		u.fail(fmt.Errorf("its protocol %d is newer than 5", version))
	}
}

func (u *unpickler) mark() {
	if len(u.marks) >= maxValues {
		u.fail(errors.New("it has too many marks"))
		return
	}
	u.marks = append(u.marks, len(u.stack))
}

// discard takes the top of the stack away, be it a value or a mark.
func (u *unpickler) discard() {
	if len(u.marks) > 0 && u.floor() == len(u.stack) {
		u.popMark()
		return
	}
	u.pop()
}

func (u *unpickler) recall(index uint64) {
	v, ok := u.memo[index]
	if !ok {
		u.fail(fmt.Errorf("it takes value %d from its memo, which was never put there", index))
	}
	u.push(v)
}

// long reads an integer whose length has n bytes.
func (u *unpickler) long(n int) {
	length := u.unsigned(n)
	if length > maxLong {
		u.fail(fmt.Errorf("it claims an integer of %d bytes", length))
		return
	}
	b, err := u.take(length)
	u.fail(err)
	u.push(decodeLong(b))
}

// float reads a big-endian float64.
func (u *unpickler) float() {
	b, err := u.take(8)
	if err != nil {
		u.fail(err)
		return
	}
	u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// text reads a str whose length has n bytes.
func (u *unpickler) text(n int) {
	s, err := text(u.counted(n))
	u.fail(err)
	u.push(s)
}

// oldText reads a str of Python 2, which may be bytes.
func (u *unpickler) oldText(n int) {
	if b := u.counted(n); utf8.Valid(b) {
		u.push(string(b))
	} else {
		u.push(b)
	}
}

// decodeLong reads a two's complement little-endian integer: int64 where it fits, *big.Int where not.
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

func (u *unpickler) collect(k kind, items []any) { u.push(&sequence{kind: k, items: items}) }

// extend appends items to the list or set on top of the stack.
func (u *unpickler) extend(k kind, items []any) {
	v := u.top()
	if _, ok := v.(*Object); ok { // a list of a class of its own: its items are not kept
		return
	}
	s, ok := v.(*sequence)
	if !ok || s.kind != k {
		u.fail(fmt.Errorf("it appends to %s", describe(v)))
		return
	}
	s.items = append(s.items, items...)
}

// dict makes one of the keys and values above the mark.
func (u *unpickler) dict() {
	d := &Dict{}
	u.fail(u.fill(d, u.popMark()))
	u.push(d)
}

// setItems puts keys and values, in turns, into the dict on top of the stack.
func (u *unpickler) setItems(items []any) {
	v := u.top()
	if o, ok := v.(*Object); ok {
		v = o.Fields
	}
	d, ok := v.(*Dict)
	if !ok {
		u.fail(fmt.Errorf("it sets an item of %s", describe(v)))
		return
	}
	u.fail(u.fill(d, items))
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

// global reads the name of a class or function, two lines.
func (u *unpickler) global() {
	module, err := u.line()
	u.fail(err)
	name, err := u.line()
	u.fail(err)
	u.pushGlobal(module, name)
}

// stackGlobal takes such a name from the stack.
func (u *unpickler) stackGlobal() {
	name, ok1 := u.pop().(string)
	module, ok2 := u.pop().(string)
	if !ok1 || !ok2 {
		u.fail(errors.New("it names a class by something that is no text"))
	}
	u.pushGlobal(module, name)
}

func (u *unpickler) pushGlobal(module, name string) {
	u.push(lookup(module, name))
}

// construct is REDUCE and NEWOBJ: for what is known the two are the same.
func (u *unpickler) construct() {
	args, callee := u.pop(), u.pop()
	seq, ok := args.(*sequence)
	if !ok || seq.kind != tuple {
		u.fail(fmt.Errorf("it calls %s with %s for arguments", describe(callee), describe(args)))
		return
	}
	u.pushMade(callee, seq.items)
}

func (u *unpickler) pushMade(callee any, args []any) {
	v, err := u.make(callee, args)
	u.fail(err)
	u.push(v)
}

// constructKey is construct with keyword arguments, which nothing known has: what is made with some is an Object.
func (u *unpickler) constructKey() {
	d, ok := u.pop().(*Dict)
	if !ok {
		u.fail(errors.New("it makes an object with keyword arguments that are no dict"))
		return
	}
	if d.Len() == 0 {
		u.construct()
		return
	}
	u.pop()
	callee := u.pop()
	name, ok := callee.(global)
	if !ok {
		u.fail(fmt.Errorf("it calls %s", describe(callee)))
		return
	}
	u.push(newObject(string(name)))
}

// instance makes an object of the class on the next two lines, with what lies above the mark.
func (u *unpickler) instance() {
	args := u.popMark()
	u.global()
	u.pushMade(u.pop(), args)
}

// object makes one of the class that lies first above the mark, with what follows.
func (u *unpickler) object() {
	items := u.popMark()
	if len(items) == 0 {
		u.fail(errors.New("it makes an object of no class"))
		return
	}
	u.pushMade(items[0], items[1:])
}

// state gives the object on top of the stack what lies above it.
func (u *unpickler) state() {
	state := u.pop()
	u.fail(u.build(u.top(), state))
}

// storage pushes what a persistent id stands for.
func (u *unpickler) storage() {
	id, ok := u.pop().(*sequence)
	if !ok || id.kind != tuple {
		u.fail(errID)
		return
	}
	u.pushStorage(id.items)
}

func (u *unpickler) pushStorage(id []any) {
	if len(id) == 4 && id[0] == "module" { // the older format: the class of a module, and the text of its program
		u.push(id[1])
		return
	}
	if u.persistent == nil {
		u.fail(errID)
		return
	}
	v, err := u.persistent(id)
	u.fail(err)
	u.push(v)
}

var errID = errors.New("it holds a persistent id that is none of a storage")

// Protocol 0 writes an id as Python shows it.
var shownModule = regexp.MustCompile(`^\('module', <class '([^']+)'>, `)
var shownStorage = regexp.MustCompile(`^\('storage', <class '([\w.]+)'>, '(\w+)', '([\w:]+)', (\d{1,18})(?:, None)?\)$`)

func (u *unpickler) textStorage() {
	line, err := u.line()
	u.fail(err)
	if m := shownModule.FindStringSubmatch(line); m != nil {
		u.push(global(m[1]))
		return
	}
	m := shownStorage.FindStringSubmatch(line)
	if m == nil {
		u.fail(errID)
		return
	}
	held, _ := strconv.ParseInt(m[4], 10, 64) // digits that fit
	dot := strings.LastIndexByte(m[1], '.')
	u.pushStorage([]any{"storage", lookup(m[1][:max(dot, 0)], m[1][dot+1:]), m[2], m[3], held})
}

// decimal reads the number of a place in the memo, a line.
func (u *unpickler) decimal() uint32 {
	line, err := u.line()
	u.fail(err)
	v, err := strconv.ParseUint(line, 10, 32)
	if err != nil {
		u.fail(errors.New("a place in its memo is no number"))
	}
	return uint32(v)
}

// textInteger reads an integer, a line, or a truth value as protocol 0 writes it.
func (u *unpickler) textInteger() {
	line, err := u.line()
	u.fail(err)
	if line == "00" || line == "01" {
		u.push(line == "01")
		return
	}
	digits := strings.TrimSuffix(line, "L")
	v, ok := new(big.Int), false
	if len(digits) <= maxLong {
		v, ok = v.SetString(digits, 10)
	}
	switch {
	case !ok:
		u.fail(errors.New("an integer in it is none"))
	case v.IsInt64():
		u.push(v.Int64())
	default:
		u.push(v)
	}
}

func (u *unpickler) textFloat() {
	line, err := u.line()
	u.fail(err)
	v, err := strconv.ParseFloat(line, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		u.fail(errors.New("a number in it is none"))
	}
	u.push(v)
}

// textString reads a str of Python 2 between quotes, with its escapes.
func (u *unpickler) textString() {
	line, err := u.line()
	u.fail(err)
	n := len(line)
	if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
		u.fail(errors.New("a text in it lacks its quotes"))
		return
	}
	var out []byte
	for rest := line[1 : n-1]; rest != ""; {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			u.fail(errors.New("a text in it has an escape that is none"))
			return
		}
		if multibyte {
			out = utf8.AppendRune(out, r)
		} else {
			out = append(out, byte(r))
		}
		rest = tail
	}
	if utf8.Valid(out) {
		u.push(string(out))
	} else {
		u.push(out)
	}
}

// textUnicode reads a str as protocol 0 writes it: Latin-1 with \uXXXX and \UXXXXXXXX.
func (u *unpickler) textUnicode() {
	line, err := u.line()
	u.fail(err)
	var out []byte
	for at := 0; at < len(line); at++ {
		r, digits := rune(line[at]), 0
		if r == '\\' && at+1 < len(line) {
			digits = map[byte]int{'u': 4, 'U': 8}[line[at+1]]
		}
		if digits > 0 {
			v, err := strconv.ParseUint(line[at+2:min(at+2+digits, len(line))], 16, 32)
			if err != nil || at+2+digits > len(line) {
				u.fail(errors.New("a text in it has an escape that is none"))
				return
			}
			r, at = rune(v), at+1+digits
		}
		if utf16.IsSurrogate(r) { // alone, as in the other protocols
			out = append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	u.push(string(out))
}

// extension stands for a class by a number that the program which wrote the file had given it.
func (u *unpickler) extension(n int) {
	u.push(global(fmt.Sprintf("copyreg.extension_%d", u.unsigned(n))))
}

var errElsewhere = errors.New("parts of it were pickled out of band, into another file: save it again with torch.save")

func (u *unpickler) elsewhere() { u.fail(errElsewhere) }
