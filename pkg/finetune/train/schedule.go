package train

import (
	"fmt"
	"math"

	"github.com/gointr/gointr/pkg/finetune"
)

// checkSchedule says what cannot be followed.
func checkSchedule(s finetune.Schedule) error {
	switch s.Kind {
	case "", finetune.ConstantLR:
	case finetune.StepLR:
		if s.StepSize < 1 {
			return fmt.Errorf("StepLR cannot drop every %d epochs: lr_drop must be 1 at least", s.StepSize)
		}
	case finetune.CosineAnnealingLR:
		if s.TMax < 1 {
			return fmt.Errorf("a cosine over %d epochs cannot be followed: it needs 1 at least", s.TMax)
		}
	case finetune.OneCycleLR:
		if s.TotalSteps < 3 {
			return fmt.Errorf("one cycle needs 3 steps at least to go up and down, and it has %d", s.TotalSteps)
		}
	default:
		return fmt.Errorf("there is no schedule %q: choose ConstantLR, StepLR, CosineAnnealingLR or OneCycleLR", s.Kind)
	}
	return nil
}

// PyTorch's defaults for OneCycleLR.
const (
	cycleUp    = 0.3 // of the steps [pct_start]
	cycleStart = 25  // the first rate is the highest divided by this [div_factor]
	cycleEnd   = 1e4 // the last is the first divided by this [final_div_factor]
)

// rates are the learning rates of the optimizer's groups on their way.
type rates struct {
	finetune.Schedule
	base []float64 // of the groups, as set (of OneCycleLR: where it starts) [initial_lr]
	now  []float64
	last int // epochs (of OneCycleLR: steps) gone by [last_epoch]
}

func newRates(s finetune.Schedule, lrs ...float64) *rates {
	r := &rates{Schedule: s}
	if r.Kind == "" {
		r.Kind = finetune.ConstantLR
	}
	for _, lr := range lrs {
		if r.Kind == finetune.OneCycleLR {
			lr /= cycleStart
		}
		r.base = append(r.base, lr)
	}
	r.now = append(r.now, r.base...)
	if r.Kind == finetune.OneCycleLR {
		r.cycle()
	}
	return r
}

// perStep says whether the schedule moves with every step.
func (r *rates) perStep() bool { return r.Kind == finetune.OneCycleLR }

// step moves on by one epoch or step.
func (r *rates) step() {
	r.last++
	switch r.Kind {
	case finetune.StepLR:
		if r.last%r.StepSize == 0 {
			for i := range r.now {
				r.now[i] *= r.Gamma
			}
		}
	case finetune.CosineAnnealingLR:
		for i, lr := range r.now {
			if (r.last-1-r.TMax)%(2*r.TMax) == 0 { // the way back up begins
				r.now[i] = lr + (r.base[i]-r.EtaMin)*(1-math.Cos(math.Pi/float64(r.TMax)))/2
				continue
			}
			at := func(epoch int) float64 { return 1 + math.Cos(math.Pi*float64(epoch)/float64(r.TMax)) }
			r.now[i] = at(r.last)/at(r.last-1)*(lr-r.EtaMin) + r.EtaMin
		}
	case finetune.OneCycleLR:
		r.cycle()
	}
}

// cycle sets the rates of OneCycleLR, along a cosine up and another down. After
// its last step it stays where it is.
func (r *rates) cycle() {
	along := func(from, to, part float64) float64 { return to + (from-to)/2*(math.Cos(math.Pi*part)+1) }
	top := cycleUp*float64(r.TotalSteps) - 1
	end := float64(r.TotalSteps - 1)
	step := min(float64(r.last), end)
	for i, start := range r.base {
		highest, least := start*cycleStart, start/cycleEnd
		if step <= top {
			r.now[i] = along(start, highest, step/top)
		} else {
			r.now[i] = along(highest, least, (step-top)/(end-top))
		}
	}
}
