//go:build unix

package main

import "golang.org/x/sys/unix"

// processorSeconds are those that this process has used.
func processorSeconds() float64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
