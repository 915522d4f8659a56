package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/gointr/gointr/internal/near"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture"
)

// Split is one part of a dataset, such as train or val: pictures in folders that say their classes. The samples have
// the numbers, order and classes that torchvision's ImageFolder gives them, but hidden files and folders are left out.
// It takes 8 bytes and the file's name a picture, and is safe for concurrent use.
type Split struct {
	Root    string   // the dataset's folder, in which there is a folder Name
	Name    string   // such as "train"
	Classes []string // names of the folders in Root/Name, in order of code points

	folders []folder
	length  int
}

// folder holds the names of the pictures that lie directly in it.
type folder struct {
	path  string // within the split, with slashes: "CLASS" or "CLASS/INNER"
	class int
	first int // the index of its first picture
	names slab
}

// slab is a list of names without a header for each: a million strings would take 16 MB more.
type slab struct {
	text string
	ends []uint64
}

func (s slab) at(i int) string {
	start := uint64(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

// extensions are those of torchvision's ImageFolder: unlike pkg/picture it takes no GIF.
var extensions = []string{".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}

func isPicture(name string) bool {
	return slices.ContainsFunc(extensions, func(e string) bool {
		return len(name) >= len(e) && strings.EqualFold(name[len(name)-len(e):], e)
	})
}

// Open opens the splits that training needs, ROOT/train/CLASS/… and ROOT/val/CLASS/…. The errors are one sentence:
// those of OpenSplit, and that the two have not the same classes, with the names of those that differ.
func Open(root string) (train, val *Split, err error) { return OpenWith(root, "val") }

// OpenWith is Open for a dataset whose pictures to validate with lie in another folder.
func OpenWith(root, validation string) (train, val *Split, err error) {
	if train, err = OpenSplit(root, "train"); err != nil {
		return nil, nil, err
	}
	if val, err = OpenSplit(root, validation); err != nil {
		return nil, nil, err
	}
	if err := sameClasses(train, val); err != nil {
		return nil, nil, err
	}
	return train, val, nil
}

func sameClasses(a, b *Split) error {
	var parts []string
	for _, pair := range [][2]*Split{{a, b}, {b, a}} {
		var only []string
		for _, class := range pair[0].Classes {
			if _, found := slices.BinarySearch(pair[1].Classes, class); !found {
				only = append(only, class)
			}
		}
		if len(only) > 0 {
			parts = append(parts, fmt.Sprintf("only %s has %s", pair[0].Name, several(only)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("%s: the classes of %s and %s differ: %s", a.Root, a.Name, b.Name, strings.Join(parts, ", "))
}

// several is names with commas; of many the first five.
func several(names []string) string {
	if len(names) > 6 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

// OpenSplit lists ROOT/NAME/CLASS/…: a class is a folder, and its pictures are the files of torchvision's extensions in
// it and in its folders, through links too. The errors are one sentence: there is no such folder, it cannot be read, a
// link leads back to where it lies, a class without a picture, no class at all.
func OpenSplit(root, name string) (*Split, error) {
	s := &Split{Root: root, Name: name}
	top := filepath.Join(root, name)
	if err := s.exists(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		return nil, cannotList(top, err)
	}
	loose := 0
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case isFolder(top, entry):
			s.Classes = append(s.Classes, entry.Name())
		case isPicture(entry.Name()):
			loose++
		}
	}
	switch {
	case len(s.Classes) == 0 && loose > 0:
		return nil, fmt.Errorf("%s: %d pictures lie in it and no folder: put those of each class into a folder "+
			"of its name", top, loose)
	case len(s.Classes) == 0:
		return nil, fmt.Errorf("%s: it holds no pictures: put those of each class into a folder of its name", top)
	}
	slices.Sort(s.Classes) // Go compares bytes, which in UTF-8 is Python's order
	found, failed := make([][]folder, len(s.Classes)), make([]error, len(s.Classes))
	parallel.Each(len(s.Classes), func(i int) { found[i], failed[i] = listClass(top, s.Classes[i], i) })
	var empty []string
	for i := range found {
		if failed[i] != nil {
			return nil, failed[i]
		}
		if len(found[i]) == 0 {
			empty = append(empty, s.Classes[i])
		}
		s.add(found[i])
	}
	if err := s.noneEmpty(empty); err != nil {
		return nil, err
	}
	return s, nil
}

// exists says which folder is missing.
func (s *Split) exists() error {
	for _, path := range []string{s.Root, filepath.Join(s.Root, s.Name)} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == s.Root:
			return fmt.Errorf("there is no folder %s: a dataset is a folder with %s/CLASS/*.jpg", path, s.Name)
		case errors.Is(err, fs.ErrNotExist):
			if similar := near.Name(s.Name, s.others()); similar != "" {
				return fmt.Errorf("there is no folder %s in %s: did you mean %q?", s.Name, s.Root, similar)
			}
			return fmt.Errorf("there is no folder %s in %s: a dataset is a folder with %[1]s/CLASS/*.jpg",
				s.Name, s.Root)
		case err != nil:
			return cannotList(path, err)
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder: a dataset is a folder with %s/CLASS/*.jpg", path, s.Name)
		}
	}
	return nil
}

// others are the folders beside the split's.
func (s *Split) others() (names []string) {
	entries, _ := os.ReadDir(s.Root)
	for _, entry := range entries {
		if isFolder(s.Root, entry) && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names
}

func (s *Split) noneEmpty(empty []string) error {
	switch len(empty) {
	case 0:
		return nil
	case len(s.Classes):
		return fmt.Errorf("%s: none of its %d classes has a picture (%s)", filepath.Join(s.Root, s.Name),
			len(s.Classes), strings.Join(extensions, " "))
	case 1:
		return fmt.Errorf("%s: the class %s has no picture: add some, or remove its folder",
			filepath.Join(s.Root, s.Name), empty[0])
	}
	return fmt.Errorf("%s: the classes %s have no picture: add some, or remove their folders",
		filepath.Join(s.Root, s.Name), several(empty))
}

func (s *Split) add(folders []folder) {
	for _, f := range folders {
		f.first = s.length
		s.length += len(f.names.ends)
		s.folders = append(s.folders, f)
	}
}

// listClass is the folders of a class that hold pictures, in the order of their
// paths as text, where "a-b" comes before "a/b": so torchvision sorts them.
func listClass(top, class string, index int) ([]folder, error) {
	var list []folder
	info, err := os.Stat(filepath.Join(top, class))
	if err != nil {
		return nil, cannotList(filepath.Join(top, class), err)
	}
	var walk func(inner string, above []os.FileInfo) error
	walk = func(inner string, above []os.FileInfo) error {
		names, folders, err := listFolder(filepath.Join(top, filepath.FromSlash(inner)))
		if err != nil {
			return err
		}
		if len(names.ends) > 0 {
			list = append(list, folder{path: inner, class: index, names: names})
		}
		for _, f := range folders {
			within := path.Join(inner, f.Name())
			full := filepath.Join(top, filepath.FromSlash(within))
			info, err := os.Stat(full)
			if err != nil {
				return cannotList(full, err)
			}
			if f.Type()&fs.ModeSymlink != 0 && slices.ContainsFunc(above, func(a os.FileInfo) bool {
				return os.SameFile(a, info)
			}) {
				return fmt.Errorf("%s: this link leads back to a folder that it lies in: remove it", full)
			}
			if err := walk(within, append(slices.Clip(above), info)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(class, []os.FileInfo{info}); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b folder) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

// listFolder gives the sorted names of the pictures in a folder, and its folders.
func listFolder(path string) (slab, []fs.DirEntry, error) {
	dir, err := os.Open(path)
	if err != nil {
		return slab{}, nil, cannotList(path, err)
	}
	defer dir.Close()
	var folders []fs.DirEntry
	var text []byte
	type span struct{ start, end uint64 }
	var spans []span
	for { // in parts: a million entries at once would take 130 MB
		entries, err := dir.ReadDir(4096)
		for _, entry := range entries {
			name := entry.Name()
			switch {
			case strings.HasPrefix(name, "."):
			case isFolder(path, entry):
				folders = append(folders, entry)
			case isPicture(name):
				start := uint64(len(text))
				text = append(text, name...)
				spans = append(spans, span{start, uint64(len(text))})
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return slab{}, nil, cannotList(path, err)
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		return bytes.Compare(text[a.start:a.end], text[b.start:b.end])
	})
	var sorted strings.Builder
	sorted.Grow(len(text))
	names := slab{ends: make([]uint64, len(spans))}
	for i, s := range spans {
		sorted.Write(text[s.start:s.end])
		names.ends[i] = uint64(sorted.Len())
	}
	names.text = sorted.String()
	return names, folders, nil
}

// isFolder follows a link; one that leads nowhere counts as a file, which Verify then finds unreadable.
func isFolder(parent string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir()
	}
	info, err := os.Stat(filepath.Join(parent, entry.Name()))
	return err == nil && info.IsDir()
}

func cannotList(path string, err error) error {
	return fmt.Errorf("%s: it cannot be read (%w)", path, wholefile.Cause(err))
}

// Len is the number of pictures.
func (s *Split) Len() int { return s.length }

// folderOf panics where i is not 0 … Len()-1.
func (s *Split) folderOf(i int) *folder {
	if i < 0 || i >= s.length {
		panic(fmt.Sprintf("datasets: picture %d of a split with %d", i, s.length))
	}
	return &s.folders[sort.Search(len(s.folders), func(f int) bool { return s.folders[f].first > i })-1]
}

// within is the picture's place in the split, with slashes.
func (s *Split) within(i int) string {
	f := s.folderOf(i)
	return f.path + "/" + f.names.at(i-f.first)
}

// Path is the file of picture i. It panics where i is not 0 … Len()-1.
func (s *Split) Path(i int) string {
	return filepath.Join(s.Root, s.Name, filepath.FromSlash(s.within(i)))
}

// Key is the picture's place in the dataset, with slashes, as parts.csv and boxes.csv have it: "train/CLASS/FILE.jpg".
func (s *Split) Key(i int) string { return s.Name + "/" + s.within(i) }

// Class is the index of picture i's class in Classes.
func (s *Split) Class(i int) int { return s.folderOf(i).class }

// Counts is the number of pictures of each class.
func (s *Split) Counts() []int {
	counts := make([]int, len(s.Classes))
	for _, f := range s.folders {
		counts[f.class] += len(f.names.ends)
	}
	return counts
}

// Digest is a hexadecimal SHA-256 that tells whether two runs had the same pictures: over the classes' names and, for
// every picture in order, its path within the split and the size of its file, not over the pictures themselves. The
// error is that a file is gone, or that of ctx.
func (s *Split) Digest(ctx context.Context) (string, error) {
	sizes := make([]int64, s.length)
	var failed atomic.Pointer[error]
	parallel.Do(s.length, func(next func() (int, bool)) {
		for i, ok := next(); ok && failed.Load() == nil && ctx.Err() == nil; i, ok = next() {
			info, err := os.Stat(s.Path(i))
			if err != nil {
				err = cannotList(s.Path(i), err)
				failed.CompareAndSwap(nil, &err)
				return
			}
			sizes[i] = info.Size()
		}
	})
	if err := failed.Load(); err != nil {
		return "", *err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", len(s.Classes))
	for _, class := range s.Classes {
		fmt.Fprintf(sum, "%s\x00", class) // no name has a zero byte
	}
	for i, size := range sizes {
		fmt.Fprintf(sum, "\n%s\x00%d", s.within(i), size)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Bad is a picture that cannot be read. The error begins with its path.
type Bad struct {
	Index int
	Err   error
}

// Verify reads every picture of the split to its last pixel, on all cores, and gives those that cannot be read, in
// order. Only so is a file that was cut short found before training meets it. Progress, which may be nil, is told how
// many are done; it is called by one goroutine at a time. The error is that of ctx, when it ended.
func (s *Split) Verify(ctx context.Context, progress func(done int)) ([]Bad, error) {
	var bad []Bad
	done, cores := 0, runtime.GOMAXPROCS(0)
	for _, err := range parallel.Ahead(ctx, s.length, cores, 4*cores, func(_ context.Context, i int) (struct{}, error) {
		_, _, err := picture.Read(s.Path(i), true) // either way the same is read
		return struct{}{}, err
	}) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			bad = append(bad, Bad{done, err})
		}
		if done++; progress != nil {
			progress(done)
		}
	}
	return bad, ctx.Err()
}

// unreadable is the error for pictures that Verify found: one sentence with every path and what is wrong with it.
func (s *Split) unreadable(bad []Bad) error {
	reasons := make([]string, len(bad))
	for i, b := range bad {
		reasons[i] = b.Err.Error()
	}
	where := filepath.Join(s.Root, s.Name)
	if len(s.folders) == 1 {
		where = filepath.Dir(s.Path(0))
	}
	return fmt.Errorf("%d of the %d pictures in %s cannot be read: %s", len(bad), s.length, where,
		strings.Join(reasons, "; "))
}

// Paths are those of all pictures, in order.
func (s *Split) Paths() []string {
	paths := make([]string, s.length)
	for i := range paths {
		paths[i] = s.Path(i)
	}
	return paths
}

// Readable verifies the split and gives what is left of it. Pictures that cannot be
// read are one error, that names them all, unless skip is set: then they are left out
// and handed over, in order. It is an error when a class loses all its pictures.
func (s *Split) Readable(ctx context.Context, skip bool, progress func(done int)) (*Split, []Bad, error) {
	bad, err := s.Verify(ctx, progress)
	switch {
	case err != nil:
		return nil, nil, err
	case len(bad) == 0:
		return s, nil, nil
	case !skip:
		return nil, bad, s.unreadable(bad)
	}
	gone := make(map[int]bool, len(bad))
	for _, b := range bad {
		gone[b.Index] = true
	}
	left := s.Only(func(i int) bool { return !gone[i] })
	var empty []string
	had, has := s.Counts(), left.Counts()
	for class, name := range s.Classes {
		if had[class] > 0 && has[class] == 0 {
			empty = append(empty, name)
		}
	}
	if len(empty) > 0 {
		top := filepath.Join(s.Root, s.Name)
		return nil, nil, fmt.Errorf("%s: nothing is left of %s without the pictures that cannot be read", top,
			several(empty))
	}
	return left, bad, nil
}

// Only is the split of the pictures that keep chooses; they move up, and the classes stay.
func (s *Split) Only(keep func(i int) bool) *Split {
	left := &Split{Root: s.Root, Name: s.Name, Classes: s.Classes}
	for _, f := range s.folders {
		var text strings.Builder
		var ends []uint64
		for i := range f.names.ends {
			if keep(f.first + i) {
				text.WriteString(f.names.at(i))
				ends = append(ends, uint64(text.Len()))
			}
		}
		if len(ends) > 0 {
			left.add([]folder{{path: f.path, class: f.class, names: slab{text.String(), ends}}})
		}
	}
	return left
}
