package train

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// likeness has the run's last and best model know what its pictures are like, unless they do. A training is no worse
// without: why not is a note. It answers as predict does, so that the numbers are those of no engine in particular.
func (r *run) likeness(ctx context.Context) error {
	var l *intr.Likeness
	for _, name := range []string{bestFile, checkpointFile} {
		path := filepath.Join(r.dir, name)
		if !fileIs(path) || knows(path) {
			continue
		}
		if best := r.at.Best; l == nil || best == nil || best.Epoch != r.Epochs-1 { // not the same weights
			var err error
			if l, err = r.measure(ctx, path); err != nil {
				if ctx.Err() != nil {
					return err
				}
				r.report(finetune.Event{Phase: finetune.Measuring, Epoch: r.Epochs - 1,
					Note: fmt.Sprintf("%s cannot tell pictures unlike those that it was trained on: %v", name, err)})
				return nil
			}
		}
		if err := l.Attach(path); err != nil {
			return err
		}
	}
	return nil
}

// knows says whether a checkpoint has its likeness.
func knows(path string) bool {
	file, err := torchfile.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, config, err := intr.Inspect(file)
	if err != nil {
		return false
	}
	l, _ := intr.LikenessOf(file, config)
	return l != nil
}

func (r *run) measure(ctx context.Context, path string) (*intr.Likeness, error) {
	m, err := intr.Open(ctx, path, intr.Backend(r.Engine))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return intr.Measure(ctx, m, r.train.Paths(), r.val.Paths(), func(n, of int) {
		r.often(finetune.Event{Phase: finetune.Measuring, Done: n, Of: of, Epoch: r.Epochs - 1})
	})
}
