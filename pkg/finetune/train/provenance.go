package train

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/origin"
	"github.com/gointr/gointr/pkg/torchfile"
)

// Provenance is where the numbers of a run come from.
type Provenance struct {
	Began      time.Time `json:"began"`
	Version    string    `json:"version"` // of GoINTR
	Go         string    `json:"go"`
	Platform   string    `json:"platform"`
	Engine     string    `json:"engine"`
	Train      string    `json:"train_digest"` // of the pictures: datasets.Split.Digest
	Val        string    `json:"val_digest"`
	Images     [2]int    `json:"images"`                 // in train and val
	Checkpoint string    `json:"start_digest,omitempty"` // SHA-256 of the file that it began from
}

func (r *run) provenance(ctx context.Context) (Provenance, error) {
	p := Provenance{
		Began: r.began.UTC().Truncate(time.Second), Version: origin.Version(), Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Images: [2]int{r.train.Len(), r.val.Len()},
	}
	var err error
	if p.Train, err = r.train.Digest(ctx); err != nil {
		return p, err
	}
	if p.Val, err = r.val.Digest(ctx); err != nil {
		return p, err
	}
	for _, path := range []string{r.From, r.Options.Resume} {
		files, err := torchfile.Files(path)
		if err != nil {
			continue
		}
		if p.Checkpoint, err = origin.Digest(files...); err != nil {
			return p, err
		}
	}
	return p, nil
}

// samePictures says whether the pictures are those that the run began with.
func (r *run) samePictures(ctx context.Context) error {
	var before Provenance
	path := filepath.Join(r.dir, provenanceFile)
	data, err := wholefile.Read(path)
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, wholefile.Cause(err))
	}
	for _, split := range []struct {
		*datasets.Split
		before string
	}{{r.train, before.Train}, {r.val, before.Val}} {
		now, err := split.Digest(ctx)
		if err != nil {
			return err
		}
		if now != split.before {
			return fmt.Errorf(
				"the pictures in %s are not those that %s began with: put them back, or begin a new run from %s",
				filepath.Join(r.Dataset, split.Name), r.dir, filepath.Join(r.dir, checkpointFile))
		}
	}
	return nil
}
