// Package origin says where numbers come from: which GoINTR, which checkpoint and
// which engine. Every figure, report, page and run says it in these terms; the data
// say which they are by datasets.Split.Digest.
package origin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// Model says which model numbers come from. What is empty is left out in files.
type Model struct {
	Model      string `json:"model,omitempty"`      // the architecture in words
	Checkpoint string `json:"checkpoint,omitempty"` // path of its file
	SHA256     string `json:"sha256,omitempty"`     // of that file, hexadecimal
	Engine     string `json:"engine,omitempty"`     // that computed, in words
	Upright    bool   `json:"upright,omitempty"`    // it turns pictures as their files say
}

// Digest is the SHA-256 of a file, or of several as if they were one, hexadecimal. Its error names the file.
func Digest(paths ...string) (string, error) {
	hash := sha256.New()
	for _, path := range paths {
		if err := digest(hash, path); err != nil {
			return "", fmt.Errorf("%s cannot be read: %w", path, errors.Unwrap(err))
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func digest(hash io.Writer, path string) error {
	file, err := wholefile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(hash, file)
	return err
}

// Version is that of GoINTR in this program: a release, a commit, or "devel".
func Version() string {
	const module = "github.com/gointr/gointr"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	found := ""
	if info.Main.Path == module {
		found = info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module {
			found = d.Version
			if d.Replace != nil {
				found = d.Replace.Version
			}
		}
	}
	return cmp.Or(strings.Trim(found, "()"), "devel")
}
