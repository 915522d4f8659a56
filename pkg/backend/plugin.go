package backend

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// PathVariable is the environment variable that lists the folders (or files) of
// PJRT plugins, as go-xla and JAX have it.
const PathVariable = "PJRT_PLUGIN_LIBRARY_PATH"

var errNoCgo = errors.New("this program was built without cgo, so it has the pure-Go engine only: install a C " +
	"compiler (gcc or clang) and build it again, or use --backend go")

// Plugin is the path of the plugin that the engine XLA or CUDA would load. The
// error is one sentence on what is missing.
//
// Looked through, in this order: the folders or files of PJRT_PLUGIN_LIBRARY_PATH; go-xla's own folders; what Setup
// installed; and, for CUDA, the environment of the Python that is active.
func Plugin(kind string) (string, error) {
	if !built {
		return "", errNoCgo
	}
	if kind == CUDA && !HasGPU() {
		return "", errors.New("no NVIDIA GPU is to be seen on this machine: install its driver (nvidia-smi must " +
			"work), then run gointr setup, or use --backend xla")
	}
	for _, folder := range folders(kind) {
		for _, pattern := range patterns[kind] {
			// A file of the list is itself; in a folder the name with the highest version comes last.
			if ok, _ := filepath.Match(pattern, filepath.Base(folder)); ok && isFile(folder) {
				return filepath.Abs(folder)
			}
			found, _ := filepath.Glob(filepath.Join(escape(folder), pattern))
			for i := len(found) - 1; i >= 0; i-- {
				if isFile(found[i]) {
					return filepath.Abs(found[i])
				}
			}
		}
	}
	return "", fmt.Errorf("there is no plugin for %s here: run gointr setup, or name its folder in %s", Title(kind),
		PathVariable)
}

// patterns are the names of plugins: go-xla's, and that in JAX's wheels.
var patterns = map[string][]string{
	XLA:  {"pjrt_c_api_cpu*plugin" + library, "pjrt_plugin_cpu*" + library, "pjrt-plugin-cpu*" + library},
	CUDA: {"pjrt_c_api_cuda*plugin" + library, "xla_cuda_plugin" + library, "pjrt_plugin_cuda*" + library},
}

var library = cmp.Or(map[string]string{"darwin": ".dylib", "windows": ".dll"}[runtime.GOOS], ".so")

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// escape makes a folder's name stand for itself in a pattern.
func escape(folder string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(folder)
}

// folders are where plugins of a kind are looked for.
func folders(kind string) []string {
	var all []string
	for _, folder := range filepath.SplitList(os.Getenv(PathVariable)) {
		if folder != "" {
			all = append(all, folder)
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		lib := filepath.Join(home, ".local", "lib")
		if runtime.GOOS == "darwin" {
			lib = filepath.Join(home, "Library", "Application Support")
		}
		all = append(all, filepath.Join(lib, "go-xla"), filepath.Join(lib, "go-xla", "nvidia"))
	}
	all = append(all, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia")
	if own, err := pluginFolder(); err == nil {
		all = append(all, own)
	}
	if kind == CUDA {
		all = append(all, pythonFolders()...)
	}
	return all
}

// pluginFolder is where Setup puts a plugin that comes as a wheel.
func pluginFolder() (string, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", errors.New("there is no folder for plugins, as HOME is not set: set it, or name a folder in " +
				PathVariable)
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "gointr", "plugins"), nil
}

// pythonFolders are where pip puts the plugin of jax-cuda12-pjrt and
// jax-cuda13-pjrt, in the active environment and in that of python3.
func pythonFolders() []string {
	var roots []string
	for _, variable := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if root := os.Getenv(variable); root != "" {
			roots = append(roots, root)
		}
	}
	if python, err := exec.LookPath("python3"); err == nil {
		roots = append(roots, filepath.Dir(filepath.Dir(python)))
	}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, ".local"))
	}
	var all []string
	for _, root := range roots {
		for _, packages := range []string{"site-packages", "dist-packages"} {
			found, _ := filepath.Glob(filepath.Join(escape(root), "lib", "python3*", packages, "jax_plugins",
				"xla_cuda1[23]"))
			for i := len(found) - 1; i >= 0; i-- {
				all = append(all, found[i])
			}
		}
	}
	return all
}

// HasGPU says whether the driver shows an NVIDIA GPU.
func HasGPU() bool {
	for _, pattern := range []string{"/dev/nvidia[0-9]*", "/dev/dxg"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return true
		}
	}
	return false
}

// cudaData is the folder of CUDA's own compiler (bin/ptxas) that belongs to a
// plugin: beside it, or where pip puts it (NVIDIA's wheels for CUDA 12 and 13).
func cudaData(plugin string) string {
	dir := filepath.Dir(plugin)
	for _, nvidia := range []string{dir, filepath.Join(dir, "..", "nvidia"), filepath.Join(dir, "..", "..", "nvidia")} {
		for _, data := range []string{"cu13", "cuda_nvcc", "."} {
			folder := filepath.Join(nvidia, data)
			if _, err := os.Stat(filepath.Join(folder, "bin", "ptxas")); err == nil {
				return folder
			}
		}
	}
	return ""
}
