package main

import (
	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
)

// imported is the line that import prints with --json.
type imported struct {
	Dataset string `json:"dataset"`
	*datasets.Imported
}

func importCommand(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "import CUB_200_2011 DIR",
		Short: "lay a download of CUB-200-2011 out as a dataset",
		Long: `Lays the folder CUB_200_2011, as the download unpacks to, out as training takes it:
DIR/train/CLASS and DIR/val/CLASS by the official split, with boxes.csv and
parts.csv. Pictures are hard links where the file system makes them, else copies.
DIR appears whole or not at all.`,
		Args: exactly(2, "the folder of the download and a new one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := datasets.ImportCUB(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return c.tell(cmd, imported{args[1], result},
				line("%s: %d classes, %d pictures for training, %d for validation, %d boxes, %d places of parts",
					args[1], result.Classes, result.Train, result.Val, result.Boxes, result.Parts))
		},
	}
}
