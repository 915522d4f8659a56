package datasets_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/picture"
)

// A dataset is a folder with train/CLASS/… and val/CLASS/…; a Loader gives its
// pictures in batches.
func Example() {
	dir, err := os.MkdirTemp("", "datasets")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	options := birds.Options{Classes: 2, PerClass: 3, Size: birds.MinSize}
	if err := birds.Write(context.Background(), dir, options, func() {}); err != nil {
		log.Fatal(err)
	}

	train, val, err := datasets.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Classes, train.Len(), "pictures to learn from,", val.Len(), "to evaluate")
	batches := &datasets.Loader{Split: train, BatchSize: 2, Transform: picture.EvalTransform(64)}
	for batch, err := range batches.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.Classes, batch.Pictures[0].Bounds().Size())
	}
	parts, err := datasets.ReadParts(filepath.Join(dir, "parts.csv"))
	fmt.Println(len(parts[val.Key(0)]), "parts of", val.Key(0), err)
	// Output:
	// [001.Dagger_billed_Bunting 002.Hook_billed_Bunting] 6 pictures to learn from, 2 to evaluate
	// [0 0] (64,64)
	// [0 1] (64,64)
	// [1 1] (64,64)
	// 7 parts of val/001.Dagger_billed_Bunting/00000.png <nil>
}
