package notebook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/gointr/gointr/pkg/picture"
)

// ahead is how many pictures are asked for before the first of them is taken:
// the next is read while one is computed, and a GPU gets several at once.
const ahead = 4

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
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		bar := newBar(len(paths))
		var failed []string
		taken := 0
		for e, err := range m.inOrder(ctx, paths) {
			taken++
			if err != nil {
				failed = append(failed, err.Error())
			}
			bar.set(taken)
			if err == nil && !yield(e) {
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

// inOrder asks for a few pictures at a time and hands out the answers in the
// order of the paths.
func (m *Model) inOrder(ctx context.Context, paths []string) iter.Seq2[*Explanation, error] {
	type answer struct {
		e   *Explanation
		err error
	}
	return func(yield func(*Explanation, error) bool) {
		var asked []chan answer
		for next := 0; next < len(paths) || len(asked) > 0; {
			for ; next < len(paths) && len(asked) < ahead; next++ {
				c, path := make(chan answer, 1), paths[next]
				asked = append(asked, c)
				go func() {
					e, err := m.explain(ctx, path)
					c <- answer{e, err}
				}()
			}
			a := <-asked[0]
			asked = asked[1:]
			if !yield(a.e, a.err) {
				return
			}
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
