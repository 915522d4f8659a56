//go:build unix

package server

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/place"
)

// Out of file descriptors, a session has its callers wait, and lives.
func TestNoMoreFiles(t *testing.T) {
	inside(t, Options{})
	before := status(t).PID
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("skipped: this system does not tell which files are open")
	}
	where, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = uint64(len(open) + 10)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var callers []net.Conn
	for range 40 {
		if c, err := net.Dial("unix", where.Socket()); err == nil {
			callers = append(callers, c)
		}
	}
	time.Sleep(3 * fullWait)
	full := len(callers) < 40
	for _, c := range callers {
		c.Close()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if !full {
		t.Error("files did not run out: the test shows nothing")
	}
	if after := status(t).PID; after != before {
		t.Errorf("process %d answers after %d", after, before)
	}
}

// A session that has closed its socket and hangs in what it did last is ended by Stop, and a new one starts.
func TestHangsAtItsEnd(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("skipped: there is no program flock")
	}
	alone(t)
	where, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	hung := exec.Command("flock", "--no-fork", where.Session(), "sleep", "600")
	if err := hung.Start(); err != nil {
		t.Fatal(err)
	}
	go hung.Wait()
	defer hung.Process.Kill()
	if err := os.WriteFile(where.Alive(), []byte(strconv.Itoa(hung.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the lock is not held", func() bool {
		lock, err := place.Lock(where.Session())
		if err == nil {
			lock.Close()
		}
		return errors.Is(err, place.ErrTaken)
	})
	if err := session.Stop(context.Background()); err != nil {
		t.Fatalf("it is not stopped: %v", err)
	}
	if err := session.Start(t.Context(), os.Stderr); err != nil {
		t.Errorf("no new one starts: %v", err)
	}
}

// A caller is told of a pipe in place of a picture or a checkpoint at once, and the session goes on.
func TestPipesAreTold(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	pipe := filepath.Join(t.TempDir(), "a.png")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := m.AnswerFile(ctx, pipe, true); err == nil || ctx.Err() != nil {
		t.Errorf("a pipe as a picture: %v", err)
	}
	if _, err := session.Open(ctx, pipe, session.Options{}); err == nil || ctx.Err() != nil {
		t.Errorf("a pipe as a checkpoint: %v", err)
	}
}

// The log of a session that lives long is begun anew.
func TestLogIsShortened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.log")
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for size, want := range map[int64]int64{longestLog: longestLog + 5, longestLog + 1: 5} {
		if err := log.Truncate(size); err != nil {
			t.Fatal(err)
		}
		shorten(log)
		if _, err := log.WriteString("after"); err != nil {
			t.Fatal(err)
		}
		if info, err := log.Stat(); err != nil || info.Size() != want {
			t.Errorf("of %d bytes it has %d then, want %d (%v)", size, info.Size(), want, err)
		}
	}
}
