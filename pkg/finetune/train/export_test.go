package train

import "github.com/gointr/gointr/pkg/intr"

// Model is the model in training: it changes with every step.
func (t *Trainer) Model() *intr.Model { return t.model }

// Steps is how many steps the optimizer has made.
func (t *Trainer) Steps() int { return t.steps }

// LR are the learning rates that the next step takes: of all but the backbone, and of
// the backbone.
func (t *Trainer) LR() (lr, lrBackbone float64) { return t.lrs()[0], t.lrs()[1] }

var Slow = slow
