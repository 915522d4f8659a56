package intr_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/intr"
)

// The small model that is always there finds the species of a bird that it has never
// seen, and says where its heads looked for it.
func Example() {
	ctx := context.Background()
	m, err := intr.Open(ctx, "sample", intr.Backend("go"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	photo, _ := birds.Draw(birds.At(0), birds.NewScene(2026, "val", 0, 0), 160)
	bird, err := m.Explain(ctx, "a drawn bird", photo)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(attention.Plain(bird.Best().Name))
	fmt.Println(bird.Layers, "layers,", bird.Heads, "heads,", bird.Rows, "by", bird.Cols, "cells")
	// Output:
	// Dagger billed Bunting
	// 2 layers, 8 heads, 8 by 8 cells
}
