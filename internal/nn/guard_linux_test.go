package nn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded are n numbers that end where memory begins that nobody may touch: a kernel
// that reads or writes beyond them ends the test.
func guarded(n int) []float32 {
	page := unix.Getpagesize()
	size := (n*4+page-1)/page*page + page
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	if err := unix.Mprotect(memory[size-page:], unix.PROT_NONE); err != nil {
		panic(err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[size-page-n*4])), n)
}
