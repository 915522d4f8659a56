package notebook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/page/frame"
)

func TestInterpret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "birds")
	o := birds.Defaults
	o.PerClass, o.Seed = 6, 8
	if err := birds.Write(t.Context(), dir, o, func() {}); err != nil {
		t.Fatal(err)
	}
	model := Open("sample", Backend("go"))
	var c *Study
	said := printed(t, func() {
		c = model.Interpret(dir, "collared bunting", func(o *InterpretOptions) { o.TopQ = 3 })
	})
	if !strings.HasPrefix(said, "2 pictures looked at in ") ||
		len(c.Numbers.Pictures) != 2 || len(c.Numbers.Pictures[0].Similar) != 3 {
		t.Errorf("it said %q of %+v", said, c.Numbers.Pictures)
	}
	if got := c.String(); !strings.HasPrefix(got, "Collared Bunting: 2 pictures of val") {
		t.Errorf("it calls itself %q", got)
	}
	for want, f := range map[string]func(){
		"Collared Bunting: 2 pictures of val": func() { c.Show() },
		"Page of Collared Bunting":            func() { c.Explore().Show() },
		"beak":                                func() { c.Heads().Show() },
		"By chance":                           func() { c.Heads().Show() },
		"00001.png":                           func() { c.Pictures().Show() },
	} {
		if got := printed(t, f); !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	c.Save(out)
	c.Sheet().Save(filepath.Join(out, "sheet.png"))
	for _, name := range []string{
		"index.html", "maps.npz", "interpret.csv", "heads.csv", "interpret.json", "sheet.png",
	} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without parts, what the maps themselves say.
	if err := os.Remove(filepath.Join(dir, "parts.csv")); err != nil {
		t.Fatal(err)
	}
	printed(t, func() { c = model.Interpret(dir, "3") })
	got := printed(t, func() { c.Heads().Show() })
	if !strings.Contains(got, "Half of its weight in") || strings.Contains(got, "beak") {
		t.Errorf("the heads are told as %q", got)
	}
	small := filepath.Join(out, "page.html")
	c.Explore().Save(small)
	html, err := os.ReadFile(small)
	if err != nil || !strings.Contains(string(html), "2 pictures") ||
		!strings.HasPrefix(frame.Embed("Page", html), "<template>") {
		t.Errorf("the page: %v", err)
	}
	// Nothing is confused but what was laid into the wrong folder.
	said = printed(t, func() {
		none := model.Confused(dir, 2)
		if none.Numbers == nil {
			none.Show()
			none.Heads().Show().Save(filepath.Join(out, "none.csv"))
		}
	})
	if !strings.Contains(said, "16 pictures") {
		t.Errorf("it said %q", said)
	}
	from := filepath.Join(dir, "val", "004.Collared_Bunting", "00000.png")
	to := filepath.Join(dir, "val", "001.Dagger_billed_Bunting", "00000.png")
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	printed(t, func() { c = model.Confused(dir, 9) })
	found := false
	for _, p := range c.Numbers.Pictures {
		found = found || p.Image == "val/001.Dagger_billed_Bunting/00000.png" &&
			p.Similar[0].Index == 0 && p.Similar[1].Index == p.Predicted.Index
	}
	if !found || !strings.Contains(printed(t, func() { c.Show() }), "What is taken for what") {
		t.Errorf("confused are %+v", c.Numbers.Pictures)
	}
}
