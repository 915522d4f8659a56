// Package parallel shares work among the processor's cores.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Do runs work on every core; next hands out 0 to n-1, each once, and then false.
func Do(n int, work func(next func() (int, bool))) { DoOn(runtime.GOMAXPROCS(0), n, work) }

// Each is Do where the cores share nothing but their numbers.
func Each(n int, work func(i int)) {
	Do(n, func(next func() (int, bool)) {
		for i, ok := next(); ok; i, ok = next() {
			work(i)
		}
	})
}

// DoOn is Do on a number of cores at most, for work that takes memory.
func DoOn(cores, n int, work func(next func() (int, bool))) {
	var taken atomic.Int64
	next := func() (int, bool) {
		i := int(taken.Add(1)) - 1
		return i, i < n
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), cores, n) - 1 {
		group.Go(func() { work(next) })
	}
	work(next)
	group.Wait()
}
