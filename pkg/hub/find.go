package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gointr/gointr/internal/near"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Find gives the path of a checkpoint's file. A checkpoint is
//
//   - a name in Published, which wins over a file of that name: write ./cub for
//     the file;
//   - "hf:OWNER/REPO/FILE" or "hf:OWNER/REPO@REVISION/FILE", a file on Hugging
//     Face, where FILE may be in folders and REVISION is a commit, tag or branch
//     without a slash ("main" when not given);
//   - the URL of a file on Hugging Face, or one for torch.hub, whose name ends with its digest;
//   - a path.
//
// What is not in the cache is downloaded and verified first. Progress, which may be nil, gets a bar where it is a
// terminal, else a line at the start and one at the end. Errors are one sentence; where ctx ended they wrap ctx.Err().
func Find(ctx context.Context, checkpoint string, progress io.Writer) (path string, err error) {
	if progress == nil {
		progress = io.Discard
	}
	if checkpoint == "" {
		return "", fmt.Errorf("no checkpoint was named: give a path, %s or hf:OWNER/REPO/FILE",
			strings.Join(Names(), ", "))
	}
	if name, ok := strings.CutPrefix(checkpoint, "hf:"); ok {
		f, err := parseHubFile(name)
		if err != nil {
			return "", err
		}
		return f.find(ctx, progress)
	}
	for _, p := range Published {
		switch {
		case p.Name != checkpoint:
		case p.Name == Sample:
			return findSample()
		case p.Repo != "":
			return hubFile{repo: p.Repo, revision: "main", file: p.File}.find(ctx, progress)
		default:
			return torchFile{url: p.URL, file: p.File}.find(ctx, progress)
		}
	}
	return findPath(ctx, checkpoint, progress)
}

// hubURL is a file of Hugging Face as its pages link to it.
var hubURL = regexp.MustCompile(`^huggingface\.co/([^/?]+/[^/?]+)/(?:resolve|blob)/([^/?]+)/([^?]+)`)

func findPath(ctx context.Context, checkpoint string, progress io.Writer) (string, error) {
	info, err := os.Stat(checkpoint)
	if err == nil {
		if info.IsDir() {
			if _, err := torchfile.Files(checkpoint); err != nil {
				return "", fmt.Errorf("%s: %w", checkpoint, err)
			}
		}
		return checkpoint, nil
	}
	if url, ok := strings.CutPrefix(checkpoint, "https://"); ok && path.Base(url) != url {
		// As the published scripts take a URL, by torch.hub; of Hugging Face by its own cache.
		if hf := hubURL.FindStringSubmatch(url); hf != nil {
			f := hubFile{repo: hf[1], revision: hf[2], file: hf[3]}
			return f.find(ctx, progress)
		}
		if slices.Contains(endings, strings.ToLower(path.Ext(url))) {
			return torchFile{url: checkpoint, file: path.Base(url)}.find(ctx, progress)
		}
	}
	if strings.Contains(checkpoint, "://") {
		return "", fmt.Errorf("%s is a URL: write hf:OWNER/REPO/FILE for a file on Hugging Face, or download it and "+
			"give its path", checkpoint)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the checkpoint could not be opened: %w", err)
	}
	base := filepath.Base(checkpoint)
	for _, p := range Published {
		if p.File == base {
			return "", fmt.Errorf("there is no file %s: it is published, and %q downloads it", checkpoint, p.Name)
		}
	}
	if strings.ContainsAny(checkpoint, `/\`) || slices.Contains(endings, strings.ToLower(filepath.Ext(checkpoint))) {
		return "", fmt.Errorf("there is no file %s: check the path", checkpoint)
	}
	known := strings.Join(Names(), ", ")
	if similar := near.Name(checkpoint, Names()); similar != "" {
		return "", fmt.Errorf("no checkpoint is called %q: did you mean %q (published are %s; anything else is a "+
			"path or hf:OWNER/REPO/FILE)", checkpoint, similar, known)
	}
	return "", fmt.Errorf("no checkpoint is called %q: published are %s; anything else is a path or hf:OWNER/REPO/FILE",
		checkpoint, known)
}

// endings are those of checkpoints.
var endings = []string{".pth", ".pt", ".safetensors"}

// Names are those of the published checkpoints, in the order of Published.
func Names() []string {
	var names []string
	for _, p := range Published {
		names = append(names, p.Name)
	}
	return names
}
