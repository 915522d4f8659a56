package birds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/picture"
)

// Options say which dataset Write draws. The same options give the same pixels.
type Options struct {
	Classes  int    `json:"classes"`   // the first species, 2 to MaxSpecies
	PerClass int    `json:"per_class"` // pictures of a species in train; val has ValPerClass more
	Size     int    `json:"size"`      // pixels, MinSize to MaxSize
	Seed     uint64 `json:"seed"`
}

// Defaults are small enough to draw in seconds. At 160 pixels a side a picture
// bears being cropped and scaled down to 128.
var Defaults = Options{Classes: 8, PerClass: 60, Size: 160}

// maxPerClass keeps the names of files in order.
const maxPerClass = 100_000

// ValPerClass is the number of pictures of a species in val: a third of those in
// train, rounded up. Their scenes are others.
func (o Options) ValPerClass() int { return (o.PerClass + 2) / 3 }

// Pictures is how many Write draws.
func (o Options) Pictures() int { return o.Classes * (o.PerClass + o.ValPerClass()) }

// Check is an error of one sentence when there can be no such dataset.
func (o Options) Check() error {
	switch {
	case o.Classes < 2 || o.Classes > MaxSpecies:
		return fmt.Errorf("there can be 2 to %d classes, not %d", MaxSpecies, o.Classes)
	case o.PerClass < 1 || o.PerClass > maxPerClass:
		return fmt.Errorf("there can be 1 to %d pictures of a class, not %d", maxPerClass, o.PerClass)
	case o.Size < MinSize || o.Size > MaxSize:
		return fmt.Errorf("a picture can have %d to %d pixels a side, not %d", MinSize, MaxSize, o.Size)
	}
	return nil
}

// A one is one picture of a dataset.
type one struct {
	split        string
	class, index int
}

func (o one) path() string {
	return fmt.Sprintf("%s/%s/%05d.png", o.split, At(o.class).Class(), o.index)
}

// perClass is the number of pictures of a species in a split; 0 where there is no such split.
func (o Options) perClass(split string) int {
	return map[string]int{"train": o.PerClass, "val": o.ValPerClass()}[split]
}

func (o Options) all() []one {
	var list []one
	for _, split := range []string{"train", "val"} {
		for class := range o.Classes {
			for i := range o.perClass(split) {
				list = append(list, one{split, class, i})
			}
		}
	}
	return list
}

// Find is the species and the scene of one of the dataset's pictures, by its
// path as in parts.csv ("val/001.Dagger_billed_Bunting/00007.png"): Draw with the
// dataset's Size makes the picture again, or another one to compare it with.
func (o Options) Find(name string) (Species, Scene, error) {
	split, rest, _ := strings.Cut(name, "/")
	number, _, _ := strings.Cut(rest, ".")
	class, _ := strconv.Atoi(number)
	index, _ := strconv.Atoi(strings.TrimSuffix(path.Base(name), ".png"))
	if class < 1 || class > o.Classes || index < 0 || index >= o.perClass(split) ||
		(one{split, class - 1, index}).path() != name {
		return Species{}, Scene{}, fmt.Errorf("%s is no picture of this dataset of birds", name)
	}
	return At(class - 1), NewScene(o.Seed, split, class-1, index), nil
}

// described is the file species.json.
type described struct {
	Options
	Species []Description `json:"species"`
}

// A Description is a species as species.json has it.
type Description struct {
	Class     string            `json:"class"` // the name of its folder
	Name      string            `json:"name"`
	Coat      string            `json:"coat"`
	Telling   string            `json:"telling"`    // the part that tells it from its family
	LookAlike string            `json:"look_alike"` // the class nearest to it
	Differs   []string          `json:"differs"`    // the parts that tell it from its look-alike
	Parts     map[string]string `json:"parts"`      // how each part looks
}

// Describe is the species of the dataset.
func (o Options) Describe() []Description {
	species, err := First(o.Classes)
	if err != nil {
		return nil
	}
	list := make([]Description, len(species))
	for i, s := range species {
		mate := s.LookAlike(species)
		d := Description{Class: s.Class(), Name: s.Name, Coat: s.Coat(), Telling: s.Telling.String(),
			LookAlike: mate.Class(), Parts: map[string]string{}}
		for _, k := range s.Differs(mate) {
			d.Differs = append(d.Differs, k.String())
		}
		for k := range Kinds {
			d.Parts[Kind(k).String()] = s.Look(Kind(k))
		}
		list[i] = d
	}
	return list
}

// Open reads which dataset a folder holds, from its species.json.
func Open(dir string) (Options, error) {
	name := filepath.Join(dir, "species.json")
	data, err := wholefile.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Options{}, fmt.Errorf("%s is no dataset of birds: there is no species.json in it", dir)
	}
	if err != nil {
		return Options{}, fmt.Errorf("%s cannot be read: %w", name, wholefile.Cause(err))
	}
	var d described
	err = json.Unmarshal(data, &d)
	if err == nil {
		err = d.Check()
	}
	if err != nil {
		return Options{}, fmt.Errorf("%s is not as it was written: %w", name, err)
	}
	return d.Options, nil
}

// Write draws a dataset into the folder dir, which does not exist or is empty:
//
//	train/CLASS/00000.png …    PerClass pictures of each species
//	val/CLASS/00000.png …      ValPerClass
//	parts.csv                  where the parts lie, for datasets.ReadParts
//	species.json               the options, and how each species looks
//
// It works on all cores and calls progress after each picture, one call at a time. When it fails or the context ends,
// dir is as it was. The error is one sentence; when the context has ended it is the context's.
func Write(ctx context.Context, dir string, o Options, progress func()) error {
	if err := o.Check(); err != nil {
		return err
	}
	return wholefile.Folder(dir, func(temporary string) error {
		err := o.write(ctx, temporary, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			err = inner // without the names of temporary files
		}
		return fmt.Errorf("%s cannot be written: %w", dir, err)
	})
}

// write draws everything into the folder.
func (o Options) write(ctx context.Context, dir string, progress func()) error {
	for _, split := range []string{"train", "val"} {
		for class := range o.Classes {
			if err := os.MkdirAll(filepath.Join(dir, split, At(class).Class()), 0o777); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mutex sync.Mutex
	parts := map[string][]datasets.Part{}
	all := o.all()
	parallel.Do(len(all), func(next func() (int, bool)) {
		var p pencil
		for i, ok := next(); ok && ctx.Err() == nil; i, ok = next() {
			drawn, at := Draw(At(all[i].class), NewScene(o.Seed, all[i].split, all[i].class, all[i].index), o.Size)
			name := all[i].path()
			if err := p.write(filepath.Join(dir, filepath.FromSlash(name)), drawn); err != nil {
				cancel(err)
				return
			}
			mutex.Lock()
			parts[name] = at
			progress()
			mutex.Unlock()
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := datasets.WriteParts(filepath.Join(dir, "parts.csv"), parts); err != nil {
		return err
	}
	return wholefile.JSON(filepath.Join(dir, "species.json"), described{o, o.Describe()})
}

// A pencil writes pictures as PNG: they can be drawn again to the pixel.
type pencil struct {
	encoder png.Encoder
	buffer  *png.EncoderBuffer
	text    bytes.Buffer
	image   *image.NRGBA
}

// Get and Put keep the encoder's buffer from one picture to the next.
func (p *pencil) Get() *png.EncoderBuffer  { return p.buffer }
func (p *pencil) Put(b *png.EncoderBuffer) { p.buffer = b }

func (p *pencil) write(name string, drawn *picture.Picture) error {
	// The encoder is several times faster with an image of its own package.
	if p.image == nil {
		p.image = image.NewNRGBA(drawn.Bounds())
		p.encoder.BufferPool = p
	}
	for from, to := 0, 0; from < len(drawn.Pix); from, to = from+3, to+4 {
		copy(p.image.Pix[to:to+3], drawn.Pix[from:])
		p.image.Pix[to+3] = 255
	}
	p.text.Reset()
	if err := p.encoder.Encode(&p.text, p.image); err != nil {
		return err
	}
	return os.WriteFile(name, p.text.Bytes(), 0o666)
}
