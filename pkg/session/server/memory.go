package server

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/gointr/gointr/pkg/backend"
)

// resident is the memory that this process holds, in bytes; 0 where the system
// does not tell. A variable, so that tests can fill a machine.
var resident = func() uint64 {
	if data, err := os.ReadFile("/proc/self/statm"); err == nil {
		fields := strings.Fields(string(data))
		if len(fields) > 1 {
			pages, _ := strconv.ParseUint(fields[1], 10, 64)
			return pages * uint64(os.Getpagesize())
		}
	}
	if runtime.GOOS == "darwin" {
		out, _ := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(os.Getpid())).Output()
		kilobytes, _ := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64)
		return kilobytes << 10
	}
	return 0
}

// giveBack gives memory that is not in use back to the system. What engines keep
// in pools survives one collection.
func giveBack() {
	runtime.GC()
	backend.GiveBack()
}

// halfOfMemory is half of what the machine has, in bytes; 8 GB where the system
// does not tell.
func halfOfMemory() uint64 {
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		fields := strings.Fields(string(data))
		if len(fields) > 1 && fields[0] == "MemTotal:" {
			kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
			if kilobytes > 0 {
				return kilobytes << 10 / 2
			}
		}
	}
	if runtime.GOOS == "darwin" {
		out, _ := exec.Command("sysctl", "-n", "hw.memsize").Output()
		if bytes, _ := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64); bytes > 0 {
			return bytes / 2
		}
	}
	return 8 << 30
}

// Bytes is a size as people write it: "1.5 GB".
func Bytes(n uint64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}
