package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/backend"
)

func TestDoctor(t *testing.T) {
	code, stdout, stderr := gointr("doctor", "--json")
	if code != 0 {
		t.Fatalf("ends with %d: %s", code, stderr)
	}
	var d diagnosis
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("not one object on one line (%v): %s", err, stdout)
	}
	if len(d.Engines) != 3 || d.Machine.Cores == 0 {
		t.Errorf("it lacks something: %+v", d)
	}
	for _, r := range d.Engines {
		if r.Engine == backend.Go && (!r.Works || r.GFlops <= 0) || !r.Works && r.Problem == "" {
			t.Errorf("%+v", r)
		}
	}
	code, stdout, _ = gointr("doctor", "--backend=go")
	if code != 0 || !strings.Contains(stdout, "works") || strings.Contains(stdout, "cuda") {
		t.Errorf("ends with %d: %s", code, stdout)
	}
	code, _, stderr = gointr("doctor", "--backend=abacus")
	if code != 1 || !strings.Contains(stderr, "abacus") {
		t.Errorf("an unknown engine ends with %d: %s", code, stderr)
	}
	if code, _, stderr := gointr("setup", "--backend=go"); code != 2 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("setup of the pure-Go engine ends with %d: %s", code, stderr)
	}
}

// A plugin that ends the program is a finding, not the doctor's end.
func TestDoctorOfABrokenPlugin(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/pjrt_c_api_cpu_plugin.so", []byte("\x7fELF"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(backend.PathVariable, folder)
	code, stdout, stderr := gointr("doctor", "--json", "--backend=xla")
	if code != 1 || !strings.Contains(stdout, `"works":false`) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("ends with %d: %s%s", code, stdout, stderr)
	}
}
