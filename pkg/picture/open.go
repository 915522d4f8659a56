package picture

import (
	"errors"
	"fmt"
	"io"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture/internal/codec"
)

// maxBytes is more than a file of the largest picture that is read can take.
const maxBytes = 4 << 30

// Open reads a picture as Pillow's Image.open(path).convert("RGB") does: the first frame, alpha dropped, as it lies in
// the file; only a TIFF is turned as it says. The error is one sentence that begins with the path.
func Open(path string) (*Picture, error) {
	p, _, err := Read(path, false)
	return p, err
}

// OpenUpright is Open with the picture turned as its file says, as Pillow's ImageOps.exif_transpose does.
func OpenUpright(path string) (*Picture, error) {
	p, _, err := Read(path, true)
	return p, err
}

// Read is OpenUpright, with how the picture was turned, or Open, which turns nothing (AsItLies).
func Read(path string, upright bool) (*Picture, Orientation, error) {
	p, o, err := ReadFor(path, upright)
	if !upright {
		CountLying(path, o)
		o = AsItLies
	}
	return p, o, err
}

// ReadFor is Read for another process: nothing is counted, and the orientation is what the file says, whether the
// picture was turned or not.
func ReadFor(path string, upright bool) (*Picture, Orientation, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, AsItLies, cannotRead(path, err)
	}
	p, err := codec.Decode(data)
	if err != nil {
		return nil, AsItLies, fmt.Errorf("%s: %w", path, err)
	}
	o := Orientation(codec.Orientation(data))
	if !upright {
		return (*Picture)(p), o, nil
	}
	return (*Picture)(p.Upright(int(o))), o, nil
}

// readFile reads a whole file, but of a file that is not a picture only the start.
func readFile(path string) ([]byte, error) {
	file, err := wholefile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder; name a picture in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not an ordinary file")
	case info.Size() > maxBytes:
		return nil, errors.New("it is too large to be a picture")
	}
	start := make([]byte, min(info.Size(), codec.StartLength))
	if _, err := io.ReadFull(file, start); err != nil {
		return nil, err
	}
	if !codec.Known(start) {
		return start, nil
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data[copy(data, start):])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	return data[:len(start)+n], nil
}

// Decode reads a picture from the bytes of its file, as Open does.
func Decode(data []byte) (*Picture, error) {
	p, err := codec.Decode(data)
	return (*Picture)(p), err
}
