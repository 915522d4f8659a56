package interpret_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/interpret"
	"github.com/gointr/gointr/pkg/intr"
)

// Every picture of one class, and on which part each head looks for it.
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
	about := m.About()
	data, err := interpret.Open(dir+"/data", "val", about.Classes, about.Names)
	if err != nil {
		log.Fatal(err)
	}
	class, err := data.Class("Hook billed Bunting")
	if err != nil {
		log.Fatal(err)
	}
	study, err := interpret.NewStudy(ctx, m, []*interpret.Subject{class}, interpret.Defaults, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer study.Close()
	fmt.Println(study)
	fmt.Println(study.Heads.Parts)
	// Output:
	// 5 pictures of val, all of them right
	// [beak breast tail crest wing bar feet eye]
}
