package server

import (
	"testing"

	"github.com/gointr/gointr/pkg/picture"
)

// The photograph that was explained last is there to be drawn over, however large it is.
func TestPhotosKeepTheLast(t *testing.T) {
	var k photos
	small := k.keep(&picture.Picture{Width: 1, Height: 1, Pix: make([]byte, 3)})
	large := k.keep(&picture.Picture{Width: 1 << 13, Height: 1 << 14, Pix: make([]byte, 3<<27)})
	if _, there := k.get(large); !there {
		t.Error("a photograph larger than what is kept in all is not kept")
	}
	if _, there := k.get(small); there {
		t.Error("a small photograph stays beside one that takes all there is")
	}
	k.keep(&picture.Picture{Width: 2, Height: 1, Pix: make([]byte, 6)})
	if _, there := k.get(large); there {
		t.Error("the large photograph stays when another one follows")
	}
}
