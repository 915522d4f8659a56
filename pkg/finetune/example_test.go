package finetune_test

import (
	"fmt"

	"github.com/gointr/gointr/pkg/finetune"
)

// A training of one's own pictures by the published settings, but shorter.
func ExampleDefault() {
	o := finetune.Default()
	o.Dataset, o.Epochs = "datasets/mine", 20
	fmt.Println(o.From, o.BatchSize, o.LR, o.Schedule.Kind)
	// Output: detr-r50 12 5e-05 StepLR
}
