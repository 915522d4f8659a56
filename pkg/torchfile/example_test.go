package torchfile_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/pkg/torchfile"
)

// A checkpoint is written as torch.save does, and read again as torch.load does.
func Example() {
	dir, err := os.MkdirTemp("", "torchfile")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	bias, err := torchfile.NewTensor("", []int{2, 2}, []float32{0.5, 1, 2, -4})
	if err != nil {
		log.Fatal(err)
	}
	model, checkpoint := &torchfile.Dict{Ordered: true}, &torchfile.Dict{}
	model.Set("bias", bias)
	checkpoint.Set("model", model)
	checkpoint.Set("epoch", 7)
	path := filepath.Join(dir, "checkpoint.pth")
	if err := torchfile.WritePTH(path, checkpoint); err != nil {
		log.Fatal(err)
	}

	f, err := torchfile.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	epoch, _ := f.Value().(*torchfile.Dict).Get("epoch")
	fmt.Println(f.Format, "of epoch", epoch)
	for _, t := range f.Tensors() {
		values, err := t.Float32s(nil)
		fmt.Println(t.Name, t.DType, t.Shape, values, err)
	}
	// Output:
	// zip of epoch 7
	// model.bias float32 [2 2] [0.5 1 2 -4] <nil>
}
