package shared

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The floors that docs/architecture.md draws are those of the code: every room is
// on one, and imports rooms of lower floors only.
func TestHouse(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Root(), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	floors := map[string]int{}
	for _, line := range regexp.MustCompile(`(?m)^    ([0-9])  (\S+(?: · \S+)*)`).
		FindAllStringSubmatch(string(text), -1) {
		floor, _ := strconv.Atoi(line[1])
		for _, room := range strings.Split(line[2], " · ") {
			floors[room] = floor
		}
	}
	const module = "github.com/gointr/gointr/"
	room := func(pkg string) string {
		parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(pkg, module), "pkg/"), "/")
		if parts[0] == "internal" {
			return path.Join(parts[:2]...)
		}
		return parts[0]
	}
	list := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	list.Dir = Root()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := room(words[0])
		seen[from] = true
		if _, ok := floors[from]; !ok {
			t.Errorf("%s is on no floor", from)
		}
		for _, imported := range words[1:] {
			if to := room(imported); strings.HasPrefix(imported, module) && to != from && floors[to] >= floors[from] {
				t.Errorf("%s on floor %d imports %s on floor %d", words[0], floors[from], imported, floors[to])
			}
		}
	}
	for room := range floors {
		if !seen[room] {
			t.Errorf("there is no %s", room)
		}
	}
}
