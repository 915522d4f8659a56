// Package book draws what package fieldguide gathers: one page of HTML, and a plate for each class.
package book

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/internal/wholefile"
	"github.com/gointr/gointr/pkg/fieldguide"
)

// Files are those that Save writes for the page at path, which must end in .html: the page, the table and all numbers.
func Files(path string) (page, table, numbers string, err error) {
	ext := filepath.Ext(path)
	if !strings.EqualFold(ext, ".html") && !strings.EqualFold(ext, ".htm") {
		return "", "", "", fmt.Errorf("%s cannot be written: a field guide is a page, so end its name with .html", path)
	}
	bare := strings.TrimSuffix(path, ext)
	return path, bare + ".csv", bare + ".json", nil
}

// Save writes the page (WriteHTML) and, beside it, the table (fieldguide.Guide.WriteCSV) as .csv and the whole guide as
// .json. Each file appears whole or not at all.
func Save(ctx context.Context, g *fieldguide.Guide, path string) error {
	page, table, numbers, err := Files(path)
	if err != nil {
		return err
	}
	if err := wholefile.JSON(numbers, g); err != nil {
		return err
	}
	if err := wholefile.Write(table, g.WriteCSV); err != nil {
		return err
	}
	// Last: when it is there, all is.
	return wholefile.Write(page, func(w io.Writer) error { return WriteHTML(ctx, g, w) })
}
