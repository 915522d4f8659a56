package nn

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Work is what one computation after the other is done with: goroutines that share
// every operation, as many as GOMAXPROCS, and their memory. It serves one goroutine at
// a time. Operations end early, with nothing of use, once Context has ended.
type Work struct {
	Context context.Context
	threads []*thread
	padded  Map // of a stem

	planes, panels, folded []float32 // of gradients
}

// NewWork is work on a number of threads at most; 0 means as many as GOMAXPROCS.
func NewWork(threads int) *Work {
	if most := runtime.GOMAXPROCS(0); threads < 1 || threads > most {
		threads = most
	}
	w := &Work{Context: context.Background()}
	for range threads {
		w.threads = append(w.threads, &thread{})
	}
	return w
}

// Free gives the memory of the work back, which does nothing any more.
func (w *Work) Free() {
	w.padded.Free()
	for _, x := range []*[]float32{&w.planes, &w.panels, &w.folded} {
		Free(*x)
		*x = nil
	}
}

// thread is what one of the goroutines has to itself. Arguments of kernels stand here
// because what is passed to a function variable would be allocated at every call.
type thread struct {
	product   product
	transform transform
	vectors   vectors
	left      []unsafe.Pointer
	tile      [rows * 64]float32
	floats    [4][]float32
}

// buffer number i of the thread's, at least n numbers long, with what it last held.
func (t *thread) buffer(i, n int) []float32 {
	if len(t.floats[i]) < n {
		t.floats[i] = Aligned(n)
	}
	return t.floats[i][:n]
}

// pointers are n of the thread's.
func (t *thread) pointers(n int) []unsafe.Pointer {
	if len(t.left) < n {
		t.left = make([]unsafe.Pointer, n)
	}
	return t.left[:n]
}

// each hands 0 to n-1 out to the threads, and ends when all are done or the context
// has ended.
func (w *Work) each(n int, work func(t *thread, i int)) {
	var taken atomic.Int64
	do := func(t *thread) {
		for i := int(taken.Add(1)) - 1; i < n && w.Context.Err() == nil; i = int(taken.Add(1)) - 1 {
			work(t, i)
		}
	}
	var group sync.WaitGroup
	for _, t := range w.threads[1:max(1, min(len(w.threads), n))] {
		group.Go(func() { do(t) })
	}
	do(w.threads[0])
	group.Wait()
}

// Aligned are n zeros that begin at a line of the cache.
func Aligned(n int) []float32 {
	const line = 64
	all := make([]float32, n+line/4)
	skip := -uintptr(unsafe.Pointer(&all[0])) % line / 4
	return all[skip : int(skip)+n : int(skip)+n]
}

// nothing stands for what lies outside of a map, as wide as the widest that there was.
var nothing atomic.Pointer[[]float32]

func init() {
	z := Aligned(4096)
	nothing.Store(&z)
}

// zero are n zeros, not to be written to.
func zero(n int) unsafe.Pointer {
	z := *nothing.Load()
	if len(z) < n {
		z = Aligned(n)
		nothing.Store(&z)
	}
	return unsafe.Pointer(&z[0])
}

var infinite = float32(math.Inf(-1))
