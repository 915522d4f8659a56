// Package wholefile writes files and folders that appear whole or not at all, and reads nothing but files.
package wholefile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errNoFile is what a path leads to that no program may wait for.
var errNoFile = errors.New("it is not a file but a pipe, a socket or a device")

// Open is os.Open for files and folders. Whatever else is there is an error at once: who opens a pipe waits for the one
// who writes to it.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNoFile}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Read is os.ReadFile, with Open's errors.
func Read(path string) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

var kept struct {
	sync.Mutex
	files map[string]os.FileInfo
}

// Keep has files that are there stay as they are: Write refuses to take their place, by whatever path or link they are
// named. What is no file, or is not there, is passed over.
func Keep(paths ...string) {
	kept.Lock()
	defer kept.Unlock()
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			if kept.files == nil {
				kept.files = map[string]os.FileInfo{}
			}
			kept.files[path] = info
		}
	}
}

// Spare is an error where path leads to a file that Keep keeps.
func Spare(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	kept.Lock()
	defer kept.Unlock()
	for name, input := range kept.files {
		now, err := os.Stat(name)
		if err == nil && os.SameFile(info, input) && os.SameFile(now,
			input) { // a number of one that is gone is given anew
			same := ""
			if name != path {
				same = ", by another path (" + name + ")"
			}
			return fmt.Errorf("%s would be overwritten, which is read here%s: name another file to write", path, same)
		}
	}
	return nil
}

// Write fills a new file beside path and then takes path's place, so that a failure leaves nothing half-written and the
// old file as it was. The error is one sentence with the path.
func Write(path string, fill func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	if err := Spare(path); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		what := "it is there and is not a file"
		if info.IsDir() {
			what = "it is a folder"
		}
		return fmt.Errorf("%s cannot be written: %s", path, what)
	}
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%08x", filepath.Base(path), rand.Uint32()))
	sweep(path)
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

// abandoned is how old a file is that a process began beside another one and did not live to finish.
const abandoned = 24 * time.Hour

// sweep takes away what killed processes left of a file.
func sweep(path string) {
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(filepath.Base(path))
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "."+pattern+".????????"))
	for _, name := range left {
		_, err := strconv.ParseUint(filepath.Ext(name)[1:], 16, 32)
		info, gone := os.Lstat(name)
		if err == nil && gone == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(name)
		}
	}
}

// Copy is Write for all that is left to read of a source.
func Copy(path string, from io.Reader) error {
	return Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
}

// Bytes is Write for what is there already.
func Bytes(path string, data []byte) error { return Copy(path, bytes.NewReader(data)) }

// JSON writes a value, indented, for people to read too.
func JSON(path string, value any) error {
	return Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	})
}

// CSV writes a table, its columns' names in the first row.
func CSV(path string, rows [][]string) error {
	return Write(path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
}

// Folder is Write for a folder, which is not there yet, or empty: that one stays,
// as it may be where another disk begins. The errors of fill are passed on.
func Folder(dir string, fill func(temporary string) error) error {
	dir = filepath.Clean(dir)
	cannot := func(err error) error { return fmt.Errorf("%s cannot be written: %w", dir, Cause(err)) }
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return cannot(errors.New("it is there and is not a folder"))
	}
	parent := filepath.Dir(dir)
	entries, err := os.ReadDir(dir)
	switch {
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name a new folder", dir)
	case err == nil:
		parent = dir
	case !errors.Is(err, fs.ErrNotExist):
		return cannot(err)
	}
	temporary := filepath.Join(parent, fmt.Sprintf(".%s.%08x", filepath.Base(dir), rand.Uint32()))
	if err := os.Mkdir(temporary, 0o777); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be written: the folder %s does not exist", dir, parent)
	} else if err != nil {
		return cannot(err)
	}
	defer os.RemoveAll(temporary)
	if err := fill(temporary); err != nil {
		return err
	}
	move := os.Rename
	if parent == dir {
		move = moveInto
	}
	if err := move(temporary, dir); err != nil {
		return cannot(err)
	}
	return nil
}

// moveInto moves what is in a folder to another, all of it or nothing.
func moveInto(from, dir string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(dir, entry.Name())); err != nil {
			for _, moved := range entries[:i] {
				os.RemoveAll(filepath.Join(dir, moved.Name()))
			}
			return err
		}
	}
	return nil
}

// Cause is the reason in an error of the file system, without the path, which the sentence around it has already.
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
