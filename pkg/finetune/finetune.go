// Package finetune is a training in words and numbers: what is asked for, and how it
// goes. It links no compute engine, so that a cell can ask for a training at once;
// package finetune/train does the work.
package finetune

import "errors"

// Options are a whole training: what it starts from, on which pictures, and how.
// They are kept as RUN/config.json. The names in brackets, and in the file, are
// those of the published scripts where these have them.
type Options struct {
	// From is the checkpoint to start from: a path, the name of a published one or
	// "hf:OWNER/REPO/FILE" [finetune]. Nothing starts from random weights.
	From string `json:"finetune"`
	// Weights are those of a checkpoint that holds several: "plain", "ema" or where they stand; "" is the plain ones.
	Weights string `json:"weights,omitempty"`
	// Resume is a checkpoint of the published scripts, with optimizer and schedule,
	// to go on with instead [resume].
	Resume    string  `json:"resume,omitempty"`
	NoiseFrac float64 `json:"noise_frac"` // of queries that are copies of others [noise_frac]

	// folder with train/CLASS/* and val/CLASS/* [dataset_path/dataset_name]
	Dataset string `json:"dataset"`
	Queries int    `json:"num_queries,omitempty"` // 0 is one a class; anything else is refused [num_queries]
	// pixels of the short side in evaluation, training's sizes being in proportion; 0 is what the
	// checkpoint says, or 800 as published
	Size    int    `json:"eval_size,omitempty"`
	Augment string `json:"augment,omitempty"`     // what training does to pictures: Published ("") or Flip
	Upright bool   `json:"upright,omitempty"`     // turn pictures as their files say, here and wherever it answers
	SkipBad bool   `json:"skip_bad,omitempty"`    // leave out pictures that cannot be read
	Workers int    `json:"num_workers,omitempty"` // pictures decoded at a time; 0 is one a core [num_workers]

	Validation string `json:"test,omitempty"`        // the dataset's folder for validation; "" is val [test]
	StartEpoch int    `json:"start_epoch,omitempty"` // the first epoch's number [start_epoch]
	// KeepEvery keeps a numbered checkpoint (checkpoint0079.pth) every so many epochs, and at the end; 0 keeps none.
	// In the published scripts it is lr_drop, whatever the schedule.
	KeepEvery   int  `json:"keep_every,omitempty"`
	Epochs      int  `json:"epochs"`                // [epochs]
	TensorBoard bool `json:"tensorboard,omitempty"` // writes event files, too

	Settings
}

// Nothing is the Options.From of random weights.
const Nothing = "nothing"

// What training does to pictures.
const (
	Published = "published" // mirrors half of them, resizes at random, crops half of them: DETR's transform
	// mirrors half of them, and sees all of them at the size of evaluation: for small pictures,
	// whose telling parts a crop would lose
	Flip = "flip"
)

// Default are the options of the published scripts.
func Default() Options {
	o := Options{From: "detr-r50", NoiseFrac: 0.1, Epochs: 140, Settings: DefaultSettings()}
	o.Canvas = 0 // as suits the size of the pictures
	return o
}

// FromNothing are options for a small network with random weights on small
// pictures: they are mirrored and not cropped, everything is trained, BatchNorm with the statistics of the batches,
// in one cycle of the learning rates.
func FromNothing() Options {
	o := Default()
	o.From, o.Size, o.Augment, o.Epochs, o.BatchSize, o.Frozen, o.TrainBatchNorm = Nothing, 128, Flip, 16, 32, nil, true
	o.LR, o.LRBackbone, o.Schedule = 1e-3, 1e-3, Schedule{Kind: OneCycleLR}
	return o
}

// Settings are how a model is trained. The names in brackets are those of the
// published scripts. DefaultSettings gives the published values.
type Settings struct {
	Engine string `json:"engine"` // "auto" (or ""), "xla", "cuda" or "go"

	LR          float64 `json:"lr"`           // learning rate of all but the backbone [lr]
	LRBackbone  float64 `json:"lr_backbone"`  // learning rate of the backbone [lr_backbone]
	WeightDecay float64 `json:"weight_decay"` // of AdamW, decoupled [weight_decay]
	// gradients are scaled down to this norm, all of them together; 0 leaves them [clip_max_norm]
	ClipMaxNorm float64 `json:"clip_max_norm"`
	Dropout     float64 `json:"dropout"` // in the transformer [dropout]
	// of the cross-entropy, as torch.nn.functional.cross_entropy has it
	LabelSmoothing float64  `json:"label_smoothing"`
	Schedule       Schedule `json:"schedule"`
	// steps over which the learning rates rise linearly to what the schedule says
	WarmUp int `json:"warm_up"`

	// Frozen are the parts that keep their weights, of Parts and of "backbone", all of its.
	Frozen []string `json:"frozen"`
	// TrainBatchNorm has the backbone normalise with the statistics of the batch, and
	// trains BatchNorm's weights and biases. The running statistics become the frozen ones.
	TrainBatchNorm bool `json:"train_batchnorm"`
	BFloat16       bool `json:"bfloat16,omitempty"` // multiplies matrices in bfloat16, as torch.autocast does
	// Recompute computes again what a gradient needs of a layer: less memory, more time.
	Recompute bool `json:"recompute"`

	// pictures of a step and a device's worth of room; a smaller batch is filled up [batch_size]
	BatchSize  int `json:"batch_size"`
	Accumulate int `json:"accumulate"` // batches whose gradients make one step; 0 is 1
	// Canvas is what the sides of a compiled graph's canvas are multiples of, in
	// pixels: larger means fewer compilations and more computing on nothing. 0 has
	// every size compiled. The pure-Go engine compiles nothing and ignores it.
	Canvas  int   `json:"canvas"`
	Devices int   `json:"devices"` // that share every batch; 0 is 1 [world_size]
	Seed    int64 `json:"seed"`    // of dropout [seed]
}

// DefaultSettings are the settings of the published scripts: frozen stem and layer1, as
// in DETR, a batch of 12, StepLR with a drop after 80 epochs.
func DefaultSettings() Settings {
	return Settings{
		LR: 5e-5, LRBackbone: 1e-5, WeightDecay: 1e-6, ClipMaxNorm: 0.1, Dropout: 0.1,
		Schedule:  Schedule{Kind: StepLR, StepSize: 80, Gamma: 0.1},
		Frozen:    []string{"stem", "layer1"},
		BatchSize: 12, Canvas: 128, Seed: 42,
	}
}

// Parts are what can be frozen, from the pixels to the logits.
var Parts = []string{
	"stem", "layer1", "layer2", "layer3", "layer4", "positions",
	"input_proj", "encoder", "decoder", "queries", "presence",
}

// The schedules, by PyTorch's names.
const (
	ConstantLR        = "ConstantLR"        // the learning rates stay
	StepLR            = "StepLR"            // times Gamma every StepSize epochs [lr_drop]
	CosineAnnealingLR = "CosineAnnealingLR" // down to EtaMin over TMax epochs along a cosine
	OneCycleLR        = "OneCycleLR"        // up to the learning rates and far below, once, over TotalSteps steps
)

// Schedule is how the learning rates change [lr_scheduler]. They are computed as
// PyTorch does, from one value to the next, so that rounding is the same.
// OneCycleLR moves with every step of the optimizer, the others when an epoch ends.
type Schedule struct {
	Kind       string  `json:"kind"`                  // "" is ConstantLR
	StepSize   int     `json:"lr_drop,omitempty"`     // StepLR: epochs between two drops [lr_drop]
	Gamma      float64 `json:"gamma,omitempty"`       // StepLR: what a drop multiplies with, 0.1 as published
	TMax       int     `json:"t_max,omitempty"`       // CosineAnnealingLR: epochs to the least [epochs]
	EtaMin     float64 `json:"min_lr,omitempty"`      // CosineAnnealingLR: the least [min_lr]
	TotalSteps int     `json:"total_steps,omitempty"` // OneCycleLR: steps of the whole training
}

// Line is one epoch in RUN/log.txt: the keys of the published scripts, and more.
type Line struct {
	TrainLR     float64 `json:"train_lr"`   // mean of the epoch's learning rates
	TrainLoss   float64 `json:"train_loss"` // mean of the epoch's batches, each before its step
	TrainAcc1   float64 `json:"train_acc1"` // in percent
	TrainAcc5   float64 `json:"train_acc5"`
	TestLoss    float64 `json:"test_loss"` // of the validation pictures, as are those below
	TestAcc1    float64 `json:"test_acc1"`
	TestAcc5    float64 `json:"test_acc5"`
	Epoch       int     `json:"epoch"` // from 0
	NParameters int     `json:"n_parameters"`

	TrainGradNorm float64 `json:"train_grad_norm"`      // mean, before clipping
	TestMean      float64 `json:"test_acc1_mean_class"` // mean of the classes' accuracies
	TestECE       float64 `json:"test_ece"`             // calibration error, in percent
	Seconds       float64 `json:"seconds"`              // of the epoch, evaluation included
}

// A Phase is what a run is doing.
type Phase string

// The phases, in their order.
const (
	Checking   Phase = "checking"   // every picture is read once
	Starting   Phase = "starting"   // the checkpoint is loaded
	Training   Phase = "training"   // batch by batch
	Evaluating Phase = "evaluating" // on the validation pictures
	Measuring  Phase = "measuring"  // at the end: what its pictures are like
	Stopping   Phase = "stopping"   // it was stopped: its batch is made, and it is saved
	Finished   Phase = "finished"
)

// Event is what a run tells of itself, several times a second at most.
type Event struct {
	Phase   Phase   `json:"phase"`
	Done    int     `json:"done"` // batches of this phase; pictures while Checking and Measuring
	Of      int     `json:"of"`
	Epoch   int     `json:"epoch"` // from 0
	Epochs  int     `json:"epochs"`
	Loss    float64 `json:"loss,omitempty"` // means of the epoch so far
	Acc1    float64 `json:"acc1,omitempty"`
	LR      float64 `json:"lr,omitempty"`
	Elapsed float64 `json:"elapsed"`        // seconds since this process began with the run
	Left    float64 `json:"left,omitempty"` // seconds, as far as can be told
	Line    *Line   `json:"line,omitempty"` // an epoch that was finished just now
	Note    string  `json:"note,omitempty"` // a sentence to be shown and kept
}

// Summary is what a run came to.
type Summary struct {
	Run    string `json:"run"`
	Epochs int    `json:"epochs"` // finished
	Last   Line   `json:"last"`
	// the epoch with the greatest test_acc1, of equal ones that with the least test_loss
	Best       Line   `json:"best"`
	Checkpoint string `json:"checkpoint"` // files
	BestModel  string `json:"best_model"`
}

var (
	// ErrStopped says that a training was stopped and saved: it goes on when asked for
	// again.
	ErrStopped = errors.New("the training was stopped and saved")
	// ErrStoppedEarly says that a training was stopped while it read pictures or
	// loaded: a folder that it was to go on in is as it was.
	ErrStoppedEarly = errors.New("the training was stopped before it made a batch, so there was nothing to save")
)
