package evaluation

import (
	"strconv"

	"github.com/gointr/gointr/internal/wholefile"
)

// WriteCSV writes a line a picture: image, class, predicted (both by name as given to New), rank, probability, loss.
// The file appears whole or not at all.
func (t *Tally) WriteCSV(path string) error {
	rows := [][]string{{"image", "class", "predicted", "rank", "probability", "loss"}}
	for _, a := range t.answers {
		rows = append(rows, []string{
			a.Image, t.names[a.Class], t.names[a.Predicted], strconv.Itoa(a.Rank),
			strconv.FormatFloat(a.Probability, 'g', 7, 64), strconv.FormatFloat(a.Loss, 'g', 7, 64),
		})
	}
	return wholefile.CSV(path, rows)
}

// WriteClasses writes a line a class: index, class, images, acc1 and precision in percent, and the class that it is
// most often mistaken for, by name, empty where it is for none. The file appears whole or not at all.
func (r *Report) WriteClasses(path string) error {
	rows := [][]string{{"index", "class", "images", "acc1", "precision", "mistaken_for"}}
	for _, c := range r.Classes {
		taken := ""
		if c.Taken >= 0 {
			taken = r.Classes[c.Taken].Name
		}
		rows = append(rows, []string{
			strconv.Itoa(c.Index), c.Name, strconv.Itoa(c.Images),
			strconv.FormatFloat(c.Acc1, 'f', 2, 64), strconv.FormatFloat(c.Precision, 'f', 2, 64), taken,
		})
	}
	return wholefile.CSV(path, rows)
}
