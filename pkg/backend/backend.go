// Package backend finds, installs and opens what computes: pure Go, which is always
// there, XLA on an NVIDIA GPU, or XLA on the CPU, which is for gradients.
//
// XLA comes as a PJRT plugin, a library loaded at run time by github.com/gomlx/go-xla: one that is already on the
// machine, else what Setup gets.
package backend

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// The kinds of engine, by the names that --backend takes.
const (
	Auto = "auto" // the fastest that works
	XLA  = "xla"  // XLA on the CPU
	CUDA = "cuda" // XLA on an NVIDIA GPU
	Go   = "go"   // pure Go: answers by kernels of our own (internal/nn), graphs by GoMLX's engine in Go
)

// Kinds are the engines.
var Kinds = []string{CUDA, XLA, Go}

// What Auto takes, the fastest first.
var (
	forAnswers   = []string{CUDA, Go}
	forGradients = []string{CUDA, XLA, Go}
)

// Engine is an open engine. It lasts as long as the program.
type Engine struct {
	compute.Backend
	Kind   string // XLA, CUDA or Go
	Plugin string // path of the PJRT plugin; empty for Go
}

// String names the engine as a person would: "XLA on the CPU".
func (e *Engine) String() string { return Title(e.Kind) }

// Title is the name of a kind for people.
func Title(kind string) string {
	switch kind {
	case XLA:
		return "XLA on the CPU"
	case CUDA:
		return "XLA on CUDA"
	case Go:
		return "pure Go"
	}
	return kind
}

var (
	opening sync.Mutex
	open    = map[string]*Engine{}
)

// Open gives the engine of a kind, or with Auto or "" the one that answers fastest: CUDA, else pure Go. An engine is
// opened once. The error says in one sentence what is missing and what to do; pure Go cannot fail.
func Open(kind string) (*Engine, error) { return openAny(kind, forAnswers) }

// Chosen is the kind that Auto takes of those that work, for answers and for graphs.
func Chosen(works func(kind string) bool) (answers, graphs string) {
	first := func(kinds []string) string {
		for _, kind := range kinds {
			if works(kind) {
				return kind
			}
		}
		return ""
	}
	return first(forAnswers), first(forGradients)
}

// Gradients is Open for graphs and their gradients, of which Auto takes CUDA, else XLA, else pure Go.
func Gradients(kind string) (*Engine, error) { return openAny(kind, forGradients) }

func openAny(kind string, auto []string) (*Engine, error) {
	opening.Lock()
	defer opening.Unlock()
	switch kind {
	case Auto, "":
		for _, kind := range auto {
			if e, err := openKind(kind); err == nil {
				return e, nil
			}
		}
	case XLA, CUDA, Go:
		return openKind(kind)
	}
	return nil, fmt.Errorf("there is no engine %q: choose auto, xla, cuda or go", kind)
}

func openKind(kind string) (*Engine, error) {
	if e := open[kind]; e != nil {
		return e, nil
	}
	e, err := newEngine(kind)
	if err == nil {
		open[kind] = e
	}
	return e, err
}

func newEngine(kind string) (*Engine, error) {
	if kind == Go {
		// Operations of one graph in a row, each on all cores: side by side
		// they wait for each other's cores for ever (compute v0.1.4).
		b, err := gobackend.New("ops_sequential")
		return &Engine{Backend: b, Kind: kind}, err
	}
	plugin, err := Plugin(kind)
	if err != nil {
		return nil, err
	}
	b, err := openPlugin(kind, plugin)
	if err != nil {
		return nil, fmt.Errorf("%s could not be opened with %s (%w): gointr doctor says more", Title(kind), plugin,
			firstLine(err))
	}
	return &Engine{Backend: b, Kind: kind, Plugin: plugin}, nil
}

// firstLine drops the stack that libraries print with their errors, if err is one.
func firstLine(err error) error {
	if err == nil {
		return nil
	}
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(line)
}
