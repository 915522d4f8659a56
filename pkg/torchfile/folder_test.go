package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shards writes the zoo in three shards and their index, as huggingface_hub does; change may change the index.
func shards(t *testing.T, change func(where map[string]string)) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a [1]")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	where, parts := map[string]string{}, map[string][]*Tensor{}
	for i, tensor := range opened(t, "testdata/zoo.safetensors").Tensors() {
		name := []string{"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
			"model-00003-of-00003.safetensors"}[i%3]
		where[tensor.Name], parts[name] = name, append(parts[name], tensor)
	}
	for name, tensors := range parts {
		if err := WriteSafetensors(filepath.Join(dir, name), tensors, map[string]string{"format": "pt"}); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(where)
	}
	index, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 9, "note": "Öä"},
		"weight_map": where})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), index, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// same compares the tensors of two files, whose order may differ.
func same(t *testing.T, got, want *File) {
	t.Helper()
	find := map[string]*Tensor{}
	for _, tensor := range got.Tensors() {
		find[tensor.Name] = tensor
	}
	if len(got.Tensors()) != len(want.Tensors()) {
		t.Errorf("%d tensors, want %d", len(got.Tensors()), len(want.Tensors()))
	}
	for _, tensor := range want.Tensors() {
		if find[tensor.Name] == nil {
			t.Errorf("%s is missing", tensor.Name)
			continue
		}
		compare(t, tensor.Name, words(t, find[tensor.Name]), words(t, tensor))
	}
}

func TestShards(t *testing.T) {
	dir := shards(t, nil)
	want := opened(t, "testdata/zoo.safetensors")
	for _, path := range []string{dir, filepath.Join(dir, "model.safetensors.index.json")} {
		f := opened(t, path)
		same(t, f, want)
		if f.Format != Safetensors || f.Metadata["format"] != "pt" || f.Metadata["note"] != "Öä" {
			t.Errorf("format %s, metadata %v", f.Format, f.Metadata)
		}
		files, err := Files(path)
		if err != nil || len(files) != 4 || filepath.Base(files[1]) != "model-00001-of-00003.safetensors" {
			t.Errorf("its files are %v (%v)", files, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "model-00002-of-00003.safetensors")); err != nil {
		t.Fatal(err)
	}
	lost := shards(t, func(where map[string]string) {
		for _, shard := range where {
			if shard != where["float32"] {
				where["float32"] = shard
				return
			}
		}
	})
	none := shards(t, func(where map[string]string) { where["none"] = "model-00003-of-00003.safetensors" })
	outside := shards(t, func(where map[string]string) { where["float32"] = "../model.safetensors" })
	empty := shards(t, func(where map[string]string) { clear(where) })
	several := shards(t, nil)
	if err := os.WriteFile(filepath.Join(several, "ema.safetensors.index.json"), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string][]string{
		dir:     {"shard model-00002-of-00003.safetensors is missing", "2 of 3"},
		lost:    {"tensor float32 is not in shard model-0000"},
		none:    {"tensor none is not in shard"},
		outside: {"float32", "no file beside this index"},
		empty:   {"index", "damaged"},
		several: {"2 indexes", "give one"},
	} {
		_, err := Open(path)
		for _, word := range append(words, path) {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not name %q", err, word)
			}
		}
	}
}

// unpacked is a folder that unzip made of a checkpoint.
func unpacked(t *testing.T, path string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, entry := range z.File {
		in, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, entry.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnpacked(t *testing.T) {
	dir := unpacked(t, "testdata/zoo.pth")
	for _, path := range []string{dir, filepath.Join(dir, "zoo"), filepath.Join(dir, "zoo") + "/",
		filepath.Join(dir, "zoo", "data.pkl")} {
		f := opened(t, path)
		compare(t, "zoo", words(t, f.Value()), any(zoo(t)))
		same(t, f, opened(t, "testdata/zoo.pth"))
		files, err := Files(path)
		if err != nil || f.Format != Unpacked || !slices.Contains(files, filepath.Join(dir, "zoo", "data", "0")) {
			t.Errorf("it is %s and has %v (%v)", f.Format, files, err)
		}
	}
	f := opened(t, dir)
	f.Close()
	if _, err := f.Tensors()[0].Float32s(nil); err == nil || !strings.Contains(err.Error(), "was closed") {
		t.Errorf("a tensor of a closed folder is answered with %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, "zoo", "data", "0"), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "1 bytes") {
		t.Errorf("a record that is cut short is answered with %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "zoo", "data", "0")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "data/0 is missing") {
		t.Errorf("a record that is missing is answered with %v", err)
	}
}

// A pickle names nothing outside its folder.
func TestUnpackedStaysInside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), bytes.Repeat([]byte{1}, 16), 0o600); err != nil {
		t.Fatal(err)
	}
	pickle := strings.Replace(tensorPickle(4, 0, []int32{4}, []int32{1}), "X\x01\x00\x00\x000",
		"X\x0c\x00\x00\x00../../secret", 1)
	if err := os.MkdirAll(filepath.Join(dir, "a", "data"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "data.pkl"), []byte(pickle), 0o666); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(filepath.Join(dir, "a")); err == nil {
		values, err := f.Tensors()[0].Float32s(nil)
		t.Errorf("a file outside was read: %v, %v", values, err)
	}
}

func TestOtherFolders(t *testing.T) {
	dir := t.TempDir()
	answers := func(want string) {
		t.Helper()
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the folder is answered with %v, not %q", err, want)
		}
	}
	answers("this is a directory: give the checkpoint file in it")
	if err := os.WriteFile(filepath.Join(dir, "__0_0.distcp"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	answers("dcp_to_torch")
}
