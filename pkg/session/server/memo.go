package server

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// memo keeps the last answers: the cells of a notebook ask about one picture
// again and again. The zero value is ready for use.
type memo struct {
	mu   sync.Mutex
	kept []remembered // the least recently asked for first
}

type remembered struct {
	question
	answer *attention.Explanation
}

// question is what an answer depends on.
type question struct {
	key
	maps          bool
	width, height int
	pixels        [sha256.Size]byte
}

func asked(k key, maps bool, p *picture.Picture) question {
	return question{k, maps, p.Width, p.Height, sha256.Sum256(p.Pix)}
}

// name is by which a caller names an answer that is kept.
func (q question) name() string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q %t %d %d %x", q.key, q.maps, q.width, q.height,
		q.pixels)))
}

// named gives an answer that is kept by its name, or nil.
func (m *memo) named(name string) *attention.Explanation {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.kept {
		if r.question.name() == name {
			return r.answer
		}
	}
	return nil
}

// How many answers are kept, and how many bytes of numbers: that of one picture
// with 200 classes has 32 MB.
const (
	mostAnswers = 16
	mostNumbers = 256 << 20
)

// get gives an answer that is kept, or nil.
func (m *memo) get(q question) *attention.Explanation {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, r := range m.kept {
		if r.question == q {
			copy(m.kept[i:], m.kept[i+1:])
			m.kept[len(m.kept)-1] = r
			return r.answer
		}
	}
	return nil
}

// put keeps an answer, and lets the oldest ones go for it.
func (m *memo) put(q question, a *attention.Explanation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, remembered{q, a})
	bytes := 0
	for i := len(m.kept) - 1; i >= 0; i-- {
		bytes += 4 * (len(m.kept[i].answer.Weights) + len(m.kept[i].answer.Logits))
		if bytes > mostNumbers || len(m.kept)-i > mostAnswers {
			clear(m.kept[:i+1])
			m.kept = m.kept[i+1:]
			return
		}
	}
}

// forget gives the memory back.
func (m *memo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = nil
}
