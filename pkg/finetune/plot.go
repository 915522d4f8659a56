package finetune

import (
	"github.com/gointr/gointr/pkg/chart"
	"github.com/gointr/gointr/pkg/figure"
)

// PlotCurves is how a training went, by its log (chart.Curves).
func PlotCurves(lines []Line) (*figure.Plot, error) {
	epochs := make([]chart.Epoch, len(lines))
	for i, l := range lines {
		epochs[i] = chart.Epoch{Epoch: l.Epoch, TrainLoss: l.TrainLoss, TestLoss: l.TestLoss, TestAcc1: l.TestAcc1,
			TestAcc5: l.TestAcc5, LR: l.TrainLR}
	}
	return chart.Curves(epochs)
}
