package shared

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Main runs the tests of a package that starts processes, and ends what they
// leave: sessions, trainings, browsers, and what those started. However the tests
// end: a keeper waits for the end of a pipe of theirs, which go test's timeout and
// SIGKILL bring as well. The session of these processes lives in a folder of the
// tests' own. The result is the exit code.
func Main(m *testing.M) (code int) {
	folder, err := os.MkdirTemp("", "gointr-test-")
	if err != nil {
		panic(err)
	}
	keeper := exec.Command("sh", filepath.Join(Root(), "internal", "shared", "keeper.sh"), mark+"="+folder, folder)
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends the tests' group leaves it
	var alive io.Closer
	if alive, err = keeper.StdinPipe(); err == nil {
		err = keeper.Start() // before the mark is in its environment
	}
	if err != nil {
		panic(err)
	}
	os.Setenv(mark, folder)
	os.Setenv("GOINTR_RUNTIME_DIR", folder)
	defer func() {
		alive.Close()
		_ = keeper.Wait()
	}()
	return m.Run()
}

// mark is the environment variable by which a keeper knows the processes of its tests.
const mark = "GOINTR_TEST_PROCESSES"
