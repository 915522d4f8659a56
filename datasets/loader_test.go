package datasets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/picture"
)

// loader is one of n pictures of 3 classes, each of another size.
func loader(t testing.TB, n int) *datasets.Loader {
	root := t.TempDir()
	for i := range n {
		photo(t, filepath.Join(root, "train", fmt.Sprint("class ", i*3/n), fmt.Sprintf("%03d.png", i)), 40+i, 50-i%9)
	}
	return &datasets.Loader{Split: opened(t, root, "train"), BatchSize: 4, Transform: picture.TrainTransform(32),
		Train: true, Seed: 7}
}

func epoch(t testing.TB, l *datasets.Loader, number, from int) (batches []*datasets.Batch) {
	t.Helper()
	for b, err := range l.Epoch(context.Background(), number, from) {
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	return batches
}

func equal(a, b []*datasets.Batch) bool {
	return slices.EqualFunc(a, b, func(a, b *datasets.Batch) bool {
		return slices.Equal(a.Indices, b.Indices) && slices.Equal(a.Classes, b.Classes) &&
			slices.EqualFunc(a.Pictures, b.Pictures, func(a, b *picture.Picture) bool {
				return a.Width == b.Width && a.Height == b.Height && bytes.Equal(a.Pix, b.Pix)
			})
	})
}

func TestEpochOfTraining(t *testing.T) {
	l := loader(t, 30)
	first := epoch(t, l, 0, 0)
	if len(first) != 7 || l.Batches() != 7 {
		t.Fatalf("%d batches of 4, Batches says %d", len(first), l.Batches())
	}
	seen := map[int]bool{}
	for _, b := range first {
		if len(b.Indices) != 4 || len(b.Classes) != 4 || len(b.Pictures) != 4 {
			t.Fatalf("a batch of %d", len(b.Indices))
		}
		for k, i := range b.Indices {
			if seen[i] {
				t.Errorf("picture %d comes twice", i)
			}
			seen[i] = true
			if b.Classes[k] != i/10 {
				t.Errorf("picture %d has class %d", i, b.Classes[k])
			}
			if side := min(b.Pictures[k].Width, b.Pictures[k].Height); side < 19 || side > 32 {
				t.Errorf("short side %d", side)
			}
		}
	}
	for name, other := range map[string][]*datasets.Batch{
		"the next epoch": epoch(t, l, 1, 0),
		"another seed": epoch(t, &datasets.Loader{Split: l.Split, BatchSize: 4, Transform: l.Transform, Train: true,
			Seed: 8}, 0, 0),
	} {
		same := 0
		for i := range other {
			if slices.Equal(other[i].Indices, first[i].Indices) {
				same++
			}
		}
		if same > 0 {
			t.Errorf("%s has %d batches of the first", name, same)
		}
	}
	// The same picture is not drawn alike in every epoch.
	sizes := map[string]bool{}
	for e := range 20 {
		for _, b := range epoch(t, l, e, 5) {
			if k := slices.Index(b.Indices, 12); k >= 0 {
				sizes[fmt.Sprint(b.Pictures[k].Bounds())] = true
			}
		}
	}
	if len(sizes) < 2 {
		t.Errorf("picture 12 is always drawn as %v", sizes)
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	l := loader(t, 25)
	l.Workers = 1
	want := epoch(t, l, 3, 0)
	for _, workers := range []int{0, 2, 3, 16, 100} {
		l.Workers = workers
		if !equal(epoch(t, l, 3, 0), want) {
			t.Errorf("%d workers give other batches", workers)
		}
	}
}

func TestEpochGoesOn(t *testing.T) {
	l := loader(t, 25)
	whole := epoch(t, l, 2, 0)
	for from := range len(whole) + 1 {
		if !equal(epoch(t, l, 2, from), whole[from:]) {
			t.Errorf("from batch %d on, others come", from)
		}
	}
	if rest := epoch(t, l, 2, 100); len(rest) != 0 {
		t.Errorf("%d batches after the last", len(rest))
	}
}

// The order and what is drawn must not change from one version to the next:
// runs are resumed with it.
func TestEpochIsPinned(t *testing.T) {
	l := loader(t, 12)
	var said []string
	for _, b := range epoch(t, l, 1, 0) {
		for k, i := range b.Indices {
			said = append(said, fmt.Sprintf("%d:%dx%d", i, b.Pictures[k].Width, b.Pictures[k].Height))
		}
	}
	if got := strings.Join(said, " "); got != pinned {
		t.Errorf("got %s, want %s", got, pinned)
	}
}

const pinned = "5:27x26 1:23x26 8:41x31 11:32x29 2:41x31 9:20x20 7:31x29 6:35x32 0:22x27 4:31x32 10:26x28 3:38x32"

func TestEpochOfEvaluation(t *testing.T) {
	l := loader(t, 10)
	l.Train, l.Transform = false, picture.EvalTransform(32)
	batches := epoch(t, l, 0, 0)
	if len(batches) != 3 || l.Batches() != 3 || len(batches[2].Indices) != 2 {
		t.Fatalf("%d batches, Batches says %d", len(batches), l.Batches())
	}
	next := 0
	for _, b := range batches {
		for k, i := range b.Indices {
			if i != next {
				t.Errorf("picture %d comes for %d", i, next)
			}
			next++
			p, err := picture.Open(l.Split.Path(i))
			if err != nil {
				t.Fatal(err)
			}
			w, h := picture.SizeFor(p.Width, p.Height, 32, 53)
			if !bytes.Equal(b.Pictures[k].Pix, p.Resize(w, h).Pix) {
				t.Errorf("picture %d is not at its evaluation size", i)
			}
		}
	}
	if !equal(epoch(t, l, 5, 1), batches[1:]) {
		t.Error("evaluation differs from epoch to epoch")
	}
}

// settled waits until no more goroutines run than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines run, %d did before", runtime.NumGoroutine(), before)
}

func TestEpochEnds(t *testing.T) {
	l := loader(t, 40)
	l.Workers = 5
	before := runtime.NumGoroutine()
	t.Run("break", func(t *testing.T) {
		for range l.Epoch(context.Background(), 0, 0) {
			break
		}
		settled(t, before+1) // the test's own
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var last error
		n := 0
		for _, err := range l.Epoch(ctx, 0, 0) {
			if last = err; err == nil {
				n++
			}
			if n == 2 {
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) || n != 2 {
			t.Errorf("after %d batches the error is %v", n, last)
		}
		settled(t, before+1)
	})
	t.Run("panic", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			for range l.Epoch(context.Background(), 0, 0) {
				panic("the consumer's")
			}
		}()
		settled(t, before+1)
	})
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, err := range l.Epoch(ctx, 0, 0) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		}
		settled(t, before+1)
	})
}

// What is made ready for a slow consumer is bounded.
func TestEpochIsBounded(t *testing.T) {
	l := loader(t, 60)
	l.Workers, l.BatchSize, l.Train = 2, 3, false
	const bound = 3 + 2*3 + 2 + 1 // one batch given, two ready and a picture a worker, one that waits for room
	n := 0
	var last error
	for _, err := range l.Epoch(context.Background(), 0, 0) {
		if last = err; err != nil {
			break
		}
		if n++; n > 1 {
			continue
		}
		time.Sleep(300 * time.Millisecond)
		for i := bound; i < l.Split.Len(); i++ {
			if err := os.Remove(l.Split.Path(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last == nil || n != bound/3 || !strings.Contains(last.Error(), filepath.Base(l.Split.Path(bound))) {
		t.Errorf("%d batches, error %v", n, last)
	}
}

func TestEpochErrors(t *testing.T) {
	l := loader(t, 6)
	said := func() error {
		for _, err := range l.Epoch(context.Background(), 0, 0) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	l.BatchSize = 7
	check(t, said(), l.Split.Root, "ROOT/train: its 6 pictures do not fill a batch of 7")
	l.BatchSize = 0
	check(t, said(), l.Split.Root, "at least one picture")
	l.BatchSize = 2
	if err := os.WriteFile(l.Split.Path(4), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	check(t, said(), l.Split.Root, l.Split.Path(4)+": this is not a picture")
}
