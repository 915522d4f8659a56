package train

import (
	"math"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Now().Add(-time.Hour)
	batch := func(seconds float64) {
		now = now.Add(time.Duration(seconds * float64(time.Second)))
		p.batch(now)
	}
	near := func(want float64, batches, epochs int) {
		t.Helper()
		if got := p.left(batches, epochs, 6); math.Abs(got-want) > 1e-6 {
			t.Errorf("%d batches and %d ends of epochs take %v s, not %v", batches, epochs, got, want)
		}
	}
	batch(600) // ten minutes of reading and compiling
	batch(2)
	batch(90) // another shape
	near(0, 100, 2)
	batch(2)
	near(100*2+2*6*2./3, 100, 2) // validation by its pictures
	p.epoch(10 * time.Second)
	now = now.Add(10 * time.Second)
	batch(300) // a pause is not a batch
	batch(2)
	near(50*2+10, 50, 1)
	for range 100 { // the machine has become slower
		batch(5)
	}
	near(50*5+10, 50, 1)
	if len(p.recent) != paceOver {
		t.Errorf("%d batches are remembered", len(p.recent))
	}
}
