package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

func likenessIn(t *testing.T, path string) *intr.Likeness {
	t.Helper()
	file, err := torchfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, config, err := intr.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	l, err := intr.LikenessOf(file, config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// At the end of a training its models know what its pictures are like, also where it was stopped while they learned it;
// one that goes on learns it anew.
func TestLikeness(t *testing.T) {
	o := tiny(flock(t, 2, 30))
	o.Epochs, o.Schedule = 1, finetune.Schedule{Kind: finetune.ConstantLR}
	dir := filepath.Join(t.TempDir(), "run")
	ctx, stop := context.WithCancel(t.Context())
	_, err := train.Train(ctx, dir, o, func(e finetune.Event) {
		if e.Phase == finetune.Measuring {
			stop()
		}
	})
	if !errors.Is(err, finetune.ErrStopped) {
		t.Fatalf("stopped while it measured, it ended with %v", err)
	}
	both := []string{filepath.Join(dir, finetune.BestFile), filepath.Join(dir, finetune.CheckpointFile)}
	for range 2 { // the second has nothing to do
		if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range both {
		if l := likenessIn(t, path); l == nil || l.Pictures != 60 || len(l.Distances) != 20 {
			t.Fatalf("%s has %+v", path, l)
		}
	}
	was := read(t, both[1])
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil || read(t, both[1]) != was {
		t.Errorf("a run that is finished was changed (%v)", err)
	}
	before := likenessIn(t, both[1])
	if _, err := train.Continue(t.Context(), dir, train.Change{Epochs: 2}, nil); err != nil {
		t.Fatal(err)
	}
	after := likenessIn(t, both[1])
	if after == nil || after.Mean[0] == before.Mean[0] || likenessIn(t, both[0]) == nil {
		t.Errorf("after another epoch it is as before: %+v", after)
	}
}

// Of too few pictures nothing can be learned, and a note says so once.
func TestNoLikeness(t *testing.T) {
	o := tiny(flock(t, 2, 6))
	o.Epochs, o.Schedule = 1, finetune.Schedule{Kind: finetune.ConstantLR}
	dir, notes := filepath.Join(t.TempDir(), "run"), []string{}
	if _, err := train.Train(t.Context(), dir, o, func(e finetune.Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "19 held-out pictures at least, and there are 12 and 4") {
		t.Errorf("the notes are %q", notes)
	}
	if l := likenessIn(t, filepath.Join(dir, finetune.BestFile)); l != nil {
		t.Errorf("it has %+v", l)
	}
	if _, err := os.Stat(filepath.Join(dir, finetune.CheckpointFile)); err != nil {
		t.Error(err)
	}
}
