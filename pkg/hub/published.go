package hub

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

// Published are the checkpoints that Find knows by name. Sources: the table of
// checkpoints in the README of github.com/Imageomics/INTR, the numbers of classes
// in its models/intr.py, and the model zoo in the README of
// github.com/facebookresearch/detr.
var Published = []Checkpoint{
	{
		Name: "cub", Repo: intrRepo, File: "intr_checkpoint_cub_detr_r50.pth", Classes: 200,
		About: "INTR-R50 on CUB-200-2011: 71.8 % of its test pictures right at first, 89.3 % within five",
	},
	{
		Name: "bird", Repo: intrRepo, File: "intr_checkpoint_bird_detr_r50.pth", Classes: 525,
		About: "INTR-R50 on the 525 bird species from Kaggle: 97.4 % right at first, 99.2 % within five",
	},
	{
		Name: "butterfly", Repo: intrRepo, File: "intr_checkpoint_butterfly_detr_r50.pth", Classes: 65,
		About: "INTR-R50 on the Cambridge butterflies, 65 classes: 95.0 % right at first, 98.3 % within five",
	},
	{
		Name: "detr-r50", URL: "https://dl.fbaipublicfiles.com/detr/detr-r50-e632da11.pth", File: "detr-r50-e632da11.pth", Size: "159 MB",
		About: "DETR-R50 (Carion et al., ECCV 2020), trained on COCO: what INTR is fine-tuned from",
	},
}

const intrRepo = "imageomics/INTR"
