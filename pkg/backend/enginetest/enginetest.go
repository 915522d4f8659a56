// Package enginetest runs tests on every compute engine that is here.
package enginetest

import (
	"os"
	"testing"

	"github.com/gointr/gointr/pkg/backend"
)

// Each runs a test on every engine that is installed here, or on the one that
// GOINTR_TEST_BACKEND names, which must be (make gpu-check says cuda).
func Each(t *testing.T, test func(t *testing.T, engine string)) {
	names := []string{backend.XLA, backend.Go}
	if name := os.Getenv("GOINTR_TEST_BACKEND"); name != "" {
		names = []string{name}
	}
	// XLA reads it by itself; so go test knows that other flags may give other results.
	_ = os.Getenv("XLA_FLAGS")
	for _, engine := range names {
		t.Run(engine, func(t *testing.T) {
			if _, err := backend.Open(engine); err != nil {
				if len(names) == 1 {
					t.Fatal(err)
				}
				t.Skipf("skipped: %v", err)
			}
			test(t, engine)
		})
	}
}
