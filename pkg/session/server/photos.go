package server

import (
	"errors"
	"fmt"

	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

// photos keeps the last photographs, by digest: a figure is drawn over the one that was explained. The zero value is
// ready for use.
type photos struct {
	recent[string, *picture.Picture]
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
	if _, there := k.get(digest); !there {
		bytes := min(len(p.Pix), mostPhotoBytes) // the last one stays, however large
		k.put(digest, p, bytes, mostPhotos, mostPhotoBytes)
	}
	return digest
}

// find gives the photograph that a caller names; nil where it names none.
func (k *photos) find(asked session.Photo) (*picture.Picture, error) {
	if asked.Digest == "" {
		return nil, nil
	}
	if p, there := k.get(asked.Digest); there {
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
