// Package interpret looks at whole classes, as the interpretation script of the published code does
// (tools/visualization.py of github.com/Imageomics/INTR): every picture of a class with where each head found it and
// the classes that look like it; the pictures taken for another class; whether a head is always on the same part.
//
//	d, err := interpret.Open("datasets/birds", "val", model.Classes, model.Names)
//	class, err := d.Class("Indigo Bunting")
//	for p, err := range class.Each(ctx, model, interpret.Options{TopQ: 5}) { … }
//
// A Study gathers what Each gives: a page of HTML, raw maps, tables.
package interpret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/evaluation"
)

// Dataset is one split of a dataset, seen by a model.
type Dataset struct {
	Split *datasets.Split
	*datasets.Labels
	Parts map[string][]datasets.Part // of every picture by its key; nil where the dataset has no parts.csv
}

// Open opens ROOT/SPLIT for a model of a number of classes, whose names may be missing (nil). Which classes the folders
// are is found as datasets.Split.Labels does.
func Open(root, split string, classes int, names []string) (*Dataset, error) {
	pictures, err := datasets.OpenSplit(root, split)
	if err != nil {
		return nil, err
	}
	labels, err := pictures.Labels(classes, names, false)
	if err != nil {
		return nil, err
	}
	return New(pictures, labels)
}

// New is a split at hand with its classes.
func New(split *datasets.Split, labels *datasets.Labels) (*Dataset, error) {
	d := &Dataset{Split: split, Labels: labels}
	parts := filepath.Join(split.Root, "parts.csv")
	if _, err := os.Stat(parts); errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	var err error
	d.Parts, err = datasets.ReadParts(parts)
	return d, err
}

// Truth is the model's class of picture i of the split.
func (d *Dataset) Truth(i int) int { return d.Index[d.Split.Class(i)] }

// Subject is the pictures that are looked at together.
type Subject struct {
	Dataset  *Dataset
	Pictures *datasets.Split
	Class    int // the true one
	Taken    int // of pictures that are taken for another class this one, else -1
}

// Name is the name of the class as people write it.
func (s *Subject) Name() string { return attention.Plain(s.Dataset.Names[s.Class]) }

// Class is the pictures of a class, given by name ("Indigo Bunting" finds "014.Indigo_Bunting") or by number from 0. It
// is an error when the split has none.
func (d *Dataset) Class(class string) (*Subject, error) {
	index, err := attention.Find(class, d.Names, len(d.Names))
	if err != nil {
		return nil, err
	}
	s := &Subject{Dataset: d, Class: index, Taken: -1}
	s.Pictures = d.Split.Only(func(i int) bool { return d.Truth(i) == index })
	if s.Pictures.Len() == 0 {
		return nil, fmt.Errorf("%s has no pictures of class %d (%s): it has those of %s",
			filepath.Join(d.Split.Root, d.Split.Name), index, attention.Plain(d.Names[index]), d.some())
	}
	return s, nil
}

// some names the classes with pictures; of many the first five.
func (d *Dataset) some() string {
	const told = 5
	var names []string
	for i, class := range d.Index {
		if i == told && len(d.Index) > told+1 {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(d.Index)-told)
		}
		names = append(names, fmt.Sprintf("%d (%s)", class, attention.Plain(d.Names[class])))
	}
	return strings.Join(names, ", ")
}

// Confused is the pictures of the n pairs of classes that a report says are confused most often: of each pair those of
// the first class that were taken for the second, then the others. The report is of this very split, its answers in
// order.
func (d *Dataset) Confused(r *evaluation.Report, n int) ([]*Subject, error) {
	if len(r.Answers) != d.Split.Len() {
		return nil, fmt.Errorf("the report is of %d pictures, the dataset has %d: evaluate it anew",
			len(r.Answers), d.Split.Len())
	}
	if n < 1 {
		return nil, fmt.Errorf("at least 1 pair of classes must be asked for, not %d", n)
	}
	var all []*Subject
	for _, pair := range r.Confused[:min(n, len(r.Confused))] {
		for _, way := range [][2]int{{pair.A, pair.B}, {pair.B, pair.A}} {
			if r.Confusion[way[0]][way[1]] > 0 {
				pictures := d.Split.Only(func(i int) bool {
					return way == [2]int{r.Answers[i].Class, r.Answers[i].Predicted}
				})
				all = append(all, &Subject{Dataset: d, Pictures: pictures, Class: way[0], Taken: way[1]})
			}
		}
	}
	return all, nil
}
