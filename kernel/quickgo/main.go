// Quickgo is the go command of a notebook's kernel. Cells differ in little but their main.go, so it compiles and links
// that alone, by what a whole go build said to do before: where nothing else can have changed that is the same
// program, in a fraction of the time. At any doubt, and for all else, it is the go command (GOINTR_GO).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && (args[0] == "get" || args[0] == "build") {
		accompany(".")
	}
	switch {
	case slices.Equal(args, []string{"get"}) && plan() != nil:
		// All that the cell imports is there.
	case len(args) == 3 && args[0] == "build" && args[1] == "-o":
		p := plan()
		if p == nil || !p.build(args[2]) {
			code := run(args...)
			if code == 0 {
				captureLater()
			}
			os.Exit(code)
		}
	case len(args) == 2 && args[0] == "capture":
		if err := capture(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		become(args)
	}
}

// realGo is the go command itself.
func realGo() string {
	if path := os.Getenv("GOINTR_GO"); path != "" {
		return path
	}
	self, _ := os.Executable()
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(folder, "go")
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && path != self {
			return path
		}
	}
	return "go"
}

// become is the go command from here on.
func become(args []string) {
	path := realGo()
	err := syscall.Exec(path, append([]string{"go"}, args...), os.Environ())
	fmt.Fprintf(os.Stderr, "go: %s cannot be started: %v\n", path, err)
	os.Exit(1)
}

func run(args ...string) int {
	cmd := exec.Command(realGo(), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const (
	ownPlan = ".gointr-build" // in the folder of the cells
	allPlan = "cells.json"    // beside this program, made when the kernel is installed
)

// plan is one that holds for the cell in the working folder, nil where none does.
func plan() *Plan {
	cell, err := readCell(".")
	if err != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	for _, path := range []string{ownPlan, filepath.Join(filepath.Dir(self), allPlan)} {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var p Plan
		if json.Unmarshal(data, &p) == nil && p.holds(cell) {
			return &p
		}
	}
	return nil
}

// build compiles and links the cell. It is false where the go command should: also where the linker fails, since
// whatever is wrong then is not the cell's.
func (p *Plan) build(out string) bool {
	work, err := os.MkdirTemp(".", ".build-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(work)
	config, linked := filepath.Join(work, "importcfg"), filepath.Join(work, "importcfg.link")
	if os.WriteFile(config, []byte(p.Packages), 0o600) != nil || os.WriteFile(linked, []byte(p.Packages+p.Modules),
		0o600) != nil {
		return false
	}
	object, program := filepath.Join(work, "main.a"), filepath.Join(work, "program")
	compile := exec.Command(p.Compile[0], append(slices.Clone(p.Compile[1:]), "-o", object, "-importcfg", config,
		"-pack", "./main.go")...)
	if _, err := os.Stat(plotsFile); err == nil {
		compile.Args = append(compile.Args, "./"+plotsFile)
	}
	var said bytes.Buffer
	compile.Stdout, compile.Stderr = &said, &said
	if err := timed("compile", compile.Run); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !bytes.Contains(said.Bytes(), []byte("main.go:")) {
			return false
		}
		fmt.Fprintf(os.Stderr, "# cell\n%s", said.Bytes())
		os.RemoveAll(work)
		os.Exit(1)
	}
	link := exec.Command(p.Link[0], append(slices.Clone(p.Link[1:]), "-o", program, "-importcfg", linked, object)...)
	link.Env = append(os.Environ(), "GOROOT="+p.Root)
	if timed("link", link.Run) != nil {
		return false
	}
	return os.Rename(program, out) == nil
}

// timed adds to the file that GOINTR_TIMES names, for make bench, how many seconds a step took.
func timed(step string, run func() error) error {
	start := time.Now()
	err := run()
	if path := os.Getenv("GOINTR_TIMES"); path != "" {
		if f, failed := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600); failed == nil {
			fmt.Fprintf(f, "%s %.4f\n", step, time.Since(start).Seconds())
			f.Close()
		}
	}
	return err
}

// captureLater makes a plan of the build that was just done, while the cell runs.
func captureLater() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	exec.Command(self, "capture", ownPlan).Start()
}

// fields of a command line as the go command prints it.
func fields(line string) []string {
	var out []string
	var word strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			in, quote = true, c
		case quote == 0 && c == ' ':
			if in {
				out = append(out, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if in {
		out = append(out, word.String())
	}
	return out
}
