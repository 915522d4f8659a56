package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/model"
)

// labelFlags say which of a model's classes the folders of a dataset are.
type labelFlags struct{ byOrder bool }

func (f *labelFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.byOrder, "by-order", false,
		"take the folders in their order for the model's first classes, whatever their names")
}

// of finds the classes, and says what told them where it was not all folders in their order.
func (f *labelFlags) of(cmd *cobra.Command, split *datasets.Split, m model.About) (*datasets.Labels, error) {
	labels, err := split.Labels(m.Classes, m.Names, f.byOrder)
	if err == nil && (labels.Some() || f.byOrder) {
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %s\n", labels)
	}
	return labels, err
}

// tell is of for those who open the dataset themselves.
func (f *labelFlags) tell(cmd *cobra.Command, dataset, split string, m model.About) error {
	pictures, err := datasets.OpenSplit(dataset, split)
	if err == nil {
		_, err = f.of(cmd, pictures, m)
	}
	return err
}
