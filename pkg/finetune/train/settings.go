package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
)

const backboneParts = 6 // the first of Parts

// A param is one trained tensor.
type param struct {
	intr.Param
	group int // of the optimizer: 0 trains at LR, 1 (the backbone) at LRBackbone
}

// trained are the tensors that the settings train, in the order of the published
// optimizer: all but the backbone, then the backbone, each as named_parameters
// has them.
func trained(s finetune.Settings, c intr.Config) ([]param, error) {
	frozen := map[string]bool{}
	for _, part := range s.Frozen {
		switch {
		case part == "backbone":
			for _, p := range finetune.Parts[:backboneParts] {
				frozen[p] = true
			}
		case slices.Contains(finetune.Parts, part):
			frozen[part] = true
		default:
			return nil, fmt.Errorf("there is no part %q to freeze: choose among backbone, %s", part,
				strings.Join(finetune.Parts, ", "))
		}
	}
	var params []param
	for group := range 2 {
		for _, p := range intr.Params(c) {
			backbone := strings.HasPrefix(p.Key, "backbone.")
			if backbone != (group == 1) || frozen[p.Part()] {
				continue
			}
			if p.BatchNorm() && (!s.TrainBatchNorm || strings.Contains(p.Key, ".running_")) {
				continue
			}
			params = append(params, param{p, group})
		}
	}
	if len(params) == 0 {
		return nil, fmt.Errorf("nothing is left to train: every part is frozen")
	}
	return params, nil
}

// finite is an error where one of the numbers, each behind its name, is none that can be computed with.
func finite(named ...any) error {
	for i := 0; i < len(named); i += 2 {
		if v := named[i+1].(float64); v-v != 0 {
			return fmt.Errorf("%s of %v is no number to train with", named[i], v)
		}
	}
	return nil
}

func check(s finetune.Settings) error {
	if err := finite("lr", s.LR, "lr_backbone", s.LRBackbone, "weight_decay", s.WeightDecay, "clip_max_norm",
		s.ClipMaxNorm, "dropout", s.Dropout, "label_smoothing", s.LabelSmoothing, "min_lr", s.Schedule.EtaMin, "gamma",
		s.Schedule.Gamma); err != nil {
		return err
	}
	switch {
	case s.BatchSize < 1:
		return fmt.Errorf("a batch of %d pictures cannot be trained on: batch_size must be 1 at least", s.BatchSize)
	case s.Dropout < 0 || s.Dropout >= 1:
		return fmt.Errorf("a dropout of %v leaves nothing to train: it must be at least 0 and below 1", s.Dropout)
	case s.LabelSmoothing < 0 || s.LabelSmoothing > 1:
		return fmt.Errorf("a label smoothing of %v is none: it lies between 0 and 1", s.LabelSmoothing)
	case s.LR < 0 || s.LRBackbone < 0 || s.WeightDecay < 0 || s.ClipMaxNorm < 0:
		return fmt.Errorf("lr %v, lr_backbone %v, weight_decay %v and clip_max_norm %v must not be negative", s.LR,
			s.LRBackbone, s.WeightDecay, s.ClipMaxNorm)
	case s.Canvas < 0 || s.Accumulate < 0 || s.WarmUp < 0 || s.Devices < 0:
		return fmt.Errorf(
			"the canvas (%d), accumulated batches (%d), warm-up steps (%d) and devices (%d) must not be negative",
			s.Canvas, s.Accumulate, s.WarmUp, s.Devices)
	}
	return checkSchedule(s.Schedule)
}
