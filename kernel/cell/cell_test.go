package cell

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, code, want, quiet string }{
		{"declarations stay", "import \"fmt\"\nvar x = 3\nfunc f() int { return x }", "", ""},
		{"GoNB's own", "import \"fmt\"\n%%\nfmt.Println(1)\n2", "", ""},
		{"a program of one's own", "func main() { println(1) }", "", ""},
		{"a shell's", "%%bash\nls | wc", "", ""},
		{"a file", "%%writefile a.txt\nx := 1", "", ""},
		{"special lines alone", "!ls\n%cd /tmp", "", ""},
		{"a literal as function", "func() {}()", "%%\nfunc() {}()", ""},
		{"statements", "x := 1\nfmt.Println(x)", "%%\nx := 1\nfmt.Println(x)", ""},
		{"what shows itself", "bird.Top(3).Show()", "%%\nbird.Top(3).Show()", ""},
		{"declarations first", "x := twice(2)\nfmt.Println(x)\nfunc twice(n int) int { return 2 * n }\nimport \"fmt\"",
			"import \"fmt\"\nfunc twice(n int) int { return 2 * n }\n%%\nx := twice(2)\nfmt.Println(x)", ""},
		{"a variable of a value is one", "x := 1\nvar y = x + 1\nfmt.Println(y)",
			"%%\nx := 1\nvar y = x + 1\nfmt.Println(y)", ""},
		{"a variable beside values of such names in text",
			"var (\n\tf = g(\"birds\") // n\n)\nbirds, n := 1, 2\nfmt.Println(birds, n)",
			"var (\n\tf = g(\"birds\") // n\n)\n%%\nbirds, n := 1, 2\nfmt.Println(birds, n)", ""},
		{"nor of fields", "var f = os.n\nn := 1\nfmt.Println(n)", "var f = os.n\n%%\nn := 1\nfmt.Println(n)", ""},
		{"a training shows itself", "model.FineTune(\"a\", \"b\")", "%%\nmodel.FineTune(\"a\", \"b\")", ""},
		{"special lines first", "x := 1\n%env A=b\nfmt.Println(x)", "%env A b\n%%\nx := 1\nfmt.Println(x)", ""},
		{"a last expression", "x := 1\nx + 1",
			valuePackage + "\n%%\nx := 1\ngointrvalue.Show(\nx + 1,\n)", "%%\nx := 1\nx + 1"},
		{"of several lines", "f(\n  1,\n)", valuePackage + "\n%%\ngointrvalue.Show(\nf(\n  1,\n),\n)",
			"%%\nf(\n  1,\n)"},
		{"one line", "x := 1; x", "%%\nx := 1; x", ""},
		{"a comment behind", "x := 1\nx // shown", valuePackage + "\n%%\nx := 1\ngointrvalue.Show(\nx,\n)",
			"%%\nx := 1\nx"},
		{"text with what looks like more", "s := `\nimport \"x\"`\nfmt.Println(s)",
			"%%\ns := `\nimport \"x\"`\nfmt.Println(s)", ""},
		{"generics and methods",
			"type T[V any] struct{ v V }\nfunc (t T[V]) Get() V { return t.v }\nt := T[int]{3}\nt.Get()",
			valuePackage +
				"\ntype T[V any] struct{ v V }\nfunc (t T[V]) Get() V { return t.v }\n%%\nt := T[int]{3}\n" +
				"gointrvalue.Show(\nt.Get(),\n)",
			"type T[V any] struct{ v V }\nfunc (t T[V]) Get() V { return t.v }\n%%\nt := T[int]{3}\nt.Get()"},
		{"init is a function", "func init() { println(1) }", "", ""},
		{"empty", "", "", ""},
		{"a comment", "// nothing", "", ""},
	} {
		got, err := Read(c.code)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := c.want
		if want == "" {
			want = c.code
		}
		if got.Go != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got.Go, want)
		}
		if quiet := got.Quiet; (quiet != nil) != (c.quiet != "") || quiet != nil && quiet.Go != c.quiet {
			t.Errorf("%s: quiet is %+v, want %q", c.name, quiet, c.quiet)
		}
		for _, g := range []*Cell{got, got.Quiet} {
			if g == nil {
				continue
			}
			for i, line := range strings.Split(g.Go, "\n") {
				written := strings.Split(g.Code, "\n")[g.Line(i+1)-1]
				if text := strings.TrimSuffix(strings.TrimSpace(line), ","); !added[text] && !strings.Contains(line,
					"%env") &&
					!strings.Contains(written, text) {
					t.Errorf("%s: line %q is said to be %q", c.name, line, written)
				}
			}
		}
	}
}

var added = map[string]bool{"%%": true, "gointrvalue.Show(": true, ")": true, valuePackage: true, "": true}

func TestCursor(t *testing.T) {
	code := "x := 1\nimport \"fmt\"\nfmt.Pri"
	c := Inside(code)
	at, ok := c.Cursor(len(code))
	if !ok || !strings.HasSuffix(c.Go[:at], "\nfmt.Pri") {
		t.Errorf("the cursor is at %q, %v", c.Go[:at], ok)
	}
	if c := Inside("bird := model.\nbird.Show()"); !strings.Contains(c.Go, "%%\nbird := model.") {
		t.Errorf("unfinished: %q", c.Go)
	}
}

// The sentences that a test in notebooks/tests sees from the compiler itself are here put to its known words.
func TestExplain(t *testing.T) {
	var n Notebook
	n.Exported = func(name string) []string {
		return map[string][]string{"notebook": {"Open", "Picture"}, "notebook.Model": {"Explain"},
			"fmt": {"Println"}}[name]
	}
	earlier, err := Read("bird := model.Explain(photo)\nbird.Show()")
	if err != nil {
		t.Fatal(err)
	}
	earlier.Number = 3
	n.Ran(earlier)
	below, err := Read("var model = 1\n%%\nfish := 2\nfmt.Println(fish)")
	if err != nil {
		t.Fatal(err)
	}
	below.Number = 4
	n.Ran(below)
	for said, want := range map[string]string{
		"undefined: bird": "" +
			"bird was made in cell 3 and is gone: every cell is a program of its own; var bird = … keeps it, or " +
			"make it again here",
		"undefined: fish": "" +
			"fish was made below %% in cell 4 and is gone: every cell is a program of its own; declare it above " +
			"%%, or make it again here",
		"undefined: modle": "modle is not known: did you mean model?",
		"undefined: zebra": "" +
			"zebra is not known here: declare it, or import the package it is from",
		"undefined: True":                           "True is written true in Go",
		"undefined: notebook.Opne":                  "notebook has no Opne: did you mean notebook.Open?",
		"undefined: fmt.println (but have Println)": "a package's names begin with a capital letter: fmt.Println",
		"model.Explan undefined (type *notebook.Model has no field or method Explan)": "" +
			"model has no Explan: did you mean " +
			"model.Explain?",
		"f (value of type int) is not used": "" +
			"f is a value alone: give it a name, return it, or fmt.Println it (only that of a " +
			"last line is shown)",
		`cannot use 3 (untyped int constant) as string value in argument to strings.Repeat`: "" +
			"3 is a number (int), and " +
			"strings.Repeat takes text (string)",
		"what nobody foresaw": "what nobody foresaw",
	} {
		c, err := Read("something()")
		if err != nil {
			t.Fatal(err)
		}
		got := n.Explain(c, []Fault{{Line: 1, Message: said}, {Line: 1, Message: said}})
		if len(got) != 1 || got[0].Means != want {
			t.Errorf("%q is %v, want once %q", said, got, want)
		}
	}
}

func TestMistakePointsAtTheWord(t *testing.T) {
	var n Notebook
	c, err := Read("x:=1\nfmt.Println( x,y )")
	if err != nil {
		t.Fatal(err)
	}
	got := n.Explain(c, []Fault{{Line: 3, Near: "\tfmt.Println(x, y)", Col: 17, Message: "undefined: y"}})
	want := "line 2: y is not known here: declare it, or import the package it is from\n" +
		"    fmt.Println( x,y )\n" +
		"                   ^ undefined: y"
	if len(got) != 1 || got[0].String() != want {
		t.Errorf("%v, want\n%s", got, want)
	}
}

func TestPanic(t *testing.T) {
	for said, want := range map[string]string{
		"panic: runtime error: index out of range [5] with length 3": "" +
			"index 5 is asked of a list of 3: the first is 0, the last " +
			"len(x)-1",
		"panic: runtime error: slice bounds out of range [:5] with capacity 3": "" +
			"the part [:5] is outside of the list or text (3)",
		"panic: assignment to entry in nil map": "" +
			"a map is written to that was not made: x := map[string]int{}",
		"fatal error: all goroutines are asleep - deadlock!": "" +
			"the cell waits for something that never comes",
		"panic: no more": "no more",
	} {
		if got := Panic(said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

// Cells of the repository's notebooks and GoNB's own kinds are read without a mistake, and left as they are where they
// have %% or declarations alone.
func TestNotebooksStayAsTheyAre(t *testing.T) {
	cells := cellsOf(t, filepath.Join("..", "..", "notebooks"))
	if len(cells) < 20 {
		t.Fatalf("%d cells only", len(cells))
	}
	for _, code := range cells {
		c, err := Read(code)
		if err != nil {
			t.Errorf("%v in\n%s", err, code)
		} else if strings.Contains(code, "%%") && c.Go != code {
			t.Errorf("changed:\n%s", code)
		}
	}
}

func cellsOf(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	var cells []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, codeOf(t, data)...)
	}
	return cells
}

func FuzzRead(f *testing.F) {
	for _, code := range []string{"x := 1\nx", "%%\nx", "for {", "\"", "`", "}{", "import", "%env A=b\n!ls \\\n more",
		"f(func() {"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		c, err := Read(code)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("a mistake without a sentence")
			}
			return
		}
		for i := range strings.Split(c.Go, "\n") {
			if line := c.Line(i + 1); line < 1 || line > strings.Count(code, "\n")+1 {
				t.Fatalf("line %d of Go is said to be %d", i+1, line)
			}
		}
		inside := Inside(code)
		for at := 0; at <= len(code); at += 1 + len(code)/20 {
			if where, ok := inside.Cursor(at); ok && (where < 0 || where > len(inside.Go)) {
				t.Fatalf("cursor %d is at %d", at, where)
			}
		}
	})
}

func codeOf(t *testing.T, data []byte) []string {
	t.Helper()
	var page struct {
		Cells []struct {
			Kind   string   `json:"cell_type"`
			Source []string `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		t.Fatal(err)
	}
	var cells []string
	for _, c := range page.Cells {
		if c.Kind == "code" {
			cells = append(cells, strings.Join(c.Source, ""))
		}
	}
	return cells
}
