package datasets

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
)

// What told which of a model's classes a folder is.
const (
	ByName   = "name"
	ByNumber = "number" // in front of the folder's name, from 1 as in CUB-200-2011: "014.Indigo_Bunting" is class 13
	ByOrder  = "order"  // the first folder is class 0, as in the published scripts
)

// Labels are the folders of a split as a model numbers its classes.
type Labels struct {
	Names []string // of the model's classes, by index
	Index []int    // the model's class of each folder, in the order of Split.Classes
	By    string   // ByName, ByNumber or ByOrder

	of string // the split
}

// Labels finds the class of each folder for a model of a number of classes, whose names may be missing (nil). There
// may be folders of some classes only. A folder is the class of its name; where the model has no names and not all
// classes have a folder, that of its number, if every folder has one; else they are taken in their order, and so they
// are where byOrder asks for it. It is an error when there are more folders than classes, when a folder has no class
// of its name (of folders for all classes, when most have none), and when such folders come in another order.
func (s *Split) Labels(classes int, names []string, byOrder bool) (*Labels, error) {
	top := filepath.Join(s.Root, s.Name)
	if len(s.Classes) > classes {
		return nil, fmt.Errorf("%s has %d classes, but the model has %d: take a model of the classes that it was "+
			"trained on", top, len(s.Classes), classes)
	}
	l := &Labels{Names: names, By: ByOrder, of: top}
	for i := range s.Classes {
		l.Index = append(l.Index, i)
	}
	numbers := s.numbers(classes)
	switch {
	case byOrder:
	case names != nil:
		l.By = ByName
		if err := l.byName(s.Classes); err != nil {
			return nil, fmt.Errorf("%w, or have them taken in their order (--by-order)", err)
		}
	case len(s.Classes) < classes && numbers != nil:
		l.Index, l.By = numbers, ByNumber
	}
	if names == nil {
		for class := range classes {
			l.Names = append(l.Names, attention.Name(nil, class))
		}
		for i, class := range l.Index {
			l.Names[class] = s.Classes[i]
		}
	}
	return l, nil
}

func (l *Labels) byName(folders []string) error {
	same, alike := map[string][]int{}, map[string][]int{}
	for i, name := range l.Names {
		same[name] = append(same[name], i)
		alike[attention.Fold(name)] = append(alike[attention.Fold(name)], i)
	}
	taken, inPlace, all := map[int]string{}, 0, len(folders) == len(l.Names)
	var missing error
	for i, folder := range folders {
		fold := attention.Fold(folder)
		found, class := same[folder], i
		if len(found) == 0 {
			found = alike[fold]
		}
		switch {
		case all && attention.Fold(l.Names[i]) == fold: // of classes with one name, too
			inPlace++
		case len(found) == 1 && all && found[0] != i:
			return fmt.Errorf("%s is class %d by the model's names, but class %d among the folders of %s: the names "+
				"must be those of the model, in its order", folder, found[0], i, l.of)
		case len(found) == 1:
			class = found[0]
		case len(found) > 1:
			return fmt.Errorf("the folder %s of %s has the name of %d of the model's classes: give these names of "+
				"their own", folder, l.of, len(found))
		case missing == nil:
			missing = fmt.Errorf("the folder %s of %s has the name of none of the model's %d classes (%s …): name "+
				"the folders as the model names its classes", folder, l.of, len(l.Names), l.Names[0])
		}
		if other, twice := taken[class]; twice {
			return fmt.Errorf("the folders %s and %s of %s are both the model's class %d: give each class one folder",
				other, folder, l.of, class)
		}
		taken[class] = folder
		l.Index[i] = class
	}
	if all && 2*inPlace > len(folders) {
		return nil // a class or two are called otherwise, and each has its place
	}
	return missing
}

// numbers are the classes of the folders by the numbers in front of their names, or nil.
func (s *Split) numbers(classes int) []int {
	var all []int
	for _, folder := range s.Classes {
		number, _, numbered := strings.Cut(folder, ".")
		n, err := strconv.Atoi(number)
		if !numbered || err != nil || n < 1 || n > classes || slices.Contains(all, n-1) {
			return nil
		}
		all = append(all, n-1)
	}
	return all
}

// Some says whether the folders are those of some of the model's classes only.
func (l *Labels) Some() bool { return len(l.Index) < len(l.Names) }

// String says in a sentence which classes the folders are, and what told.
func (l *Labels) String() string {
	what := map[string]string{
		ByName:   "found by their names",
		ByNumber: "found by the numbers in front of their names",
		ByOrder:  "taken in their order, as the published scripts do",
	}[l.By]
	some := "all"
	if l.Some() {
		some = fmt.Sprint(len(l.Index))
	}
	return fmt.Sprintf("%s has folders of %s of the model's %d classes, %s", l.of, some, len(l.Names), what)
}
