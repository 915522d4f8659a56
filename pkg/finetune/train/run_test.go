package train_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/internal/shared"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/backend/enginetest"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/intr"
)

// trainVariable has the test program train instead: the folder, options and
// dataset follow as JSON.
const trainVariable = "GOINTR_TEST_TRAIN"

// fullVariable has the disk be full after the first epoch of that training.
const fullVariable = "GOINTR_TEST_FULL"

// fillDisk copies the checkpoint of the first epoch beside the run, and then lets no file of this process
// become as large as it.
func fillDisk(dir string) func(finetune.Event) {
	return func(e finetune.Event) {
		if e.Line == nil || e.Line.Epoch > 0 {
			return
		}
		checkpoint, err := os.ReadFile(filepath.Join(dir, "checkpoint.pth"))
		if err == nil {
			err = os.WriteFile(dir+".before", checkpoint, 0o600)
		}
		var limit syscall.Rlimit
		if err == nil {
			err = syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
		}
		if limit.Cur = uint64(len(checkpoint) / 2); err == nil {
			err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
		}
		if err != nil {
			panic(err)
		}
	}
}

func TestMain(m *testing.M) {
	if text := os.Getenv(trainVariable); text != "" {
		var job struct {
			Dir     string
			Options train.Options
		}
		if err := json.Unmarshal([]byte(text), &job); err != nil {
			panic(err)
		}
		var tell func(finetune.Event)
		if os.Getenv(fullVariable) != "" {
			tell = fillDisk(job.Dir)
		}
		if _, err := train.Join(context.Background(), job.Dir, job.Options, tell); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// XLA compiles these small graphs for seconds and runs them for milliseconds:
	// without LLVM's optimisations it is half as long.
	const level = "--xla_backend_optimization_level"
	if flags := os.Getenv("XLA_FLAGS"); !strings.Contains(flags, level) && !slices.ContainsFunc(os.Args,
		func(a string) bool { return strings.HasPrefix(a, "-test.bench=") }) {
		os.Setenv("XLA_FLAGS", flags+" "+level+"=0")
	}
	os.Exit(shared.Main(m))
}

// flock draws a few birds of 64 pixels.
func flock(t *testing.T, classes, perClass int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "birds")
	if err := birds.Write(t.Context(), dir, birds.Options{Classes: classes, PerClass: perClass, Size: 64},
		func() {}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tiny is a training from nothing that takes seconds on the pure-Go engine.
func tiny(dataset string) train.Options {
	c := train.Slim()
	c.Width, c.HiddenDim, c.FeedForward = 8, 32, 32
	o := train.DefaultOptions()
	o.From, o.Architecture, o.Dataset, o.Size, o.Epochs, o.BatchSize = finetune.Nothing, &c, dataset, 48, 3, 4
	o.Engine, o.Frozen, o.TrainBatchNorm, o.LR, o.LRBackbone = "go", nil, true, 1e-3, 1e-3
	o.Schedule = finetune.Schedule{Kind: finetune.OneCycleLR}
	return o
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRun(t *testing.T) {
	o := tiny(flock(t, 3, 12))
	o.TensorBoard = true
	dir := filepath.Join(t.TempDir(), "run")
	var events []finetune.Event
	summary, err := train.Train(t.Context(), dir, o, func(e finetune.Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	lines, err := finetune.ReadLog(dir)
	if err != nil || len(lines) != 3 || summary.Epochs != 3 || lines[2] != summary.Last {
		t.Fatalf("the log is %+v (%v), the summary %+v", lines, err, summary)
	}
	if lines[0].NParameters < 10_000 || lines[0].TrainLR <= 0 || lines[0].TrainGradNorm <= 0 ||
		lines[2].TrainAcc5 != 100 {
		t.Errorf("the log is %+v", lines)
	}
	best := slices.MaxFunc(lines, func(a, b finetune.Line) int {
		if a.TestAcc1 != b.TestAcc1 {
			return int(math.Copysign(1, a.TestAcc1-b.TestAcc1))
		}
		return int(math.Copysign(1, b.TestLoss-a.TestLoss))
	})
	if best != summary.Best {
		t.Errorf("the best epoch is %+v, not %+v", summary.Best, best)
	}
	if n := strings.Count(read(t, filepath.Join(dir, "steps.txt")), "\n"); n != 27 {
		t.Errorf("%d steps are kept", n)
	}
	scalars := readEvents(t, filepath.Join(dir, "events.out.tfevents.gointr"))
	for i, line := range lines {
		for tag, want := range map[string]float64{"train/loss": line.TrainLoss, "test/acc1": line.TestAcc1,
			"train/lr": line.TrainLR} {
			if got, ok := scalars[i][tag]; !ok || got != float32(want) {
				t.Errorf("TensorBoard is told %s %v of epoch %d, and it is %v", tag, got, i, want)
			}
		}
	}
	if width, height := sizeOf(t, filepath.Join(dir, "curves.png")); width < 1000 || height < 300 {
		t.Errorf("the curves have %d×%d pixels", width, height)
	}
	var phases []finetune.Phase
	for _, e := range events {
		if len(phases) == 0 || phases[len(phases)-1] != e.Phase {
			phases = append(phases, e.Phase)
		}
	}
	want := []finetune.Phase{finetune.Checking, finetune.Starting}
	for range 3 {
		want = append(want, finetune.Training, finetune.Evaluating)
	}
	if want = append(want, finetune.Measuring, finetune.Finished); !slices.Equal(phases, want) {
		t.Errorf("the phases are %v", phases)
	}

	// The best model is one like any other, knows its classes, and is as good as the log says.
	m, err := intr.Open(t.Context(), filepath.Join(dir, "best.pth"), intr.Backend("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	_, val, err := datasets.Open(o.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Names, val.Classes) || m.Config.EvalSize != 48 {
		t.Errorf("the best model's classes are %v, its pictures have %d pixels", m.Names, m.Config.EvalSize)
	}
	right := 0
	for i := range val.Len() {
		r, err := m.Predict(t.Context(), val.Path(i))
		if err != nil {
			t.Fatal(err)
		}
		if r[0].Top[0].Index == val.Class(i) {
			right++
		}
	}
	if got := 100 * float64(right) / float64(val.Len()); math.Abs(got-summary.Best.TestAcc1) > 1e-9 {
		t.Errorf("the best model is right for %v %%, and the log says %v %%", got, summary.Best.TestAcc1)
	}

	// A finished run is finished; asked for more epochs it would be another schedule.
	again, err := train.Continue(t.Context(), dir, train.Change{}, nil)
	if err != nil || again.Epochs != 3 {
		t.Errorf("a finished run goes on with %+v (%v)", again, err)
	}
	if _, err := train.Continue(t.Context(), dir, train.Change{Epochs: 5}, nil); err == nil ||
		!strings.Contains(err.Error(), "OneCycleLR") {
		t.Errorf("one cycle goes on with %v", err)
	}
}

func sizeOf(t *testing.T, path string) (width, height int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	config, err := png.DecodeConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	return config.Width, config.Height
}

// readEvents are the scalars of an event file, by step and tag, its checksums
// looked at.
func readEvents(t *testing.T, path string) map[int]map[string]float32 {
	t.Helper()
	data := []byte(read(t, path))
	sum := func(data []byte) uint32 {
		crc := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	// fields calls f for each field of a protocol buffer.
	fields := func(data []byte, f func(number protowire.Number, value []byte)) {
		for len(data) > 0 {
			number, kind, n := protowire.ConsumeTag(data)
			if n < 0 {
				t.Fatal(protowire.ParseError(n))
			}
			data = data[n:]
			n = protowire.ConsumeFieldValue(number, kind, data)
			if n < 0 {
				t.Fatal(protowire.ParseError(n))
			}
			value := data[:n]
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			f(number, value)
			data = data[n:]
		}
	}
	scalars := map[int]map[string]float32{}
	version := ""
	for len(data) > 0 {
		size := binary.LittleEndian.Uint64(data)
		body := data[12 : 12+size]
		if sum(data[:8]) != binary.LittleEndian.Uint32(data[8:]) ||
			sum(body) != binary.LittleEndian.Uint32(data[12+size:]) {
			t.Fatal("a checksum is wrong")
		}
		data = data[16+size:]
		step := 0
		fields(body, func(number protowire.Number, value []byte) {
			switch number {
			case 2:
				n, _ := protowire.ConsumeVarint(value)
				step = int(n)
			case 3:
				version = string(value)
			case 5:
				scalars[step] = map[string]float32{}
				fields(value, func(_ protowire.Number, value []byte) {
					tag := ""
					fields(value, func(number protowire.Number, value []byte) {
						if number == 1 {
							tag = string(value)
						} else {
							scalars[step][tag] = math.Float32frombits(binary.LittleEndian.Uint32(value))
						}
					})
				})
			}
		})
	}
	if version != "brain.Event:2" {
		t.Errorf("the version is %q", version)
	}
	return scalars
}

// A run that is stopped and gone on with, anywhere, makes the very same steps.
func TestStopped(t *testing.T) {
	o := tiny(flock(t, 2, 10))
	o.Accumulate = 2
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	if _, err := train.Train(t.Context(), whole, o, nil); err != nil {
		t.Fatal(err)
	}
	stops := 0
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := train.Join(ctx, parts, o, func(e finetune.Event) {
			if e.Phase == finetune.Training {
				time.AfterFunc(time.Duration(rand.IntN(8))*time.Millisecond, cancel)
			}
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, finetune.ErrStopped) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 2 {
		t.Errorf("it was stopped %d times", stops)
	}
	sameRun(t, whole, parts)
}

// sameRun compares what two runs did, but for the time that it took.
func sameRun(t *testing.T, a, b string) {
	t.Helper()
	if read(t, filepath.Join(a, "steps.txt")) != read(t, filepath.Join(b, "steps.txt")) {
		t.Errorf("the steps differ:\n%s\n%s", read(t, filepath.Join(a, "steps.txt")),
			read(t, filepath.Join(b, "steps.txt")))
	}
	x, err := finetune.ReadLog(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := finetune.ReadLog(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i].Seconds = 0
	}
	for i := range y {
		y[i].Seconds = 0
	}
	if !slices.Equal(x, y) {
		t.Errorf("the logs differ:\n%+v\n%+v", x, y)
	}
}

// Killed at any moment, twenty times, a run still makes the very same steps.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it takes half a minute")
	}
	o := tiny(flock(t, 2, 10))
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	start := time.Now()
	if _, err := train.Train(t.Context(), whole, o, nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	kills := 0
	for try := 0; ; try++ {
		cmd, stderr := process(t, parts, o)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kills < 20 {
			// What was done after the last save is done again, so that many short lives would not come to an end.
			time.Sleep(time.Duration(rand.Int64N(int64(took)*2/3 + 1)))
			_ = cmd.Process.Signal(syscall.SIGKILL)
		}
		err := cmd.Wait()
		if err == nil {
			if kills >= 20 {
				break
			}
			// It came to its end: begin another, to be killed more often.
			sameRun(t, whole, parts)
			if err := os.RemoveAll(parts); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if stderr.Len() > 0 {
			t.Fatalf("after %d kills: %s", kills, stderr)
		}
		kills++
		for _, name := range []string{"checkpoint.pth", "best.pth"} {
			if _, err := os.Stat(filepath.Join(parts, name)); err != nil {
				continue
			}
			m, err := intr.Open(t.Context(), filepath.Join(parts, name), intr.Backend("go"))
			if err != nil {
				t.Errorf("after %d kills: %v", kills, err)
				continue
			}
			m.Close()
		}
	}
	sameRun(t, whole, parts)
	entries, err := os.ReadDir(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

// process is another one that joins a run; what it says comes with it.
func process(t *testing.T, dir string, o train.Options) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	job, err := json.Marshal(map[string]any{"Dir": dir, "Options": o})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), trainVariable+"="+string(job))
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	return cmd, stderr
}

// On every engine, on one device and four, a run that is stopped in the middle of
// an epoch, killed in that epoch and in the next, and stopped at an end makes the
// very same steps. Its pictures have the size that its checkpoint says.
func TestGoOn(t *testing.T) {
	dataset := flock(t, 2, 10)
	enginetest.Each(t, func(t *testing.T, engine string) {
		for _, devices := range []int{1, 4} {
			t.Run(fmt.Sprint(devices), func(t *testing.T) {
				if e, err := backend.Open(engine); err != nil || e.NumDevices() < devices {
					t.Skipf("skipped: there are no %d devices (%v)", devices, err)
				}
				goOn(t, dataset, engine, devices)
			})
		}
	})
}

func goOn(t *testing.T, dataset, engine string, devices int) {
	o := tiny(dataset)
	c := *o.Architecture
	c.Classes, c.EvalSize, c.DecoderLayers = 2, o.Size, 1
	o.TrainBatchNorm, o.Frozen = false, []string{"backbone"} // XLA compiles the less
	start, err := train.FromNothing(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := o.Settings
	s.Schedule = finetune.Schedule{}
	tr, err := train.NewTrainer(start, s)
	if err != nil {
		t.Fatal(err)
	}
	o.From = filepath.Join(t.TempDir(), "start.pth")
	err = tr.Save(o.From, train.Extra{ModelOnly: true})
	tr.Close()
	if err != nil {
		t.Fatal(err)
	}
	o.Architecture, o.Size, o.Augment, o.Engine, o.Devices = nil, 0, "flip", engine, devices
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	if _, err := train.Train(t.Context(), whole, o, nil); err != nil {
		t.Fatal(err)
	}
	steps := func() int {
		data, _ := os.ReadFile(filepath.Join(parts, "steps.txt"))
		return bytes.Count(data, []byte("\n"))
	}
	stop := func(after, epochs int) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for after > 0 && steps() < after {
				time.Sleep(time.Millisecond)
			}
			if after > 0 {
				cancel()
			}
		}()
		_, err := train.Join(ctx, parts, o, func(e finetune.Event) {
			if e.Line != nil && e.Epoch+1 == epochs {
				cancel()
			}
		})
		if !errors.Is(err, finetune.ErrStopped) {
			t.Fatalf("it ends with %v", err)
		}
	}
	kill := func(after int) {
		t.Helper()
		cmd, stderr := process(t, parts, o)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		for steps() < after {
			select {
			case err := <-done:
				t.Fatalf("it ends with %v: %s", err, stderr)
			case <-time.After(time.Millisecond):
			}
		}
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-done
	}
	stop(2, 0)
	kill(steps() + 1)
	kill(7)
	stop(0, 2)
	if _, err := train.Join(t.Context(), parts, o, nil); err != nil {
		t.Fatal(err)
	}
	sameRun(t, whole, parts)
}

// A mistake is one sentence, before anything is written.
func TestRunMistakes(t *testing.T) {
	dataset := flock(t, 2, 8)
	used := filepath.Join(t.TempDir(), "used")
	if err := os.MkdirAll(used, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(used, "notes.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(o *train.Options)
		dir    string
		want   string
	}{
		"no dataset":       {func(o *train.Options) { o.Dataset = "" }, "", "no dataset was named"},
		"no such dataset":  {func(o *train.Options) { o.Dataset = "nowhere" }, "", "there is no folder"},
		"nothing to start": {func(o *train.Options) { o.From = "" }, "", "what to start from"},
		"no such file":     {func(o *train.Options) { o.From = "nowhere.pth" }, "", "nowhere.pth"},
		"no architecture":  {func(o *train.Options) { o.Architecture = nil }, "", "need an architecture"},
		"queries":          {func(o *train.Options) { o.Queries = 200 }, "", "200 queries were asked for"},
		"epochs":           {func(o *train.Options) { o.Epochs = 0 }, "", "0 epochs"},
		"batch":            {func(o *train.Options) { o.BatchSize = 100 }, "", "do not fill a batch of 100"},
		"schedule":         {func(o *train.Options) { o.Schedule.Kind = "Linear" }, "", "no schedule \"Linear\""},
		"part":             {func(o *train.Options) { o.Frozen = []string{"head"} }, "", "no part \"head\""},
		"size":             {func(o *train.Options) { o.Size = 5 }, "", "5 pixels"},
		"engine":           {func(o *train.Options) { o.Engine = "abacus" }, "", "abacus"},
		"a folder in use":  {func(*train.Options) {}, used, "is not empty"},
	} {
		o := tiny(dataset)
		c.change(&o)
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "run")
		}
		_, err := train.Train(t.Context(), dir, o, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s is told as %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
			t.Errorf("%s: a run was begun", name)
		}
	}
	if _, err := train.Continue(t.Context(), used, train.Change{}, nil); err == nil ||
		!strings.Contains(err.Error(), "holds no training") {
		t.Errorf("no run goes on with %v", err)
	}
}

// Pictures that cannot be read are told together, or left out when asked to be.
func TestBroken(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	o.Epochs = 1
	pictures, _, err := datasets.Open(o.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 9} {
		if err := os.WriteFile(pictures.Path(i), []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	_, err = train.Train(t.Context(), dir, o, nil)
	if err == nil || !strings.Contains(err.Error(), pictures.Path(1)) ||
		!strings.Contains(err.Error(), pictures.Path(9)) {
		t.Errorf("broken pictures are told as %v", err)
	}
	o.SkipBad = true
	var notes []string
	stopped, stop := context.WithCancel(t.Context())
	_, err = train.Train(stopped, dir, o, func(e finetune.Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
		if e.Phase == finetune.Training {
			stop()
		}
	})
	if !errors.Is(err, finetune.ErrStopped) || len(notes) != 1 || !strings.HasPrefix(notes[0], "2 pictures of train") {
		t.Fatalf("without them it says %q (%v)", notes, err)
	}
	if skipped := read(t, filepath.Join(dir, "skipped.txt")); skipped != pictures.Key(1)+"\n"+pictures.Key(9)+"\n" {
		t.Errorf("left out were %q", skipped)
	}
	// It goes on without them.
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil {
		t.Error(err)
	}
	// With other pictures it does not.
	if err := os.Remove(pictures.Path(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err == nil ||
		!strings.Contains(err.Error(), "are not those that") {
		t.Errorf("with other pictures it goes on with %v", err)
	}
}

// A checkpoint that cannot be gone on with is told in one sentence, and the run is
// left as it is.
func TestDamagedRun(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	o.Epochs = 2
	dir := filepath.Join(t.TempDir(), "run")
	checkpoint := filepath.Join(dir, "checkpoint.pth")
	stopped, stop := context.WithCancel(t.Context())
	_, err := train.Train(stopped, dir, o, func(e finetune.Event) {
		if e.Phase == finetune.Training && e.Epoch == 1 {
			stop()
		}
	})
	if !errors.Is(err, finetune.ErrStopped) {
		t.Fatal(err)
	}
	good := read(t, checkpoint)
	// position has the checkpoint say that the run is there.
	position := func(says any) func() error {
		return func() error {
			s := o.Settings
			s.Schedule.TotalSteps = 10
			tr, resumed, err := train.Resume(checkpoint, intr.Config{}, s)
			if err != nil {
				return err
			}
			defer tr.Close()
			if resumed.State.Set("position", says); says == nil {
				resumed.State = nil
			}
			return tr.Save(checkpoint, train.Extra{State: resumed.State})
		}
	}
	write := func(name, text string) func() error {
		return func() error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666) }
	}
	for name, c := range map[string]struct {
		damage func() error
		want   string
	}{
		"truncated":           {write("checkpoint.pth", good[:len(good)/2]), "checkpoint.pth"},
		"empty":               {write("checkpoint.pth", ""), "checkpoint.pth"},
		"without optimizer":   {write("checkpoint.pth", read(t, filepath.Join(dir, "best.pth"))), "holds no optimizer"},
		"without position":    {position(nil), "does not say where its training was"},
		"unreadable position": {position("{"), "does not say where its training was"},
		"number as position":  {position(int64(3)), "does not say where its training was"},
		"negative position":   {position(`{"epoch":-1}`), "does not say where its training was"},
		"gone": {func() error {
			return os.Remove(checkpoint)
		}, "is gone, though log.txt tells of epoch 0"},
	} {
		if err := errors.Join(write("checkpoint.pth", good)(), c.damage()); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		_, err := train.Continue(t.Context(), dir, train.Change{}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(
				err.Error(),
				"put a whole one back, or begin a new run, from "+filepath.Join(dir, "best.pth"),
			) {
			t.Errorf("%s: it is told as %v", name, err)
		}
		if !maps.Equal(before, contents(t, dir)) {
			t.Errorf("%s: the run is not as it was", name)
		}
	}
	if err := write("checkpoint.pth", good)(); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := train.Train(t.Context(), whole, o, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil {
		t.Fatal(err)
	}
	sameRun(t, whole, dir)

	// A run that ended before its first checkpoint begins again.
	early := filepath.Join(t.TempDir(), "early")
	if err := os.CopyFS(early, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checkpoint.pth", "best.pth", "log.txt"} {
		if err := os.Remove(filepath.Join(early, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := train.Continue(t.Context(), early, train.Change{}, nil); err != nil {
		t.Fatal(err)
	}
	sameRun(t, whole, early)
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		files[e.Name()] = read(t, filepath.Join(dir, e.Name()))
	}
	return files
}

// A run has the heads and the size of pictures that were asked for, from a DETR that
// says neither and from a checkpoint of the published scripts that says 800.
func TestAskedOfRun(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	detr, _ := writeDETR(t, false)
	o.From, o.Architecture, o.Epochs, o.TrainBatchNorm = detr, &intr.Config{Heads: 4}, 1, false
	dir := filepath.Join(t.TempDir(), "run")
	check := func(dir string, size int) {
		t.Helper()
		for _, name := range []string{"checkpoint.pth", "best.pth"} {
			m, err := intr.Open(t.Context(), filepath.Join(dir, name), intr.Backend("go"))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Config.Heads != 4 || m.Config.EvalSize != size {
				t.Errorf("%s has %d heads, and pictures of %d pixels", name, m.Config.Heads, m.Config.EvalSize)
			}
		}
	}
	if _, err := train.Train(t.Context(), dir, o, nil); err != nil {
		t.Fatal(err)
	}
	check(dir, o.Size)

	s := o.Settings
	s.Schedule = finetune.Schedule{}
	start, err := train.FromCheckpoint(t.Context(), detr, train.StartOptions{Classes: 2, Asked: *o.Architecture})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.NewTrainer(start, s)
	if err != nil {
		t.Fatal(err)
	}
	o.Resume, o.From, o.Size = filepath.Join(t.TempDir(), "python.pth"), "", 40
	err = tr.Save(o.Resume, train.Extra{Epoch: 4})
	tr.Close()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "resumed")
	o.Epochs, o.Schedule = 7, finetune.Schedule{}
	ctx, stop := context.WithCancel(t.Context())
	_, err = train.Train(ctx, dir, o, func(e finetune.Event) {
		if e.Epoch == 6 {
			stop()
		}
	})
	if !errors.Is(err, finetune.ErrStopped) {
		t.Fatal(err)
	}
	check(dir, 40)
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil {
		t.Fatal(err)
	}
	check(dir, 40)
	lines, err := finetune.ReadLog(dir)
	if err != nil || len(lines) != 2 || lines[0].Epoch != 5 || lines[1].Epoch != 6 {
		t.Errorf("its epochs are %+v (%v)", lines, err)
	}
}

// One folder is one training: another one, or a second process, is refused.
func TestJoin(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	o.Epochs = 1
	dir := filepath.Join(t.TempDir(), "run")
	var second error
	_, err := train.Join(t.Context(), dir, o, func(e finetune.Event) {
		if e.Phase == finetune.Training && second == nil {
			_, second = train.Continue(t.Context(), dir, train.Change{}, nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "another process is training") {
		t.Errorf("a second process is told %v", second)
	}
	if _, err := train.Train(t.Context(), dir, o, nil); err == nil ||
		!strings.Contains(err.Error(), "holds a training already") {
		t.Errorf("begun again it says %v", err)
	}
	o.Workers = 1
	if summary, err := train.Join(t.Context(), dir, o, nil); err != nil || summary.Epochs != 1 {
		t.Errorf("joined, it is %+v (%v)", summary, err)
	}
	o.LR = 2e-3
	_, err = train.Join(t.Context(), dir, o, nil)
	if err == nil || !strings.Contains(err.Error(), "it differs in lr (0.001 there, 0.002 asked for)") {
		t.Errorf("another training is told %v", err)
	}
}

// A loss that is not finite ends the run, names the pictures, and leaves the last good weights.
func TestRunNotFinite(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	o.Schedule = finetune.Schedule{Kind: finetune.ConstantLR}
	o.LR, o.LRBackbone, o.ClipMaxNorm = 1e38, 1e38, 0
	dir := filepath.Join(t.TempDir(), "run")
	_, err := train.Train(t.Context(), dir, o, nil)
	if err == nil || !strings.Contains(err.Error(), "train/00") ||
		!strings.Contains(err.Error(), "checkpoint.pth has the weights from before") {
		t.Fatalf("it is told as %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint.pth")); err != nil {
		t.Error(err)
	}
}

// A disk that is full in the middle of a save leaves the old checkpoint.
func TestFullDisk(t *testing.T) {
	o := tiny(flock(t, 2, 8))
	dir := filepath.Join(t.TempDir(), "run")
	cmd, stderr := process(t, dir, o)
	cmd.Env = append(cmd.Env, fullVariable+"=1")
	said := ""
	if err := cmd.Run(); err != nil {
		said = strings.TrimSpace(stderr.String())
	}
	if !strings.Contains(said, "cannot be written") || strings.Contains(said, "\n") {
		t.Fatalf("it is told as %q", said)
	}
	if read(t, filepath.Join(dir, "checkpoint.pth")) != read(t, dir+".before") {
		t.Error("the old checkpoint is gone")
	}
	if _, err := train.Continue(t.Context(), dir, train.Change{}, nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// Who asked for no engine is told when the training has a slow one.
func TestSlow(t *testing.T) {
	for _, c := range []struct {
		kind, asked  string
		learns, told bool
	}{{"go", "", false, true}, {"go", "auto", false, true}, {"go", "auto", true, false}, {"go", "go", false, false},
		{"xla", "", false, false}, {"cuda", "auto", false, false}} {
		note := train.Slow(c.kind, c.asked, c.learns)
		if (note != "") != c.told || c.told && !strings.Contains(note, "gointr setup") {
			t.Errorf("%s, asked for %q: %q", c.kind, c.asked, note)
		}
	}
}
