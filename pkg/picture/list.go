package picture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture/internal/codec"
)

var known struct {
	sync.Once
	extensions []string
}

// extensions are those of pictures. (A variable would link the decoders into every program.)
func extensions() []string {
	known.Do(func() { known.extensions = codec.Extensions() })
	return known.extensions
}

// isPicture is whether the name ends as a picture's does, in any case.
func isPicture(name string) bool {
	return slices.Contains(extensions(), strings.ToLower(filepath.Ext(name)))
}

// List is the pictures that args name: a file is itself; a folder is the pictures in it and in its folders, in name
// order, hidden ones left out. It is an error when a file is missing or a folder holds no picture.
func List(args ...string) ([]string, error) {
	var list []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, cannotRead(arg, err)
		}
		if !info.IsDir() {
			list = append(list, arg)
			continue
		}
		found, err := listFolder(arg)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: this folder holds no pictures (%s)", arg, strings.Join(extensions(), " "))
		}
		list = append(list, found...)
	}
	return list, nil
}

func listFolder(folder string) (list []string, err error) {
	root := folder + string(filepath.Separator) // the folder may be a link
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return cannotRead(filepath.Clean(path), err)
		case path != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isPicture(path):
			list = append(list, path)
		}
		return nil
	})
	return list, err
}

// cannotRead is the system's reason, without its own naming of the path.
func cannotRead(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file or folder", path)
	}
	return fmt.Errorf("%s: it cannot be read (%w)", path, wholefile.Cause(err))
}
