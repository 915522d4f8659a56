package hub_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gointr/gointr/pkg/hub"
)

// Published checkpoints are known by name, files on Hugging Face as hf:OWNER/REPO/FILE;
// what is not in the cache is downloaded.
func ExampleFind() {
	for _, c := range hub.Published {
		fmt.Println(c.Name, c.Classes)
	}
	_, err := hub.Find(context.Background(), "butterfly_", os.Stderr)
	fmt.Println(err)
	// Output:
	// sample 8
	// cub 200
	// bird 525
	// butterfly 65
	// detr-r50 0
	// no checkpoint is called "butterfly_": did you mean "butterfly" (published are sample, cub, bird, butterfly, detr-r50; anything else is a path or hf:OWNER/REPO/FILE)
}
