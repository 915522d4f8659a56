package picture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/picture/internal/codec"
)

var extensions = codec.Extensions()

// IsPicture is whether the name ends as a picture's does, in any case.
func IsPicture(name string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

// List is the pictures that args name: a file is itself; a folder is the
// pictures in it and in its folders, in name order, hidden ones left out. It is
// an error when a file is missing or a folder holds no picture.
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
			return nil, fmt.Errorf("%s: this folder holds no pictures (%s)", arg, strings.Join(extensions, " "))
		}
		list = append(list, found...)
	}
	return list, nil
}

func listFolder(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, cannotRead(folder, err)
	}
	var list []string
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			found, err := listFolder(path)
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
		case IsPicture(path):
			list = append(list, path)
		}
	}
	return list, nil
}

// cannotRead is the system's reason, without its own naming of the path.
func cannotRead(path string, err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file or folder", path)
	case errors.As(err, &pathError):
		return fmt.Errorf("%s: it cannot be read (%w)", path, pathError.Err)
	}
	return fmt.Errorf("%s: it cannot be read (%w)", path, err)
}
