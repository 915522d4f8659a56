package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// Options are a whole training: what it starts from, on which pictures, and how.
// They are kept as RUN/config.json.
type Options struct {
	finetune.Options
	// Architecture is that of random weights, its Classes being the dataset's, or what
	// is known of a checkpoint's, as intr.InspectAs has it.
	Architecture *intr.Config `json:"architecture,omitempty"`
}

// DefaultOptions are those of the published scripts.
func DefaultOptions() Options { return Options{Options: finetune.Default()} }

// Slim is the architecture of a small INTR for pictures of about 128 pixels: a
// ResNet of basic blocks that ends after layer3 (stride 16), one encoder and two
// decoder layers, 0.4 M weights.
func Slim() intr.Config {
	return intr.Config{
		Backbone: "resnet", Blocks: [4]int{1, 1, 1, 0}, Width: 32, Positions: "sine", HiddenDim: 64, Heads: 4,
		EncoderLayers: 1, DecoderLayers: 2, FeedForward: 128,
	}
}

func (o Options) check() error {
	switch {
	case o.Dataset == "":
		return errors.New("no dataset was named: give a folder with train/CLASS/*.jpg and val/CLASS/*.jpg")
	case o.From == "" && o.Resume == "":
		return errors.New("it was not said what to start from: name a checkpoint (detr-r50, say), or nothing for " +
			"random weights")
	case o.From == finetune.Nothing && o.Architecture == nil:
		return errors.New("random weights need an architecture")
	case o.From == finetune.Nothing && o.Weights != "":
		return fmt.Errorf("random weights are not chosen, and weights %q were: name a checkpoint", o.Weights)
	case o.StartEpoch < 0 || o.StartEpoch > 0 && o.StartEpoch >= o.Epochs:
		return fmt.Errorf("start_epoch %d is none of the %d epochs, which count from 0", o.StartEpoch, o.Epochs)
	case o.KeepEvery < 0:
		return fmt.Errorf("a checkpoint every %d epochs cannot be kept", o.KeepEvery)
	case o.Epochs < 1:
		return fmt.Errorf("a training of %d epochs is none: give 1 at least", o.Epochs)
	case o.Size < 0:
		return fmt.Errorf("pictures whose short side has %d pixels are not possible", o.Size)
	case o.Augment != "" && o.Augment != finetune.Published && o.Augment != finetune.Flip:
		return fmt.Errorf("there is no way %q of changing pictures for training: choose %s or %s", o.Augment,
			finetune.Published, finetune.Flip)
	case !(o.NoiseFrac >= 0 && o.NoiseFrac <= 100):
		return fmt.Errorf("a noise_frac of %v is not possible: 0.1 is usual", o.NoiseFrac)
	case o.Workers < 0:
		return fmt.Errorf("%d workers cannot read pictures", o.Workers)
	}
	s := o.Settings
	s.Schedule = o.schedule(3) // a whole number of steps is known when the pictures are
	return check(s)
}

// transform is what training does to pictures whose short side is size pixels in
// evaluation.
func (o Options) transform(size int) picture.Transform {
	if o.Augment == finetune.Flip {
		t := picture.EvalTransform(size)
		t.Flip = true
		return t
	}
	return picture.TrainTransform(size)
}

// schedule fills in what a schedule takes from the length of the training.
func (o Options) schedule(stepsPerEpoch int) finetune.Schedule {
	s := o.Schedule
	if s.Kind == finetune.StepLR && s.Gamma == 0 {
		s.Gamma = 0.1
	}
	if s.Kind == finetune.CosineAnnealingLR && s.TMax == 0 {
		s.TMax = o.Epochs
	}
	if s.Kind == finetune.OneCycleLR && s.TotalSteps == 0 {
		s.TotalSteps = o.Epochs * stepsPerEpoch
	}
	return s
}

// absolute is the options with paths that do not depend on the folder of the
// process.
func (o Options) absolute() (Options, error) {
	for _, path := range []*string{&o.Dataset, &o.From, &o.Resume} {
		if *path == "" {
			continue
		}
		// A published name is none of a file, unless there is one of that name.
		if _, err := os.Stat(*path); err != nil && path != &o.Dataset {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		*path = absolute
	}
	return o, nil
}

// Differences names the options in which a training would be another one, with their values here and there.
func (o Options) Differences(other Options) []string {
	a, b := o.comparable(), other.comparable()
	var names []string
	var walk func(a, b reflect.Value)
	walk = func(a, b reflect.Value) {
		for i := range a.NumField() {
			field := a.Type().Field(i)
			if field.Anonymous {
				walk(a.Field(i), b.Field(i))
				continue
			}
			x, _ := json.Marshal(a.Field(i).Interface())
			y, _ := json.Marshal(b.Field(i).Interface())
			if string(x) != string(y) {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				names = append(names, fmt.Sprintf("%s (%s there, %s asked for)", name, x, y))
			}
		}
	}
	walk(reflect.ValueOf(a), reflect.ValueOf(b))
	return names
}

// comparable is the options without what changes no number, and without the
// number of epochs, which may grow.
func (o Options) comparable() Options {
	o.Workers, o.Epochs, o.TensorBoard, o.Engine, o.Devices, o.Recompute, o.Queries = 0, 0, false, "", 0, false, 0
	o.KeepEvery, o.Validation = 0, cmp.Or(o.Validation, "val")
	o.Accumulate, o.Augment = max(1, o.Accumulate), cmp.Or(o.Augment, finetune.Published)
	return o
}
