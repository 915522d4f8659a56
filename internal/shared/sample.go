package shared

import (
	"os"
	"testing"
)

// Sample is one of so many pictures, which a long comparison looks at, or all of
// them in make test-all (GOINTR_TEST_ALL). The test says so.
func Sample[T any](t testing.TB, all []T, every int) []T {
	t.Helper()
	if every == 1 || os.Getenv("GOINTR_TEST_ALL") != "" {
		return all
	}
	var some []T
	for i := 0; i < len(all); i += every {
		some = append(some, all[i])
	}
	t.Logf("a sample of %d of %d pictures: make test-all looks at all of them", len(some), len(all))
	return some
}
