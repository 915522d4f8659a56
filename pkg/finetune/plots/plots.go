// Package plots draws how a training went.
package plots

import (
	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/figure"
	"github.com/gointr/gointr/pkg/finetune"
)

// Curves is how a training went, by its log (chart.Curves).
func Curves(lines []finetune.Line) (*figure.Plot, error) {
	epochs := make([]chart.Epoch, len(lines))
	for i, l := range lines {
		epochs[i] = chart.Epoch{Epoch: l.Epoch, TrainLoss: l.TrainLoss, TestLoss: l.TestLoss, TestAcc1: l.TestAcc1,
			TestAcc5: l.TestAcc5, LR: l.TrainLR}
	}
	return chart.Curves(epochs)
}
