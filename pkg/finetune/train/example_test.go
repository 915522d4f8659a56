package train_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
)

// From a folder of pictures to a model, as gointr finetune does it. Stopped, it goes
// on with Continue.
func ExampleTrain() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "birds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	drawn := birds.Defaults
	drawn.Classes, drawn.PerClass, drawn.Size = 2, 6, birds.MinSize
	if err := birds.Write(ctx, dir+"/data", drawn, func() {}); err != nil {
		log.Fatal(err)
	}
	o := train.DefaultOptions()
	o.Options = finetune.FromNothing()
	o.Dataset, o.Engine, o.Epochs, o.BatchSize, o.Size = dir+"/data", "go", 2, 6, birds.MinSize
	slim := train.Slim()
	o.Architecture = &slim
	summary, err := train.Train(ctx, dir+"/run", o, nil)
	if err != nil {
		log.Fatal(err)
	}
	lines, err := finetune.ReadLog(dir + "/run")
	if err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(summary.BestModel)
	fmt.Println(len(lines), "epochs; best.pth is there:", err == nil)
	// Output: 2 epochs; best.pth is there: true
}
