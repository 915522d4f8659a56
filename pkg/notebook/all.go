package notebook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/gointr/gointr/pkg/picture"
)

// ExplainAll explains every picture of a folder and of the folders in it, in
// the order of their names, with a progress bar below the cell:
//
//	for bird := range model.ExplainAll("photos") {
//		fmt.Println(bird.Numbers.Image, bird.Best().Name)
//	}
//
// Pictures that cannot be read are passed over, and told together at the end,
// which then ends the cell.
func (m *Model) ExplainAll(folder string) iter.Seq[*Explanation] {
	return func(yield func(*Explanation) bool) {
		paths, err := picture.List(folder)
		Check(err)
		bar := newBar(len(paths))
		var failed []string
		taken := 0
		for a, err := range m.m.Answers(context.Background(), paths, true) {
			taken++
			if err != nil {
				failed = append(failed, err.Error())
			}
			bar.set(taken)
			if err == nil && !yield(&Explanation{Numbers: a.Explanation, Took: a.Took, photo: a.Photo, source: m.source()}) {
				bar.end(fmt.Sprintf("%d of %d pictures, then the loop ended", taken, len(paths)))
				return
			}
		}
		bar.end(fmt.Sprintf("%d of %d pictures explained", len(paths)-len(failed), len(paths)))
		if len(failed) > 0 {
			Check(errors.New(together(failed, len(paths))))
		}
	}
}

// together tells of several mistakes in a few words.
func together(failed []string, of int) string {
	const told = 3
	text := fmt.Sprintf("%d of %d pictures could not be explained: %s", len(failed), of, strings.Join(failed[:min(told, len(failed))], "; "))
	if len(failed) > told {
		text += fmt.Sprintf("; and %d more", len(failed)-told)
	}
	return text
}
