package finetune

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/intr"
)

// Settings are how a model is trained. The names in brackets are those of the
// published scripts. Default gives the published values.
type Settings struct {
	Engine string `json:"engine"` // "auto" (or ""), "xla", "cuda" or "go"

	LR             float64  `json:"lr"`              // learning rate of all but the backbone [lr]
	LRBackbone     float64  `json:"lr_backbone"`     // learning rate of the backbone [lr_backbone]
	WeightDecay    float64  `json:"weight_decay"`    // of AdamW, decoupled [weight_decay]
	ClipMaxNorm    float64  `json:"clip_max_norm"`   // gradients are scaled down to this norm, all of them together; 0 leaves them [clip_max_norm]
	Dropout        float64  `json:"dropout"`         // in the transformer [dropout]
	LabelSmoothing float64  `json:"label_smoothing"` // of the cross-entropy, as torch.nn.functional.cross_entropy has it
	Schedule       Schedule `json:"schedule"`
	WarmUp         int      `json:"warm_up"` // steps over which the learning rates rise linearly to what the schedule says

	// Frozen are the parts that keep their weights, of Parts and of "backbone",
	// which is all of its parts.
	Frozen []string `json:"frozen"`
	// TrainBatchNorm has the backbone normalise with the statistics of the batch,
	// and trains BatchNorm's weights and biases, as a ResNet is trained from
	// nothing. The running statistics become the frozen ones, so that nothing is
	// left to fold at the end.
	TrainBatchNorm bool `json:"train_batchnorm"`
	// Recompute saves memory and costs time: what a layer computed on the way is
	// computed again where its gradient needs it.
	Recompute bool `json:"recompute"`

	BatchSize  int `json:"batch_size"` // pictures of a step and a device's worth of room; a smaller batch is filled up [batch_size]
	Accumulate int `json:"accumulate"` // batches whose gradients make one step; 0 is 1
	// Canvas is what the sides of a compiled graph's canvas are multiples of, in
	// pixels: larger means fewer compilations and more computing on nothing. 0 has
	// every size compiled. The pure-Go engine compiles nothing and ignores it.
	Canvas  int   `json:"canvas"`
	Devices int   `json:"devices"` // that share every batch; 0 is 1 [world_size]
	Seed    int64 `json:"seed"`    // of dropout [seed]
}

// Default are the settings of the published scripts: frozen stem and layer1, as
// in DETR, a batch of 12, StepLR with a drop after 80 epochs.
func Default() Settings {
	return Settings{
		LR: 5e-5, LRBackbone: 1e-5, WeightDecay: 1e-6, ClipMaxNorm: 0.1, Dropout: 0.1,
		Schedule:  Schedule{Kind: StepLR, StepSize: 80, Gamma: 0.1},
		Frozen:    []string{"stem", "layer1"},
		BatchSize: 12, Canvas: 128, Seed: 42,
	}
}

// Parts are what can be frozen, from the pixels to the logits.
var Parts = []string{"stem", "layer1", "layer2", "layer3", "layer4", "positions", "input_proj", "encoder", "decoder", "queries", "presence"}

const backboneParts = 6 // the first of Parts

// partOf names the part that a PyTorch key belongs to.
func partOf(key string) string {
	const body = "backbone.0.body."
	switch rest, inBody := strings.CutPrefix(key, body); {
	case inBody && strings.HasPrefix(rest, "layer"):
		return rest[:len("layer1")]
	case inBody:
		return "stem"
	case strings.HasPrefix(key, "backbone.1."):
		return "positions"
	case strings.HasPrefix(key, "transformer.encoder."):
		return "encoder"
	case strings.HasPrefix(key, "transformer.decoder."):
		return "decoder"
	case strings.HasPrefix(key, "query_embed."):
		return "queries"
	case strings.HasPrefix(key, "presence_vector."):
		return "presence"
	}
	return "input_proj"
}

// isBatchNorm tells BatchNorm's four vectors, which are buffers in PyTorch.
func isBatchNorm(key string) bool {
	return strings.Contains(key, ".bn") || strings.Contains(key, ".downsample.1.")
}

// A param is one trained tensor.
type param struct {
	intr.Param
	group int // of the optimizer: 0 trains at LR, 1 (the backbone) at LRBackbone
}

// trained are the tensors that the settings train, in the order of the published
// optimizer: all but the backbone, then the backbone, each as named_parameters
// has them.
func (s Settings) trained(c intr.Config) ([]param, error) {
	frozen := map[string]bool{}
	for _, part := range s.Frozen {
		switch {
		case part == "backbone":
			for _, p := range Parts[:backboneParts] {
				frozen[p] = true
			}
		case slices.Contains(Parts, part):
			frozen[part] = true
		default:
			return nil, fmt.Errorf("there is no part %q to freeze: choose among backbone, %s", part, strings.Join(Parts, ", "))
		}
	}
	var params []param
	for group := range 2 {
		for _, p := range intr.Params(c) {
			backbone := strings.HasPrefix(p.Key, "backbone.")
			if backbone != (group == 1) || frozen[partOf(p.Key)] {
				continue
			}
			if isBatchNorm(p.Key) && (!s.TrainBatchNorm || strings.Contains(p.Key, ".running_")) {
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

func (s Settings) check() error {
	switch {
	case s.BatchSize < 1:
		return fmt.Errorf("a batch of %d pictures cannot be trained on: batch_size must be 1 at least", s.BatchSize)
	case s.Dropout < 0 || s.Dropout >= 1:
		return fmt.Errorf("a dropout of %v leaves nothing to train: it must be at least 0 and below 1", s.Dropout)
	case s.LabelSmoothing < 0 || s.LabelSmoothing > 1:
		return fmt.Errorf("a label smoothing of %v is none: it lies between 0 and 1", s.LabelSmoothing)
	case s.LR < 0 || s.LRBackbone < 0 || s.WeightDecay < 0 || s.ClipMaxNorm < 0:
		return fmt.Errorf("lr %v, lr_backbone %v, weight_decay %v and clip_max_norm %v must not be negative", s.LR, s.LRBackbone, s.WeightDecay, s.ClipMaxNorm)
	case s.Canvas < 0 || s.Accumulate < 0 || s.WarmUp < 0 || s.Devices < 0:
		return fmt.Errorf("the canvas (%d), accumulated batches (%d), warm-up steps (%d) and devices (%d) must not be negative", s.Canvas, s.Accumulate, s.WarmUp, s.Devices)
	}
	return s.Schedule.check()
}
