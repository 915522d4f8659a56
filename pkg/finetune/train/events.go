package train

import (
	"time"

	"github.com/gointr/gointr/pkg/finetune"
)

// teller passes on how a run goes, not too often.
type teller struct {
	tell        func(finetune.Event) // nil where nobody listens
	epochs      int                  // of the run
	began, told time.Time
}

// often tells an event unless one was told just now.
func (t *teller) often(e finetune.Event) {
	if time.Since(t.told) > 200*time.Millisecond || e.Done == e.Of {
		t.report(e)
	}
}

func (t *teller) report(e finetune.Event) {
	t.told = time.Now()
	if t.tell != nil {
		e.Epochs, e.Elapsed = t.epochs, time.Since(t.began).Seconds()
		t.tell(e)
	}
}
