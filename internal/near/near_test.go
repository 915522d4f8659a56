package near

import (
	"fmt"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"sample", "cub", "bird", "butterfly", "detr-r50"}
	for wrong, want := range map[string]string{
		"cubs": "cub", "buterfly": "butterfly", "Bird": "bird", "birb": "bird", "detr": "detr-r50", "smaple": "sample",
		"dog": "", "x": "", "": "", "cb": "cub",
	} {
		if got := Name(wrong, names); got != want {
			t.Errorf("%q is taken for %q, want %q", wrong, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	names := []string{"Plumed Bunting", "Crested Bunting", "Robin", "Ärmelkanal"}
	for wrong, want := range map[string]string{
		"Plumed Buntin": "[Plumed Bunting]",
		"bunting":       "[Plumed Bunting Crested Bunting]",
		"Robim":         "[Robin]",
		"Armelkanal":    "[Ärmelkanal]",
		"Dodo":          "[]",
	} {
		if got := fmt.Sprint(Names(wrong, names, 3)); got != want {
			t.Errorf("%q is taken for %v, want %v", wrong, got, want)
		}
	}
}
