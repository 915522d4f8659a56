package model_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/model"
)

// What takes a model.Model works with one in this process as with one in the session.
func Example() {
	var m model.Model
	m, err := intr.Open(context.Background(), "sample", intr.Backend("go"))
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "birds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o := birds.Defaults
	o.PerClass = 3
	if err := birds.Write(context.Background(), dir+"/data", o, func() {}); err != nil {
		log.Fatal(err)
	}
	about, right := m.About(), 0
	var paths []string
	for _, class := range about.Names {
		paths = append(paths, dir+"/data/train/"+class+"/00000.png")
	}
	for e, err := range m.Each(context.Background(), paths) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Image == dir+"/data/train/"+e.Best().Name+"/00000.png" {
			right++
		}
	}
	fmt.Println(right, "of", about.Classes)
	// Output: 8 of 8
}
