package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
)

// torchFile is a file that PyTorch's torch.hub would download, and keep by its name: eight digits or more before its
// extension are the first of its SHA-256.
type torchFile struct{ url, file string }

var torchDigest = regexp.MustCompile(`-([0-9a-f]{8,64})\.[a-z]+$`)

func (f torchFile) find(ctx context.Context, progress io.Writer) (string, error) {
	path := filepath.Join(torchCache(), f.file)
	if isFile(path) {
		return path, nil
	}
	if err := online(f.file, torchCache()); err != nil {
		return "", err
	}
	d := download{name: f.file, url: f.url, path: path, lock: path + ".lock", size: -1, refused: f.refused}
	if digest := torchDigest.FindStringSubmatch(f.file); digest != nil {
		d.digest = digest[1]
	}
	return path, d.run(ctx, progress)
}

func (f torchFile) refused(_ context.Context, response *http.Response) error {
	host := f.url
	if u, err := url.Parse(f.url); err == nil {
		host = u.Host
	}
	return fmt.Errorf("%s could not give %s (%s): try again later, or download it elsewhere and give its path", host,
		f.file, response.Status)
}
