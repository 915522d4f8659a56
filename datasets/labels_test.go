package datasets_test

import (
	"fmt"
	"strings"
	"testing"
)

// Folders are the model's classes by name, by number or in their order; some of the classes are enough.
func TestLabels(t *testing.T) {
	birds := []string{"001.Wren", "002.Rook", "003.Owl", "004.Gull"}
	for _, c := range []struct {
		folders string
		classes int
		names   []string
		byOrder bool
		want    string
	}{
		{"001.Wren 002.Rook", 2, nil, false, "order [0 1] [001.Wren 002.Rook]"},
		{"002.Rook 004.Gull", 4, birds, false, "name [1 3] [001.Wren 002.Rook 003.Owl 004.Gull]"},
		{"Gull rook", 4, birds, false, "name [3 1] [001.Wren 002.Rook 003.Owl 004.Gull]"},
		{"002.Rook 004.Gull", 4, nil, false, "number [1 3] [class 0 002.Rook class 2 004.Gull]"},
		{"002.Rook gull", 4, nil, false, "order [0 1] [002.Rook gull class 2 class 3]"},
		{"002.Rook 005.Jay", 4, nil, false, "order [0 1] [002.Rook 005.Jay class 2 class 3]"},
		{"002.Rook 004.Gull", 4, birds, true, "order [0 1] [001.Wren 002.Rook 003.Owl 004.Gull]"},
		{"002.Rook 004.Gull", 4, nil, true, "order [0 1] [002.Rook 004.Gull class 2 class 3]"},
		{"apple banana cherry", 4, birds, false,
			"the folder apple of ROOT has the name of none of the model's 4 classes"},
		{"apple banana cherry", 4, birds, true, "order [0 1 2] [001.Wren 002.Rook 003.Owl 004.Gull]"},
		{"apple banana", 2, []string{"Wren", "Rook"}, false, "(--by-order)"},
		{"Wrens rook x", 3, []string{"Wren", "Rook", "Jay"}, false, "Wrens of ROOT has the name of none"},
		{"Owl Rook Wren", 3, []string{"Owl", "Rook", "Jay"}, false, "name [0 1 2] [Owl Rook Jay]"},
		{"002.Rook Rook", 4, birds, false, "the folders 002.Rook and Rook of ROOT are both the model's class 1"},
		{"a b c", 2, nil, false, "has 3 classes, but the model has 2"},
		{"a b c", 2, nil, true, "has 3 classes, but the model has 2"},
		{"001.Wren 002.Rook", 2, []string{"002.Rook", "001.Wren"}, false,
			"001.Wren is class 1 by the model's names, but class 0 among the folders"},
		// Two classes of one name, which the folders tell apart by their numbers.
		{"001.Wren 002.Wren", 2, []string{"Wren", "Wren"}, false, "name [0 1] [Wren Wren]"},
		{"Wren", 2, []string{"Wren", "Wren"}, false, "has the name of 2 of the model's classes"},
	} {
		root := t.TempDir()
		var files []string
		for _, folder := range strings.Fields(c.folders) {
			files = append(files, "val/"+folder+"/1.jpg")
		}
		labels, err := opened(t, lay(t, root, files...), "val").Labels(c.classes, c.names, c.byOrder)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), root+"/val", "ROOT")
		} else {
			got = fmt.Sprint(labels.By, " ", labels.Index, " ", labels.Names)
			if some := len(labels.Index) < c.classes; labels.Some() != some ||
				strings.Contains(labels.String(), " folders of all ") == some {
				t.Errorf("%s: %s", c.folders, labels)
			}
		}
		if !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s for %d classes named %q: %q, want %q", c.folders, c.classes, c.names, got, c.want)
		}
	}
}
