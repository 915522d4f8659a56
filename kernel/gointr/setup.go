package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/pkg/backend"
)

func setupCommand(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "get XLA, for graphs",
		Long: `Makes XLA ready: on the CPU for trainings with BatchNorm's statistics (from nothing), in
bfloat16 or on several devices and for graphs of one's own, and for all on an NVIDIA GPU where
there is one. A PJRT plugin that is already on this machine is kept; else go-xla's installer is
asked, then pip. Answers and fine-tuning on the CPU need none of it.
--backend xla or cuda sets up only that engine.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			kinds := []string{backend.XLA}
			switch c.backend {
			case backend.Auto:
				if backend.HasGPU() {
					kinds = append(kinds, backend.CUDA)
				}
			case backend.XLA, backend.CUDA:
				kinds = []string{c.backend}
			default:
				return wrong("there is nothing to set up for --backend %s: choose auto, xla or cuda", c.backend)
			}
			for _, kind := range kinds {
				plugin, err := backend.Setup(cmd.Context(), kind, cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				report := probe(cmd.Context(), kind)
				if c.json {
					if err := printJSON(cmd, report); err != nil {
						return err
					}
				}
				if !report.Works {
					return fmt.Errorf("%s: %s", plugin, report.Problem)
				}
				if !c.json {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is ready, with %s\n", backend.Title(kind), plugin)
				}
			}
			return nil
		},
	}
}
