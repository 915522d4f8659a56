package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// archive is a checkpoint of a pickle and records.
func archive(t testing.TB, pickle string, records map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range records {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/data.pkl", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(pickle))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tensorPickle is a float32 tensor as torch.save writes it, of the numbers given.
func tensorPickle(held, offset int32, shape, strides []int32) string {
	number := func(n int32) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
	numbers := func(all []int32) string {
		s := "("
		for _, n := range all {
			s += number(n)
		}
		return s + "t"
	}
	word := func(s string) string { return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	return "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + word("storage") + "ctorch\nFloatStorage\n" + word("0") +
		word("cpu") + number(held) +
		"tQ" + number(offset) + numbers(shape) + numbers(strides) + "\x89ccollections\nOrderedDict\n)RtR."
}

func safe(header string, bytes int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, bytes)...)
}

// Every one of these is refused in a sentence with the path, at once, and
// without setting aside what it claims.
func TestHostile(t *testing.T) {
	whole, err := os.ReadFile("testdata/zoo.pth")
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := os.ReadFile("testdata/zoo_legacy.pth")
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[bytes.Index(flipped, []byte("nheads"))] ^= 1
	data := map[string]string{"data/0": "0123456789abcdef"}
	deep := "\x80\x02" + strings.Repeat("]", 5000) + strings.Repeat("a", 4999) + "."
	// Each step doubles the tuple of the step before.
	bomb := "\x80\x02K\x01" + strings.Repeat("2\x86", 64) + "."
	cases := []struct {
		name, want string
		content    []byte
	}{
		{"empty", "empty", nil},
		{"a text", "no checkpoint", []byte("These are my notes on birds.\n")},
		{"one byte", "no checkpoint", []byte("x")},
		{"a page", "web page", []byte("<!DOCTYPE html>")},
		{"Git LFS", "git lfs pull", []byte("version https://git-lfs.github.com/spec/v1\n")},
		{"gzip", "gzip", []byte("\x1f\x8b\x08\x00")},
		{"half a zip", "zip directory", whole[:len(whole)/2]},
		{"half a legacy file", "cut short", legacy[:len(legacy)-9]},
		{"a tenth of a legacy file", "cut short", legacy[:len(legacy)/10]},
		{"a changed byte", "CRC-32", flipped},
		{"out of band", "out of band", archive(t, "\x80\x05\x97.", nil)},
		{"a pickle", "none that torch.save wrote", []byte("\x80\x02K\x01.")},
		{"outside its storage", "outside its storage", archive(t, tensorPickle(4, 1, []int32{4}, []int32{1}), data)},
		{"a stride outside", "outside its storage", archive(t, tensorPickle(4, 0, []int32{2, 2}, []int32{3, 1}), data)},
		{"a negative stride", "strides", archive(t, tensorPickle(4, 3, []int32{2}, []int32{-1}), data)},
		{"a negative size", "shape", archive(t, tensorPickle(4, 0, []int32{-2}, []int32{1}), data)},
		{"a claimed storage", "16 bytes", archive(t, tensorPickle(1<<30, 0, []int32{1 << 30}, []int32{1}), data)},
		{"a claimed repetition", "claims shape",
			archive(t, tensorPickle(4, 0, []int32{1 << 30, 1 << 30}, []int32{0, 0}), data)},
		{"a missing storage", "data/0 is missing", archive(t, tensorPickle(4, 0, []int32{4}, []int32{1}), nil)},
		{"no STOP", "cut short", archive(t, "\x80\x02K\x01", nil)},
		{"a claimed text", "cut short", archive(t, "\x80\x02X\xff\xff\xff\x7f", nil)},
		{"an empty stack", "damaged at byte", archive(t, "\x80\x02.", nil)},
		{"an unknown opcode", "damaged at byte", archive(t, "\x80\x02\xff.", nil)},
		{"deep", "deep", archive(t, deep, nil)},
		{"a bomb of tuples", "values", archive(t, bomb, nil)},
		{"middle-endian", "endian", archive(t, "\x80\x02N.", map[string]string{"byteorder": "middle"})},
		{"TorchScript", "TorchScript", archive(t, "\x80\x02N.", map[string]string{"constants.pkl": ""})},
		{"a header longer than the file", "claims", append(binary.LittleEndian.AppendUint64(nil, 99_000_000),
			"{}      "...)},
		{"a header that is no JSON", "header", safe("{nonsense", 0)},
		{"a header with a rest", "after its last tensor", safe(`{}`, 8)},
		{"a tensor cut short", "cut short", safe(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, 8)},
		{"a tensor of other size", "shape", safe(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}`, 16)},
		{"a tensor of huge shape", "shape",
			safe(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,16]}}`, 16)},
		{"an unknown type", "F4", safe(`{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,16]}}`, 16)},
		{"a gap", "does not begin", safe(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}`, 16)},
		{"an overlap", "does not begin",
			safe(
				`{"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]},`+
					`"b":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}`, 16)},
		{"twice", "twice",
			safe(
				`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},`+
					`"a":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}`, 16)},
	}
	dir := t.TempDir()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, "model.pth")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			f, err := Open(path)
			if err == nil {
				for _, tensor := range f.Tensors() {
					if _, err = tensor.Float32s(nil); err != nil {
						break
					}
				}
				f.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("answered with %v, want a sentence with %q", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), path+": ") || strings.ContainsAny(err.Error(), "\n\x00") ||
				len(err.Error()) > 500 {
				t.Errorf("not one sentence with the path: %q", err)
			}
			if spent := time.Since(start); spent > 5*time.Second {
				t.Errorf("refused after %v", spent)
			}
		})
	}
	for path, want := range map[string]string{dir: "directory", filepath.Join(dir, "none.pth"): "no such file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is answered with %v", path, err)
		}
	}
}

// However a file is cut or changed, reading it ends in values or in a sentence.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"zoo.pth", "zoo_legacy.pth", "zoo.safetensors"} {
		whole, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(whole); n += 37 {
			if f, err := decode(bytes.NewReader(whole[:n]), int64(n)); err == nil {
				t.Errorf("%s cut to %d of %d bytes is read as %T", name, n, len(whole), f.Value())
			}
		}
		for at := 0; at < len(whole); at += 11 {
			changed := bytes.Clone(whole)
			changed[at] ^= 0x55
			consume(changed)
		}
	}
}

// consume reads all that content holds.
func consume(content []byte) error {
	f, err := decode(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	for _, t := range f.Tensors() {
		if _, err := t.Float32s(nil); err != nil {
			return err
		}
	}
	return writePTH(discard{}, "x", f.Value())
}

// Code that a file names is never run, whatever names it: it becomes an Object of that name.
func TestCodeIsNotRun(t *testing.T) {
	const mark = "X\x04\x00\x00\x00mark"
	for name, c := range map[string]struct{ pickle, class string }{
		"REDUCE":        {"\x80\x02cos\nsystem\n" + mark + "\x85R.", "os.system"},
		"STACK_GLOBAL":  {"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"},
		"bare":          {"\x80\x02cbuiltins\ngetattr\n.", "builtins.getattr"},
		"what it gave":  {"\x80\x02cbuiltins\ngetattr\ncos\nsystem\n" + mark + "\x86R" + mark + "\x85R.", "os.system"},
		"INST":          {"(" + mark + "ios\nsystem\n.", "os.system"},
		"OBJ":           {"(cos\nsystem\n" + mark + "o.", "os.system"},
		"NEWOBJ, BUILD": {"\x80\x02cm\nC\n)\x81}" + mark + "K\x01sb.", "m.C"},
		"itself":        {"\x80\x02]q\x00h\x00a.", "builtins.list"},
	} {
		content := archive(t, c.pickle, nil)
		f, err := decode(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.Others()) != 1 || f.Others()[0].Class != c.class {
			t.Errorf("%s: it holds %v, want a %s", name, f.Others(), c.class)
		}
	}
}

// A few compressed bytes may claim any size; a file that unpacks to far more than it has is refused before it is read.
func TestInflation(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("archive/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 + anyInflation>>20 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := decode(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil ||
		!strings.Contains(err.Error(), "unpack to more") {
		t.Errorf("a bomb of %d bytes is answered with %v", b.Len(), err)
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// With -fuzzminimizetime 5x there are 16,000 executions a second; without, nearly all time goes into making inputs
// small.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"zoo.pth", "zoo_legacy.pth", "zoo.safetensors"} {
		whole, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := consume(content); err != nil && len(fmt.Sprint(err)) > 6000 {
			t.Errorf("an error of %d letters", len(err.Error()))
		}
	})
}

// FuzzPickle reads pickles without the checksum of a zip file around them.
func FuzzPickle(f *testing.F) {
	z, err := zip.OpenReader("testdata/zoo.pth")
	if err != nil {
		f.Fatal(err)
	}
	defer z.Close()
	for _, entry := range z.File {
		if strings.HasSuffix(entry.Name, "data.pkl") {
			r, err := entry.Open()
			if err != nil {
				f.Fatal(err)
			}
			var b bytes.Buffer
			if _, err := b.ReadFrom(r); err != nil {
				f.Fatal(err)
			}
			f.Add(b.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, pickle []byte) {
		s := &typedStorage{storage: &storage{r: bytes.NewReader(make([]byte, 64)), size: 64}, dtype: Float32, held: 16}
		_, _ = decodePickled(Zip, bytes.NewReader(pickle), int64(len(pickle)),
			func(r io.ReaderAt, size int64) (any, error) {
				return unpickle(newReader(r, 0, size), func([]any) (any, error) { return s, nil })
			})
	})
}
