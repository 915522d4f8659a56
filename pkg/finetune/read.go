package finetune

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/gointr/gointr/internal/wholefile"
)

// Files of a run.
const (
	LogFile        = "log.txt"        // a Line an epoch, as JSON
	CheckpointFile = "checkpoint.pth" // model, optimizer, schedule and position
	BestFile       = "best.pth"       // the model of the best epoch
)

// ReadLog is the epochs of a run, from its LogFile; a last line that was cut short
// when a process died is left out. A run without one has none.
func ReadLog(run string) ([]Line, error) {
	path := filepath.Join(run, LogFile)
	data, err := wholefile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	var lines []Line
	for text := range bytes.Lines(data) {
		if !bytes.HasSuffix(text, []byte("\n")) {
			break
		}
		if !bytes.Contains(text, []byte(`"train_loss"`)) && json.Valid(text) {
			continue // of an evaluation, as the published script adds it
		}
		var line Line
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("%s: line %d is no JSON: the file was changed by hand", path, len(lines)+1)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// Better says whether an epoch is better than another: more of the validation
// pictures are right or, of as many, their loss is less.
func (l Line) Better(than Line) bool {
	return l.TestAcc1 > than.TestAcc1 || l.TestAcc1 == than.TestAcc1 && l.TestLoss < than.TestLoss
}

// Summarize is what the epochs of a run came to, which must be one at least.
func Summarize(run string, epochs []Line) Summary {
	s := Summary{
		Run: run, Epochs: len(epochs), Last: epochs[len(epochs)-1], Best: epochs[0],
		Checkpoint: filepath.Join(run, CheckpointFile), BestModel: filepath.Join(run, BestFile),
	}
	for _, l := range epochs {
		if l.Better(s.Best) {
			s.Best = l
		}
	}
	return s
}
