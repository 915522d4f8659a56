package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gointr/gointr/datasets/birds"
)

// Whoever has stopped a command gets no figure, no report and no success.
func TestStopped(t *testing.T) {
	data := filepath.Join(t.TempDir(), "birds")
	o := birds.Defaults
	o.PerClass = 3
	if err := birds.Write(t.Context(), data, o, func() {}); err != nil {
		t.Fatal(err)
	}
	image := photo(t, "bird.png", 160, 120)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, args := range [][]string{
		{"predict", image},
		{"explain", image, "--out", "OUT.png"},
		{"explain", image, "--out", "OUT.npz"},
		{"explain", image, "--out", "OUT.html"},
		{"eval", "--dataset", data, "--out", "OUT"},
		{"eval", "--dataset", data, "--batch-size", "2", "--out", "OUT"},
		{"interpret", "--dataset", data, "--class-index", "1", "--out", "OUT"},
		{"interpret", "--dataset", data, "--confused", "1", "--out", "OUT"},
		{"fieldguide", "--dataset", data, "--out", "OUT.html"},
		{"faithful", "--dataset", data, "--out", "OUT"},
		{"finetune", "--from", "sample", "--dataset", data, "--out", "OUT"},
		{"birds", "OUT"},
	} {
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			folder := t.TempDir()
			for i, arg := range args {
				args[i] = strings.Replace(arg, "OUT", filepath.Join(folder, "out"), 1)
			}
			var stdout, stderr bytes.Buffer
			code := run(stopped, append(args, "--backend", "go"), &stdout, &stderr)
			if code != 1 || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "gointr: stopped\n") {
				t.Errorf("it ends with %d: %s%s", code, stdout.String(), stderr.String())
			}
			_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					t.Errorf("it wrote %s", path)
				}
				return err
			})
		})
	}
}

// SIGTERM ends a command in the middle.
func TestTerminated(t *testing.T) {
	args := []string{"predict", "--json", "--checkpoint", small, "--backend", "go"}
	image := photo(t, "large.png", 800, 800)
	for range 300 {
		args = append(args, image)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("it answered nothing: %s", stderr.String())
	}
	answered := 1
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for told := time.Now(); lines.Scan(); answered++ {
		if time.Since(told) > time.Minute {
			t.Fatal("it goes on")
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || stderr.String() != "gointr: stopped\n" {
		t.Errorf("it ends with %v: %s", err, stderr.String())
	}
	if answered > 100 {
		t.Errorf("it answered %d pictures before it ended", answered)
	}
}

// Ctrl-C is answered at once, and the training saved; a second one ends it, and what was saved before can be read.
func TestTrainingInterrupted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "birds")
	o := birds.Defaults
	o.PerClass = 3
	if err := birds.Write(t.Context(), data, o, func() {}); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range []int{1, 2} {
		out := filepath.Join(t.TempDir(), "run")
		cmd := exec.Command(program, "finetune", "--from", "sample", "--dataset", data, "--out", out, "--epochs", "500",
			"--backend", "go")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		var said []string
		var told time.Time
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			said = append(said, lines.Text())
			switch {
			case strings.HasPrefix(lines.Text(), "epoch 1 of"):
				told = time.Now()
				err = cmd.Process.Signal(os.Interrupt)
			case strings.Contains(lines.Text(), "stopping after this batch, saving"):
				if late := time.Since(told); late > 2*time.Second {
					t.Errorf("it answers after %v", late)
				}
				if times == 2 {
					err = cmd.Process.Signal(os.Interrupt)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		text := strings.Join(said, "\n")
		if strings.Count(text, "stopping after this batch") != 1 {
			t.Errorf("interrupted %d times it says %s", times, text)
		}
		if times == 1 && (cmd.ProcessState.ExitCode() != 1 || !strings.Contains(text, "was stopped and saved")) {
			t.Errorf("it ends with %v: %s", cmd.ProcessState, text)
		}
		checkpoint := filepath.Join(out, "checkpoint.pth")
		if code, _, wrong := gointr("inspect", checkpoint); code != 0 {
			t.Errorf("interrupted %d times it leaves a checkpoint of which is said %s", times, wrong)
		}
	}
}

// /dev/null is a device, but no terminal.
func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) {
		t.Error("/dev/null is taken for a terminal")
	}
}
