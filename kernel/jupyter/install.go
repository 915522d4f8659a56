package jupyter

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"

	"github.com/gointr/gointr/internal/wholefile"
)

const (
	// Name is what Jupyter calls the kernel in files and on command lines.
	Name = "gointr"
	// DisplayName is what people see in the launcher.
	DisplayName = "Go (GoINTR)"
)

// Options of Install; the zero value installs for the user.
type Options struct {
	Prefix   string    // kernels go to Prefix/share/jupyter/kernels; "" is the user's Jupyter folder
	Module   string    // folder of GoINTR's source; "" finds it as FindModule does
	Progress io.Writer // gets a line for each step; nil says nothing
	// NoCompletion leaves gopls out, which takes half of the time.
	NoCompletion bool
}

// Installed says where things are after Install.
type Installed struct {
	Folder string `json:"kernelspec"`
	Module string `json:"module"`
}

//go:embed files
var files embed.FS

// spec is kernel.json.
type spec struct {
	Argv          []string `json:"argv"`
	DisplayName   string   `json:"display_name"`
	Language      string   `json:"language"`
	InterruptMode string   `json:"interrupt_mode"`
}

// Install builds GoNB, goimports, quickgo, gopls (for completion and help) and gointr
// (which the session runs in), and writes the kernel's folder, which replaces an
// earlier one as a whole. It also compiles what cells use, so that the first cell
// only has to be linked. An error is one sentence; then an earlier kernel is as
// it was. Without gopls, which may have to be downloaded, it goes on, and says so.
func Install(ctx context.Context, o Options) (*Installed, error) {
	say := func(line string) {
		if o.Progress != nil {
			fmt.Fprintln(o.Progress, line)
		}
	}
	module, err := FindModule(o.Module)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(module, ",\n") {
		return nil, fmt.Errorf("the source of GoINTR lies in %q, and GoNB takes no comma or line break in a "+
			"path: move it", module)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil,
			errors.New("cells of a notebook are compiled by Go, and no program go is on the PATH: install Go first")
	}
	folder, err := Folder(o.Prefix)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return nil, fmt.Errorf("the kernel cannot be written to %s: %w", folder, wholefile.Cause(err))
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "."+Name+"-")
	if err != nil {
		return nil, fmt.Errorf("the kernel cannot be written to %s: %w", folder, wholefile.Cause(err))
	}
	defer os.RemoveAll(fresh)

	tools := filepath.Join(fresh, "tools") + string(filepath.Separator)
	for _, step := range []struct {
		say  string
		args []string
	}{
		{"building GoNB and goimports", []string{"build", "-o", tools, "github.com/janpfeifer/gonb",
			"golang.org/x/tools/cmd/goimports", "./kernel/quickgo"}},
		{"building gointr, for the session", []string{"build", "-o", tools, "./kernel/gointr"}},
		{"compiling what cells use (once, up to a minute)", []string{"build", "./pkg/notebook", "./pkg/intr"}},
	} {
		say(step.say)
		if err := goIn(ctx, module, goTool, step.args...); err != nil {
			return nil, err
		}
	}
	if !o.NoCompletion {
		say("building gopls, for completion and help")
		if err := buildGopls(ctx, goTool, tools); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			say(fmt.Sprintf("cells will have no completion and help, as gopls could not be built (%v): install the "+
				"kernel again with a network", err))
		}
	}
	if err := write(fresh, folder, module, goTool); err != nil {
		return nil, fmt.Errorf("the kernel cannot be written to %s: %w", folder, wholefile.Cause(err))
	}
	if err := plan(ctx, fresh, module, goTool); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		say(fmt.Sprintf("first cells will be slower, as it could not be seen how a cell is built (%v)", err))
	}
	if err := replace(folder, fresh); err != nil {
		return nil, fmt.Errorf("the kernel cannot be written to %s: %w", folder, wholefile.Cause(err))
	}
	return &Installed{folder, module}, nil
}

// Uninstall removes the kernel and says from where.
func Uninstall(prefix string) (string, error) {
	folder, err := Folder(prefix)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("there is no kernel to remove in %s: %w", folder, wholefile.Cause(err))
	}
	if err := os.RemoveAll(folder); err != nil {
		return "", fmt.Errorf("the kernel in %s cannot be removed: %w", folder, wholefile.Cause(err))
	}
	return folder, nil
}

// Folder is where the kernel is or would be: below a prefix (Python's
// sys.prefix, say a virtual environment), or with "" in the user's Jupyter
// folder, which JUPYTER_DATA_DIR names.
func Folder(prefix string) (string, error) {
	if prefix != "" {
		prefix, err := filepath.Abs(prefix)
		return filepath.Join(prefix, "share", "jupyter", "kernels", Name), err
	}
	data := os.Getenv("JUPYTER_DATA_DIR")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", errors.New("the user's Jupyter folder is unknown, as HOME is not set: set it, or give --prefix")
		}
		if runtime.GOOS == "darwin" {
			data = filepath.Join(home, "Library", "Jupyter")
		} else if data = os.Getenv("XDG_DATA_HOME"); data != "" {
			data = filepath.Join(data, "jupyter")
		} else {
			data = filepath.Join(home, ".local", "share", "jupyter")
		}
	}
	data, err := filepath.Abs(data)
	return filepath.Join(data, "kernels", Name), err
}

// goIn runs the go command in GoINTR's own module.
func goIn(ctx context.Context, module, goTool string, args ...string) error {
	cmd := exec.CommandContext(ctx, goTool, args...)
	cmd.Dir = module
	cmd.Env = append(environment(goTool), "GOWORK=off")
	if _, err := output(ctx, cmd); err != nil {
		return fmt.Errorf("go %s in %s failed: %w", strings.Join(args, " "), module, err)
	}
	return nil
}

// buildGopls builds gopls from the versions in files/gopls.mod: it is no part of
// GoINTR's own module, whose requirements it would raise.
func buildGopls(ctx context.Context, goTool, tools string) error {
	folder, err := os.MkdirTemp("", "gointr-gopls-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for name, as := range map[string]string{"files/gopls.mod": "go.mod", "files/gopls.sum": "go.sum"} {
		data, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, as), data, 0o600); err != nil {
			return err
		}
	}
	return goIn(ctx, folder, goTool, "build", "-o", tools, "golang.org/x/tools/gopls")
}

// environment is what the start script sets for the go command, so that what is
// compiled here is what cells find compiled.
func environment(goTool string) []string {
	env := append(os.Environ(), "GOWORK=auto", "GOFLAGS=-buildvcs=false -ldflags=-w")
	if _, set := os.LookupEnv("GOEXPERIMENT"); !set {
		simd := append(env, "GOEXPERIMENT=simd")
		if try := (&exec.Cmd{Path: goTool, Args: []string{goTool, "env", "GOOS"}, Env: simd}); try.Run() == nil {
			return simd
		}
	}
	return env
}

// output is what a program said last; an error has it too.
func output(ctx context.Context, cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if err != nil && last == "" {
		last = err.Error()
	}
	if err != nil {
		return "", fmt.Errorf("%s: %s", filepath.Base(cmd.Path), last)
	}
	return last, nil
}

// write fills fresh with all but the tools, for a kernel that will be at folder.
func write(fresh, folder, module, goTool string) error {
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(fresh, "bin"), 0o755); err != nil {
		return err
	}
	start, err := files.ReadFile("files/start")
	if err != nil {
		return err
	}
	script, err := template.New("start").Funcs(template.FuncMap{"quote": quote}).Parse(string(start))
	if err != nil {
		return err
	}
	var started bytes.Buffer
	if err := script.Execute(&started, struct{ Module, GoBin string }{module, filepath.Dir(goTool)}); err != nil {
		return err
	}
	goimports, err := files.ReadFile("files/goimports")
	if err != nil {
		return err
	}
	gopls, err := files.ReadFile("files/gopls")
	if err != nil {
		return err
	}
	logo, err := files.ReadFile("files/logo-svg.svg")
	if err != nil {
		return err
	}
	kernel, err := json.MarshalIndent(spec{[]string{filepath.Join(folder, "start"), "{connection_file}"}, DisplayName,
		"go", "message"}, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{"start", started.Bytes(), 0o755},
		{"bin/goimports", goimports, 0o755},
		{"logo-svg.svg", logo, 0o644},
		{"kernel.json", append(kernel, '\n'), 0o644},
	} {
		if err := os.WriteFile(filepath.Join(fresh, filepath.FromSlash(f.name)), f.data, f.mode); err != nil {
			return err
		}
	}
	err = os.Rename(filepath.Join(fresh, "tools", "quickgo"), filepath.Join(fresh, "bin", "go"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(fresh, "tools", "gopls")); err != nil {
		return nil // GoNB goes by whether there is one
	}
	return os.WriteFile(filepath.Join(fresh, "bin", "gopls"), gopls, 0o755)
}

// imported is what cells import, mostly: of these they are linked without asking the go command.
var imported = strings.Fields(`
	archive/zip bufio bytes cmp compress/gzip container/heap context crypto/sha256 encoding/base64 encoding/binary
	encoding/csv encoding/hex encoding/json errors flag fmt hash/fnv html html/template image image/color
	image/draw image/gif image/jpeg image/png io io/fs iter log maps math math/big math/bits math/cmplx math/rand
	math/rand/v2 net/http net/url os os/exec os/signal path path/filepath reflect regexp runtime runtime/debug
	slices sort strconv strings sync sync/atomic text/tabwriter text/template time unicode unicode/utf8
	github.com/gointr/gointr/datasets
	github.com/gointr/gointr/datasets/birds
	github.com/gointr/gointr/pkg/attention
	github.com/gointr/gointr/pkg/evaluation
	github.com/gointr/gointr/pkg/faithful
	github.com/gointr/gointr/pkg/fieldguide
	github.com/gointr/gointr/pkg/figure
	github.com/gointr/gointr/pkg/finetune
	github.com/gointr/gointr/pkg/interpret
	github.com/gointr/gointr/pkg/intr
	github.com/gointr/gointr/pkg/model
	github.com/gointr/gointr/pkg/notebook
	github.com/gointr/gointr/pkg/notebook/value
	github.com/gointr/gointr/pkg/picture
	github.com/gointr/gointr/pkg/session
	github.com/gomlx/gomlx/core/graph
	github.com/gomlx/gomlx/core/tensors
	github.com/gomlx/gomlx/ml/model
	github.com/janpfeifer/gonb/gonbui
	gonum.org/v1/plot
	gonum.org/v1/plot/plotter
	gonum.org/v1/plot/plotutil
	gonum.org/v1/plot/text
	gonum.org/v1/plot/vg
	gonum.org/v1/plot/vg/draw
`)

// plan has quickgo write down how a cell is built, so that the first ones are built by that.
func plan(ctx context.Context, fresh, module, goTool string) error {
	source := "package main\n\nimport (\n\t_ \"" + strings.Join(imported, "\"\n\t_ \"") + "\"\n)\n\nfunc main() {}\n"
	bin := filepath.Join(fresh, "bin")
	return inCell(ctx, module, goTool, source, [][]string{
		{goTool, "mod", "init", "cell"}, // as GoNB makes the module of its cells
		{goTool, "mod", "edit", "-replace", modulePath + "=" + module},
		{goTool, "work", "init"},
		{goTool, "work", "use", ".", module},
		{filepath.Join(bin, "goimports"), "-w", "main.go"},
		{goTool, "build", "-o", "cell"},
		{filepath.Join(bin, "go"), "capture", filepath.Join(bin, "cells.json")},
	})
}

// replace puts fresh in the place of folder, or leaves folder as it was.
func replace(folder, fresh string) error {
	old := fresh + "-old"
	err := os.Rename(folder, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	had := err == nil
	if err := os.Rename(fresh, folder); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, folder))
		}
		return err
	}
	return os.RemoveAll(old)
}

// quote is a string as one word of a shell script.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
