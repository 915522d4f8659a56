package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/picture"
)

// benched is what bench measures, in seconds.
type benched struct {
	Engine  string    `json:"engine"`
	Start   float64   `json:"start"`   // of the engine
	Load    float64   `json:"load"`    // checkpoint to weights on the engine
	Read    float64   `json:"read"`    // file to resized picture, median
	First   float64   `json:"first"`   // forward pass with its compilation
	Forward []float64 `json:"forward"` // forward passes after it, all attention handed out
	Median  float64   `json:"median"`  // of Forward
	CPU     []float64 `json:"cpu"`     // processor seconds of each of Forward
	Parts   []float64 `json:"parts"`   // backbone and transformer, medians; zeros where the engine cannot tell
	Others  []float64 `json:"others"`  // the first pass of each further picture
}

func benchCommand(c *common) *cobra.Command {
	var m modelFlags
	var runs int
	cmd := &cobra.Command{
		Use:   "bench IMAGE… --checkpoint C",
		Short: "time loading, reading and the forward pass",
		Long: `Times loading, reading and the forward pass of the first picture, then one pass of each
further picture. make bench sets it beside PyTorch and others in the same run.`,
		Args: atLeast(1, "a picture"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if runs < 1 {
				return wrong("--runs must be at least 1, not %d", runs)
			}
			start := time.Now()
			lap := func() float64 { s := time.Since(start).Seconds(); start = time.Now(); return s }
			engine, err := backend.Open(c.backend)
			if err != nil {
				return err
			}
			result := benched{Engine: engine.String(), Start: lap()}
			model, err := m.load(cmd, c)
			if err != nil {
				return err
			}
			defer model.Close()
			result.Load = lap()
			var p *picture.Picture
			var reads []float64
			for range runs {
				if p, err = picture.Open(args[0]); err != nil {
					return err
				}
				p.Eval(model.Config.EvalSize)
				reads = append(reads, lap())
			}
			input := p.Eval(model.Config.EvalSize)
			var backbone, transformer []float64
			for i := range runs + 1 {
				lap()
				before := processorSeconds()
				_, took, err := model.Answer(cmd.Context(), true, input)
				if err != nil {
					return err
				}
				if seconds := lap(); i == 0 {
					result.First = seconds
					continue
				} else {
					result.Forward = append(result.Forward, seconds)
				}
				result.CPU = append(result.CPU, processorSeconds()-before)
				backbone = append(backbone, took.Backbone.Seconds())
				transformer = append(transformer, took.Transformer.Seconds())
			}
			result.Read, result.Median = median(reads), median(result.Forward)
			result.Parts = []float64{median(backbone), median(transformer)}
			for _, path := range args[1:] {
				if p, err = picture.Open(path); err != nil {
					return err
				}
				input := p.Eval(model.Config.EvalSize)
				lap()
				if _, _, err := model.Answer(cmd.Context(), true, input); err != nil {
					return err
				}
				result.Others = append(result.Others, lap())
			}
			return c.tell(cmd, result,
				line("%s\nstart %.2f s, load %.2f s, read %.3f s, first forward %.3f s, forward %.3f s (median of %d)",
					result.Engine, result.Start, result.Load, result.Read, result.First, result.Median, runs))
		},
	}
	m.register(cmd)
	cmd.Flags().IntVar(&runs, "runs", 5, "forward passes to time, after the first")
	return cmd
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[len(sorted)/2]
}
