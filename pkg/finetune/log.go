package finetune

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/internal/wholefile"
)

// step is one batch in RUN/steps.txt.
type step struct {
	Step     int     `json:"step"` // batches of the whole training, from 0
	Epoch    int     `json:"epoch"`
	Loss     float64 `json:"loss"`
	Acc1     float64 `json:"acc1"`
	GradNorm float64 `json:"grad_norm"` // 0 while gradients are added up
	LR       float64 `json:"lr"`
}

// The files of a run.
const (
	configFile     = "config.json"
	provenanceFile = "provenance.json"
	classesFile    = "classes.txt"
	skippedFile    = "skipped.txt"
	logFile        = "log.txt"
	stepsFile      = "steps.txt"
	checkpointFile = "checkpoint.pth"
	bestFile       = "best.pth"
	curvesFile     = "curves.png"
	lockFile       = "lock"
)

// appendLine adds a line of JSON to a file of the run.
func appendLine(path string, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		_, err = file.Write(append(line, '\n'))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, wholefile.Cause(err))
	}
	return nil
}

// readLines reads the first lines of a file, at most n of them; a last one that
// was cut short when a process died is left out.
func readLines[T any](path string, n int) ([]T, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	var lines []T
	for in := bufio.NewReader(bytes.NewReader(data)); len(lines) < n; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		var line T
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("%s: line %d is no JSON: the file was changed by hand", path, len(lines)+1)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// keepLines has a file end after its first n lines: what came later is done again.
func keepLines(path string, n int) error {
	lines, err := readLines[json.RawMessage](path, n)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return nil // nothing was written yet
	}
	return wholefile.Write(path, func(w io.Writer) error {
		for _, line := range lines {
			if _, err := w.Write(append(line, '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadLog is the epochs of a run, from RUN/log.txt. A run without one has none.
func ReadLog(run string) ([]Line, error) { return readLines[Line](filepath.Join(run, logFile), 1<<30) }

func writeJSON(path string, value any) error {
	return wholefile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	})
}
