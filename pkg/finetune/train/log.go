package train

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/finetune"
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
	logFile        = finetune.LogFile
	stepsFile      = "steps.txt"
	checkpointFile = finetune.CheckpointFile
	bestFile       = finetune.BestFile
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

// keepLines has a file end after the last line that is kept: what came later is
// done again.
func keepLines[T any](path string, keep func(T) bool) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was written yet
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	read, end, number, bad := 0, 0, 0, 0
	for line := range bytes.Lines(data) {
		read, number = read+len(line), number+1
		var value T
		switch {
		case !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &value) != nil:
			bad = cmp.Or(bad, number)
		case keep(value) && bad > 0:
			return fmt.Errorf("%s: line %d is no JSON: the file was changed by hand", path, bad)
		case keep(value):
			end = read
		}
	}
	return wholefile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data[:end])
		return err
	})
}

func writeJSON(path string, value any) error {
	return wholefile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	})
}
