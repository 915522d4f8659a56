package figure

import (
	"cmp"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"github.com/gointr/gointr/pkg/figure/look"
)

// How maps are shown is said in package look, which draws nothing.
type (
	Options   = look.Options
	Limits    = look.Limits
	Smoothing = look.Smoothing
)

const (
	Published = look.Published
	Cubic     = look.Cubic
	Cells     = look.Cells

	Mean = look.Mean
)

// Width and Widths are those of package look.
var (
	Width  = look.Width
	Widths = look.Widths
)

// filled is o with the published figure's values where nothing was asked for.
func filled(o Options) (Options, error) {
	o.Colormap, o.Opacity = cmp.Or(o.Colormap, "jet"), cmp.Or(o.Opacity, 0.5)
	o.Width, o.DPI = cmp.Or(o.Width, 7*vg.Inch), cmp.Or(o.DPI, 300)
	o.Unit = cmp.Or(o.Unit, "attention weight")
	if _, err := colors(o.Colormap); err != nil {
		return o, err
	}
	switch {
	case o.Smoothing < Published || o.Smoothing > Cells:
		return o, fmt.Errorf("smoothing %d does not exist: use figure.Published, figure.Cubic or figure.Cells",
			o.Smoothing)
	case !(o.Opacity > 0 && o.Opacity <= 1):
		return o, fmt.Errorf("an opacity of %v is not possible: give a number above 0 and up to 1", o.Opacity)
	case o.Limits != nil && !(o.Limits.Low < o.Limits.High && !math.IsInf(float64(o.Limits.High-o.Limits.Low), 0)):
		return o, fmt.Errorf("a colour scale cannot go from %v to %v: the first must be below the second", o.Limits.Low,
			o.Limits.High)
	case o.Limits != nil && o.SameScale:
		return o, fmt.Errorf("give either the limits of the colour scale or one scale for all panels, not both")
	case o.Columns < 0:
		return o, fmt.Errorf("a figure cannot have %d columns", o.Columns)
	case o.DPI < 36 || o.DPI > 2400:
		return o, fmt.Errorf("%d dots per inch are not possible: give 36 to 2400, 300 for print", o.DPI)
	}
	return o, look.CheckWidth(o.Width)
}
