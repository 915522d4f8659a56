package train

import (
	"fmt"

	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// Batch is pictures with their classes, ready for the network.
type Batch struct {
	Input   *intr.Batch // on the smallest canvas that holds all pictures, as published (intr.NewBatch)
	Classes []int       // of the pictures
	Indices []int       // of the pictures in their dataset, for errors to name; may be nil
}

// NewBatch makes a batch of pictures that the training transform has been through;
// indices may be nil.
func NewBatch(pictures []*picture.Picture, classes, indices []int) *Batch {
	return &Batch{Input: intr.NewBatch(pictures...), Classes: classes, Indices: indices}
}

// String names the batch's pictures for errors.
func (b *Batch) String() string {
	if b.Indices == nil {
		return fmt.Sprintf("a batch of %d pictures", len(b.Classes))
	}
	return fmt.Sprintf("the batch of pictures %v", b.Indices)
}

func (b *Batch) check(c intr.Config, most int) error {
	in := b.Input
	n := len(in.Sizes)
	switch {
	case n == 0 || len(b.Classes) != n || b.Indices != nil && len(b.Indices) != n:
		return fmt.Errorf(
			"a batch of %d pictures with %d classes and %d indices cannot be trained on: each picture needs its class",
			n, len(b.Classes), len(b.Indices))
	case n > most:
		return fmt.Errorf("a batch has %d pictures, and batch_size is %d: make it smaller or batch_size larger",
			n, most)
	case len(in.Pixels) != n*in.Height*in.Width*3:
		return fmt.Errorf("a batch of %d pictures of %d×%d pixels needs %d numbers, and it has %d", n, in.Height,
			in.Width, n*in.Height*in.Width*3, len(in.Pixels))
	}
	for i, class := range b.Classes {
		if class < 0 || class >= c.Classes {
			return fmt.Errorf("%s has a picture of class %d, and the model has the classes 0 to %d: training and "+
				"model must have the same classes (picture %d of the batch)", b, class, c.Classes-1, i)
		}
	}
	return nil
}
