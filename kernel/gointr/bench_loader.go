package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/picture"
)

// benchLoaderCommand is for make bench: a user of the command line has nothing
// to load without a model.
func benchLoaderCommand() *cobra.Command {
	l := &datasets.Loader{Transform: picture.TrainTransform(800), Train: true}
	cmd := &cobra.Command{
		Use:    "bench-loader D",
		Short:  "time an epoch of batches for training, as the network takes them",
		Hidden: true,
		Args:   exactly(1, "one dataset"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if l.Split, err = datasets.OpenSplit(args[0], "train"); err != nil {
				return err
			}
			var took time.Duration
			for epoch := range 2 { // the first one has the files read
				start := time.Now()
				for batch, err := range l.Epoch(cmd.Context(), epoch, 0) {
					if err != nil {
						return err
					}
					intr.NewBatch(batch.Pictures...)
				}
				took = time.Since(start)
			}
			pictures := l.Batches() * l.BatchSize
			return printJSON(cmd, struct {
				Pictures  int     `json:"pictures"`
				Seconds   float64 `json:"seconds"`
				PerSecond float64 `json:"per_second"`
			}{pictures, took.Seconds(), float64(pictures) / took.Seconds()})
		},
	}
	cmd.Flags().IntVar(&l.Workers, "workers", 0, "pictures worked on at a time; 0 is one a core")
	cmd.Flags().IntVar(&l.BatchSize, "batch-size", 12, "pictures in a batch")
	return cmd
}
