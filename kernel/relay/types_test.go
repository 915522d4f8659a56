package relay

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// somePackages are what a plan says of compiled packages.
func somePackages(t *testing.T) *Types {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "packagefile {{.ImportPath}}={{.Export}}", "fmt",
		"strings", "os", "github.com/gointr/gointr/kernel/relay/testdata/birds")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(map[string]string{"Packages": string(out)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cells.json")
	if err := os.WriteFile(path, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return &Types{Plan: path, GoRoot: strings.TrimSpace(string(root))}
}

// declared is the program of a cell that was run before.
const declared = `package main

import "github.com/gointr/gointr/kernel/relay/testdata/birds"

var wren = birds.Open("wren")

func flies(b *birds.Bird) bool { return true }

func main() {}
`

func TestTypesComplete(t *testing.T) {
	types := somePackages(t)
	for _, c := range []struct {
		code, want string
	}{
		{"wren.", "Age Eggs Name Sing"},
		{"%%\nwren.Si", "Sing"},
		{"wr", "wren"},
		{"fl", "flies float32 float64"},
		{"birds.O", "Open Options"},
		{"wren.Sing(func(o *birds.Options) { o.", "Loud"},
		{"for _, egg := range wren.Eggs() {\n\tfmt.Println(egg.", "Colour"},
		{"egg := wren.Eggs()[0]\negg.Co", "Colour"},
		{"egg := wren.Eggs()[0]\nvar eggs = []int{1}\neg", "egg eggs"},
		{"fmt.Fprintl", "Fprintln"},
		{"var other = birds.", "Bird Egg Open Options"},
		{"wren := 3\nwren.", ""},
		{"func call(b birds.Bird) {\n\tb.N", "Name"},
		{"strings.NewReader(\"a\").Rea", "Read ReadAt ReadByte ReadRune"},
	} {
		found, from := types.complete(c.code, declared)
		if got := strings.Join(found, " "); got != c.want || found == nil || !strings.HasSuffix(c.code, c.code[from:]) {
			t.Errorf("%q: %q, want %q", c.code, got, c.want)
		}
	}
	for _, code := range []string{"unknown.", "wren.Nothing().", "x := "} {
		if found, _ := types.complete(code, declared); len(found) > 0 {
			t.Errorf("%q: %v", code, found)
		}
	}
	if found, _ := types.complete("a := 1\nfor", declared); !slices.Equal(found, []string{"for"}) {
		t.Errorf("the keyword: %v", found)
	}
	var none *Types
	if found, _ := none.complete("fmt.", ""); found != nil {
		t.Errorf("without packages: %v", found)
	}
	if found, _ := (&Types{Plan: filepath.Join(t.TempDir(), "none")}).complete("fmt.", ""); found != nil {
		t.Errorf("without a plan: %v", found)
	}
}

func TestTypesExplain(t *testing.T) {
	types := somePackages(t)
	for _, c := range []struct{ code, word, want string }{
		{"wren.Sing()", "Sing",
			"func (*birds.Bird).Sing(options ...func(*birds.Options)) string\n\nSing is what it sings."},
		{"birds.Open(\"wren\")", "Open", "func birds.Open(name string) *birds.Bird\n\nOpen finds a bird."},
		{"wren.Age", "Age", "field Age int\n\nin years"},
		{"fmt.Println(1)", "Println", "func fmt.Println(a ...any) (n int, err error)\n\nPrintln formats using"},
		{"fmt.Println(1)", "fmt", "package fmt (fmt)\n\nPackage fmt implements formatted I/O"},
		{"flies(wren)", "wren", "var wren *birds.Bird"},
		{"o := birds.Options{}\no.Loud = true", "Loud", "field Loud bool\n\nLoud is heard afar."},
	} {
		got := types.explain(c.code, strings.LastIndex(c.code, c.word)+1, declared)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s in %q: %q, want %q", c.word, c.code, got, c.want)
		}
	}
	if got := types.explain("wren.Sing(1 + 1)", 12, declared); got != "" {
		t.Errorf("a plus: %q", got)
	}
}
