package server

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/internal/place"
	"github.com/gointr/gointr/pkg/session/internal/wire"
	"github.com/gointr/gointr/pkg/torchfile"
)

var checkpoint, photo string

// TestMain lets this program be the session that package session starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "session" && os.Args[2] == "serve" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		err := Serve(ctx, Options{}, func(killed string) { session.Announce(killed, nil) })
		if err != nil {
			session.Announce("", err)
		}
		return
	}
	checkpoint = filepath.Join(shared.Root(), "pkg", "intr", "testdata", "basic.pth")
	photo = filepath.Join(shared.Root(), "notebooks", "bunting.jpg")
	session.Program, _ = os.Executable()
	os.Exit(shared.Main(m))
}

// alone gives the test a folder of its own, and no session when it is over.
func alone(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp(os.Getenv(place.Variable), "alone-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(place.Variable, folder)
	t.Setenv(session.ProgramVariable, "")
	t.Cleanup(func() {
		if err := session.Stop(context.Background()); err != nil && !errors.Is(err, session.ErrNone) {
			t.Errorf("the session could not be stopped: %v", err)
		}
		os.RemoveAll(folder)
	})
	return folder
}

// Tests that end before they can clean up, by go test's timeout or killed, leave
// no session and no folder behind.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv("GOINTR_TEST_LEAVES") != "" { // with a session
		if err := session.Start(context.Background(), io.Discard); err != nil {
			t.Fatal(err)
		}
		fmt.Println(status(t).PID, os.Getenv(place.Variable))
		select {}
	}
	for end, timeout := range map[string]string{"timeout": "-test.timeout=2s", "SIGKILL": "-test.timeout=1m"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeft$", timeout)
		cmd.Env = append(os.Environ(), "GOINTR_TEST_LEAVES=1", session.ProgramVariable+"=")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		var folder string
		if _, err := fmt.Fscan(out, &pid, &folder); err != nil {
			t.Fatal(err)
		}
		if end == "SIGKILL" {
			_ = cmd.Process.Kill()
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it was to fail")
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			_, err := os.Stat(folder)
			if syscall.Kill(pid, 0) == syscall.ESRCH && errors.Is(err, os.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %s the session, process %d, is still there, or %s", end, pid, folder)
			}
		}
	}
}

// inside runs a session in this process, which tests can look into.
func inside(t *testing.T, o Options) {
	t.Helper()
	alone(t)
	ready, ended := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- Serve(ctx, o, func(killed string) { ready <- killed }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func openModel(t *testing.T) *session.Model {
	t.Helper()
	m, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go", Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func status(t *testing.T) session.Status {
	t.Helper()
	s, err := session.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small is a picture that takes little time: a strip, which is not enlarged.
func small(t *testing.T) *picture.Picture {
	t.Helper()
	p := picture.New(1333, 33)
	for i := range p.Pix {
		p.Pix[i] = uint8(i * 7)
	}
	return another(p)
}

var pictures atomic.Uint32

// another is the picture with other first pixels, so that no answer is kept for
// it.
func another(p *picture.Picture) *picture.Picture {
	p = &picture.Picture{Width: p.Width, Height: p.Height, Pix: slices.Clone(p.Pix)}
	binary.LittleEndian.PutUint32(p.Pix, pictures.Add(1))
	return p
}

// eventually waits for what is about to happen.
func eventually(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > within {
			t.Fatalf("after %v, %s", within, what)
		}
	}
}

// The session's answers are those of the model in one's own process, to the bit.
func TestSameAnswers(t *testing.T) {
	alone(t)
	model, err := intr.Open(t.Context(), checkpoint, intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Explain(t.Context(), photo, p)
	if err != nil {
		t.Fatal(err)
	}
	m := openModel(t)
	if m.About().Classes != model.Config.Classes || !reflect.DeepEqual(m.About(), model.About()) {
		t.Errorf("the model is told as %+v", m)
	}
	got, took, err := m.Answer(t.Context(), photo, p, true)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Logits, want.Logits) || !slices.Equal(got.Weights, want.Weights) {
		t.Error("the numbers differ")
	}
	got.Logits, want.Logits, got.Weights, want.Weights = nil, nil, nil, nil
	if fmt.Sprint(*got) != fmt.Sprint(*want) {
		t.Errorf("the explanation is %+v, want %+v", *got, *want)
	}
	if took.Forward <= 0 || took.Total < took.Forward {
		t.Errorf("it took %+v", took)
	}
	brief, _, err := m.Answer(t.Context(), photo, p, false)
	if err != nil || brief.Weights != nil || len(brief.Logits) != m.About().Classes {
		t.Errorf("without maps it answers %+v (%v)", brief, err)
	}
}

// What a checkpoint knows of the pictures that it was trained on comes along.
func TestLikeness(t *testing.T) {
	inside(t, Options{})
	here, err := intr.Open(t.Context(), "sample", intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	warm, err := session.Open(t.Context(), "sample", session.Options{Backend: "go", Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	p := small(t)
	want, err := here.Explain(t.Context(), "strip", p)
	if err != nil {
		t.Fatal(err)
	}
	for _, maps := range []bool{true, false, true} { // the third is kept from the first
		got, _, err := warm.Answer(t.Context(), "strip", p, maps)
		if err != nil {
			t.Fatal(err)
		}
		if !want.Likeness.Unlike || got.Likeness == nil || *got.Likeness != *want.Likeness ||
			!slices.Equal(got.Pooled, want.Pooled) || maps && !slices.Equal(got.Weights, want.Weights) {
			t.Errorf("with maps %v it is %+v, here %+v", maps, got.Likeness, want.Likeness)
		}
	}
}

// A model that was trained on smaller pictures is asked at its size.
func TestEvalSize(t *testing.T) {
	alone(t)
	file, err := torchfile.Open(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var tensors []*torchfile.Tensor
	for _, tensor := range file.Tensors() {
		if name, ok := strings.CutPrefix(tensor.Name, "model."); ok {
			renamed := *tensor
			renamed.Name = name
			tensors = append(tensors, &renamed)
		}
	}
	path := filepath.Join(t.TempDir(), "small.safetensors")
	if err := torchfile.WriteSafetensors(path, tensors,
		map[string]string{"args": `{"nheads": 2, "eval_size": 128}`}); err != nil {
		t.Fatal(err)
	}
	model, err := intr.Open(t.Context(), path, intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Explain(t.Context(), photo, p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.Open(t.Context(), path, session.Options{Backend: "go"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Explain(t.Context(), photo, p)
	if err != nil {
		t.Fatal(err)
	}
	if m.About().EvalSize != 128 || got.InputHeight != 128 || !slices.Equal(got.Logits, want.Logits) ||
		!slices.Equal(got.Weights, want.Weights) {
		t.Errorf("at %d pixels, %d by %d, the session answers %v, the model itself %v", m.About().EvalSize,
			got.InputWidth, got.InputHeight, got.Logits, want.Logits)
	}
}

// A picture that was answered is not computed again, as long as it, the model and
// what is asked are the same, and it is one of the last.
func TestMemo(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	p := small(t)
	ask := func(image string, p *picture.Picture, maps bool) (*attention.Explanation, session.Took) {
		t.Helper()
		e, took, err := m.Answer(t.Context(), image, p, maps)
		if err != nil {
			t.Fatal(err)
		}
		return e, took
	}
	first, took := ask("a", p, true)
	if took.Kept || took.Forward <= 0 {
		t.Errorf("the first answer took %+v", took)
	}
	second, took := ask("b", p, true)
	if !took.Kept || took.Forward != 0 || !strings.Contains(took.String(), "answered before") {
		t.Errorf("the second answer took %+v", took)
	}
	if second.Image != "b" || !slices.Equal(first.Logits, second.Logits) ||
		!slices.Equal(first.Weights, second.Weights) {
		t.Error("the second answer differs")
	}
	if _, took := ask("a", p, false); took.Kept {
		t.Error("an answer without maps is one with them")
	}
	if _, took := ask("a", another(p), true); took.Kept {
		t.Error("another picture has the same answer")
	}
	for range mostAnswers {
		ask("c", small(t), true)
	}
	if _, took := ask("a", p, true); took.Kept {
		t.Errorf("more than %d answers are kept", mostAnswers)
	}
	var large memo
	a := &attention.Explanation{Weights: make([]float32, mostNumbers/4/2)}
	for i := range 4 {
		large.put(question{width: i}, a)
	}
	if large.get(question{width: 3}) == nil || large.get(question{width: 2}) == nil ||
		large.get(question{width: 1}) != nil || len(large.kept) != 2 {
		t.Errorf("%d large answers are kept", len(large.kept))
	}
	if large.forget(); large.get(question{width: 3}) != nil {
		t.Error("an answer is not forgotten")
	}
}

// A session of its own process is found by the next caller and ends when told to.
func TestStartStop(t *testing.T) {
	alone(t)
	if _, err := session.Now(t.Context()); !errors.Is(err, session.ErrNone) {
		t.Fatalf("a session is there already (%v)", err)
	}
	m := openModel(t)
	first := status(t)
	if len(first.Models) != 1 || first.Models[0].Path != checkpoint ||
		first.Models[0].Digest != m.About().Origin.SHA256 || !first.Models[0].Loaded {
		t.Errorf("its models are %+v", first.Models)
	}
	openModel(t)
	if second := status(t); second.PID != first.PID || len(second.Models) != 1 {
		t.Errorf("the second caller met %+v, the first %+v", second, first)
	}
	if err := session.Start(t.Context(), io.Discard); !errors.Is(err, session.ErrRunning) {
		t.Errorf("a second session is started with %v", err)
	}
	if err := Serve(t.Context(), Options{}, func(string) { t.Error("a second session is ready") }); !errors.Is(err,
		session.ErrRunning) {
		t.Errorf("a second session ends with %v", err)
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := session.Stop(t.Context()); !errors.Is(err, session.ErrNone) {
		t.Errorf("stopped twice: %v", err)
	}
	if log, err := os.ReadFile(first.Log); err != nil || !strings.Contains(string(log), "msg=loaded ") ||
		!strings.Contains(string(log), " checkpoint="+checkpoint) {
		t.Errorf("the log is %q (%v)", log, err)
	}
	// The handle of a model outlives the session.
	if _, _, err := m.Answer(t.Context(), "again", small(t), true); err != nil {
		t.Error(err)
	}
}

// 32 callers at once are all answered, in order of arrival. On a busy machine
// callers hear of their answers late, in any order, so that one good try of three
// is enough.
func TestManyAtOnce(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	p := small(t)
	var wrong string
	for range 6 {
		if wrong = manyAtOnce(t, m, p); wrong == "" {
			return
		}
	}
	t.Error(wrong)
}

// manyAtOnce says which caller was answered out of turn, if one was.
func manyAtOnce(t *testing.T, m *session.Model, p *picture.Picture) string {
	const callers = 32
	var mu sync.Mutex
	var finished, order []string
	var group sync.WaitGroup
	ask := func(name string) {
		group.Go(func() {
			if _, _, err := m.Answer(t.Context(), name, another(p), true); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			finished = append(finished, name)
		})
	}
	start := time.Now()
	for i := range callers {
		ask(strconv.Itoa(i))
	}
	for len(order) < callers && time.Since(start) < time.Minute {
		for _, j := range status(t).Jobs {
			if !slices.Contains(order, j.Image) {
				order = append(order, j.Image)
			}
		}
		mu.Lock()
		done := len(finished)
		mu.Unlock()
		if done == callers {
			break
		}
	}
	group.Wait()
	if len(finished) != callers {
		t.Fatalf("%d of %d were answered", len(finished), callers)
	}
	if len(order) < callers/2 {
		t.Skipf("skipped: only %d were seen to wait", len(order))
	}
	// A caller is told after the next picture was begun, so that some may swap where cores are busy.
	for i, name := range order {
		if at := slices.Index(finished, name) - slices.Index(finished, order[0]); at < i-4 ||
			at > i+4+callers-len(order) {
			return fmt.Sprintf("the one that came as number %d was answered as number %d", i, at)
		}
	}
	return ""
}

// A caller that leaves takes its work along, waiting or running.
func TestInterrupt(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if _, _, err := m.Answer(ctx, "unwanted", another(p), true); err == nil {
				return
			} else if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	eventually(t, 20*time.Second, "nothing runs", func() bool { return len(status(t).Jobs) > 10 })
	cancel()
	eventually(t, 4*time.Second, "the work goes on", func() bool { return len(status(t).Jobs) == 0 })
	group.Wait()
	if _, _, err := m.Answer(t.Context(), "wanted", small(t), true); err != nil {
		t.Errorf("the next caller is told %v", err)
	}
	if in := status(t).Models[0].InUse; in != 0 {
		t.Errorf("%d callers use the model for ever", in)
	}
}

// A model that is not used goes when memory is short, the least recently used
// first, and comes back by itself.
func TestMemory(t *testing.T) {
	var mu sync.Mutex
	held := uint64(0)
	old := resident
	resident = func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return held
	}
	t.Cleanup(func() { resident = old })
	inside(t, Options{Memory: 1000})
	other := copied(t, checkpoint, "other.pth", 1)
	first := openModel(t)
	second, err := session.Open(t.Context(), other, session.Options{Backend: "go"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(status(t).Models); n != 2 {
		t.Fatalf("%d models are there", n)
	}
	if _, _, err := first.Answer(t.Context(), "a", small(t), false); err != nil {
		t.Fatal(err)
	}
	s := server{models: models{entries: map[key]*entry{}}}
	if s.models.evict() != nil {
		t.Error("nothing was evicted as something")
	}
	mu.Lock()
	held = 1001
	mu.Unlock()
	// Nothing frees this memory, so all unused models go, also the one just used.
	if _, _, err := second.Answer(t.Context(), "b", small(t), false); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Second, "models are kept", func() bool { return len(status(t).Models) == 0 })
	mu.Lock()
	held = 0
	mu.Unlock()
	if _, took, err := first.Answer(t.Context(), "c", small(t), false); err != nil || took.Load <= 0 {
		t.Errorf("the model came back with %v, in %v", err, took.Load)
	}
}

func TestEvict(t *testing.T) {
	m := models{entries: map[key]*entry{}}
	now := time.Now()
	for i, e := range []*entry{
		{used: now.Add(-3 * time.Hour), users: 1, model: &intr.Model{}},
		{used: now.Add(-2 * time.Hour)}, // being loaded
		{used: now, model: &intr.Model{}},
		{used: now.Add(-time.Hour), model: &intr.Model{}},
	} {
		e.key = key{digest: strconv.Itoa(i), backend: "go"}
		m.entries[e.key] = e
	}
	for _, want := range []string{"3", "2"} {
		if e := m.evict(); e == nil || e.digest != want {
			t.Fatalf("%+v was evicted, want %s", e, want)
		}
	}
	if e := m.evict(); e != nil {
		t.Errorf("%+v was evicted, which is in use", e)
	}
}

// copied is a checkpoint of other content: its last bytes, which hold none of
// the zip's data, differ.
func copied(t *testing.T, path, name string, change int) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	if change == 0 {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return out
	}
	out = strings.TrimSuffix(out, ".pth") + ".safetensors"
	if _, err := intr.Convert(t.Context(), path, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Models are known by content: two names of one file share a model, and a file
// that was written anew is another one.
func TestContent(t *testing.T) {
	inside(t, Options{})
	path := copied(t, checkpoint, "mine.pth", 0)
	t.Chdir(filepath.Dir(path))
	m, err := session.Open(t.Context(), "mine.pth", session.Options{Backend: "go"})
	if err != nil {
		t.Fatal(err)
	}
	openModel(t)
	if s := status(t); len(s.Models) != 1 {
		t.Errorf("one content is %d models", len(s.Models))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	// What was opened goes on with what it had, while the session has it.
	if _, _, err := m.Answer(t.Context(), "a", small(t), false); err != nil {
		t.Error(err)
	}
	_, err = session.Open(t.Context(), "mine.pth", session.Options{Backend: "go"})
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("half a checkpoint is opened with %v", err)
	}
	if s := status(t); len(s.Models) != 1 {
		t.Errorf("a model that could not be loaded is kept: %+v", s.Models)
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err = m.Answer(t.Context(), "a", small(t), false)
	if err == nil || !strings.Contains(err.Error(), "has changed since it was opened") {
		t.Errorf("another content is answered with %v", err)
	}
}

// A user's mistake is one sentence.
func TestMistakes(t *testing.T) {
	inside(t, Options{})
	for _, c := range []struct{ checkpoint, backend, want string }{
		{"", "", "no checkpoint was named"},
		{"nowhere.pth", "", "nowhere.pth"},
		{photo, "", "this is no checkpoint"},
		{checkpoint, "abacus", "choose auto, xla, cuda or go"},
	} {
		_, err := session.Open(t.Context(), c.checkpoint, session.Options{Backend: c.backend})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\t") {
			t.Errorf("%q on %q is answered with %v", c.checkpoint, c.backend, err)
		}
	}
	if _, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go", Names: []string{"one"}}); err ==
		nil || !strings.Contains(err.Error(), "1 class names") {
		t.Errorf("too few names are answered with %v", err)
	}
	m := openModel(t)
	for _, err := range m.Each(t.Context(), []string{"nowhere.jpg"}) {
		if err == nil || !strings.Contains(err.Error(), "nowhere.jpg") {
			t.Errorf("a missing picture is answered with %v", err)
		}
	}
}

// Whatever arrives on the socket, the session goes on.
func TestNonsense(t *testing.T) {
	inside(t, Options{})
	m := openModel(t)
	where, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	send := func(text string) string {
		conn, err := net.Dial("unix", where.Socket())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		in := wire.Reader(conn)
		var hello wire.Hello
		if err := wire.Read(in, &hello); err != nil || hello.Protocol != wire.Protocol {
			t.Fatalf("greeted with %+v (%v)", hello, err)
		}
		io.WriteString(conn, text)
		conn.(*net.UnixConn).CloseWrite()
		rest, _ := io.ReadAll(in)
		return string(rest)
	}
	for text, want := range map[string]string{
		"":                         "",
		"\n":                       "",
		"nonsense\n":               "",
		strings.Repeat("x", 3<<20): "",
		`{"do":"dance"}` + "\n":    "",
		`{"do":"answer","height":-1,"width":-1}` + "\n":                 "is none that a network is given",
		`{"do":"answer","height":1000000000,"width":1000000000}` + "\n": "is none that a network is given",
		`{"do":"answer","height":100,"width":100}` + "\n" + "few":       "did not arrive",
	} {
		if got := send(text); !strings.Contains(got, want) {
			t.Errorf("%.60q is answered with %q", text, got)
		}
	}
	if _, _, err := m.Answer(t.Context(), "sense", small(t), true); err != nil {
		t.Error(err)
	}
	eventually(t, 5*time.Second, "callers are left", func() bool { return len(status(t).Jobs) == 0 })
}

// The session ends when nobody has called for its idle time, or when its socket
// is taken away.
func TestIdle(t *testing.T) {
	folder := alone(t)
	ended := make(chan error, 1)
	ready := make(chan bool, 1)
	serve := func() {
		go func() {
			ended <- Serve(context.Background(), Options{Idle: 200 * time.Millisecond}, func(string) { ready <- true })
		}()
		<-ready
	}
	serve()
	m := openModel(t)
	for start := time.Now(); time.Since(start) < 400*time.Millisecond; {
		if _, _, err := m.Answer(t.Context(), "busy", small(t), false); err != nil {
			t.Fatal(err)
		}
	}
	wait := func() {
		t.Helper()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the session does not end")
		}
	}
	wait()
	if left, _ := filepath.Glob(filepath.Join(folder, "session.[sp]*")); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	serve()
	os.Remove(filepath.Join(folder, "session.sock"))
	wait()
}

// sessions are the processes that are a session in this folder.
func sessions(t *testing.T, folder string) (found []int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: processes are counted in /proc, which Linux has")
	}
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		line, _ := os.ReadFile(path)
		if !strings.HasPrefix(string(line), session.Program+"\x00session\x00serve") {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if strings.Contains(string(environ), place.Variable+"="+folder+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, pid)
		}
	}
	return found
}

// However and whenever the session is killed, the next call works, and there is
// one session.
func TestKilled(t *testing.T) {
	folder := alone(t)
	p := small(t)
	var told strings.Builder
	for try := range 20 {
		m, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go", Progress: &told})
		if err != nil {
			t.Fatal(err)
		}
		running := sessions(t, folder)
		if len(running) != 1 {
			t.Fatalf("try %d: the sessions are %v", try, running)
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if _, _, err := m.Answer(t.Context(), "picture", another(p), true); err != nil {
					t.Errorf("try %d: %v", try, err)
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		if err := syscall.Kill(running[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		if _, _, err := m.Answer(t.Context(), "after it", another(p), true); err != nil {
			t.Errorf("try %d: %v", try, err)
		}
	}
	if running := sessions(t, folder); len(running) != 1 {
		t.Errorf("in the end the sessions are %v", running)
	}
	if n := strings.Count(told.String(), "had been killed: a new one was started"); n < 15 {
		t.Errorf("of 20 deaths %d were told: %s", n, told.String())
	}
}

// Many who find no session start one.
func TestStartTogether(t *testing.T) {
	folder := alone(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() { openModel(t) })
	}
	group.Wait()
	if running := sessions(t, folder); len(running) != 1 {
		t.Errorf("the sessions are %v", running)
	}
}

// A session that hangs is told of, ended by Stop, and replaced.
func TestHung(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it waits for ten seconds")
	}
	folder := alone(t)
	m := openModel(t)
	p, err := picture.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	const callers = 20
	told := make(chan error, callers+1)
	for range callers {
		go func() {
			_, _, err := m.Answer(t.Context(), "a", another(p), true)
			told <- err
		}()
	}
	eventually(t, 20*time.Second, "nothing waits", func() bool { return len(status(t).Jobs) > callers/2 })
	hung := sessions(t, folder)[0]
	if err := syscall.Kill(hung, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go"})
		told <- err
	}()
	hanging := 0
	for range callers + 1 {
		select {
		case err := <-told:
			if err != nil && !strings.Contains(err.Error(), "does not answer: gointr session stop") {
				t.Errorf("it is told as %v", err)
			}
			if err != nil {
				hanging++
			}
		case <-time.After(30 * time.Second):
			t.Fatal("someone waits for ever")
		}
	}
	if hanging < 2 {
		t.Errorf("only %d are told", hanging)
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	openModel(t)
	if running := sessions(t, folder); len(running) != 1 || running[0] == hung {
		t.Errorf("the sessions are %v", running)
	}
}

// A program that was built anew replaces the session of the old one.
func TestRebuilt(t *testing.T) {
	folder := alone(t)
	program := filepath.Join(t.TempDir(), "gointr")
	data, err := os.ReadFile(session.Program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(session.ProgramVariable, program)
	openModel(t)
	first := status(t).PID
	// As a linker does: a new file under the old name.
	if err := os.WriteFile(program+".new", data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
	openModel(t)
	if second := status(t).PID; second == first {
		t.Error("the old program goes on")
	}
	_ = folder
}

// Where a session cannot live or be started is said in a sentence.
func TestPlaces(t *testing.T) {
	folder := alone(t)
	open := func() error {
		_, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go"})
		return err
	}
	expect := func(want string) {
		t.Helper()
		err := open()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("it is answered with %v, want %q", err, want)
		}
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	loose := filepath.Join(folder, "loose")
	if err := os.Mkdir(loose, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(place.Variable, file)
	expect("cannot live in " + file)
	t.Setenv(place.Variable, filepath.Join(file, "below"))
	expect("cannot live in " + file)
	t.Setenv(place.Variable, loose)
	expect("which others may enter: chmod 700")
	t.Setenv(place.Variable, filepath.Join(folder, strings.Repeat("long", 30)))
	expect("too long for a socket")
	t.Setenv(place.Variable, filepath.Join(folder, "a", "missing", "one"))
	t.Setenv(session.ProgramVariable, file)
	expect("could not be started with " + file)
	t.Setenv(session.ProgramVariable, filepath.Join(folder, "none"))
	expect("which is no program")
	t.Setenv(session.ProgramVariable, "")
	if err := open(); err != nil {
		t.Errorf("a missing folder is not made: %v", err)
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	// A missing XDG_RUNTIME_DIR, as without a login, is no obstacle.
	t.Setenv(place.Variable, "")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(folder, "no", "login"))
	if where, err := place.Find(); err != nil || !strings.HasPrefix(string(where), "/tmp/gointr-") {
		t.Errorf("without a login it lives in %q (%v)", where, err)
	}
	t.Setenv("XDG_RUNTIME_DIR", folder)
	if where, err := place.Find(); err != nil || string(where) != filepath.Join(folder, "gointr") {
		t.Errorf("with a login it lives in %q (%v)", where, err)
	}
	t.Setenv(place.Variable, folder)
}

// TestOthers needs root: it makes what another user could.
func TestOthers(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("skipped: only root can make files of another user")
	}
	folder := alone(t)
	const other = 12345
	theirs := filepath.Join(folder, "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(theirs, other, other); err != nil {
		t.Fatal(err)
	}
	t.Setenv(place.Variable, theirs)
	_, err := session.Open(t.Context(), checkpoint, session.Options{})
	if err == nil || !strings.Contains(err.Error(), "which belongs to another user: name a folder of your own in "+
		place.Variable) {
		t.Errorf("their folder is answered with %v", err)
	}

	// A process of theirs listens in our folder.
	mine := filepath.Join(folder, "mine")
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(mine, "session.sock"))
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	const python = "/usr/bin/python3" // another user may not enter root's folders
	if _, err := os.Stat(python); err != nil {
		t.Skip("skipped: no python3 to be another user with")
	}
	if err := errors.Join(os.Chown(mine, other, other), os.Chmod(folder, 0o711)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print("ready", flush=True)
time.sleep(60)`, filepath.Join(mine, "session.sock"))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		os.Chmod(folder, 0o700)
		t.Skipf("skipped: another user cannot be had: %v", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		os.Chmod(folder, 0o700)
		t.Skipf("skipped: another user cannot listen: %v", err)
	}
	if err := errors.Join(os.Chown(mine, 0, 0), os.Chmod(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Setenv(place.Variable, mine)
	_, err = session.Open(t.Context(), checkpoint, session.Options{})
	if err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("their socket is answered with %v", err)
	}
	t.Setenv(place.Variable, folder)
}

// TestFull needs root: it mounts a disk and fills it.
func TestFull(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("skipped: only root can mount a small disk")
	}
	folder := alone(t)
	disk := filepath.Join(folder, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	mount := func(options string) {
		t.Helper()
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=700,"+options, "tmpfs", disk).
			CombinedOutput(); err != nil {
			t.Skipf("skipped: nothing can be mounted here: %s", out)
		}
	}
	unmount := func() {
		exec.Command("umount", "-l", disk).Run()
	}
	t.Setenv(place.Variable, disk)
	// No file can be made: a sentence.
	mount("nr_inodes=1")
	_, err := session.Open(t.Context(), checkpoint, session.Options{Backend: "go"})
	unmount()
	if err == nil || !strings.Contains(err.Error(), "free some space, or name another folder in "+place.Variable) {
		t.Errorf("a full disk is answered with %v", err)
	}
	// Files can be made, but nothing written into them: the log is lost, no more.
	mount("size=4k")
	defer unmount()
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := filler.Write(make([]byte, 512)); err != nil {
			break
		}
	}
	filler.Close()
	m := openModel(t)
	if _, _, err := m.Answer(t.Context(), "a", small(t), true); err != nil {
		t.Error(err)
	}
	if err := session.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	t.Setenv(place.Variable, folder)
}

// Pictures with one canvas are answered together where that pays, and each as
// if it were alone.
func TestTogether(t *testing.T) {
	model, err := intr.Open(t.Context(), checkpoint, intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	e := &entry{model: model}
	at := func(w, h int, maps bool) *job {
		return &job{ctx: t.Context(), entry: e, input: picture.New(w, h), maps: maps}
	}
	jobs := []*job{at(96, 64, true), at(96, 64, true), at(96, 64, true), at(64, 96, true), at(96, 64, true)}
	for _, c := range []struct{ from, most, want int }{{0, 8, 2}, {0, 1, 1}, {1, 8, 2}, {2, 8, 1},
		{3, 8, 1}, {4, 8, 1}} {
		if got := alike(jobs[c.from:], c.most); got != c.want {
			t.Errorf("of the jobs from %d, at most %d, %d go together, want %d", c.from, c.most, got, c.want)
		}
	}
	if got := alike([]*job{at(96, 64, true), at(96, 64, false)}, 8); got != 1 {
		t.Errorf("jobs for maps and for logits go together")
	}
	for i := range jobs[1].input.Pix {
		jobs[1].input.Pix[i] = uint8(i)
	}
	run(jobs[:2])
	for i, j := range jobs[:2] {
		alone, _, err := model.Answer(t.Context(), true, j.input)
		if err != nil || j.err != nil {
			t.Fatal(err, j.err)
		}
		if d := furthest(j.answer, alone[0]); d > 1e-5 {
			t.Errorf("picture %d is answered %v apart from what it is alone", i, d)
		}
	}
	if furthest(jobs[0].answer, jobs[1].answer) < 1e-4 {
		t.Error("two pictures got one answer")
	}
}

func furthest(a, b *attention.Explanation) (most float32) {
	for i := range a.Logits {
		most = max(most, a.Logits[i]-b.Logits[i], b.Logits[i]-a.Logits[i])
	}
	for i := range a.Weights {
		most = max(most, a.Weights[i]-b.Weights[i], b.Weights[i]-a.Weights[i])
	}
	return most
}

// Status is JSON that scripts read.
func TestStatus(t *testing.T) {
	inside(t, Options{Idle: time.Minute, Memory: 5e9})
	openModel(t)
	data, err := json.Marshal(status(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"pid":` + strconv.Itoa(os.Getpid()), `"idle":60`, `"budget":5000000000`, `"jobs":[]`,
		`"backend":"go"`, `"loaded":true`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
	if runtime.GOOS == "linux" && status(t).Memory < 1e6 {
		t.Errorf("it holds %d bytes", status(t).Memory)
	}
}

// A thousand explanations later the session holds what it held after a hundred.
func TestThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it takes some ten seconds")
	}
	if runtime.GOOS != "linux" {
		t.Skip("skipped: memory is read from /proc, which Linux has")
	}
	alone(t)
	for _, kind := range []string{"go", "xla"} {
		m, err := session.Open(t.Context(), checkpoint, session.Options{Backend: kind})
		if err != nil {
			t.Logf("skipped on %s: %v", kind, err)
			continue
		}
		held := func() uint64 {
			time.Sleep(tidyAfter + time.Second)
			return status(t).Memory
		}
		var after100 uint64
		for i := range 1000 {
			p := picture.New(1333, 20+i%40) // sizes of several canvases
			if _, _, err := m.Answer(t.Context(), strconv.Itoa(i), another(p), true); err != nil {
				t.Fatal(err)
			}
			if i == 99 {
				after100 = held()
			}
		}
		after1000 := held()
		t.Logf("%s: %s after 100, %s after 1000", kind, Bytes(after100), Bytes(after1000))
		// A heap has more or fewer holes from one time to the next.
		if after1000 > after100+max(after100/20, 8<<20) {
			t.Errorf("%s: memory grew from %s to %s", kind, Bytes(after100), Bytes(after1000))
		}
	}
}
