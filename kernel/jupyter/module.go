package jupyter

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

const modulePath = "github.com/gointr/gointr"

// FindModule is the folder of GoINTR's source, which cells are compiled with:
// the one given, else the clone this program was built in, else a clone around
// the working directory, else the copy of this program's version in Go's module
// cache, which go install leaves there. What is given must be it.
func FindModule(given string) (string, error) {
	if given != "" {
		folder, err := filepath.Abs(given)
		if err == nil && !isModule(folder) {
			err = fmt.Errorf("%s is not GoINTR's source: it has no go.mod of %s", given, modulePath)
		}
		return folder, err
	}
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		if folder := filepath.Dir(filepath.Dir(filepath.Dir(file))); isModule(folder) {
			return folder, nil
		}
	}
	if folder, err := os.Getwd(); err == nil {
		for ; ; folder = filepath.Dir(folder) {
			if isModule(folder) {
				return folder, nil
			}
			if folder == filepath.Dir(folder) {
				break
			}
		}
	}
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == modulePath {
		version = info.Main.Version
	}
	if strings.HasPrefix(version, "v") {
		if cache, err := exec.Command("go", "env", "GOMODCACHE").Output(); err == nil {
			folder := filepath.Join(strings.TrimSpace(string(cache)), filepath.FromSlash(modulePath)+"@"+version)
			if isModule(folder) {
				return folder, nil
			}
		}
	}
	return "", fmt.Errorf("the source of GoINTR (version %s), which cells are compiled with, was not found: run this "+
		"in a clone, or give --module DIR", version)
}

// isModule says whether a folder has GoINTR's go.mod.
func isModule(folder string) bool {
	data, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(data) {
		if fields := bytes.Fields(line); len(fields) == 2 && string(fields[0]) == "module" {
			return string(fields[1]) == modulePath
		}
	}
	return false
}
