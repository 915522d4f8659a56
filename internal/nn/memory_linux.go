package nn

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is taken from the system in chunks that begin where pages of 2 MB do: the
// first touch of every small page takes longer than what is computed with it, and more
// of them are used in turn than the processor remembers.
const (
	hugePage  = 2 << 20
	chunkSize = 16 << 20
	large     = 4 << 20 // bytes from which on a piece of memory is a chunk by itself
)

// A chunk is memory that several pieces lie in.
type chunk struct {
	mapped       []byte // as the system gave it
	memory       []byte
	used, pieces int
}

var chunks struct {
	sync.Mutex
	all []*chunk // the last one is that which small pieces are taken from
}

// Allocate is n zeros that begin at a line of the cache. Free gives them back, or
// nothing does.
func Allocate(n int) []float32 {
	size := (n*4 + 63) / 64 * 64
	if size == 0 {
		return nil
	}
	chunks.Lock()
	defer chunks.Unlock()
	var c *chunk
	if last := len(chunks.all) - 1; size < large && last >= 0 {
		c = chunks.all[last]
	}
	if c == nil || c.used+size > len(c.memory) {
		if c = newChunk(size); c == nil {
			return Aligned(n)
		}
	}
	x := unsafe.Slice((*float32)(unsafe.Pointer(&c.memory[c.used])), size/4)
	c.used += size
	c.pieces++
	return x[:n:n]
}

// newChunk has room for size bytes at least; nil where the system gives none.
func newChunk(size int) *chunk {
	room := chunkSize
	if size >= large {
		room = (size + hugePage - 1) / hugePage * hugePage
	}
	mapped, err := unix.Mmap(-1, 0, room+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	skip := int(-uintptr(unsafe.Pointer(&mapped[0])) % hugePage)
	c := &chunk{mapped: mapped, memory: mapped[skip:][:room]}
	_ = unix.Madvise(c.memory, unix.MADV_HUGEPAGE) // it works without
	if size >= large {
		chunks.all = append([]*chunk{c}, chunks.all...)
	} else {
		chunks.all = append(chunks.all, c)
	}
	return c
}

// Free gives memory of Allocate back, which nobody uses any more.
func Free(x []float32) {
	if cap(x) == 0 {
		return
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	chunks.Lock()
	defer chunks.Unlock()
	for i, c := range chunks.all {
		begin := uintptr(unsafe.Pointer(&c.memory[0]))
		if at < begin || at >= begin+uintptr(len(c.memory)) {
			continue
		}
		if c.pieces--; c.pieces == 0 {
			_ = unix.Munmap(c.mapped)
			chunks.all = append(chunks.all[:i], chunks.all[i+1:]...)
		}
		return
	}
}
