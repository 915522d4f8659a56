package codec

import (
	"math/bits"
	"strings"
)

// The codes of T.4 for runs of 0, 1, … 63 pixels, then of 64, 128, … 1728, then, of both colours, 1792, … 2560.
const (
	faxWhite = `
		00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 101010
		101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010
		00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001
		00101010 00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100
		01010101 00100100 00100101 01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011
		00110100 11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100
		011001101 011010010 011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010
		011011011 010011000 010011001 010011010 011000 010011011`
	faxBlack = `
		0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111
		000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000
		00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001
		000001101010 000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111
		000001101100 000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111
		000001100100 000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111
		000000101000 000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111
		0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100
		0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011
		0000001110100 0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100
		0000001010101 0000001011010 0000001011011 0000001100100 0000001100101`
	faxLong = `
		00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110
		000000010111 000000011100 000000011101 000000011110 000000011111`
)

// faxBits are the most that a code has.
const faxBits = 13

// faxCode is what the next bits mean: a run or, of lines that lean on the one above, a mode; length 0 is no code.
type faxCode struct {
	value  int16
	length uint8
}

type faxTable [1 << faxBits]faxCode

func (t *faxTable) add(code string, value int) {
	first := 0
	for _, bit := range code {
		first = first<<1 | int(bit-'0')
	}
	free := faxBits - len(code)
	for i := range 1 << free {
		t[first<<free|i] = faxCode{int16(value), uint8(len(code))}
	}
}

// The modes of T.4's table 4; a vertical one is how far to the right of the change above.
const (
	faxPass, faxHorizontal = 10, 11
)

var faxRuns, faxModes = func() (runs [2]*faxTable, modes *faxTable) {
	for color, codes := range []string{faxWhite, faxBlack} {
		runs[color] = new(faxTable)
		for i, code := range strings.Fields(codes + faxLong) {
			run := i
			if i > 63 {
				run = (i - 63) * 64
			}
			runs[color].add(code, run)
		}
	}
	modes = new(faxTable)
	for i, code := range strings.Fields("0000010 000010 010 1 011 000011 0000011") {
		modes.add(code, i-3)
	}
	modes.add("0001", faxPass)
	modes.add("001", faxHorizontal)
	return runs, modes
}()

// fax reads codes of T.4 and T.6, the first bit highest.
type fax struct {
	data []byte
	at   int // in bits
}

// peek is the next 13 bits, zero past the end.
func (f *fax) peek() int {
	v := 0
	for i := range 3 {
		v <<= 8
		if k := f.at/8 + i; k < len(f.data) {
			v |= int(f.data[k])
		}
	}
	return v << (f.at % 8) & (1<<24 - 1) >> (24 - faxBits)
}

func (f *fax) ended() bool { return f.at >= len(f.data)*8 }

// next is the next code, false where there is none.
func (f *fax) next(t *faxTable) (int, bool) {
	c := t[f.peek()]
	f.at += int(c.length)
	return int(c.value), c.length > 0 && f.at <= len(f.data)*8
}

// run is the length of a run of one colour.
func (f *fax) run(color int) (int, bool) {
	length := 0
	for {
		n, ok := f.next(faxRuns[color])
		length += n
		if !ok || n < 64 {
			return length, ok
		}
	}
}

// skipToLine passes the next end of a line, of at least eleven zeros and a one, false where none comes.
func (f *fax) skipToLine() bool {
	zeros := 0
	for ; !f.ended(); f.at++ {
		one := f.data[f.at/8]>>(7-f.at%8)&1 == 1
		switch {
		case !one:
			zeros++
		case zeros >= 11:
			f.at++
			return true
		default:
			zeros = 0
		}
	}
	return false
}

// faxOptions are how lines begin and whether they lean on the line above.
type faxOptions struct {
	lineEnds, mixed, alone, aligned bool
	// lineEnds: each line follows an end-of-line code (Group 3); mixed: a bit after it says which of both a line is;
	// alone: no line leans on another; aligned: lines begin with bytes.
}

// expandFax fills rows of width pixels, a bit each, 1 is black. A damaged line ends where the damage is, as in
// libtiff; what is missing altogether is an error.
func expandFax(data []byte, width int, o faxOptions, to []uint8) error {
	f := &fax{data: data}
	stride := (width + 7) / 8
	above := []int{} // where colours change, white before the first
	for ; len(to) >= stride && stride > 0; to = to[stride:] {
		if f.ended() {
			return errTruncated
		}
		if o.aligned && !o.lineEnds {
			f.at = (f.at + 7) &^ 7
		}
		alone := o.alone
		if o.lineEnds {
			if !f.skipToLine() {
				return errTruncated
			}
			if o.mixed {
				alone = f.peek()>>(faxBits-1) == 1
				f.at++
			}
		}
		changes, ok := f.line(above, width, alone)
		if !ok && !o.lineEnds && !o.alone {
			return damaged("TIFF", "its fax lines")
		}
		for i := 0; i < len(changes); i += 2 {
			end := width
			if i+1 < len(changes) {
				end = changes[i+1]
			}
			faxBlacken(to, changes[i], end)
		}
		above = changes
	}
	return nil
}

// line reads one line: where its colour changes, in order, and whether it was whole.
func (f *fax) line(above []int, width int, alone bool) (changes []int, ok bool) {
	x, color := 0, 0
	change := func(to int) {
		x, color = min(max(to, x), width), 1-color
		changes = append(changes, x)
	}
	for x < width || len(changes) == 0 {
		mode := faxHorizontal
		if !alone {
			if mode, ok = f.next(faxModes); !ok {
				return changes, false
			}
		}
		b1, b2 := faxAbove(above, x, len(changes) > 0, color, width)
		switch {
		case mode == faxPass:
			x = b2
		case mode == faxHorizontal:
			for range 2 {
				n, ok := f.run(color)
				change(x + n)
				if !ok {
					return changes, false
				}
				if alone && x >= width {
					break
				}
			}
		default:
			change(b1 + mode)
		}
		if x >= width {
			break
		}
	}
	return changes, true
}

// faxAbove are the first change of the line above to the right of x that is to the other colour, and the next.
func faxAbove(above []int, x int, begun bool, color, width int) (b1, b2 int) {
	i := color
	for i < len(above) && (above[i] < x || above[i] == x && (begun || x > 0)) {
		i += 2
	}
	b1, b2 = width, width
	if i < len(above) {
		b1 = above[i]
	}
	if i+1 < len(above) {
		b2 = above[i+1]
	}
	return b1, b2
}

func faxBlacken(row []uint8, from, to int) {
	for x := from; x < to; x++ {
		row[x/8] |= 0x80 >> (x % 8)
	}
}

func reverseBits(from []byte) []byte {
	to := make([]byte, len(from))
	for i, b := range from {
		to[i] = bits.Reverse8(b)
	}
	return to
}
