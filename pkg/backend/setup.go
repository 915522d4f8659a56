package backend

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gomlx/go-xla/installer"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/origin"
)

// wheel is a Python package that carries the plugin of XLA for the CPU. It is the second choice, for machines that
// reach a package index of Python but not the place where go-xla's own installer downloads from.
type wheel struct {
	requirement string // name and exact version
	sha256      string // of the wheel
	member      string // the plugin in it
}

// wheels by platform: lammps-jax-pjrt-cpu 0.11.2 of PyPI, XLA of JAX 0.11.
var wheels = map[string]wheel{
	"linux/amd64": {
		requirement: "lammps-jax-pjrt-cpu==0.11.2",
		sha256:      "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		member:      "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
	},
}

// Setup makes an engine ready, XLA or CUDA, and returns its plugin: one that is there, else from go-xla's own
// installer, else (XLA) from a wheel whose SHA-256 is known here. Lines of progress go to progress. Nothing is left
// half installed. The error is one sentence that names each way that was tried.
func Setup(ctx context.Context, kind string, progress io.Writer) (string, error) {
	if kind != XLA && kind != CUDA {
		return "", fmt.Errorf("there is nothing to set up for %q: choose xla or cuda", kind)
	}
	found, err := Plugin(kind)
	if err == nil || !built || kind == CUDA && !HasGPU() {
		return found, err
	}
	fmt.Fprintf(progress, "%s: asking go-xla's installer\n", Title(kind))
	first := fromInstaller(ctx, kind)
	if first == nil {
		return Plugin(kind)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if kind == CUDA {
		return "", fmt.Errorf("CUDA could not be set up (go-xla's installer: %w): python3 -m pip install "+
			"jax-cuda13-pjrt \"jax-cuda13-plugin[with-cuda]\" in the Python that is active does the same", first)
	}
	fmt.Fprintln(progress, "that did not work; asking pip for a wheel")
	second := fromWheel(ctx, progress)
	if second == nil {
		return Plugin(kind)
	}
	return "", fmt.Errorf("XLA could not be set up (go-xla's installer: %w; pip: %w): pure Go answers "+
		"and fine-tunes without it, and %s may name the folder of a plugin that you have", first, second, PathVariable)
}

// fromInstaller runs go-xla's installer, which downloads what fits this machine.
func fromInstaller(ctx context.Context, kind string) error {
	lib, err := installer.DefaultHomeLibPath()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		if kind == CUDA {
			done <- installCUDA(filepath.Join(lib, "go-xla"))
		} else {
			done <- installer.CPUAutoInstall(filepath.Join(lib, "go-xla"), true, installer.Quiet)
		}
	}()
	select {
	case <-ctx.Done(): // it takes no context; the program is about to end
		return ctx.Err()
	case err := <-done:
		return firstLine(err)
	}
}

// fromWheel gets the plugin out of a Python package.
func fromWheel(ctx context.Context, progress io.Writer) error {
	w, ok := wheels[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return fmt.Errorf("there is no wheel for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("there is no python3")
	}
	folder, err := pluginFolder()
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "gointr-wheel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--dest", temporary, w.requirement)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("%w, %s", err, strings.TrimSpace(lines[len(lines)-1]))
	}
	files, _ := filepath.Glob(filepath.Join(temporary, "*.whl"))
	if len(files) != 1 {
		return fmt.Errorf("pip downloaded %d files", len(files))
	}
	if err := w.extract(files[0], folder); err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: the plugin of %s is in %s\n", Title(XLA), w.requirement, folder)
	return nil
}

// extract checks a wheel and puts its plugin into folder, whole or not at all.
func (w wheel) extract(file, folder string) error {
	switch got, err := origin.Digest(file); {
	case err != nil:
		return err
	case got != w.sha256:
		return fmt.Errorf("the SHA-256 of %s is %s and should be %s, so it is not used", filepath.Base(file),
			got, w.sha256)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	plugin, err := z.Open(w.member)
	if err != nil {
		return err
	}
	defer plugin.Close()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return wholefile.Copy(filepath.Join(folder, path.Base(w.member)), plugin)
}
