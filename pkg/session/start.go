package session

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
)

// ProgramVariable is the environment variable that names the program gointr,
// which a session runs in. The Jupyter kernel sets it for its cells. Without it
// the program is looked for on the PATH.
const ProgramVariable = "GOINTR_PROGRAM"

// Program is that program where a caller knows it itself, as gointr does.
var Program string

// ServeCommand are the arguments that have the program be the session.
var ServeCommand = []string{"session", "serve"}

var (
	// ErrRunning says that the user has a session already.
	ErrRunning = errors.New("a session is running already: gointr session status tells about it")
	// ErrNone says that the user has no session.
	ErrNone = errors.New("no session is running")
)

// patience is how long a session that lives may be silent, and one that is
// started may take to listen.
const patience = 10 * time.Second

// dial greets the session, starting it when there is none.
func dial(ctx context.Context, progress io.Writer) (*call, error) {
	where, err := place.Find()
	if err != nil {
		return nil, err
	}
	c, err := greet(ctx, where)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, ErrNone) {
		return nil, err
	}
	return start(ctx, where, nil, progress)
}

// greet connects to a session that is there. ErrNone when there is none, or
// only one that was replaced by a newer program or speaks otherwise.
func greet(ctx context.Context, where place.Place) (*call, error) {
	c, err := connect(ctx, where, patience)
	if err != nil {
		return nil, err
	}
	other := c.hello.Protocol != wire.Protocol
	if !other && c.hello.Built == Built(c.hello.Program) {
		return c, nil
	}
	// The program was built anew: nobody would understand why it still does
	// what it did. One that is at work may finish.
	_, err = c.ask(ctx, io.Discard, wire.Request{Do: wire.Stop, IfIdle: !other}, nil, &struct{}{})
	if err != nil && !errors.Is(err, errLost) && !other {
		return connect(ctx, where, patience)
	}
	if err := ended(ctx, where, patience); err != nil {
		return nil, err
	}
	return nil, ErrNone
}

// Built is when a program's file was written, in Unix nanoseconds.
func Built(program string) int64 {
	info, err := os.Stat(program)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

func connect(ctx context.Context, where place.Place, patience time.Duration) (*call, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "unix", where.Socket())
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNone
	case err != nil:
		return nil, fmt.Errorf("the session cannot be reached: %w", err)
	}
	c := &call{place: where, conn: conn.(*net.UnixConn), in: wire.Reader(conn)}
	if c.pid, err = place.Peer(c.conn); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err = wire.Read(c.in, &c.hello)
	conn.SetReadDeadline(time.Time{})
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		if err = c.silent(err); errors.Is(err, errLost) {
			err = ErrNone // it ended just now
		}
	}
	conn.Close()
	return nil, err
}

// start starts a session and greets it. Of several callers one does; the others
// wait for it.
func start(ctx context.Context, where place.Place, flags []string, progress io.Writer) (*call, error) {
	deadline := time.Now().Add(2 * patience)
	for {
		lock, err := place.Lock(where.Start())
		if err == nil {
			c, err := startLocked(ctx, where, flags, progress)
			lock.Close()
			return c, err
		}
		if !errors.Is(err, place.ErrTaken) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another process starts a session, and has not come to an end with it "+
				"for %v: see %s", 2*patience, where.Log())
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func startLocked(ctx context.Context, where place.Place, flags []string, progress io.Writer) (*call, error) {
	deadline := time.Now().Add(patience)
	for {
		c, err := connect(ctx, where, patience) // someone else may have
		if !errors.Is(err, ErrNone) {
			return c, err
		}
		note, err := launch(where, flags)
		if err == nil && note != "" {
			fmt.Fprintln(progress, note)
		}
		// One that ends just now still has the lock.
		if err != nil && !(errors.Is(err, ErrRunning) && time.Now().Before(deadline)) {
			return nil, err
		}
		if err != nil {
			if err := sleep(ctx, 20*time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
}

// What a program that was started says on the pipe, as its first word.
const (
	saysReady   = "ready"
	saysRunning = "running"
	saysError   = "error"
)

// launch starts the program and waits until it listens. The note says that the
// session before it was killed.
func launch(where place.Place, flags []string) (note string, err error) {
	program, err := findProgram()
	if err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	cmd := exec.Command(program, append(ServeCommand, flags...)...)
	cmd.Dir = "/"
	for _, variable := range os.Environ() {
		// A kernel's temporary folder ends with the kernel.
		if !strings.HasPrefix(variable, "TMPDIR=") && !strings.HasPrefix(variable, "GONB_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, pipeVariable+"=3")
	cmd.ExtraFiles = []*os.File{w}
	if log, err := openLog(where.Log()); err == nil { // a full disk is no reason to give up
		cmd.Stdout, cmd.Stderr = log, log
		defer log.Close()
	}
	place.Detach(cmd)
	err = cmd.Start()
	w.Close()
	if err != nil {
		return "", fmt.Errorf("the session could not be started with %s: %s", program, place.Reason(err))
	}
	go cmd.Wait() // no zombie while this program lives
	r.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(r).ReadString('\n')
	word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch {
	case err != nil:
		return "", fmt.Errorf("the session could not be started with %s: it ended without a word; see %s",
			program, where.Log())
	case word == saysRunning:
		return "", ErrRunning
	case word == saysError:
		return "", errors.New(rest)
	case rest != "":
		return fmt.Sprintf("The session (process %s) had been killed: a new one was started, and loads its "+
			"models anew.", rest), nil
	}
	return "", nil
}

// openLog opens a file to append to, which is begun anew when it has grown.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > 1<<20 {
		os.Remove(path)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// pipeVariable tells a program that was started for it where to announce itself.
const pipeVariable = "GOINTR_SESSION_PIPE"

// Announce tells who started this process how its session began, on the pipe
// that launch gave it; called with an error, that it did not. killed is the
// process of a session that was killed before, if one was.
func Announce(killed string, err error) {
	number, failed := strconv.Atoi(os.Getenv(pipeVariable))
	if failed != nil {
		return // started by hand
	}
	os.Unsetenv(pipeVariable)
	pipe := os.NewFile(uintptr(number), "pipe")
	defer pipe.Close()
	switch {
	case errors.Is(err, ErrRunning):
		fmt.Fprintln(pipe, saysRunning)
	case err != nil:
		fmt.Fprintln(pipe, saysError, strings.Join(strings.Fields(err.Error()), " "))
	default:
		fmt.Fprintln(pipe, saysReady, strings.TrimSpace(killed))
	}
}

func findProgram() (string, error) {
	if named := os.Getenv(ProgramVariable); named != "" {
		if info, err := os.Stat(named); err != nil || info.IsDir() {
			return "", fmt.Errorf("%s names %s, which is no program: run gointr kernel install again, or correct it",
				ProgramVariable, named)
		}
		return named, nil
	}
	if Program != "" {
		return Program, nil
	}
	program, err := exec.LookPath("gointr")
	if err != nil {
		return "", fmt.Errorf("the program gointr, which a session runs in, is not on the PATH: install it, or "+
			"name it in %s", ProgramVariable)
	}
	return program, nil
}

// ended waits until no session has the lock.
func ended(ctx context.Context, where place.Place, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		lock, err := place.Lock(where.Session())
		if err == nil {
			return lock.Close()
		}
		if !errors.Is(err, place.ErrTaken) {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the session does not end")
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// listener is the process that has the socket, whether or not it answers.
func listener(where place.Place) (int, error) {
	conn, err := net.DialTimeout("unix", where.Socket(), patience)
	if err != nil {
		return 0, ErrNone
	}
	defer conn.Close()
	return place.Peer(conn.(*net.UnixConn))
}
