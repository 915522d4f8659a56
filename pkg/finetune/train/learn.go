package train

import (
	"math"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/internal/parallel"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/intr"
)

// On processors a step is intr.Learner's gradients, picture by picture, and AdamW in
// place. The numbers are those of the graphs up to rounding.

// learnable says whether processors can make the steps that are asked for.
func learnable(s finetune.Settings) bool {
	return !s.TrainBatchNorm && !s.BFloat16 && !s.Recompute && s.Devices == 1
}

func (t *Trainer) newLearner() (*intr.Learner, error) {
	var keys []string
	for _, p := range t.params {
		keys = append(keys, p.Key)
	}
	return t.model.NewLearner(keys)
}

// learn is Trainer.gradients: loss, right answers and the squared norms of gradients,
// which it adds up in the learner.
func (t *Trainer) learn(b *Batch) [][]float32 {
	if t.batches == 0 {
		t.learner.Clear()
	}
	loss, correct, share := 0.0, make([]float32, 2), 1/float64(len(b.Classes)*t.settings.Accumulate)
	key := t.key()
	for i, class := range b.Classes {
		t.learner.Learn(b.Input, i, t.settings.Dropout, key, func(logits []float32) []float32 {
			entropy, slopes := softmaxEntropy(logits, class, t.settings.LabelSmoothing)
			loss += entropy * share
			for k, most := range []int{1, 5} {
				if place(logits, class) < most {
					correct[k]++
				}
			}
			for k := range slopes {
				slopes[k] *= float32(share)
			}
			return slopes
		})
	}
	squares := make([]float32, len(t.params))
	parallel.Each(len(t.params), func(i int) {
		sum := 0.0
		for _, v := range t.learner.Gradient(t.params[i].Key) {
			sum += float64(v) * float64(v)
		}
		squares[i] = float32(sum)
	})
	return [][]float32{{float32(loss)}, correct, squares}
}

// answer gives the mean loss of a batch and its logits [pictures, classes].
func (t *Trainer) answer(b *Batch) [][]float32 {
	loss, all := 0.0, []float32{}
	for i, class := range b.Classes {
		logits := t.learner.Logits(b.Input, i)
		entropy, _ := softmaxEntropy(logits, class, 0)
		loss += entropy / float64(len(b.Classes))
		all = append(all, logits...)
	}
	return [][]float32{{float32(loss)}, all}
}

// softmaxEntropy is the cross-entropy of one picture's logits, and its gradient of
// these.
func softmaxEntropy(logits []float32, class int, smoothing float64) (loss float64, slopes []float32) {
	most := float32(math.Inf(-1))
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - most))
	}
	slopes = make([]float32, len(logits))
	for i, v := range logits {
		target := smoothing / float64(len(logits))
		if i == class {
			target += 1 - smoothing
		}
		log := float64(v-most) - math.Log(sum)
		if target > 0 {
			loss -= target * log
		}
		slopes[i] = float32(math.Exp(log) - target)
	}
	return loss, slopes
}

// place is the class's among the logits, from 0: of equal ones the first counts, as
// torch.topk has it.
func place(logits []float32, class int) (before int) {
	for i, v := range logits {
		if v > logits[class] || v == logits[class] && i < class {
			before++
		}
	}
	return before
}

// update is adamW in place, for all trained tensors; numbers are what it is given.
func (t *Trainer) update(numbers []float32) error {
	const some = 1 << 16
	type piece struct {
		weights, mean, square, gradient []float32
		rate, keep                      float32
	}
	var pieces []piece
	for _, p := range t.params {
		mean, square := t.moments(p)
		var flat [3][]float32
		for i, v := range []*model.Variable{t.variable(p.Key), mean, square} {
			value, err := v.Value()
			if err == nil {
				err = value.MutableFlatData(func(values any) { flat[i] = values.([]float32) })
			}
			if err != nil {
				return err
			}
		}
		gradient := t.learner.Gradient(p.Key)
		for at := 0; at < len(gradient); at += some {
			end := min(len(gradient), at+some)
			pieces = append(pieces, piece{flat[0][at:end], flat[1][at:end], flat[2][at:end], gradient[at:end],
				numbers[2+2*p.group], numbers[3+2*p.group]})
		}
	}
	clip, root := numbers[0], numbers[1]
	parallel.Each(len(pieces), func(i int) {
		p := pieces[i]
		weights, mean, square := p.weights, p.mean[:len(p.weights)], p.square[:len(p.weights)]
		for i, g := range p.gradient[:len(weights)] {
			g *= clip
			mean[i] += (g - mean[i]) * (1 - beta1)
			square[i] = square[i]*beta2 + g*g*(1-beta2)
			deviation := float32(math.Sqrt(float64(square[i])))/root + eps
			weights[i] = weights[i]*p.keep - p.rate*(mean[i]/deviation)
		}
	})
	return t.learner.Changed()
}
