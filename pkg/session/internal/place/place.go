// Package place is where a user's session lives: a private folder with the
// socket, the lock that makes it the only one, and its log.
package place

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// Variable is the environment variable that names the folder.
const Variable = "GOINTR_RUNTIME_DIR"

// Place is the folder, which is there, is ours, and which nobody else may enter.
type Place string

// Socket is where the session listens.
func (p Place) Socket() string { return filepath.Join(string(p), "session.sock") }

// Log is what the session did and what went wrong.
func (p Place) Log() string { return filepath.Join(string(p), "session.log") }

// Alive is there while a session runs, and left behind by one that was killed.
func (p Place) Alive() string { return filepath.Join(string(p), "session.pid") }

// Session is the lock that the session holds for as long as it lives.
func (p Place) Session() string { return filepath.Join(string(p), "session.lock") }

// Start is the lock that one caller holds while it starts the session.
func (p Place) Start() string { return filepath.Join(string(p), "start.lock") }

// longest is the longest path that a Unix socket can have on every system.
const longest = 103

// Find gives the folder, made where it is missing: the one that
// GOINTR_RUNTIME_DIR names, else gointr in XDG_RUNTIME_DIR, else
// /tmp/gointr-UID. The error is a sentence.
func Find() (Place, error) {
	named := os.Getenv(Variable)
	if named != "" {
		folder, err := filepath.Abs(named)
		if err == nil {
			err = os.MkdirAll(folder, 0o700)
		}
		if err != nil {
			return "", fmt.Errorf("the session cannot live in %s, which %s names: %s", named, Variable, Reason(err))
		}
		return check(folder)
	}
	if folder := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(folder) && owned(folder) {
		p, err := made(filepath.Join(folder, "gointr"))
		if err == nil {
			return p, nil
		}
	}
	// Not os.TempDir: a kernel's temporary folder ends with the kernel.
	return made(filepath.Join("/tmp", "gointr-"+strconv.Itoa(os.Getuid())))
}

func made(folder string) (Place, error) {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("the session cannot live in %s (%s): name another folder in %s", folder,
			Reason(err), Variable)
	}
	return check(folder)
}

func check(folder string) (Place, error) {
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return "", fmt.Errorf("the session cannot live in %s (%s): name another folder in %s", folder,
			Reason(err), Variable)
	case !info.IsDir():
		return "", fmt.Errorf("the session cannot live in %s, which is not a folder: name another one in %s",
			folder, Variable)
	case !ours(info):
		return "", fmt.Errorf("the session cannot live in %s, which belongs to another user: name a folder of "+
			"your own in %s", folder, Variable)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("the session cannot live in %s, which others may enter: chmod 700 makes it private, or "+
			"name another folder in %s", folder, Variable)
	}
	p := Place(folder)
	if len(p.Socket()) > longest {
		return "", fmt.Errorf("the session cannot live in %s, whose path is too long for a socket: name a "+
			"shorter one in %s", folder, Variable)
	}
	return p, nil
}

func owned(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.IsDir() && ours(info)
}

// Reason is why the system refused something, without the call and the path.
func Reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}

// ErrTaken says that another process holds a lock.
var ErrTaken = errors.New("taken")

// Lock takes a lock, which its process holds until it ends or closes it: however a
// process dies, no lock is left behind. Another's gives ErrTaken.
func Lock(path string) (io.Closer, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be written (%s): free some space, or name another folder in %s", path,
			Reason(err), Variable)
	case !ok:
		return nil, ErrTaken
	}
	return lock, nil
}
