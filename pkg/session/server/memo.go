package server

import (
	"crypto/sha256"
	"fmt"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

// memo keeps the last answers: the cells of a notebook ask about one picture
// again and again. The zero value is ready for use.
type memo struct {
	recent[question, *attention.Explanation]
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
		if r.key.name() == name {
			return r.value
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
	a, _ := m.recent.get(q)
	return a
}

// put keeps an answer.
func (m *memo) put(q question, a *attention.Explanation) {
	m.recent.put(q, a, 4*(len(a.Weights)+len(a.Logits)), mostAnswers, mostNumbers)
}
