package intr

import "github.com/gointr/gointr/pkg/attention"

// Compare is what a picture is told of its likeness.
func Compare(l *Likeness, e *attention.Explanation) *attention.Likeness { return l.of(e) }
