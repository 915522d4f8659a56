package relay

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"sync/atomic"

	"github.com/gointr/gointr/kernel/cell"
)

// relay is the state of a kernel.
type relay struct {
	key                          signer
	shell, control, stdin, iopub socket // where Jupyter is
	toShell, toControl, toStdin  socket // where GoNB is
	fromIOPub                    socket
	names                        *Names
	types                        *Types
	folder                       string // GoNB's temporary files are below it
	ending                       atomic.Bool
	work                         chan *request // those that GoNB takes one after the other

	one     sync.Mutex          // guards what follows
	asked   map[string]*request // of GoNB, by the id of the message
	serial  int                 // of the last request that came
	stopped int                 // that of the last when a cell failed: those up to it are not run

	// run's own
	book    cell.Notebook
	count   int         // of cells
	numbers map[int]int // by GoNB's count
}

// request is one of Jupyter's that GoNB answers.
type request struct {
	*message
	cell   *cell.Cell
	number int
	out    order
	serial int

	reply *message // of GoNB
	idle  bool     // GoNB said that it is done
	done  chan struct{}
}

// complete says that GoNB has said all of a request. The relay is locked.
func (q *request) complete() {
	if q.reply != nil && q.idle {
		select {
		case <-q.done:
		default:
			close(q.done)
		}
	}
}

// fromShell takes Jupyter's requests: those of which GoNB takes one after the other are put in line.
func (r *relay) fromShell() {
	for {
		frames, err := r.shell.Recv()
		if err != nil {
			return
		}
		m, err := r.key.read(frames.Frames)
		if err != nil {
			continue
		}
		switch m.header.Type {
		case "execute_request", "complete_request", "inspect_request", "is_complete_request":
			r.one.Lock()
			r.serial++
			q := &request{message: m, serial: r.serial}
			r.one.Unlock()
			r.work <- q
		case "shutdown_request":
			r.ending.Store(true)
			fallthrough
		default:
			r.toShell.send(r.key.frames(m))
		}
	}
}

// toldOnControl hands requests on to GoNB, and hears when it is told to end.
func (r *relay) toldOnControl() {
	for {
		m, err := r.control.Recv()
		if err != nil {
			return
		}
		if a, err := r.key.read(m.Frames); err == nil && a.header.Type == "shutdown_request" {
			r.ending.Store(true)
		}
		r.toControl.send(m.Frames)
	}
}

// fromGoNB takes GoNB's answers to requests.
func (r *relay) fromGoNB() {
	for {
		frames, err := r.toShell.Recv()
		if err != nil {
			return
		}
		m, err := r.key.read(frames.Frames)
		if err != nil {
			continue
		}
		r.one.Lock()
		q := r.asked[m.parent.ID]
		if q != nil {
			q.reply = m
			q.complete()
		}
		r.one.Unlock()
		if q == nil && len(m.to) > 0 { // the answer to greet goes to nobody
			r.shell.send(frames.Frames)
		}
	}
}

// published takes what GoNB publishes.
func (r *relay) published(frames [][]byte) {
	m, err := r.key.read(frames)
	if err != nil {
		return
	}
	r.one.Lock()
	defer r.one.Unlock()
	q := r.asked[m.parent.ID]
	if q == nil {
		r.iopub.send(frames)
		return
	}
	m.parent = q.header
	switch m.header.Type {
	case "status":
		var content struct {
			State string `json:"execution_state"`
		}
		json.Unmarshal(m.content, &content)
		if content.State == "idle" {
			q.idle = true
			q.complete()
		}
	case "execute_input":
		var content struct {
			Count int `json:"execution_count"`
		}
		json.Unmarshal(m.content, &content)
		r.numbers[content.Count] = q.number
	case "error": // the reply says it
	default:
		q.out.take(m, r.publish)
	}
}

func (r *relay) publish(m *message) { r.iopub.send(r.key.frames(m)) }

// ask has GoNB answer m for q, and waits for it.
func (r *relay) ask(ctx context.Context, q *request, m *message) bool {
	r.one.Lock()
	q.reply, q.idle, q.done = nil, false, make(chan struct{})
	r.asked[m.header.ID] = q
	r.one.Unlock()
	r.toShell.send(r.key.frames(m))
	defer func() {
		r.one.Lock()
		delete(r.asked, m.header.ID)
		r.one.Unlock()
	}()
	select {
	case <-q.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// run answers the requests in line.
func (r *relay) run(ctx context.Context) {
	for {
		select {
		case q := <-r.work:
			r.status(q, "busy")
			switch q.header.Type {
			case "execute_request":
				r.execute(ctx, q)
			case "complete_request":
				r.completion(ctx, q)
			case "inspect_request":
				r.inspection(ctx, q)
			case "is_complete_request":
				r.reply(q.answer("is_complete_reply", map[string]string{"status": "unknown"}))
			}
			r.status(q, "idle")
		case <-ctx.Done():
			return
		}
	}
}

func (r *relay) reply(m *message) { r.shell.send(r.key.frames(m)) }

func (r *relay) status(q *request, state string) {
	m := q.answer("status", map[string]string{"execution_state": state})
	m.to = [][]byte{[]byte("status")}
	r.publish(m)
}

// execute runs a cell.
func (r *relay) execute(ctx context.Context, q *request) {
	asked := q.fields()
	code, _ := asked["code"].(string)
	silent, _ := asked["silent"].(bool)
	if keeps, ok := asked["store_history"].(bool); !ok && !silent || keeps {
		r.count++
	}
	asked["silent"], asked["store_history"] = silent, !silent
	if _, ok := asked["allow_stdin"].(bool); !ok {
		asked["allow_stdin"] = false
	}
	q.number = r.count
	r.one.Lock()
	stale := q.serial <= r.stopped
	r.one.Unlock()
	if stale {
		r.reply(q.answer("execute_reply", map[string]any{"status": "aborted"}))
		return
	}
	if !silent {
		m := q.answer("execute_input", map[string]any{"code": code, "execution_count": q.number})
		m.to = [][]byte{[]byte("execute_input")}
		r.publish(m)
	}
	c, err := cell.Read(code)
	if err != nil {
		r.fail(q, failure{ename: "mistake", sentence: err.Error(), lines: []string{shown(err.(*cell.Mistake))}})
		return
	}
	c.Number, q.cell = q.number, c
	asked["code"] = c.Go
	if !r.ask(ctx, q, q.with(asked)) {
		return
	}
	f, failed := r.failure(q)
	if failed && c.Quiet != nil && f.noValue {
		c = c.Quiet
		c.Number, q.cell = q.number, c
		asked["code"], asked["store_history"] = c.Go, false
		again := q.with(asked)
		again.header.ID = newID()
		q.out = order{}
		if !r.ask(ctx, q, again) {
			return
		}
		f, failed = r.failure(q)
	}
	if !f.unbuilt {
		r.book.Ran(c)
	}
	if reset.MatchString(code) {
		r.book.Forget()
	}
	r.one.Lock()
	q.out.end(r.publish, !failed)
	r.one.Unlock()
	if failed {
		r.fail(q, f)
		return
	}
	answer := q.reply.fields()
	answer["execution_count"] = q.number
	r.reply(q.answer("execute_reply", answer))
}

var reset = regexp.MustCompile(`(?m)^(//gonb:)?%reset\b`)

// fail tells what a cell failed of, and that the cells in line behind it are not run.
func (r *relay) fail(q *request, f failure) {
	content := map[string]any{"ename": f.ename, "evalue": f.sentence, "traceback": f.lines}
	m := q.answer("error", content)
	m.to = [][]byte{[]byte("error")}
	r.publish(m)
	content["status"], content["execution_count"] = "error", q.number
	r.reply(q.answer("execute_reply", content))
	if stop, ok := q.fields()["stop_on_error"].(bool); !ok || stop {
		r.one.Lock()
		r.stopped = r.serial
		r.one.Unlock()
	}
}
