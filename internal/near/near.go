// Package near finds the name that a misspelt one was meant to be.
package near

import (
	"cmp"
	"slices"
	"strings"
)

// Name is the name closest to a misspelt one: one that it begins or goes on with, else one that differs by a slip of
// the keys or two; "" where none is close. Capital letters count as small ones.
func Name(wrong string, names []string) string {
	wrong = strings.ToLower(wrong)
	least := 2
	if len(wrong) > 3 {
		least = max(3, len(wrong)/3+1)
	}
	best := ""
	for _, name := range names {
		lower := strings.ToLower(name)
		if len(wrong) >= 3 && len(lower) >= 3 && (strings.HasPrefix(wrong, lower) || strings.HasPrefix(lower, wrong)) {
			return name
		}
		if d := slips(wrong, lower); d < least && d < len(lower)-1 {
			best, least = name, d
		}
	}
	return best
}

// Names are at most n names that a misspelt one may have been: those that have it in them, then the closest, the
// closest first.
func Names(wrong string, names []string, n int) []string {
	wrong = strings.ToLower(wrong)
	type found struct {
		name string
		far  int
	}
	var all []found
	for _, name := range names {
		lower := strings.ToLower(name)
		d := slips(wrong, lower)
		if len(wrong) >= 3 && strings.Contains(lower, wrong) {
			d = 0
		}
		if d <= max(1, len(wrong)/3) {
			all = append(all, found{name, d})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.far, b.far) })
	var best []string
	for _, f := range all[:min(n, len(all))] {
		best = append(best, f.name)
	}
	return best
}

// slips counts the letters to insert, leave out, change or swap with the next.
func slips(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range y {
		d[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			d[i+1][j+1] = min(d[i][j]+change, d[i][j+1]+1, d[i+1][j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
