package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/picture"
)

// explained is the line that explain prints with --json.
type explained struct {
	Image      string `json:"image"`
	Class      int    `json:"class"`
	Name       string `json:"name"`
	Layer      int    `json:"layer"`
	FeatureMap [2]int `json:"feature_map"` // rows, columns
	Out        string `json:"out"`
}

func explainCommand(c *common) *cobra.Command {
	var m modelFlags
	var class, out, smoothing string
	var layer int
	var upright bool
	var o figure.Options
	cmd := &cobra.Command{
		Use:   "explain IMAGE --checkpoint C --out FILE",
		Short: "draw where a class found itself in a picture",
		Long: `Draws the attention of every head for one class over the picture, as the published
demo does, or writes the raw maps.

--out FILE.png, .svg or .pdf is the figure; FILE.html is a page to look around in,
with the best classes, all layers and all heads, which begins as the flags say;
FILE.npz is the numbers: attention [layers, heads, rows, columns] of the class and
logits [classes].
Layers, heads and classes count from 0.`,
		Args: exactly(1, "one picture"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return wrong("no file to write was named: give --out FILE.png (or .svg, .pdf, .html, .npz)")
			}
			kind := strings.ToLower(filepath.Ext(out))
			switch kind {
			case ".png", ".svg", ".pdf", ".html", ".npz":
			default:
				return wrong("%s cannot be written: --out takes a name that ends in .png, .svg, .pdf, .html or .npz", out)
			}
			if err := o.Smoothing.Set(smoothing); err != nil {
				return wrong("%w", err)
			}
			open := picture.Open
			if upright {
				open = picture.OpenUpright
			}
			photo, err := open(args[0])
			if err != nil {
				return err
			}
			model, err := m.open(cmd, c)
			if err != nil {
				return err
			}
			defer model.close()
			chosen := -1
			if class != "" { // before the seconds that an answer takes
				if chosen, err = attention.Find(class, model.names, model.classes); err != nil {
					return err
				}
			}
			e, err := model.explain(cmd.Context(), args[0], photo)
			if err != nil {
				return err
			}
			if class == "" {
				chosen = e.Best().Index
			}
			if layer == attention.Last {
				layer = e.Layers - 1
			}
			if _, err := e.Map(layer, 0, chosen); err != nil {
				return err
			}
			if err := write(out, kind, e, layer, chosen, photo, o); err != nil {
				return err
			}
			if c.json {
				return printJSON(cmd, explained{args[0], chosen, e.Name(chosen), layer, [2]int{e.Rows, e.Cols}, out})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, decoder layer %d of %d, written to %s\n", args[0], attention.Plain(e.Name(chosen)), layer+1, e.Layers, out)
			return err
		},
	}
	m.register(cmd)
	cmd.Flags().StringVar(&class, "class", "", "name or number of the class to explain (default: the predicted one)")
	cmd.Flags().IntVar(&layer, "layer", attention.Last, "decoder layer, from 0; -1 is the last")
	cmd.Flags().StringVar(&out, "out", "", "file to write: .png, .svg, .pdf, .html or .npz")
	cmd.Flags().StringVar(&o.Colormap, "colormap", "", "colours of the maps: "+strings.Join(figure.Colormaps(), ", ")+" (default jet, as published; in a page viridis)")
	cmd.Flags().StringVar(&smoothing, "smoothing", "published", "published, cubic or cells")
	cmd.Flags().Float64Var(&o.Opacity, "opacity", 0, "of the colours over the picture, up to 1 (default 0.5, as published; in a page 0.6)")
	cmd.Flags().BoolVar(&o.SameScale, "same-scale", false, "one colour scale for all heads")
	cmd.Flags().BoolVar(&o.ColorBar, "color-bar", false, "show which weights the colours stand for")
	cmd.Flags().BoolVar(&upright, "upright", false, "turn the picture as its EXIF data says (the published code does not)")
	return cmd
}

// write writes what the ending of the file says.
func write(out, kind string, e *attention.Explanation, layer, class int, photo *picture.Picture, o figure.Options) error {
	switch kind {
	case ".npz":
		return figure.WriteNPZ(out, e, class)
	case ".html":
		page, err := figure.Explorer(e, photo, figure.ExplorerOptions{Class: class, Layer: layer, Look: o})
		if err != nil {
			return err
		}
		return wholefile.Write(out, func(w io.Writer) error {
			_, err := w.Write(page)
			return err
		})
	default:
		row, err := figure.HeadRow(e, layer, class, photo, o)
		if err != nil {
			return err
		}
		return row.Save(out)
	}
}
