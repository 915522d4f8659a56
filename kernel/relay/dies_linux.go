package relay

import (
	"os/exec"
	"syscall"
)

// diesWith ends a program with this one, however this one ends.
func diesWith(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
