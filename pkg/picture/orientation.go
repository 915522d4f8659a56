package picture

import (
	"hash/maphash"
	"sync"
)

// Orientation is how the file of a picture says that it is to be held, as EXIF counts: 2 is mirrored, 3 upside down, 6
// and 8 lie on a side, 4, 5 and 7 are the mirror images of these.
type Orientation int

// AsItLies is the Orientation of a picture that is not turned.
const AsItLies Orientation = 1

// Turned is where a point goes when a picture is turned: x and y are pixels from the upper left corner of the picture
// as it lies in its file, width and height the size of the picture when it is turned.
func (o Orientation) Turned(x, y float64, width, height int) (float64, float64) {
	if o >= 5 {
		x, y = y, x
	}
	if o == 2 || o == 3 || o == 6 || o == 7 {
		x = float64(width) - x
	}
	if o == 3 || o == 4 || o == 7 || o == 8 {
		y = float64(height) - y
	}
	return x, y
}

// lying are the files that were read as they lie, though they say that they are to be turned: a number for each.
var lying = marked{seed: maphash.MakeSeed(), files: map[uint64]struct{}{}}

type marked struct {
	seed  maphash.Seed
	mu    sync.Mutex
	files map[uint64]struct{}
}

// CountLying counts a file for Lying that another process has read as it lies (ReadFor), where o says that it is to be
// turned.
func CountLying(path string, o Orientation) {
	if o == AsItLies {
		return
	}
	lying.mu.Lock()
	defer lying.mu.Unlock()
	lying.files[maphash.String(lying.seed, path)] = struct{}{}
}

// Lying is how many files have been read as they lie, though they say that their pictures are to be turned, since it
// was last asked.
func Lying() int {
	lying.mu.Lock()
	defer lying.mu.Unlock()
	n := len(lying.files)
	clear(lying.files)
	return n
}
