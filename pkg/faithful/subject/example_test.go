package subject_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/faithful/subject"
	"github.com/gointr/gointr/pkg/intr"
)

// Whether the maps of an INTR tell the truth, on one picture.
func ExampleOf() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "birds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	drawn := birds.Defaults
	drawn.PerClass = 3
	if err := birds.Write(ctx, dir+"/data", drawn, func() {}); err != nil {
		log.Fatal(err)
	}
	m, err := intr.Open(ctx, "sample", intr.Backend("go"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	o := faithful.Default()
	o.Dataset, o.MaxImages, o.Steps = dir+"/data", 1, 2
	report, err := faithful.Run(ctx, subject.Of(m), o, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Images, "picture:", report.Measure("pointing").Name)
	// Output: 1 picture: pointing, peak in the telling part
}
