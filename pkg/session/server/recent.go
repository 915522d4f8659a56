package server

import "sync"

// recent keeps the values that were asked for last, by key. The zero value is ready for use.
type recent[K comparable, V any] struct {
	mu   sync.Mutex
	kept []remembered[K, V] // the least recently asked for first
}

type remembered[K comparable, V any] struct {
	key   K
	value V
	bytes int
}

// get gives a value that is kept.
func (r *recent[K, V]) get(key K) (value V, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, one := range r.kept {
		if one.key == key {
			copy(r.kept[i:], r.kept[i+1:])
			r.kept[len(r.kept)-1] = one
			return one.value, true
		}
	}
	return value, false
}

// put keeps a value of so many bytes, and lets the oldest ones go for it: at most so many stay, and so many bytes.
func (r *recent[K, V]) put(key K, value V, bytes, most, mostBytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, remembered[K, V]{key, value, bytes})
	sum := 0
	for i := len(r.kept) - 1; i >= 0; i-- {
		sum += r.kept[i].bytes
		if sum > mostBytes || len(r.kept)-i > most {
			clear(r.kept[:i+1])
			r.kept = r.kept[i+1:]
			return
		}
	}
}

// forget gives the memory back.
func (r *recent[K, V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = nil
}
