package train

import (
	"slices"
	"time"
)

// pace tells how long a training still takes, by its last batches and validations: reading and loading before the
// first batch, and what XLA compiles for some, are no measure of those to come.
type pace struct {
	last   time.Time // when the batch before was done; zero where something else came after it
	recent []float64 // seconds of the last batches
	rest   float64   // seconds of what an epoch has beside its batches, validation and saving; 0 before there was one
}

const (
	paceOver  = 32 // batches
	paceFrom  = 3  // fewer say nothing
	forwardIs = 3  // a step takes as long as so many answers
)

// batch notes that a batch was done.
func (p *pace) batch(now time.Time) {
	if !p.last.IsZero() {
		p.recent = append(p.recent, now.Sub(p.last).Seconds())
		p.recent = p.recent[max(0, len(p.recent)-paceOver):]
	}
	p.last = now
}

// epoch notes how long all else of an epoch took.
func (p *pace) epoch(rest time.Duration) { p.rest, p.last = rest.Seconds(), time.Time{} }

// left is how many seconds so many batches and ends of epochs take, each with the validation of as many pictures as so
// many batches have; 0 where it cannot be told yet.
func (p *pace) left(batches, epochs int, validation float64) float64 {
	if len(p.recent) < paceFrom {
		return 0
	}
	sorted := slices.Sorted(slices.Values(p.recent))
	each := sorted[len(sorted)/2]
	rest := p.rest
	if rest == 0 {
		rest = each / forwardIs * validation
	}
	return each*float64(batches) + rest*float64(epochs)
}
