package backend

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every engine that is here multiplies matrices; at least the pure-Go one is.
func TestProbe(t *testing.T) {
	for _, kind := range Kinds {
		r := Probe(kind)
		switch {
		case r.Works:
			t.Logf("%s: %.0f billion operations a second, %d devices", Title(kind), r.GFlops, len(r.Devices))
		case kind == Go:
			t.Errorf("the pure-Go engine does not work: %s", r.Problem)
		case !strings.Contains(r.Problem, "gointr setup") && built:
			t.Errorf("%s: %q does not say what to do", kind, r.Problem)
		}
	}
}

func TestOpen(t *testing.T) {
	first, err := Open(Go)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Open(Go); err != nil || again != first {
		t.Errorf("the engine was opened twice (%v)", err)
	}
	if _, err := Open(Auto); err != nil {
		t.Errorf("no engine was chosen: %v", err)
	}
	if _, err := Open("abacus"); err == nil || !strings.Contains(err.Error(), "auto, xla, cuda or go") {
		t.Errorf("an unknown engine is answered with %v", err)
	}
}

// nowhere makes a machine without any plugin, and returns its HOME.
func nowhere(t *testing.T) string {
	if !built {
		t.Skip("skipped: built without cgo, which plugins need")
	}
	for _, pattern := range []string{"/usr/local/lib/go-xla/*.so", "/usr/local/lib/go-xla/nvidia/*.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			t.Skip("skipped: there is a plugin for all users of this machine")
		}
	}
	home := t.TempDir()
	for _, variable := range []string{"XDG_DATA_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", PathVariable} {
		t.Setenv(variable, "")
	}
	t.Setenv("HOME", home)
	return home
}

func put(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Plugins are found in the order that Plugin promises.
func TestPlugin(t *testing.T) {
	home := nowhere(t)
	expect := func(want string) {
		t.Helper()
		if got, err := Plugin(XLA); err != nil || got != want {
			t.Errorf("found %q (%v), want %q", got, err, want)
		}
	}
	if found, err := Plugin(XLA); err == nil || !strings.Contains(err.Error(), "gointr setup") {
		t.Errorf("where nothing is, %q is found (%v)", found, err)
	}
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	expect(put(t, data, "gointr", "plugins", "pjrt_c_api_cpu_plugin"+library))
	goxla := filepath.Join(home, ".local", "lib", "go-xla")
	put(t, goxla, "pjrt_c_api_cpu_v0.83.1_plugin"+library)
	put(t, goxla, "pjrt_c_api_cuda_plugin"+library)
	put(t, goxla, "pjrt_c_api_cpu_v0.99.0_plugin"+library+".lock")
	expect(put(t, goxla, "pjrt_c_api_cpu_v0.98.0_plugin"+library))
	named := put(t, t.TempDir(), "a[b]c", "pjrt_c_api_cpu_plugin"+library)
	t.Setenv(PathVariable, filepath.Join(home, "none")+string(filepath.ListSeparator)+filepath.Dir(named))
	expect(named)
	t.Setenv(PathVariable, named)
	expect(named)
}

func TestPythonFolders(t *testing.T) {
	nowhere(t)
	env := t.TempDir()
	t.Setenv("VIRTUAL_ENV", env)
	plugin := put(t, env, "lib", "python3.12", "site-packages", "jax_plugins", "xla_cuda13", "xla_cuda_plugin.so")
	if found := pythonFolders(); len(found) == 0 || found[0] != filepath.Dir(plugin) {
		t.Errorf("found %q, want %q", found, filepath.Dir(plugin))
	}
	ptxas := put(t, env, "lib", "python3.12", "site-packages", "nvidia", "cu13", "bin", "ptxas")
	if got, want := cudaData(plugin), filepath.Dir(filepath.Dir(ptxas)); filepath.Clean(got) != want {
		t.Errorf("CUDA's compiler is found in %q, want %q", got, want)
	}
}

// A file that is no library is refused in a sentence, and auto goes on without it.
func TestBrokenPlugin(t *testing.T) {
	nowhere(t)
	broken := put(t, t.TempDir(), "pjrt_c_api_cpu_plugin"+library)
	t.Setenv(PathVariable, broken)
	if _, err := newEngine(XLA); err == nil || !strings.Contains(err.Error(), broken) ||
		!strings.Contains(err.Error(), "gointr doctor") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a text as a plugin is answered with %v", err)
	}
}

func TestWheel(t *testing.T) {
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	w, err := z.Create("package/plugin.so")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "library")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "package.whl")
	if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content.Bytes())
	right := wheel{"package==1", hex.EncodeToString(sum[:]), "package/plugin.so"}
	folder := filepath.Join(t.TempDir(), "plugins")
	wrong, absent := right, right
	wrong.sha256 = strings.Repeat("0", 64)
	absent.member = "package/other.so"
	for _, w := range []wheel{wrong, absent} {
		if err := w.extract(file, folder); err == nil {
			t.Errorf("%+v was used", w)
		}
		if left, _ := os.ReadDir(folder); len(left) > 0 {
			t.Errorf("%v is left behind", left)
		}
	}
	if err := right.extract(file, folder); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "plugin.so")); err != nil || string(got) != "library" {
		t.Errorf("the plugin is %q (%v)", got, err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("%v is left behind", left)
	}
}

// Without a network and without Python, Setup says what it tried.
func TestSetupOffline(t *testing.T) {
	nowhere(t)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("PATH", t.TempDir())
	var progress bytes.Buffer
	_, err := Setup(context.Background(), XLA, &progress)
	if err == nil || !strings.Contains(err.Error(), "go-xla's installer") ||
		!strings.Contains(err.Error(), "python3") || strings.Contains(err.Error(), "\n") {
		t.Errorf("answered with %v", err)
	}
	if _, err := Setup(context.Background(), Go, &progress); err == nil {
		t.Error("the pure-Go engine was set up")
	}
}
