package evaluation

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/gointr/gointr/internal/wholefile"
)

// WriteCSV writes a line a picture: image, class, predicted (both by name as
// given to New), rank, probability, loss. The file appears whole or not at all.
func (t *Tally) WriteCSV(path string) error {
	return wholefile.Write(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		rows := [][]string{{"image", "class", "predicted", "rank", "probability", "loss"}}
		for _, a := range t.answers {
			rows = append(rows, []string{
				a.Image, t.names[a.Class], t.names[a.Predicted], strconv.Itoa(a.Rank),
				strconv.FormatFloat(a.Probability, 'g', 7, 64), strconv.FormatFloat(a.Loss, 'g', 7, 64),
			})
		}
		return out.WriteAll(rows)
	})
}
