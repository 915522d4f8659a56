package origin_test

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/pkg/origin"
)

// What a file of numbers says of the model that they come from.
func ExampleModel() {
	dir, err := os.MkdirTemp("", "origin")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "best.pth")
	if err := os.WriteFile(path, []byte("weights"), 0o666); err != nil {
		log.Fatal(err)
	}
	digest, err := origin.Digest(path)
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(origin.Model{Model: "INTR-R50, 200 classes", SHA256: digest[:12]})
	fmt.Println(string(text), err)
	// Output:
	// {"model":"INTR-R50, 200 classes","sha256":"9a129038d9a0"} <nil>
}
