package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// A fakeHub speaks the hub's protocol: it answers for a large file with its
// digest and size and a redirect to another server, which has the bytes.
type fakeHub struct {
	hub, store *httptest.Server
	files      map[string][]byte // by OWNER/REPO/FILE

	mu sync.Mutex
	// "hub HEAD /path" and "store GET /path Range", with the token
	requests []string
	answer   func(w http.ResponseWriter, r *http.Request) bool              // of the hub; false for the ordinary one
	give     func(w http.ResponseWriter, r *http.Request, blob []byte) bool // of the store
}

// newHub starts a hub, and gives the test a cache and an environment of its own.
func newHub(t *testing.T, files map[string][]byte) *fakeHub {
	t.Helper()
	h := &fakeHub{files: files}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serveHub))
	h.store = httptest.NewServer(http.HandlerFunc(h.serveStore))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.store.Close)
	home := t.TempDir()
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH",
		"HF_HUB_OFFLINE", "XDG_CACHE_HOME", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("HF_HOME", filepath.Join(home, "hf"))
	t.Setenv("TORCH_HOME", filepath.Join(home, "torch"))
	t.Setenv("HF_ENDPOINT", h.hub.URL)
	stall, delay, lock := stallTimeout, retryDelay, lockDelay
	stallTimeout, retryDelay, lockDelay = 300*time.Millisecond, time.Millisecond, 5*time.Millisecond
	t.Cleanup(func() { stallTimeout, retryDelay, lockDelay = stall, delay, lock })
	return h
}

func (h *fakeHub) note(server string, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := server + " " + r.Method + " " + r.URL.Path
	for _, header := range []string{"Range", "Authorization"} {
		if v := r.Header.Get(header); v != "" {
			line += " " + v
		}
	}
	h.requests = append(h.requests, line)
}

// asked lists the requests so far and forgets them.
func (h *fakeHub) asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.requests
	h.requests = nil
	return asked
}

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	h.note("hub", r)
	if h.answer != nil && h.answer(w, r) {
		return
	}
	if repo, ok := strings.CutPrefix(r.URL.Path, "/api/models/"); ok {
		repo, _, _ = strings.Cut(repo, "/revision/")
		fmt.Fprintf(w, `{"id":%q,"sha":%q,"siblings":[`, repo, commit)
		comma := ""
		for name := range h.files {
			if file, ok := strings.CutPrefix(name, repo+"/"); ok {
				fmt.Fprintf(w, `%s{"rfilename":%q}`, comma, file)
				comma = ","
			}
		}
		fmt.Fprint(w, "]}")
		return
	}
	repo, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/resolve/")
	_, file, _ := strings.Cut(rest, "/")
	data, ok := h.files[repo+"/"+file]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "Entry not found", http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if len(data) < 100 { // small files are in git itself
		w.Header().Set("ETag", `"`+gitDigest(data)+`"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data)
		return
	}
	w.Header().Set("X-Linked-Etag", `"`+digest(data)+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(data)))
	w.Header().Set("ETag", `"of the redirect"`)
	http.Redirect(w, r, h.store.URL+"/"+digest(data), http.StatusFound)
}

func (h *fakeHub) serveStore(w http.ResponseWriter, r *http.Request) {
	h.note("store", r)
	for _, data := range h.files {
		if "/"+digest(data) == r.URL.Path {
			if h.give == nil || !h.give(w, r, data) {
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
			}
			return
		}
	}
	http.NotFound(w, r)
}

// cutAt sends a part of the file that ends before byte `end`, then cuts the
// connection.
func cutAt(w http.ResponseWriter, r *http.Request, data []byte, end int) {
	from := 0
	if fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(data[from:max(from, end)])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func gitDigest(data []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(sum[:])
}

// noise is n bytes that differ with the seed.
func noise(seed uint64, n int) []byte {
	source := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(source.Uint32())
	}
	return data
}

func find(checkpoint string, progress io.Writer) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return Find(ctx, checkpoint, progress)
}
