package datasets_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/shared"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "classes.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadClasses(t *testing.T) {
	birds := []string{"001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"}
	plain := []string{"Albatross", "Painted Bunting", "Épervier"}
	fish := []string{"3 spined stickleback"}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"CUB": {"1 001.Black_footed_Albatross\n2 002.Laysan_Albatross\n3 003.Sooty_Albatross\n",
			birds},
		"CUB in another order": {"3 003.Sooty_Albatross\n1 001.Black_footed_Albatross\n2 002.Laysan_Albatross",
			birds},
		"CUB from 0": {"0 001.Black_footed_Albatross\n1 002.Laysan_Albatross\n2 003.Sooty_Albatross\n",
			birds},
		"CUB with tabs, CRLF, BOM": {"\ufeff1\t001.Black_footed_Albatross\r\n2\t002.Laysan_Albatross\r\n" +
			"3\t003.Sooty_Albatross\r\n", birds},
		"CUB with blank lines": {"\n1 001.Black_footed_Albatross\n\n2 002.Laysan_Albatross\n 3  " +
			"003.Sooty_Albatross \n\n", birds},
		"CUB with zeros before": {"001 001.Black_footed_Albatross\n002 002.Laysan_Albatross\n003 " +
			"003.Sooty_Albatross\n", birds},
		"CUB of one class":       {"1 Painted Bunting", []string{"Painted Bunting"}},
		"a name a line":          {"Albatross\nPainted Bunting\nÉpervier\n", plain},
		"no line end at the end": {"Albatross\nPainted Bunting\nÉpervier", plain},
		"CRLF and BOM":           {"\ufeffAlbatross\r\nPainted Bunting\r\nÉpervier\r\n\r\n", plain},
		"line ends of old Macs":  {"Albatross\rPainted Bunting\rÉpervier\r", plain},
		"one name with a number": {"3 spined stickleback\n", fish},
		"names with numbers": {"3 spined stickleback\n9 spined stickleback\n15 spined stickleback\n",
			[]string{"3 spined stickleback", "9 spined stickleback", "15 spined stickleback"}},
		"two ladybirds": {"2 spot ladybird\n7 spot ladybird",
			[]string{"2 spot ladybird", "7 spot ladybird"}},
		"models of cars": {"1 Series\n2 Series\n3 Series\n4 Coupé\n5 Series",
			[]string{"1 Series", "2 Series", "3 Series", "4 Coupé", "5 Series"}},
		"JSON, blanks": {`["Wren ", "Wren"]`, []string{"Wren ", "Wren"}},
		"a number among names": {"Albatross\n3 spined stickleback\nBunting",
			[]string{"Albatross", "3 spined stickleback", "Bunting"}},
		"digits as names": {"0\n1\n2\n3\n", []string{"0", "1", "2", "3"}},
		"ImageFolder's CUB names": {"001.Black_footed_Albatross\n002.Laysan_Albatross\n003.Sooty_Albatross\n",
			birds},
		"JSON list": {`["Albatross", "Painted Bunting", "Épervier"]`, plain},
		"JSON list, BOM, CRLF": {"\ufeff\r\n[\r\n\"Albatross\",\r\n\"Painted Bunting\", \"\\u00c9pervier\"]\r\n",
			plain},
		"JSON number to name":        {`{"2": "Épervier", "0": "Albatross", "1": "Painted Bunting"}`, plain},
		"JSON name to number":        {`{"Épervier": 2, "Albatross": 0, "Painted Bunting": 1}`, plain},
		"JSON from 1":                {`{"Épervier": 3, "Albatross": 1, "Painted Bunting": 2}`, plain},
		"JSON with digits for names": {`{"10": 0, "11": 1}`, []string{"10", "11"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := datasets.ReadClasses(write(t, c.text))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// lines numbers n names as CUB does, with some lines changed.
func cub(n int, changed map[int]string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if line, ok := changed[i]; ok {
			b.WriteString(line + "\n")
		} else {
			fmt.Fprintf(&b, "%d %03d.Bird\n", i, i)
		}
	}
	return b.String()
}

func TestReadClassesErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"empty":                 {"", "is empty"},
		"same name twice":       {"unknown\nwren\nunknown", `classes 0 and 2 are both called "unknown"`},
		"same name twice, JSON": {`["a", "b", "b"]`, `classes 1 and 2 are both called "b"`},
		"blank":                 {"\ufeff \r\n\t\n", "is empty"},
		"double number": {cub(200, map[int]string{57: "56 056.Bird"}),
			"line 57 has the number 56 again, after line 56"},
		"double number, small":   {"1 a\n1 b", "line 2 has the number 1 again"},
		"gap":                    {cub(200, map[int]string{57: "201 057.Bird"}), "no class has the number 57"},
		"gap, small":             {"1 a\n3 b", "no class has the number 2"},
		"first line missing":     {strings.TrimPrefix(cub(200, nil), "1 001.Bird\n"), "no class has the number 1"},
		"a line without number":  {cub(200, map[int]string{57: "057.Bird"}), "line 57 has no number"},
		"a number without name":  {cub(200, map[int]string{57: "57 "}), "line 57 has no number and name"},
		"blank line among names": {"Albatross\n\nBunting\n", "line 2 is empty"},
		"blank line first":       {"\nAlbatross\n", "line 1 is empty"},
		"binary":                 {"PK\x03\x04\x00\x00", "not a list of names: line 1"},
		"PNG":                    {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a list of names"},
		"Latin-1":                {"Albatross\nBunting\n\xc9pervier\n", "not UTF-8 text at line 3"},
		"UTF-16":                 {"\xff\xfeA\x00l\x00", "UTF-16"},
		"escape sequence":        {"Albatross\n\x1b[31mBunting\n", "line 2 has bytes"},
		"huge":                   {strings.Repeat("Albatross\n", 2<<20), "larger than 16 MB"},
		"JSON cut off":           {"[\n\"Albatross\",\n\"Bunt", "the JSON ends too early"},
		"JSON cut after a name":  {`["Albatross"`, "the JSON ends too early"},
		"JSON with a mistake":    {"[\n\"Albatross\",\nBunting]", "line 3 is not valid JSON"},
		"JSON without a comma":   {"[\"a\"\n \"b\"]", "line 2 is not valid JSON"},
		"JSON with bare keys":    {"{\na: 1}", "line 2 is not valid JSON"},
		"JSON, two values":       {`["a"] ["b"]`, "more after the end"},
		"JSON, empty list":       {`[]`, "the list is empty"},
		"JSON, empty object":     {`{}`, "the list is empty"},
		"JSON, number in list":   {"[\"a\",\n7]", "line 2: entry 1"},
		"JSON, list in list":     {`[["n01440764", "tench"]]`, "entry 0"},
		"JSON, null name":        {`{"0": null}`, `"0" has neither`},
		"JSON, object in object": {`{"id2label": {"0": "a"}}`, `"id2label" has neither`},
		"JSON, no number":        {`{"zero": "a"}`, `"zero" is not the number`},
		"JSON, negative":         {`{"a": -1}`, `"-1" is not the number`},
		"JSON, fraction":         {`{"a": 0.5}`, `"0.5" is not the number`},
		"JSON, enormous":         {`{"a": 99999999999999999999}`, "is not the number"},
		"JSON, double number":    {"{\"0\": \"a\",\n\"0\": \"b\"}", "line 2 has the number 0 again"},
		"JSON, double name":      {"{\"a\": 0,\n\"a\": 1}", `line 2 names "a" again`},
		"JSON, gap":              {`{"0": "a", "2": "b"}`, "no class has the number 1"},
		"JSON, both ways":        {`{"0": "a", "b": 1}`, "do all in one way"},
		"JSON, empty name":       {`["a", " "]`, `" " is not a name`},
		"JSON, control":          {`["a\u001b[31m"]`, "is not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			got, err := datasets.ReadClasses(path)
			sentence(t, err, path, c.want)
			if got != nil {
				t.Errorf("names came with the error: %.100q", got)
			}
		})
	}
}

func TestPublishedClassFile(t *testing.T) {
	names, err := datasets.ReadClasses(filepath.Join(shared.Dir(t), "images", "classes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 200 || names[0] != "001.Black_footed_Albatross" || names[199] != "200.Common_Yellowthroat" {
		t.Errorf("%d names from %q to %q", len(names), names[0], names[len(names)-1])
	}
}

func TestReadClassesPath(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.txt")
	_, err := datasets.ReadClasses(missing)
	sentence(t, err, missing, "there is no class file")
	_, err = datasets.ReadClasses(dir)
	sentence(t, err, dir, "is a directory")
	below := filepath.Join(write(t, "Albatross"), "below.txt")
	_, err = datasets.ReadClasses(below)
	sentence(t, err, below, "could not be opened")
}

// sentence checks that an error is one line that names the path.
func sentence(t *testing.T, err error, path, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if s := err.Error(); !strings.Contains(s, want) || !strings.Contains(s, path) ||
		strings.ContainsAny(s, "\n\r\x1b") || len(s) > 400 {
		t.Errorf("got %q, want one sentence with %q and the path", s, want)
	}
}

func FuzzReadClasses(f *testing.F) {
	for _, s := range []string{"1 a\n2 b", "a\nb", `["a"]`, `{"0":"a"}`, `{"a":0}`, "\xff\xfe", "{", "[1",
		`{"a":[`, "\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := datasets.ReadClasses(write(t, text))
		if (err == nil) != (len(names) > 0) {
			t.Fatalf("%d names, error %v", len(names), err)
		}
		for _, name := range names {
			if strings.TrimSpace(name) == "" || strings.ContainsAny(name, "\n\r\x00\x1b") {
				t.Errorf("%q is no name", name)
			}
		}
	})
}
