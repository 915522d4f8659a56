package jupyter

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// installed installs a kernel below a fresh prefix and gives what was said.
func installed(t *testing.T) (prefix string, said string) {
	t.Helper()
	prefix = t.TempDir()
	var progress bytes.Buffer
	done, err := Install(t.Context(), Options{Prefix: prefix, Progress: &progress})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(prefix, "share", "jupyter", "kernels", Name); done.Folder != want {
		t.Fatalf("installed in %s, want %s", done.Folder, want)
	}
	return prefix, progress.String()
}

func TestInstallDoctorUninstall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB")
	}
	prefix, said := installed(t)
	folder, err := Folder(prefix)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(said, "\n") < 4 {
		t.Errorf("progress is not a line a step: %q", said)
	}

	t.Run("kernel.json", func(t *testing.T) {
		data, err := os.ReadFile(filepath.Join(folder, "kernel.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if got["display_name"] != "Go (GoINTR)" || got["language"] != "go" || got["interrupt_mode"] != "message" {
			t.Errorf("kernel.json is %s", data)
		}
		argv := got["argv"].([]any)
		if len(argv) != 2 || argv[0] != filepath.Join(folder, "start") || argv[1] != "{connection_file}" {
			t.Errorf("argv is %q", argv)
		}
	})

	t.Run("files", func(t *testing.T) {
		for name, executable := range map[string]bool{
			"start": true, "bin/goimports": true, "tools/gonb": true, "tools/goimports": true, "tools/gointr": true,
			"kernel.json": false, "logo-svg.svg": false,
		} {
			info, err := os.Stat(filepath.Join(folder, name))
			if err != nil {
				t.Error(err)
			} else if (info.Mode()&0o111 != 0) != executable {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
		beside, err := os.ReadDir(filepath.Dir(folder))
		if err != nil || len(beside) != 1 {
			t.Errorf("beside the kernel lies %v (%v)", beside, err)
		}
		if out, err := exec.Command("sh", "-n", filepath.Join(folder, "start")).CombinedOutput(); err != nil {
			t.Errorf("start is no shell script: %s", out)
		}
		module, err := FindModule("")
		if err != nil || moduleOf(folder) != module {
			t.Errorf("start is wired to %q, want %q (%v)", moduleOf(folder), module, err)
		}
	})

	check := func(checks []Check, what string) Check {
		for _, c := range checks {
			if c.What == what {
				return c
			}
		}
		return Check{}
	}
	t.Run("doctor", func(t *testing.T) {
		start := time.Now()
		checks := Doctor(t.Context(), prefix)
		for _, what := range []string{"kernel", "Go", "source of GoINTR", "GoNB", "goimports",
			"gointr, for the session", "a cell"} {
			if c := check(checks, what); !c.Fine {
				t.Errorf("%s: %+v", what, c)
			}
		}
		// There is no Jupyter below a fresh prefix; the sentence says so, and what to do.
		if c := check(checks, "Jupyter"); c.Fine || c.Do == "" {
			t.Errorf("Jupyter: %+v", c)
		}
		t.Logf("a cell %s; all checks took %.1f s", check(checks, "a cell").Found, time.Since(start).Seconds())
	})

	t.Run("a failing install leaves the kernel as it was", func(t *testing.T) {
		before := tree(t, prefix)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Install(ctx, Options{Prefix: prefix}); err == nil {
			t.Fatal("a stopped install gave no error")
		}
		broken := t.TempDir() // a module that does not build
		put(t, filepath.Join(broken, "go.mod"), "module "+modulePath+"\n")
		if _, err := Install(t.Context(), Options{Prefix: prefix, Module: broken}); err == nil ||
			strings.Contains(err.Error(), "\n") {
			t.Fatalf("not one sentence: %v", err)
		}
		if after := tree(t, prefix); after != before {
			t.Errorf("the folder changed from\n%s\nto\n%s", before, after)
		}
	})

	t.Run("installing again replaces it", func(t *testing.T) {
		put(t, filepath.Join(folder, "leftover"), "")
		if _, err := Install(t.Context(), Options{Prefix: prefix}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(folder, "leftover")); err == nil {
			t.Error("a file of the earlier kernel is still there")
		}
	})

	t.Run("doctor names what is broken", func(t *testing.T) {
		if err := os.Remove(filepath.Join(folder, "tools", "gonb")); err != nil {
			t.Fatal(err)
		}
		if c := check(Doctor(t.Context(), prefix), "GoNB"); c.Fine ||
			!strings.Contains(c.Do, "gointr kernel install --prefix") {
			t.Errorf("GoNB: %+v", c)
		}
		put(t, filepath.Join(folder, "kernel.json"), "{")
		if c := check(Doctor(t.Context(), prefix), "kernel"); c.Fine || !strings.Contains(c.Found, "broken") {
			t.Errorf("kernel: %+v", c)
		}
	})

	t.Run("uninstall", func(t *testing.T) {
		if got, err := Uninstall(prefix); err != nil || got != folder {
			t.Fatalf("removed %q (%v), want %q", got, err, folder)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Error("the kernel is still there")
		}
		if _, err := Uninstall(prefix); err == nil || !strings.Contains(err.Error(), "no kernel to remove") {
			t.Errorf("removing it twice: %v", err)
		}
		if c := check(Doctor(t.Context(), prefix), "kernel"); c.Fine || c.Do == "" {
			t.Errorf("doctor says of a removed kernel: %+v", c)
		}
	})
}

func TestInstallRefuses(t *testing.T) {
	prefix := t.TempDir()
	other := t.TempDir()
	put(t, filepath.Join(other, "go.mod"), "module example.org/other\n")
	comma := filepath.Join(t.TempDir(), "a,b")
	put(t, filepath.Join(comma, "go.mod"), "module "+modulePath+"\n")
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	for name, c := range map[string]struct {
		o    Options
		says string
	}{
		"no such folder": {Options{Prefix: prefix, Module: filepath.Join(other, "nowhere")},
			"is not GoINTR's source"},
		"another module":     {Options{Prefix: prefix, Module: other}, "is not GoINTR's source"},
		"comma in the path":  {Options{Prefix: prefix, Module: comma}, "comma"},
		"a file as a prefix": {Options{Prefix: file}, "cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Install(t.Context(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one sentence with %q", err, c.says)
			}
		})
	}
	t.Run("no Go", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Install(t.Context(), Options{Prefix: prefix}); err == nil ||
			!strings.Contains(err.Error(), "install Go first") {
			t.Errorf("got %v", err)
		}
	})
	if left := tree(t, prefix); left != "." {
		t.Errorf("something was written: %s", left)
	}
}

func TestFolder(t *testing.T) {
	t.Setenv("JUPYTER_DATA_DIR", filepath.FromSlash("/data"))
	if got, _ := Folder(""); got != filepath.FromSlash("/data/kernels/gointr") {
		t.Errorf("with JUPYTER_DATA_DIR: %s", got)
	}
	if got, _ := Folder("env"); !filepath.IsAbs(got) {
		t.Errorf("of a relative prefix: %s", got)
	}
}

// TestStart runs the script that Jupyter starts, with a gointr that only tells its
// surroundings, from a folder whose name a shell would take apart.
func TestStart(t *testing.T) {
	base := filepath.Join(t.TempDir(), "it's a $HOME")
	module, folder := filepath.Join(base, "source"), filepath.Join(base, "kernel")
	put(t, filepath.Join(module, "go.mod"), "module "+modulePath+"\n")
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go on the PATH")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(folder, folder, module, goTool); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "tools", "gointr"),
		"#!/bin/sh\nprintf '%s\\n' \"$GOINTR_MODULE\" \"$GOWORK\" \"$TMPDIR\" \"$@\"\ncommand -v goimports\n")
	if err := os.Chmod(filepath.Join(folder, "tools", "gointr"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(folder, "start"), "connection file.json").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	asked := []string{"kernel", "serve", "connection file.json", lines[2], filepath.Join(folder, "tools", "gonb"),
		"--raw_error",
		"--go_work", module}
	if lines[0] != module || lines[1] != "auto" || len(lines) < 11 || !slices.Equal(lines[3:11], asked) {
		t.Errorf("gointr was told %q", lines)
	}
	if found := lines[len(lines)-2]; found != filepath.Join(folder, "bin", "goimports") {
		t.Errorf("goimports is %s", found)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(lines[2]); err != nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the temporary folder %s stays", lines[2])
		}
	}
	if err := os.RemoveAll(module); err != nil {
		t.Fatal(err)
	}
	says, err := exec.Command(filepath.Join(folder, "start"), "x").CombinedOutput()
	if err == nil || strings.Count(string(says), "\n") != 1 || !strings.Contains(string(says), "which is gone") {
		t.Errorf("without its source it says %q (%v)", says, err)
	}
}

// tree is what lies below a folder.
func tree(t *testing.T, root string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if info, e := d.Info(); e == nil && !d.IsDir() {
			name += " " + info.Mode().String() + " " + info.ModTime().String()
		}
		lines = append(lines, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
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
