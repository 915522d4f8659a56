package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// Faithful has the session measure whether the model's maps tell the truth, as
// faithful.Run does; tell, which may be nil, hears how far it is. When ctx ends, or
// its caller's process, the session stops. The report lacks the values of single
// pictures. Errors are one sentence.
func (m *Model) Faithful(ctx context.Context, o faithful.Options,
	tell func(faithful.Progress)) (*faithful.Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	named := o.Dataset
	var err error
	for _, path := range []*string{&o.Dataset, &o.Parts} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	options, err := json.Marshal(wire.Measured{Options: o, Names: m.about.Names, Upright: m.about.Origin.Upright})
	if err != nil {
		return nil, err
	}
	progress := m.progress
	if progress == nil {
		progress = io.Discard
	}
	c, err := dial(ctx, progress)
	if err != nil {
		return nil, err
	}
	c.tell = func(text json.RawMessage) {
		var p faithful.Progress
		if tell != nil && json.Unmarshal(text, &p) == nil {
			tell(p)
		}
	}
	var report faithful.Report
	from := m.about.Origin
	_, err = c.ask(ctx, progress, wire.Request{Do: wire.Faithful, Checkpoint: from.Checkpoint, Digest: from.SHA256,
		Backend: m.backend, Weights: m.weights, Options: options}, nil, &report)
	if errors.Is(err, errLost) {
		return nil, fmt.Errorf("the session was ended in the middle of this measurement; its log may say why: %s",
			c.place.Log())
	}
	if err != nil {
		return nil, err
	}
	report.Dataset = named
	return &report, nil
}
