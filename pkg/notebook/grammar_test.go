package notebook

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What can be shown can be saved, and both give it back.
func TestGrammar(t *testing.T) {
	for _, thing := range []any{
		&Figure{}, &Table{}, &Page{}, &Photo{}, &Explanation{},
		&Evaluation{}, &FieldGuide{}, &Faithfulness{}, &Study{}, &Run{},
	} {
		kind := reflect.TypeOf(thing)
		for name, arguments := range map[string]int{"Show": 1, "Save": 2} { // the receiver is one
			m, ok := kind.MethodByName(name)
			if !ok || m.Type.NumIn() != arguments || m.Type.NumOut() != 1 || m.Type.Out(0) != kind {
				t.Errorf("%v.%s is %v", kind, name, m.Type)
			}
		}
		for i := range kind.NumMethod() {
			if m := kind.Method(i); m.Type.NumOut() != 1 {
				t.Errorf("%v.%s gives %d things", kind, m.Name, m.Type.NumOut())
			}
		}
	}
}

func TestTable(t *testing.T) {
	var table *Table
	if said := printed(t, func() {
		table = newTable([]string{"", "Class", "Logit"}, [][]string{{"1", "Rook", "-0.50"}, {"2", "<b>, 3", "–"}})
	}); said != "" {
		t.Errorf("making it said %q", said)
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	const want = "   Class   Logit\n1  Rook    -0.50\n2  <b>, 3  –\n"
	if said := printed(t, func() { table.Show().Save(path) }); said != want {
		t.Errorf("it is shown as %q", said)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != ",Class,Logit\n1,Rook,-0.50\n2,\"<b>, 3\",–\n" {
		t.Errorf("it is saved as %q (%v)", data, err)
	}
	html := table.forms()["text/html"].(string)
	for _, want := range []string{
		`<th dir="auto" style="text-align:left">Class</th><th dir="auto" style="text-align:right">Logit</th>`,
		`<td dir="auto" style="text-align:right">2</td><td dir="auto" style="text-align:left">&lt;b&gt;, 3</td>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is not in %s", want, html)
		}
	}
}
