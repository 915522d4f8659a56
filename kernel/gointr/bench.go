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
}

func benchCommand(c *common) *cobra.Command {
	var m modelFlags
	var runs int
	cmd := &cobra.Command{
		Use:   "bench IMAGE --checkpoint C",
		Short: "time loading, reading and the forward pass",
		Long:  "Times loading, reading and the forward pass. make bench sets it beside PyTorch in the same run.",
		Args:  exactly(1, "one picture"),
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
			for i := range runs + 1 {
				lap()
				if _, err := model.Explain(cmd.Context(), args[0], p); err != nil {
					return err
				}
				if seconds := lap(); i == 0 {
					result.First = seconds
				} else {
					result.Forward = append(result.Forward, seconds)
				}
			}
			result.Read, result.Median = median(reads), median(result.Forward)
			return c.tell(cmd, result,
				line("%s\nstart %.2f s, load %.2f s, read %.3f s, first forward %.2f s, forward %.2f s (median of %d)",
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
