package hub

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gointr/gointr/internal/wholefile"
)

// Sample is the name of the small checkpoint that comes with this package: an INTR trained on drawn birds (package
// datasets/birds), with which everything can be tried at once and without a network. sample/README.md says how it was
// made and how good it is.
const Sample = "sample"

// SampleKnows is what is said where the sample was taken because nobody named a checkpoint.
const SampleKnows = "sample knows eight drawn birds only"

//go:embed sample/sample.pth
var sample []byte

// findSample gives the path of a file with the sample, in the user's cache or,
// where that cannot be written, in a temporary folder.
func findSample() (string, error) {
	digest := sha256.Sum256(sample)
	name := "sample-" + hex.EncodeToString(digest[:4]) + ".pth"
	folders := []string{filepath.Join(os.TempDir(), fmt.Sprintf("gointr-cache-%d", os.Getuid()))}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append([]string{filepath.Join(cache, "gointr")}, folders...)
	}
	var failed []error
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, sample) {
			return path, nil
		}
		err := os.MkdirAll(folder, 0o700)
		if err == nil {
			err = wholefile.Bytes(path, sample)
		}
		if err == nil {
			return path, nil
		}
		failed = append(failed, err)
	}
	return "", fmt.Errorf("the sample checkpoint cannot be written anywhere: %w", errors.Join(failed...))
}
