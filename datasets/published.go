package datasets

// Dataset is one that INTR was published with.
type Dataset struct {
	Name       string // as --dataset_name of the published scripts has it
	Title      string
	Classes    int     // and so queries
	Acc1, Acc5 float64 // of INTR-R50 on its test pictures, in percent; 0 where no checkpoint is published
	Page       string  // where the pictures are to be had
}

// Published are the eight datasets of the paper (Paul et al., ICLR 2024). Sources:
// the numbers of classes in models/intr.py of github.com/Imageomics/INTR, the
// accuracies and pages in its README; the pages of the others are their makers'.
var Published = []Dataset{
	{"cub", "CUB-200-2011", 200, 71.8, 89.3,
		"www.vision.caltech.edu/datasets/cub_200_2011 (gointr import lays it out)"},
	{"bird525", "the 525 bird species from Kaggle", 525, 97.4, 99.2,
		"www.kaggle.com/datasets/gpiosenka/100-bird-species"},
	{"fish", "the fishes of iNaturalist 2021", 183, 0, 0,
		"github.com/visipedia/inat_comp (2021; the folders of Actinopterygii)"},
	{"dog", "Stanford Dogs", 120, 0, 0, "vision.stanford.edu/aditya86/ImageNetDogs"},
	{"butterfly", "the Cambridge butterflies", 65, 95.0, 98.3,
		"huggingface.co/datasets/imageomics/Cambridge_butterfly"},
	{"pet", "Oxford-IIIT Pet", 37, 0, 0, "www.robots.ox.ac.uk/~vgg/data/pets"},
	{"car", "Stanford Cars", 196, 0, 0, "ai.stanford.edu/~jkrause/cars/car_dataset.html"},
	{"craft", "FGVC-Aircraft", 100, 0, 0, "www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft"},
}

// Find is the published dataset of a name; false where none is called so.
func Find(name string) (Dataset, bool) {
	for _, d := range Published {
		if d.Name == name {
			return d, true
		}
	}
	return Dataset{}, false
}
