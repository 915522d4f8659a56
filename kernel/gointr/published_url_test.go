package main

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// --resume and --finetune take a URL, as published: torch.hub's, whose name may have a digest, and Hugging Face's.
func TestPublishedURLs(t *testing.T) {
	publishedStart(t)
	data, err := os.ReadFile("sample.pth")
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("sample-%.4x.pth", sha256.Sum256(data))
	asked := map[string]int{}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		if strings.HasSuffix(r.URL.Path, ".none.pth") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Repo-Commit", "0123456789abcdef0123456789abcdef01234567")
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(data))))
		http.ServeFile(w, r, "sample.pth")
	})
	server := httptest.NewTLSServer(serve)
	defer server.Close()
	hub := httptest.NewServer(serve)
	defer hub.Close()
	ordinary := http.DefaultTransport
	trusting := ordinary.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	http.DefaultTransport = trusting
	defer func() { http.DefaultTransport = ordinary }()
	for key, value := range map[string]string{"HOME": t.TempDir(), "TORCH_HOME": t.TempDir(), "HF_HOME": t.TempDir(),
		"HF_ENDPOINT": hub.URL, "HF_HUB_CACHE": "", "HF_HUB_OFFLINE": "", "HTTPS_PROXY": "", "HTTP_PROXY": ""} {
		t.Setenv(key, value)
	}
	birds := " --dataset_path datasets --dataset_name birds --num_queries 8 --device cpu"
	kept := func(name string) string { return filepath.Join(os.Getenv("TORCH_HOME"), "hub", "checkpoints", name) }
	for _, call := range []string{
		"python main.py --eval --resume " + server.URL + "/w/" + name,
		"python main.py --eval --resume " + server.URL + "/w/plain.pth",
		"python main.py --eval --resume https://huggingface.co/imageomics/INTR/resolve/main/sample.pth",
		"python -m tools.visualization --eval --sim_query_heads 0 --resume " + server.URL + "/w/" + name,
		"python main.py --epochs 1 --batch_size 8 --output_sub_dir a --finetune " + server.URL + "/w/" + name,
		"python main.py --epochs 1 --batch_size 8 --output_sub_dir b --resume " + server.URL + "/w/" + name,
	} {
		done(t, call+birds)
	}
	if asked["/w/"+name] != 1 || asked["/w/plain.pth"] != 1 {
		t.Errorf("asked were %v: what is kept needs no download", asked)
	}
	if got, err := os.ReadFile(kept(name)); err != nil || string(got) != string(data) {
		t.Errorf("it is not kept where torch.hub keeps it: %v", err)
	}
	for file, want := range map[string]string{"wrong-00000000.pth": "00000000", "x.none.pth": "404"} {
		call := "python main.py --eval --resume " + server.URL + "/w/" + file + birds
		code, _, stderr := gointr(strings.Fields(call)...)
		if code != 1 || !strings.Contains(stderr, want) || strings.Count(stderr, "gointr: ") != 1 {
			t.Errorf("%s: %d %s", file, code, stderr)
		}
		if _, err := os.Stat(kept(file)); err == nil {
			t.Errorf("%s is kept", file)
		}
	}
	if code, _, stderr := gointr("finetune", "--resume", server.URL+"/w", "--dataset", "datasets/birds"); code != 1 ||
		!strings.Contains(stderr, "is a URL") {
		t.Errorf("%d %s", code, stderr)
	}
}
