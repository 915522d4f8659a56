package hub

import (
	"fmt"

	"github.com/gointr/gointr/datasets"
)

// Checkpoint is a published checkpoint.
type Checkpoint struct {
	Name    string // what Find knows it by
	Repo    string // OWNER/REPO on Hugging Face; empty where URL is set
	URL     string // of a file elsewhere; its name has the digest as torch.hub writes it
	File    string
	Classes int    // 0 for a detector, which is a start for training
	Size    string // as published; empty where it is not
	About   string
}

// Published are the checkpoints that Find knows by name: the sample, which comes with this package, and those that are
// downloaded. Sources: the table of checkpoints in the README of github.com/Imageomics/INTR, datasets.Published, and
// the model zoo in the README of github.com/facebookresearch/detr.
var Published = []Checkpoint{
	{Name: Sample, Classes: 8, About: "a small INTR on drawn birds, which is always there"},
	trained("cub", "intr_checkpoint_cub_detr_r50.pth", "cub"),
	trained("bird", "intr_checkpoint_bird_detr_r50.pth", "bird525"),
	trained("butterfly", "intr_checkpoint_butterfly_detr_r50.pth", "butterfly"),
	{
		Name: "detr-r50", URL: "https://dl.fbaipublicfiles.com/detr/detr-r50-e632da11.pth",
		File: "detr-r50-e632da11.pth", Size: "159 MB",
		About: "DETR-R50 (Carion et al., ECCV 2020), trained on COCO: what INTR is fine-tuned from",
	},
}

const intrRepo = "imageomics/INTR"

func trained(name, file, dataset string) Checkpoint {
	d, ok := datasets.Find(dataset)
	if !ok {
		panic("hub: no published dataset is called " + dataset)
	}
	return Checkpoint{
		Name: name, Repo: intrRepo, File: file, Classes: d.Classes,
		About: fmt.Sprintf("INTR-R50 on %s, %d classes: %.1f %% of its test pictures right at first, %.1f %% "+
			"within five", d.Title, d.Classes, d.Acc1, d.Acc5),
	}
}
