package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// workspace is a module of a cell beside one that people may edit, as in a kernel.
func workspace(t *testing.T) (cellFolder, dependency string) {
	t.Helper()
	root := t.TempDir()
	cellFolder, dependency = filepath.Join(root, "cell"), filepath.Join(root, "words")
	put(t, filepath.Join(dependency, "go.mod"), "module example.org/words\n\ngo 1.24\n")
	put(t, filepath.Join(dependency, "words.go"), "package words\n\nconst Said = \"first\"\n")
	put(t, filepath.Join(cellFolder, "go.mod"), "module gonb_1\n\ngo 1.24\n")
	put(t, filepath.Join(cellFolder, "go.work"), "go 1.24\n\nuse (\n\t.\n\t../words\n)\n")
	t.Chdir(cellFolder)
	t.Setenv("GOWORK", "auto")
	t.Setenv("GOFLAGS", "-buildvcs=false -ldflags=-w")
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: there is no program go")
	}
	t.Setenv("GOINTR_GO", goTool)
	return cellFolder, dependency
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const said = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.org/words\"\n)\n\n" +
	"func main() { fmt.Println(words.Said, %) }\n"

func edited(t *testing.T, what string) { put(t, "main.go", strings.Replace(said, "%", what, 1)) }

// captured makes a plan after a first build, as in a kernel.
func captured(t *testing.T) {
	t.Helper()
	if code := run("build", "-o", "first"); code != 0 {
		t.Fatal("go build fails")
	}
	if err := capture(ownPlan); err != nil {
		t.Fatal(err)
	}
}

func TestAnEditedCellIsBuiltByThePlan(t *testing.T) {
	workspace(t)
	edited(t, "1")
	if plan() != nil {
		t.Fatal("there is a plan before any was made")
	}
	captured(t)
	edited(t, `"two"`)
	p := plan()
	if p == nil || !p.build("quick") {
		t.Fatal("the plan does not build an edited cell")
	}
	if code := run("build", "-o", "whole"); code != 0 {
		t.Fatal("go build fails")
	}
	quick, err := exec.Command("./quick").CombinedOutput()
	whole, errWhole := exec.Command("./whole").CombinedOutput()
	if err != nil || errWhole != nil || string(quick) != string(whole) || string(quick) != "first two\n" {
		t.Errorf("%q (%v), the go command's says %q (%v)", quick, err, whole, errWhole)
	}
	info, err := exec.Command(os.Getenv("GOINTR_GO"), "version", "-m", "quick").Output()
	if err != nil || !strings.Contains(string(info), "example.org/words") {
		t.Errorf("it does not say what it is made of: %s (%v)", info, err)
	}
	if left, _ := filepath.Glob(".build-*"); left != nil {
		t.Errorf("%v is left", left)
	}
}

// The compiler's words are those of go build, to the letter but for the name of the package.
func TestMistakesAreTheCompilers(t *testing.T) {
	workspace(t)
	edited(t, "1")
	captured(t)
	edited(t, "missing")
	program := filepath.Join(t.TempDir(), "go")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command(os.Getenv("GOINTR_GO"), "build", "-o", program, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	quick, errQuick := exec.Command(program, "build", "-o", "cell").CombinedOutput()
	whole, errWhole := exec.Command(os.Getenv("GOINTR_GO"), "build", "-o", "cell").CombinedOutput()
	_, q, _ := strings.Cut(string(quick), "\n")
	_, w, _ := strings.Cut(string(whole), "\n")
	if q != w || errQuick == nil || errWhole == nil || !strings.Contains(q, "undefined: missing") {
		t.Errorf("%q (%v), go build says %q (%v)", q, errQuick, w, errWhole)
	}
	// And what is no build of a cell goes to the go command.
	version := exec.Command(program, "version")
	version.Dir = here
	if out, err := version.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "go version") {
		t.Errorf("%s (%v)", out, err)
	}
}

var source = func() string {
	folder, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return folder
}()

// A cell that plots gets what draws plots beside it, and only such a one.
func TestPlotsAccompanyTheCell(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		imports string
		want    bool
	}{
		{`"fmt"`, false},
		{`"gonum.org/v1/plot"`, false},
		{`("github.com/gointr/gointr/pkg/notebook"; "gonum.org/v1/plot")`, true},
		{`("github.com/gointr/gointr/pkg/notebook"; . "gonum.org/v1/plot/plotter")`, true},
		{`"github.com/gointr/gointr/pkg/notebook"`, false},
	} {
		put(t, filepath.Join(folder, "main.go"), "package main\n\nimport "+c.imports+"\n\nfunc main() {}\n")
		accompany(folder)
		data, err := os.ReadFile(filepath.Join(folder, plotsFile))
		if (err == nil) != c.want || c.want && string(data) != plotsCode {
			t.Errorf("import %s: beside it there is %q (%v)", c.imports, data, err)
		}
		read, err := readCell(folder)
		if err != nil || slices.Contains(read.imports, "github.com/gointr/gointr/pkg/notebook/plots") != c.want {
			t.Errorf("import %s: it is read as %+v (%v)", c.imports, read, err)
		}
	}
}

func TestAtAnyDoubtThereIsNoPlan(t *testing.T) {
	cellFolder, dependency := workspace(t)
	edited(t, "1")
	captured(t)
	kept, err := os.ReadFile(ownPlan)
	if err != nil {
		t.Fatal(err)
	}
	words := filepath.Join(dependency, "words.go")
	for name, doubt := range map[string]func(t *testing.T){
		"another file": func(t *testing.T) { put(t, "other.go", "package main\n") },
		"an import not seen yet": func(t *testing.T) {
			put(t, "main.go",
				"package main\n\nimport _ \"net/http\"\n\nfunc main() {}\n")
		},
		"cgo": func(t *testing.T) {
			put(t, "main.go",
				"package main\n\nimport \"C\"\n\nfunc main() {}\n")
		},
		"a directive": func(t *testing.T) {
			put(t, "main.go",
				"package main\n\nimport _ \"fmt\"\n\n//go:embed main.go\nvar text string\n\nfunc main() {}\n")
		},
		"no Go at all":        func(t *testing.T) { put(t, "main.go", "pack") },
		"other flags":         func(t *testing.T) { t.Setenv("GOFLAGS", "-buildvcs=false -race") },
		"another system":      func(t *testing.T) { t.Setenv("GOOS", "plan9") },
		"another module file": func(t *testing.T) { put(t, "go.mod", "module gonb_1\n\ngo 1.25\n") },
		"an edited dependency": func(t *testing.T) {
			put(t, words,
				"package words\n\nconst Said = \"second, edited\"\n")
		},
		"a new file in it": func(t *testing.T) { put(t, filepath.Join(dependency, "more.go"), "package words\n") },
		"its other modules": func(t *testing.T) {
			put(t, filepath.Join(dependency, "go.mod"), "module example.org/words\n\ngo 1.25\n")
		},
		"a package that is gone": func(t *testing.T) {
			rewrite(t, kept,
				func(p *Plan) { p.Packages += "packagefile a/b=/nowhere\n" })
		},
		"a plan that is damaged":  func(t *testing.T) { put(t, ownPlan, string(kept[:len(kept)/2])) },
		"a plan of another cell":  func(t *testing.T) { rewrite(t, kept, func(p *Plan) { p.Key = "another" }) },
		"a plan without commands": func(t *testing.T) { rewrite(t, kept, func(p *Plan) { p.Compile = nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			for _, path := range []string{"main.go", "go.mod", words, filepath.Join(dependency, "go.mod"), ownPlan} {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				files[path] = data
			}
			times := map[string]time.Time{}
			for path := range files {
				info, _ := os.Stat(path)
				times[path] = info.ModTime()
			}
			if plan() == nil {
				t.Fatal("there is no plan before the doubt")
			}
			doubt(t)
			if plan() != nil {
				t.Error("there is a plan all the same")
			}
			os.Remove(filepath.Join(cellFolder, "other.go"))
			os.Remove(filepath.Join(dependency, "more.go"))
			for path, data := range files {
				put(t, path, string(data))
				os.Chtimes(path, times[path], times[path])
			}
		})
	}
}

func rewrite(t *testing.T, kept []byte, change func(*Plan)) {
	t.Helper()
	var p Plan
	if err := json.Unmarshal(kept, &p); err != nil {
		t.Fatal(err)
	}
	change(&p)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	put(t, ownPlan, string(data))
}
