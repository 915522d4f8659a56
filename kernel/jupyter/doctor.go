package jupyter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gointr/gointr/internal/wholefile"
)

// Check is one thing that Doctor looked at.
type Check struct {
	What  string `json:"what"`
	Fine  bool   `json:"fine"`
	Found string `json:"found"`        // what is there, or what is wrong
	Do    string `json:"do,omitempty"` // what to do about it
}

// Doctor looks at an installed kernel: its files, its programs, the source it
// is wired to, whether Jupyter sees it, and whether a cell compiles. Checks that
// hang on a failed one are left out.
func Doctor(ctx context.Context, prefix string) []Check {
	again := "run gointr kernel install"
	if prefix != "" {
		again += " --prefix " + prefix
	}
	var checks []Check
	// look adds a check, and says whether it passed.
	look := func(what, do string, test func() (string, error)) bool {
		found, err := test()
		c := Check{What: what, Fine: err == nil, Found: found}
		if err != nil {
			c.Found, c.Do = err.Error(), do
		}
		checks = append(checks, c)
		return c.Fine
	}

	folder, err := Folder(prefix)
	there := look("kernel", again, func() (string, error) {
		if err != nil {
			return "", err
		}
		return folder, specAt(folder)
	})
	goTool := ""
	hasGo := look("Go", "install Go, and have it on the PATH", func() (_ string, err error) {
		if goTool, err = exec.LookPath("go"); err != nil {
			return "", errors.New("no program go is on the PATH")
		}
		return output(ctx, exec.CommandContext(ctx, goTool, "version"))
	})
	look("Jupyter", "python3 -m pip install jupyterlab, in the environment you use", func() (string, error) {
		return seenBy(ctx, prefix, folder, there)
	})
	if !there {
		return checks
	}
	module := ""
	found := look("source of GoINTR", again, func() (string, error) {
		module = moduleOf(folder)
		if !isModule(module) {
			return "", fmt.Errorf("the kernel was installed from %q, which is gone", module)
		}
		return module, nil
	})
	gonb := look("GoNB", again, func() (string, error) {
		return output(ctx, exec.CommandContext(ctx, filepath.Join(folder, "tools", "gonb"), "-V"))
	})
	goimports := look("goimports", again, func() (string, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(folder, "tools", "goimports"))
		cmd.Stdin = strings.NewReader("package p\n")
		_, err := output(ctx, cmd)
		return "works", err
	})
	look("gointr, for the session", again, func() (string, error) {
		return output(ctx, exec.CommandContext(ctx, filepath.Join(folder, "tools", "gointr"), "session", "status"))
	})
	look("gopls, for completion and help", again+", with a network", func() (string, error) {
		return output(ctx, exec.CommandContext(ctx, filepath.Join(folder, "tools", "gopls"), "version"))
	})
	if hasGo && found && gonb && goimports {
		look("a cell", "see what the compiler says; "+again+" when GoINTR or Go was changed", func() (string, error) {
			return compileCell(ctx, folder, module, goTool)
		})
	}
	return checks
}

// specAt says what is wrong with a kernel's folder.
func specAt(folder string) error {
	data, err := os.ReadFile(filepath.Join(folder, "kernel.json"))
	if err != nil {
		return fmt.Errorf("%s is not there: %w", filepath.Join(folder, "kernel.json"), wholefile.Cause(err))
	}
	var s spec
	if err := json.Unmarshal(data, &s); err != nil || len(s.Argv) == 0 {
		return fmt.Errorf("%s is broken", filepath.Join(folder, "kernel.json"))
	}
	for _, name := range []string{s.Argv[0], filepath.Join(folder, "bin", "goimports")} {
		if info, err := os.Stat(name); err != nil {
			return fmt.Errorf("%s is not there: %w", name, wholefile.Cause(err))
		} else if info.Mode()&0o111 == 0 {
			return fmt.Errorf("%s cannot be started: it is not executable", name)
		}
	}
	return nil
}

// seenBy asks Jupyter for its kernels: the one of the prefix, else that on the PATH.
func seenBy(ctx context.Context, prefix, folder string, there bool) (string, error) {
	program := "jupyter"
	if prefix != "" {
		program = filepath.Join(prefix, "bin", "jupyter")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("no program %s was found", program)
	}
	if !there {
		return path, nil
	}
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "kernelspec", "list", "--json")
	cmd.Stdout = &stdout
	err = cmd.Run()
	var list struct {
		Kernels map[string]struct {
			Folder string `json:"resource_dir"`
		} `json:"kernelspecs"`
	}
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), &list)
	}
	if err != nil {
		return "", fmt.Errorf("%s could not list its kernels (%w)", path, err)
	}
	seen, ok := list.Kernels[Name]
	switch {
	case !ok:
		return "", fmt.Errorf("%s does not see the kernel in %s: install it with --prefix and that "+
			"Jupyter's sys.prefix", path, folder)
	case !sameFile(seen.Folder, folder):
		return "", fmt.Errorf("%s sees another kernel of that name first, in %s", path, seen.Folder)
	}
	return path, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// moduleOf reads which source the start script wires in.
func moduleOf(folder string) string {
	cmd := exec.Command("sh", "-c", `eval "$(grep '^export GOINTR_MODULE=' "$1")" && printf %s "$GOINTR_MODULE"`, "sh",
		filepath.Join(folder, "start"))
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

const cell = `package main

import "github.com/gointr/gointr/pkg/notebook"

func main() { _ = notebook.Open }
`

// compileCell does what GoNB does for a first cell, short of running it.
func compileCell(ctx context.Context, folder, module, goTool string) (string, error) {
	start := time.Now()
	if err := inCell(ctx, module, goTool, cell, [][]string{
		{"go", "mod", "init", "cell"},
		{"go", "work", "init"},
		{"go", "work", "use", ".", module},
		{filepath.Join(folder, "bin", "goimports"), "-w", "main.go"},
		{"go", "get"},
		{"go", "build", "-o", "cell"},
	}); err != nil {
		return "", fmt.Errorf("it does not compile: %w", err)
	}
	return fmt.Sprintf("compiles in %.1f s", time.Since(start).Seconds()), nil
}

// inCell runs commands in a temporary folder whose main.go is source, as in a kernel.
func inCell(ctx context.Context, module, goTool, source string, commands [][]string) error {
	temp, err := os.MkdirTemp("", "gointr-cell-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.WriteFile(filepath.Join(temp, "main.go"), []byte(source), 0o644); err != nil {
		return err
	}
	env := append(environment(goTool), "GOINTR_MODULE="+module, "GOINTR_GO="+goTool)
	for _, args := range commands {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir, cmd.Env = temp, env
		if _, err := output(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}
