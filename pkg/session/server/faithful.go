package server

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/faithful/subject"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// faithful measures a model's maps while its caller waits. Every answer that it
// takes stands in no line: others' pictures are answered between two of them.
func (s *server) faithful(ctx context.Context, r wire.Request, out *reply) error {
	var o wire.Measured
	if err := json.Unmarshal(r.Options, &o); err != nil {
		return fmt.Errorf("the options of the measurement cannot be read: %w", err)
	}
	if !filepath.IsAbs(o.Dataset) {
		return fmt.Errorf("the folder of the dataset must be given in full, not as %q", o.Dataset)
	}
	e, err := s.models.borrow(ctx, r.Checkpoint, r.Backend, r.Digest, r.Weights)
	if err != nil {
		return err
	}
	defer s.models.release(e)
	report, err := measure(ctx, e, o, func(p faithful.Progress) { _ = out.event(p) })
	if err != nil {
		return err
	}
	report.Checkpoint, report.Digest = r.Checkpoint, e.digest
	return out.finish(report)
}

// measure keeps a panic of a library from ending everybody's session.
func measure(ctx context.Context, e *entry, o wire.Measured,
	tell func(faithful.Progress)) (report *faithful.Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v could not measure this: %v", e.model.Engine, p)
		}
	}()
	m := subject.Of(e.model)
	if o.Names != nil {
		m.Names = o.Names
	}
	m.Upright = o.Upright
	return faithful.Run(ctx, m, o.Options, tell)
}
