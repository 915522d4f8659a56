package attention

import "fmt"

// Likeness says how like the pictures that a model was trained on one picture is.
// docs/faithful.md has how it is measured and how often it errs.
type Likeness struct {
	// P is a conformal p-value: the share of held-out pictures of the training's dataset
	// that are as unlike the training's at least, the picture itself counted with them.
	P float64 `json:"p"`
	// Level is the share of pictures of the training's kind that are called unlike by
	// mistake.
	Level  float64 `json:"level"`
	Unlike bool    `json:"unlike"` // P is at most Level
}

// Warning is what people are told of a picture that is unlike the training's; "" of one that is not, and where nothing
// is known (nil).
func (l *Likeness) Warning() string {
	if l == nil || !l.Unlike {
		return ""
	}
	return fmt.Sprintf("unlike the pictures that it was trained on (p = %.2g)", l.P)
}
