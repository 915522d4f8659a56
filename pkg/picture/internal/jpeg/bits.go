package jpeg

import "encoding/binary"

// bits reads entropy-coded data: the bytes between two markers, a zero after each 0xFF left out.
type bits struct {
	data []byte
	at   int    // the next byte to load
	acc  uint64 // the next bit is the highest
	n    int    // bits in acc, padding among them
	pad  int    // zeros added after the data's end

	ended bool // the file's end came before a marker
}

// fill makes at least 48 bits available; past a marker or the end they are zeros.
func (b *bits) fill() {
	if b.at+8 <= len(b.data) {
		v := binary.BigEndian.Uint64(b.data[b.at:])
		if (^v-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is 0xFF
			b.acc |= v >> uint(b.n&63)
			whole := (63 - b.n) >> 3
			b.at += whole
			b.n += whole * 8
			return
		}
	}
	for b.n <= 56 {
		c, ok := b.next()
		if !ok {
			b.pad += 64 - b.n
			b.n = 64
			return
		}
		b.acc |= uint64(c) << uint(56-b.n)
		b.n += 8
	}
}

// next is the next byte of data; false at a marker, which is not passed, and at the end. Many 0xFF before a zero are
// one, as for libjpeg.
func (b *bits) next() (byte, bool) {
	at := b.at
	if at < len(b.data) && b.data[at] != 0xFF {
		b.at++
		return b.data[at], true
	}
	for at < len(b.data) && b.data[at] == 0xFF {
		at++
	}
	if at >= len(b.data) {
		b.ended = true
		return 0, false
	}
	if b.data[at] != 0 {
		return 0, false
	}
	b.at = at + 1
	return 0xFF, true
}

// overrun is whether padding was read as if it were data.
func (b *bits) overrun() bool { return b.n < b.pad }

// take reads n bits, 0 to 16.
func (b *bits) take(n int) int32 {
	if b.n < n {
		b.fill()
	}
	v := int32(b.acc >> 1 >> uint(63-n))
	b.acc <<= uint(n)
	b.n -= n
	return v
}

// signed reads the n bits of a number of that magnitude category.
func (b *bits) signed(n int) int32 { return extend(b.take(n), n) }

func extend(v int32, n int) int32 {
	if n > 0 && v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v
}

// drop forgets what is loaded, up to the next marker.
func (b *bits) drop() { *b = bits{data: b.data, at: b.at} }

// nextMarker passes bytes up to and including the next marker; 0 at the data's end.
func (b *bits) nextMarker() byte {
	for ; b.at+1 < len(b.data); b.at++ {
		if m := b.data[b.at+1]; b.data[b.at] == 0xFF && m != 0 && m != 0xFF {
			b.at += 2
			return m
		}
	}
	b.at = len(b.data)
	return 0
}
