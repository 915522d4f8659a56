//go:build linux || darwin

package place

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"syscall"
)

func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

// Detach has a command outlive who starts it, and hear none of its signals.
func Detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Listen opens the socket for its user alone.
func Listen(path string) (net.Listener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}

// FileID tells one file from another that takes its name.
func FileID(info fs.FileInfo) [2]uint64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return [2]uint64{}
	}
	return [2]uint64{uint64(stat.Dev), uint64(stat.Ino)}
}

// Peer is the process at the other end of a connection, which must be of the
// same user.
func Peer(conn *net.UnixConn) (pid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var uid int
	var failed error
	if err := raw.Control(func(fd uintptr) { uid, pid, failed = credentials(int(fd)) }); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
	if uid != os.Getuid() {
		return 0, errors.New("the socket of the session belongs to another user: name a folder of your own in " +
			Variable)
	}
	return pid, nil
}
