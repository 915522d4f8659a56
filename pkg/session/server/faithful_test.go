package server

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// A measurement tells how far it is, and ends when its caller leaves.
func TestFaithful(t *testing.T) {
	inside(t, Options{})
	dir := filepath.Join(t.TempDir(), "birds")
	if err := birds.Write(context.Background(), dir, birds.Options{Classes: 5, PerClass: 1, Size: 64},
		func() {}); err != nil {
		t.Fatal(err)
	}
	m, err := session.Open(context.Background(), checkpoint, session.Options{Backend: "go"})
	if err != nil {
		t.Fatal(err)
	}
	o := faithful.Default()
	o.Dataset, o.Steps = dir, 2
	ctx, leave := context.WithCancel(context.Background())
	var left time.Time
	_, err = m.Faithful(ctx, o, func(p faithful.Progress) {
		if p.Doing == "measuring" && left.IsZero() {
			left = time.Now()
			leave()
		}
	})
	if !errors.Is(err, context.Canceled) || left.IsZero() {
		t.Fatalf("after its caller left: %v", err)
	}
	for {
		s, err := session.Now(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Models) == 1 && s.Models[0].InUse == 0 {
			break
		}
		if time.Since(left) > 20*time.Second {
			t.Fatalf("it goes on without its caller: %+v", s.Models)
		}
		time.Sleep(50 * time.Millisecond)
	}
	o.Dataset = filepath.Join(dir, "none")
	if _, err := m.Faithful(context.Background(), o, nil); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: %v", err)
	}
	o.Steps = 0
	if _, err := m.Faithful(context.Background(), o, nil); err == nil || !strings.Contains(err.Error(), "steps") {
		t.Errorf("no steps: %v", err)
	}
	s := &server{}
	for _, options := range []string{"[]", `{"dataset": "here"}`} {
		if err := s.faithful(context.Background(), wire.Request{Options: json.RawMessage(options)}, nil); err == nil {
			t.Errorf("%s was taken", options)
		}
	}
}
