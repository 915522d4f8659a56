package fieldguide_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/intr"
)

// What a model goes by, species by species.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "birds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o := birds.Defaults
	o.PerClass, o.Seed = 15, 2026
	if err := birds.Write(ctx, dir+"/data", o, func() {}); err != nil {
		log.Fatal(err)
	}
	m, err := intr.Open(ctx, "sample", intr.Backend("go"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	guide, err := fieldguide.Make(ctx, m, dir+"/data", fieldguide.Options{Classes: []string{"0"}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	s := guide.Species[0]
	fmt.Printf("%s: %d of %d recognised, most like %s\n", s.Name, s.Right, s.Pictures, s.Like)
	// book.Save(ctx, guide, "guide.html") writes the page.

	// Output:
	// 001.Dagger_billed_Bunting: 5 of 5 recognised, most like 002.Hook_billed_Bunting
}
