package album

import (
	"cmp"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/interpret"
)

// Published writes pictures in the folders of the published script (tools/visualization.py of
// github.com/Imageomics/INTR), with its overlays:
//
//	DIR/visualization/IMAGE/heads/IMAGE.png               the picture at 0.8 of its size
//	                             /result_head_H.png       head H for the true class
//	                             /avg_head.png            the mean of all heads
//	                             /concatenated_True.png   all of these joined; False where another class comes first
//	                       /head_avg/avg_head_Q.png       the mean of all heads for similar class Q
//	                       /head_H/IMAGE.png
//	                              /result_query_Q.png     head H for similar class Q
//	                              /concatenated_True.png
//
// IMAGE is the file's name without its ending, H and Q count from 0. Unlike the script's, panels are joined in the
// order above, classes from the most similar on, and not again when run again; models of any number of heads have the
// mean. A map too flat to be stretched leaves its panel undyed.
type Published struct {
	Heads   bool // writes the folder heads [gt_query_heads]
	Similar bool // writes the folders head_avg and head_H [sim_query_heads]

	dir   string
	named map[string]bool
}

// NewPublished begins in a folder, which is made when there is none.
func NewPublished(dir string) *Published {
	return &Published{Heads: true, Similar: true, dir: filepath.Join(dir, "visualization"), named: map[string]bool{}}
}

// Add writes a picture. Each file appears whole or not at all.
func (w *Published) Add(p *interpret.Picture) error {
	_, inner, _ := strings.Cut(p.Image, "/") // split/CLASS/…
	_, inner, _ = strings.Cut(inner, "/")
	// Pictures may lie in folders of the class.
	name := strings.ReplaceAll(strings.TrimSuffix(inner, path.Ext(inner)), "/", "-")
	if w.named[name] {
		name += strings.ReplaceAll(path.Ext(inner), ".", "-")
	}
	w.named[name] = true
	base, err := figure.Shrink(p.Photo)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Image, err)
	}
	type panel struct {
		path string
		m    attention.Map
	}
	var panels []panel
	truth := p.True()
	heads := len(p.Maps[truth])
	for head, m := range p.Maps[truth] {
		panels = append(panels, panel{fmt.Sprintf("heads/result_head_%d.png", head), m})
	}
	panels = append(panels, panel{"heads/avg_head.png", p.Averages[truth]})
	for i, class := range p.Similar {
		panels = append(panels, panel{fmt.Sprintf("head_avg/avg_head_%d.png", class.Index), p.Averages[i]})
	}
	for head := range heads {
		for i, class := range p.Similar {
			at := fmt.Sprintf("head_%d/result_query_%d.png", head, class.Index)
			panels = append(panels, panel{at, p.Maps[i][head]})
		}
	}
	dir := filepath.Join(w.dir, name)
	var folders []string
	if w.Heads {
		folders = append(folders, "heads")
	}
	if w.Similar {
		folders = append(folders, "head_avg")
		for head := range heads {
			folders = append(folders, fmt.Sprintf("head_%d", head))
		}
	}
	panels = slices.DeleteFunc(panels, func(p panel) bool { return !slices.Contains(folders, path.Dir(p.path)) })
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
			return fmt.Errorf("%s cannot be written to: %w", w.dir, wholefile.Cause(err))
		}
	}
	drawn, errs := make([]*image.RGBA, len(panels)), make([]error, len(panels)+len(folders))
	parallel.Each(len(panels), func(i int) {
		if drawn[i], errs[i] = figure.Overlay(panels[i].m, base, figure.Options{}); errs[i] == nil {
			errs[i] = writePNG(filepath.Join(dir, filepath.FromSlash(panels[i].path)), drawn[i])
		}
	})
	parallel.Each(len(folders), func(f int) {
		if folders[f] == "head_avg" {
			return
		}
		row := []*image.RGBA{base}
		for i := range panels {
			if path.Dir(panels[i].path) == folders[f] && drawn[i] != nil {
				row = append(row, drawn[i])
			}
		}
		right := "False"
		if p.Right {
			right = "True"
		}
		at := filepath.Join(dir, folders[f])
		errs[len(panels)+f] = cmp.Or(writePNG(filepath.Join(at, name+".png"), base),
			writePNG(filepath.Join(at, "concatenated_"+right+".png"), joined(row)))
	})
	return cmp.Or(errs...)
}

// joined is pictures of one size beside each other.
func joined(row []*image.RGBA) *image.RGBA {
	size := row[0].Rect.Size()
	all := image.NewRGBA(image.Rect(0, 0, size.X*len(row), size.Y))
	for i, one := range row {
		draw.Draw(all, image.Rect(i*size.X, 0, (i+1)*size.X, size.Y), one, image.Point{}, draw.Src)
	}
	return all
}

func writePNG(path string, p image.Image) error {
	return wholefile.Write(path, func(w io.Writer) error { return png.Encode(w, p) })
}
