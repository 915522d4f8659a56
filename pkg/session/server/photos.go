package server

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// photos keeps the last photographs: a figure is drawn over the one that was explained. The zero value is ready for
// use.
type photos struct {
	mu   sync.Mutex
	kept []keptPhoto // the least recently asked for first
}

type keptPhoto struct {
	digest string
	*picture.Picture
}

// How many photographs are kept, and how many bytes of pixels.
const (
	mostPhotos     = 16
	mostPhotoBytes = 256 << 20
)

// errUnknown asks the caller for what it only named.
var errUnknown = errors.New("the session does not keep this any more")

// keep keeps a photograph, and gives the digest that names it.
func (k *photos) keep(p *picture.Picture) string {
	digest := session.Digest(p)
	if k.get(digest) != nil {
		return digest
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, keptPhoto{digest, p})
	bytes := 0
	for i := len(k.kept) - 1; i >= 0; i-- {
		bytes += len(k.kept[i].Pix)
		if i < len(k.kept)-1 && (bytes > mostPhotoBytes || len(k.kept)-i > mostPhotos) {
			clear(k.kept[:i+1])
			k.kept = k.kept[i+1:]
			break
		}
	}
	return digest
}

// get gives a photograph that is kept, or nil.
func (k *photos) get(digest string) *picture.Picture {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, p := range k.kept {
		if p.digest == digest {
			copy(k.kept[i:], k.kept[i+1:])
			k.kept[len(k.kept)-1] = p
			return p.Picture
		}
	}
	return nil
}

// find gives the photograph that a caller names; nil where it names none.
func (k *photos) find(asked session.Photo) (*picture.Picture, error) {
	if asked.Digest == "" {
		return nil, nil
	}
	if p := k.get(asked.Digest); p != nil {
		return p, nil
	}
	switch {
	case asked.Pixels != nil:
		k.keep(asked.Pixels)
		return asked.Pixels, nil
	case asked.Path == "":
		return nil, errUnknown
	}
	p, _, err := picture.ReadFor(asked.Path, asked.Upright)
	if err != nil {
		return nil, err
	}
	if k.keep(p) != asked.Digest {
		return nil, fmt.Errorf("%s is another picture than when it was explained: explain it again", asked.Path)
	}
	return p, nil
}

// forget gives the memory back.
func (k *photos) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = nil
}
