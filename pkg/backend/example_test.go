package backend_test

import (
	"fmt"
	"log"

	"github.com/gointr/gointr/pkg/backend"
)

// Auto takes the fastest engine that is there; the one in Go is there always.
func ExampleOpen() {
	engine, err := backend.Open(backend.Go)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.Kind, engine.NumDevices())
	_, err = backend.Open("abacus")
	fmt.Println(err)
	// Output:
	// go 1
	// there is no engine "abacus": choose auto, xla, cuda or go
}
