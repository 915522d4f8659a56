package torchfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
)

// A checkpoint may lie in several files: as shards, beside an index that says which tensor is in which (as
// huggingface_hub writes model.safetensors.index.json), or unpacked, as unzip makes a folder of what torch.save wrote.

const (
	indexEnding = ".index.json"
	pickleName  = "data.pkl"
)

// locate finds what a path leads to: a file, an index, or the folder of an unpacked checkpoint. A folder leads to what
// is in it.
func locate(path string) (at string, format Format, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	dir, name := filepath.Split(path)
	switch {
	case !info.IsDir() && strings.HasSuffix(name, indexEnding):
		return path, sharded, nil
	case !info.IsDir() && name == pickleName && exists(filepath.Join(dir, "data")):
		return filepath.Clean(dir), Unpacked, nil
	case !info.IsDir():
		return path, "", nil
	}
	for _, ending := range []string{".safetensors", ""} {
		switch found, _ := filepath.Glob(filepath.Join(escaped(path), "*"+ending+indexEnding)); {
		case len(found) == 1:
			return found[0], sharded, nil
		case len(found) > 1:
			return "", "", fmt.Errorf("this directory holds %d indexes of shards: give one of them, %s for example",
				len(found), shown(filepath.Base(found[0])))
		}
	}
	if exists(filepath.Join(path, pickleName)) {
		return path, Unpacked, nil
	}
	if found, _ := filepath.Glob(filepath.Join(escaped(path), "*", pickleName)); len(found) == 1 {
		return filepath.Dir(found[0]), Unpacked, nil
	}
	if found, _ := filepath.Glob(filepath.Join(escaped(path), "*.distcp")); len(found) > 0 {
		return "", "", errors.New("this directory was written by torch.distributed.checkpoint: make one file of it " +
			"with python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIRECTORY FILE")
	}
	return "", "", errors.New("this is a directory: give the checkpoint file in it")
}

// sharded is what locate calls an index; the shards have formats of their own.
const sharded Format = "sharded"

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// escaped makes a path a pattern of filepath.Glob that finds it.
func escaped(path string) string {
	return strings.NewReplacer(`[`, `[[]`, `*`, `[*]`, `?`, `[?]`).Replace(path)
}

// Files are those that a checkpoint is made of, in an order that does not change: one, or an index and its shards, or
// the pickle and the records of an unpacked one. path is as Open takes it.
func Files(path string) ([]string, error) {
	at, format, err := locate(path)
	if err != nil {
		return nil, err
	}
	switch format {
	case sharded:
		i, err := readIndex(at)
		if err != nil {
			return nil, err
		}
		return append([]string{at}, i.paths()...), nil
	case Unpacked:
		files, err := filepath.Glob(filepath.Join(escaped(at), "data", "*"))
		if order := filepath.Join(at, "byteorder"); exists(order) {
			files = append(files, order)
		}
		return append([]string{filepath.Join(at, pickleName)}, files...), err
	}
	return []string{at}, nil
}

// index says which tensors are in which shards.
type index struct {
	dir       string
	Metadata  map[string]any    `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"` // names of files by those of tensors
}

func readIndex(path string) (*index, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	errIndex := errors.New("this index of shards is damaged: copy or download it again")
	if info.Size() > maxHeader {
		return nil, errIndex
	}
	content, err := wholefile.Read(path)
	if err != nil {
		return nil, err
	}
	i := &index{dir: filepath.Dir(path)}
	if json.Unmarshal(content, i) != nil || len(i.WeightMap) == 0 {
		return nil, errIndex
	}
	for name, shard := range i.WeightMap {
		if filepath.Base(shard) != shard || !filepath.IsLocal(shard) {
			return nil, fmt.Errorf("tensor %s is said to be in %s, which is no file beside this index", shown(name),
				shown(shard))
		}
	}
	return i, nil
}

// paths are those of the shards.
func (i *index) paths() []string {
	names := slices.Sorted(maps.Values(i.WeightMap))
	var paths []string
	for _, name := range slices.Compact(names) {
		paths = append(paths, filepath.Join(i.dir, name))
	}
	return paths
}

// openShards reads shards as one checkpoint.
func openShards(path string) (_ *File, err error) {
	i, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	value := &Dict{}
	whole := &File{Metadata: map[string]string{}, value: value}
	defer func() {
		if err != nil {
			whole.Close()
		}
	}()
	paths := i.paths()
	for n, path := range paths {
		shard, err := openOne(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("shard %s is missing, %d of %d: copy or download it too", shown(filepath.Base(path)),
				n+1, len(paths))
		}
		if err != nil {
			return nil, fmt.Errorf("shard %s: %w", shown(filepath.Base(path)), err)
		}
		whole.files = append(whole.files, shard.files...)
		whole.Format, whole.others = shard.Format, append(whole.others, shard.others...)
		maps.Copy(whole.Metadata, shard.Metadata)
		for _, t := range shard.tensors {
			if in, told := i.WeightMap[t.Name]; told && in != filepath.Base(path) {
				continue
			}
			whole.tensors = append(whole.tensors, t)
			value.Set(t.Name, t)
		}
	}
	for name, shard := range i.WeightMap {
		if _, ok := value.Get(name); !ok {
			return nil, fmt.Errorf(
				"tensor %s is not in shard %s, where the index says that it is: they are not of one "+
					"checkpoint", shown(name), shown(shard))
		}
	}
	for name, text := range i.Metadata {
		if text, ok := text.(string); ok {
			whole.Metadata[name] = text
		}
	}
	return whole, nil
}

// openFolder reads an unpacked checkpoint.
func openFolder(path string) (*File, error) {
	root, err := os.OpenRoot(path) // nothing outside is read, whatever the pickle names
	if err != nil {
		return nil, err
	}
	rec := &records{storages: map[string]*typedStorage{}, record: func(name string) (*storage, error) {
		info, err := root.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("its record %s is not a file", shown(name))
		}
		return &storage{r: member{root, name}, size: info.Size()}, nil
	}}
	f, err := finish(Unpacked, rec.read)
	if err != nil {
		root.Close()
		return nil, err
	}
	f.files = []io.Closer{root}
	return f, nil
}

// member is a file that is open while it is read: an unpacked checkpoint has hundreds.
type member struct {
	root *os.Root
	name string
}

func (m member) ReadAt(p []byte, at int64) (int, error) {
	file, err := m.root.Open(m.name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.ReadAt(p, at)
}
