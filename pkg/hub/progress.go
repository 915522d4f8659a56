package hub

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A meter tells how far a download is: a bar on a terminal, else a line at the start and one at the end.
type meter struct {
	w          io.Writer
	name, path string
	started    bool
	from       int64
	since      time.Time
	bar        *progressbar.ProgressBar // nil where there is no terminal
}

func (m *meter) start(have, size int64) {
	if m.started {
		m.set(have)
		return
	}
	m.started, m.from, m.since = true, have, time.Now()
	if f, ok := m.w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.bar = progressbar.NewOptions64(size,
			progressbar.OptionSetWriter(m.w),
			progressbar.OptionSetDescription(filepath.Base(m.name)),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowTotalBytes(true),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
		m.set(have)
		return
	}
	if have > 0 {
		fmt.Fprintf(m.w, "downloading %s (%s, going on from %s)\n", m.name, amount(size), amount(have))
	} else {
		fmt.Fprintf(m.w, "downloading %s (%s)\n", m.name, amount(size))
	}
}

func (m *meter) set(have int64) {
	if m.bar != nil {
		_ = m.bar.Set64(have)
	}
}

// stop leaves the bar as it is.
func (m *meter) stop() {
	if m.bar != nil {
		_ = m.bar.Exit()
		fmt.Fprintln(m.w)
	}
}

func (m *meter) done(size int64) {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
	if m.started {
		fmt.Fprintf(m.w, "downloaded %s in %v to %s\n", amount(size-m.from),
			time.Since(m.since).Round(100*time.Millisecond), m.path)
	}
}

// amount is a number of bytes for people, in powers of ten.
func amount(n int64) string {
	switch {
	case n < 1_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 10_000_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f GB", float64(n)/1e9)
}
