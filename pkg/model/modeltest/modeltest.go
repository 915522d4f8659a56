// Package modeltest makes a function a model.Model, for tests.
package modeltest

import (
	"context"
	"iter"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/model"
	"github.com/gointr/gointr/pkg/picture"
)

// Model answers by a function.
type Model struct {
	It     model.About
	Answer func(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error)
}

var _ model.Model = Model{}

// About is It.
func (m Model) About() model.About { return m.It }

// Explain is Answer.
func (m Model) Explain(ctx context.Context, image string, p *picture.Picture) (*attention.Explanation, error) {
	return m.Answer(ctx, image, p)
}

// Each answers picture by picture.
func (m Model) Each(ctx context.Context, paths []string) iter.Seq2[*attention.Explanation, error] {
	return func(yield func(*attention.Explanation, error) bool) {
		for _, path := range paths {
			var e *attention.Explanation
			p, _, err := m.It.Read(path)
			if err == nil {
				e, err = m.Answer(ctx, path, p)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
