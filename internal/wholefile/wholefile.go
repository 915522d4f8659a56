// Package wholefile writes files that appear whole or not at all.
package wholefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write fills a new file beside path and then takes path's place, so that a
// failure leaves nothing half-written and the old file as it was. The error is
// one sentence with the path.
func Write(path string, fill func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		what := "it is there and is not a file"
		if info.IsDir() {
			what = "it is a folder"
		}
		return fmt.Errorf("%s cannot be written: %s", path, what)
	}
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%08x", filepath.Base(path), rand.Uint32()))
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be written: the folder %s does not exist", path, dir)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, Cause(err))
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temporary)
			err = fmt.Errorf("%s cannot be written: %w", path, Cause(err))
		}
	}()
	w := bufio.NewWriterSize(f, 256<<10)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Cause is the reason in an error of the file system, without the path, which
// the sentence around it has already.
func Cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
