package hub_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/pkg/hub"
)

// Published checkpoints are known by name, files on Hugging Face as hf:OWNER/REPO/FILE;
// what is not in the cache is downloaded. Anything else is a path.
func ExampleFind() {
	for _, c := range hub.Published {
		fmt.Println(c.Name, c.Classes)
	}
	dir, err := os.MkdirTemp("", "hub")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	mine := filepath.Join(dir, "best.pth")
	if err := os.WriteFile(mine, nil, 0o666); err != nil {
		log.Fatal(err)
	}
	path, err := hub.Find(context.Background(), mine, os.Stderr)
	fmt.Println(path == mine, err)
	// Output:
	// sample 8
	// cub 200
	// bird 525
	// butterfly 65
	// detr-r50 0
	// true <nil>
}
