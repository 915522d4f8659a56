package finetune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/finetune/plan"
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
	logFile        = plan.LogFile
	stepsFile      = "steps.txt"
	checkpointFile = plan.CheckpointFile
	bestFile       = plan.BestFile
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

// keepLines has a file end after its first n lines: what came later is done again.
func keepLines(path string, n int) error {
	lines, err := plan.ReadLines[json.RawMessage](path, n)
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
func ReadLog(run string) ([]Line, error) { return plan.ReadLog(run) }

func writeJSON(path string, value any) error {
	return wholefile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	})
}
