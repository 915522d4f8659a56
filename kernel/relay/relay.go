// Package relay stands between Jupyter and GoNB, on Jupyter's own protocol: cells go to GoNB as package cell reads
// them, and what GoNB answers comes back in words, text and pictures in the order in which the cell gave them.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// connection is Jupyter's connection file.
type connection struct {
	Transport string `json:"transport"`
	IP        string `json:"ip"`
	Key       string `json:"key"`
	Scheme    string `json:"signature_scheme"`
	Shell     int    `json:"shell_port"`
	Control   int    `json:"control_port"`
	Stdin     int    `json:"stdin_port"`
	IOPub     int    `json:"iopub_port"`
	Heartbeat int    `json:"hb_port"`
}

func (c connection) address(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("ipc://%s-%d", c.IP, port)
	}
	return fmt.Sprintf("%s://%s:%d", c.Transport, c.IP, port)
}

// Options of Serve.
type Options struct {
	Connection string   // path of the connection file that Jupyter wrote
	Folder     string   // a private folder for the sockets to GoNB
	GoNB       []string // the program and its arguments but --kernel
	Names      *Names   // what cells can name; nil knows nothing
	Types      *Types   // of what they name
}

// Serve answers Jupyter until the kernel is shut down, GoNB ends, or ctx is done. An error is one sentence.
func Serve(ctx context.Context, o Options) error {
	data, err := os.ReadFile(o.Connection)
	if err != nil {
		return fmt.Errorf("the connection file of Jupyter cannot be read: %w", err)
	}
	var outside connection
	if err := json.Unmarshal(data, &outside); err != nil {
		return fmt.Errorf("the connection file of Jupyter, %s, is not JSON: %w", o.Connection, err)
	}
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &relay{
		key: signer(outside.Key), names: o.Names, types: o.Types, folder: o.Folder, asked: map[string]*request{},
		numbers: map[int]int{}, work: make(chan *request, 1<<14),
	}
	r.book.Exported = o.Names.exported

	// GoNB's own sockets are files, which other users of the machine cannot reach.
	inside := connection{Transport: "ipc", IP: filepath.Join(o.Folder, "gonb"), Key: outside.Key,
		Scheme: outside.Scheme,
		Shell:  1, Control: 2, Stdin: 3, IOPub: 4, Heartbeat: 5}
	file := filepath.Join(o.Folder, filepath.Base(o.Connection)) // whose name has the kernel's id
	written, err := json.Marshal(inside)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, written, 0o600); err != nil {
		return fmt.Errorf("the kernel's folder cannot be written to: %w", err)
	}
	gonb := exec.CommandContext(ctx, o.GoNB[0], append(o.GoNB[1:], "--kernel", file)...)
	gonb.Stdout, gonb.Stderr = os.Stdout, os.Stderr
	gonb.Env = append(os.Environ(), "GOINTR_ORDER=1")
	gonb.Cancel = func() error { return gonb.Process.Signal(os.Interrupt) }
	gonb.WaitDelay = 2 * time.Second
	diesWith(gonb)

	if err := r.bind(ctx, outside); err != nil {
		return err
	}
	if err := gonb.Start(); err != nil {
		return fmt.Errorf("GoNB cannot be started: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- gonb.Wait()
		time.Sleep(50 * time.Millisecond) // the last answers are on their way
		cancel()
	}()
	err = r.dial(ctx, inside)
	if err == nil {
		err = r.greet(ctx)
	}
	if err == nil {
		go r.run(ctx)
		go r.fromShell()
		go r.toldOnControl()
		go pass(r.toControl, r.control)
		go pass(r.stdin, r.toStdin)
		go pass(r.toStdin, r.stdin)
		<-ctx.Done()
	}
	cancel()
	if end := <-ended; err == nil && !r.ending.Load() && outer.Err() == nil {
		err = fmt.Errorf("GoNB ended (%v): restart the kernel", end)
	}
	return err
}

// pass hands on every message of one socket to another.
func pass(from, to socket) {
	for {
		m, err := from.Recv()
		if err != nil {
			return
		}
		to.send(m.Frames)
	}
}

// socket is one that several may send on.
type socket struct {
	zmq4.Socket
	one *sync.Mutex
}

func newSocket(s zmq4.Socket) socket { return socket{s, new(sync.Mutex)} }

// send sends; to one that is gone it is lost, as Jupyter's protocol has it.
func (s socket) send(frames [][]byte) {
	s.one.Lock()
	defer s.one.Unlock()
	s.SendMulti(zmq4.NewMsgFrom(frames...))
}

func (r *relay) bind(ctx context.Context, c connection) error {
	r.shell, r.control = newSocket(zmq4.NewRouter(ctx)), newSocket(zmq4.NewRouter(ctx))
	r.stdin, r.iopub = newSocket(zmq4.NewRouter(ctx)), newSocket(zmq4.NewPub(ctx))
	heart := newSocket(zmq4.NewRep(ctx))
	for _, s := range []struct {
		socket
		port int
	}{{r.shell, c.Shell}, {r.control, c.Control}, {r.stdin, c.Stdin}, {r.iopub, c.IOPub}, {heart, c.Heartbeat}} {
		if err := s.Listen(c.address(s.port)); err != nil {
			return fmt.Errorf("port %d of the kernel cannot be opened: %w", s.port, err)
		}
	}
	go pass(heart, heart)
	return nil
}

// dial connects with GoNB, once it listens. Shell and stdin have one name, by which GoNB asks for input.
func (r *relay) dial(ctx context.Context, c connection) error {
	name := zmq4.WithID(zmq4.SocketIdentity(newID()))
	retry := zmq4.WithDialerMaxRetries(-1)
	wait := zmq4.WithDialerRetry(10 * time.Millisecond)
	r.toShell = newSocket(zmq4.NewDealer(ctx, name, retry, wait))
	r.toControl = newSocket(zmq4.NewDealer(ctx, retry, wait))
	r.toStdin = newSocket(zmq4.NewDealer(ctx, name, retry, wait))
	r.fromIOPub = newSocket(zmq4.NewSub(ctx, retry, wait))
	for _, s := range []struct {
		socket
		port int
	}{{r.fromIOPub, c.IOPub}, {r.toShell, c.Shell}, {r.toControl, c.Control}, {r.toStdin, c.Stdin}} {
		if err := s.Dial(c.address(s.port)); err != nil {
			return fmt.Errorf("GoNB cannot be reached: %w", err)
		}
	}
	return r.fromIOPub.SetOption(zmq4.OptionSubscribe, "")
}

// greet asks GoNB who it is until what it publishes is heard: before, it would be lost.
func (r *relay) greet(ctx context.Context) error {
	ask := &message{header: header{ID: newID(), Session: newID(), Username: "gointr", Type: "kernel_info_request",
		Version: "5.3",
		Date:    time.Now().UTC().Format(time.RFC3339Nano)}, content: []byte("{}")}
	heard := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			m, err := r.fromIOPub.Recv()
			if err != nil {
				return
			}
			if first {
				close(heard)
			}
			r.published(m.Frames)
		}
	}()
	go r.fromGoNB()
	limit := time.After(time.Minute)
	for {
		r.toShell.send(r.key.frames(ask))
		select {
		case <-heard:
			return nil
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			return errors.New("GoNB does not answer: restart the kernel")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
