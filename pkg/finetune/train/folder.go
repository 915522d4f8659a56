package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/flock"

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
	return appendTo(path, append(line, '\n'))
}

func appendTo(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		_, err = file.Write(data)
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
	data, err := wholefile.Read(path)
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
	return wholefile.Bytes(path, data[:end])
}

// ours says whether a file is one that a run puts into its folder, half-written
// ones, which start with a dot, included.
func ours(name string) bool {
	for _, file := range []string{provenanceFile, classesFile, skippedFile, logFile, stepsFile, checkpointFile,
		bestFile, curvesFile, eventsFile, lockFile, configFile} {
		if name == file || strings.HasPrefix(name, "."+file+".") {
			return true
		}
	}
	return numbered.MatchString(name)
}

// numbered are the checkpoints that are kept, half-written ones included.
var numbered = regexp.MustCompile(`^(\.checkpoint\d{4,}\.pth\..*|checkpoint\d{4,}\.pth)$`)

// lock keeps a second process out of a run, and clears away what one that was
// killed was writing. The system lets go of it however a process ends, but only when
// it has given the memory back.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	ending, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	l := flock.New(filepath.Join(dir, lockFile))
	ok, err := l.TryLockContext(ending, 50*time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && ending.Err() == nil:
		return nil, fmt.Errorf("%s cannot be written: %w", dir, wholefile.Cause(err))
	case !ok:
		return nil, fmt.Errorf("another process is training in %s: wait for it, or stop it", dir)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && ours(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return func() { l.Unlock() }, nil
}

func fileIs(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ReadOptions are the options of the run in a folder.
func ReadOptions(dir string) (Options, error) {
	var o Options
	data, err := wholefile.Read(filepath.Join(dir, configFile))
	if err != nil {
		return o, fmt.Errorf("%s holds no training: there is no %s in it", dir, configFile)
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("%s cannot be read: %w", filepath.Join(dir, configFile), err)
	}
	return o, nil
}

func writeText(path string, lines []string) error {
	var text []byte
	for _, line := range lines {
		text = append(append(text, line...), '\n')
	}
	return wholefile.Bytes(path, text)
}
