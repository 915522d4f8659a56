package train

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/intr"
)

// Calibrate gives the backbone's BatchNorms the means and variances that they
// see on a batch, from the stem on, each with the ones before it already
// calibrated. It is what a model from nothing needs where BatchNorm stays
// frozen: without it, features grow from layer to layer. engine is as in
// Settings.
func (s *Start) Calibrate(engine string, b *Batch) error {
	if err := b.check(s.Config, len(b.Classes)); err != nil {
		return err
	}
	e, err := backend.Open(engine)
	if err != nil {
		return err
	}
	m, err := intr.New(e, s.Config, s.Values)
	if err != nil {
		return err
	}
	defer m.Close()
	var keys []string
	exec, err := m.NewExec(func(nodes []*graph.Node) []*graph.Node {
		keys = nil
		var results []*graph.Node
		m.Features(nodes[0], &intr.Training{Statistics: func(bn string, mean, variance *graph.Node) {
			keys = append(keys, bn+".running_mean", bn+".running_var")
			results = append(results, mean, variance)
		}})
		return results
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	pixels := tensors.FromFlatDataAndDimensions(b.Input.Pixels, len(b.Classes), b.Input.Height, b.Input.Width, 3)
	defer pixels.FinalizeAll()
	results, err := exec.Call(pixels)
	if err != nil {
		return fmt.Errorf("%s could not calibrate on %s: %w", e, b, firstLine(err))
	}
	for i, r := range results {
		values, err := tensors.CopyFlatData[float32](r)
		if err != nil {
			return err
		}
		if err := r.FinalizeAll(); err != nil {
			return err
		}
		for _, v := range values {
			if v-v != 0 {
				return fmt.Errorf("%s cannot be calibrated on: %s comes out as %v", b, keys[i], v)
			}
		}
		s.Values[keys[i]] = values
	}
	return nil
}
