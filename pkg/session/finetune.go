package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// FineTune has the session train in the folder run, as finetune.Join does: it
// begins a training, or joins the one that is there, running or not. tell, which
// may be nil, hears how it goes, and first of all epochs that were made before.
//
// The training is the session's: it goes on when its caller's process ends. When
// ctx ends it is stopped after its batch and saved, which is finetune.ErrStopped, or
// finetune.ErrStoppedEarly where it had not come to a batch. One that is asked for
// while it is still being stopped waits for that, and goes on.
// Where the session itself is killed, a new one goes on from what was saved.
// Other errors are one sentence.
func FineTune(ctx context.Context, run string, o finetune.Options, progress io.Writer,
	tell func(finetune.Event)) (*finetune.Summary, error) {
	run, err := filepath.Abs(run)
	if err != nil {
		return nil, err
	}
	if o.Dataset != "" {
		if o.Dataset, err = filepath.Abs(o.Dataset); err != nil {
			return nil, err
		}
	}
	options, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = io.Discard
	}
	heard := 0 // epochs, so that one who is replaced tells none twice
	for again := false; ; again = true {
		c, err := dial(ctx, progress)
		if err != nil {
			return nil, err
		}
		c.tell = func(text json.RawMessage) {
			var e finetune.Event
			if json.Unmarshal(text, &e) != nil || tell == nil {
				return
			}
			if e.Line != nil {
				if e.Line.Epoch < heard {
					return
				}
				heard = e.Line.Epoch + 1
			}
			tell(e)
		}
		summary, err := c.fineTune(ctx, progress, wire.Request{Do: wire.FineTune, Run: run, Options: options})
		if errors.Is(err, errLost) {
			if again {
				return nil, fmt.Errorf("the session was ended twice in the middle of this training, which has what "+
					"was saved before; its log may say why: %s", c.place.Log())
			}
			continue
		}
		return summary, err
	}
}

func (c *call) fineTune(ctx context.Context, progress io.Writer, r wire.Request) (*finetune.Summary, error) {
	defer c.conn.Close()
	failed := c.say(r, nil)
	// Only now: as the first line it would stop the session itself.
	defer context.AfterFunc(ctx, func() {
		c.conn.SetWriteDeadline(time.Now().Add(patience))
		_ = wire.Write(c.conn, wire.Request{Do: wire.Stop})
	})()
	var summary finetune.Summary
	_, err := c.hear(progress, failed, &summary)
	if err != nil {
		return nil, err
	}
	return &summary, nil
}
