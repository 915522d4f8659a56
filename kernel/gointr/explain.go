package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/model"
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

	Likeness *attention.Likeness `json:"likeness,omitempty"`
}

// drawings are the kinds of files that are drawings, numbers those that are numbers.
var (
	drawings = []string{".png", ".svg", ".pdf", ".eps"}
	numbers  = []string{".npz", ".csv", ".json"}
)

type explainFlags struct {
	modelFlags
	class, versus, out, smoothing, width string
	layer                                int
	caption                              bool
	look                                 figure.Options
}

func explainCommand(c *common) *cobra.Command {
	var f explainFlags
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
			if err := f.complete(); err != nil {
				return err
			}
			return f.explain(cmd, c, args[0])
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.class, "class", "", "name or number of the class to explain (default: the predicted one)")
	flags.StringVar(&f.versus, "versus", "", "name or number of a class to subtract: what does it not see?")
	flags.IntVar(&f.layer, "layer", attention.Last, "decoder layer, from 0; -1 is the last")
	flags.StringVar(&f.out, "out", "", "file to write: .png, .svg, .pdf, .eps, .html, .npz, .csv or .json")
	flags.StringVar(&f.look.Colormap, "colormap", "", "colours of the maps: "+strings.Join(figure.Colormaps(), ", ")+
		" (default jet, as published; in a page it fades, with --versus puor)")
	flags.StringVar(&f.smoothing, "smoothing", "published", "published, cubic or cells")
	flags.Float64Var(&f.look.Opacity, "opacity", 0,
		"of the colours over the picture, up to 1 (default 0.5, as published; in a page and with --versus 0.6, "+
			"faded 0.66)")
	flags.BoolVar(&f.look.SameScale, "same-scale", false, "one colour scale for all heads")
	flags.BoolVar(&f.look.ColorBar, "color-bar", false, "show which weights the colours stand for")
	flags.StringVar(&f.width, "width", "", "of the figure: a template's name or a length (default 7in)")
	flags.IntVar(&f.look.DPI, "dpi", 0, "dots an inch of pictures (default 300)")
	flags.BoolVar(&f.look.Transparent, "transparent", false,
		"leave the page behind the panels transparent (.png, .svg, .pdf)")
	flags.BoolVar(&f.look.Letters, "letters", false, "name the panels (a), (b), …")
	flags.BoolVar(&f.caption, "caption", false, "write a caption for LaTeX beside the figure, as .tex")
	return cmd
}

// kind is the ending of the file to write.
func (f *explainFlags) kind() string { return strings.ToLower(filepath.Ext(f.out)) }

// complete says what is wrong with the flags.
func (f *explainFlags) complete() (err error) {
	kind := f.kind()
	drawing := slices.Contains(drawings, kind)
	switch {
	case f.out == "":
		return wrong("no file to write was named: give --out FILE.png (or .svg, .pdf, .eps, .html, .npz, .csv, .json)")
	case kind == ".html" && f.versus != "":
		return wrong("the page of --out %s has all pairs of classes in it: leave --versus out, or write a figure",
			f.out)
	case f.caption && !drawing:
		return wrong("--caption goes with a figure (.png, .svg, .pdf or .eps), and %s is none", f.out)
	case kind != ".html" && !drawing && !slices.Contains(numbers, kind):
		return wrong("%s cannot be written: --out takes a name that ends in .png, .svg, .pdf, .eps, .html, .npz, "+
			".csv or .json", f.out)
	}
	if f.width != "" {
		if f.look.Width, err = figure.Width(f.width); err != nil {
			return wrong("%w", err)
		}
	}
	if err := f.look.Smoothing.Set(f.smoothing); err != nil {
		return wrong("%w", err)
	}
	return nil
}

func (f *explainFlags) explain(cmd *cobra.Command, c *common, image string) error {
	wholefile.Keep(image, f.checkpoint, f.classes)
	if err := wholefile.Spare(f.out); err != nil {
		return err
	}
	m, close, err := f.open(cmd, c)
	if err != nil {
		return err
	}
	defer close()
	photo, _, err := m.About().Read(image)
	if err != nil {
		return err
	}
	classes, err := f.named(m.About()) // before the seconds that an answer takes
	if err != nil {
		return err
	}
	f.look.Source = m.About().Origin
	e, err := m.Explain(cmd.Context(), image, photo)
	if err != nil {
		return err
	}
	chosen, other := classes[0], classes[1]
	if f.class == "" {
		chosen = e.Best().Index
	}
	if f.layer == attention.Last {
		f.layer = e.Layers - 1
	}
	if _, err := e.Map(f.layer, 0, chosen); err != nil {
		return err
	}
	result := explained{Image: image, Class: chosen, Name: e.Name(chosen), Layer: f.layer,
		FeatureMap: [2]int{e.Rows, e.Cols}, Out: f.out, Likeness: e.Likeness}
	what := ""
	if f.versus != "" {
		result.Versus, result.VersusName = &other, e.Name(other)
		what = " minus " + attention.Plain(e.Name(other))
	}
	if f.caption {
		result.Caption = strings.TrimSuffix(f.out, filepath.Ext(f.out)) + ".tex"
	}
	if err := f.write(result, e, photo); err != nil {
		return err
	}
	if warning := e.Likeness.Warning(); warning != "" {
		image += ", " + warning
	}
	return c.tell(cmd, result, line("%s: %s%s, decoder layer %d of %d, written to %s", image,
		attention.Plain(e.Name(chosen)), what, f.layer+1, e.Layers, f.out))
}

// named are the class to explain and the one to subtract, where they are named.
func (f *explainFlags) named(of model.About) (classes [2]int, err error) {
	for i, name := range []string{f.class, f.versus} {
		if name == "" {
			continue
		}
		if classes[i], err = attention.Find(name, of.Names, of.Classes); err != nil {
			return classes, err
		}
	}
	return classes, nil
}

// write writes what the ending of the file says.
func (f *explainFlags) write(r explained, e *attention.Explanation, photo *picture.Picture) error {
	kind, o := f.kind(), f.look
	switch {
	case kind == ".html":
		page, err := figure.Explorer(e, photo, figure.ExplorerOptions{Class: r.Class, Layer: r.Layer, Look: o})
		if err != nil {
			return err
		}
		return wholefile.Bytes(r.Out, page)
	case r.Versus == nil && slices.Contains(numbers, kind):
		return figure.WriteData(r.Out, e, r.Class, o.Source)
	}
	draw := func() (*figure.Figure, error) { return figure.HeadRow(e, r.Layer, r.Class, photo, o) }
	if r.Versus != nil {
		draw = func() (*figure.Figure, error) { return figure.Difference(e, r.Layer, r.Class, *r.Versus, photo, o) }
	}
	drawn, err := draw()
	if err != nil {
		return err
	}
	if err := drawn.Save(r.Out); err != nil || r.Caption == "" {
		return err
	}
	return drawn.Save(r.Caption)
}
