package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// drawn is a dataset of a few birds, and a training on them that takes seconds.
func drawn(t *testing.T, epochs int) (o finetune.Options, run string) {
	t.Helper()
	o = finetune.FromNothing()
	o.Dataset = filepath.Join(t.TempDir(), "birds")
	if err := birds.Write(t.Context(), o.Dataset, birds.Options{Classes: 2, PerClass: 12, Size: 64},
		func() {}); err != nil {
		t.Fatal(err)
	}
	o.Size, o.Epochs, o.BatchSize, o.Engine, o.Schedule = 48, epochs, 4, "go",
		finetune.Schedule{Kind: finetune.ConstantLR}
	return o, filepath.Join(t.TempDir(), "run")
}

func steps(t *testing.T, run string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(run, "steps.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A training goes on without its caller, is joined by the next, stopped, and gone
// on with; a session that is killed loses nothing but time.
func TestTraining(t *testing.T) {
	folder := alone(t)
	o, run := drawn(t, 6)
	whole := filepath.Join(t.TempDir(), "whole")
	slim := train.Slim()
	if _, err := train.Train(t.Context(), whole, train.Options{Options: o, Architecture: &slim}, nil); err != nil {
		t.Fatal(err)
	}

	// Nobody needs to listen: a caller that dies only closes its connection.
	epoch := make(chan int, 100)
	trained := func(ctx context.Context) (*finetune.Summary, error) {
		return session.FineTune(ctx, run, o, io.Discard, func(e finetune.Event) {
			if e.Line != nil {
				epoch <- e.Line.Epoch
			}
		})
	}
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	openModel(t) // starts the session
	conn, err := net.Dial("unix", place.Place(folder).Socket())
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Write(conn, wire.Request{Do: wire.FineTune, Run: run, Options: options}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	conn.Close()
	eventually(t, 20*time.Second, "nothing is trained", func() bool { return len(status(t).Trainings) == 1 })

	// Stopped in the middle: saved.
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-epoch
		stop()
	}()
	if _, err := trained(ctx); !errors.Is(err, finetune.ErrStopped) {
		t.Fatalf("stopped, it says %v", err)
	}
	eventually(t, 10*time.Second, "it is trained on", func() bool { return len(status(t).Trainings) == 0 })

	// Other options are refused while it runs, and after.
	other := o
	other.LR *= 2
	if _, err := session.FineTune(t.Context(), run, other, io.Discard, nil); err == nil ||
		!strings.Contains(err.Error(), "it differs in lr") {
		t.Errorf("other options are told %v", err)
	}

	// Killed in the middle of the next part.
	go func() {
		for len(epoch) > 0 {
			<-epoch
		}
		<-epoch
		time.Sleep(50 * time.Millisecond)
		for _, pid := range sessions(t, folder) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	summary, err := trained(t.Context())
	if err != nil || summary.Epochs != 6 {
		t.Fatalf("it came to %+v (%v)", summary, err)
	}
	if steps(t, run) != steps(t, whole) {
		t.Error("the steps differ from those of a training that nothing happened to")
	}

	// What is finished is told, not made again.
	var told []finetune.Line
	again, err := session.FineTune(t.Context(), run, o, io.Discard, func(e finetune.Event) {
		if e.Line != nil {
			told = append(told, *e.Line)
		}
	})
	if err != nil || again.Epochs != 6 || len(told) != 6 || told[5] != again.Last {
		t.Errorf("asked again it is %+v with %d epochs told (%v)", again, len(told), err)
	}
	best, err := session.Open(t.Context(), again.BestModel, session.Options{Backend: "go"})
	if err != nil || len(best.About().Names) != 2 || best.About().EvalSize != 48 {
		t.Errorf("its best model is %+v (%v)", best, err)
	}

	// A mistake is one sentence.
	wrong := o
	wrong.Dataset = filepath.Join(t.TempDir(), "nowhere")
	if _, err := session.FineTune(t.Context(), filepath.Join(t.TempDir(), "x"), wrong, io.Discard, nil); err == nil ||
		!strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("a missing dataset is told as %v", err)
	}
}

// A training that is interrupted at any moment, and asked for again before it has
// stopped, goes on with the very same steps.
func TestInterrupted(t *testing.T) {
	alone(t)
	o, run := drawn(t, 6)
	whole := filepath.Join(t.TempDir(), "whole")
	slim := train.Slim()
	if _, err := train.Train(t.Context(), whole, train.Options{Options: o, Architecture: &slim}, nil); err != nil {
		t.Fatal(err)
	}
	openModel(t) // starts the session
	before := status(t).PID
	const times = 8
	said := make(chan error, times)
	for range times {
		ctx, stop := context.WithCancel(t.Context())
		heard := make(chan struct{}) // that it stops
		var once sync.Once
		go func() {
			_, err := session.FineTune(ctx, run, o, io.Discard, func(e finetune.Event) {
				if e.Phase == finetune.Stopping && ctx.Err() != nil {
					once.Do(func() { close(heard) })
				}
			})
			said <- err
			once.Do(func() { close(heard) })
		}()
		after := time.Duration(rand.IntN(400)) * time.Millisecond
		time.Sleep(after)
		stop()
		<-heard
		t.Log("interrupted after", after) // the next one asks while it may still stop
	}
	summary, err := session.FineTune(t.Context(), run, o, io.Discard, nil)
	if err != nil || summary.Epochs != 6 {
		t.Fatalf("asked for again it came to %+v (%v)", summary, err)
	}
	for range times {
		err := <-said
		if err != nil && !errors.Is(err, finetune.ErrStopped) && !errors.Is(err, finetune.ErrStoppedEarly) &&
			!errors.Is(err, context.Canceled) {
			t.Errorf("interrupted, it says %v", err)
		}
	}
	if steps(t, run) != steps(t, whole) {
		t.Error("the steps differ from those of a training that nothing happened to")
	}
	if status(t).PID != before {
		t.Error("the session was stopped, too")
	}
}
