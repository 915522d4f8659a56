//go:build !linux

package relay

import "os/exec"

func diesWith(*exec.Cmd) {}
