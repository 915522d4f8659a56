package datasets

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/picture"
)

// Loader gives the pictures of a split in batches, decoded and resized ahead of whoever learns from them. What it gives
// is decided by Seed and the epoch alone, whatever the number of workers.
type Loader struct {
	Split     *Split
	BatchSize int               // pictures in a batch, at least 1
	Transform picture.Transform // picture.TrainTransform or EvalTransform
	Upright   bool              // pictures are turned as their files say, before the transform
	// Train has every epoch in an order of its own, without the pictures at the end that fill no batch; else every
	// picture comes, in the order of the split. So does the published code.
	Train   bool
	Seed    uint64
	Workers int // pictures worked on at a time; 0 is one a core
}

// Batch is some pictures, as they go into the network but for normalisation and
// padding. All three lists have the same length.
type Batch struct {
	Pictures []*picture.Picture // after the transform
	Classes  []int              // indices into Split.Classes
	Indices  []int              // of the pictures in the split
}

// Batches is the number of batches of an epoch.
func (l *Loader) Batches() int {
	if l.Train {
		return l.Split.Len() / l.BatchSize
	}
	return (l.Split.Len() + l.BatchSize - 1) / l.BatchSize
}

// Epoch gives the batches of an epoch, in order, beginning with batch from: an epoch that was left after n batches goes
// on with Epoch(ctx, epoch, n), which gives the very batches that were missing. At most two batches and a picture a
// worker are held ready. The end of the loop, however it comes, ends all work.
//
// An error ends the epoch: ctx ended, a picture cannot be read (Split.Verify finds them all beforehand; the sentence
// has the path), or a split for training has not enough pictures for one batch.
func (l *Loader) Epoch(ctx context.Context, epoch, from int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if l.BatchSize < 1 {
			yield(nil, fmt.Errorf("a batch has at least one picture, not %d", l.BatchSize))
			return
		}
		if l.Batches() == 0 {
			yield(nil, fmt.Errorf("%s: its %d pictures do not fill a batch of %d: make the batches smaller",
				filepath.Join(l.Split.Root, l.Split.Name), l.Split.Len(), l.BatchSize))
			return
		}
		all := l.order(epoch)
		all = all[min(len(all), from*l.BatchSize):]
		workers := l.Workers
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		load := func(_ context.Context, i int) (*picture.Picture, error) { return l.load(epoch, all[i]) }
		batch, taken := &Batch{}, 0
		for p, err := range parallel.Ahead(ctx, len(all), workers, 2*l.BatchSize+workers, load) {
			if err != nil {
				yield(nil, err)
				return
			}
			index := all[taken]
			taken++
			batch.Pictures = append(batch.Pictures, p)
			batch.Classes = append(batch.Classes, l.Split.Class(index))
			batch.Indices = append(batch.Indices, index)
			if len(batch.Indices) == l.BatchSize || taken == len(all) {
				if !yield(batch, nil) {
					return
				}
				batch = &Batch{}
			}
		}
	}
}

// order is the pictures of an epoch, those that fill no batch left out.
func (l *Loader) order(epoch int) []int {
	if l.Train {
		return l.random(epoch, math.MaxUint64).Perm(l.Split.Len())[:l.Batches()*l.BatchSize]
	}
	order := make([]int, l.Split.Len())
	for i := range order {
		order[i] = i
	}
	return order
}

func (l *Loader) load(epoch, index int) (*picture.Picture, error) {
	p, _, err := picture.Read(l.Split.Path(index), l.Upright)
	if err != nil {
		return nil, err
	}
	return l.Transform.Draw(l.random(epoch, uint64(index)), p.Width, p.Height).Apply(p), nil
}

// random is the source of one picture in one epoch, so that nothing depends on
// who came first. ChaCha8 takes keys that are alike.
func (l *Loader) random(epoch int, index uint64) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], l.Seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(epoch))
	binary.LittleEndian.PutUint64(key[16:], index)
	return rand.New(rand.NewChaCha8(key))
}
