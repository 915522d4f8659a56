package finetune

import "github.com/gointr/gointr/pkg/finetune/plan"

// What package plan says of a training, which links no compute engine.
type (
	Settings = plan.Settings // how a model is trained
	Schedule = plan.Schedule // how the learning rates change
	Phase    = plan.Phase    // what a run is doing
	Event    = plan.Event    // what a run tells of itself
	Line     = plan.Line     // an epoch of a run
	Summary  = plan.Summary  // what a run came to
)

// Names of package plan.
const (
	Nothing           = plan.Nothing
	ConstantLR        = plan.ConstantLR
	StepLR            = plan.StepLR
	CosineAnnealingLR = plan.CosineAnnealingLR
	OneCycleLR        = plan.OneCycleLR
	Checking          = plan.Checking
	Starting          = plan.Starting
	Training          = plan.Training
	Evaluating        = plan.Evaluating
	Finished          = plan.Finished
)

// ErrStopped says that a run was stopped and saved, and goes on with Continue.
var ErrStopped = plan.ErrStopped

// Default are the settings of the published scripts.
func Default() Settings { return plan.DefaultSettings() }

// Parts are what can be frozen, from the pixels to the logits.
var Parts = plan.Parts
