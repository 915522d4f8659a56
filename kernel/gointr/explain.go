package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
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
	Versus     *int   `json:"versus,omitempty"`      // the class that was subtracted
	VersusName string `json:"versus_name,omitempty"` //
	Caption    string `json:"caption,omitempty"`     // the file with the caption
}

// drawings are the kinds of files that are drawings, numbers those that are numbers.
var (
	drawings = []string{".png", ".svg", ".pdf", ".eps"}
	numbers  = []string{".npz", ".csv", ".json"}
)

func explainCommand(c *common) *cobra.Command {
	var flags modelFlags
	var class, versus, out, smoothing, width string
	var layer int
	var upright, caption bool
	var o figure.Options
	cmd := &cobra.Command{
		Use:   "explain IMAGE --checkpoint C --out FILE",
		Short: "draw where a class found itself in a picture",
		Long: `Draws the attention of every head for one class over the picture, as the published
demo does, or writes the raw maps.

--out FILE.png, .svg, .pdf or .eps is the figure; FILE.html is a page to look around
in, with the best classes, all layers and all heads, which begins as the flags say;
FILE.npz is the numbers: attention [layers, heads, rows, columns] of the class and
logits [classes]; FILE.csv has a line for each of its cells; FILE.json has both,
and where they come from, as the .npz does.

--versus CLASS shows instead what the class sees that this one does not, as the
difference of their weights; the numbers are then those of its maps.
--caption writes beside FILE.pdf, say, FILE.tex: a caption for LaTeX. --width is a
template's (` + strings.Join(figure.Widths(), ", ") + `) or
a length (3.25in, 89mm).
Layers, heads and classes count from 0.`,
		Args: exactly(1, "one picture"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return wrong("no file to write was named: give --out FILE.png (or .svg, .pdf, .eps, .html, .npz, .csv, .json)")
			}
			kind := strings.ToLower(filepath.Ext(out))
			switch {
			case kind == ".html" && versus != "":
				return wrong("the page of --out %s has all pairs of classes in it: leave --versus out, or write a figure", out)
			case caption && !slices.Contains(drawings, kind):
				return wrong("--caption goes with a figure (.png, .svg, .pdf or .eps), and %s is none", out)
			case kind != ".html" && !slices.Contains(drawings, kind) && !slices.Contains(numbers, kind):
				return wrong("%s cannot be written: --out takes a name that ends in .png, .svg, .pdf, .eps, .html, .npz, .csv or .json", out)
			}
			if width != "" {
				var err error
				if o.Width, err = figure.Width(width); err != nil {
					return wrong("%w", err)
				}
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
			m, close, err := flags.open(cmd, c)
			if err != nil {
				return err
			}
			defer close()
			about := m.About()
			find := func(name string) (index int, err error) { // before the seconds that an answer takes
				if name == "" {
					return -1, nil
				}
				return attention.Find(name, about.Names, about.Classes)
			}
			chosen, err := find(class)
			if err != nil {
				return err
			}
			other, err := find(versus)
			if err != nil {
				return err
			}
			o.Source = figure.Source(about.Origin)
			e, err := m.Explain(cmd.Context(), args[0], photo)
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
			result := explained{Image: args[0], Class: chosen, Name: e.Name(chosen), Layer: layer, FeatureMap: [2]int{e.Rows, e.Cols}, Out: out}
			what := ""
			if other >= 0 {
				result.Versus, result.VersusName = &other, e.Name(other)
				what = " minus " + attention.Plain(e.Name(other))
			}
			if caption {
				result.Caption = strings.TrimSuffix(out, filepath.Ext(out)) + ".tex"
			}
			if err := write(result, kind, e, other, photo, o); err != nil {
				return err
			}
			if c.json {
				return printJSON(cmd, result)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s%s, decoder layer %d of %d, written to %s\n", args[0], attention.Plain(e.Name(chosen)), what, layer+1, e.Layers, out)
			return err
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&class, "class", "", "name or number of the class to explain (default: the predicted one)")
	cmd.Flags().StringVar(&versus, "versus", "", "name or number of a class to subtract: what does it not see?")
	cmd.Flags().IntVar(&layer, "layer", attention.Last, "decoder layer, from 0; -1 is the last")
	cmd.Flags().StringVar(&out, "out", "", "file to write: .png, .svg, .pdf, .eps, .html, .npz, .csv or .json")
	cmd.Flags().StringVar(&o.Colormap, "colormap", "", "colours of the maps: "+strings.Join(figure.Colormaps(), ", ")+" (default jet, as published; in a page viridis, with --versus puor)")
	cmd.Flags().StringVar(&smoothing, "smoothing", "published", "published, cubic or cells")
	cmd.Flags().Float64Var(&o.Opacity, "opacity", 0, "of the colours over the picture, up to 1 (default 0.5, as published; in a page and with --versus 0.6)")
	cmd.Flags().BoolVar(&o.SameScale, "same-scale", false, "one colour scale for all heads")
	cmd.Flags().BoolVar(&o.ColorBar, "color-bar", false, "show which weights the colours stand for")
	cmd.Flags().StringVar(&width, "width", "", "of the figure: a template's name or a length (default 7in)")
	cmd.Flags().IntVar(&o.DPI, "dpi", 0, "dots an inch of pictures (default 300)")
	cmd.Flags().BoolVar(&o.Transparent, "transparent", false, "leave the page behind the panels transparent (.png, .svg, .pdf)")
	cmd.Flags().BoolVar(&o.Letters, "letters", false, "name the panels (a), (b), …")
	cmd.Flags().BoolVar(&caption, "caption", false, "write a caption for LaTeX beside the figure, as .tex")
	cmd.Flags().BoolVar(&upright, "upright", false, "turn the picture as its EXIF data says (the published code does not)")
	return cmd
}

// write writes what the ending of the file says.
func write(r explained, kind string, e *attention.Explanation, other int, photo *picture.Picture, o figure.Options) error {
	switch {
	case kind == ".html":
		page, err := figure.Explorer(e, photo, figure.ExplorerOptions{Class: r.Class, Layer: r.Layer, Look: o})
		if err != nil {
			return err
		}
		return wholefile.Write(r.Out, func(w io.Writer) error {
			_, err := w.Write(page)
			return err
		})
	case other < 0 && slices.Contains(numbers, kind):
		return figure.WriteData(r.Out, e, r.Class, o.Source)
	}
	draw := func() (*figure.Figure, error) { return figure.HeadRow(e, r.Layer, r.Class, photo, o) }
	if other >= 0 {
		draw = func() (*figure.Figure, error) { return figure.Difference(e, r.Layer, r.Class, other, photo, o) }
	}
	f, err := draw()
	if err != nil {
		return err
	}
	if err := f.Save(r.Out); err != nil || r.Caption == "" {
		return err
	}
	return f.Save(r.Caption)
}
