package hub

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	hf "github.com/gomlx/go-huggingface/hub"

	"github.com/gointr/gointr/internal/wholefile"
)

// hubFile is one file of a model repository on Hugging Face.
type hubFile struct {
	repo     string // OWNER/REPO
	revision string // branch, tag or commit
	file     string // slashes between folders
}

func (f hubFile) String() string {
	if f.revision != "main" {
		return f.repo + "@" + f.revision + "/" + f.file
	}
	return f.repo + "/" + f.file
}

var (
	// Names of owners, repositories and revisions. Two dashes would be taken for
	// the cache's separator, two dots for a folder's parent.
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	twice     = regexp.MustCompile(`--|\.\.`)

	commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

func parseHubFile(name string) (hubFile, error) {
	wrong := func(why string) (hubFile, error) {
		return hubFile{}, fmt.Errorf("hf:%s %s: write hf:OWNER/REPO/FILE, as in hf:%s/%s", name, why, Published[1].Repo,
			Published[1].File)
	}
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 || parts[2] == "" {
		return wrong("does not name an owner, a repository and a file")
	}
	repo, revision, pinned := strings.Cut(parts[1], "@")
	if !pinned {
		revision = "main"
	}
	for _, s := range []string{parts[0], repo} {
		if !plainName.MatchString(s) || twice.MatchString(s) {
			return wrong(fmt.Sprintf("cannot be: %q is not a name on Hugging Face", s))
		}
	}
	if !plainName.MatchString(revision) || strings.Contains(revision, "..") {
		return wrong(fmt.Sprintf("cannot be: %q is not a revision", revision))
	}
	for folder := range strings.SplitSeq(parts[2], "/") {
		if folder == "" || folder == "." || folder == ".." || strings.ContainsAny(folder, `\:`) ||
			strings.ContainsFunc(folder, unicode.IsControl) {
			return wrong("cannot be: the file's path has to stay inside the repository")
		}
	}
	return hubFile{repo: parts[0] + "/" + repo, revision: revision, file: parts[2]}, nil
}

// find gives the file in the cache, after downloading it where it is not there.
func (f hubFile) find(ctx context.Context, progress io.Writer) (string, error) {
	cache := hubCache()
	if path := f.cached(cache); path != "" {
		return path, nil
	}
	if err := online(f.String(), cache); err != nil {
		return "", err
	}
	known, err := f.ask(ctx)
	if err != nil {
		return "", err
	}
	folder := f.folder(cache)
	d := download{
		name:    f.String(),
		url:     f.url(known.commit),
		token:   token(),
		path:    filepath.Join(folder, "blobs", known.etag),
		lock:    filepath.Join(cache, ".locks", filepath.Base(folder), known.etag+".lock"),
		size:    known.size,
		digest:  known.etag,
		refused: f.refused,
	}
	if err := d.run(ctx, progress); err != nil {
		return "", err
	}
	return f.link(folder, known)
}

// folder is where the repository is kept in the cache.
func (f hubFile) folder(cache string) string {
	return filepath.Join(cache, string(hf.RepoTypeModel)+hf.RepoIdSeparator+strings.ReplaceAll(f.repo, "/",
		hf.RepoIdSeparator))
}

// cached is the file's path in the cache, or "" where it is not there.
func (f hubFile) cached(cache string) string {
	commit := f.revision
	if !commitHash.MatchString(commit) {
		ref, err := os.ReadFile(filepath.Join(f.folder(cache), "refs", f.revision))
		commit = strings.TrimSpace(string(ref))
		if err != nil || !commitHash.MatchString(commit) {
			return ""
		}
	}
	path := f.snapshot(f.folder(cache), commit)
	if !isFile(path) {
		return ""
	}
	return path
}

func (f hubFile) snapshot(folder, commit string) string {
	return filepath.Join(folder, "snapshots", commit, filepath.FromSlash(f.file))
}

func (f hubFile) url(revision string) string {
	folders := strings.Split(f.file, "/")
	for i, s := range folders {
		folders[i] = url.PathEscape(s)
	}
	return endpoint() + "/" + f.repo + "/resolve/" + revision + "/" + strings.Join(folders, "/")
}

// version is what the hub says of a file.
type version struct {
	commit string
	etag   string // SHA-256 of a large file, git's SHA-1 of a small one
	size   int64
}

var hexDigest = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// ask asks the hub which version of the file it has. A large file is answered
// with a redirect to where its bytes are: the headers of that answer count.
func (f hubFile) ask(ctx context.Context) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := newClient()
	client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if next.Response.Header.Get(hf.HeaderXLinkedETag) != "" {
			return http.ErrUseLastResponse
		}
		return keepTokenHome(next, before)
	}
	request, err := newRequest(ctx, http.MethodHead, f.url(f.revision), token())
	if err != nil {
		return version{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return version{}, unreachable(ctx, f.String(), request.URL, err)
	}
	response.Body.Close()
	if response.StatusCode >= 400 {
		return version{}, f.refused(ctx, response)
	}
	header := response.Header
	etag := cmp.Or(header.Get(hf.HeaderXLinkedETag), header.Get("ETag"))
	v := version{
		commit: header.Get(hf.HeaderXRepoCommit),
		etag:   strings.ToLower(strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)),
		size:   response.ContentLength,
	}
	if linked := header.Get(hf.HeaderXLinkedSize); linked != "" {
		if v.size, err = strconv.ParseInt(linked, 10, 64); err != nil {
			v.size = -1
		}
	}
	if !commitHash.MatchString(v.commit) || !hexDigest.MatchString(v.etag) || v.size < 0 {
		return version{}, fmt.Errorf("%s does not answer as the hub does, with a commit, a digest and a size for %s: "+
			"check HF_ENDPOINT, and whether the network asks to log in first", endpoint(), f)
	}
	return v, nil
}

// refused puts the hub's refusal into words.
func (f hubFile) refused(ctx context.Context, response *http.Response) error {
	code := response.Header.Get("X-Error-Code")
	page := endpoint() + "/" + f.repo
	if server := response.Request.URL; !strings.HasPrefix(server.String(), endpoint()+"/") {
		return fmt.Errorf("%s, where the hub keeps %s, refused it (%s): try again later, or download the file "+
			"elsewhere and give its path", server.Host, f, response.Status)
	}
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized && token() == "":
		return fmt.Errorf("the hub refused %s (401): there is no such repository, or it is private or gated and "+
			"needs a token in HF_TOKEN", f)
	case status == http.StatusUnauthorized:
		return fmt.Errorf("the hub refused %s (401): there is no such repository, or your token is wrong or has "+
			"expired, which is in HF_TOKEN or from the login of huggingface_hub", f)
	case status == http.StatusForbidden && token() == "":
		return fmt.Errorf("the hub does not give %s to everyone (403): ask for access at %s and put a token "+
			"into HF_TOKEN", f, page)
	case status == http.StatusForbidden:
		return fmt.Errorf("the hub does not give %s to the owner of your token (403): ask for access at %s", f, page)
	case status == http.StatusNotFound && code == "RepoNotFound":
		return fmt.Errorf("there is no repository %s on the hub (404): check owner and name", f.repo)
	case status == http.StatusNotFound && code == "RevisionNotFound":
		return fmt.Errorf("%s has no revision %s (404): look at %s", f.repo, f.revision, page)
	case status == http.StatusNotFound:
		if there := f.checkpointsBeside(ctx); len(there) > 0 {
			return fmt.Errorf("%s has no file %s (404): its checkpoints are %s", f.repo, f.file,
				strings.Join(there, ", "))
		}
		return fmt.Errorf("%s has no file %s (404): look at %s", f.repo, f.file, page)
	default:
		return fmt.Errorf("the hub could not give %s (%s): try again later", f, response.Status)
	}
}

// checkpointsBeside lists the checkpoints that the repository does have, at most ten; none where the hub does not say.
func (f hubFile) checkpointsBeside(ctx context.Context) []string {
	answer := make(chan []string, 1)
	go func() { // the library takes no context here
		var files []string
		// Into a folder of its own: the list is no file of the cache.
		dir, err := os.MkdirTemp("", "gointr-hub-")
		if err == nil {
			defer os.RemoveAll(dir)
			repo := hf.New(f.repo).WithEndpoint(endpoint()).WithAuth(token()).WithRevision(f.revision).
				WithCacheDir(dir).WithExtraBlobsInfo(false)
			for name, err := range repo.IterFileNames() {
				if err != nil || len(files) == 10 {
					break
				}
				switch filepath.Ext(name) {
				case ".pth", ".pt", ".safetensors":
					files = append(files, name)
				}
			}
		}
		answer <- files
	}()
	select {
	case files := <-answer:
		return files
	case <-ctx.Done():
	case <-time.After(listTimeout):
	}
	return nil
}

// link makes the downloaded blob the file of its commit, and the commit the one that the revision stands for.
func (f hubFile) link(folder string, v version) (string, error) {
	blob, path := filepath.Join(folder, "blobs", v.etag), f.snapshot(folder, v.commit)
	failed := func(err error) (string, error) {
		return "", fmt.Errorf("%s was downloaded but could not be put into the cache: %w", f, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return failed(err)
	}
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return failed(err)
	}
	temporary := fmt.Sprintf("%s.%d.%d.tmp", path, os.Getpid(), time.Now().UnixNano())
	if err = os.Symlink(target, temporary); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil && os.Rename(blob, path) != nil { // Python moves it too, where there are no links
		os.Remove(temporary)
		return failed(err)
	}
	if f.revision != v.commit {
		ref := filepath.Join(folder, "refs", f.revision)
		err := os.MkdirAll(filepath.Dir(ref), 0o755)
		if err == nil {
			err = wholefile.Bytes(ref, []byte(v.commit))
		}
		if err != nil {
			return failed(err)
		}
	}
	return path, nil
}
