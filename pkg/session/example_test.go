package session_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// The first call starts the user's session, which keeps the model; the next is
// answered by it in no more than a forward pass. (Not run here: it would be your own
// session.)
func Example() {
	ctx := context.Background()
	m, err := session.Open(ctx, "cub", session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	photo, err := picture.Open("bunting.jpg")
	if err != nil {
		log.Fatal(err)
	}
	bird, took, err := m.Answer(ctx, "bunting.jpg", photo, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bird.Best().Name, took)
}

// Took tells where the time went.
func ExampleTook() {
	fmt.Println(session.Took{Forward: 1_170_000_000, Compile: 2_000_000_000, Total: 3_200_000_000})
	// Output: 1.17 s forward pass, 2.00 s compiling, 0.03 s around it
}
