package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const size = 300_000

// holds checks what a path holds.
func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes (%v), which are not the %d of the file", path, len(got), err, len(want))
	}
}

// sentence checks that an error is one line with all of these parts.
func sentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to say %q", err, part)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 500 {
		t.Errorf("%q is not one sentence", err)
	}
}

// tree lists the files of a folder, but for the locks.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

func TestPublishedNamesAreFilesOfINTR(t *testing.T) {
	data := map[string][]byte{}
	files := map[string]string{
		"cub":       "imageomics/INTR/intr_checkpoint_cub_detr_r50.pth",
		"bird":      "imageomics/INTR/intr_checkpoint_bird_detr_r50.pth",
		"butterfly": "imageomics/INTR/intr_checkpoint_butterfly_detr_r50.pth",
	}
	for _, file := range files {
		data[file] = noise(uint64(len(file)), size)
	}
	h := newHub(t, data)
	for name, file := range files {
		var progress strings.Builder
		path, err := find(name, &progress)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, path, data[file])
		base, sum := filepath.Base(file), digest(data[file])
		if want := []string{"hub HEAD /imageomics/INTR/resolve/main/" + base, "hub GET /imageomics/INTR/resolve/" +
			commit + "/" + base, "store GET /" + sum}; !slices.Equal(h.asked(), want) {
			t.Errorf("%s asks otherwise than for %q", name, want)
		}
		// As huggingface_hub lays it out.
		repo := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--imageomics--INTR")
		if want := filepath.Join(repo, "snapshots", commit, base); path != want {
			t.Errorf("%s is at %s, want %s", name, path, want)
		}
		if link, err := os.Readlink(path); err != nil || link != filepath.Join("..", "..", "blobs", sum) {
			t.Errorf("the snapshot links to %q (%v)", link, err)
		}
		if ref, err := os.ReadFile(filepath.Join(repo, "refs", "main")); err != nil || string(ref) != commit {
			t.Errorf("main is %q (%v)", ref, err)
		}
		lines := strings.Split(progress.String(), "\n")
		if len(lines) != 3 || lines[0] != "downloading "+file+" (300 kB)" || !strings.HasPrefix(lines[1],
			"downloaded 300 kB in ") || !strings.HasSuffix(lines[1], filepath.Join(repo, "blobs", sum)) {
			t.Errorf("the progress is %q", lines)
		}

		progress.Reset()
		again, err := find(name, &progress)
		if err != nil || again != path || progress.Len() > 0 || len(h.asked()) > 0 {
			t.Errorf("the second time gives %s (%v) and %q, and asks the network", again, err, &progress)
		}
	}
	for _, name := range tree(t, os.Getenv("HF_HOME")) {
		if strings.Contains(name, "incomplete") || strings.Contains(name, "tmp") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestPublished(t *testing.T) {
	if want := []string{"sample", "cub", "bird", "butterfly", "detr-r50"}; !slices.Equal(Names(), want) {
		t.Errorf("published are %v, want %v", Names(), want)
	}
	for _, p := range Published[1:] { // the sample is nowhere but here
		if (p.Repo == "") == (p.URL == "") || p.About == "" || p.File == "" {
			t.Errorf("%s is told incompletely: %+v", p.Name, p)
		}
		if p.URL != "" && (!strings.HasSuffix(p.URL, "/"+p.File) || torchDigest.FindStringSubmatch(p.File) == nil) {
			t.Errorf("%s cannot be verified: %s, %s", p.Name, p.URL, p.File)
		}
	}
}

// What Python has downloaded is used without the network.
func TestPythonsCacheIsUsed(t *testing.T) {
	for _, variable := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HOME"} {
		h := newHub(t, nil)
		h.hub.Close()
		dir := t.TempDir()
		cache := dir
		switch variable {
		case "HF_HOME":
			cache = filepath.Join(dir, "hub")
		case "HOME":
			cache = filepath.Join(dir, ".cache", "huggingface", "hub")
			t.Setenv("HF_HOME", "")
		}
		t.Setenv(variable, dir)
		t.Setenv("HF_HUB_OFFLINE", "1")
		repo := filepath.Join(cache, "models--a--b")
		write := func(name, text string) {
			path := filepath.Join(repo, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777),
				os.WriteFile(path, []byte(text), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		write("blobs/x", "weights")
		write("refs/main", commit)
		write("refs/v1", commit+"\n")
		write("refs/broken", "../../x")
		write("snapshots/"+commit+"/readme", "")
		if err := os.Symlink("../../blobs/x", filepath.Join(repo, "snapshots", commit, "m.pth")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"hf:a/b/m.pth", "hf:a/b@main/m.pth", "hf:a/b@v1/m.pth",
			"hf:a/b@" + commit + "/m.pth"} {
			path, err := find(name, nil)
			if err != nil {
				t.Errorf("%s: %v", variable, err)
				continue
			}
			holds(t, path, []byte("weights"))
		}
		for _, name := range []string{"hf:a/b/other.pth", "hf:a/b@broken/m.pth", "hf:a/b@v2/m.pth"} {
			_, err := find(name, nil)
			sentence(t, err, "is not in the cache ("+cache+")", "HF_HUB_OFFLINE")
		}
	}
}

func TestRevisionsAndFolders(t *testing.T) {
	name := "a/b/some folder/m#1.pth"
	h := newHub(t, map[string][]byte{name: noise(1, size)})
	for _, revision := range []string{commit, "v1.0"} {
		path, err := find("hf:a/b@"+revision+"/some folder/m#1.pth", nil)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, path, h.files[name])
	}
	if refs, _ := os.ReadDir(filepath.Join(os.Getenv("HF_HOME"), "hub", "models--a--b", "refs")); len(refs) != 1 ||
		refs[0].Name() != "v1.0" {
		t.Errorf("the refs are %v, want v1.0", refs)
	}
}

func TestRenamedRepository(t *testing.T) {
	h := newHub(t, map[string][]byte{"new/b/m.pth": noise(14, size)})
	h.answer = func(w http.ResponseWriter, r *http.Request) bool {
		path, renamed := strings.CutPrefix(r.URL.Path, "/old/")
		if renamed {
			http.Redirect(w, r, "/new/"+path, http.StatusTemporaryRedirect)
		}
		return renamed
	}
	path, err := find("hf:old/b/m.pth", nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, h.files["new/b/m.pth"])
}

// A small file comes from the hub itself, with git's digest.
func TestSmallFile(t *testing.T) {
	h := newHub(t, map[string][]byte{"a/b/config.json": []byte(`{"classes": 200}`)})
	path, err := find("hf:a/b/config.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, h.files["a/b/config.json"])
}

func TestCutConnectionGoesOn(t *testing.T) {
	data := noise(2, size)
	h := newHub(t, map[string][]byte{"a/b/m.pth": data})
	cuts := []int{1000, 100_000, 100_000, 299_999} // the third brings nothing
	h.give = func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		if len(cuts) == 0 {
			return false
		}
		end := cuts[0]
		cuts = cuts[1:]
		cutAt(w, r, blob, end)
		return true
	}
	path, err := find("hf:a/b/m.pth", nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, data)
	var ranges []string
	for _, line := range h.asked() {
		if at, ok := strings.CutPrefix(line, "store GET /"+digest(data)); ok {
			ranges = append(ranges, strings.TrimSpace(at))
		}
	}
	if want := []string{"", "bytes=1000-", "bytes=100000-", "bytes=100000-", "bytes=299999-"}; !slices.Equal(ranges,
		want) {
		t.Errorf("the parts asked for are %q, want %q", ranges, want)
	}
}

func TestSilentServerIsLeft(t *testing.T) {
	data := noise(3, size)
	h := newHub(t, map[string][]byte{"a/b/m.pth": data})
	silent := true
	h.give = func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		if !silent {
			return false
		}
		silent = false
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		w.Write(blob[:5000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	path, err := find("hf:a/b/m.pth", nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, data)
}

// Where a download gave up, the next goes on.
func TestNextDownloadGoesOn(t *testing.T) {
	data := noise(4, size)
	h := newHub(t, map[string][]byte{"a/b/m.pth": data})
	h.give = func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		cutAt(w, r, blob, 150_000)
		return true
	}
	_, err := find("hf:a/b/m.pth", nil)
	sentence(t, err, "the download of a/b/m.pth broke off at 150 kB", "the connection was cut",
		"try again, and it goes on from there")
	if want := []string{"hub/models--a--b/blobs/" + digest(data) + ".incomplete"}; !slices.Equal(tree(t,
		os.Getenv("HF_HOME")), want) {
		t.Errorf("left are %q, want %q", tree(t, os.Getenv("HF_HOME")), want)
	}
	h.asked()
	h.give = nil
	var progress strings.Builder
	path, err := find("hf:a/b/m.pth", &progress)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, data)
	if asked := strings.Join(h.asked(), "\n"); !strings.HasSuffix(asked, " bytes=150000-") {
		t.Errorf("the second download asks for\n%s", asked)
	}
	if !strings.Contains(progress.String(), "(300 kB, going on from 150 kB)\n") {
		t.Errorf("the progress is %q", &progress)
	}
}

// A store may not know ranges, or have less than what is here.
func TestPartThatDoesNotFitStartsAgain(t *testing.T) {
	data := noise(5, size)
	for name, give := range map[string]func(w http.ResponseWriter, r *http.Request, blob []byte) bool{
		"no ranges": func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			w.Write(blob)
			return true
		},
		"another range": func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes 7-9/300000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(blob[7:10])
			return true
		},
		"range refused": func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		},
	} {
		h := newHub(t, map[string][]byte{"a/b/m.pth": data})
		h.give = give
		blobs := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--a--b", "blobs")
		part := filepath.Join(blobs, digest(data)+".incomplete")
		if err := errors.Join(os.MkdirAll(blobs, 0o777), os.WriteFile(part, data[:1234], 0o666)); err != nil {
			t.Fatal(err)
		}
		path, err := find("hf:a/b/m.pth", nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		holds(t, path, data)
	}
}

func TestDamagedFileIsThrownAway(t *testing.T) {
	data := noise(6, size)
	wrong := bytes.Clone(data)
	wrong[size/2]++
	for name, c := range map[string]struct {
		give func(w http.ResponseWriter, r *http.Request, blob []byte) bool
		want string
	}{
		"another byte": {func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			w.Write(wrong)
			return true
		}, "arrived damaged and was thrown away: its SHA-256 is " + digest(wrong) + " and should be " + digest(data)},
		"too short": {func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			w.Header().Set("Content-Length", "1000")
			w.Write(blob[:1000])
			return true
		}, "should have 300 kB and 1 kB are sent"},
		"too long": {func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			w.(http.Flusher).Flush() // no length
			w.Write(append(bytes.Clone(blob), blob...))
			return true
		}, "is larger than the 300 kB announced"},
		"a page": {func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			fmt.Fprint(w, "<html>log in</html>")
			return true
		}, "should have 300 kB and 19 bytes are sent"},
		"refused": {func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			w.WriteHeader(403)
			return true
		}, "where the hub keeps a/b/m.pth, refused it (403 Forbidden)"},
		"broken": {func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			w.WriteHeader(503)
			return true
		}, "broke off at 0 bytes (503 Service Unavailable)"},
	} {
		h := newHub(t, map[string][]byte{"a/b/m.pth": data})
		h.give = c.give
		_, err := find("hf:a/b/m.pth", nil)
		sentence(t, err, c.want)
		if left := tree(t, os.Getenv("HF_HOME")); len(left) > 0 {
			t.Errorf("%s leaves %q", name, left)
		}
		h.give = nil
		if path, err := find("hf:a/b/m.pth", nil); err != nil {
			t.Errorf("%s: the next try fails too: %v", name, err)
		} else {
			holds(t, path, data)
		}
	}
}

func TestFullDisk(t *testing.T) {
	if _, known := freeSpace(t.TempDir()); !known {
		t.Skip("skipped: how full a disk is is not known on this system")
	}
	h := newHub(t, map[string][]byte{"a/b/m.pth": noise(7, size)})
	h.answer = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("X-Linked-Etag", `"`+digest(nil)+`"`)
		w.Header().Set("X-Linked-Size", strconv.Itoa(1<<60))
		if r.Method == http.MethodGet {
			w.(http.Flusher).Flush() // an answer without a length
		}
		return true
	}
	_, err := find("hf:a/b/m.pth", nil)
	sentence(t, err, "a/b/m.pth needs 1152921505 GB more and ", "make room, or set HF_HOME to another disk")
	if left := tree(t, os.Getenv("HF_HOME")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	newHub(t, map[string][]byte{"a/b/m.pth": noise(8, size)})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HOME", file)
	_, err := find("hf:a/b/m.pth", nil)
	sentence(t, err, "the cache cannot be written", "set HF_HOME to a folder that can")
}

func TestNoNetwork(t *testing.T) {
	h := newHub(t, nil)
	h.hub.Close()
	_, err := find("cub", nil)
	sentence(t, err, "could not reach the hub ("+h.hub.URL+") for imageomics/INTR/intr_checkpoint_cub_detr_r50.pth",
		"connection refused", "check the network, or download the file elsewhere and give its path")
	t.Setenv("HF_HUB_OFFLINE", "1")
	for _, name := range []string{"cub", "detr-r50"} {
		_, err = find(name, nil)
		sentence(t, err, "is not in the cache (", "HF_HUB_OFFLINE forbids to download it")
	}
	t.Setenv("HF_HUB_OFFLINE", "0")
	t.Setenv("HF_ENDPOINT", "nonsense")
	_, err = find("cub", nil)
	sentence(t, err, "is no address to download from: check HF_ENDPOINT")
	if left := tree(t, os.Getenv("HF_HOME")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

func TestRefusals(t *testing.T) {
	h := newHub(t, map[string][]byte{"a/b/weights/best.pth": noise(9, size), "a/b/README.md": nil,
		"a/b/last.safetensors": nil})
	refuse := func(status int, code string) {
		h.answer = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("X-Error-Code", code)
			w.WriteHeader(status)
			return true
		}
	}
	for _, c := range []struct {
		status int
		code   string
		token  string
		want   []string
	}{
		{401, "RepoNotFound", "", []string{"the hub refused a/b/m.pth (401)", "needs a token in HF_TOKEN"}},
		{401, "", "secret", []string{"the hub refused a/b/m.pth (401)", "your token is wrong or has expired"}},
		{403, "GatedRepo", "", []string{"does not give a/b/m.pth to everyone (403)", "ask for access at " +
			h.hub.URL + "/a/b"}},
		{403, "GatedRepo", "secret", []string{"does not give a/b/m.pth to the owner of your token (403)"}},
		{404, "RepoNotFound", "", []string{"there is no repository a/b on the hub (404)"}},
		{404, "RevisionNotFound", "", []string{"a/b has no revision main (404)"}},
		{404, "EntryNotFound", "", []string{"a/b has no file m.pth (404): look at"}},
		{429, "", "", []string{"could not give a/b/m.pth (429 Too Many Requests): try again later"}},
		{500, "", "", []string{"could not give a/b/m.pth (500 Internal Server Error): try again later"}},
	} {
		t.Setenv("HF_TOKEN", c.token)
		refuse(c.status, c.code)
		_, err := find("hf:a/b/m.pth", nil)
		sentence(t, err, c.want...)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the token is in the error: %v", err)
		}
	}
	h.answer = nil
	_, err := find("hf:a/b/m.pth", nil)
	sentence(t, err, "a/b has no file m.pth (404): its checkpoints are ", "weights/best.pth", "last.safetensors")
	if strings.Contains(err.Error(), "README") {
		t.Errorf("what is no checkpoint is offered: %v", err)
	}
	if left := tree(t, os.Getenv("HF_HOME")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// A hotel's page, or a hub that wants to write elsewhere.
func TestAnswersThatAreNotTheHubs(t *testing.T) {
	h := newHub(t, nil)
	for name, header := range map[string][3]string{ // commit, digest, size
		"a page":           {},
		"no digest":        {commit, "", "5"},
		"digest as a path": {commit, "../../../x", "5"},
		"commit as a path": {"../../../x", digest(nil), "5"},
		"no size":          {commit, digest(nil), "many"},
		"negative size":    {commit, digest(nil), "-5"},
	} {
		h.answer = func(w http.ResponseWriter, r *http.Request) bool {
			for i, key := range []string{"X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size"} {
				if header[i] != "" {
					w.Header().Set(key, header[i])
				}
			}
			fmt.Fprint(w, "<html>")
			return true
		}
		_, err := find("hf:a/b/m.pth", nil)
		sentence(t, err, "does not answer as the hub does")
		if left := tree(t, os.Getenv("HF_HOME")); len(left) > 0 {
			t.Errorf("%s leaves %q", name, left)
		}
	}
	h.answer = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return true
	}
	_, err := find("hf:a/b/m.pth", nil)
	sentence(t, err, "it redirects without end")
}

func TestTokenStaysHome(t *testing.T) {
	data := map[string][]byte{"a/b/m.pth": noise(10, size)}
	h := newHub(t, data)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-login\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for token, set := range map[string]func(){
		"from-variable": func() { t.Setenv("HF_TOKEN", "from-variable") },
		"from-login":    func() { t.Setenv("HF_TOKEN", ""); t.Setenv("HF_TOKEN_PATH", file) },
	} {
		set()
		t.Setenv("HF_HOME", t.TempDir())
		if _, err := find("hf:a/b/m.pth", nil); err != nil {
			t.Fatal(err)
		}
		asked := h.asked()
		if len(asked) != 3 {
			t.Errorf("asked are %q", asked)
		}
		for _, line := range asked {
			if got, want := strings.HasSuffix(line, " Bearer "+token), strings.HasPrefix(line, "hub "); got != want {
				t.Errorf("the token is shown: %v, want %v, in %q", got, want, line)
			}
		}
	}
}

func TestTorchFile(t *testing.T) {
	data := noise(11, size)
	h := newHub(t, map[string][]byte{"detr": data})
	t.Setenv("HF_TOKEN", "secret")
	good := torchFile{url: h.store.URL + "/" + digest(data), file: "detr-" + digest(data)[:8] + ".pth"}
	cache := filepath.Join(os.Getenv("TORCH_HOME"), "hub", "checkpoints")

	bad := good
	bad.file = "detr-00000000.pth"
	_, err := bad.find(t.Context(), &strings.Builder{})
	sentence(t, err, "detr-00000000.pth arrived damaged and was thrown away: its SHA-256 is "+digest(data)[:8]+
		" and should be 00000000")
	if left := tree(t, cache); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	for range 2 { // the second time from the cache
		path, err := good.find(t.Context(), &strings.Builder{})
		if err != nil || path != filepath.Join(cache, good.file) {
			t.Fatalf("found at %s (%v)", path, err)
		}
		holds(t, path, data)
	}
	if asked := h.asked(); len(asked) != 2 || strings.Contains(strings.Join(asked, ""), "secret") {
		t.Errorf("asked are %q", asked)
	}
	gone := torchFile{url: h.store.URL + "/gone", file: "gone-00000000.pth"}
	_, err = gone.find(t.Context(), &strings.Builder{})
	sentence(t, err, "could not give gone-00000000.pth (404 Not Found)", "give its path")
	h.store.Close()
	_, err = gone.find(t.Context(), &strings.Builder{})
	sentence(t, err, "could not reach "+h.store.URL+" for gone-00000000.pth")
}

func TestStopped(t *testing.T) {
	data := noise(12, size)
	h := newHub(t, map[string][]byte{"a/b/m.pth": data})
	ctx, stop := context.WithCancel(t.Context())
	h.give = func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		w.Write(blob[:70_000])
		w.(http.Flusher).Flush()
		time.AfterFunc(20*time.Millisecond, stop)
		<-r.Context().Done()
		return true
	}
	_, err := Find(ctx, "hf:a/b/m.pth", nil)
	sentence(t, err, "the download of a/b/m.pth was stopped, and the next one goes on from ")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap context.Canceled", err)
	}
	_, err = Find(ctx, "hf:a/b/m.pth", nil)
	sentence(t, err, "was stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap context.Canceled", err)
	}
}

// TestOtherProcess is not a test: it is the other program of the next one.
func TestOtherProcess(t *testing.T) {
	if os.Getenv("GOINTR_TEST_DOWNLOAD") == "" {
		t.SkipNow()
	}
	lockDelay = 5 * time.Millisecond
	path, err := find("hf:a/b/m.pth", os.Stderr)
	fmt.Println("found:", path, err)
}

func TestProcessesShareADownload(t *testing.T) {
	data := noise(13, size)
	h := newHub(t, map[string][]byte{"a/b/m.pth": data})
	h.give = func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		for part := range slices.Chunk(blob, len(blob)/20) {
			w.Write(part)
			w.(http.Flusher).Flush()
			time.Sleep(30 * time.Millisecond)
		}
		return true
	}
	h.asked() // its lock tells the race detector that the requests come after this
	t.Setenv("GOINTR_TEST_DOWNLOAD", "1")
	const processes = 3
	outputs := make(chan string)
	for range processes {
		go func() {
			out, err := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$", "-test.v").CombinedOutput()
			outputs <- fmt.Sprint(string(out), err)
		}()
	}
	waited := 0
	for range processes {
		out := <-outputs
		if !strings.Contains(out, "found: "+filepath.Join(os.Getenv("HF_HOME"), "hub", "models--a--b", "snapshots",
			commit, "m.pth")+" <nil>") {
			t.Errorf("a process says %s", out)
		}
		if strings.Contains(out, "another program is downloading a/b/m.pth: waiting for it") {
			waited++
		}
	}
	gets := 0
	for _, line := range h.asked() {
		if strings.HasPrefix(line, "store GET") {
			gets++
		}
	}
	if gets != 1 || waited != processes-1 {
		t.Errorf("%d processes downloaded the file %d times, and %d waited", processes, gets, waited)
	}
	path, err := find("hf:a/b/m.pth", nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, data)
}

func TestNamesThatAreNone(t *testing.T) {
	newHub(t, nil)
	dir := t.TempDir()
	for name, want := range map[string]string{
		"": "no checkpoint was named: give a path, sample, cub, bird, butterfly, " +
			"detr-r50 or hf:OWNER/REPO/FILE",
		"dog": `no checkpoint is called "dog": published are sample, cub, bird, butterfly, ` +
			`detr-r50; anything else is a path or hf:OWNER/REPO/FILE`,
		"CUB":                          `did you mean "cub"`,
		"birds":                        `did you mean "bird"`,
		"buterfly":                     `did you mean "butterfly"`,
		"none.pth":                     "there is no file none.pth: check the path",
		dir + "/none/m.pth":            "check the path",
		dir:                            "this is a directory: give the checkpoint file in it",
		"https://example.org/m":        "is a URL: write hf:OWNER/REPO/FILE",
		dir + "/detr-r50-e632da11.pth": `it is published, and "detr-r50" downloads it`,
		"hf:": "does not name an owner, a repository and a file: write hf:OWNER/REPO/FILE, " +
			"as in hf:imageomics/INTR/intr_checkpoint_cub_detr_r50.pth",
		"hf:a/b":              "does not name an owner, a repository and a file",
		"hf:a/b/":             "does not name an owner, a repository and a file",
		"hf:a/../m.pth":       "is not a name on Hugging Face",
		"hf:a--b/c/m.pth":     "is not a name on Hugging Face",
		"hf:a b/c/m.pth":      "is not a name on Hugging Face",
		"hf:a/b@../m.pth":     "is not a revision",
		"hf:a/b@/m.pth":       "is not a revision",
		"hf:a/b/../../m.pth":  "has to stay inside the repository",
		"hf:a/b//m.pth":       "has to stay inside the repository",
		"hf:a/b/c\\..\\m.pth": "has to stay inside the repository",
		"hf:a/b/m\x00.pth":    "has to stay inside the repository",
	} {
		_, err := find(name, nil)
		sentence(t, err, want)
	}
}

// The sample is a file in the cache, made once, and in a temporary folder where
// there is no cache to write to.
func TestSample(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	path, err := find(Sample, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, cache) {
		t.Errorf("it is in %s, not in the cache %s", path, cache)
	}
	holds(t, path, sample)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := find(Sample, nil); err != nil || again != path {
		t.Errorf("asked again it is in %s (%v)", again, err)
	}
	if after, err := os.Stat(path); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it was written again (%v)", err)
	}
	// A damaged one is made anew.
	if err := os.WriteFile(path, sample[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := find(Sample, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, path, sample)
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", blocked)
	t.Setenv("HOME", blocked)
	t.Setenv("TMPDIR", t.TempDir())
	path, err = find(Sample, nil)
	if err != nil || !strings.HasPrefix(path, os.TempDir()) {
		t.Errorf("without a cache it is in %s (%v)", path, err)
	}
}

func TestPath(t *testing.T) {
	newHub(t, nil)
	path := filepath.Join(t.TempDir(), "m.pth")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := find(path, nil); err != nil || got != path {
		t.Errorf("found %s (%v), want %s", got, err, path)
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 159_000_000: "159 MB",
		10_000_000_000: "10 GB"} {
		if got := amount(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// Whatever is named, the file's place stays inside the repository's folder.
func FuzzHubFile(f *testing.F) {
	for _, name := range []string{"a/b/c.pth", "a/b@v1/d/c.pth", "a/../c", "a/b/../../c", "a/b@../c", "a/b/c\x00",
		"a/b/./c", "//", "a/b/c/"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		file, err := parseHubFile(name)
		if err != nil {
			return
		}
		folder := file.folder("cache")
		if filepath.Dir(folder) != "cache" {
			t.Errorf("%q is kept in %s", name, folder)
		}
		for place, inside := range map[string]string{
			file.snapshot(folder, commit):                filepath.Join(folder, "snapshots", commit),
			filepath.Join(folder, "refs", file.revision): filepath.Join(folder, "refs"),
		} {
			if !strings.HasPrefix(place, inside+string(filepath.Separator)) {
				t.Errorf("%q is kept at %s", name, place)
			}
		}
		if u, err := url.Parse(file.url("main")); err != nil || !strings.HasSuffix(u.Path,
			"/"+file.repo+"/resolve/main/"+file.file) || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q is asked for as %v (%v)", name, u, err)
		}
	})
}
