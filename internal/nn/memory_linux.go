package nn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// large is from how many numbers on memory is the system's own, in pages of 2 MB
// where it has some: the first touch of every small page takes longer than what is
// computed with it.
const large = 1 << 18

// Allocate is n zeros that Free gives back, or nothing does.
func Allocate(n int) []float32 {
	if n < large {
		return Aligned(n)
	}
	const huge = 2 << 20
	size := (n*4 + huge - 1) / huge * huge
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return Aligned(n)
	}
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // slower without
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), size/4)[:n]
}

// Free gives memory of Allocate back, which nobody uses any more.
func Free(x []float32) {
	if cap(x) >= large {
		x = x[:cap(x)]
		_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*4)) // an error: it is Go's memory
	}
}
