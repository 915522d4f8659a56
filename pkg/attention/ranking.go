package attention

import "fmt"

// Ranking is what a model says of one picture without the maps, in the form
// that is written as JSON.
type Ranking struct {
	Image  string    `json:"image"`
	Input  [2]int    `json:"input"` // height and width as the network saw it
	Top    []Class   `json:"top"`
	Logits []float32 `json:"logits,omitempty"`

	Likeness *Likeness `json:"likeness,omitempty"`
}

// Ranking is the n best classes (all when n < 0), with every logit if wanted.
func (e *Explanation) Ranking(n int, logits bool) Ranking {
	r := Ranking{Image: e.Image, Input: [2]int{e.InputHeight, e.InputWidth}, Top: e.Top(n), Likeness: e.Likeness}
	if logits {
		r.Logits = e.Logits
	}
	return r
}

// Similar is the q classes with the highest logits, best first: the classes
// that the picture resembles most. As in the published interpretation script
// (tools/visualization.py) the true class takes the last place when it is not
// among them; truth < 0 means that it is not known.
func (e *Explanation) Similar(q, truth int) ([]Class, error) {
	switch {
	case q < 1:
		return nil, fmt.Errorf("at least 1 similar class must be asked for, not %d", q)
	case truth >= e.Classes():
		return nil, fmt.Errorf("class %d does not exist: this model has classes 0 to %d", truth, e.Classes()-1)
	}
	all := e.Top(-1)
	similar := all[:min(q, len(all))]
	if truth < 0 {
		return similar, nil
	}
	for place, class := range all {
		if class.Index == truth && place >= len(similar) {
			similar[len(similar)-1] = class
		}
	}
	return similar, nil
}
