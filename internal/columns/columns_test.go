package columns

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/rivo/uniseg"
)

// What is of one place a letter is laid out as text/tabwriter does.
func TestAsTabwriter(t *testing.T) {
	for _, text := range []string{
		"", "one\n", "a\tb\tc\nlong one\tb\t\n\tx\ty\n", "head\n\n1.\tBunting\t99 %\n10.\tRobin\t1 %\nno tab\n2\tb\n",
		"no end\ta",
		"  1.\tŁabędź\t3\n", " blanks \t at ends \t.\n",
	} {
		var want, got bytes.Buffer
		table := tabwriter.NewWriter(&want, 2, 0, 2, ' ', 0)
		fmt.Fprint(table, text)
		table.Flush()
		w := New(&got)
		fmt.Fprint(w, text)
		if err := w.Flush(); err != nil || got.String() != want.String() {
			t.Errorf("%q is %q, tabwriter's %q (%v)", text, got.String(), want.String(), err)
		}
	}
}

func TestWideLetters(t *testing.T) {
	var out bytes.Buffer
	w := New(&out)
	fmt.Fprint(w, "红耳鹎\t1\nシジュウカラ\t2\nनीलकंठ\t3\n🐦 Wee\t4\nRobin\t5\n")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if at := uniseg.StringWidth(line[:len(line)-2]); at != 14 {
			t.Errorf("the number is at place %d in %q", at, line)
		}
	}
}
