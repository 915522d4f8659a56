package fieldguide_test

import (
	"context"
	"os"
	"testing"

	"github.com/gointr/gointr/datasets/birds"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/intr"
)

// Judged as a naturalist would: for how many species does the guide of the shipped
// checkpoint show the part that was drawn different? The birds are unseen: another
// seed than that of the training set draws other scenes.
func TestShowsWhatDiffers(t *testing.T) {
	dir := t.TempDir()
	err := birds.Write(context.Background(), dir, birds.Options{Classes: 8, PerClass: 20, Size: 160, Seed: 2026},
		func() {})
	if err != nil {
		t.Fatal(err)
	}
	m, err := intr.Open(t.Context(), "sample", intr.Backend(os.Getenv("GOINTR_TEST_BACKEND")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g, err := fieldguide.Make(t.Context(), m, dir, fieldguide.Options{Split: "train"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range g.Species {
		t.Logf("%s, told by its %s: %s", s.Name, birds.At(s.Index).Telling, s.Says)
	}
	drawn, ok := g.Judge()
	if !ok || drawn.Of != 8 {
		t.Fatalf("judged %+v", drawn)
	}
	t.Logf("the first head is most often on the part that was drawn different in %d of 8 species, on any part that "+
		"differs from the look-alike in %d", drawn.Telling, drawn.Shown)
	// Five other sets of unseen birds had 7 or 8.
	if drawn.Telling < 7 {
		t.Errorf("only %d of 8", drawn.Telling)
	}
}

// A guide that shows other parts is not judged good.
func TestJudge(t *testing.T) {
	head := func(part string) []fieldguide.Head {
		return []fieldguide.Head{{Parts: []fieldguide.Share{{Part: part, Hits: 3, Of: 4}}}}
	}
	class := func(index, like int, part string) fieldguide.Species {
		return fieldguide.Species{Index: index, Name: birds.At(index).Class(), LookAlike: like, Heads: head(part)}
	}
	g := fieldguide.Guide{About: fieldguide.About{Classes: 8}, Species: []fieldguide.Species{
		class(0, 1, "beak"),  // the telling part
		class(1, 6, "crest"), // the part of the look-alike
		class(2, 3, "beak"),  // neither
		class(4, 5, "tail"),
		{Index: 5, Name: birds.At(5).Class()}, // nothing recognised
	}}
	if got, ok := g.Judge(); !ok || got != (fieldguide.Drawn{Of: 5, Telling: 2, Shown: 3}) {
		t.Errorf("judged %+v", got)
	}
	g.Species[0].Name = "001.Wren"
	if _, ok := g.Judge(); ok {
		t.Error("a wren was taken for a drawn bird")
	}
}
