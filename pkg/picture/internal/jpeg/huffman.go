package jpeg

// lookBits is the longest code that one look-up resolves.
const lookBits = 10

// endOfBlock is the run that ends a block; it is longer than any.
const endOfBlock = 80

// huffman decodes one table's symbols.
type huffman struct {
	look    [1 << lookBits]uint16 // symbol | length<<8; length 0: the code is longer
	whole   [1 << lookBits]int32  // value<<16 | run<<8 | bits of code and value; 0: not within lookBits
	last    [18]int32             // by length: one past the last code, left-aligned to 16 bits
	offset  [17]int32             // by length: index of the first symbol minus the first code
	symbols []byte
	broken  bool // it has more codes than there are
}

// newHuffman builds a table from the numbers of codes of length 1 to 16.
func newHuffman(counts, symbols []byte) *huffman {
	h := &huffman{symbols: append([]byte(nil), symbols...)}
	code, index := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = index - code
		for range counts[length-1] {
			if code+1 >= 1<<length { // ones alone are no code
				h.broken = true
				return h
			}
			if length <= lookBits {
				first := code << (lookBits - length)
				for i := range int32(1) << (lookBits - length) {
					h.look[first+i] = uint16(h.symbols[index]) | uint16(length)<<8
				}
			}
			code++
			index++
		}
		h.last[length] = code << (16 - length)
		code <<= 1
	}
	h.last[17] = 1 << 30
	for i := range h.whole {
		entry := int(h.look[i])
		length, run, size := entry>>8, entry>>4&15, entry&15
		if length > 0 && entry&255 == 0 {
			h.whole[i] = int32(endOfBlock<<8 | length)
		}
		if length == 0 || size == 0 || length+size > lookBits {
			continue
		}
		v := int32(i>>(lookBits-length-size)) & (1<<size - 1)
		h.whole[i] = extend(v, size)<<16 | int32(run<<8) | int32(length+size)
	}
	return h
}

// symbol reads one code. A code that the table lacks reads as 0, as in libjpeg.
func (b *bits) symbol(h *huffman) int {
	if b.n < 17 {
		b.fill()
	}
	if entry := h.look[b.acc>>(64-lookBits)]; entry != 0 {
		b.acc <<= entry >> 8
		b.n -= int(entry >> 8)
		return int(entry & 255)
	}
	return b.longSymbol(h)
}

func (b *bits) longSymbol(h *huffman) int {
	top := int32(b.acc >> 48)
	length := 1
	for top >= h.last[length] {
		length++
	}
	if length > 16 {
		b.acc <<= 17
		b.n -= 17
		return 0
	}
	b.acc <<= uint(length)
	b.n -= length
	return int(h.symbols[top>>(16-length)+h.offset[length]])
}
