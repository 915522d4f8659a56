package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/torchfile"
)

// key is what makes two models the same: the checkpoint's content, the kind of
// engine, and which weights of several.
type key struct{ digest, backend, weights string }

// entry is one model of the session. Its fields are models' to guard; the
// model itself is there once loaded is closed.
type entry struct {
	key
	path     string
	loaded   chan struct{}
	model    *intr.Model
	err      error
	users    int // who use it just now: never closed while there are any
	used     time.Time
	answered int
}

// models are the models that are kept, and what is known of files.
type models struct {
	mu       sync.Mutex
	entries  map[key]*entry
	files    map[string]file // by path
	answered int             // pictures
	memo     memo
	photos   photos
	figures  figures
	budget   uint64 // bytes of memory
	log      *slog.Logger
}

// file is the digest of a file as it was.
type file struct {
	version string
	digest  string
}

// version changes with the content of a file, as far as the system tells.
func version(info os.FileInfo) string {
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), fileID(info))
}

// versions are those of all files of a checkpoint.
func versions(path string) (files []string, all string, err error) {
	if files, err = torchfile.Files(path); err != nil {
		return nil, "", fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, "", fmt.Errorf("%s cannot be read: %w", file, wholefile.Cause(err))
		}
		all += version(info) + ";"
	}
	return files, all, nil
}

// find gives the path of a checkpoint as a user in folder names it.
func find(ctx context.Context, checkpoint, folder string, progress io.Writer) (string, error) {
	named := strings.HasPrefix(checkpoint, "hf:") || checkpoint == "" ||
		slices.ContainsFunc(hub.Published, func(p hub.Checkpoint) bool { return p.Name == checkpoint })
	if !named && !filepath.IsAbs(checkpoint) {
		checkpoint = filepath.Join(folder, checkpoint)
	}
	return hub.Find(ctx, checkpoint, progress)
}

// digest is the SHA-256 of a checkpoint's files, computed once for every version of them.
func (m *models) digest(path string) (string, error) {
	files, now, err := versions(path)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	known := m.files[path]
	m.mu.Unlock()
	if known.version == now {
		return known.digest, nil
	}
	known.version = now
	if known.digest, err = origin.Digest(files...); err != nil {
		return "", err
	}
	// A file written to in the meantime has no digest worth keeping.
	if _, after, err := versions(path); err == nil && after == known.version {
		m.mu.Lock()
		m.files[path] = known
		m.mu.Unlock()
	}
	return known.digest, nil
}

// borrow gives the model of a checkpoint file, loading it unless it is there.
// The caller gives it back with release. digest, where the caller has opened
// the checkpoint before, is what it had then. weights are those of several.
func (m *models) borrow(ctx context.Context, path, kind, digest, weights string) (*entry, error) {
	engine, err := backend.Open(kind)
	if err != nil {
		return nil, err
	}
	if engine.Kind != backend.Go {
		kind = engine.Kind
	} else if kind != backend.Go { // whose gradients may be computed elsewhere than its answers
		kind = backend.Auto
	}
	e := m.take(key{digest, kind, weights}, "")
	if e == nil {
		now, err := m.digest(path)
		if err != nil {
			return nil, err
		}
		if digest != "" && now != digest {
			return nil, fmt.Errorf("%s has changed since it was opened: open it again", path)
		}
		e = m.take(key{now, kind, weights}, path)
	}
	select {
	case <-e.loaded:
	case <-ctx.Done():
		m.release(e)
		return nil, ctx.Err()
	}
	if e.err != nil {
		m.release(e)
		return nil, e.err
	}
	return e, nil
}

// take is the entry of a key, in use from now on. Where there is none it is
// loaded from path, unless path is empty.
func (m *models) take(k key, path string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[k]
	if e == nil {
		if path == "" {
			return nil
		}
		e = &entry{key: k, path: path, loaded: make(chan struct{})}
		m.entries[k] = e
		go m.load(e)
	}
	e.users++
	e.used = time.Now()
	return e
}

// load opens the model of an entry. One that cannot be opened is forgotten, so
// that the next caller's attempt is a new one.
func (m *models) load(e *entry) {
	m.fit()
	start := time.Now()
	// Who else asks for it must not lose it when the first caller leaves.
	e.model, e.err = intr.Open(context.Background(), e.path, intr.Backend(e.backend), intr.Weights(e.weights))
	m.mu.Lock()
	if e.err != nil {
		delete(m.entries, e.key)
	}
	m.mu.Unlock()
	if e.err != nil {
		m.log.Warn("could not load", "checkpoint", e.path, "why", e.err)
	} else {
		m.log.Info("loaded", "checkpoint", e.path, "engine", e.model.Engine, "took", time.Since(start))
	}
	close(e.loaded)
}

func (m *models) release(e *entry) {
	m.mu.Lock()
	e.users--
	e.used = time.Now()
	m.mu.Unlock()
	m.fit()
}

// fit lets answers go, and closes models that nobody uses, the least recently
// used first, while the process is larger than its budget.
func (m *models) fit() {
	if resident() > m.budget {
		m.memo.forget()
		m.photos.forget()
		m.figures.forget()
		giveBack()
	}
	for resident() > m.budget {
		e := m.evict()
		if e == nil {
			return
		}
		e.model.Close()
		giveBack()
		m.log.Info("closed, to keep within its memory", "checkpoint", e.path, "memory", Bytes(m.budget))
	}
}

// evict takes the least recently used model out, if one can go.
func (m *models) evict() *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var oldest *entry
	for _, e := range m.entries {
		if e.users == 0 && e.model != nil && (oldest == nil || e.used.Before(oldest.used)) {
			oldest = e
		}
	}
	if oldest != nil {
		delete(m.entries, oldest.key)
	}
	return oldest
}
