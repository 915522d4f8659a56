package figure

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The tables of matplotlib 3.11, one a line: name, then 256 RGB colours in
// hexadecimal, below a line that says who made them (testdata/make_colormaps.py).
//
//go:embed colormaps.txt
var colormapTable string

type colormap [256][3]uint8

var allColormaps = sync.OnceValue(func() map[string]*colormap {
	all := map[string]*colormap{"jet": jet(), "gray": gray()}
	for line := range strings.Lines(colormapTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		bytes, err := hex.DecodeString(digits)
		if err != nil || len(bytes) != 3*256 {
			panic("figure: colormaps.txt is damaged at " + name)
		}
		table := new(colormap)
		for i := range table {
			table[i] = [3]uint8(bytes[3*i:])
		}
		all[name] = table
	}
	return all
})

// Colormaps are the names that Options.Colormap takes. The published figure is in jet. Viridis, cividis, magma, inferno
// and gray change evenly to the eye and keep their order in black and white; cividis looks the same to most
// colour-blind readers. Puor is for signed maps: orange below the middle, purple above, which colour-blind readers tell
// apart.
func Colormaps() []string {
	names := []string{"jet"}
	for name := range allColormaps() {
		if name != "jet" {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	return names
}

func colors(name string) (*colormap, error) {
	table, ok := allColormaps()[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("no colormap is named %q: use one of %s", name, strings.Join(Colormaps(), ", "))
	}
	return table, nil
}

// jet is OpenCV's COLORMAP_JET: straight lines of 4 levels a step.
func jet() *colormap {
	line := func(v int) uint8 { return uint8(min(max(v, 0), 255)) }
	table := new(colormap)
	for i := range table {
		r := min(4*i-382, 1148-4*i)
		g := min(4*i-128, 892-4*i)
		b := min(4*i+128, 638-4*i)
		table[i] = [3]uint8{line(r), line(g), line(b)}
	}
	table[159][2] = 1 // as OpenCV has it; the line would give 2
	return table
}

func gray() *colormap {
	table := new(colormap)
	for i := range table {
		table[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
	return table
}
