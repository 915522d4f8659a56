package train_test

import (
	"cmp"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// One step of INTR-R50 with 200 classes on two pictures of 480×640 pixels, with
// the published settings. internal/oracle/bench_step.py is the same in PyTorch.
func BenchmarkStepR50(b *testing.B) {
	start, err := train.FromNothing(intr.Config{
		Backbone: "resnet50", Blocks: [4]int{3, 4, 6, 3}, Bottleneck: true, Width: 64, Positions: "sine",
		HiddenDim: 256, Heads: 8, EncoderLayers: 6, DecoderLayers: 6, FeedForward: 2048, Classes: 200,
	}, 0)
	if err != nil {
		b.Fatal(err)
	}
	s := finetune.DefaultSettings()
	s.Engine, s.BatchSize, s.Canvas = cmp.Or(os.Getenv("GOINTR_TEST_BACKEND"), "auto"), 2, 160
	if os.Getenv("GOINTR_BENCH_PADDED") != "" {
		s.Canvas = 176
	}
	tr, err := train.NewTrainer(start, s)
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	start = nil
	var pictures []*picture.Picture
	for range 2 {
		p := &picture.Picture{Width: 640, Height: 480, Pix: make([]uint8, 640*480*3)}
		for i := range p.Pix {
			p.Pix[i] = uint8(rand.IntN(256))
		}
		pictures = append(pictures, p)
	}
	batch := train.NewBatch(pictures, []int{3, 5}, nil)
	if _, err := tr.Step(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := tr.Step(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
