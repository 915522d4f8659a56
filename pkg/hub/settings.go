package hub

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	hf "github.com/gomlx/go-huggingface/hub"
)

// The variables and their defaults are those of huggingface_hub and torch.hub.

// hubCache is where huggingface_hub keeps repositories.
func hubCache() string {
	if dir := cmp.Or(os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE")); dir != "" {
		return expand(dir)
	}
	if home := os.Getenv("HF_HOME"); home != "" {
		return filepath.Join(expand(home), "hub")
	}
	return hf.DefaultCacheDir()
}

// torchCache is where torch.hub keeps weights.
func torchCache() string {
	cache := cmp.Or(os.Getenv("XDG_CACHE_HOME"), "~/.cache")
	home := cmp.Or(os.Getenv("TORCH_HOME"), filepath.Join(cache, "torch"))
	return filepath.Join(expand(home), "hub", "checkpoints")
}

func endpoint() string {
	return strings.TrimRight(cmp.Or(os.Getenv("HF_ENDPOINT"), "https://huggingface.co"), "/")
}

// token is the user's: the variable, or what Python's login has stored.
func token() string {
	if t := strings.TrimSpace(os.Getenv("HF_TOKEN")); t != "" {
		return t
	}
	home := cmp.Or(os.Getenv("HF_HOME"), filepath.Dir(hf.DefaultCacheDir()))
	path := cmp.Or(os.Getenv("HF_TOKEN_PATH"), filepath.Join(home, "token"))
	stored, _ := os.ReadFile(expand(path)) // most people have none
	return strings.TrimSpace(string(stored))
}

// online is an error where the user wants nothing downloaded.
func online(name, cache string) error {
	switch strings.ToUpper(os.Getenv("HF_HUB_OFFLINE")) {
	case "1", "ON", "YES", "TRUE":
		return fmt.Errorf("%s is not in the cache (%s), and HF_HUB_OFFLINE forbids to download it: unset "+
			"HF_HUB_OFFLINE, or give the path of a file", name, cache)
	}
	return nil
}

// expand turns a leading ~ into the user's folder.
func expand(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			return home + path[1:]
		}
	}
	return path
}
