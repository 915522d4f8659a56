package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Plan is how a cell was built, and what that hangs on.
type Plan struct {
	Key      string            // of the environment and the files of modules
	Root     string            // GOROOT
	Compile  []string          // without the files
	Link     []string          // without the files
	Packages string            // importcfg: each package's compiled form
	Modules  string            // what modules the program is of: the linker's alone
	Sources  map[string]string // of packages that people may edit: a file, or a folder, and when and how it was
}

// cell is what of a cell's folder bears on its build.
type cell struct {
	imports []string
	key     string
}

const (
	plotsFile = "gointr_plots.go" // beside a cell that plots
	plotsCode = "package main\n\nimport _ \"github.com/gointr/gointr/pkg/notebook/plots\"\n"
)

// accompany gives a cell that imports gonum's plots, and package notebook, what draws them there (package plots); other
// cells stay without its fonts.
func accompany(folder string) {
	path := filepath.Join(folder, plotsFile)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, "main.go"), nil, parser.ImportsOnly)
	plots, notebook := false, false
	if err == nil {
		for _, spec := range file.Imports {
			plots = plots || strings.HasPrefix(spec.Path.Value, `"gonum.org/v1/plot`)
			notebook = notebook || spec.Path.Value == `"github.com/gointr/gointr/pkg/notebook"`
		}
	}
	if _, err := os.Stat(path); (err == nil) == (plots && notebook) {
		return
	}
	if plots && notebook {
		_ = os.WriteFile(path, []byte(plotsCode), 0o600) // without it the cell says what to import
	} else {
		_ = os.Remove(path)
	}
}

// readCell reads the cell in a folder. An error says why the go command must build it.
func readCell(folder string) (*cell, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		ext := filepath.Ext(name)
		if name != "main.go" && name != plotsFile && !strings.HasPrefix(name, ".") && slices.Contains([]string{".go",
			".s", ".c", ".h",
			".cc", ".cpp", ".m",
			".syso", ".swig"}, ext) {
			return nil, fmt.Errorf("there is %s, too", name)
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, "main.go"))
	if err != nil {
		return nil, err
	}
	if directive.Match(data) {
		return nil, fmt.Errorf("it has directives")
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	c := &cell{key: key(folder)}
	if _, err := os.Stat(filepath.Join(folder, plotsFile)); err == nil {
		c.imports = append(c.imports, "github.com/gointr/gointr/pkg/notebook/plots")
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path == "C" || strings.HasPrefix(path, ".") {
			return nil, fmt.Errorf("it imports %s", spec.Path.Value)
		}
		c.imports = append(c.imports, path)
	}
	return c, nil
}

var (
	directive  = regexp.MustCompile(`(?m)^\s*//(go:|\s*\+build|line |export )`)
	moduleLine = regexp.MustCompile(`(?m)^module .*$`)
)

// key is of all that changes what a build does but the sources: the environment, the modules. The name of the cells'
// own module is left out, which is another in every kernel.
func key(folder string) string {
	h := sha256.New()
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return !(strings.HasPrefix(s, "GO") || strings.HasPrefix(s, "CGO_") || strings.HasPrefix(s, "CC=")) ||
			strings.HasPrefix(s, "GONB") ||
			strings.HasPrefix(s, "GOINTR") || strings.HasPrefix(s, "GOCOVERDIR") || strings.HasPrefix(s, "GOMAXPROCS")
	})
	slices.Sort(env)
	fmt.Fprintln(h, runtime.Version(), realGo(), env)
	for _, name := range []string{"go.mod", "go.sum", "go.work", "go.work.sum"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if name == "go.mod" {
			data = moduleLine.ReplaceAll(data, nil)
		}
		fmt.Fprintf(h, "%s %v %d\n%s", name, err == nil, len(data), data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// holds says whether the plan builds a cell.
func (p *Plan) holds(c *cell) bool {
	if p.Key != c.key || len(p.Compile) == 0 || len(p.Link) == 0 {
		return false
	}
	has := map[string]bool{"unsafe": true}
	for line := range strings.Lines(p.Packages) {
		name, file, ok := packageFile(line)
		if !ok {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return false
		}
		has[name] = true
	}
	for _, path := range c.imports {
		if !has[path] {
			return false
		}
	}
	for path, was := range p.Sources {
		if state(path) != was {
			return false
		}
	}
	return true
}

func packageFile(line string) (name, file string, ok bool) {
	line, ok = strings.CutPrefix(strings.TrimSpace(line), "packagefile ")
	if !ok {
		return "", "", false
	}
	return strings.Cut(line, "=")
}

// state is when a file was changed and how long it is; of a folder, which files are in it.
func state(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	if !info.IsDir() {
		return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, "/")
}

// capture asks the go command how it would build the cell in the working folder, were it another by a line, and writes
// that down.
func capture(path string) error {
	c, err := readCell(".")
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "gointr-capture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	data, err := os.ReadFile("main.go")
	if err != nil {
		return err
	}
	changed := filepath.Join(work, "main.go")
	if err := os.WriteFile(changed, append(data, "\nvar _ = \"captured\"\n"...), 0o600); err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	overlay := filepath.Join(work, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, "main.go"): changed}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return err
	}
	script, err := exec.Command(realGo(), "build", "-n", "-overlay", overlay, "-o", filepath.Join(work,
		"cell")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build -n: %w", err)
	}
	p := &Plan{Key: c.key}
	if err := p.parse(string(script)); err != nil {
		return err
	}
	if p.Sources, p.Root, err = sources(); err != nil {
		return err
	}
	written, err := json.Marshal(p)
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), ".plan-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name())
	_, err = fresh.Write(written)
	if e := fresh.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}

// parse takes the compiler's and the linker's command for main, and the linker's list of packages, which has the
// compiler's.
func (p *Plan) parse(script string) error {
	list := regexp.MustCompile(`(?s)cat >\S*/b001/importcfg\.link << 'EOF'[^\n]*\n(.*?)\nEOF`).FindStringSubmatch(
		script)
	if list == nil {
		return fmt.Errorf("go build -n does not link")
	}
	var kept []string
	for line := range strings.Lines(list[1]) {
		name, file, ok := packageFile(line)
		if ok && strings.HasPrefix(file, "$WORK/b001/") {
			continue // the cell itself
		}
		if ok && strings.HasPrefix(file, "$WORK") {
			return fmt.Errorf("%s is not compiled yet", name)
		}
		if ok {
			kept = append(kept, strings.TrimRight(line, "\n"))
		} else {
			p.Modules += strings.TrimRight(line, "\n") + "\n"
		}
	}
	p.Packages = strings.Join(kept, "\n") + "\n"
	for line := range strings.Lines(script) {
		words := fields(strings.TrimSpace(line))
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:] // GOROOT=…
		}
		if len(words) < 2 {
			continue
		}
		switch {
		case filepath.Base(words[0]) == "compile" && slices.Contains(words, "main"):
			p.Compile = without(words, map[string]int{"-o": 1, "-trimpath": 1, "-buildid": 1, "-importcfg": 1,
				"-pack": 0})
		case filepath.Base(words[0]) == "link":
			p.Link = without(words, map[string]int{"-o": 1, "-importcfg": 1})
		}
	}
	if p.Compile == nil || p.Link == nil {
		return fmt.Errorf("go build -n is not understood")
	}
	return nil
}

// without is a command without some flags (and how many values each has), its build id and its files.
func without(words []string, flags map[string]int) []string {
	out := []string{words[0]}
	for i := 1; i < len(words); i++ {
		if n, drop := flags[words[i]]; drop {
			i += n
			continue
		}
		if strings.HasPrefix(words[i], "-buildid=") || strings.HasSuffix(words[i], ".go") ||
			strings.HasSuffix(words[i], ".a") {
			continue
		}
		out = append(out, words[i])
	}
	return out
}

// sources are the files of those packages of the cell that lie neither in Go nor in the module cache, which do not
// change.
func sources() (map[string]string, string, error) {
	out, err := exec.Command(realGo(), "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return nil, "", err
	}
	fixed := strings.Fields(string(out))
	if len(fixed) != 2 {
		return nil, "", fmt.Errorf("go env says %q", out)
	}
	out, err = exec.Command(realGo(), "list", "-deps", "-f", "{{.Dir}}", ".").Output()
	if err != nil {
		return nil, "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, "", err
	}
	found := map[string]string{filepath.Join(fixed[0], "VERSION"): state(filepath.Join(fixed[0], "VERSION"))}
	for line := range strings.Lines(string(out)) {
		folder := strings.TrimSpace(line)
		if folder == "" || folder == here || strings.HasPrefix(folder, fixed[0]+"/") || strings.HasPrefix(folder,
			fixed[1]+"/") {
			continue
		}
		found[folder] = state(folder)
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, "", err
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasSuffix(e.Name(), "_test.go") {
				path := filepath.Join(folder, e.Name())
				found[path] = state(path)
			}
		}
	}
	// The modules that the workspace uses have files of their own.
	out, err = exec.Command(realGo(), "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, "", err
	}
	for line := range strings.Lines(string(out)) {
		for _, name := range []string{"go.mod", "go.sum"} {
			if folder := strings.TrimSpace(line); folder != "" && folder != here {
				found[filepath.Join(folder, name)] = state(filepath.Join(folder, name))
			}
		}
	}
	return found, fixed[0], nil
}
